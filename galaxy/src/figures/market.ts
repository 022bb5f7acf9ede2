/** What is said of tokens and pools. Liquidity and prices are floats: they are for eyes. */

import type { MintHistory, PoolHistory } from "../api";
import type { Cycle, Pool } from "../model";
import { poolOf } from "../model";

/** The mint at the other end; null if the pool does not have `mint`. */
export function otherMint(pool: Pool, mint: string): string | null {
  return pool.mint_a === mint ? pool.mint_b : pool.mint_b === mint ? pool.mint_a : null;
}

/** Base units that the pool holds or offers of `mint`. */
export function depthOf(pool: Pool, mint: string): bigint {
  return BigInt(pool.mint_a === mint ? pool.depth_a : pool.depth_b);
}

/** Base units of the other mint for one of `mint`, before fees; null if the pool has no price. */
export function rateOf(pool: Pool, mint: string): number | null {
  if (pool.price === null || pool.price <= 0) return null;
  return pool.mint_a === mint ? pool.price : 1 / pool.price;
}

/** Pools of a token, quoted ones first, then by what they hold of it. */
export function poolsOf(mint: string, pools: Iterable<Pool>): Pool[] {
  return [...pools]
    .filter((pool) => otherMint(pool, mint) !== null)
    .sort((one, other) => {
      const aside = Number(one.set_aside !== null) - Number(other.set_aside !== null);
      if (aside !== 0) return aside;
      const [a, b] = [depthOf(one, mint), depthOf(other, mint)];
      return a > b ? -1 : a < b ? 1 : one.n - other.n;
    });
}

export interface Quoted {
  readonly base: string;
  /** Base units of `base` for one base unit of the token. */
  readonly rate: number;
  readonly pool: Pool;
}

/** Price of a token in each of `bases` by its deepest quoted pool against it. */
export function pricesOf(mint: string, bases: readonly string[], pools: readonly Pool[]): Quoted[] {
  const found: Quoted[] = [];
  for (const base of bases) {
    if (base === mint) continue;
    // `pools` come deepest first.
    const pool = pools.find((one) => one.set_aside === null && otherMint(one, mint) === base);
    const rate = pool ? rateOf(pool, mint) : null;
    if (pool && rate !== null) found.push({ base, rate, pool });
  }
  return found;
}

/** What of a history had happened by a moment. */
export function upTo<H extends PoolHistory>(history: H, unix_ms: number): H {
  const later = history.unix_ms.findIndex((ms) => ms > unix_ms);
  if (later === -1) return history;
  return {
    ...history,
    at_ns: history.at_ns.slice(0, later),
    unix_ms: history.unix_ms.slice(0, later),
    price: history.price.slice(0, later),
    depth_a: history.depth_a.slice(0, later),
    depth_b: history.depth_b.slice(0, later),
  };
}

export interface Held {
  /** Rising. */
  readonly at_ns: number[];
  readonly unix_ms: number[];
  /** Base units of the mint in all pools together. */
  readonly held: number[];
}

/** What pools held of a mint together, from when all of them are known. */
export function heldOverTime(
  mint: string,
  histories: MintHistory["pools"],
  pools: ReadonlyMap<number, Pick<Pool, "mint_a">>,
): Held {
  const steps = histories.flatMap((history) => {
    const depths = pools.get(history.n)?.mint_a === mint ? history.depth_a : history.depth_b;
    return history.unix_ms.map((unix_ms, at) => ({
      n: history.n,
      unix_ms,
      at_ns: history.at_ns[at] ?? 0,
      depth: depths[at] ?? 0,
    }));
  });
  steps.sort((one, other) => one.unix_ms - other.unix_ms || one.at_ns - other.at_ns);
  const latest = new Map<number, number>();
  const found: Held = { at_ns: [], unix_ms: [], held: [] };
  let sum = 0;
  for (const { n, unix_ms, at_ns, depth } of steps) {
    sum += depth - (latest.get(n) ?? 0);
    latest.set(n, depth);
    // Before all are known a sum would only show them arriving; of one moment the last sum counts.
    if (latest.size < histories.length) continue;
    if (found.unix_ms.at(-1) === unix_ms) {
      found.held[found.held.length - 1] = sum;
    } else {
      found.at_ns.push(at_ns);
      found.unix_ms.push(unix_ms);
      found.held.push(sum);
    }
  }
  return found;
}

/** Cycles through a pool. */
export function cyclesThrough<C extends Pick<Cycle, "edges">>(n: number, cycles: Iterable<C>): C[] {
  return [...cycles].filter((cycle) => cycle.edges.some((edge) => poolOf(edge) === n));
}

/** A fee rate in 1/10^9 as 1/10,000. */
export function feeBps(fee_e9: number): number {
  return fee_e9 / 100_000;
}
