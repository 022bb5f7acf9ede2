/**
 * What pages read. Slow things are signals; the market (pools, open cycles) stays in the model, because it
 * changes thousands of times a second, and version counters say when to look again.
 */

import { batch, computed, signal } from "@preact/signals";
import { ApiError, get } from "./api";
import { Connection, type ConnectionState } from "./connection";
import { frames } from "./frames";
import { RunModel, type Touched } from "./model";
import {
  type End,
  type Hello,
  type Message,
  type Mint,
  type Moment,
  type Notice,
  type Published,
  type Refusal,
  SCHEMA,
  type Session,
  type Status,
  type Trade,
} from "./records";

/** The run as it is now; goes on while an earlier moment is shown. */
const live = new RunModel();
let shown_model: RunModel = live;

/** The model that every page shows: the live one, or an earlier moment. */
export function shown(): RunModel {
  return shown_model;
}

export const connection = signal<ConnectionState>("connecting");
export const session = signal<Session | null>(null);
/** Why the server does not let this browser in; null if it does. */
export const refused = signal<string | null>(null);
/** Schema of a run whose records these pages do not know; null if they do. */
export const unknownSchema = signal<number | null>(null);
export const awaySince = signal<number | null>(null);

export const hello = signal<Hello | null>(null);
export const status = signal<Status | null>(null);
export const end = signal<End | null>(null);
/** Where the shown model is; told at most four times a second. */
export const moment = signal<Moment>({ seq: 0, at_ns: 0, unix_ms: 0, slot: 0 });
/** Newest last. */
export const trades = signal<Trade[]>([]);
export const refusals = signal<Refusal[]>([]);
export const notices = signal<Notice[]>([]);
/** Evaluations per minute by stage. */
export const perMinute = signal<Record<string, number>>({});
/** Symbols and decimals that are known. */
export const mints = computed<Record<string, Mint>>(() => hello.value?.mints ?? {});

/** Rises when cycles opened, closed or were judged, or everything was replaced. */
export const cyclesVersion = signal(0);
/** Rises when pools appeared or everything was replaced. */
export const poolsVersion = signal(0);
/** Rises at most four times a second while anything of the market changes: for tables and lists. */
export const marketTick = signal(0);

const TICK_MS = 250;

export interface Scrubbed {
  seq: number;
  is_playing: boolean;
  speed: number;
}

/** The earlier moment that every page shows; null while they show the present. */
export const scrubbed = signal<Scrubbed | null>(null);

export type FrameListener = (touched: Touched, model: RunModel) => void;
const listeners = new Set<FrameListener>();

