/** Why: how many come how far, and what was turned down, by how much, and by which rule. */

import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { type Candidate, candidates } from "../figures/candidates";
import { type FunnelRow, funnelRows, narrowest, stageTitle } from "../figures/funnel";
import {
  type Explained,
  explainFailure,
  explainReason,
  explainRefusal,
  explainRisk,
  kindOf,
  ranked,
} from "../figures/reasons";
import { amount, count, decimal, percent, signed, timeOfDay, units, words } from "../format";
import { openDetail } from "../panel";
import { Bar, Card, Empty, Governs, RouteCell, routeText, Scroll, toneOf } from "../parts";
import type { Counts, Refusal, Status } from "../records";
import { cyclesVersion, marketTick, mints, moment, perMinute, refusals, shown, status } from "../store";
import { type Column, Table } from "../table";

export function Why(): JSX.Element {
  const stands = status.value;
  if (stands === null) {
    return (
      <>
        <h1>Why</h1>
        <Empty>The run has not said yet where it stands; it does so four times a second.</Empty>
      </>
    );
  }
  const rows = funnelRows(stands.funnel, perMinute.value);
  return (
    <>
      <h1>Why</h1>
      <p class="lead">{inWords(rows, stands)}</p>
      <Card
        title="From updates to trades"
        note="Bars are on a log scale. Distinct: the same cycle counts once for as long as it stays open."
      >
        <Funnel rows={rows} />
      </Card>
      <Turned stands={stands} />
    </>
  );
}

/** The funnel as one or two sentences. */
function inWords(rows: readonly FunnelRow[], stands: Status): string {
  const taken = rows.at(-1)?.evaluations ?? 0;
  const recent = perMinute.value["taken"];
  const rate = recent === undefined ? "" : ` Lately ${count(recent)} a minute were taken.`;
  const worst = narrowest(rows);
  const before = worst ? rows[rows.indexOf(worst) - 1] : undefined;
  const lost =
    worst && before && worst.passes !== null
      ? ` The narrowest step is from “${before.title}” to “${worst.title}”: ${percent(worst.passes)} pass.`
      : "";
  return `Of ${count(stands.updates)} updates came ${count(stands.openings)} openings, ${count(stands.signals)} signals and ${count(taken)} trades.${rate}${lost}`;
}

function Funnel({ rows }: { rows: readonly FunnelRow[] }): JSX.Element {
  const worst = narrowest(rows);
  return (
    <Scroll label="Funnel">
      <table class="plain-table funnel">
        <thead>
          <tr>
            <th scope="col">stage</th>
            <th scope="col" class="funnel-bar">
              <span class="visually-hidden">bar</span>
            </th>
            <th scope="col" class="right">
              per minute
            </th>
            <th scope="col" class="right">
              in all
            </th>
            <th scope="col" class="right wide">
              distinct
            </th>
            <th scope="col" class="right">
              pass
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.stage} class={row === worst ? "narrowest" : ""}>
              <th scope="row" title={row.means}>
                {row.title}
              </th>
              <td>
                <Bar share={row.bar} tone={row.stage === "taken" ? "good" : "plain"} />
              </td>
              <td class="right">{row.perMinute === null ? "–" : count(row.perMinute)}</td>
              <td class="right">{count(row.evaluations)}</td>
              <td class="right wide">{count(row.openings)}</td>
              <td class="right">{percent(row.passes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** A reason that the lists below are narrowed to. */
interface Narrowed {
  what: "candidates" | "refusals";
  name: string;
}

function Turned({ stands }: { stands: Status }): JSX.Element {
  const [narrowed, setNarrowed] = useState<Narrowed | null>(null);
  const toggle =
    (what: Narrowed["what"]) =>
    (name: string): void =>
      setNarrowed((before) => (before?.what === what && before.name === name ? null : { what, name }));
  const chosen = (what: Narrowed["what"]): string | null => (narrowed?.what === what ? narrowed.name : null);
  const all = (): void => setNarrowed(null);
  return (
    <>
      <div class="cards">
        <Card title="Why candidates were no signals" note="Choose a reason to see its candidates below.">
          <Reasons
            counts={stands.reasons}
            explain={explainReason}
            chosen={chosen("candidates")}
            onChoose={toggle("candidates")}
            empty="Nothing was turned down yet: no cycle has been looked at."
          />
          {Object.keys(stands.rules).length > 0 && (
            <>
              <h3>Refused by rule, in the words of the rule file</h3>
              <Reasons counts={stands.rules} explain={plainly} empty="" />
            </>
          )}
        </Card>
        <Card title="Why signals were not traded" note="Choose a reason to see its signals below.">
          <Reasons
            counts={stands.refusals}
            explain={explainRefusal}
            chosen={chosen("refusals")}
            onChoose={toggle("refusals")}
            empty={
              stands.signals === 0
                ? "There was no signal yet."
                : `All ${count(stands.signals)} signals were let through.`
            }
          />
          <h3>Why attempts failed</h3>
          <Reasons
            counts={stands.failures}
            explain={explainFailure}
            empty={
              stands.attempts === 0
                ? "Nothing was tried yet."
                : `None of ${count(stands.attempts)} attempts failed.`
            }
          />
        </Card>
      </div>
      <Candidates stands={stands} reason={chosen("candidates")} onAll={all} />
      <Refused reason={chosen("refusals")} onAll={all} />
    </>
  );
}

const plainly = (name: string): Explained => ({ title: words(name), means: "", settings: [] });

function Reasons(props: {
  counts: Counts;
  explain: (name: string) => Explained;
  chosen?: string | null;
  onChoose?: (name: string) => void;
  empty: string;
}): JSX.Element {
  const rows = ranked(props.counts);
  if (rows.length === 0) return <Empty>{props.empty}</Empty>;
  return (
    <ul class="reasons">
      {rows.map(({ name, count: times, share }) => {
        const { title, means, settings } = props.explain(name);
        return (
          <li key={name}>
            <div class="reason-head">
              {props.onChoose ? (
                <button
                  type="button"
                  aria-pressed={props.chosen === name}
                  onClick={() => props.onChoose?.(name)}
                >
                  {title}
                </button>
              ) : (
                <span>{title}</span>
              )}
              <Bar share={share} />
              <span class="reason-count">
                {count(times)} · {percent(share)}
              </span>
            </div>
            {(means || settings.length > 0) && (
              <p class="reason-means">
                {means} <Governs keys={settings} />
              </p>
            )}
          </li>
        );
      })}
    </ul>
  );
}

const KINDS: Record<Candidate["kind"], string> = { open: "open now", closed: "closed", nearest: "nearest" };

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

function Candidates(props: { stands: Status; reason: string | null; onAll: () => void }): JSX.Element {
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
    value: (row) => row.unix_ms,
    cell: (row) => timeOfDay(row.unix_ms),
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
    cell: (row) => grouped(row.limit),
    hint: "What the rule allows, in its own unit: docs/RISK.md",
  },
  {
    id: "value",
    header: "would be",
    align: "right",
    value: (row) => (row.value === null ? null : BigInt(row.value)),
    cell: (row) => grouped(row.value),
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

function grouped(value: string | null): string {
  return value === null ? "–" : units(value, 0);
}

function Refused(props: { reason: string | null; onAll: () => void }): JSX.Element {
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
