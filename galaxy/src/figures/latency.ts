/** Histograms of durations, from buckets of upper edges in nanoseconds. */

import { words } from "../format";

export interface Bar {
  readonly fromNs: number;
  readonly toNs: number;
  readonly count: number;
  /** Of the fullest bar, 0 to 1. */
  readonly height: number;
}

/** Edges of bars: 1, 2 and 5 times powers of ten, in nanoseconds. */
function edgeAbove(ns: number): number {
  let power = 1;
  for (;;) {
    for (const step of [1, 2, 5]) {
      if (ns <= step * power) {
        return step * power;
      }
    }
    power *= 10;
  }
}

/** Buckets gathered into bars of 1-2-5 steps, empty ones between the first and the last included. */
export function bars(buckets: readonly (readonly [number, number])[]): Bar[] {
  const counts = new Map<number, number>();
  for (const [edge, count] of buckets) {
    const to = edgeAbove(edge);
    counts.set(to, (counts.get(to) ?? 0) + count);
  }
  if (counts.size === 0) {
    return [];
  }
  const fullest = Math.max(...counts.values());
  const last = Math.max(...counts.keys());
  const found: Bar[] = [];
  let to = Math.min(...counts.keys());
  for (;;) {
    const count = counts.get(to) ?? 0;
    found.push({ fromNs: edgeBelow(to), toNs: to, count, height: fullest > 0 ? count / fullest : 0 });
    if (to >= last) {
      return found;
    }
    to = edgeAbove(to + 1);
  }
}

function edgeBelow(edge: number): number {
  const power = 10 ** Math.floor(Math.log10(edge) + 1e-9);
  const step = Math.round(edge / power);
  if (step === 5) {
    return 2 * power;
  }
  return step === 2 ? power : power > 1 ? power / 2 : 0;
}

export function latencyTitle(stage: string): string {
  return stage === "frame_to_decision" ? "frame to decision, the whole" : words(stage);
}
