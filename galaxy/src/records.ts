/**
 * What a run publishes: the shapes of `src/phantom_arbiter/telemetry/records.py`, where every field is
 * explained. Amounts are decimal strings of base units; structs that Python encodes as arrays are tuples.
 */

export const SCHEMA = 1;

/** Base units, in decimal. */
export type Amount = string;

export const STAGES = [
  "updates",
  "cycles",
  "after_fees",
  "after_sizing",
  "after_costs",
  "after_risk",
  "after_rehearsal",
  "sent",
  "taken",
] as const;
export type Stage = (typeof STAGES)[number];

export type WatchedPool = [
  n: number,
  pool: string,
  venue: string,
  mint_a: string,
  mint_b: string,
  decimals_a: number | null,
  decimals_b: number | null,
  fee_e9: [a_to_b: number, b_to_a: number] | null,
  depth_a: Amount,
  depth_b: Amount,
  price: number | null,
  slot: number,
  set_aside: string | null,
];

export type PoolState = [
  n: number,
  depth_a: Amount,
  depth_b: Amount,
  price: number | null,
  slot: number,
  set_aside: string | null,
];

export type Opened = [id: number, edges: number[], gain_bps: number, slot: number];

export type Closed = [id: number, slot: number];

export type Judged = [
  id: number,
  stage: string,
  reason: string | null,
  missing_bps: number | null,
  base_mint: string | null,
  amount_in: Amount | null,
  gross_profit: Amount | null,
  net_profit: Amount | null,
  slot: number,
];

export interface MarketChanges {
  new_pools: WatchedPool[];
  pools: PoolState[];
  opened: Opened[];
  judged: Judged[];
  closed: Closed[];
  lost: number;
}

export interface MarketSnapshot {
  pools: WatchedPool[];
  open: Opened[];
  judged: Judged[];
}

export interface Mint {
  symbol: string;
  decimals: number;
}

export interface Hello {
  type: "hello";
  schema: number;
  version: string;
  pid: number;
  run_id: number;
  journal: string;
  mode: string;
  source: string;
  description: string;
  label: string;
  total_records: number | null;
  began_unix_ms: number;
  mints: Record<string, Mint>;
  settings: Record<string, [value: unknown, origin: string]>;
  controls: string[];
}

export interface Moment {
  seq: number;
  at_ns: number;
  unix_ms: number;
  slot: number;
}

export interface Changes extends Moment {
  type: "changes";
  market: Partial<MarketChanges>;
}

export interface Endpoint {
  name: string;
  is_open: boolean;
  behind_slots: number | null;
  subscriptions: number;
  frames: number;
  wins: number;
  duplicates: number;
  stale: number;
  held: number;
  malformed: number;
  disagreements: number;
  lag_p50_ns: number | null;
  lag_p99_ns: number | null;
  is_quarantined: boolean;
}

export interface FunnelCount {
  stage: Stage;
  evaluations: number;
  openings: number | null;
}

export interface Step {
  pool: string;
  mint_in: string;
  mint_out: string;
}

export interface Miss {
  steps: Step[];
  base_mint: string;
  stage: string;
  reason: string;
  missing_bps: number | null;
  gross_profit: Amount | null;
  net_profit: Amount | null;
  slot: number;
}

export interface ProfitSum {
  mint: string;
  attempts: number;
  filled: number;
  gross_profit: Amount;
  cost: Amount;
  net_profit: Amount;
}

export interface StageLatency {
  stage: string;
  count: number;
  sum_ns: number;
  p50_ns: number | null;
  p90_ns: number | null;
  p99_ns: number | null;
  max_ns: number | null;
  buckets: [edge_ns: number, count: number][];
}

export interface LimitUse {
  name: string;
  subject: string | null;
  unit: string;
  used: Amount;
  limit: Amount;
}

export interface RiskState {
  halted: boolean;
  switches: string[];
  limits: LimitUse[];
}

export interface FeeState {
  mode: string;
  percentile: number | null;
  compute_unit_price_micro_lamports: number;
  compute_unit_limit: number;
  tip_lamports: number;
  congestion: number | null;
}

export interface StrategyState {
  name: string;
  calls: number;
  plans: number;
  overruns: number;
  exceptions: number;
  suspended: string | null;
}

export type Counts = Record<string, number>;

export interface Status extends Moment {
  type: "status";
  records: number;
  frames: number;
  fresh: number;
  duplicates: number;
  stale: number;
  held: number;
  control: number;
  malformed: Counts;
  decode_errors: Counts;
  updates: number;
  pools: number;
  pools_set_aside: Counts;
  openings: number;
  open_cycles: number;
  signals: number;
  attempts: number;
  filled: number;
  unknown: number;
  under_way: number;
  funnel: FunnelCount[];
  reasons: Counts;
  rules: Counts;
  refusals: Counts;
  failures: Counts;
  nearest_misses: Miss[];
  endpoints: Endpoint[];
  profit: ProfitSum[];
  latencies: StageLatency[];
  fees: FeeState;
  risk: RiskState;
  strategy: StrategyState;
  viewers: number;
  lost: number;
}

export interface HopAmounts {
  pool: string;
  mint_in: string;
  mint_out: string;
  amount_in: Amount;
  amount_out: Amount;
}

export interface Span {
  stage: string;
  began_unix_ns: number;
  duration_ns: number;
}

export interface Trade extends Moment {
  type: "trade";
  attempt_id: number;
  opening_id: number | null;
  strategy: string;
  state: string;
  reason: string | null;
  is_dead: boolean;
  signature: string | null;
  base_mint: string;
  hops: HopAmounts[];
  venues: string[];
  amount_in: Amount;
  amount_out: Amount;
  gross_profit: Amount;
  cost: Amount;
  net_profit: Amount;
  spans: Span[];
}

export interface Refusal extends Moment {
  type: "refusal";
  opening_id: number | null;
  strategy: string;
  base_mint: string;
  amount_in: Amount;
  net_profit: Amount | null;
  hops: HopAmounts[];
  reason: string;
  limit: Amount | null;
  value: Amount | null;
}

export interface Notice extends Moment {
  type: "notice";
  kind: string;
  text: string;
}

export interface End extends Moment {
  type: "end";
  summary: Record<string, unknown> | null;
  error: string | null;
}

export interface Snapshot extends Moment {
  type: "snapshot";
  market: Partial<MarketSnapshot>;
  status: Status | null;
  trades: Trade[];
  refusals: Refusal[];
  notices: Notice[];
}

export interface Curve {
  type: "curve";
  id: number;
  base_mint: string | null;
  amounts_in: Amount[];
  gross_profits: (Amount | null)[];
  error: string | null;
}

export type Published = Hello | Snapshot | Changes | Status | Trade | Refusal | Notice | End | Curve;

/** First message of the dashboard's server: what this browser may do. */
export interface Session {
  type: "session";
  control: boolean;
}

/** The run's process is gone; a `hello` follows when one is back. */
export interface Away {
  type: "away";
  since_unix_ms: number;
}

export type Message = Published | Session | Away;
