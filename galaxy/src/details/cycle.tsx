/** A cycle: its hops, what it gains, the verdict on it, its profit curve, and its openings. */

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type uPlot from "uplot";
import { curve } from "../api";
import { Chart } from "../charts";
import { compact } from "../figures/axis";
import { hopsOf, openingsOf } from "../figures/candidates";
import { stageTitle } from "../figures/funnel";
import { optimum } from "../figures/profit";
import { explainReason } from "../figures/reasons";
import {
  amount,
  bps,
  count,
  decimal,
  duration,
  roughly,
  signed,
  significant,
  symbolOf,
  uiPrice,
  words,
} from "../format";
import type { Cycle, Verdict } from "../model";
import { openDetail } from "../panel";
import {
  Empty,
  Governs,
  LinkButton,
  Pairs,
  PoolLink,
  routeText,
  Tag,
  TokenLink,
  toneOf,
  useAnswer,
} from "../parts";
import type { Curve } from "../records";
import { marketTick, mints, moment, scrubbed, shown, trades } from "../store";
import { variable } from "../theme";

export function CycleDetail({ id }: { id: number }): JSX.Element {
  marketTick.value;
  const model = shown();
  const cycle = model.open.get(id) ?? model.closed.findLast((one) => one.id === id);
  if (cycle === undefined) {
    return (
      <>
        <h2>Opening {count(id)}</h2>
        <Empty>
          This cycle is not remembered here: only those open now and the last 500 closed ones are, from when
          this page was opened.
        </Empty>
      </>
    );
  }
  const hops = hopsOf(cycle, model.pools);
  const is_open = cycle.closed_slot === null;
  const now = cycle.closed_slot ?? moment.value.slot;
  const made = trades.value.filter((trade) => trade.opening_id === id);
  const is_taken = cycle.judged?.stage === "taken" || made.some((trade) => trade.state === "filled");
  return (
    <>
      <h2>{routeText(hops)}</h2>
      <p>
        {is_open ? <Tag tone="good">open</Tag> : <Tag tone="dim">closed</Tag>}{" "}
        {is_taken && <Tag tone="good">taken</Tag>}
      </p>
      <Pairs
        rows={[
          ["gain at the margin", bps(cycle.gain_bps, 2)],
          ["opening", count(cycle.id)],
          ["since slot", count(cycle.slot)],
          [
            is_open ? "open for" : "was open for",
            `${count(now - cycle.slot)} slots, about ${duration((now - cycle.slot) * 400)}`,
          ],
        ]}
      />
      <h3>Hops</h3>
      <ol class="hops">
        {hops.map((hop) => {
          const price = uiPrice(hop.pool, mints.value);
          return (
            <li key={hop.pool.n}>
              <TokenLink mint={hop.mint_in} /> to <TokenLink mint={hop.mint_out} /> in{" "}
              <PoolLink address={hop.pool.pool}>{words(hop.pool.venue)}</PoolLink>
              <small>
                {hop.pool.set_aside
                  ? `set aside: ${words(hop.pool.set_aside)}`
                  : `1 ${symbolOf(hop.pool.mint_a, mints.value)} = ${significant(price)} ${symbolOf(hop.pool.mint_b, mints.value)}`}
              </small>
            </li>
          );
        })}
      </ol>
      {hops.length < cycle.edges.length && <p class="note">A pool of this route is not known yet.</p>}
      <h3>Verdict</h3>
      <Judgement judged={cycle.judged} />
      <h3>What inputs would earn</h3>
      <ProfitCurve id={id} is_open={is_open} judged={cycle.judged} is_taken={is_taken} slot={model.slot} />
      {made.length > 0 && (
        <>
          <h3>Attempts</h3>
          <ul class="rows">
            {made.toReversed().map((trade) => (
              <li key={trade.attempt_id}>
                <LinkButton onClick={() => openDetail({ kind: "trade", attempt_id: trade.attempt_id })}>
                  #{trade.attempt_id}
                </LinkButton>
                <span>{words(trade.reason ?? trade.state)}</span>
                <span class={`row-end ${toneOf(trade.net_profit)}`}>
                  {signed(trade.net_profit, trade.base_mint, mints.value)}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      <h3>Openings of this cycle</h3>
      <Openings cycle={cycle} />
    </>
  );
}

function Judgement({ judged }: { judged: Verdict | null }): JSX.Element {
  if (judged === null) return <Empty>Nothing was said of it so far.</Empty>;
  const base = judged.base_mint ?? "";
  const explained = judged.reason === null ? null : explainReason(judged.reason);
  return (
    <>
      <p>
        {explained ? <Tag tone="warn">{explained.title}</Tag> : <Tag tone="good">signal</Tag>}{" "}
        <span class="dim">came to: {stageTitle(judged.stage)}</span>
      </p>
      {explained && (explained.means || explained.settings.length > 0) && (
        <p class="note">
          {explained.means} <Governs keys={explained.settings} />
        </p>
      )}
      <Pairs
        rows={[
          judged.missing_bps === null
            ? null
            : ["missing", `${decimal(judged.missing_bps, 3)} bps of the input`],
          judged.amount_in === null
            ? ["best input", "never sized"]
            : ["best input", amount(judged.amount_in, base, mints.value)],
          judged.gross_profit === null
            ? null
            : ["profit before costs", signed(judged.gross_profit, base, mints.value)],
          judged.net_profit === null
            ? null
            : [
                "profit after costs",
                <span key="net" class={toneOf(judged.net_profit)}>
                  {signed(judged.net_profit, base, mints.value)}
                </span>,
              ],
          ["slot", count(judged.slot)],
        ]}
      />
    </>
  );
}

interface CurveProps {
  id: number;
  is_open: boolean;
  is_taken: boolean;
  judged: Verdict | null;
  /** Where the market is. */
  slot: number;
}

function ProfitCurve(props: CurveProps): JSX.Element {
  if (scrubbed.value) {
    return <Empty>Only the run of now can say what an input would earn; an earlier moment is shown.</Empty>;
  }
  return <Asked {...props} />;
}

const REFRESH_SLOTS = 10;

function Asked({ id, is_open, is_taken, judged, slot }: CurveProps): JSX.Element {
  // Asked anew some four seconds after the market has moved, and when the cycle came farther.
  const age = `${Math.floor(slot / REFRESH_SLOTS)} ${judged?.stage}`;
  const { answer, error, is_waiting } = useAnswer(`curve ${id} ${age}`, (stop) => curve(id, 64, stop));
  if (error) return <Empty>{error}</Empty>;
  if (answer === null) return <Empty>{is_waiting ? "Asking the run…" : "No answer came."}</Empty>;
  if (answer.error) return <Empty>{answer.error}</Empty>;
  if (answer.amounts_in.length === 0) return <Empty>There is no input that could be traded.</Empty>;
  const aside = !is_open
    ? "The cycle has closed since: this is what it would earn now."
    : is_taken
      ? "Taken: not taken again before it closes; this is what the market would pay now."
      : "";
  return <Drawn answer={answer} aside={aside} />;
}

function Drawn({ answer, aside }: { answer: Curve; aside: string }): JSX.Element {
  const mint = answer.base_mint ?? "";
  const decimals = mints.value[mint]?.decimals ?? 0;
  const symbol = symbolOf(mint, mints.value);
  const data = useMemo(
    (): [number[], (number | null)[]] => [
      answer.amounts_in.map((one) => roughly(one, decimals)),
      answer.gross_profits.map((one) => (one === null ? null : roughly(one, decimals))),
    ],
    [answer, decimals],
  );
  const at = optimum(answer.gross_profits);
  const best =
    at === null
      ? null
      : {
          input: answer.amounts_in[at] ?? "0",
          profit: answer.gross_profits[at] ?? "0",
        };
  const said =
    best === null
      ? "No input gains anything before costs."
      : `Best of these: ${amount(best.input, mint, mints.value)} in gains ${amount(best.profit, mint, mints.value)}, before costs.`;
  const mark = (plot: uPlot): void => {
    if (best === null) return;
    const x = plot.valToPos(roughly(best.input, decimals), "x", true);
    const y = plot.valToPos(roughly(best.profit, decimals), "y", true);
    const ratio = plot.ctx.canvas.width / Math.max(1, plot.ctx.canvas.clientWidth);
    plot.ctx.save();
    plot.ctx.strokeStyle = variable("--good");
    plot.ctx.fillStyle = variable("--good");
    plot.ctx.lineWidth = ratio;
    plot.ctx.setLineDash([4 * ratio, 4 * ratio]);
    plot.ctx.beginPath();
    plot.ctx.moveTo(x, plot.bbox.top);
    plot.ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
    plot.ctx.stroke();
    plot.ctx.beginPath();
    plot.ctx.arc(x, y, 4 * ratio, 0, 2 * Math.PI);
    plot.ctx.fill();
    plot.ctx.restore();
  };
  return (
    <>
      <Chart
        label={`Profit before costs by input, in ${symbol}. ${said}`}
        data={data}
        lines={[
          {
            label: `profit, ${symbol}`,
            ink: "accent",
            fill: "accent",
            value: (value) => significant(value),
          },
        ]}
        xLabel={compact}
        yLabel={compact}
        draw={mark}
        height={180}
      />
      <p class="note">
        {said} {aside}
      </p>
    </>
  );
}

function Openings({ cycle }: { cycle: Cycle }): JSX.Element {
  const model = shown();
  const found = openingsOf(cycle.edges, model.open.values(), model.closed).slice(0, 20);
  if (found.length < 2) return <Empty>This is its only opening among those that are remembered.</Empty>;
  return (
    <ul class="rows">
      {found.map((one) => (
        <li key={one.id}>
          <span>
            {one.id === cycle.id ? (
              <b>{count(one.id)}</b>
            ) : (
              <LinkButton onClick={() => openDetail({ kind: "cycle", id: one.id })}>
                {count(one.id)}
              </LinkButton>
            )}
            <small>slot {count(one.slot)}</small>
          </span>
          <span class="row-end">
            {bps(one.gain_bps)},{" "}
            {one.judged?.reason ? words(one.judged.reason) : one.judged ? "signal" : "not judged"}
            <small>
              {one.closed_slot === null ? "open" : `open for ${count(one.closed_slot - one.slot)} slots`}
            </small>
          </span>
        </li>
      ))}
    </ul>
  );
}
