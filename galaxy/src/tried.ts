/** Attempts, whether a record told of them or the journal did. */

import { signal } from "@preact/signals";
import type { HopAmounts, Span, Trade } from "./records";

/** As `Trade`; what nobody knows yet, or the journal does not keep, is null. */
export interface Tried {
  readonly attempt_id: number;
  readonly run_id: number | null;
  readonly opening_id: number | null;
  readonly unix_ms: number | null;
  readonly at_ns: number | null;
  readonly slot: number;
  readonly strategy: string;
  readonly state: string;
  readonly reason: string | null;
  readonly is_dead: boolean | null;
  readonly signature: string | null;
  readonly base_mint: string;
  readonly hops: readonly HopAmounts[];
  readonly venues: readonly string[];
  readonly amount_in: string;
  readonly amount_out: string;
  readonly gross_profit: string | null;
  readonly cost: string | null;
  readonly net_profit: string | null;
  readonly spans: readonly Span[];
}

/** A row of `/api/runs`. */
export interface RunRow {
  id: number;
  mode: string;
  source: string;
  version: string;
}

/** A row of `/api/runs/ID/trades`. */
export type JournalRow = Omit<Tried, "unix_ms" | "at_ns" | "is_dead" | "spans">;

export function fromTrade(trade: Trade): Tried {
  return { ...trade, run_id: null };
}

export function fromJournal(row: JournalRow): Tried {
  return { ...row, unix_ms: null, at_ns: null, is_dead: null, spans: [] };
}

/** Attempts of earlier runs that were looked at, by number: for the drawer. */
export const looked = signal<ReadonlyMap<number, Tried>>(new Map());

export function remember(rows: readonly Tried[]): void {
  looked.value = new Map([...looked.peek(), ...rows.map((row) => [row.attempt_id, row] as const)]);
}
