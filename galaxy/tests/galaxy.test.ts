import { expect, test } from "vitest";
import { edgesOf, MOST_SIDE_BY_SIDE } from "../src/galaxy/bundles";
import { hash, mixed } from "../src/galaxy/colours";
import { matrices, seed } from "../src/galaxy/layout";
import { baseMint, liquidity, NO_VALUES, poolValue, rates, type Valued, valuesOf } from "../src/galaxy/value";
import { A, B, C } from "./sample";

const pool = (mint_a: string, mint_b: string, price: number | null, depth_a: number, more = {}): Valued => ({
  mint_a,
  mint_b,
  price,
  depth_a: String(depth_a),
  depth_b: String(Math.round(depth_a * (price ?? 1))),
  set_aside: null,
  ...more,
});

test("mints are valued through the deepest chain of pools", () => {
  const pools = [
    pool(A, B, 0.02, 1_000_000),
    pool(C, A, 60, 10), // shallow, and wrong: one C is not 60 A
    pool(B, C, 1, 20_000),
  ];
  const rate = rates(pools, A);
  expect(rate.get(A)).toBe(1);
  expect(rate.get(B)).toBeCloseTo(50);
  expect(rate.get(C)).toBeCloseTo(50);
  expect(liquidity(pools, rate).get(B)).toBeCloseTo(20_000 * 50 + 20_000 * 50);
  expect(poolValue(pools[0]!, rate)).toBeCloseTo(2_000_000);
});

test("what pools are worth needs no picture", () => {
  const pools = [pool(A, B, 0.02, 1_000_000)];
  const { base, rate, liquidity: held } = valuesOf(pools);
  expect(base).toBe(A);
  expect(rate.get(B)).toBeCloseTo(50);
  expect(held.get(A)).toBe(1_000_000);
  expect(valuesOf([])).toEqual(NO_VALUES);
});

test("pools that are set aside or have no price value nothing", () => {
  const pools = [pool(A, B, 0.02, 100, { set_aside: "stale" }), pool(B, C, null, 100)];
  expect([...rates(pools, A).keys()]).toEqual([A]);
  expect(poolValue(pools[1]!, rates(pools, A))).toBeNull();
});

test("the base mint is SOL, else the one in most pools", () => {
  expect(baseMint([pool(B, A, 1, 1)])).toBe(A);
  expect(baseMint([pool("x", "y", 1, 1), pool("y", "z", 1, 1)])).toBe("y");
  expect(baseMint([])).toBeNull();
});

test("parallel pools bend apart, whichever way round their mints are", () => {
  const edges = edgesOf([
    { n: 0, mint_a: A, mint_b: B },
    { n: 1, mint_a: B, mint_b: A },
    { n: 2, mint_a: A, mint_b: C },
  ]);
  expect(edges.map((edge) => edge.pools)).toEqual([[0], [1], [2]]);
  expect(edges[0]!.source).toBe(edges[1]!.source);
  expect(edges[0]!.curvature).toBe(-edges[1]!.curvature);
  expect(edges[2]!.curvature).toBe(0);
});

test("many parallel pools are one edge", () => {
  const pools = Array.from({ length: MOST_SIDE_BY_SIDE + 1 }, (_, n) => ({ n, mint_a: A, mint_b: B }));
  expect(edgesOf(pools)).toHaveLength(1);
  expect(edgesOf(pools)[0]!.pools).toHaveLength(MOST_SIDE_BY_SIDE + 1);
  expect(edgesOf(pools.slice(1))).toHaveLength(MOST_SIDE_BY_SIDE);
});

test("seeds are the same every time and differ between mints", () => {
  expect(seed(A, 100)).toEqual(seed(A, 100));
  expect(seed(A, 100)).not.toEqual(seed(B, 100));
  expect(hash("")).toBe(0x811c9dc5);
});

test("masses in the layout's matrices are weighted degrees and one", () => {
  const { nodes, edges } = matrices(
    [
      { x: 1, y: 2 },
      { x: 3, y: 4 },
    ],
    [[0, 1, 2]],
  );
  expect([nodes[0], nodes[1], nodes[6], nodes[16]]).toEqual([1, 2, 3, 3]);
  expect([...edges]).toEqual([0, 10, 2]);
});

test("colours mix", () => {
  expect(mixed("#ffffff", "#000000", 0.5)).toBe("#808080");
});
