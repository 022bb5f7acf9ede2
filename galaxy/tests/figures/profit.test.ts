import { expect, test } from "vitest";
import { optimum, profitSeries, sums } from "../../src/figures/profit";

const trade = (unix_ms: number, base_mint: string, net: string, venues: string[], state = "filled") => ({
  unix_ms,
  base_mint,
  state,
  venues,
  gross_profit: net,
  cost: "1",
  net_profit: net,
});

test("sums beyond 2^53 are exact", () => {
  const big = "9007199254740993";
  const trades = [trade(2, "SOL", "2", []), trade(1, "SOL", big, [])];
  const series = profitSeries(trades, (one) => one.unix_ms);
  expect(series).toEqual([{ mint: "SOL", at: [1, 2], sums: [9007199254740993n, 9007199254740995n] }]);
});

test("a curve goes on from what was earned before its first attempt", () => {
  const series = profitSeries(
    [trade(1, "SOL", "-3", [])],
    (one) => one.unix_ms,
    () => 10n,
  );
  expect(series[0]?.sums).toEqual([7n]);
});

test("mints are never added together, and a venue twice on a route counts once", () => {
  const trades = [
    trade(1, "USDC", "5", ["orca", "orca"]),
    trade(2, "USDC", "-7", ["orca", "raydium"], "failed"),
    trade(3, "SOL", "11", ["orca"]),
  ];
  expect(sums(trades, "venue").map((row) => [row.name, row.mint, row.attempts, row.filled, row.net])).toEqual(
    [
      ["orca", "SOL", 1, 1, 11n],
      ["orca", "USDC", 2, 1, -2n],
      ["raydium", "USDC", 1, 0, -7n],
    ],
  );
  expect(sums(trades, "mint").map((row) => [row.name, row.net])).toEqual([
    ["SOL", 11n],
    ["USDC", -2n],
  ]);
});

test("the optimum is the greatest gain, and none where nothing gains", () => {
  expect(optimum([null, "3", "9007199254740993", "9007199254740992"])).toBe(2);
  expect(optimum(["0", "-4", null])).toBeNull();
  expect(optimum([])).toBeNull();
});
