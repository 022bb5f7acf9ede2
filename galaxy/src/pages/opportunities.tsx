/** Opportunities: cycles as they open and close. */

import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { hopsOf } from "../figures/candidates";
import { hold } from "../figures/hold";
import { explainReason } from "../figures/reasons";
import { amount, bps, count, decimal, duration, signed, words } from "../format";
import type { Cycle } from "../model";
import { openDetail } from "../panel";
import { Card, routeText, Tag, Tiles, type Tone, toneOf } from "../parts";
import { useReading } from "../reading";
import { cyclesVersion, marketTick, mints, moment, shown, status, trades } from "../store";
import { type Column, Table } from "../table";

export function Opportunities(): JSX.Element {
  const [filter, setFilter] = useState("");
  const tick = marketTick.value;
  const version = cyclesVersion.peek();
  const tried = trades.value;
  const taken = useMemo(
    () => new Set(tried.filter((trade) => trade.state === "filled").map((trade) => trade.opening_id)),
    [tried],
  );
  // The model changes in place; these say when.
  const [open, closed] = useMemo(() => {
    const model = shown();
    return [
      [...model.open.values()].reverse().map((cycle) => shownAs(cycle, taken)),
      model.closed.toReversed().map((cycle) => shownAs(cycle, taken)),
    ];
  }, [tick, version, taken]);
  const stands = status.value;
  return (
    <>
      <h1>Opportunities</h1>
      <Tiles
        tiles={[
          { name: "open now", value: count(open.length) },
          { name: "openings so far", value: count(stands?.openings) },
          { name: "signals so far", value: count(stands?.signals) },
          {
            name: "best gain open now",
            value: bps(best(open)),
            note: "at the margin, after pool fees",
          },
        ]}
      />
      <div class="toolbar">
        <input
          type="search"
          placeholder="Filter: token, venue, verdict…"
          aria-label="Filter opportunities"
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
      </div>
      <OpenNow rows={open} filter={filter} />
      <Card
        title="Closed lately"
        note="The last 500, newest first; how long each was open as far as it was seen."
      >
        <Table
          label="Cycles closed lately"
          columns={CLOSED_COLUMNS}
          rows={closed}
          rowKey={keyOf}
          filter={filter}
          steady
          maxHeight={420}
          onOpen={openRow}
          empty="No cycle has closed since this page was opened."
        />
      </Card>
    </>
  );
}

const SLOT_MS = 400;

interface Row {
  readonly key: string;
  readonly cycle: Cycle;
  readonly route: string;
  readonly venues: string;
  readonly verdict: string;
  readonly tone: Tone;
  readonly means: string;
  readonly missing_bps: number | null;
}

const keyOf = (row: Row): string => row.key;

function openRow(row: Row): void {
  openDetail({ kind: "cycle", id: row.cycle.id });
}

function shownAs(cycle: Cycle, taken: ReadonlySet<number | null>): Row {
  const hops = hopsOf(cycle, shown().pools);
  const { judged } = cycle;
  const [verdict, tone, means]: [string, Tone, string] = taken.has(cycle.id) || judged?.stage === "taken"
    ? ["taken", "good", "A trade was made of it"]
    : judged === null
      ? ["not judged yet", "dim", "No verdict was given so far"]
      : judged.reason === null
        ? ["signal", "good", "It was let through as a signal"]
        : [words(judged.reason), "warn", explainReason(judged.reason).means];
  return {
    key: String(cycle.id),
    cycle,
    route: routeText(hops),
    venues: hops.map((hop) => words(hop.pool.venue)).join(" · "),
    verdict,
    tone,
    means,
    missing_bps: judged?.missing_bps ?? null,
  };
}

function best(rows: readonly Row[]): number | null {
  return rows.length === 0 ? null : Math.max(...rows.map((row) => row.cycle.gain_bps));
}

