/** A table that sorts, filters, works by keyboard and draws only the rows in sight. */

import {
  type ColumnDef,
  createTable,
  getCoreRowModel,
  getFilteredRowModel,
  getSortedRowModel,
  type SortingState,
} from "@tanstack/table-core";
import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useReading } from "./reading";

type Value = string | number | bigint | null;

export interface Column<T> {
  id: string;
  header: string;
  /** What the column sorts and filters by. */
  value: (row: T) => Value;
  /** What it shows; the value if left out. */
  cell?: (row: T) => ComponentChildren;
  align?: "right";
  /** CSS width; with one, the table's layout is fixed. */
  width?: string;
  /** Explains the header. */
  hint?: string;
  /** Left out on narrow screens. */
  wide?: boolean;
}

export interface TableProps<T> {
  /** Said to screen readers. */
  label: string;
  columns: Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  /** Enter or a click on a row. */
  onOpen?: (row: T) => void;
  /** Words that must all be in the row's values. */
  filter?: string;
  /** `id`, or `-id` for descending. */
  sort?: string;
  /** Why there are no rows. */
  empty: ComponentChildren;
  /** Rows keep their places while the pointer or the focus is in the table. */
  steady?: boolean;
  /** In pixels; the table scrolls inside. As high as its rows, up to this. */
  maxHeight?: number;
  /** Row that is marked as the chosen one. */
  chosen?: string | null;
  rowClass?: (row: T) => string;
}

const ROW_PX = 30;

/** Rows drawn above and below what is in sight. */
const SPARE = 8;

