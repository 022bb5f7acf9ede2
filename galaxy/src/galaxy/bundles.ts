/** Pools between the same two mints: drawn side by side, or as one if they are many. */

import type { Pool } from "../model";

/** More pools than this between two mints are one edge with their number. */
export const MOST_SIDE_BY_SIDE = 5;

const BEND = 0.22;

export interface Edge {
  /** Key in the graph. */
  key: string;
  /** The lesser address first, so that pools of both orders bend apart. */
  source: string;
  target: string;
  /** 0 is straight; 1 bends as far as the edge is long. */
  curvature: number;
  pools: number[];
}

export function edgesOf(pools: Iterable<Pick<Pool, "n" | "mint_a" | "mint_b">>): Edge[] {
  const pairs = new Map<string, { source: string; target: string; pools: number[] }>();
  for (const { n, mint_a, mint_b } of pools) {
    if (mint_a === mint_b) continue;
    const [source, target] = mint_a < mint_b ? [mint_a, mint_b] : [mint_b, mint_a];
    const key = `${source}/${target}`;
    const pair = pairs.get(key);
    if (pair) pair.pools.push(n);
    else pairs.set(key, { source, target, pools: [n] });
  }
  const edges: Edge[] = [];
  for (const [key, pair] of pairs) {
    if (pair.pools.length > MOST_SIDE_BY_SIDE) {
      edges.push({ key, ...pair, curvature: 0 });
      continue;
    }
    const middle = (pair.pools.length - 1) / 2;
    pair.pools.forEach((n, index) => {
      const curvature = (index - middle) * BEND;
      edges.push({ key: `${key}/${n}`, source: pair.source, target: pair.target, curvature, pools: [n] });
    });
  }
  return edges;
}
