/** The market as a galaxy, and beside it the same as lists for keyboards and screen readers. */

import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { routeInWords, shortRouteOf, verdictOf } from "../cycles";
import { compact } from "../figures/axis";
import { bps, count, decimal, duration, percent, short, symbolOf, words } from "../format";
import { sky, venueColour } from "../galaxy/colours";
import { Sky } from "../galaxy/sky";
import { NO_VALUES, poolValue, VALUE_MS, type Values, valuesOf } from "../galaxy/value";
import { type Cycle, type Pool, poolOf } from "../model";
import { type Detail, detail, openDetail } from "../panel";
import { hello, marketTick, mints, onFrame, poolsVersion, shown, trades } from "../store";
import { type Column, Table } from "../table";
import { isDark, isStill } from "../theme";

type Tab = "cycles" | "tokens" | "pools";

const TABS: { id: Tab; title: string }[] = [
  { id: "cycles", title: "Open cycles" },
  { id: "tokens", title: "Tokens" },
  { id: "pools", title: "Pools" },
];

const values = signal<Values>(NO_VALUES);
const tab = signal<Tab>("cycles");
const search = signal("");

/** A graphics driver that dropped the picture needs a moment before it draws again. */
const REBUILD_MS = 1_000;

export function Galaxy(): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const sky_now = useRef<Sky | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const [rebuilt, setRebuilt] = useState(0);

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    let built: Sky;
    try {
      built = new Sky(element, shown(), mints.peek(), isDark.peek(), isStill.peek(), {
        clicked: openDetail,
        clickedBundle: (source, target) => {
          tab.value = "pools";
          search.value = `${symbolOf(source, mints.peek())} ${symbolOf(target, mints.peek())}`;
        },
        valued: (found) => {
          values.value = found;
        },
      });
    } catch (error) {
      element.replaceChildren();
      setFailure(whyNot(error));
      return;
    }
    built.choose(detail.peek());
    sky_now.current = built;
    window.__phantom["galaxy"] = built;
    const stop = onFrame((touched, model) => built.changed(touched, model, mints.peek()));
    let timer = 0;
    const lost = (): void => {
      timer ||= window.setTimeout(() => setRebuilt((times) => times + 1), REBUILD_MS);
    };
    // It does not bubble.
    element.addEventListener("webglcontextlost", lost, true);
    return () => {
      element.removeEventListener("webglcontextlost", lost, true);
      clearTimeout(timer);
      stop();
      built.kill();
      sky_now.current = null;
      delete window.__phantom["galaxy"];
    };
  }, [rebuilt]);

  useEffect(() => {
    if (failure === null) return;
    const value = (): void => {
      values.value = valuesOf([...shown().pools.values()]);
    };
    value();
    const timer = setInterval(value, VALUE_MS);
    return () => clearInterval(timer);
  }, [failure]);

  const dark = isDark.value;
  const still = isStill.value;
  useEffect(() => sky_now.current?.setLook(dark, still), [dark, still]);
  const chosen = detail.value;
  useEffect(() => sky_now.current?.choose(chosen), [chosen]);

  const open = (wanted: Detail): void => {
    if (wanted.kind === "star") sky_now.current?.lookAt(wanted.mint);
    openDetail(wanted);
  };
  return (
    <div class="galaxy" style={{ "--sky": sky(dark).background }}>
      <section class="sky" aria-label="The market as a galaxy; the lists beside it say the same in words">
        <h1 class="visually-hidden">Galaxy</h1>
        <div ref={host} class="sky-canvas" aria-hidden="true" />
        {failure !== null && <p class="empty sky-missing">{failure}; the lists show the same market.</p>}
        <Summary />
        <Legend />
        <div class="sky-buttons">
          <button type="button" aria-label="Closer" onClick={() => sky_now.current?.zoom(0.67)}>
            +
          </button>
          <button type="button" aria-label="Farther" onClick={() => sky_now.current?.zoom(1.5)}>
            −
          </button>
          <button type="button" onClick={() => sky_now.current?.wholeSky()}>
            Whole sky
          </button>
        </div>
      </section>
      <Lists open={open} />
    </div>
  );
}

/** Why there is no sky. Without WebGL sigma fails wherever it first needs it. */
function whyNot(error: unknown): string {
  if (document.createElement("canvas").getContext("webgl2") === null) return "WebGL is not available here";
  return `The galaxy could not be drawn (${error instanceof Error ? error.message : String(error)})`;
}

function Summary(): JSX.Element {
  poolsVersion.value;
  marketTick.value;
  const model = shown();
  const stars = values.value.liquidity.size;
  let aside = 0;
  for (const pool of model.pools.values()) if (pool.set_aside !== null) aside += 1;
  return (
    <p class="sky-summary">
      {count(model.pools.size)} pools{aside > 0 && `, ${count(aside)} set aside`} · {count(stars)} tokens with
      a price · <strong>{count(model.open.size)}</strong> {model.open.size === 1 ? "cycle" : "cycles"} open
    </p>
  );
}

