/** The frame around every page: header, navigation, what is said across pages, and the drawer. */

import { signal } from "@preact/signals";
import type { ComponentType, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { clock, count, dateTime, duration, signed, timeOfDay, words } from "./format";
import { frames } from "./frames";
import { Endpoints } from "./pages/endpoints";
import { Opportunities } from "./pages/opportunities";
import { Risk } from "./pages/risk";
import { Settings } from "./pages/settings";
import { Trades } from "./pages/trades";
import { Why } from "./pages/why";
import { Panel } from "./panel";
import { PAGES, type PageId, page } from "./routes";
import {
  awaySince,
  connection,
  end,
  hello,
  marketTick,
  mints,
  moment,
  refused,
  scrubbed,
  showLive,
  status,
  unknownSchema,
} from "./store";
import { type Choice, choose, themeChoice } from "./theme";
import { Timeline } from "./timeline";

const VIEWS: Record<Exclude<PageId, "galaxy">, ComponentType> = {
  why: Why,
  opportunities: Opportunities,
  trades: Trades,
  endpoints: Endpoints,
  risk: Risk,
  settings: Settings,
};

export function App(): JSX.Element {
  const main = useRef<HTMLElement>(null);
  const shown = page.value;
  useEffect(() => {
    const title = PAGES.find((candidate) => candidate.id === shown)?.title ?? "";
    document.title = `${title} · PhantomArbiter`;
    main.current?.scrollTo({ top: 0 });
  }, [shown]);
  return (
    <div class={scrubbed.value ? "app past" : "app"}>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the page
      </button>
      <Header />
      <Navigation />
      <main ref={main} id="main" tabIndex={-1} class={`page page-${shown}`}>
        <Banner />
        <View shown={shown} />
      </main>
      <Panel />
      <Timeline />
    </div>
  );
}

function View({ shown }: { shown: PageId }): JSX.Element {
  if (shown === "galaxy") return <GalaxyPage />;
  if (!hello.value) return <Waiting />;
  const Page = VIEWS[shown];
  return <Page />;
}

/** Sigma and the galaxy come when they are first looked at, so that the first page paints sooner. */
function GalaxyPage(): JSX.Element {
  const [Page, setPage] = useState<ComponentType | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    import("./pages/galaxy").then(
      (module) => setPage(() => module.Galaxy),
      () => setFailed(true),
    );
  }, []);
  if (failed) return <p class="empty">The galaxy could not be loaded: reload the page.</p>;
  return Page ? <Page /> : <p class="boot">Loading the galaxy…</p>;
}

function Waiting(): JSX.Element {
  return (
    <p class="empty">
      {connection.value === "away"
        ? "No run is under way. This page follows the next one by itself: phantom run"
        : connection.value === "reconnecting"
          ? "The dashboard's server does not answer. This page goes on trying."
          : "Connecting…"}
    </p>
  );
}

function Header(): JSX.Element {
  const said = hello.value;
  const now = moment.value;
  const stands = status.value;
  return (
    <header class="header">
      <span class="brand">
        <img src="./icon.svg" alt="" width={22} height={22} /> PhantomArbiter
      </span>
      {said && (
        <span
          class={said.mode === "live" ? "badge live" : "badge paper"}
          title={said.mode === "live" ? "Trades with real money" : "Trades on paper only"}
        >
          {said.mode === "live" ? "LIVE" : said.mode}
        </span>
      )}
      {stands?.risk.halted && (
        <span class="badge halted" title={`Held by: ${stands.risk.switches.map(words).join(", ")}`}>
          HALTED
        </span>
      )}
      {said && (
        <dl class="facts">
          <Fact name="run" wide>
            {said.run_id} · {said.source}
          </Fact>
          <Fact name="slot">{count(now.slot)}</Fact>
          <Fact name={said.total_records === null ? "time" : "into it"}>
            {said.total_records === null ? timeOfDay(now.unix_ms) : clock(now.at_ns)}
          </Fact>
          <Profit />
        </dl>
      )}
      <span class="header-end">
        <ConnectionBadge />
        <FrameRate />
        <ThemeSwitch />
      </span>
    </header>
  );
}