/** Calls `listener` with what was touched, at most once per frame; returns how to stop. */
export function onFrame(listener: FrameListener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

let tick_timer = 0;

function tickSoon(): void {
  if (tick_timer !== 0) return;
  tick_timer = window.setTimeout(() => {
    tick_timer = 0;
    frames.timed(() =>
      batch(() => {
        tellMoment(shown_model);
        marketTick.value += 1;
      }),
    );
  }, TICK_MS);
}

function tellMoment(model: RunModel): void {
  moment.value = { seq: model.seq, at_ns: model.at_ns, unix_ms: model.unix_ms, slot: model.slot };
}

/** Tells everyone what `model`, if it is the one shown, was touched by. */
export function publish(model: RunModel): void {
  const touched = model.taken();
  if (model !== shown_model) return;
  frames.timed(() =>
    batch(() => {
      const { replaced } = touched;
      if (replaced) tellMoment(model);
      if (replaced || touched.told) tell(model);
      if (replaced || touched.new_pools.length > 0) poolsVersion.value += 1;
      if (replaced || touched.opened.length + touched.closed.length + touched.judged.size > 0) {
        cyclesVersion.value += 1;
      }
      if (replaced) marketTick.value += 1;
      else tickSoon();
      for (const listener of listeners) listener(touched, model);
    }),
  );
}

function tell(model: RunModel): void {
  hello.value = model.hello;
  end.value = model.end;
  if (status.peek() !== model.status) {
    status.value = model.status;
    perMinute.value = model.perMinute();
  }
  if (differ(trades.peek(), model.trades)) trades.value = model.trades.slice();
  if (differ(refusals.peek(), model.refusals)) refusals.value = model.refusals.slice();
  if (differ(notices.peek(), model.notices)) notices.value = model.notices.slice();
}

function differ(before: readonly Moment[], now: readonly Moment[]): boolean {
  return before.length !== now.length || before[before.length - 1] !== now[now.length - 1];
}

/** Shows an earlier moment, folded in `model`, on every page. */
export function show(model: RunModel, at: Scrubbed): void {
  shown_model = model;
  batch(() => {
    scrubbed.value = at;
    showAll(model);
  });
}

const goers = new Set<() => void>();

/** Calls `goer` before the present is shown again: what leads to another moment has to stop. */
export function onLive(goer: () => void): void {
  goers.add(goer);
}

/** Shows the present again. */
export function showLive(): void {
  for (const goer of goers) goer();
  if (shown_model === live && scrubbed.peek() === null) return;
  shown_model = live;
  batch(() => {
    scrubbed.value = null;
    showAll(live);
  });
}

function showAll(model: RunModel): void {
  model.replaceTouched();
  publish(model);
}

/** The live model's `hello`, for folding earlier moments of the same run. */
export function liveHello(): Hello | null {
  return live.hello;
}

/** Where the run is by now, whatever moment is shown. */
export function liveMoment(): Moment {
  return { seq: live.seq, at_ns: live.at_ns, unix_ms: live.unix_ms, slot: live.slot };
}

/** What tests ask of the model that is shown. */
export function facts(): Record<string, unknown> {
  const model = shown_model;
  return {
    seq: model.seq,
    pools: model.pools.size,
    open: [...model.open.keys()],
    attempts: model.trades.map((trade) => trade.attempt_id),
  };
}

const RELOADED = "phantom-reloaded";

/** Whether these pages know what the run says; if not they are loaded once more: there may be newer ones. */
function isKnown(said: Hello): boolean {
  const is_known = said.schema === SCHEMA;
  unknownSchema.value = is_known ? null : said.schema;
  try {
    if (is_known) {
      sessionStorage.removeItem(RELOADED);
    } else if (sessionStorage.getItem(RELOADED) === null) {
      sessionStorage.setItem(RELOADED, "1");
      location.reload();
    }
  } catch {
    // Without storage nobody knows whether they were loaded anew already: the banner says what to do.
  }
  return is_known;
}

/** Folds what the server sent; exported for tests. */
export function receive(messages: Message[]): void {
  frames.timed(() => {
    for (const message of messages) {
      switch (message.type) {
        case "session":
          session.value = message;
          break;
        case "away":
          awaySince.value = message.since_unix_ms;
          break;
        case "hello":
          awaySince.value = null;
          if (!isKnown(message)) break;
          if (live.hello && live.hello.began_unix_ms !== message.began_unix_ms) showLive();
          live.apply(message);
          break;
        default:
          if (unknownSchema.peek() === null) live.apply(message as Published);
      }
    }
  });
  publish(live);
}

/** A server that answers, but not to this browser: most likely it was started anew, with another token. */
async function askWhy(): Promise<void> {
  try {
    await get("api/history");
  } catch (error) {
    if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
      refused.value = error.message;
    }
  }
}

/** Opens the connection to the server that this page came from. */
export function connect(): Connection {
  const url = new URL("ws", document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = url.hash = "";
  return new Connection(url.href, {
    records: receive,
    state: (state, attempts) => {
      connection.value = state;
      if (state !== "reconnecting") refused.value = null;
      else if (attempts >= 2) void askWhy();
    },
  });
}
