/** A trade: exact amounts hop by hop, what it earned, and how long each step took. */

import type { JSX } from "preact";
import { explainFailure } from "../figures/reasons";
import { waterfall } from "../figures/waterfall";
import { amount, count, dateTime, nanoseconds, signed, words } from "../format";
import { openDetail } from "../panel";
import { Empty, Governs, LinkButton, Pairs, PoolLink, routeText, Tag, TokenLink, toneOf } from "../parts";
import type { Span } from "../records";
import { mints, trades } from "../store";
import { fromTrade, looked, type Tried } from "../tried";

export function TradeDetail({ attempt_id }: { attempt_id: number }): JSX.Element {
  const told = trades.value.find((trade) => trade.attempt_id === attempt_id);
  const tried = told ? fromTrade(told) : looked.value.get(attempt_id);
  if (tried === undefined) {
    return (
      <>
        <h2>Attempt {count(attempt_id)}</h2>
        <Empty>
          This attempt is not remembered here: <code>phantom journal --attempt {attempt_id}</code> shows it.
        </Empty>
      </>
    );
  }
  return <Shown tried={tried} />;
}

function Shown({ tried }: { tried: Tried }): JSX.Element {
  const { base_mint, opening_id, reason } = tried;
  const known = mints.value;
  const failure = reason === null ? null : explainFailure(reason);
  return (
    <>
      <h2>{routeText(tried.hops)}</h2>
      <p>
        <Tag tone={tried.state === "filled" ? "good" : tried.state === "failed" ? "bad" : "warn"}>
          {words(tried.state)}
        </Tag>{" "}
        {failure && <span>{failure.title}</span>}
      </p>
      {failure && (failure.means || tried.is_dead) && (
        <p class="note">
          {failure.means} {tried.is_dead && "Proven never to land, or it never left the process. "}
          <Governs keys={failure.settings} />
        </p>
      )}
      <Pairs
        rows={[
          [
            "net profit",
            <b key="net" class={toneOf(tried.net_profit)}>
              {signed(tried.net_profit, base_mint, known)}
            </b>,
          ],
          ["before costs", signed(tried.gross_profit, base_mint, known)],
          ["cost", amount(tried.cost, base_mint, known)],
          ["in", amount(tried.amount_in, base_mint, known)],
          ["out", amount(tried.amount_out, base_mint, known)],
        ]}
      />
      <h3>Hops</h3>
      <ol class="hops">
        {tried.hops.map((hop, index) => (
          <li key={hop.pool}>
            {amount(hop.amount_in, hop.mint_in, known)} → {amount(hop.amount_out, hop.mint_out, known)}
            <small>
              <TokenLink mint={hop.mint_in} /> to <TokenLink mint={hop.mint_out} /> in{" "}
              <PoolLink address={hop.pool}>{words(tried.venues[index] ?? "a pool")}</PoolLink>
            </small>
            <span class="address">{hop.pool}</span>
          </li>
        ))}
      </ol>
      <h3>How long it took</h3>
      <Spans spans={tried.spans} is_told={tried.unix_ms !== null} />
      <h3>Which</h3>
      <Pairs
        rows={[
          ["attempt", `#${tried.attempt_id}`],
          tried.run_id === null ? null : ["run", String(tried.run_id)],
          ["strategy", words(tried.strategy)],
          ["slot", count(tried.slot)],
          tried.unix_ms === null ? null : ["settled", dateTime(tried.unix_ms)],
          opening_id === null || tried.run_id !== null
            ? null
            : [
                "cycle",
                <LinkButton key="cycle" onClick={() => openDetail({ kind: "cycle", id: opening_id })}>
                  opening {count(opening_id)}
                </LinkButton>,
              ],
          [
            "signature",
            tried.signature === null ? (
              "none: nothing was sent"
            ) : (
              <span key="signature" class="address">
                {tried.signature}
              </span>
            ),
          ],
        ]}
      />
    </>
  );
}

function Spans({ spans, is_told }: { spans: readonly Span[]; is_told: boolean }): JSX.Element {
  const found = waterfall(spans);
  if (found.length === 0) {
    return (
      <Empty>
        {is_told
          ? "The run has told no times of its steps."
          : "The journal keeps no times of steps; only a run that is followed tells them."}
      </Empty>
    );
  }
  const whole = Math.max(...found.map((bar) => bar.atNs + bar.durationNs));
  return (
    <>
      <div class="waterfall">
        {found.map((bar) => (
          <Step key={bar.stage} {...bar} />
        ))}
      </div>
      <p class="note">{nanoseconds(whole)} from the first to the last.</p>
    </>
  );
}

function Step(props: {
  stage: string;
  left: number;
  width: number;
  atNs: number;
  durationNs: number;
}): JSX.Element {
  return (
    <>
      <span>{words(props.stage)}</span>
      <span class="waterfall-track" aria-hidden="true">
        <span style={{ left: `${Math.min(props.left, 0.995) * 100}%`, width: `${props.width * 100}%` }} />
      </span>
      <span class="waterfall-time" title={`begins ${nanoseconds(props.atNs)} after the first`}>
        {nanoseconds(props.durationNs)}
      </span>
    </>
  );
}
