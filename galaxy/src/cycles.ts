/** Words for cycles. */

import { routeOf } from "./figures/route";
import { symbolOf } from "./format";
import type { Pool, Verdict } from "./model";
import type { Mint } from "./records";

/** The mints that a cycle passes, the first one again at the end; empty if a pool is not known. */
export function mintsOf(edges: readonly number[], pools: ReadonlyMap<number, Pool>): string[] {
  const steps = routeOf(edges, pools);
  const first = steps[0];
  if (first === undefined || steps.length < edges.length) return [];
  return [first.mint_in, ...steps.map((step) => step.mint_out)];
}

/** `SOL → USDC → SOL`. */
export function routeInWords(
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
