/** Spans of an attempt as bars on one time axis. */

import type { Span } from "../records";

export interface SpanBar {
  readonly stage: string;
  /** Nanoseconds after the first began. */
  readonly atNs: number;
  readonly durationNs: number;
  /** 0 to 1 of the whole. */
  readonly left: number;
  readonly width: number;
}

/** Bars in the order of their beginning. */
export function waterfall(spans: readonly Span[]): SpanBar[] {
  if (spans.length === 0) {
    return [];
  }
  const ordered = [...spans].sort((one, other) => one.began_unix_ns - other.began_unix_ns);
  const began = ordered[0]?.began_unix_ns ?? 0;
  const whole = Math.max(1, ...ordered.map((span) => span.began_unix_ns - began + span.duration_ns));
  return ordered.map((span) => ({
    stage: span.stage,
    atNs: span.began_unix_ns - began,
    durationNs: span.duration_ns,
    left: (span.began_unix_ns - began) / whole,
    width: span.duration_ns / whole,
  }));
}