/** The table of open cycles; while somebody reads in it rows keep their places, and new ones wait. */
function OpenNow({ rows, filter }: { rows: readonly Row[]; filter: string }): JSX.Element {
  const [isReading, handlers] = useReading();
  const before = useRef<readonly Row[]>([]);
  const held = isReading && before.current.length > 0 ? hold(before.current, rows, keyOf) : null;
  before.current = held ? held.rows : rows;
  const gone = held?.gone;
  return (
    <div {...handlers}>
      <Card
        title="Open now"
        aside={
          <span class="dim">
            {held && held.waiting + held.gone.size > 0
              ? `Held while you read: ${held.waiting} new, ${held.gone.size} closed since`
              : ""}
          </span>
        }
      >
        <Table
          label="Cycles open now"
          columns={OPEN_COLUMNS}
          rows={before.current}
          rowKey={keyOf}
          filter={filter}
          steady
          maxHeight={420}
          onOpen={openRow}
          rowClass={(row) => (gone?.has(row.key) ? "is-gone" : "")}
          empty="No cycle pays at recorded prices after fees now. One opens when prices of pools differ by more than their fees."
        />
      </Card>
    </div>
  );
}

const ROUTE: Column<Row> = {
  id: "route",
  header: "route",
  value: (row) => row.route,
  cell: (row) => (
    <span class="route" title={row.route}>
      {row.route}
    </span>
  ),
};

const GAIN: Column<Row> = {
  id: "gain",
  header: "gain",
  align: "right",
  value: (row) => row.cycle.gain_bps,
  cell: (row) => bps(row.cycle.gain_bps),
  hint: "At the margin, after the pools' fees, when it opened or was last looked at",
};

const VERDICT: Column<Row> = {
  id: "verdict",
  header: "verdict",
  value: (row) => row.verdict,
  cell: (row) => (
    <span title={row.means}>
      <Tag tone={row.tone}>{row.verdict}</Tag>
    </span>
  ),
};

const MORE: Column<Row>[] = [
  {
    id: "missing",
    header: "missing",
    align: "right",
    wide: true,
    value: (row) => row.missing_bps,
    cell: (row) => (row.missing_bps === null ? "–" : `${decimal(row.missing_bps, 2)} bps`),
  },
  {
    id: "amount_in",
    header: "best input",
    align: "right",
    wide: true,
    value: (row) => (row.cycle.judged?.amount_in ? BigInt(row.cycle.judged.amount_in) : null),
    cell: (row) => amount(row.cycle.judged?.amount_in, row.cycle.judged?.base_mint ?? "", mints.value),
  },
  {
    id: "net",
    header: "after costs",
    align: "right",
    wide: true,
    value: (row) => (row.cycle.judged?.net_profit ? BigInt(row.cycle.judged.net_profit) : null),
    cell: (row) => (
      <span class={toneOf(row.cycle.judged?.net_profit ?? null)}>
        {signed(row.cycle.judged?.net_profit, row.cycle.judged?.base_mint ?? "", mints.value)}
      </span>
    ),
  },
  { id: "venues", header: "venues", wide: true, value: (row) => row.venues },
];

const OPEN_COLUMNS: Column<Row>[] = [
  ROUTE,
  GAIN,
  {
    ...VERDICT,
    cell: (row) => (row.cycle.closed_slot === null ? VERDICT.cell?.(row) : <Tag tone="dim">closed</Tag>),
  },
  {
    id: "age",
    header: "open for",
    align: "right",
    value: (row) => -row.cycle.slot,
    cell: ({ cycle }) => openFor(cycle, cycle.closed_slot ?? moment.value.slot),
    hint: "Slots of the chain; one is about 0.4 s",
  },
  ...MORE,
];

const CLOSED_COLUMNS: Column<Row>[] = [
  ROUTE,
  GAIN,
  VERDICT,
  {
    id: "lasted",
    header: "was open",
    align: "right",
    value: (row) => (row.cycle.closed_slot ?? row.cycle.slot) - row.cycle.slot,
    cell: ({ cycle }) => openFor(cycle, cycle.closed_slot ?? cycle.slot),
    hint: "Slots of the chain; one is about 0.4 s",
  },
  {
    id: "closed",
    header: "closed in slot",
    align: "right",
    wide: true,
    value: (row) => row.cycle.closed_slot,
    cell: (row) => count(row.cycle.closed_slot),
  },
  ...MORE,
];

/** How long in slots, and about how long that is. */
function openFor(cycle: Cycle, slot: number): string {
  const slots = Math.max(0, slot - cycle.slot);
  const about = slots < 3 ? "" : ` · ${duration(slots * SLOT_MS)}`;
  return `${count(slots)} slot${slots === 1 ? "" : "s"}${about}`;
}
