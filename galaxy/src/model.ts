/** What a viewer knows: the records of one run, folded as `telemetry/model.py` folds them. */

import type {
  Changes,
  End,
  Hello,
  Judged as JudgedTuple,
  Notice,
  Opened as OpenedTuple,
  PoolState,
  Published,
  Refusal,
  Snapshot,
  Status,
  Trade,
  WatchedPool,
} from "./records";

/** How many trades, refusals, notices and closed cycles are remembered. */
export const KEPT = 500;

const MINUTE_MS = 60_000;

/** A pool and its latest state; the object stays the same while the state changes. */
export interface Pool {
  readonly n: number;
  readonly pool: string;
  readonly venue: string;
  readonly mint_a: string;
  readonly mint_b: string;
  readonly decimals_a: number | null;
  readonly decimals_b: number | null;
  readonly fee_e9: [a_to_b: number, b_to_a: number] | null;
  depth_a: string;
  depth_b: string;
  price: number | null;
  slot: number;
  set_aside: string | null;
}

export interface Verdict {
  stage: string;
  reason: string | null;
  missing_bps: number | null;
  base_mint: string | null;
  amount_in: string | null;
  gross_profit: string | null;
  net_profit: string | null;
  slot: number;
}

/** A cycle that is or was open; `judged` is the last verdict on it. */
export interface Cycle {
  readonly id: number;
  readonly edges: readonly number[];
  readonly gain_bps: number;
  readonly slot: number;
  /** Machine's time of the record that told of it: how long it is open, for eyes. */
  readonly opened_unix_ms: number;
  judged: Verdict | null;
  closed_slot: number | null;
  closed_unix_ms: number | null;
}

/** What the records since the last `taken()` touched. */
export interface Touched {
  /** Everything was replaced: pools, states and cycles. */
  replaced: boolean;
  new_pools: number[];
  pools: Set<number>;
  opened: Cycle[];
  judged: Set<number>;
  closed: Cycle[];
  trades: Trade[];
  /** Anything else: status, notices, refusals, hello, end. */
  told: boolean;
}

const nothing = (): Touched => ({
  replaced: false,
  new_pools: [],
  pools: new Set(),
  opened: [],
  judged: new Set(),
  closed: [],
  trades: [],
  told: false,
});

/** The pool of an edge. */
export const poolOf = (edge: number): number => edge >>> 1;

/** Whether an edge goes from mint a to mint b. */
export const isAToB = (edge: number): boolean => (edge & 1) === 0;

export class RunModel {
  hello: Hello | null = null;
  seq = 0;
  at_ns = 0;
  unix_ms = 0;
  slot = 0;
  /** How often a snapshot replaced what was known. */
  gaps = 0;
  pools = new Map<number, Pool>();
  open = new Map<number, Cycle>();
  /** Newest last, as all of these. */
  closed: Cycle[] = [];
  status: Status | null = null;
  trades: Trade[] = [];
  refusals: Refusal[] = [];
  notices: Notice[] = [];
  end: End | null = null;
  private minute: Status[] = [];
  private touched = nothing();

  /** Takes notice of a record; answers to questions change nothing. */
  apply(record: Published): void {
    if ("seq" in record) {
      this.seq = record.seq;
      this.at_ns = record.at_ns;
      this.unix_ms = record.unix_ms;
      this.slot = record.slot;
    }
    switch (record.type) {
      case "hello":
        this.begin(record);
        break;
      case "snapshot":
        this.replace(record);
        break;
      case "changes":
        this.change(record);
        return;
      case "status":
        this.stand(record);
        break;
      case "trade":
        keep(this.trades, record);
        this.touched.trades.push(record);
        break;
      case "refusal":
        keep(this.refusals, record);
        break;
      case "notice":
        keep(this.notices, record);
        break;
      case "end":
        this.end = record;
        break;
      default:
        return;
    }
    this.touched.told = true;
  }

  /** Returns what was touched since it was last asked. */
  taken(): Touched {
    const touched = this.touched;
    this.touched = nothing();
    return touched;
  }

  /** Says that everything is to be looked at anew: another model was shown before. */
  replaceTouched(): void {
    this.touched = { ...nothing(), replaced: true };
  }