function Fact(props: {
  name: string;
  wide?: boolean;
  children: JSX.Element["props"]["children"];
}): JSX.Element {
  return (
    <div class={props.wide ? "fact wide" : "fact"}>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function Profit(): JSX.Element | null {
  const sums = status.value?.profit ?? [];
  if (sums.length === 0) return <Fact name="profit">none yet</Fact>;
  return (
    <Fact name="profit">
      {sums.map((one, index) => {
        const net = BigInt(one.net_profit);
        return (
          <span key={one.mint} class={net > 0n ? "good" : net < 0n ? "bad" : ""}>
            {index > 0 && ", "}
            {signed(net, one.mint, mints.value, 6)}
          </span>
        );
      })}
    </Fact>
  );
}

const CONNECTION_WORDS = {
  connecting: "connecting",
  connected: "connected",
  reconnecting: "reconnecting",
  away: "run is away",
} as const;

function ConnectionBadge(): JSX.Element {
  const state = end.value && connection.value === "connected" ? "ended" : connection.value;
  return (
    <span class={`badge connection ${state}`} role="status">
      {state === "ended" ? "run has ended" : CONNECTION_WORDS[state]}
    </span>
  );
}

/** What must be known on every page: that this is the past, or that nobody speaks any more. */
function Banner(): JSX.Element | null {
  if (refused.value !== null) {
    return (
      <div class="banner bad-banner" role="alert">
        The dashboard's server does not let this browser in: {refused.value}. Open the address that it printed
        at its start.
      </div>
    );
  }
  if (unknownSchema.value !== null) {
    return (
      <div class="banner bad-banner" role="alert">
        The run speaks schema {unknownSchema.value}, which these pages do not know: install the dashboard of
        the same version, then reload.
      </div>
    );
  }
  const past = scrubbed.value;
  if (past) {
    const now = moment.value;
    return (
      <div class="banner past-banner">
        <span role="status">
          <strong>An earlier moment:</strong> nothing on any page is of now.
        </span>{" "}
        Record {count(now.seq)}, slot {count(now.slot)}, {dateTime(now.unix_ms)}
        {past.is_playing ? `, playing at ${past.speed}×.` : "."}{" "}
        <button type="button" onClick={showLive}>
          Back to live
        </button>
      </div>
    );
  }
  if (!hello.value) return null;
  if (end.value?.error) {
    return (
      <div class="banner bad-banner" role="alert">
        The run failed: {end.value.error}
      </div>
    );
  }
  if (connection.value === "away") return <AwayBanner />;
  if (connection.value === "reconnecting") {
    return (
      <div class="banner" role="status">
        The connection to the dashboard's server is lost; trying again. What is shown is from{" "}
        {timeOfDay(moment.value.unix_ms)}.
      </div>
    );
  }
  return null;
}

function AwayBanner(): JSX.Element {
  const [, again] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => again((n) => n + 1), 1_000);
    return () => clearInterval(timer);
  }, []);
  const since = awaySince.value;
  return (
    <div class="banner">
      <span role="status">
        {end.value ? "The run has ended." : "The run's process is gone."} The picture stays; the next run is
        followed by itself.
      </span>
      {since !== null && ` Since ${duration(Date.now() - since)}.`}
    </div>
  );
}

function Navigation(): JSX.Element {
  const nav = useRef<HTMLElement>(null);
  const shown = page.value;
  // On a phone the tabs are wider than the screen.
  useEffect(() => {
    const current = nav.current?.querySelector('[aria-current="page"]');
    current?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [shown]);
  return (
    <nav class="nav" aria-label="Pages" ref={nav}>
      {PAGES.map(({ id, title, hint }) => (
        <a key={id} href={`#/${id}`} title={hint} aria-current={shown === id ? "page" : undefined}>
          {title}
        </a>
      ))}
    </nav>
  );
}

const NEXT: Record<Choice, Choice> = { system: "dark", dark: "light", light: "system" };

function ThemeSwitch(): JSX.Element {
  const choice = themeChoice.value;
  return (
    <button
      type="button"
      class="quiet"
      aria-label={`Colours: ${choice}. Change to ${NEXT[choice]}`}
      title={`Colours: ${choice}`}
      onClick={() => choose(NEXT[choice])}
    >
      {choice === "system" ? "◐" : choice === "dark" ? "☾" : "☀"}
    </button>
  );
}

const shows_frames = signal(false);

function FrameRate(): JSX.Element {
  const is_shown = shows_frames.value;
  useEffect(() => {
    if (is_shown) frames.start();
  }, [is_shown]);
  marketTick.value;
  const summary = is_shown ? frames.summary() : null;
  return (
    <button
      type="button"
      class="quiet fps"
      aria-pressed={is_shown}
      title="Frame times and how much of them scripts took"
      onClick={() => {
        shows_frames.value = !is_shown;
      }}
    >
      {summary && summary.frames > 0
        ? `${summary.fps.toFixed(0)} fps · p95 ${summary.p95_ms.toFixed(0)} ms · script ${summary.script_p50_ms.toFixed(1)} ms`
        : "fps"}
    </button>
  );
}
