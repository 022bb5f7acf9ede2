/** The funnel: how many come how far, per minute and in all. */

import { words } from "../format";
import type { FunnelCount, Stage } from "../records";

export interface FunnelRow {
  readonly stage: string;
  readonly title: string;
  /** What it takes to be counted here. */
  readonly means: string;
  readonly evaluations: number;
  readonly openings: number | null;
  /** Over the last minute; null while less than two counts are known. */
  readonly perMinute: number | null;
  /** Share of the stage before that came this far; null for the first, and after a stage without any. */
  readonly passes: number | null;
  /** Length of the bar, 0 to 1, on a log scale on which the greatest of all is 1. */
  readonly bar: number;
}

const STAGE_WORDS: Readonly<Record<Stage, readonly [title: string, means: string]>> = {
  updates: ["updates", "account writes that changed the market"],
  cycles: ["cycles", "cycles through a changed pool that gain before fees"],
  after_fees: ["after fees", "still gain at the margin after the pools' fees: the cycle is open"],
  after_sizing: ["after sizing", "some input gains at least one unit by exact quotes"],
  after_costs: ["after costs", "enough is left after network fee, priority fee and tip: a signal"],
  after_risk: ["after risk", "strategy and limits let it through"],
  after_rehearsal: ["after rehearsal", "the transaction does what was quoted when it is rehearsed"],
  sent: ["sent", "handed to those who may land it"],
  taken: ["taken", "filled"],
};

export function stageTitle(stage: string): string {
  return STAGE_WORDS[stage as Stage]?.[0] ?? words(stage);
}

/** Log of a count such that 0 has no bar and 1 a visible one. */
function height(count: number): number {
  return Math.log10(1 + Math.max(0, count));
}

/**
 * One row per stage, in the order told.
 *
 * A stage may count more than the one before: a pool's update is one, and the cycles through it are many. Then
 * nothing is said of the share.
 */
export function funnelRows(
  counts: readonly FunnelCount[],
  perMinute: Readonly<Record<string, number>>,
): FunnelRow[] {
  const greatest = height(Math.max(0, ...counts.map((count) => count.evaluations)));
  return counts.map((count, index) => {
    const before = index > 0 ? counts[index - 1] : undefined;
    const comparable = before !== undefined && before.stage !== "updates" && before.evaluations > 0;
    return {
      stage: count.stage,
      title: stageTitle(count.stage),
      means: STAGE_WORDS[count.stage]?.[1] ?? "",
      evaluations: count.evaluations,
      openings: count.openings,
      perMinute: perMinute[count.stage] ?? null,
      passes: comparable ? count.evaluations / before.evaluations : null,
      bar: greatest > 0 ? height(count.evaluations) / greatest : 0,
    };
  });
}

/** The stage where the largest share is lost, among those that anything reached; null if nothing was lost. */
export function narrowest(rows: readonly FunnelRow[]): FunnelRow | null {
  let found: FunnelRow | null = null;
  for (const row of rows) {
    if (row.passes !== null && row.passes < 1 && (found === null || row.passes < (found.passes ?? 1))) {
      found = row;
    }
  }
  return found;
}
