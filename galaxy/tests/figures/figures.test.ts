import { describe, expect, test } from "vitest";
import { endpointState, winShares } from "../../src/figures/endpoints";
import { hold } from "../../src/figures/hold";
import { bars } from "../../src/figures/latency";
import { meter } from "../../src/figures/limits";
import { cycleKey, path, routeOf, startingAt } from "../../src/figures/route";
import { waterfall } from "../../src/figures/waterfall";
import type { Pool } from "../../src/model";

describe("meter", () => {
  test("says how much is used, and when nothing is left", () => {
    expect(meter("42", "100")).toEqual({ share: 0.42, percent: "42.0 %", pressure: "free" });
    expect(meter("801", "1000").pressure).toBe("close");
    expect(meter("5", "5")).toEqual({ share: 1, percent: "100.0 %", pressure: "used up" });
    expect(meter("250", "100")).toEqual({ share: 1, percent: "250.0 %", pressure: "used up" });
  });

  test("a limit of nothing has no room, a negative use uses nothing", () => {
    expect(meter("0", "0").percent).toBe("no room");
    expect(meter("-3", "10").share).toBe(0);
  });

  test("is exact where floats are not", () => {
    expect(meter("9007199254740992", "9007199254740993").pressure).toBe("close");
  });
});

describe("bars of a histogram", () => {
  test("gather buckets and leave no holes", () => {
    const found = bars([
      [90, 3],
      [100, 1],
      [450, 2],
    ]);
    expect(found).toEqual([
      { fromNs: 50, toNs: 100, count: 4, height: 1 },
      { fromNs: 100, toNs: 200, count: 0, height: 0 },
      { fromNs: 200, toNs: 500, count: 2, height: 0.5 },
    ]);
  });

  test("lose no count", () => {
    const buckets = Array.from({ length: 60 }, (_, index): [number, number] => [
      Math.round(1.7 ** index),
      index,
    ]);
    const all = buckets.reduce((sum, [, count]) => sum + count, 0);
    expect(bars(buckets).reduce((sum, bar) => sum + bar.count, 0)).toBe(all);
    expect(bars([])).toEqual([]);
  });
});

describe("endpoints", () => {
  const open = { is_open: true, is_quarantined: false, behind_slots: 0, wins: 3 };

  test("one word each, the worst first", () => {
    expect(endpointState(open).word).toBe("open");
    expect(endpointState({ ...open, behind_slots: 9 }).word).toBe("behind");
    expect(endpointState({ ...open, is_open: false }).word).toBe("closed");
    expect(endpointState({ ...open, is_open: false, is_quarantined: true }).word).toBe("quarantined");
  });

  test("shares of wins", () => {
    expect(winShares([open, { ...open, wins: 1 }])).toEqual([0.75, 0.25]);
    expect(winShares([{ ...open, wins: 0 }])).toEqual([0]);
  });
});

describe("rows that are held", () => {
  const key = (row: { id: number }) => String(row.id);

  test("keep their places, take new values, and let new rows wait", () => {
    const shown = [
      { id: 1, gain: 5 },
      { id: 2, gain: 6 },
    ];
    const now = [
      { id: 3, gain: 9 },
      { id: 2, gain: 7 },
    ];
    const held = hold(shown, now, key);
    expect(held.rows).toEqual([
      { id: 1, gain: 5 },
      { id: 2, gain: 7 },
    ]);
    expect(held.waiting).toBe(1);
    expect([...held.gone]).toEqual(["1"]);
  });
});

describe("routes", () => {
  const pool = (n: number): Pool => ({
    n,
    pool: `p${n}`,
    venue: "orca_whirlpool",
    mint_a: "SOL",
    mint_b: "USDC",
    decimals_a: 9,
    decimals_b: 6,
    fee_e9: null,
    depth_a: "0",
    depth_b: "0",
    price: null,
    slot: 1,
    set_aside: null,
  });
  const pools = new Map([0, 1].map((n) => [n, pool(n)]));

  test("edges become hops, in the direction of their last bit", () => {
    const steps = routeOf([1, 2], pools);
    expect(path(steps, (mint) => mint)).toBe("USDC → SOL → USDC");
    expect(path(startingAt(steps, "SOL"), (mint) => mint)).toBe("SOL → USDC → SOL");
    expect(path(startingAt(steps, "BONK"), (mint) => mint)).toBe("USDC → SOL → USDC");
  });

  test("unknown pools are left out", () => {
    expect(routeOf([8, 2], pools).map((step) => step.pool.pool)).toEqual(["p1"]);
    expect(path([], (mint) => mint)).toBe("route not known yet");
  });

  test("a cycle is the same wherever it begins", () => {
    expect(cycleKey([5, 2, 9])).toBe(cycleKey([9, 5, 2]));
    expect(cycleKey([5, 2, 9])).not.toBe(cycleKey([5, 9, 2]));
  });
});

test("a waterfall begins with its first span and ends with its last", () => {
  const found = waterfall([
    { stage: "decide", began_unix_ns: 1_100, duration_ns: 300 },
    { stage: "ingest", began_unix_ns: 1_000, duration_ns: 100 },
  ]);
  expect(found).toEqual([
    { stage: "ingest", atNs: 0, durationNs: 100, left: 0, width: 0.25 },
    { stage: "decide", atNs: 100, durationNs: 300, left: 0.25, width: 0.75 },
  ]);
  expect(waterfall([])).toEqual([]);
});
