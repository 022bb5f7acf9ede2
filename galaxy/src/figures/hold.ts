/** Rows that keep their place while somebody looks at them. */

export interface Held<Row> {
  readonly rows: readonly Row[];
  /** Rows that wait until nobody looks. */
  readonly waiting: number;
  /** Keys of rows that are still shown but no longer there. */
  readonly gone: ReadonlySet<string>;
}

/**
 * What to show while `shown` is under the reader's eyes: the same rows in the same places.
 *
 * Rows still there are shown as they are now, those no longer there as they were; new ones wait.
 */
export function hold<Row>(
  shown: readonly Row[],
  now: readonly Row[],
  keyOf: (row: Row) => string,
): Held<Row> {
  const present = new Map(now.map((row) => [keyOf(row), row]));
  const gone = new Set<string>();
  const rows = shown.map((row) => {
    const key = keyOf(row);
    const latest = present.get(key);
    if (latest === undefined) {
      gone.add(key);
      return row;
    }
    present.delete(key);
    return latest;
  });
  return { rows, waiting: present.size, gone };
}
