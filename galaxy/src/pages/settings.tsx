/** Settings: what this run was started with, read-only. */

import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { dateTime } from "../format";
import { Card, Pairs, Tag } from "../parts";
import { hello } from "../store";
import { type Column, Table } from "../table";

interface Row {
  readonly key: string;
  readonly value: string;
  readonly origin: string;
}

const keyOf = (row: Row): string => row.key;

const COLUMNS: Column<Row>[] = [
  {
    id: "key",
    header: "key",
    value: (row) => row.key,
    cell: (row) => <code title={row.key}>{row.key}</code>,
    width: "40%",
  },
  {
    id: "value",
    header: "value",
    value: (row) => row.value,
    cell: (row) => <code title={row.value}>{row.value}</code>,
    width: "40%",
  },
  {
    id: "origin",
    header: "from",
    value: (row) => row.origin,
    cell: (row) => <Tag tone={row.origin === "default" ? "dim" : "plain"}>{row.origin}</Tag>,
    width: "20%",
    hint: "Where it was set: flag, environment, a file, or nowhere",
  },
];

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
  const shown = onlySet ? rows.filter((row) => row.origin !== "default") : rows;
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
        <Table
          label="Settings"
          columns={COLUMNS}
          rows={shown}
          rowKey={keyOf}
          filter={filter}
          maxHeight={620}
          empty={onlySet ? "Everything holds by default." : "The run has told no settings."}
        />
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
