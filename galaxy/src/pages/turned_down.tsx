/** What was turned down, one by one: candidates that were no signals, and signals that risk refused. */

import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { type Candidate, candidates } from "../figures/candidates";
import { stageTitle } from "../figures/funnel";
import { explainRefusal, explainRisk, kindOf, limitUnit } from "../figures/reasons";
import { amount, count, decimal, signed, units, words } from "../format";
import { openDetail } from "../panel";
import { Card, RouteCell, routeText, toneOf, when } from "../parts";
import type { Refusal, Status } from "../records";
import { cyclesVersion, marketTick, mints, moment, refusals, shown } from "../store";
import { type Column, Table } from "../table";

const KINDS: Record<Candidate["kind"], string> = {
  open: "open now",
  closed: "closed",
  nearest: "nearest",
};

const keyOf = (row: { key: string }): string => row.key;

const CANDIDATE_COLUMNS: Column<Candidate>[] = [
  {
    id: "route",
    header: "route",
    value: (row) => routeText(row.hops),
    cell: (row) => <RouteCell hops={row.hops} />,
  },
  { id: "reason", header: "turned down", value: (row) => words(row.reason) },
  {
    id: "missing",
    header: "missing",
    align: "right",
    value: (row) => row.missing_bps,
    cell: (row) => (row.missing_bps === null ? "–" : `${decimal(row.missing_bps, 2)} bps`),
    hint: "By how many 1/10,000 of the input it fell short, where a number says it",
  },
  {
    id: "net",
    header: "after costs",
    align: "right",
    wide: true,
    value: (row) => (row.net_profit === null ? null : BigInt(row.net_profit)),
    cell: (row) => (
      <span class={toneOf(row.net_profit)}>{signed(row.net_profit, row.base_mint ?? "", mints.value)}</span>
    ),
  },
  {
    id: "stage",
    header: "came to",
    wide: true,
    value: (row) => stageTitle(row.stage),
    hint: "The last stage of the funnel that it reached",
  },
  {
    id: "kind",
    header: "which",
    wide: true,
    value: (row) => KINDS[row.kind],
    hint: "Open now, closed lately, or among the nearest misses of the whole run",
  },
  {
    id: "amount_in",
    header: "best input",
    align: "right",
    wide: true,
    value: (row) => (row.amount_in === null ? null : BigInt(row.amount_in)),
    cell: (row) => amount(row.amount_in, row.base_mint ?? "", mints.value),
  },
  {
    id: "gross",
    header: "before costs",
    align: "right",
    wide: true,
    value: (row) => (row.gross_profit === null ? null : BigInt(row.gross_profit)),
    cell: (row) => signed(row.gross_profit, row.base_mint ?? "", mints.value),
  },
  {
    id: "slot",
    header: "slot",
    align: "right",
    wide: true,
    value: (row) => row.slot,
    cell: (row) => count(row.slot),
  },
];

export function Candidates(props: { stands: Status; reason: string | null; onAll: () => void }): JSX.Element {
  const [filter, setFilter] = useState("");
  const tick = marketTick.value;
  const version = cyclesVersion.peek();
  // The model changes in place; these say when.
  const all = useMemo(() => {
    const model = shown();
    return candidates(model.open.values(), props.stands.nearest_misses, model.closed, model.pools);
  }, [tick, version, props.stands]);
  const rows = props.reason === null ? all : all.filter((row) => kindOf(row.reason) === props.reason);
  return (
    <Card
      title={
        props.reason === null ? "Candidates turned down" : `Candidates turned down: ${words(props.reason)}`
      }
      note="Cycles that are open or were lately, with the last verdict on them, and the run's nearest misses. Enter or a click shows one."
      aside={
        <span class="toolbar">
          {props.reason !== null && (
            <button type="button" onClick={props.onAll}>
              All reasons
            </button>
          )}
          <input
            type="search"
            placeholder="Filter: token, reason…"
            aria-label="Filter candidates"
            value={filter}
            onInput={(event) => setFilter(event.currentTarget.value)}
          />
        </span>
      }
    >
      <Table
        label="Candidates turned down"
        columns={CANDIDATE_COLUMNS}
        rows={rows}
        rowKey={keyOf}
        filter={filter}
        sort="missing"
        steady
        maxHeight={420}
        onOpen={(row) => row.id !== null && openDetail({ kind: "cycle", id: row.id })}
        empty={
          props.reason === null
            ? "No open cycle was turned down, and nothing came near yet."
            : "None that is remembered: only cycles open now, the last 500 closed ones and the nearest misses are."
        }
      />
    </Card>
  );
}

