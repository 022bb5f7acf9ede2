/** Trades: attempts with what they earned, of this run and of earlier ones in the journal. */

import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { get } from "../api";
import { count, percent, signed, symbolOf } from "../format";
import { KEPT } from "../model";
import { Empty, Tiles, toneOf, useAnswer } from "../parts";
import { hello, mints, status, trades } from "../store";
import { fromJournal, fromTrade, type JournalRow, type RunRow, remember, type Tried } from "../tried";
import { Attempts } from "./attempts";

const PAGE = 200;


export function Trades(): JSX.Element {
  const [run, setRun] = useState<number | null>(null);
  const mine = hello.value?.run_id ?? null;
  const runs = useAnswer(`runs ${mine}`, (stop) => get<RunRow[]>("api/runs", stop));
  const listed = runs.answer ?? [];
  return (
    <>
      <h1>Trades</h1>
      <div class="toolbar">
        <label>
          Run{" "}
          <select
            value={run ?? ""}
            onChange={(event) =>
              setRun(event.currentTarget.value === "" ? null : Number(event.currentTarget.value))
            }
          >
            <option value="">this one{mine === null ? "" : ` (${mine})`}</option>
            {listed.map((row) => (
              <option key={row.id} value={row.id}>
                {row.id}: {row.mode}, {row.source}
                {row.id === mine ? " (this one, as the journal has it)" : ""}
              </option>
            ))}
          </select>
        </label>
        {runs.error && <span class="dim">Earlier runs cannot be listed: {runs.error}</span>}
      </div>
      {run === null ? <ThisRun /> : <EarlierRun key={run} run={run} />}
    </>
  );
}

function ThisRun(): JSX.Element {
  const tried = trades.value;
  const rows = useMemo(() => tried.map(fromTrade), [tried]);
  const stands = status.value;
  const is_live = hello.value?.total_records === null;
  const at = is_live ? inSeconds : inSourceTime;
  const profit = stands?.profit ?? [];
  return (
    <>
      <Tiles
        tiles={[
          { name: "attempts", value: count(stands?.attempts) },
          {
            name: "filled",
            value: count(stands?.filled),
            note: stands && stands.attempts > 0 ? `${percent(stands.filled / stands.attempts)} of them` : "",
          },
          {
            name: "under way",
            value: count(stands?.under_way),
            note: "not certain yet",
          },
          ...profit.map((sum) => ({
            name: `net profit in ${symbolOf(sum.mint, mints.value)}`,
            value: signed(sum.net_profit, sum.mint, mints.value),
            note: `${signed(sum.gross_profit, sum.mint, mints.value)} before costs`,
            tone: toneOf(sum.net_profit),
          })),
        ]}
      />
      <Attempts
        rows={rows}
        at={at}
        axis={is_live ? "time" : "clock"}
        totals={tried.length >= KEPT ? profit : null}
        note={
          tried.length >= KEPT
            ? `The latest ${KEPT} attempts; sums below are of these. The journal has all of them: choose this run above as the journal has it.`
            : null
        }
        empty={nothingTried()}
      />
    </>
  );
}

/** Why this run has no attempts. */
function nothingTried(): string {
  const stands = status.value;
  if (stands === null || stands.attempts === 0) {
    if (stands?.risk.halted) return "Nothing was tried: trading is halted. The risk page says by what.";
    if (stands && stands.signals > 0) {
      return `Nothing was tried: none of ${count(stands.signals)} signals was let through. The first page says why.`;
    }
    return "Nothing was tried yet: there was no signal. The first page says what was turned down, and why.";
  }
  return "The attempts of this run are no longer remembered here; phantom journal lists them.";
}

function EarlierRun({ run }: { run: number }): JSX.Element {
  const [rows, setRows] = useState<readonly Tried[]>([]);
  const [before, setBefore] = useState<number | null>(null);
  const [is_all, setIsAll] = useState(false);
  const asked = useAnswer(`trades ${run} ${before}`, (stop) =>
    get<JournalRow[]>(
      `api/runs/${run}/trades?limit=${PAGE}${before === null ? "" : `&before=${before}`}`,
      stop,
    ),
  );
  const { answer } = asked;
  useEffect(() => {
    if (answer === null) return;
    const more = answer.map(fromJournal);
    setIsAll(more.length < PAGE);
    setRows((known) => [
      ...known,
      ...more.filter((row) => known.every((one) => one.attempt_id !== row.attempt_id)),
    ]);
    remember(more);
  }, [answer]);
  if (asked.error && rows.length === 0) return <Empty>{asked.error}</Empty>;
  if (rows.length === 0 && asked.is_waiting) return <Empty>Reading the journal…</Empty>;
  return (
    <>
      <Attempts
        rows={rows}
        at={inOrder}
        axis="attempt"
        totals={null}
        note={
          is_all || rows.length === 0
            ? null
            : `The latest ${count(rows.length)} attempts; curve and sums are of these.`
        }
        empty={`Run ${run} has tried nothing.`}
      />
      {!is_all && rows.length > 0 && (
        <p>
          <button
            type="button"
            disabled={asked.is_waiting}
            onClick={() => setBefore(Math.min(...rows.map((row) => row.attempt_id)))}
          >
            {asked.is_waiting ? "Reading…" : `Read ${PAGE} older ones`}
          </button>{" "}
          {asked.error}
        </p>
      )}
    </>
  );
}

const inSeconds = (row: Tried): number => (row.unix_ms ?? 0) / 1_000;
const inSourceTime = (row: Tried): number => row.at_ns ?? 0;
const inOrder = (row: Tried): number => row.attempt_id;
