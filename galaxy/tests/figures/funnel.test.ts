import { expect, test } from "vitest";
import { funnelRows, narrowest } from "../../src/figures/funnel";
import { type FunnelCount, STAGES } from "../../src/records";

const counts: FunnelCount[] = [
  { stage: "updates", evaluations: 10815, openings: null },
  { stage: "cycles", evaluations: 9291, openings: 5 },
  { stage: "after_fees", evaluations: 8419, openings: 11 },
  { stage: "after_sizing", evaluations: 617, openings: 10 },
  { stage: "after_costs", evaluations: 462, openings: 10 },
  { stage: "after_risk", evaluations: 9, openings: 9 },
  { stage: "taken", evaluations: 9, openings: 9 },
];

test("the shipped day's funnel says what share passes each stage", () => {
  const rows = funnelRows(counts, {});
  expect(rows.map((row) => row.passes?.toFixed(3))).toEqual([
    undefined,
    undefined,
    "0.906",
    "0.073",
    "0.749",
    "0.019",
    "1.000",
  ]);
  expect(narrowest(rows)?.stage).toBe("after_risk");
});

test("bars are on a log scale: the most is whole, nothing is none, one can be seen", () => {
  const rows = funnelRows(
    [
      { stage: "updates", evaluations: 99_999, openings: null },
      { stage: "cycles", evaluations: 999, openings: null },
      { stage: "after_fees", evaluations: 1, openings: null },
      { stage: "after_sizing", evaluations: 0, openings: null },
    ],
    {},
  );
  expect(rows.map((row) => Number(row.bar.toFixed(2)))).toEqual([1, 0.6, 0.06, 0]);
});

test("a stage after one that nobody reached has no share, and nothing known is no zero", () => {
  const rows = funnelRows(
    STAGES.map((stage) => ({ stage, evaluations: 0, openings: null })),
    {},
  );
  expect(rows.every((row) => row.passes === null && row.bar === 0 && row.perMinute === null)).toBe(true);
  expect(narrowest(rows)).toBeNull();
  expect(funnelRows([], {})).toEqual([]);
});

test("rates belong to their stages", () => {
  const rows = funnelRows(counts, { updates: 120.5, taken: 0 });
  expect(rows[0]?.perMinute).toBe(120.5);
  expect(rows.at(-1)?.perMinute).toBe(0);
  expect(rows[1]?.perMinute).toBeNull();
});
