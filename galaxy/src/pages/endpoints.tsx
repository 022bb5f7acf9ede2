/** Endpoints: connections and how they race; how long each stage takes; what happened. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { endpointState, winShares } from "../figures/endpoints";
import { bars, latencyTitle } from "../figures/latency";
import { ranked } from "../figures/reasons";
import { count, nanoseconds, percent, words } from "../format";
import { Bar, Card, Empty, Scroll, Share, Tag, Tiles, type Tone, when } from "../parts";
import type { Counts, Endpoint, Notice, StageLatency, Status } from "../records";
import { notices, status } from "../store";

export function Endpoints(): JSX.Element {
  const stands = status.value;
  return (
    <>
      <h1>Endpoints</h1>
      {stands === null ? (
        <Empty>The run has not said yet where it stands; it does so four times a second.</Empty>
      ) : (
        <>
          <Frames stands={stands} />
          <Connections endpoints={stands.endpoints} />
          <Latencies latencies={stands.latencies} />
        </>
      )}
      <Log />
    </>
  );
}

function Frames({ stands }: { stands: Status }): JSX.Element {
  const of = (part: number): string => (stands.frames > 0 ? percent(part / stands.frames) : "");
  const bad = ranked(stands.malformed);
  const malformed = bad.reduce((sum, row) => sum + row.count, 0);
  return (
    <Tiles
      tiles={[
        {
          name: "frames",
          value: count(stands.frames),
          note: "from all connections",
        },
        {
          name: "news",
          value: count(stands.fresh),
          note: `${of(stands.fresh)} of the frames`,
        },
        {
          name: "duplicates",
          value: count(stands.duplicates),
          note: of(stands.duplicates),
        },
        {
          name: "stale",
          value: count(stands.stale),
          note: `${of(stands.stale)}, older than applied`,
        },
        {
          name: "held back",
          value: count(stands.held),
          note: "not provably newer",
        },
        {
          name: "malformed",
          value: count(malformed),
          note: said(stands.malformed) || "none",
          tone: malformed > 0 ? "warn" : "plain",
        },
        ...(Object.keys(stands.decode_errors).length > 0
          ? [
              {
                name: "not decoded",
                value: count(ranked(stands.decode_errors).reduce((sum, row) => sum + row.count, 0)),
                note: said(stands.decode_errors),
                tone: "warn" as Tone,
              },
            ]
          : []),
      ]}
    />
  );
}

/** `not json 11, bad base64 7`. */
function said(counts: Counts): string {
  return ranked(counts)
    .map((row) => `${words(row.name)} ${count(row.count)}`)
    .join(", ");
}

