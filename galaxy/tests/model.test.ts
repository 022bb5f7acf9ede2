import { expect, test } from "vitest";
import { KEPT, RunModel } from "../src/model";
import { changes, hello, pool, snapshot, status } from "./sample";

function model(): RunModel {
  const folded = new RunModel();
  folded.apply(hello());
  folded.apply(snapshot([pool(0), pool(1)]));
  folded.taken();
  return folded;
}

test("changes are folded in the order new pools, states, opened, judged, closed", () => {
  const folded = model();
  folded.apply(
    changes(2, {
      new_pools: [pool(2)],
      pools: [[2, "5", "6", 1.5, 103, "stale"]],
      opened: [
        [1, [0, 3], 12.5, 103],
        [2, [2, 5], 1, 103],
      ],
      judged: [[1, "after_fees", "below_minimum", 3, null, null, null, null, 103]],
      closed: [[2, 103]],
    }),
  );
  expect(folded.pools.get(2)).toMatchObject({ depth_a: "5", price: 1.5, set_aside: "stale" });
  expect([...folded.open.keys()]).toEqual([1]);
  expect(folded.open.get(1)?.judged).toMatchObject({ stage: "after_fees", missing_bps: 3 });
  expect(folded.closed).toHaveLength(1);
  expect(folded.closed[0]).toMatchObject({ id: 2, closed_slot: 103 });
  expect(folded.slot).toBe(102);
});

test("verdicts and closings of cycles that are not open change nothing", () => {
  const folded = model();
  folded.apply(
    changes(2, { judged: [[9, "cycles", null, null, null, null, null, null, 1]], closed: [[9, 1]] }),
  );
  expect(folded.open.size + folded.closed.length).toBe(0);
});

test("a snapshot replaces the market and counts a gap, and keeps when a cycle opened", () => {
  const folded = model();
  folded.apply(changes(2, { opened: [[1, [0, 3], 12.5, 103]] }));
  folded.apply(
    snapshot([pool(5)], 9, { market: { pools: [pool(5)], open: [[1, [0, 3], 12.5, 103]], judged: [] } }),
  );
  expect(folded.gaps).toBe(2);
  expect([...folded.pools.keys()]).toEqual([5]);
  expect(folded.open.get(1)?.opened_unix_ms).toBe(100);
  expect(folded.taken().replaced).toBe(true);
});

test("hello begins anew", () => {
  const folded = model();
  folded.apply(hello(2));
  expect(folded.pools.size).toBe(0);
  expect(folded.seq).toBe(0);
  expect(folded.gaps).toBe(0);
});

test("at most KEPT closed cycles are remembered, the newest", () => {
  const folded = model();
  for (let id = 1; id <= KEPT + 5; id++) {
    folded.apply(changes(id, { opened: [[id, [0, 3], 1, 1]], closed: [[id, 2]] }));
  }
  expect(folded.closed).toHaveLength(KEPT);
  expect(folded.closed[KEPT - 1]?.id).toBe(KEPT + 5);
});

test("rates per minute are those of the last minute", () => {
  const folded = model();
  expect(folded.perMinute()).toEqual({});
  folded.apply(status(0, 0));
  folded.apply(status(30_000, 600));
  expect(folded.perMinute()).toEqual({ updates: 1200 });
  folded.apply(status(90_000, 660));
  expect(folded.perMinute()).toEqual({ updates: 60 });
});

test("touched says what changed, once", () => {
  const folded = model();
  folded.apply(changes(2, { pools: [[0, "1", "2", 1, 5, null]], opened: [[1, [0, 3], 1, 1]] }));
  const touched = folded.taken();
  expect([...touched.pools]).toEqual([0]);
  expect(touched.opened.map((cycle) => cycle.id)).toEqual([1]);
  expect(folded.taken().pools.size).toBe(0);
});
