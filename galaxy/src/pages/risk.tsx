/** Risk: what holds trading, how much of each limit is used, what fees are offered, and the controls. */

import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Action, control, hasToken, type Meant } from "../control";
import { isBreaker, meter, switchWords } from "../figures/limits";
import { explainRefusal, ranked } from "../figures/reasons";
import { amount, count, decimal, percent, symbolOf, units, words } from "../format";
import { Bar, Card, Empty, Governs, Pairs, Scroll, Tag, type Tone } from "../parts";
import type { FeeState, LimitUse, Mint, RiskState, Status, StrategyState } from "../records";
import { connection, end, hello, mints, scrubbed, session, status } from "../store";

export function Risk(): JSX.Element {
  const stands = status.value;
  return (
    <>
      <h1>Risk</h1>
      {stands === null ? (
        <Empty>The run has not said yet where it stands; it does so four times a second.</Empty>
      ) : (
        <>
          <div class="cards">
            <Switches risk={stands.risk} />
            <Controls risk={stands.risk} />
          </div>
          <Limits limits={stands.risk.limits} />
          <div class="cards">
            <Refusals stands={stands} />
            <div>
              <Fees fees={stands.fees} />
              <Strategy strategy={stands.strategy} />
            </div>
          </div>
        </>
      )}
    </>
  );
}

function Switches({ risk }: { risk: RiskState }): JSX.Element {
  const breakers = risk.switches.filter(isBreaker);
  return (
    <Card title="Trading">
      <p class="lead">
        {risk.halted ? (
          <>
            <Tag tone="warn">halted</Tag> Nothing is sent. Watching goes on.
          </>
        ) : (
          <>
            <Tag tone="good">open</Tag> Plans within the limits may go.
          </>
        )}
      </p>
      {risk.switches.length > 0 && (
        <>
          <h3>Held by</h3>
          <ul>
            {risk.switches.map((name) => (
              <li key={name}>{switchWords(name)}</li>
            ))}
          </ul>
        </>
      )}
      <p class="note">
        {breakers.length === 0 ? "No breaker is open." : `Open breakers: ${breakers.map(words).join(", ")}.`}
      </p>
    </Card>
  );
}

const ACTIONS: Readonly<Record<Action, { title: string; will: string }>> = {
  halt: {
    title: "Halt",
    will: "Nothing is sent from now on; what was sent may still land. Watching goes on. The journal notes that the dashboard asked.",
  },
  resume: {
    title: "Resume",
    will: "The dashboard's hold ends: plans within the limits may be sent again, unless something else holds them. The journal notes that the dashboard asked.",
  },
  stop: {
    title: "Stop the run",
    will: "The run ends as with Ctrl-C: nothing more is sent, and the process exits. It cannot be started again from here.",
  },
};

/** Why controls are out of reach; null if they are not. */
function obstacle(): string | null {
  if (end.value) return "The run has ended.";
  if (connection.value !== "connected") return "There is no connection to the run now.";
  if (scrubbed.value) return "An earlier moment is shown: go back to live first.";
  if (!session.value?.control) {
    return "This dashboard was started without control rights; start it with --control to have them. phantom halt and phantom resume work from a terminal.";
  }
  return null;
}

