/**
 * The bar at the bottom: everything the server remembers of this run, with trades and openings marked. Moving
 * along it shows that moment on every page; playing folds what followed it, at any speed.
 */

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { ApiError, type HistoryMark, type HistoryRange, history, historyAt, historySince } from "./api";
import { clock, count, timeOfDay } from "./format";
import { RunModel } from "./model";
import type { Moment, Published } from "./records";
import {
  connection,
  hello,
  liveHello,
  liveMoment,
  moment,
  onLive,
  publish,
  scrubbed,
  show,
  showLive,
  status,
  trades,
} from "./store";
import { isDark, variable } from "./theme";

const POLL_MS = 2_000;

/** A moving slider asks the server at most this often. */
const SCRUB_MS = 120;

const CHUNK = 300;

/** So near the present, the present is shown instead. */
const NEAR_MS = 500;

/** More is fetched when fewer records than this wait to be played. */
const LOW = 100;

/** With fewer waiting, whatever there is more is fetched. */
const FEW = 10;

export const SPEEDS = [0.25, 1, 4, 16, 64] as const;

const range = signal<HistoryRange | null>(null);
const problem = signal<string | null>(null);
const speed = signal<number>(1);

/** Where the reader's hand is, before the server has answered. */
const wanted = signal<number | null>(null);

let past: RunModel | null = null;
let asked = 0;
let asking: AbortController | null = null;
let scrub_timer = 0;

function failed(error: unknown): void {
  if (error instanceof DOMException) return;
  problem.value = error instanceof ApiError ? error.message : "The history could not be read";
}

/** Shows the moment of record `seq` on every page. */
export async function goTo(seq: number): Promise<void> {
  stop();
  asking?.abort();
  asking = new AbortController();
  const mine = ++asked;
  try {
    const snapshot = await historyAt(seq, asking.signal);
    const said = liveHello();
    if (mine !== asked || !said) return;
    past = new RunModel();
    past.apply(said);
    past.apply(snapshot);
    problem.value = null;
    show(past, { seq: snapshot.seq, is_playing: false, speed: speed.peek() });
  } catch (error) {
    if (mine === asked) failed(error);
  }
}

/** What plays: records that wait, and the machine's time of the run that is reached. */
class Player {
  private waiting: Published[] = [];
  private fetched: number;
  private reached_ms: number;
  private before = 0;
  private frame = 0;
  private is_fetching = false;
  private is_at_end = false;

  constructor(private readonly model: RunModel) {
    this.fetched = model.seq;
    this.reached_ms = model.unix_ms;
    this.frame = requestAnimationFrame((now) => this.step(now));
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
  }

  private step(now: number): void {
    if (this.before > 0) this.reached_ms += (now - this.before) * speed.peek();
    this.before = now;
    let played = 0;
    for (const record of this.waiting) {
      if ("unix_ms" in record && record.unix_ms > this.reached_ms) break;
      this.model.apply(record);
      played += 1;
    }
    this.waiting.splice(0, played);
    // Nothing to wait for in a quiet stretch that has not been fetched yet.
    if (this.waiting.length === 0) this.reached_ms = Math.min(this.reached_ms, this.model.unix_ms + 1_000);
    if (played > 0) {
      scrubbed.value = { seq: this.model.seq, is_playing: true, speed: speed.peek() };
      publish(this.model);
    }
    const { seq, unix_ms } = liveMoment();
    const ahead = seq - this.fetched;
    // A run that goes on has always said a little more: that alone is worth a request only when it is needed.
    const is_short = this.waiting.length < FEW ? ahead > 0 : this.waiting.length < LOW && ahead >= LOW;
    if (is_short && !this.is_fetching && !this.is_at_end) void this.fetch();
    const is_near = ahead <= 0 || unix_ms - this.model.unix_ms <= NEAR_MS;
    if (this.waiting.length === 0 && (this.is_at_end || is_near)) this.finished();
    else this.frame = requestAnimationFrame((then) => this.step(then));
  }

  private async fetch(): Promise<void> {
    this.is_fetching = true;
    try {
      const records = await historySince(this.fetched, CHUNK);
      const last = records.findLast((record) => "seq" in record) as Moment | undefined;
      this.is_at_end = last === undefined;
      if (last) this.fetched = last.seq;
      this.waiting.push(...records);
    } catch (error) {
      // An answer may come when another plays.
      if (player !== this) return;
      failed(error);
      stop();
    } finally {
      this.is_fetching = false;
    }
  }

  /** Caught up: a run that goes on is shown live, one that has ended stays at its end. */
  private finished(): void {
    stop();
    if (connection.peek() === "connected" && !this.model.end) showLive();
  }
}

let player: Player | null = null;

/** Plays on from the moment that is shown. */
export function play(): void {
  if (!past || player) return;
  player = new Player(past);
  scrubbed.value = { seq: past.seq, is_playing: true, speed: speed.peek() };
}

function stop(): void {
  player?.stop();
  player = null;
  const now = scrubbed.peek();
  if (now?.is_playing) scrubbed.value = { ...now, is_playing: false };
}

/** Whoever shows the present again: a moment asked for before that is not shown any more. */
onLive(() => {
  stop();
  clearTimeout(scrub_timer);
  wanted.value = null;
  asked += 1;
  asking?.abort();
  past = null;
});

