/** Small pieces that pages and details are made of. */

import { type ComponentChildren, Fragment, type JSX } from "preact";
import { useEffect, useId, useState } from "preact/hooks";
import { path } from "./figures/route";
import type { Tone } from "./figures/tone";
import { clock, dateTime, percent, symbolOf, timeOfDay } from "./format";
import { openDetail } from "./panel";
import { sentence } from "./sentence";
import { hello, mints, moment, shown } from "./store";
import "./pages.css";

export type { Tone } from "./figures/tone";

/** A part of a page with a heading. */
export function Card(props: {
  title: string;
  note?: ComponentChildren;
  aside?: ComponentChildren;
  children: ComponentChildren;
}): JSX.Element {
  const id = useId();
  return (
    <section class="card" aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>{props.title}</h2>
        {props.aside}
      </div>
      {props.note && <p class="note">{props.note}</p>}
      {props.children}
    </section>
  );
}

/** What may be wider than the page scrolls by itself, by keyboard too. */
export function Scroll(props: { label: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="plain-scroll" aria-label={`${props.label}: table`} tabIndex={0}>
      {props.children}
    </section>
  );
}

/** Why there is nothing to show. */
export function Empty({ children }: { children: ComponentChildren }): JSX.Element {
  return <p class="empty">{children}</p>;
}

/** A word whose colour says the same again. */
export function Tag({ tone, children }: { tone: Tone; children: ComponentChildren }): JSX.Element {
  return <span class={`tag ${tone}`}>{children}</span>;
}

/** A bar from 0 to 1; its figure stands beside it, so screen readers pass it by. */
export function Bar({ share, tone = "plain" }: { share: number; tone?: Tone }): JSX.Element {
  const width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return (
    <span class={`bar ${tone}`} aria-hidden="true">
      <span style={{ width }} />
    </span>
  );
}

/** A share as bar and figure. */
export function Share({ share, tone = "plain" }: { share: number; tone?: Tone }): JSX.Element {
  return (
    <span class="share">
      <Bar share={share} tone={tone} />
      <span class="share-figure">{percent(share)}</span>
    </span>
  );
}

export type Pair = readonly [name: string, value: ComponentChildren] | null;

/** Names and values in two columns; `null` leaves a row out. */
export function Pairs({ rows }: { rows: readonly Pair[] }): JSX.Element {
  return (
    <dl class="pairs">
      {rows.map(
        (row) =>
          row && (
            <Fragment key={row[0]}>
              <dt>{row[0]}</dt>
              <dd>{row[1]}</dd>
            </Fragment>
          ),
      )}
    </dl>
  );
}

export interface Tile {
  name: string;
  value: ComponentChildren;
  note?: ComponentChildren;
  tone?: Tone;
}

/** Large figures in a row. */
export function Tiles({ tiles }: { tiles: readonly Tile[] }): JSX.Element {
  return (
    <dl class="tiles">
      {tiles.map((tile) => (
        <div key={tile.name} class="tile">
          <dt>{tile.name}</dt>
          <dd>
            <span class={`tile-value ${tile.tone ?? "plain"}`}>{tile.value}</span>
            {tile.note && <span class="tile-note">{tile.note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** Tone of a profit or loss; its sign says the same. */
export function toneOf(amount: string | bigint | null): Tone {
  if (amount === null) return "dim";
  const value = BigInt(amount);
  return value > 0n ? "good" : value < 0n ? "bad" : "plain";
}

/** The settings that govern something, each a link to where it stands. */
export function Governs({ keys }: { keys: readonly string[] }): JSX.Element | null {
  if (keys.length === 0) return null;
  return (
    <span class="governs">
      {keys.length === 1 ? "Setting " : "Settings "}
      {keys.map((key, index) => (
        <span key={key}>
          {index > 0 && ", "}
          <a href={`#/settings/${encodeURIComponent(key.replace(/\.\*.*$/, ""))}`}>
            <code>{key}</code>
          </a>
        </span>
      ))}
    </span>
  );
}

/** A button that looks like a link. */
export function LinkButton(props: { onClick: () => void; children: ComponentChildren }): JSX.Element {
  return (
    <button type="button" class="link" onClick={props.onClick}>
      {props.children}
    </button>
  );
}

/** A token by its symbol; opens its star. */
export function TokenLink({ mint }: { mint: string }): JSX.Element {
  return (
    <LinkButton onClick={() => openDetail({ kind: "star", mint })}>{symbolOf(mint, mints.value)}</LinkButton>
  );
}

/** A pool by its address, told by where it is known; opens it. */
export function PoolLink({
  address,
  children,
}: {
  address: string;
  children: ComponentChildren;
}): JSX.Element {
  const n = numberOf(address);
  if (n === null) return <>{children}</>;
  return <LinkButton onClick={() => openDetail({ kind: "pool", n })}>{children}</LinkButton>;
}

function numberOf(address: string): number | null {
  for (const pool of shown().pools.values()) if (pool.pool === address) return pool.n;
  return null;
}

/** `USDC → SOL → USDC`. */
export function routeText(hops: readonly { mint_in: string; mint_out: string }[]): string {
  return path(hops, (mint) => symbolOf(mint, mints.value));
}

/** The same in a table's cell, cut short where there is no room. */
export function RouteCell({ hops }: { hops: readonly { mint_in: string; mint_out: string }[] }): JSX.Element {
  const text = routeText(hops);
  return (
    <span class="route" title={text}>
      {text}
    </span>
  );
}

/** When something was: for a recording its own time, else the time of day, with the date if that is another. */
export function when({ unix_ms, at_ns }: { unix_ms: number; at_ns: number }): string {
  if (hello.value?.total_records !== null) return clock(at_ns);
  return Math.abs(moment.value.unix_ms - unix_ms) < 86_400_000 ? timeOfDay(unix_ms) : dateTime(unix_ms);
}

export interface Asked<T> {
  answer: T | null;
  /** Why there is none, in words. */
  error: string | null;
  is_waiting: boolean;
}

/** Asks again whenever `key` changes; the last answer stays until there is another. */
export function useAnswer<T>(key: string, ask: (signal: AbortSignal) => Promise<T>): Asked<T> {
  const [asked, setAsked] = useState<Asked<T>>({
    answer: null,
    error: null,
    is_waiting: true,
  });
  // `key` says all that `ask` depends on.
  useEffect(() => {
    const stop = new AbortController();
    setAsked((before) => ({ ...before, is_waiting: true }));
    ask(stop.signal).then(
      (answer) => {
        if (!stop.signal.aborted) setAsked({ answer, error: null, is_waiting: false });
      },
      (error: unknown) => {
        if (!stop.signal.aborted) setAsked({ answer: null, error: sentence(error), is_waiting: false });
      },
    );
    return () => stop.abort();
  }, [key]);
  return asked;
}
