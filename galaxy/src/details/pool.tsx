/** A pool: its price, depths, fee and history, and the cycles through it. */

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { type PoolHistory, poolHistory } from "../api";
import { Chart } from "../charts";
import { compact } from "../figures/axis";
import { hopsOf } from "../figures/candidates";
import { cyclesThrough, feeBps, upTo } from "../figures/market";
import { explainSetAside } from "../figures/reasons";
import {
  amount,
  bps,
  clock,
  count,
  decimal,
  significant,
  symbolOf,
  timeOfDay,
  uiPrice,
  words,
} from "../format";
import type { Pool } from "../model";
import { openDetail } from "../panel";
import { Empty, Governs, LinkButton, Pairs, routeText, Tag, TokenLink, useAnswer } from "../parts";
import { hello, marketTick, mints, moment, scrubbed, shown } from "../store";

export function PoolDetail({ n }: { n: number }): JSX.Element {
  marketTick.value;
  const pool = shown().pools.get(n);
  if (pool === undefined) {
    return (
      <>
        <h2>Pool {n}</h2>
        <Empty>The run has not told of this pool.</Empty>
      </>
    );
  }
  const known = mints.value;
  const aside = pool.set_aside === null ? null : explainSetAside(pool.set_aside);
  const [a, b] = [symbolOf(pool.mint_a, known), symbolOf(pool.mint_b, known)];
  return (
    <>
      <h2>
        {a} / {b}
      </h2>
      <p>
        {words(pool.venue)} {aside ? <Tag tone="warn">set aside</Tag> : <Tag tone="good">quoted</Tag>}
      </p>
      {aside && (
        <p class="note">
          Set aside: {aside.title}. {aside.means} <Governs keys={aside.settings} />
        </p>
      )}
      <Pairs
        rows={[
          ["price", price(pool)],
          ["fee", fee(pool)],
          [`holds or offers of ${a}`, depth(pool.mint_a, pool.depth_a, pool.decimals_a)],
          [`holds or offers of ${b}`, depth(pool.mint_b, pool.depth_b, pool.decimals_b)],
          [
            "last written in slot",
            `${count(pool.slot)}, ${count(Math.max(0, moment.value.slot - pool.slot))} ago`,
          ],
        ]}
      />
      <p>
        Tokens: <TokenLink mint={pool.mint_a} />, <TokenLink mint={pool.mint_b} />
      </p>
      <p class="address">{pool.pool}</p>
      <h3>Price over time</h3>
      <History pool={pool} />
      <h3>Cycles through it</h3>
      <Cycles n={n} />
    </>
  );
}

function price(pool: Pool): string {
  const known = mints.value;
  const whole = uiPrice(pool, known);
  const [a, b] = [symbolOf(pool.mint_a, known), symbolOf(pool.mint_b, known)];
  if (whole !== null) return `1 ${a} = ${significant(whole)} ${b}`;
  return pool.price === null ? "none" : `${significant(pool.price)} base units of ${b} for one of ${a}`;
}

function fee(pool: Pool): string {
  if (pool.fee_e9 === null) return "not known: it cannot be quoted";
  const [there, back] = pool.fee_e9.map((rate) => `${decimal(feeBps(rate), 2)} bps`);
  const known = mints.value;
  return there === back
    ? `${there}`
    : `${there} from ${symbolOf(pool.mint_a, known)}, ${back} from ${symbolOf(pool.mint_b, known)}`;
}

function depth(mint: string, value: string, decimals: number | null): string {
  const known = mints.value;
  if (known[mint] || decimals === null) return amount(value, mint, known);
  return amount(value, mint, { [mint]: { symbol: symbolOf(mint, known), decimals } });
}

const REFRESH_SLOTS = 25;

function History({ pool }: { pool: Pool }): JSX.Element {
  // Asked anew about every ten seconds while it changes.
  const age = Math.floor(pool.slot / REFRESH_SLOTS);
  const { answer, error } = useAnswer(`pool ${pool.n} ${age}`, (stop) => poolHistory(pool.n, stop));
  // Nothing on any page is of after the moment that is shown.
  const at = scrubbed.value ? moment.value.unix_ms : Infinity;
  const history = useMemo(() => (answer ? upTo(answer, at) : null), [answer, at]);
  if (error) return <Empty>{error}</Empty>;
  if (history === null) return <Empty>Asking for its history…</Empty>;
  if (history.price.filter((one) => one !== null).length < 2) {
    return (
      <Empty>
        {at === Infinity
          ? "Its price has not changed since the dashboard follows this run."
          : "Its price had not changed by this moment since the dashboard follows this run."}
      </Empty>
    );
  }
  return <Drawn pool={pool} history={history} />;
}

function Drawn({ pool, history }: { pool: Pool; history: PoolHistory }): JSX.Element {
  const known = mints.value;
  const is_live = hello.value?.total_records === null;
  const a = pool.decimals_a ?? known[pool.mint_a]?.decimals ?? 0;
  const b = pool.decimals_b ?? known[pool.mint_b]?.decimals ?? 0;
  const data = useMemo((): [number[], (number | null)[]] => {
    const at = is_live ? history.unix_ms.map((ms) => ms / 1_000) : history.at_ns;
    return [at, history.price.map((one) => (one === null ? null : one * 10 ** (a - b)))];
  }, [history, is_live, a, b]);
  const label = `${symbolOf(pool.mint_b, known)} for 1 ${symbolOf(pool.mint_a, known)}`;
  return (
    <Chart
      label={`Price over time: ${label}, ${history.price.length} points`}
      data={data}
      lines={[{ label, ink: "accent", stepped: true, value: (value) => significant(value) }]}
      time={is_live}
      xLabel={is_live ? (value) => timeOfDay(value * 1_000) : clock}
      yLabel={compact}
      height={170}
    />
  );
}

function Cycles({ n }: { n: number }): JSX.Element {
  const model = shown();
  const open = cyclesThrough(n, model.open.values()).toReversed();
  const closed = cyclesThrough(n, model.closed).toReversed();
  const rows = [...open, ...closed].slice(0, 20);
  if (rows.length === 0) return <Empty>None is open, and none was lately.</Empty>;
  return (
    <>
      <p class="note">
        {count(open.length)} open now, {count(closed.length)} closed lately.
      </p>
      <ul class="rows">
        {rows.map((cycle) => (
          <li key={cycle.id}>
            <span>
              <LinkButton onClick={() => openDetail({ kind: "cycle", id: cycle.id })}>
                {routeText(hopsOf(cycle, model.pools))}
              </LinkButton>
              <small>opening {count(cycle.id)}</small>
            </span>
            <span class="row-end">
              {bps(cycle.gain_bps)}
              <small>{cycle.closed_slot === null ? "open" : "closed"}</small>
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
