import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { RunModel, type Verdict } from "../src/model";
import type { Published } from "../src/records";

const data = (name: string): string => readFileSync(new URL(`./data/${name}`, import.meta.url), "utf8");

const tuple = (id: number, judged: Verdict | null): unknown[] | null =>
  judged && [
    id,
    judged.stage,
    judged.reason,
    judged.missing_bps,
    judged.base_mint,
    judged.amount_in,
    judged.gross_profit,
    judged.net_profit,
    judged.slot,
  ];

test("a run's records fold to what Python's model makes of them", () => {
  const model = new RunModel();
  for (const line of data("records.jsonl").trim().split("\n")) model.apply(JSON.parse(line) as Published);
  const facts = {
    seq: model.seq,
    at_ns: model.at_ns,
    unix_ms: model.unix_ms,
    slot: model.slot,
    gaps: model.gaps,
    states: [...model.pools.values()]
      .sort((a, b) => a.n - b.n)
      .map((pool) => [pool.n, pool.depth_a, pool.depth_b, pool.price, pool.slot, pool.set_aside]),
    open: [...model.open.values()].map(({ id, edges, gain_bps, slot, judged }) => [
      [id, edges, gain_bps, slot],
      tuple(id, judged),
    ]),
    closed: model.closed.map(({ id, closed_slot, judged }) => [id, closed_slot, tuple(id, judged)]),
    trades: model.trades.map((trade) => trade.attempt_id),
    refusals: model.refusals.length,
    notices: model.notices.map((notice) => notice.text),
    per_minute: Object.fromEntries(
      Object.entries(model.perMinute()).map(([stage, rate]) => [stage, Math.round(rate * 1e6) / 1e6]),
    ),
  };
  expect(facts).toEqual(JSON.parse(data("folded.json")));
});
