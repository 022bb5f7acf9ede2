import { describe, expect, test } from "vitest";
import { candidates, hopsOf, openingsOf } from "../../src/figures/candidates";
import {
  cyclesThrough,
  depthOf,
  feeBps,
  heldOverTime,
  otherMint,
  poolsOf,
  pricesOf,
  rateOf,
  upTo,
} from "../../src/figures/market";
import type { Cycle, Pool } from "../../src/model";
import type { Miss } from "../../src/records";

const pool = (n: number, over: Partial<Pool> = {}): Pool => ({
  n,
  pool: `p${n}`,
  venue: "orca_whirlpool",
  mint_a: "SOL",
  mint_b: "USDC",
  decimals_a: 9,
  decimals_b: 6,
  fee_e9: [3_000_000, 3_000_000],
  depth_a: "0",
  depth_b: "0",
  price: 0.25,
  slot: 1,
  set_aside: null,
  ...over,
});

const cycle = (id: number, edges: number[], over: Partial<Cycle> = {}): Cycle => ({
  id,
  edges,
  gain_bps: 1,
  slot: 10,
  opened_unix_ms: 0,
  judged: null,
  closed_slot: null,
  closed_unix_ms: null,
  ...over,
});

const verdict = (reason: string | null, base_mint: string | null = null) => ({
  stage: "after_fees",
  reason,
  missing_bps: 2,
  base_mint,
  amount_in: null,
  gross_profit: null,
  net_profit: null,
  slot: 11,
});

describe("tokens and pools", () => {
  test("the rate is turned round for the other mint, and nothing is said without a price", () => {
    expect(rateOf(pool(0), "SOL")).toBe(0.25);
    expect(rateOf(pool(0), "USDC")).toBe(4);
    expect(rateOf(pool(0, { price: null }), "SOL")).toBeNull();
    expect(rateOf(pool(0, { price: 0 }), "USDC")).toBeNull();
    expect(otherMint(pool(0), "BONK")).toBeNull();
  });

  test("quoted pools come first, deepest first, compared beyond 2^53", () => {
    const pools = [
      pool(0, { depth_a: "9007199254740992" }),
      pool(1, { depth_a: "9007199254740993" }),
      pool(2, { depth_a: "99999999999999999", set_aside: "closed" }),
      pool(3, { mint_a: "BONK", mint_b: "USDC" }),
    ];
    expect(poolsOf("SOL", pools).map((one) => one.n)).toEqual([1, 0, 2]);
    expect(depthOf(pools[1]!, "SOL")).toBe(9007199254740993n);
  });

  test("a price comes from the deepest quoted pool against a base mint, never from one set aside", () => {
    const pools = poolsOf("SOL", [
      pool(0, { depth_a: "5", price: 0.5 }),
      pool(1, { depth_a: "9", price: 0.1, set_aside: "no_liquidity" }),
      pool(2, { depth_a: "7", price: 0.75 }),
    ]);
    expect(pricesOf("SOL", ["SOL", "USDC", "BONK"], pools).map((one) => [one.base, one.rate])).toEqual([
      ["USDC", 0.75],
    ]);
  });

  test("fees and cycles through a pool", () => {
    expect(feeBps(3_000_000)).toBe(30);
    const cycles = [cycle(1, [0, 3]), cycle(2, [5, 2])];
    expect(cyclesThrough(1, cycles).map((one) => one.id)).toEqual([1, 2]);
    expect(cyclesThrough(0, cycles).map((one) => one.id)).toEqual([1]);
  });
});

describe("candidates turned down", () => {
  const pools = new Map([0, 1].map((n) => [n, pool(n)]));
  const miss: Miss = {
    steps: [
      { pool: "p0", mint_in: "SOL", mint_out: "USDC" },
      { pool: "p1", mint_in: "USDC", mint_out: "SOL" },
    ],
    base_mint: "SOL",
    stage: "after_sizing",
    reason: "costs_exceed_profit",
    missing_bps: 0.37,
    gross_profit: "900",
    net_profit: "-350",
    slot: 9,
  };

  test("open ones, near misses and closed ones; signals and unjudged ones are none of them", () => {
    const open = [cycle(7, [0, 3], { judged: verdict("stale") }), cycle(8, [0, 3])];
    const closed = [
      cycle(3, [0, 3], { judged: verdict("torn_pool"), closed_slot: 12 }),
      cycle(4, [0, 3], { judged: verdict(null), closed_slot: 12 }),
      cycle(5, [0, 3], { judged: verdict("stale_pool"), closed_slot: 13 }),
    ];
    const found = candidates(open, [miss, miss], closed, pools);
    expect(found.map((one) => [one.kind, one.reason])).toEqual([
      ["open", "stale"],
      ["nearest", "costs_exceed_profit"],
      ["closed", "stale_pool"],
      ["closed", "torn_pool"],
    ]);
  });

  test("what was taken is turned down until it closes", () => {
    const judged = { ...verdict(null, "SOL"), stage: "taken" };
    const reasons = (open: Cycle[], closed: Cycle[]): string[] =>
      candidates(open, [], closed, pools).map((one) => one.reason);
    expect(reasons([cycle(1, [0, 3], { judged })], [])).toEqual(["already_taken"]);
    expect(reasons([], [cycle(1, [0, 3], { judged, closed_slot: 12 })])).toEqual([]);
  });

  test("a route begins with the mint that it is traded from", () => {
    const edges = [0, 3];
    expect(hopsOf(cycle(1, edges), pools).map((hop) => hop.mint_in)).toEqual(["SOL", "USDC"]);
    const judged = verdict("stale", "USDC");
    expect(hopsOf(cycle(1, edges, { judged }), pools).map((hop) => hop.mint_in)).toEqual(["USDC", "SOL"]);
  });

  test("openings of a cycle are found wherever it begins, and its reverse is another", () => {
    const open = [cycle(9, [3, 0])];
    const closed = [cycle(2, [0, 3]), cycle(4, [1, 2])];
    expect(openingsOf([0, 3], open, closed).map((one) => one.id)).toEqual([9, 2]);
  });
});

test("a history ends at the moment that is shown", () => {
  const columns = { price: [1, null, 3], depth_a: [4, 5, 6], depth_b: [7, 8, 9] };
  const history = { at_ns: [1, 2, 3], unix_ms: [10, 20, 30], ...columns };
  expect(upTo(history, 30)).toBe(history);
  expect(upTo(history, 29)).toEqual({
    at_ns: [1, 2],
    unix_ms: [10, 20],
    price: [1, null],
    depth_a: [4, 5],
    depth_b: [7, 8],
  });
  expect(upTo(history, 9).unix_ms).toEqual([]);
});

test("what pools hold of a mint is summed moment by moment", () => {
  const pools = new Map([
    [1, pool(1)],
    [2, pool(2, { mint_a: "USDC", mint_b: "SOL" })],
  ]);
  const history = (n: number, unix_ms: number[], depth_a: number[], depth_b: number[]) => ({
    ...{ n, unix_ms, depth_a, depth_b },
    at_ns: unix_ms.map((ms) => ms * 10),
    price: unix_ms.map(() => 1),
  });
  const histories = [history(1, [1, 3, 4], [10, 30, 40], [0, 0, 0]), history(2, [2, 4], [0, 0], [5, 6])];
  expect(heldOverTime("SOL", histories, pools)).toEqual({
    at_ns: [20, 30, 40],
    unix_ms: [2, 3, 4],
    held: [15, 35, 46],
  });
  expect(heldOverTime("SOL", [], pools).held).toEqual([]);
});
