/** Attempts: their profit as a curve, each of them, and sums by base mint and venue. */

import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Chart } from "../charts";
import { compact } from "../figures/axis";
import { type Earned, type ProfitSeries, profitSeries, type Sum, sums } from "../figures/profit";
import { explainFailure } from "../figures/reasons";
import {
  amount,
  clock,
  count,
  decimal,
  roughly,
  short,
  signed,
  symbolOf,
  timeOfDay,
  units,
  words,
} from "../format";
import { openDetail } from "../panel";
import { Card, Empty, RouteCell, routeText, Scroll, Tag, type Tone, toneOf, when } from "../parts";
import type { ProfitSum } from "../records";
import { mints } from "../store";
import { type Column, Table } from "../table";
import type { Tried } from "../tried";

/** Base mints whose profit is drawn. */
const CURVES = 4;

type Settled = Tried & Earned;

function isSettled(row: Tried): row is Settled {
  return row.net_profit !== null && row.gross_profit !== null && row.cost !== null;
}

export function Attempts(props: {
  rows: readonly Tried[];
  at: (row: Tried) => number;
  axis: Axis;
  /** What the whole run earned, if `rows` are only the latest of it. */
  totals: readonly ProfitSum[] | null;
  note: string | null;
  empty: string;
}): JSX.Element {
  const { rows, at, totals } = props;
  const [filter, setFilter] = useState("");
  const [state, setState] = useState<string | null>(null);
  const settled = useMemo(() => rows.filter(isSettled), [rows]);
  // A status tells the totals after the trade that changed them, and four times a second the same ones.
  const totalled = totals?.map((sum) => `${sum.mint} ${sum.net_profit}`).join();
  // What was earned before the first of `rows`: then the curve ends where the run stands.
  const series = useMemo(() => {
    const shownSums = sums(settled, "mint");
    return profitSeries(settled, at, (mint) => {
      const total = totals?.find((sum) => sum.mint === mint);
      const within = shownSums.find((sum) => sum.mint === mint);
      return total && within ? BigInt(total.net_profit) - within.net : 0n;
    });
  }, [settled, at, totalled]);
  const states = [...new Set(rows.map((row) => row.state))].sort();
  const narrowed = state === null ? rows : rows.filter((row) => row.state === state);
  if (rows.length === 0) return <Empty>{props.empty}</Empty>;
  const drawn = series.toSorted((one, other) => other.at.length - one.at.length).slice(0, CURVES);
  return (
    <>
      <div class="cards">
        {drawn.map((one) => (
          <ProfitCurve key={one.mint} series={one} axis={props.axis} />
        ))}
      </div>
      {drawn.length < series.length && (
        <p class="note">
          Curves of the {CURVES} base mints with most attempts; sums of all {count(series.length)} are below.
        </p>
      )}
      <Card
        title="Attempts"
        note={props.note}
        aside={
          <span class="toolbar">
            {[null, ...states].map((one) => (
              <button
                key={one ?? "all"}
                type="button"
                aria-pressed={state === one}
                onClick={() => setState(one)}
              >
                {one === null ? "all" : words(one)}
              </button>
            ))}
            <input
              type="search"
              placeholder="Filter: token, reason…"
              aria-label="Filter attempts"
              value={filter}
              onInput={(event) => setFilter(event.currentTarget.value)}
            />
          </span>
        }
      >
        <Table
          label="Attempts"
          columns={props.axis === "attempt" ? JOURNAL_COLUMNS : RUN_COLUMNS}
          rows={narrowed}
          rowKey={keyOf}
          filter={filter}
          sort="-id"
          steady
          maxHeight={460}
          onOpen={(row) => openDetail({ kind: "trade", attempt_id: row.attempt_id })}
          empty="No attempt ended so."
        />
      </Card>
      <div class="cards">
        <Sums
          title="By base mint"
          name="mint"
          rows={sums(settled, "mint")}
          label={(row) => symbolOf(row.name, mints.value)}
        />
        <Sums
          title="By venue"
          name="venue"
          note="An attempt counts in full for every venue of its route."
          rows={sums(settled, "venue")}
          label={(row) => words(row.name)}
        />
      </div>
    </>
  );
}

export type Axis = "time" | "clock" | "attempt";

const X_LABELS: Record<Axis, (value: number) => string> = {
  time: (value) => timeOfDay(value * 1_000),
  clock,
  attempt: (value) => `#${Math.round(value)}`,
};