function Controls({ risk }: { risk: RiskState }): JSX.Element {
  const [asked, setAsked] = useState<{ action: Action; run: Meant } | null>(null);
  const [said, setSaid] = useState<{ done: boolean; words: string } | null>(null);
  const why = obstacle();
  const run = hello.value;
  const is_free = why === null;
  // What was asked of one run is never confirmed to another.
  useEffect(() => setAsked(null), [run?.began_unix_ms, is_free]);
  const mine = run?.controls ?? [];
  const held = risk.switches.includes("dashboard");
  const others = risk.switches.filter((name) => name !== "dashboard");
  const may: Record<Action, boolean> = { halt: !held, resume: held, stop: true };
  return (
    <Card title="Controls">
      <div class="controls">
        {(["halt", "resume", "stop"] as const).map((action) => (
          <button
            key={action}
            type="button"
            class={action === "stop" ? "danger" : ""}
            disabled={why !== null || !mine.includes(action) || !may[action]}
            aria-describedby="controls-why"
            onClick={() => run && setAsked({ action, run })}
          >
            {ACTIONS[action].title}…
          </button>
        ))}
      </div>
      <p class="note" id="controls-why">
        {why ??
          (risk.halted && !held
            ? `Held by ${others.map(words).join(", ")}: that is let go where it was set, not here.`
            : "Each asks once more before anything happens, and is journaled.")}
      </p>
      {said && (
        <p role="status" class={said.done ? "good" : "bad"}>
          {said.words}
        </p>
      )}
      {asked && is_free && asked.run.began_unix_ms === run?.began_unix_ms && (
        <Ask
          action={asked.action}
          run={asked.run}
          onClose={(answer) => {
            setAsked(null);
            if (answer) setSaid(answer);
          }}
        />
      )}
    </Card>
  );
}

/** Says what will happen, asks for the token if there is none, and then asks the run. */
function Ask(props: {
  action: Action;
  run: Meant;
  onClose: (answer: { done: boolean; words: string } | null) => void;
}): JSX.Element {
  const { action, run } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const [given, setGiven] = useState("");
  const [is_asking, setAsking] = useState(false);
  const needs_token = !hasToken();
  // Before it is painted: a key pressed at once is for the dialog.
  useLayoutEffect(() => dialog.current?.showModal(), []);
  const ask = async (): Promise<void> => {
    setAsking(true);
    props.onClose(await control(action, run, needs_token ? given.trim() : null));
  };
  return (
    <dialog
      ref={dialog}
      class="ask"
      aria-labelledby="ask-title"
      onCancel={(event) => {
        event.preventDefault();
        props.onClose(null);
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void ask();
        }}
      >
        <h2 id="ask-title">{ACTIONS[action].title}?</h2>
        <p>{ACTIONS[action].will}</p>
        {hello.value?.mode === "live" && <p class="warn">This run is live: it trades with real money.</p>}
        {needs_token && (
          <label>
            Control token, as the dashboard printed it when it started. It stays in this page's memory until
            the page is closed.
            <input
              type="password"
              autocomplete="off"
              spellcheck={false}
              required
              value={given}
              onInput={(event) => setGiven(event.currentTarget.value)}
            />
          </label>
        )}
        <div class="ask-buttons">
          <button type="button" onClick={() => props.onClose(null)}>
            Leave it
          </button>
          <button type="submit" disabled={is_asking || (needs_token && given.trim() === "")}>
            {is_asking ? "Asking…" : ACTIONS[action].title}
          </button>
        </div>
      </form>
    </dialog>
  );
}

const PRESSURES: Record<string, Tone> = { free: "plain", close: "warn", "used up": "bad" };