function Legend(): JSX.Element {
  poolsVersion.value;
  const dark = isDark.value;
  const venues = useMemo(() => {
    const counts = new Map<string, number>();
    for (const { venue } of shown().pools.values()) counts.set(venue, (counts.get(venue) ?? 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1]);
  }, [poolsVersion.value]);
  const colours = sky(dark);
  const base = values.value.base;
  return (
    <details class="legend" open={!matchMedia("(max-width: 720px)").matches}>
      <summary>Colours</summary>
      <ul>
        {venues.map(([venue, pools]) => (
          <li key={venue}>
            <i style={{ background: venueColour(venue, dark) }} />
            {words(venue)} <span class="dim">{count(pools)}</span>
          </li>
        ))}
        <li>
          <i style={{ background: colours.lit }} />
          open cycle
        </li>
        <li>
          <i style={{ background: colours.taken }} />
          taken
        </li>
        {base && (
          <li>
            <i class="round" style={{ background: colours.star }} />
            {symbolOf(base, mints.value)}: sizes are in it
          </li>
        )}
      </ul>
    </details>
  );
}

function Lists({ open }: { open: (wanted: Detail) => void }): JSX.Element {
  const at = tab.value;
  const tabs = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    const index = TABS.findIndex(({ id }) => id === at);
    tab.value = TABS[(index + step + TABS.length) % TABS.length]!.id;
    requestAnimationFrame(() => tabs.current?.querySelector<HTMLElement>('[aria-selected="true"]')?.focus());
  };
  return (
    <section class="lists" aria-label="The market as lists">
      <div class="tabs" role="tablist" aria-label="Lists" ref={tabs} onKeyDown={move}>
        {TABS.map(({ id, title }) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`tab-${id}`}
            aria-selected={at === id}
            aria-controls="list"
            tabIndex={at === id ? 0 : -1}
            onClick={() => {
              tab.value = id;
            }}
          >
            {title}
          </button>
        ))}
      </div>
      <input
        type="search"
        aria-label="Search the list"
        placeholder="Symbol, address, venue…"
        value={search.value}
        onInput={(event) => {
          search.value = event.currentTarget.value;
        }}
      />
      <div id="list" class="list" role="tabpanel" aria-labelledby={`tab-${at}`}>
        {at === "cycles" ? (
          <Cycles open={open} />
        ) : at === "tokens" ? (
          <Tokens open={open} />
        ) : (
          <Pools open={open} />
        )}
      </div>
    </section>
  );
}

const key = (row: { key: string }): string => row.key;

interface CycleRow {
  key: string;
  cycle: Cycle;
  route: string;
  short_route: string;
  venues: string;
  taken: boolean;
}

const CYCLE_COLUMNS: Column<CycleRow>[] = [
  {
    id: "route",
    header: "Route",
    value: (row) => `${row.route} ${row.venues} ${row.key}`,
    cell: (row) => (
      <span data-cycle={row.key} title={`${row.route} by ${row.venues}`}>
        {row.taken && <span class="good">taken </span>}
        {row.short_route}
      </span>
    ),
  },
  {
    id: "gain",
    header: "bps",
    width: "62px",
    align: "right",
    value: (row) => row.cycle.gain_bps,
    cell: (row) => decimal(row.cycle.gain_bps, 1),
    hint: "Gain in 1/10,000 at the margin, after pools' fees",
  },
  {
    id: "verdict",
    header: "Verdict",
    width: "128px",
    value: (row) => verdictOf(row.cycle.judged),
    cell: (row) => (
      <span class={row.cycle.judged?.reason === null ? "good" : "dim"} title={verdictTitle(row.cycle)}>
        {verdictOf(row.cycle.judged)}
      </span>
    ),
  },
];

function verdictTitle({ judged }: Cycle): string {
  if (!judged) return "Nothing has judged it yet";
  const missing = judged.missing_bps === null ? "" : `, ${bps(judged.missing_bps)} missing`;
  return `${words(judged.stage)}: ${verdictOf(judged)}${missing}`;
}

function Cycles({ open }: { open: (wanted: Detail) => void }): JSX.Element {
  marketTick.value;
  const model = shown();
  const known = mints.value;
  const filled = new Set<number | null>();
  for (const trade of trades.value) if (trade.state === "filled") filled.add(trade.opening_id);
  const rows: CycleRow[] = [];
  for (const cycle of model.open.values()) {
    rows.push({
      key: String(cycle.id),
      cycle,
      route: routeInWords(cycle.edges, model.pools, known),
      short_route: shortRouteOf(cycle.edges, model.pools, known),
      venues: cycle.edges.map((edge) => words(model.pools.get(poolOf(edge))?.venue ?? "?")).join(", "),
      taken: filled.has(cycle.id),
    });
  }
  return (
    <>
      <Table
        label="Open cycles"
        columns={CYCLE_COLUMNS}
        rows={rows}
        rowKey={key}
        filter={search.value}
        sort="-gain"
        steady
        maxHeight={2_000}
        chosen={detail.value?.kind === "cycle" ? String(detail.value.id) : null}
        onOpen={(row) => open({ kind: "cycle", id: row.cycle.id })}
        empty={
          hello.value ? "No cycle is open: no route pays at these prices after pools' fees." : "No run yet."
        }
      />
      <LastClosed />
    </>
  );
}

