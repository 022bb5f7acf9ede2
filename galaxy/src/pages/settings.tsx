/** Settings: what this run was started with, read-only. */

import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { dateTime } from "../format";
import { Card, Empty, Pairs } from "../parts";
import { hello } from "../store";

interface Row {
  readonly key: string;
  readonly value: string;
  readonly origin: string;
}

/** A value as TOML would have it; secrets come masked. */
export function written(value: unknown): string {
  if (value === null || value === undefined) return "not set";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What stands after `#/settings/`: a key to look for. */
function wanted(): string {
  const [, page, ...rest] = location.hash.split("/");
  if (page !== "settings") return "";
  try {
    return decodeURIComponent(rest.join("/"));
  } catch {
    return "";
  }
}

export function Settings(): JSX.Element {
  const said = hello.value;
  const [filter, setFilter] = useState(wanted);
  const [onlySet, setOnlySet] = useState(false);
  useEffect(() => {
    const onHash = (): void => {
      if (location.hash.startsWith("#/settings")) setFilter(wanted());
    };
    addEventListener("hashchange", onHash);
    return () => removeEventListener("hashchange", onHash);
  }, []);
  const rows = useMemo(
    () =>
      Object.entries(said?.settings ?? {})
        .map(([key, [value, origin]]): Row => ({ key, value: written(value), origin }))
        .sort((one, other) => (one.key < other.key ? -1 : 1)),
    [said],
  );
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = rows.filter((row) => {
    const text = `${row.key} ${row.value} ${row.origin}`.toLowerCase();
    return (!onlySet || row.origin !== "default") && words.every((word) => text.includes(word));
  });
  return (
    <>
      <h1>Settings</h1>
      <Card
        title="What holds in this run"
        note={
          <>
            How to change one: name it in the TOML file, in the environment or as a flag, and start again;
            changes of <code>[risk]</code> in the file take effect while it runs, but for{" "}
            <code>risk.account</code>. <code>phantom config</code> lists every key with a line on what it
            means. Secrets are masked before they leave the run.
          </>
        }
        aside={
          <span class="toolbar">
            <button type="button" aria-pressed={onlySet} onClick={() => setOnlySet(!onlySet)}>
              not by default
            </button>
            <input
              type="search"
              placeholder="Find a key or value"
              aria-label="Find settings"
              value={filter}
              onInput={(event) => setFilter(event.currentTarget.value)}
            />
          </span>
        }
      >
        {shown.length === 0 ? (
          <Empty>
            {rows.length === 0
              ? "The run has told no settings."
              : filter
                ? `No key or value holds “${filter}”${onlySet ? " among those that are not by default" : ""}.`
                : "Everything holds by default."}
          </Empty>
        ) : (
          <table class="plain-table settings">
            <caption class="visually-hidden">Settings by key</caption>
            <thead>
              <tr>
                <th scope="col">key</th>
                <th scope="col">value</th>
                <th scope="col">from</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((row) => (
                <tr key={row.key}>
                  <th scope="row">
                    <code>{row.key}</code>
                  </th>
                  <td>
                    <code>{row.value}</code>
                  </td>
                  <td class={row.origin === "default" ? "dim" : ""}>{row.origin}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Card>
      {said && (
        <Card title="This run">
          <Pairs
            rows={[
              ["program", `PhantomArbiter ${said.version}`],
              ["process", String(said.pid)],
              ["run in the journal", String(said.run_id)],
              ["journal", <code key="journal">{said.journal}</code>],
              ["mode", said.mode === "live" ? "live: real money" : said.mode],
              ["source", `${said.source}: ${said.description}`],
              ["what is real in it", said.label],
              ["began", dateTime(said.began_unix_ms)],
              ["may be asked to", said.controls.join(", ") || "nothing"],
            ]}
          />
        </Card>
      )}
    </>
  );
}
