/** Questions to the dashboard's server. Errors come as sentences. */

import type { Curve, Published, Snapshot } from "./records";

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

export interface HistoryMoment {
  seq: number;
  at_ns: number;
  unix_ms: number;
  slot: number;
}

export interface HistoryMark {
  seq: number;
  at_ns: number;
  unix_ms: number;
  kind: "trade" | "opened";
  id: number;
}

export interface HistoryRange {
  from: HistoryMoment;
  to: HistoryMoment;
  marks: HistoryMark[];
}

export interface PoolHistory {
  at_ns: number[];
  unix_ms: number[];
  price: (number | null)[];
  depth_a: number[];
  depth_b: number[];
}

export interface MintHistory {
  pools: (PoolHistory & { n: number })[];
  left_out: number;
}

/** Asks with GET; throws `ApiError` with the server's sentence. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return answered<T>(path, signal ? { signal } : {});
}

/** Asks with POST. */
export async function post<T>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
  return answered<T>(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

async function answered<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(new URL(path.replace(/^\//, ""), document.baseURI), {
      credentials: "same-origin",
      ...init,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("The dashboard's server does not answer", 0);
  }
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const said = (answer as { error?: unknown } | null)?.error;
    throw new ApiError(
      typeof said === "string" ? said : `The server answered ${response.status}`,
      response.status,
    );
  }
  return answer as T;
}

export const history = (signal?: AbortSignal): Promise<HistoryRange> => get("api/history", signal);

export const historyAt = (seq: number, signal?: AbortSignal): Promise<Snapshot> =>
  get(`api/history/at?seq=${seq}`, signal);

export const historySince = (seq: number, limit: number, signal?: AbortSignal): Promise<Published[]> =>
  get(`api/history/since?seq=${seq}&limit=${limit}`, signal);

export const curve = (cycle: number, points = 64, signal?: AbortSignal): Promise<Curve> =>
  get(`api/curve?cycle=${cycle}&points=${points}`, signal);

export const poolHistory = (n: number, signal?: AbortSignal): Promise<PoolHistory> =>
  get(`api/pools/${n}/history`, signal);

export const mintHistory = (mint: string, signal?: AbortSignal): Promise<MintHistory> =>
  get(`api/mints/${encodeURIComponent(mint)}/history`, signal);