  /** Evaluations per minute by stage of the funnel, over the last minute. */
  perMinute(): Record<string, number> {
    const first = this.minute[0];
    const last = this.minute[this.minute.length - 1];
    if (first === undefined || last === undefined || first === last) return {};
    const minutes = Math.max(last.unix_ms - first.unix_ms, 1) / MINUTE_MS;
    const before = new Map(first.funnel.map((count) => [count.stage as string, count.evaluations]));
    return Object.fromEntries(
      last.funnel.map((count) => [
        count.stage,
        (count.evaluations - (before.get(count.stage) ?? 0)) / minutes,
      ]),
    );
  }

  private begin(hello: Hello): void {
    this.hello = hello;
    this.seq = this.at_ns = this.unix_ms = this.slot = this.gaps = 0;
    this.pools = new Map();
    this.open = new Map();
    this.closed = [];
    this.status = null;
    this.trades = [];
    this.refusals = [];
    this.notices = [];
    this.end = null;
    this.minute = [];
    this.touched = { ...nothing(), replaced: true };
  }

  private replace(snapshot: Snapshot): void {
    this.gaps += 1;
    const { pools = [], open = [], judged = [] } = snapshot.market;
    this.pools = new Map(pools.map((pool) => [pool[0], poolFrom(pool)]));
    const before = this.open;
    this.open = new Map();
    for (const opened of open) {
      const opened_unix_ms = before.get(opened[0])?.opened_unix_ms ?? snapshot.unix_ms;
      this.open.set(opened[0], cycleFrom(opened, opened_unix_ms));
    }
    for (const verdict of judged) {
      const cycle = this.open.get(verdict[0]);
      if (cycle) cycle.judged = verdictFrom(verdict);
    }
    this.trades = snapshot.trades.slice(-KEPT);
    this.refusals = snapshot.refusals.slice(-KEPT);
    this.notices = snapshot.notices.slice(-KEPT);
    if (snapshot.status) this.stand(snapshot.status);
    this.touched = { ...nothing(), replaced: true };
  }

  private change(changes: Changes): void {
    const { new_pools = [], pools = [], opened = [], judged = [], closed = [] } = changes.market;
    const touched = this.touched;
    for (const pool of new_pools) {
      this.pools.set(pool[0], poolFrom(pool));
      touched.new_pools.push(pool[0]);
    }
    for (const state of pools) {
      const pool = this.pools.get(state[0]);
      if (!pool) continue;
      setState(pool, state);
      touched.pools.add(pool.n);
    }
    for (const opening of opened) {
      const cycle = cycleFrom(opening, changes.unix_ms);
      this.open.set(cycle.id, cycle);
      touched.opened.push(cycle);
    }
    for (const verdict of judged) {
      const cycle = this.open.get(verdict[0]);
      if (!cycle) continue;
      cycle.judged = verdictFrom(verdict);
      touched.judged.add(cycle.id);
    }
    for (const [id, slot] of closed) {
      const cycle = this.open.get(id);
      if (!cycle) continue;
      this.open.delete(id);
      cycle.closed_slot = slot;
      cycle.closed_unix_ms = changes.unix_ms;
      keep(this.closed, cycle);
      touched.closed.push(cycle);
    }
  }

  private stand(status: Status): void {
    this.status = status;
    this.minute.push(status);
    while (this.minute.length > 2 && this.minute[0]!.unix_ms < status.unix_ms - MINUTE_MS)
      this.minute.shift();
  }
}

function keep<T>(list: T[], item: T): void {
  list.push(item);
  if (list.length > KEPT) list.shift();
}

function poolFrom(tuple: WatchedPool): Pool {
  const [
    n,
    pool,
    venue,
    mint_a,
    mint_b,
    decimals_a,
    decimals_b,
    fee_e9,
    depth_a,
    depth_b,
    price,
    slot,
    set_aside,
  ] = tuple;
  return {
    n,
    pool,
    venue,
    mint_a,
    mint_b,
    decimals_a,
    decimals_b,
    fee_e9,
    depth_a,
    depth_b,
    price,
    slot,
    set_aside,
  };
}

function setState(pool: Pool, state: PoolState): void {
  [, pool.depth_a, pool.depth_b, pool.price, pool.slot, pool.set_aside] = state;
}

function cycleFrom([id, edges, gain_bps, slot]: OpenedTuple, opened_unix_ms: number): Cycle {
  return { id, edges, gain_bps, slot, opened_unix_ms, judged: null, closed_slot: null, closed_unix_ms: null };
}

function verdictFrom(tuple: JudgedTuple): Verdict {
  const [, stage, reason, missing_bps, base_mint, amount_in, gross_profit, net_profit, slot] = tuple;
  return { stage, reason, missing_bps, base_mint, amount_in, gross_profit, net_profit, slot };
}
