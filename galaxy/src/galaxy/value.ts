/** How deep a token's market is, in one base mint. Floats: they size stars, nothing is decided by them. */

import type { Pool } from "../model";

const SOL = "So11111111111111111111111111111111111111112";
const USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";

/** What of a pool decides values. */
export type Valued = Pick<Pool, "mint_a" | "mint_b" | "depth_a" | "depth_b" | "price" | "set_aside">;

/** The mint that others are valued in: SOL, else USDC, else the one in most pools. */
export function baseMint(pools: Iterable<Valued>): string | null {
  const degrees = new Map<string, number>();
  for (const { mint_a, mint_b } of pools) {
    degrees.set(mint_a, (degrees.get(mint_a) ?? 0) + 1);
    degrees.set(mint_b, (degrees.get(mint_b) ?? 0) + 1);
  }
  for (const wanted of [SOL, USDC]) if (degrees.has(wanted)) return wanted;
  let best: string | null = null;
  for (const [mint, degree] of degrees) if (best === null || degree > degrees.get(best)!) best = mint;
  return best;
}

interface Step {
  /** Value of the pool's nearer side, in base units of the base mint: how much its price is trusted. */
  depth: number;
  mint: string;
  rate: number;
}

/**
 * Base units of `base` per base unit of each mint that a chain of quoted pools reaches. Each mint takes its
 * price from the deepest pool on the way (Prim's algorithm from `base`, deepest edge first).
 */
export function rates(pools: Iterable<Valued>, base: string): Map<string, number> {
  const around = new Map<string, Valued[]>();
  for (const pool of pools) {
    if (pool.price === null || !(pool.price > 0) || pool.set_aside !== null) continue;
    push(around, pool.mint_a, pool);
    push(around, pool.mint_b, pool);
  }
  const found = new Map<string, number>();
  const heap: Step[] = [{ depth: Infinity, mint: base, rate: 1 }];
  for (let step = pop(heap); step; step = pop(heap)) {
    const { mint, rate } = step;
    if (found.has(mint)) continue;
    found.set(mint, rate);
    for (const pool of around.get(mint) ?? []) {
      const is_a = pool.mint_a === mint;
      const other = is_a ? pool.mint_b : pool.mint_a;
      if (found.has(other)) continue;
      const other_rate = is_a ? rate / pool.price! : rate * pool.price!;
      const depth = Number(is_a ? pool.depth_a : pool.depth_b) * rate;
      if (Number.isFinite(other_rate) && other_rate > 0)
        insert(heap, { depth, mint: other, rate: other_rate });
    }
  }
  return found;
}

/** Liquidity by mint: what its pools hold of it, in base units of the base mint; only mints with a rate. */
export function liquidity(pools: Iterable<Valued>, rate: ReadonlyMap<string, number>): Map<string, number> {
  const sums = new Map<string, number>();
  const add = (mint: string, depth: string): void => {
    const one = rate.get(mint);
    if (one !== undefined) sums.set(mint, (sums.get(mint) ?? 0) + Number(depth) * one);
  };
  for (const pool of pools) {
    add(pool.mint_a, pool.depth_a);
    add(pool.mint_b, pool.depth_b);
  }
  return sums;
}

/** What a pool holds of both mints, in base units of the base mint; null if neither has a rate. */
export function poolValue(pool: Valued, rate: ReadonlyMap<string, number>): number | null {
  const a = rate.get(pool.mint_a);
  const b = rate.get(pool.mint_b);
  if (a === undefined && b === undefined) return null;
  return Number(pool.depth_a) * (a ?? 0) + Number(pool.depth_b) * (b ?? 0);
}

function push(around: Map<string, Valued[]>, mint: string, pool: Valued): void {
  const list = around.get(mint);
  if (list) list.push(pool);
  else around.set(mint, [pool]);
}

function insert(heap: Step[], step: Step): void {
  let at = heap.length;
  heap.push(step);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (heap[parent]!.depth >= step.depth) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = step;
}

function pop(heap: Step[]): Step | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (top === undefined || last === undefined || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]!.depth > heap[child]!.depth) child += 1;
    if (heap[child]!.depth <= last.depth) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return top;
}

/** How often prices, stars' sizes and pools' widths are worked out anew. */
export const VALUE_MS = 2_000;

export interface Values {
  base: string | null;
  /** Base units of the base mint per base unit of a mint. */
  rate: ReadonlyMap<string, number>;
  /** By mint, in base units of the base mint. */
  liquidity: ReadonlyMap<string, number>;
}

export const NO_VALUES: Values = { base: null, rate: new Map(), liquidity: new Map() };

/** What pools say of their mints' values. */
export function valuesOf(pools: readonly Valued[]): Values {
  const base = baseMint(pools);
  if (base === null) return NO_VALUES;
  const rate = rates(pools, base);
  return { base, rate, liquidity: liquidity(pools, rate) };
}