function Connections({ endpoints }: { endpoints: readonly Endpoint[] }): JSX.Element {
  const shares = winShares(endpoints);
  const several = endpoints.length > 1;
  return (
    <Card
      title="Connections"
      note="A win is news that a connection brought first. Lag is how much later its duplicates came than the first arrival."
    >
      {endpoints.length === 0 ? (
        <Empty>
          No endpoint has sent anything: a run reads from a recording’s endpoints, or from those of
          [[endpoints]].
        </Empty>
      ) : (
        <Scroll label="Connections">
          <table class="plain-table">
            <thead>
              <tr>
                <th scope="col">endpoint</th>
                <th scope="col">state</th>
                <th scope="col" class="share-column">
                  wins
                </th>
                <th scope="col" class="right">
                  behind
                </th>
                <th scope="col" class="right">
                  lag p50
                </th>
                <th scope="col" class="right">
                  lag p99
                </th>
                <th scope="col" class="right">
                  frames
                </th>
                <th scope="col" class="right wide">
                  duplicates
                </th>
                <th scope="col" class="right wide">
                  stale
                </th>
                <th scope="col" class="right wide">
                  held
                </th>
                <th scope="col" class="right wide">
                  malformed
                </th>
                <th scope="col" class="right wide">
                  alone
                </th>
                <th scope="col" class="right wide">
                  accounts
                </th>
              </tr>
            </thead>
            <tbody>
              {endpoints.map((endpoint, index) => {
                const state = endpointState(endpoint);
                return (
                  <tr key={endpoint.name}>
                    <th scope="row">{endpoint.name}</th>
                    <td title={state.means}>
                      <Tag tone={state.tone}>{state.word}</Tag>
                    </td>
                    <td>
                      <Share share={shares[index] ?? 0} />
                    </td>
                    <td class="right">
                      {endpoint.behind_slots === null
                        ? "–"
                        : `${count(endpoint.behind_slots)} slot${endpoint.behind_slots === 1 ? "" : "s"}`}
                    </td>
                    <td class="right">{several ? nanoseconds(endpoint.lag_p50_ns) : "–"}</td>
                    <td class="right">{several ? nanoseconds(endpoint.lag_p99_ns) : "–"}</td>
                    <td class="right">{count(endpoint.frames)}</td>
                    <td class="right wide">{count(endpoint.duplicates)}</td>
                    <td class="right wide">{count(endpoint.stale)}</td>
                    <td class="right wide">{count(endpoint.held)}</td>
                    <td class="right wide">{count(endpoint.malformed)}</td>
                    <td
                      class="right wide"
                      title="Last writes of a slot with which it stands alone against two others"
                    >
                      {count(endpoint.disagreements)}
                    </td>
                    <td class="right wide">{count(endpoint.subscriptions)}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </Scroll>
      )}
    </Card>
  );
}

function Latencies({ latencies }: { latencies: readonly StageLatency[] }): JSX.Element {
  const [chosen, setChosen] = useState("frame_to_decision");
  const timed = latencies.filter((stage) => stage.count > 0);
  const shown = timed.find((stage) => stage.stage === chosen) ?? timed.at(-1);
  const longest = Math.max(1, ...timed.map((stage) => stage.p99_ns ?? 0));
  return (
    <Card
      title="How long each stage takes"
      note="Since the run began. Bars of p99 are on a log scale; choose a stage for its histogram."
    >
      {shown === undefined ? (
        <Empty>Nothing was timed yet: no frame has been taken.</Empty>
      ) : (
        <>
          <Scroll label="How long each stage takes">
            <table class="plain-table">
              <thead>
                <tr>
                  <th scope="col">stage</th>
                  <th scope="col" class="right wide">
                    times
                  </th>
                  <th scope="col" class="right">
                    p50
                  </th>
                  <th scope="col" class="right">
                    p90
                  </th>
                  <th scope="col" class="right">
                    p99
                  </th>
                  <th scope="col" class="right wide">
                    longest
                  </th>
                  <th scope="col" class="share-column wide">
                    <span class="visually-hidden">bar of p99</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {timed.map((stage) => (
                  <tr key={stage.stage}>
                    <th scope="row">
                      <button
                        type="button"
                        aria-pressed={stage === shown}
                        onClick={() => setChosen(stage.stage)}
                      >
                        {latencyTitle(stage.stage)}
                      </button>
                    </th>
                    <td class="right wide">{count(stage.count)}</td>
                    <td class="right">{nanoseconds(stage.p50_ns)}</td>
                    <td class="right">{nanoseconds(stage.p90_ns)}</td>
                    <td class="right">{nanoseconds(stage.p99_ns)}</td>
                    <td class="right wide">{nanoseconds(stage.max_ns)}</td>
                    <td class="wide">
                      <Bar share={Math.log10(1 + (stage.p99_ns ?? 0)) / Math.log10(1 + longest)} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
          <Histogram stage={shown} />
        </>
      )}
    </Card>
  );
}

function Histogram({ stage }: { stage: StageLatency }): JSX.Element {
  const found = bars(stage.buckets);
  const title = latencyTitle(stage.stage);
  const first = found[0];
  const last = found.at(-1);
  if (first === undefined || last === undefined) {
    return <Empty>There is no histogram of {title} yet.</Empty>;
  }
  const said = found
    .filter((bar) => bar.count > 0)
    .map((bar) => `up to ${nanoseconds(bar.toNs)}: ${percent(bar.count / stage.count)}`)
    .join("; ");
  return (
    <>
      <h3>{title}</h3>
      <div class="histogram" role="img" aria-label={`Histogram of ${title}. ${said}`}>
        {found.map((bar) => (
          <span
            key={bar.toNs}
            class={bar.count === 0 ? "none" : ""}
            style={bar.count === 0 ? {} : { height: `${Math.max(2, bar.height * 100)}%` }}
            title={`${nanoseconds(bar.fromNs)} to ${nanoseconds(bar.toNs)}: ${count(bar.count)} times, ${percent(bar.count / stage.count)}`}
          />
        ))}
      </div>
      <div class="histogram-axis" aria-hidden="true">
        <span>{nanoseconds(first.fromNs)}</span>
        <span>mean {nanoseconds(stage.sum_ns / stage.count)}</span>
        <span>{nanoseconds(last.toNs)}</span>
      </div>
    </>
  );
}

const KIND_TONES: Record<string, Tone> = {
  notice: "plain",
  connected: "good",
  failed: "bad",
  lost: "bad",
  quarantined: "bad",
  refused: "warn",
  unanswered: "warn",
  behind: "warn",
  lagging: "warn",
  unplaced: "warn",
  gap: "warn",
  unread: "warn",
  unsearched: "warn",
};

/** Notices of the run, newest first. */
function Log(): JSX.Element {
  const [kind, setKind] = useState<string | null>(null);
  const all = notices.value;
  const kinds = [...new Set(all.map((notice) => notice.kind))].sort();
  const rows = (kind === null ? all : all.filter((notice) => notice.kind === kind)).toReversed();
  return (
    <Card
      title="Log"
      aside={
        kinds.length > 1 && (
          <span class="toolbar">
            {[null, ...kinds].map((one) => (
              <button
                key={one ?? "all"}
                type="button"
                aria-pressed={kind === one}
                onClick={() => setKind(one)}
              >
                {one === null ? "all" : words(one)}
              </button>
            ))}
          </span>
        )
      }
    >
      {rows.length === 0 ? (
        <Empty>The run has had nothing to tell: notices are about connections, halts and the like.</Empty>
      ) : (
        <ul class="log" tabIndex={0} aria-label="Notices, newest first">
          {rows.map((notice) => (
            <Line key={notice.seq} notice={notice} />
          ))}
        </ul>
      )}
    </Card>
  );
}

function Line({ notice }: { notice: Notice }): JSX.Element {
  return (
    <li>
      <time dateTime={new Date(notice.unix_ms).toISOString()}>{when(notice)}</time>
      <Tag tone={KIND_TONES[notice.kind] ?? "plain"}>{words(notice.kind)}</Tag>
      <span class="text">{notice.text}</span>
    </li>
  );
}