function Limits({ limits }: { limits: readonly LimitUse[] }): JSX.Element {
  return (
    <Card title="Limits" note="Used now, of what is allowed. A day is a rolling window of 216,000 slots.">
      {limits.length === 0 ? (
        <Empty>No limit of [risk] is set.</Empty>
      ) : (
        <Scroll label="Limits">
          <table class="plain-table">
            <thead>
              <tr>
                <th scope="col">limit</th>
                <th scope="col" class="share-column">
                  used
                </th>
                <th scope="col" class="right wide">
                  now
                </th>
                <th scope="col" class="right wide">
                  at most
                </th>
              </tr>
            </thead>
            <tbody>
              {limits.map((limit) => {
                const { share, percent: used, pressure } = meter(limit.used, limit.limit);
                return (
                  <tr key={`${limit.name} ${limit.subject}`}>
                    <th scope="row">
                      {words(limit.name.replace(/^(mints|venues)\./, "").replace(/^max_/, ""))}
                      {limit.subject && ` · ${subjectOf(limit, mints.value)}`}
                      <small>
                        <code>risk.{limit.name}</code>
                      </small>
                    </th>
                    <td>
                      <span class="share">
                        <Bar share={share} tone={PRESSURES[pressure] ?? "plain"} />
                        <span class="share-figure">{used}</span>
                      </span>
                      <small class="narrow">
                        {inUnit(limit.used, limit.unit)} of {inUnit(limit.limit, limit.unit)}
                      </small>
                      {pressure !== "free" && (
                        <small>{pressure === "close" ? "close to it" : "used up"}</small>
                      )}
                    </td>
                    <td class="right wide">{inUnit(limit.used, limit.unit)}</td>
                    <td class="right wide">{inUnit(limit.limit, limit.unit)}</td>
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

function subjectOf(limit: LimitUse, known: Record<string, Mint>): string {
  const { subject } = limit;
  if (subject === null) return "";
  return limit.unit === subject || known[subject] ? symbolOf(subject, known) : words(subject);
}

const PLAIN_UNITS = new Set(["lamports", "attempts", "slots", "failures"]);

function inUnit(value: string, unit: string): string {
  return PLAIN_UNITS.has(unit) ? `${units(value, 0)} ${unit}` : amount(value, unit, mints.value);
}

function Refusals({ stands }: { stands: Status }): JSX.Element {
  const rows = ranked(stands.refusals).filter((row) => row.name.startsWith("risk_"));
  return (
    <Card title="Refused by rule of risk">
      {rows.length === 0 ? (
        <Empty>
          {stands.signals === 0
            ? "Nothing was asked for yet: there was no signal."
            : `Risk has refused none of ${count(stands.signals)} signals.`}
        </Empty>
      ) : (
        <ul class="reasons">
          {rows.map((row) => {
            const { title, means, settings } = explainRefusal(row.name);
            return (
              <li key={row.name}>
                <div class="reason-head">
                  <span>{title}</span>
                  <Bar share={row.share} />
                  <span class="reason-count">
                    {count(row.count)} · {percent(row.share)}
                  </span>
                </div>
                <p class="reason-means">
                  {means} <Governs keys={settings} />
                </p>
              </li>
            );
          })}
        </ul>
      )}
    </Card>
  );
}

function Fees({ fees }: { fees: FeeState }): JSX.Element {
  const priority =
    (BigInt(fees.compute_unit_price_micro_lamports) * BigInt(fees.compute_unit_limit) + 999_999n) /
    1_000_000n;
  return (
    <Card title="Fees offered now">
      <Pairs
        rows={[
          ["mode", fees.mode],
          fees.percentile === null
            ? null
            : ["enough in", `${decimal(fees.percentile, 2)} % of recent slots`],
          ["compute unit price", `${count(fees.compute_unit_price_micro_lamports)} µlamports`],
          ["compute unit limit", `${count(fees.compute_unit_limit)} units`],
          ["priority fee", `${units(priority, 0)} lamports`],
          ["tip", `${count(fees.tip_lamports)} lamports`],
          [
            "recent blocks",
            fees.congestion === null ? (
              "not known how full"
            ) : (
              <span class="share" key="congestion">
                <Bar share={fees.congestion} tone={fees.congestion > 0.9 ? "warn" : "plain"} />
                <span>{percent(fees.congestion, 0)} full</span>
              </span>
            ),
          ],
        ]}
      />
      <Governs keys={["fees.mode", "costs.tip_lamports"]} />
    </Card>
  );
}

function Strategy({ strategy }: { strategy: StrategyState }): JSX.Element {
  return (
    <Card title="Strategy">
      <Pairs
        rows={[
          ["name", words(strategy.name)],
          ["state", strategy.suspended ? <Tag tone="bad">suspended</Tag> : <Tag tone="good">asked</Tag>],
          strategy.suspended ? ["why", strategy.suspended] : null,
          ["calls", count(strategy.calls)],
          ["plans", count(strategy.plans)],
          ["too slow", `${count(strategy.overruns)} calls`],
          ["failed", `${count(strategy.exceptions)} calls`],
        ]}
      />
    </Card>
  );
}
