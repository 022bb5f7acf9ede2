/** Labels of axes, short whatever the size. */

import { significant } from "../format";

const STEPS: readonly (readonly [number, string])[] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e4, "k"],
];

/** `1.5 M` for 1,500,000; four significant digits, zeros at the end left out. */
export function compact(value: number): string {
  const size = Math.abs(value);
  for (const [least, letter] of STEPS) {
    if (size >= least) return `${trimmed(value / (letter === "k" ? 1_000 : least))} ${letter}`;
  }
  return trimmed(value);
}

function trimmed(value: number): string {
  const text = significant(value, 4);
  return text.includes(".") && !text.includes("e") ? text.replace(/\.?0+$/, "") : text;
}
