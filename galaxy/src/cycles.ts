/** Words for cycles. */

import { symbolOf } from "./format";
import { isAToB, type Pool, poolOf, type Verdict } from "./model";
import type { Mint } from "./records";

/** The mints that a cycle passes, the first one again at the end; empty if a pool is not known. */
export function mintsOf(edges: readonly number[], pools: ReadonlyMap<number, Pool>): string[] {
  const mints: string[] = [];
  for (const edge of edges) {
    const pool = pools.get(poolOf(edge));
    if (!pool) return [];
    const [from, to] = isAToB(edge) ? [pool.mint_a, pool.mint_b] : [pool.mint_b, pool.mint_a];
    if (mints.length === 0) mints.push(from);
    mints.push(to);
  }
  return mints;
}

/** `SOL → USDC → SOL`. */
export function routeOf(
  edges: readonly number[],
  pools: ReadonlyMap<number, Pool>,
  mints: Record<string, Mint>,
): string {
  const passed = mintsOf(edges, pools);
  return passed.length === 0 ? "unknown pools" : passed.map((mint) => symbolOf(mint, mints)).join(" → ");
}

/** `SOL → USDC ↩`: the same without its end, for narrow places. */
export function shortRouteOf(
  edges: readonly number[],
  pools: ReadonlyMap<number, Pool>,
  mints: Record<string, Mint>,
): string {
  const passed = mintsOf(edges, pools).slice(0, -1);
  return passed.length === 0
    ? "unknown pools"
    : `${passed.map((mint) => symbolOf(mint, mints)).join(" → ")} ↩`;
}

/** What became of a cycle so far, in few words. */
export function verdictOf(judged: Verdict | null): string {
  if (!judged) return "not judged yet";
  return judged.reason === null ? "signal" : judged.reason.replaceAll("_", " ");
}
