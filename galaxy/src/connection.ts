/** The WebSocket to the dashboard's server: reconnects by itself, hands records over once per frame. */

import type { Message } from "./records";

export type ConnectionState = "connecting" | "connected" | "reconnecting" | "away";

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;

/** A hidden page draws no frames; records are then folded this often. */
const HIDDEN_FLUSH_MS = 500;

/** So many waiting records are folded at once, frame or not. */
const MOST_WAITING = 2_000;

/** Nothing heard for so long, not even a status: the connection is taken for dead. */
const SILENCE_MS = 30_000;
const PING_MS = 10_000;

export interface Listener {
  /** Records in order, all that came since the last frame. */
  records(batch: Message[]): void;
  /** `attempts` connections in a row came to nothing. */
  state(state: ConnectionState, attempts: number): void;
}

/** How long to wait before attempt `attempt` (from 0): doubling, with jitter in its upper half. */
export function waitMs(attempt: number, random: number = Math.random()): number {
  const longest = Math.min(FIRST_WAIT_MS * 2 ** attempt, LONGEST_WAIT_MS);
  return longest / 2 + (longest / 2) * random;
}

export class Connection {
  private socket: WebSocket | null = null;
  private attempts = 0;
  private waiting: string[] = [];
  private frame = 0;
  private timer = 0;
  private retry = 0;
  private heard_at = 0;
  private is_away = false;
  private readonly heartbeat: number;

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
  ) {
    document.addEventListener("visibilitychange", this.onVisibility);
    addEventListener("online", this.onOnline);
    this.heartbeat = window.setInterval(() => this.beat(), PING_MS);
    this.connect();
  }

  close(): void {
    document.removeEventListener("visibilitychange", this.onVisibility);
    removeEventListener("online", this.onOnline);
    clearInterval(this.heartbeat);
    clearTimeout(this.retry);
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    this.drop();
  }

  private readonly onVisibility = (): void => {
    if (!document.hidden) this.flush();
  };

  private readonly onOnline = (): void => {
    if (!this.socket) this.connect();
  };

  private connect(): void {
    clearTimeout(this.retry);
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.heard_at = performance.now();
    socket.onopen = () => {
      this.heard_at = performance.now();
      this.is_away = false;
      this.listener.state("connected", 0);
    };
    socket.onmessage = (event: MessageEvent<unknown>) => {
      this.heard_at = performance.now();
      this.attempts = 0;
      if (typeof event.data !== "string") return;
      this.waiting.push(event.data);
      if (this.waiting.length >= MOST_WAITING) this.flush();
      else this.schedule();
    };
    socket.onclose = () => this.lost(socket);
  }

  private lost(socket: WebSocket): void {
    if (this.socket !== socket) return;
    this.socket = null;
    this.listener.state("reconnecting", this.attempts);
    this.retry = window.setTimeout(() => this.connect(), waitMs(this.attempts));
    this.attempts += 1;
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  private beat(): void {
    const socket = this.socket;
    if (!socket) return;
    if (performance.now() - this.heard_at > SILENCE_MS && !this.is_away) {
      this.drop();
      this.listener.state("reconnecting", this.attempts);
      this.connect();
    } else if (socket.readyState === WebSocket.OPEN) {
      socket.send('{"type":"ping"}');
    }
  }

  private schedule(): void {
    if (document.hidden) this.timer ||= window.setTimeout(() => this.flush(), HIDDEN_FLUSH_MS);
    else this.frame ||= requestAnimationFrame(() => this.flush());
  }

  private flush(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.frame = this.timer = 0;
    if (this.waiting.length === 0) return;
    const texts = this.waiting;
    this.waiting = [];
    let batch: Message[];
    try {
      batch = texts.map((text) => JSON.parse(text) as Message);
    } catch {
      // What follows a broken record cannot be folded; a new connection begins with a snapshot.
      const socket = this.socket;
      this.drop();
      this.socket = socket;
      if (socket) this.lost(socket);
      return;
    }
    this.listener.records(batch);
    const state = batch.findLast((record) => record.type === "away" || record.type === "hello");
    if (state) {
      this.is_away = state.type === "away";
      this.listener.state(this.is_away ? "away" : "connected", 0);
    }
  }
}