function LastClosed(): JSX.Element | null {
  const model = shown();
  const last = model.closed[model.closed.length - 1];
  if (!last) return null;
  const lasted = (last.closed_unix_ms ?? 0) - last.opened_unix_ms;
  return (
    <p class="dim last-closed">
      Last closed:{" "}
      <button type="button" class="link" onClick={() => openDetail({ kind: "cycle", id: last.id })}>
        {shortRouteOf(last.edges, model.pools, mints.value)}
      </button>{" "}
      after {lasted < 1_000 ? "less than 1 s" : duration(lasted)}
    </p>
  );
}

interface TokenRow {
  key: string;
  symbol: string;
  pools: number;
  share: number | null;
}

const TOKEN_COLUMNS: Column<TokenRow>[] = [
  { id: "symbol", header: "Token", value: (row) => `${row.symbol} ${row.key}`, cell: (row) => row.symbol },
  { id: "pools", header: "Pools", width: "70px", align: "right", value: (row) => row.pools },
  {
    id: "share",
    header: "Liquidity",
    width: "92px",
    align: "right",
    value: (row) => row.share,
    cell: (row) => percent(row.share, row.share !== null && row.share < 0.001 ? 4 : 2),
    hint: "Share of all liquidity, valued in the base mint",
  },
];

function Tokens({ open }: { open: (wanted: Detail) => void }): JSX.Element {
  const { liquidity } = values.value;
  const known = mints.value;
  poolsVersion.value;
  const rows = useMemo(() => {
    const degrees = new Map<string, number>();
    for (const { mint_a, mint_b } of shown().pools.values()) {
      degrees.set(mint_a, (degrees.get(mint_a) ?? 0) + 1);
      degrees.set(mint_b, (degrees.get(mint_b) ?? 0) + 1);
    }
    let total = 0;
    for (const value of liquidity.values()) total += value;
    return [...degrees].map(([mint, pools]): TokenRow => {
      const value = liquidity.get(mint);
      return {
        key: mint,
        symbol: symbolOf(mint, known),
        pools,
        share: value === undefined || total === 0 ? null : value / total,
      };
    });
  }, [liquidity, known, poolsVersion.value]);
  return (
    <Table
      label="Tokens"
      columns={TOKEN_COLUMNS}
      rows={rows}
      rowKey={key}
      filter={search.value}
      sort="-share"
      steady
      maxHeight={2_000}
      chosen={detail.value?.kind === "star" ? detail.value.mint : null}
      onOpen={(row) => open({ kind: "star", mint: row.key })}
      empty="No pools have been told of yet."
    />
  );
}

interface PoolRow {
  key: string;
  pool: Pool;
  pair: string;
  value: number | null;
  aside: string | null;
}

const POOL_COLUMNS: Column<PoolRow>[] = [
  {
    id: "pair",
    header: "Pool",
    value: (row) => `${row.pair} ${row.pool.pool}`,
    cell: (row) => (
      <span title={row.pool.pool}>
        {row.aside !== null && <span class="warn">aside </span>}
        {row.pair}
      </span>
    ),
  },
  {
    id: "venue",
    header: "Venue",
    width: "118px",
    value: (row) => `${words(row.pool.venue)} ${words(row.aside ?? "")}`,
    cell: (row) => (
      <span title={row.aside ? `Set aside: ${words(row.aside)}` : ""}>{words(row.pool.venue)}</span>
    ),
  },
  {
    id: "value",
    header: "Depth",
    width: "84px",
    align: "right",
    value: (row) => row.value,
    cell: (row) => (row.value === null ? "–" : compact(row.value)),
    hint: "Of both mints, in whole units of the base mint",
  },
];

function Pools({ open }: { open: (wanted: Detail) => void }): JSX.Element {
  const { rate, base } = values.value;
  const known = mints.value;
  poolsVersion.value;
  const rows = useMemo(() => {
    const decimals = base === null ? 0 : (known[base]?.decimals ?? 0);
    return [...shown().pools.values()].map((pool): PoolRow => {
      const value = poolValue(pool, rate);
      return {
        key: String(pool.n),
        pool,
        pair: `${symbolOf(pool.mint_a, known)} / ${symbolOf(pool.mint_b, known)}`,
        value: value === null ? null : value / 10 ** decimals,
        aside: pool.set_aside,
      };
    });
  }, [rate, known, poolsVersion.value]);
  return (
    <Table
      label={`Pools; depth in ${base === null ? "base units" : (known[base]?.symbol ?? short(base))}`}
      columns={POOL_COLUMNS}
      rows={rows}
      rowKey={key}
      filter={search.value}
      sort="-value"
      steady
      maxHeight={2_000}
      chosen={detail.value?.kind === "pool" ? String(detail.value.n) : null}
      onOpen={(row) => open({ kind: "pool", n: row.pool.n })}
      empty="No pools have been told of yet."
    />
  );
}
