/** Why: how many come how far, and what was turned down, by how much, and by which rule. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { type FunnelRow, funnelRows, narrowest } from "../figures/funnel";
import { type Explained, explainFailure, explainReason, explainRefusal, ranked } from "../figures/reasons";
import { count, percent, words } from "../format";
import { Bar, Card, Empty, Governs, Scroll } from "../parts";
import type { Counts, Status } from "../records";
import { perMinute, scrubbed, status } from "../store";
import { Candidates, Refused } from "./turned_down";

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
        note={`Bars are on a log scale. Distinct: the same cycle counts once for as long as it stays open.${
          scrubbed.value && Object.keys(perMinute.value).length === 0
            ? " A single moment has no rates: play to see rates per minute."
            : ""
        }`}
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
  const counted = [
    many(stands.openings, "opening"),
    many(stands.signals, "signal"),
    many(taken, "trade"),
  ] as const;
  return `Of ${many(stands.updates, "update")} came ${counted[0]}, ${counted[1]} and ${counted[2]}.${rate}${lost}`;
}

function many(times: number, what: string): string {
  return `${count(times)} ${what}${times === 1 ? "" : "s"}`;
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
            empty={
              stands.signals > 0
                ? "None was turned down: every cycle that opened became a signal so far."
                : "Nothing was turned down yet: no cycle has opened."
            }
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

const plainly = (name: string): Explained => ({
  title: words(name),
  means: "",
  settings: [],
});

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