const refusalKey = (row: Refusal): string => String(row.seq);

const REFUSAL_COLUMNS: Column<Refusal>[] = [
  {
    id: "time",
    header: "time",
    value: (row) => row.seq,
    cell: (row) => when(row),
  },
  {
    id: "route",
    header: "route",
    value: (row) => routeText(row.hops),
    cell: (row) => <RouteCell hops={row.hops} />,
  },
  {
    id: "reason",
    header: "refused",
    value: (row) => words(row.reason),
    cell: (row) => <span title={explainRisk(row.reason).means}>{words(row.reason)}</span>,
  },
  {
    id: "limit",
    header: "limit",
    align: "right",
    value: (row) => (row.limit === null ? null : BigInt(row.limit)),
    cell: (row) => inUnit(row.limit, row),
    hint: "What the rule allows; for rests and stops the slot at which they end",
  },
  {
    id: "value",
    header: "would be",
    align: "right",
    value: (row) => (row.value === null ? null : BigInt(row.value)),
    cell: (row) => inUnit(row.value, row),
    hint: "What the plan would have made of it",
  },
  {
    id: "net",
    header: "expected net",
    align: "right",
    wide: true,
    value: (row) => (row.net_profit === null ? null : BigInt(row.net_profit)),
    cell: (row) => signed(row.net_profit, row.base_mint, mints.value),
  },
  {
    id: "amount_in",
    header: "input",
    align: "right",
    wide: true,
    value: (row) => BigInt(row.amount_in),
    cell: (row) => amount(row.amount_in, row.base_mint, mints.value),
  },
];

/** Limit or value with the unit of its rule. */
function inUnit(value: string | null, row: Refusal): string {
  if (value === null) return "–";
  const unit = limitUnit(row.reason);
  if (unit === "base") return amount(value, row.base_mint, mints.value);
  return unit === "slot" ? `slot ${units(value, 0)}` : `${units(value, 0)} ${unit}`;
}

export function Refused(props: { reason: string | null; onAll: () => void }): JSX.Element {
  const all = refusals.value;
  // Risk's reasons are counted as `risk_…` and recorded without.
  const wanted = props.reason?.replace(/^risk_/, "") ?? null;
  const rows = wanted === null ? all : all.filter((row) => row.reason === wanted);
  const means = props.reason === null ? "" : explainRefusal(props.reason).means;
  return (
    <Card
      title={wanted === null ? "Signals that risk refused" : `Signals refused: ${words(wanted)}`}
      note={
        means || "The latest plans that a limit held back, with the limit and what would have become of it."
      }
      aside={
        wanted !== null && (
          <button type="button" onClick={props.onAll}>
            All reasons
          </button>
        )
      }
    >
      <Table
        label="Signals that risk refused"
        columns={REFUSAL_COLUMNS}
        rows={rows}
        rowKey={refusalKey}
        sort="-time"
        steady
        maxHeight={320}
        onOpen={(row) => row.opening_id !== null && openDetail({ kind: "cycle", id: row.opening_id })}
        empty={
          wanted === null
            ? `Risk has refused nothing up to slot ${count(moment.value.slot)}.`
            : "None that is remembered: single plans are kept for risk's reasons only, the last 500 of them."
        }
      />
    </Card>
  );
}
