/** Routes from edges and hops. */

import { isAToB, type Pool, poolOf } from "../model";

export interface RouteStep {
  readonly pool: Pool;
  readonly mint_in: string;
  readonly mint_out: string;
}

/** The hops of a cycle; a pool that is not known yet is left out, so the route may have a gap. */
export function routeOf(edges: readonly number[], pools: ReadonlyMap<number, Pool>): RouteStep[] {
  const steps: RouteStep[] = [];
  for (const edge of edges) {
    const pool = pools.get(poolOf(edge));
    if (pool === undefined) continue;
    const [mint_in, mint_out] = isAToB(edge) ? [pool.mint_a, pool.mint_b] : [pool.mint_b, pool.mint_a];
    steps.push({ pool, mint_in, mint_out });
  }
  return steps;
}

/** `USDC → SOL → USDC`: the mints along hops. */
export function path(
  hops: readonly { mint_in: string; mint_out: string }[],
  symbol: (mint: string) => string,
): string {
  const first = hops[0];
  if (first === undefined) return "route not known yet";
  return [first.mint_in, ...hops.map((hop) => hop.mint_out)].map(symbol).join(" → ");
}

/** The same hops beginning with `mint`, if the route goes through it. */
export function startingAt<Hop extends { mint_in: string }>(
  hops: readonly Hop[],
  mint: string | null,
): Hop[] {
  const at = hops.findIndex((hop) => hop.mint_in === mint);
  return at <= 0 ? [...hops] : [...hops.slice(at), ...hops.slice(0, at)];
}

/** Names a cycle the same wherever it begins. */
export function cycleKey(edges: readonly number[]): string {
  const first = edges.indexOf(Math.min(...edges));
  return [...edges.slice(first), ...edges.slice(0, first)].join(">");
}
