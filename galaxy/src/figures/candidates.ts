/** Candidates that became no signal, each with why: open cycles, those closed lately, and near misses. */

import type { Cycle, Pool } from "../model";
import type { Miss } from "../records";
import { cycleKey, type RouteStep, routeOf, startingAt } from "./route";

export interface Candidate {
  readonly key: string;
  /** `open`, `closed`, or `nearest`: a near miss of the whole run. */
  readonly kind: "open" | "closed" | "nearest";
  /** Number of the opening; null for a near miss. */
  readonly id: number | null;
  readonly hops: readonly { mint_in: string; mint_out: string }[];
  readonly stage: string;
  readonly reason: string;
  readonly missing_bps: number | null;
  readonly base_mint: string | null;
  readonly amount_in: string | null;
  readonly gross_profit: string | null;
  readonly net_profit: string | null;
  readonly slot: number;
}

/** The cycle's hops as it is traded: from its base mint if that is known. */
export function hopsOf(cycle: Cycle, pools: ReadonlyMap<number, Pool>): RouteStep[] {
  return startingAt(routeOf(cycle.edges, pools), cycle.judged?.base_mint ?? null);
}

function fromCycle(
  cycle: Cycle,
  kind: "open" | "closed",
  pools: ReadonlyMap<number, Pool>,
): Candidate | null {
  const { judged } = cycle;
  if (judged === null) return null;
  // What was taken is turned down at every update until it closes; the verdict that is told stays the first.
  const is_taken = kind === "open" && judged.reason === null && judged.stage === "taken";
  const reason = is_taken ? "already_taken" : judged.reason;
  if (reason === null) return null;
  return {
    key: `${kind} ${cycle.id}`,
    kind,
    id: cycle.id,
    hops: hopsOf(cycle, pools),
    stage: judged.stage,
    reason,
    missing_bps: judged.missing_bps,
    base_mint: judged.base_mint,
    amount_in: judged.amount_in,
    gross_profit: judged.gross_profit,
    net_profit: judged.net_profit,
    slot: judged.slot,
  };
}

function fromMiss(miss: Miss): Candidate {
  return {
    key: `nearest ${miss.steps.map((step) => `${step.pool}:${step.mint_in}`).join(">")} ${miss.slot}`,
    kind: "nearest",
    id: null,
    hops: miss.steps,
    stage: miss.stage,
    reason: miss.reason,
    missing_bps: miss.missing_bps,
    base_mint: miss.base_mint,
    amount_in: null,
    gross_profit: miss.gross_profit,
    net_profit: miss.net_profit,
    slot: miss.slot,
  };
}

/** Open ones first, then near misses, then closed ones, newest first; each key once. */
export function candidates(
  open: Iterable<Cycle>,
  misses: readonly Miss[],
  closed: readonly Cycle[],
  pools: ReadonlyMap<number, Pool>,
): Candidate[] {
  const found = new Map<string, Candidate>();
  const take = (candidate: Candidate | null): void => {
    if (candidate !== null && !found.has(candidate.key)) found.set(candidate.key, candidate);
  };
  for (const cycle of open) take(fromCycle(cycle, "open", pools));
  for (const miss of misses) take(fromMiss(miss));
  for (const cycle of closed.toReversed()) take(fromCycle(cycle, "closed", pools));
  return [...found.values()];
}

/** Openings of the same cycle, newest first: its history as far as it is remembered. */
export function openingsOf(
  edges: readonly number[],
  open: Iterable<Cycle>,
  closed: readonly Cycle[],
): Cycle[] {
  const key = cycleKey(edges);
  return [...closed, ...open]
    .filter((cycle) => cycleKey(cycle.edges) === key)
    .sort((one, other) => other.id - one.id);
}