export function Table<T>(props: TableProps<T>): JSX.Element {
  const { columns, rows, rowKey, filter = "", maxHeight = 480 } = props;
  const [sorting, setSorting] = useState<SortingState>(() => sortingOf(props.sort));
  const [top, setTop] = useState(0);
  const [active, setActive] = useState<string | null>(null);
  const [isReading, reading] = useReading();
  const order = useRef<string[]>([]);
  const scroller = useRef<HTMLDivElement>(null);
  const focus_next = useRef(false);

  const definitions = useMemo(() => columns.map((column) => definitionOf(column)), [columns]);
  const sorted = useMemo(
    () => arranged(rows, definitions, sorting, filter, rowKey),
    [rows, definitions, sorting, filter, rowKey],
  );
  const arrangedRows = props.steady && isReading ? inPlace(sorted, order.current, rowKey) : sorted;
  const keys = arrangedRows.map(rowKey);
  order.current = keys;

  const total = arrangedRows.length;
  const height = Math.min(maxHeight, (total + 1) * ROW_PX + 2);
  const first = Math.max(0, Math.min(Math.floor(top / ROW_PX), total) - SPARE);
  const last = Math.min(total, first + Math.ceil(maxHeight / ROW_PX) + 2 * SPARE);
  const tab_stop = active !== null && keys.includes(active) ? active : keys[0];

  useLayoutEffect(() => {
    if (!focus_next.current) return;
    focus_next.current = false;
    scroller.current?.querySelector<HTMLElement>('tr[tabindex="0"]')?.focus({ preventScroll: true });
  });

  const moveTo = (index: number): void => {
    const at = Math.max(0, Math.min(total - 1, index));
    const key = keys[at];
    const element = scroller.current;
    if (key === undefined || !element) return;
    const above = at * ROW_PX;
    if (above < element.scrollTop) element.scrollTop = above;
    else if (above + 2 * ROW_PX > element.scrollTop + element.clientHeight) {
      element.scrollTop = above + 2 * ROW_PX - element.clientHeight;
    }
    setTop(element.scrollTop);
    focus_next.current = true;
    setActive(key);
  };

  const onKey = (event: KeyboardEvent, index: number, row: T): void => {
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_PX) - 2);
    const to: Record<string, number> = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      PageDown: index + page,
      PageUp: index - page,
      Home: 0,
      End: total - 1,
    };
    const target = to[event.key];
    if (target !== undefined) moveTo(target);
    else if ((event.key === "Enter" || event.key === " ") && props.onOpen) props.onOpen(row);
    else return;
    event.preventDefault();
  };

  if (total === 0) return <p class="empty">{rows.length > 0 ? "Nothing fits the filter." : props.empty}</p>;
  const is_fixed = columns.some((column) => column.width !== undefined);
  return (
    <div
      ref={scroller}
      class="table-scroll"
      style={{ maxHeight: `${maxHeight}px`, height: `${height}px` }}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      {...reading}
    >
      <table class={is_fixed ? "table fixed" : "table"} aria-label={props.label} aria-rowcount={total + 1}>
        <colgroup>
          {columns.map((column) => (
            <col
              key={column.id}
              class={column.wide ? "wide" : undefined}
              style={column.width ? { width: column.width } : undefined}
            />
          ))}
        </colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map((column) => (
              <th
                key={column.id}
                scope="col"
                class={classOf(column)}
                aria-sort={ariaSort(column.id, sorting)}
              >
                <button
                  type="button"
                  title={column.hint}
                  onClick={() => setSorting(toggled(column.id, sorting))}
                >
                  {column.header}
                  <span aria-hidden="true" class="sort-mark">
                    {markOf(column.id, sorting)}
                  </span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {first > 0 && <Space rows={first} columns={columns.length} />}
          {arrangedRows.slice(first, last).map((row, offset) => {
            const index = first + offset;
            const key = keys[index]!;
            return (
              <tr
                key={key}
                aria-rowindex={index + 2}
                aria-selected={props.chosen === key}
                class={`${props.onOpen ? "opens " : ""}${props.rowClass?.(row) ?? ""}`}
                tabIndex={key === tab_stop ? 0 : -1}
                onFocus={() => setActive(key)}
                onKeyDown={(event) => onKey(event, index, row)}
                onClick={() => props.onOpen?.(row)}
              >
                {columns.map((column) => (
                  <td key={column.id} class={classOf(column)}>
                    {column.cell ? column.cell(row) : plain(column.value(row))}
                  </td>
                ))}
              </tr>
            );
          })}
          {last < total && <Space rows={total - last} columns={columns.length} />}
        </tbody>
      </table>
    </div>
  );
}

function Space({ rows, columns }: { rows: number; columns: number }): JSX.Element {
  return (
    <tr class="space">
      <td colSpan={columns} style={{ height: `${rows * ROW_PX}px` }} />
    </tr>
  );
}

function plain(value: Value): string {
  return value === null ? "–" : value.toString();
}

function classOf(column: { align?: "right"; wide?: boolean }): string {
  return `${column.align === "right" ? "right " : ""}${column.wide ? "wide" : ""}`;
}

function sortingOf(sort: string | undefined): SortingState {
  if (!sort) return [];
  return [sort.startsWith("-") ? { id: sort.slice(1), desc: true } : { id: sort, desc: false }];
}

function toggled(id: string, sorting: SortingState): SortingState {
  const now = sorting[0];
  if (now?.id !== id) return [{ id, desc: true }];
  return now.desc ? [{ id, desc: false }] : [];
}

function ariaSort(id: string, sorting: SortingState): "ascending" | "descending" | "none" {
  const now = sorting[0];
  return now?.id !== id ? "none" : now.desc ? "descending" : "ascending";
}

function markOf(id: string, sorting: SortingState): string {
  const now = sorting[0];
  return now?.id !== id ? "" : now.desc ? " ▾" : " ▴";
}

/** Sorts numbers and big integers by size, words by the alphabet; what is missing comes last. */
export function compare(a: Value, b: Value): number {
  if (typeof a === "string" && typeof b === "string") return a.localeCompare(b);
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}

function definitionOf<T>(column: Column<T>): ColumnDef<T, Value> {
  return {
    id: column.id,
    // Missing values sort last in both directions: that is what table-core does with undefined.
    accessorFn: (row) => column.value(row) ?? (undefined as unknown as Value),
    sortUndefined: "last",
    sortingFn: (a, b, id) => compare(a.getValue<Value>(id), b.getValue<Value>(id)),
  };
}

/** The rows that fit `filter`, sorted; stable. Exported for tests. */
export function arranged<T>(
  rows: readonly T[],
  columns: ColumnDef<T, Value>[],
  sorting: SortingState,
  filter: string,
  rowKey: (row: T) => string,
): T[] {
  const wanted = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const table = createTable<T>({
    data: rows as T[],
    columns,
    getRowId: rowKey,
    state: { sorting, globalFilter: filter, columnPinning: { left: [], right: [] } },
    onStateChange: () => undefined,
    renderFallbackValue: null,
    globalFilterFn: (row) => {
      const text = columns.map((column) => String(row.getValue(column.id!) ?? "").toLowerCase()).join(" ");
      return wanted.every((word) => text.includes(word));
    },
    getColumnCanGlobalFilter: () => true,
    getCoreRowModel: getCoreRowModel(),
    getFilteredRowModel: getFilteredRowModel(),
    getSortedRowModel: getSortedRowModel(),
  });
  return table.getRowModel().rows.map((row) => row.original);
}

/** `rows` in the places they had in `order`; new ones after them. */
export function inPlace<T>(rows: T[], order: readonly string[], rowKey: (row: T) => string): T[] {
  const places = new Map(order.map((key, place) => [key, place]));
  const place = (row: T): number => places.get(rowKey(row)) ?? order.length;
  return rows
    .map((row, index) => ({ row, index, at: place(row) }))
    .sort((a, b) => a.at - b.at || a.index - b.index)
    .map(({ row }) => row);
}
