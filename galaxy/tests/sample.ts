/** Small records, written by hand. */
import type { Changes, Hello, MarketChanges, Snapshot, Status, WatchedPool } from "../src/records";

export const A = "So11111111111111111111111111111111111111112";
export const B = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v";
export const C = "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB";

export const moment = (seq: number, unix_ms = seq * 50) => ({
  seq,
  at_ns: seq * 5e7,
  unix_ms,
  slot: 100 + seq,
});

export const hello = (began_unix_ms = 1): Hello => ({
  type: "hello",
  schema: 1,
  version: "0.1.0",
  pid: 7,
  run_id: 3,
  journal: "journal.sqlite",
  mode: "paper",
  source: "sample",
  description: "",
  label: "",
  total_records: 10,
  began_unix_ms,
  mints: { [A]: { symbol: "SOL", decimals: 9 }, [B]: { symbol: "USDC", decimals: 6 } },
  settings: {},
  controls: [],
});

export const pool = (
  n: number,
  mint_a = A,
  mint_b = B,
  more: Partial<Record<number, unknown>> = {},
): WatchedPool => {
  const tuple: WatchedPool = [
    n,
    `pool${n}`,
    "orca_whirlpool",
    mint_a,
    mint_b,
    9,
    6,
    [3_000_000, 3_000_000],
    "1000000000000",
    "20000000000",
    0.02,
    100,
    null,
  ];
  return Object.assign(tuple, more);
};

export const snapshot = (pools: WatchedPool[], seq = 1, more: Partial<Snapshot> = {}): Snapshot => ({
  type: "snapshot",
  ...moment(seq),
  market: { pools, open: [], judged: [] },
  status: null,
  trades: [],
  refusals: [],
  notices: [],
  ...more,
});

export const changes = (seq: number, market: Partial<MarketChanges>): Changes => ({
  type: "changes",
  ...moment(seq),
  market,
});

export const status = (unix_ms: number, updates: number): Status =>
  ({
    type: "status",
    ...moment(1, unix_ms),
    funnel: [{ stage: "updates", evaluations: updates, openings: null }],
  }) as unknown as Status;