function scrubTo(seq: number): void {
  clearTimeout(scrub_timer);
  wanted.value = seq;
  scrub_timer = window.setTimeout(() => {
    void goTo(seq).finally(() => {
      if (wanted.peek() === seq) wanted.value = null;
    });
  }, SCRUB_MS);
}

export function Timeline(): JSX.Element | null {
  const has_run = hello.value !== null;
  const began = hello.value?.began_unix_ms;
  useEffect(() => {
    if (!has_run) return;
    let gone = false;
    let timer = 0;
    const look = async (): Promise<void> => {
      if (!document.hidden && connection.peek() !== "reconnecting") {
        try {
          const found = await history();
          if (!gone) range.value = found;
          if (problem.peek() !== null && scrubbed.peek() === null) problem.value = null;
        } catch (error) {
          if (!gone && scrubbed.peek() === null) failed(error);
        }
      }
      if (!gone) timer = window.setTimeout(look, POLL_MS);
    };
    void look();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [has_run, began]);

  const known = range.value;
  if (!has_run) return null;
  if (!known) {
    return (
      <section class="timeline" aria-label="Timeline">
        <span class="dim">{problem.value ?? "Reading the history…"}</span>
      </section>
    );
  }
  const at = scrubbed.value;
  const newest = Math.max(known.to.seq, at ? 0 : (status.value?.seq ?? 0));
  const seq = wanted.value ?? at?.seq ?? newest;
  return (
    <section class="timeline" aria-label="Timeline">
      <button
        type="button"
        class="play"
        disabled={!at}
        aria-label={at?.is_playing ? "Pause" : "Play on from this moment"}
        title={at ? "" : "Move along the line first: then it can be played from there"}
        onClick={() => (at?.is_playing ? stop() : play())}
      >
        {at?.is_playing ? "❚❚" : "▶"}
      </button>
      <select
        aria-label="Speed"
        value={String(speed.value)}
        onChange={(event) => {
          speed.value = Number(event.currentTarget.value);
        }}
      >
        {SPEEDS.map((one) => (
          <option key={one} value={String(one)}>
            {one}×
          </option>
        ))}
      </select>
      <time class="wide">{timeWords(known.from)}</time>
      <div class="track">
        <Marks range={known} newest={newest} />
        <input
          type="range"
          min={known.from.seq}
          max={newest}
          step={1}
          value={seq}
          aria-label="Moment that is shown"
          aria-valuetext={at ? `record ${count(at.seq)}, ${timeWords(moment.value)}` : "now"}
          onInput={(event) => scrubTo(event.currentTarget.valueAsNumber)}
        />
      </div>
      <time>{timeWords(at ? moment.value : known.to)}</time>
      <button
        type="button"
        class={at ? "live-button" : "live-button is-live"}
        disabled={!at}
        onClick={showLive}
      >
        {at ? "Back to live" : "● Live"}
      </button>
      {problem.value && <span class="bad timeline-problem">{problem.value}</span>}
    </section>
  );
}

/** A recording's own time, or the machine's for what is live. */
function timeWords(at: Pick<Moment, "at_ns" | "unix_ms">): string {
  const said = hello.peek();
  return said && said.total_records !== null ? clock(at.at_ns) : timeOfDay(at.unix_ms);
}

function Marks({ range: known, newest }: { range: HistoryRange; newest: number }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const dark = isDark.value;
  const fresh = marksNow(known.marks);
  const shown = `${known.from.seq} ${newest} ${fresh.length} ${dark}`;
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d");
    if (!element || !context) return;
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth, clientHeight } = element;
    element.width = clientWidth * ratio;
    element.height = clientHeight * ratio;
    context.scale(ratio, ratio);
    const span = Math.max(newest - known.from.seq, 1);
    // The thumb's centre goes from 8 px to 8 px before the end.
    const place = (seq: number): number => 8 + ((seq - known.from.seq) / span) * (clientWidth - 16);
    context.fillStyle = variable("--warn");
    context.globalAlpha = 0.5;
    for (const mark of fresh) {
      if (mark.kind === "opened") context.fillRect(place(mark.seq), clientHeight - 4, 1, 4);
    }
    context.globalAlpha = 1;
    context.fillStyle = variable("--good");
    for (const mark of fresh) {
      if (mark.kind === "trade") context.fillRect(place(mark.seq) - 1, 0, 2, clientHeight);
    }
  }, [shown]);
  const made = fresh.filter((mark) => mark.kind === "trade").length;
  return (
    <canvas
      ref={canvas}
      class="marks"
      role="img"
      aria-label={`${count(made)} trades and ${count(fresh.length - made)} openings along the line`}
    />
  );
}

/** The server's marks, and the trades that came since it was asked. */
function marksNow(marks: HistoryMark[]): HistoryMark[] {
  const last = marks[marks.length - 1]?.seq ?? -1;
  const fresh = trades.value
    .filter((trade) => trade.seq > last)
    .map(({ seq, at_ns, unix_ms, attempt_id }) => ({
      seq,
      at_ns,
      unix_ms,
      kind: "trade" as const,
      id: attempt_id,
    }));
  return scrubbed.value ? marks : [...marks, ...fresh];
}
