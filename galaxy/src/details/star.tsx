/** A token: its price in the base mints, and its pools with what they hold of it. */

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { type MintHistory, mintHistory } from "../api";
import { Chart } from "../charts";
import { compact } from "../figures/axis";
import { depthOf, heldOverTime, otherMint, poolsOf, pricesOf, upTo } from "../figures/market";
import { amount, clock, count, significant, symbolOf, timeOfDay, words } from "../format";
import { openDetail } from "../panel";
import { Empty, LinkButton, Pairs, useAnswer } from "../parts";
import type { Mint } from "../records";
import { hello, marketTick, mints, moment, scrubbed, shown, status } from "../store";

/** Pools that are listed. */
const LISTED = 100;

export function StarDetail({ mint }: { mint: string }): JSX.Element {
  marketTick.value;
  const model = shown();
  const pools = poolsOf(mint, model.pools.values());
  const first = pools[0];
  if (first === undefined) {
    return (
      <>
        <h2>{symbolOf(mint, mints.value)}</h2>
        <p class="address">{mint}</p>
        <Empty>No pool of this token is known.</Empty>
      </>
    );
  }
  const decimals = (first.mint_a === mint ? first.decimals_a : first.decimals_b) ?? null;
  // Symbols are known of few mints, decimals of all that have been read.
  const known: Record<string, Mint> =
    mints.value[mint] || decimals === null
      ? mints.value
      : { ...mints.value, [mint]: { symbol: symbolOf(mint), decimals } };
  const quoted = pools.filter((pool) => pool.set_aside === null);
  const held = quoted.reduce((sum, pool) => sum + depthOf(pool, mint), 0n);
  const prices = pricesOf(mint, bases(), pools);
  return (
    <>
      <h2>{symbolOf(mint, known)}</h2>
      <p class="address">{mint}</p>
      <Pairs
        rows={[
          ["pools", `${count(pools.length)}, ${count(quoted.length)} of them quoted`],
          ["held or offered in quoted pools", amount(held, mint, known)],
          ...prices.map((price): [string, string] => {
            const base = symbolOf(price.base, known);
            const from = known[mint]?.decimals;
            const to = known[price.base]?.decimals;
            return [
              `price in ${base}`,
              from === undefined || to === undefined
                ? `${significant(price.rate)} base units for one`
                : `1 = ${significant(price.rate * 10 ** (from - to))} ${base}`,
            ];
          }),
        ]}
      />
      {prices.length === 0 && (
        <p class="note">It has no quoted pool against a base mint, so no price is said.</p>
      )}
      <h3>Held or offered over time</h3>
      <History mint={mint} symbol={symbolOf(mint, known)} decimals={known[mint]?.decimals ?? 0} />
      <h3>Pools</h3>
      <ul class="rows">
        {pools.slice(0, LISTED).map((pool) => (
          <li key={pool.n}>
            <span>
              <LinkButton onClick={() => openDetail({ kind: "pool", n: pool.n })}>
                {words(pool.venue)}, against {symbolOf(otherMint(pool, mint) ?? "", known)}
              </LinkButton>
              <small>{pool.set_aside ? `set aside: ${words(pool.set_aside)}` : "quoted"}</small>
            </span>
            <span class="row-end">{amount(depthOf(pool, mint), mint, known)}</span>
          </li>
        ))}
      </ul>
      {pools.length > LISTED && <p class="note">And {count(pools.length - LISTED)} smaller ones.</p>}
    </>
  );
}

const REFRESH_SLOTS = 25;

function History(props: { mint: string; symbol: string; decimals: number }): JSX.Element {
  // Asked anew about every ten seconds.
  const age = Math.floor(moment.value.slot / REFRESH_SLOTS);
  const { answer, error } = useAnswer(`mint ${props.mint} ${age}`, (stop) => mintHistory(props.mint, stop));
  if (error) return <Empty>{error}</Empty>;
  if (answer === null) return <Empty>Asking for its history…</Empty>;
  return <Drawn {...props} answer={answer} />;
}

function Drawn(props: { mint: string; symbol: string; decimals: number; answer: MintHistory }): JSX.Element {
  const { mint, symbol, decimals, answer } = props;
  const is_live = hello.value?.total_records === null;
  // Nothing on any page is of after the moment that is shown.
  const until = scrubbed.value ? moment.value.unix_ms : Infinity;
  const data = useMemo((): [number[], number[]] => {
    const past = answer.pools.map((one) => upTo(one, until)).filter((one) => one.unix_ms.length > 0);
    const { at_ns, unix_ms, held } = heldOverTime(mint, past, shown().pools);
    return [is_live ? unix_ms.map((ms) => ms / 1_000) : at_ns, held.map((one) => one / 10 ** decimals)];
  }, [answer, mint, until, is_live, decimals]);
  if (data[0].length < 2) return <Empty>It has not changed since the dashboard follows this run.</Empty>;
  return (
    <>
      <Chart
        label={`${symbol} in its pools over time, ${data[0].length} points`}
        data={data}
        lines={[{ label: symbol, ink: "accent", stepped: true, value: (value) => significant(value) }]}
        time={is_live}
        xLabel={is_live ? (value) => timeOfDay(value * 1_000) : clock}
        yLabel={compact}
        height={170}
      />
      {answer.left_out > 0 && <p class="note">Of {count(answer.pools.length)} of its pools.</p>}
    </>
  );
}

/** Mints that cycles start with: those of the settings, else those that something was earned in. */
function bases(): string[] {
  const set = hello.value?.settings["engine.base_mints"]?.[0];
  const named = set !== null && typeof set === "object" ? Object.keys(set) : [];
  const known = Object.keys(mints.value).filter((mint) =>
    ["USDC", "SOL"].includes(mints.value[mint]?.symbol ?? ""),
  );
  const earned = (status.value?.profit ?? []).map((sum) => sum.mint);
  return [...new Set([...named, ...known, ...earned])];
}