function ProfitCurve({ series, axis }: { series: ProfitSeries; axis: Axis }): JSX.Element {
  const { mint, at, sums: earned } = series;
  const decimals = mints.value[mint]?.decimals ?? null;
  const unit = decimals === null ? `units of ${short(mint)}` : symbolOf(mint, mints.value);
  const data = useMemo(
    (): [number[], number[]] => [at, earned.map((sum) => roughly(sum, decimals ?? 0))],
    [at, earned, decimals],
  );
  const last = earned.at(-1) ?? 0n;
  return (
    <Card
      title={`Net profit in ${unit}`}
      aside={<span class={toneOf(last)}>{signed(last, mint, mints.value)}</span>}
    >
      {at.length < 2 ? (
        <Empty>A curve needs two attempts; there is one.</Empty>
      ) : (
        <Chart
          label={`Net profit in ${unit} after each of ${at.length} attempts: from ${units(earned[0] ?? 0n, decimals ?? 0)} to ${units(last, decimals ?? 0)}`}
          data={data}
          lines={[
            {
              label: unit,
              ink: "accent",
              fill: "accent",
              stepped: true,
              value: (value) => (value === null ? "–" : decimal(value, decimals ?? 0)),
            },
          ]}
          fromZero
          time={axis === "time"}
          xLabel={X_LABELS[axis]}
          yLabel={compact}
          height={170}
        />
      )}
    </Card>
  );
}

function Sums(props: {
  title: string;
  name: string;
  note?: string;
  rows: readonly Sum[];
  label: (row: Sum) => string;
}): JSX.Element {
  return (
    <Card title={props.title} note={props.note}>
      {props.rows.length === 0 ? (
        <Empty>No attempt has an outcome yet.</Empty>
      ) : (
        <Scroll label={props.title}>
          <table class="plain-table">
            <thead>
              <tr>
                <th scope="col">{props.name}</th>
                <th scope="col" class="right">
                  filled
                </th>
                <th scope="col" class="right wide">
                  before costs
                </th>
                <th scope="col" class="right wide">
                  costs
                </th>
                <th scope="col" class="right">
                  net
                </th>
              </tr>
            </thead>
            <tbody>
              {props.rows.map((row) => (
                <tr key={`${row.name} ${row.mint}`}>
                  <th scope="row">{props.label(row)}</th>
                  <td class="right">
                    {count(row.filled)} of {count(row.attempts)}
                  </td>
                  <td class="right wide">{signed(row.gross, row.mint, mints.value)}</td>
                  <td class="right wide">{amount(row.cost, row.mint, mints.value)}</td>
                  <td class={`right ${toneOf(row.net)}`}>{signed(row.net, row.mint, mints.value)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Card>
  );
}

const keyOf = (row: Tried): string => String(row.attempt_id);

const STATES: Record<string, Tone> = { filled: "good", failed: "bad" };

const big = (value: string | null): bigint | null => (value === null ? null : BigInt(value));

const COMMON: Column<Tried>[] = [
  {
    id: "route",
    header: "route",
    value: (row) => routeText(row.hops),
    cell: (row) => <RouteCell hops={row.hops} />,
  },
  {
    id: "net",
    header: "net profit",
    align: "right",
    value: (row) => big(row.net_profit),
    cell: (row) => (
      <span class={toneOf(row.net_profit)}>{signed(row.net_profit, row.base_mint, mints.value)}</span>
    ),
  },
  {
    id: "state",
    header: "state",
    value: (row) => row.state,
    cell: (row) => <Tag tone={STATES[row.state] ?? "warn"}>{words(row.state)}</Tag>,
  },
  {
    id: "reason",
    header: "reason",
    wide: true,
    value: (row) => row.reason,
    cell: (row) => (
      <span title={row.reason ? explainFailure(row.reason).means : ""}>{words(row.reason ?? "–")}</span>
    ),
  },
  {
    id: "amount_in",
    header: "in",
    align: "right",
    wide: true,
    value: (row) => BigInt(row.amount_in),
    cell: (row) => amount(row.amount_in, row.base_mint, mints.value),
  },
  {
    id: "cost",
    header: "cost",
    align: "right",
    wide: true,
    value: (row) => big(row.cost),
    cell: (row) => amount(row.cost, row.base_mint, mints.value),
  },
  {
    id: "signature",
    header: "signature",
    wide: true,
    value: (row) => row.signature,
    cell: (row) =>
      row.signature ? (
        <span class="mono" title={row.signature}>
          {short(row.signature)}
        </span>
      ) : (
        "–"
      ),
    hint: "Of the transaction; none on paper",
  },
];

const ID: Column<Tried> = {
  id: "id",
  header: "attempt",
  align: "right",
  wide: true,
  value: (row) => row.attempt_id,
  cell: (row) => `#${row.attempt_id}`,
};

const RUN_COLUMNS: Column<Tried>[] = [
  {
    id: "time",
    header: "time",
    value: (row) => row.unix_ms,
    cell: (row) => when({ unix_ms: row.unix_ms ?? 0, at_ns: row.at_ns ?? 0 }),
  },
  ID,
  ...COMMON,
];

const JOURNAL_COLUMNS: Column<Tried>[] = [
  ID,
  {
    id: "slot",
    header: "slot",
    align: "right",
    value: (row) => row.slot,
    cell: (row) => count(row.slot),
  },
  ...COMMON,
];
