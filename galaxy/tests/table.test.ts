import { expect, test } from "vitest";
import { arranged, compare, inPlace } from "../src/table";

interface Row {
  key: string;
  size: bigint | null;
}
const rows: Row[] = [
  { key: "b", size: 2n ** 70n },
  { key: "a", size: null },
  { key: "c", size: 5n },
];
const key = (row: Row): string => row.key;
const columns = [
  { id: "key", accessorFn: key },
  {
    id: "size",
    accessorFn: (row: Row) => row.size ?? (undefined as unknown as bigint),
    sortUndefined: "last" as const,
    sortingFn: (
      a: { getValue: (id: string) => unknown },
      b: { getValue: (id: string) => unknown },
      id: string,
    ) => compare(a.getValue(id) as bigint, b.getValue(id) as bigint),
  },
] as Parameters<typeof arranged<Row>>[1];
const keys = (sorted: Row[]): string => sorted.map(key).join("");

test("sorts big integers by size, and what is missing last both ways", () => {
  expect(keys(arranged(rows, columns, [{ id: "size", desc: false }], "", key))).toBe("cba");
  expect(keys(arranged(rows, columns, [{ id: "size", desc: true }], "", key))).toBe("bca");
  expect(keys(arranged(rows, columns, [], "", key))).toBe("bac");
});

test("every word of the filter must be there", () => {
  expect(keys(arranged(rows, columns, [], "C 5", key))).toBe("c");
  expect(keys(arranged(rows, columns, [], "c 6", key))).toBe("");
});

test("held rows keep their places, new ones come after", () => {
  expect(keys(inPlace(rows, ["c", "x", "b"], key))).toBe("cba");
});
