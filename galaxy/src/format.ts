/** How numbers, amounts, addresses and times are shown. Amounts are exact: they never become floats. */

import type { Pool } from "./model";
import type { Amount, Mint } from "./records";

export interface MintFacts {
  symbol: string;
  decimals: number | null;
}

const DIGIT_GROUPS = /\B(?=(\d{3})+(?!\d))/g;

/** A minus sign as wide as a plus sign. */
const MINUS = "−";

/** First and last four characters of an address. */
export function short(address: string): string {
  return address.length <= 11 ? address : `${address.slice(0, 4)}…${address.slice(-4)}`;
}

export function symbolOf(mint: string, mints: Record<string, Mint> = {}): string {
  return mints[mint]?.symbol ?? short(mint);
}

/**
 * Base units as whole tokens: `units("-1234567", 6, 2)` is `−1.23`. Rounds half to even, for display only;
 * without `places` every digit is shown.
 */
export function units(amount: Amount | bigint, decimals: number, places: number = decimals): string {
  const value = BigInt(amount);
  const is_negative = value < 0n;
  let digits = is_negative ? -value : value;
  const shown = Math.min(places, decimals);
  const divisor = 10n ** BigInt(decimals - shown);
  const rest = digits % divisor;
  digits /= divisor;
  if (rest * 2n > divisor || (rest * 2n === divisor && digits % 2n === 1n)) digits += 1n;
  const text = digits.toString().padStart(shown + 1, "0");
  const whole = text.slice(0, text.length - shown).replace(DIGIT_GROUPS, ",");
  const fraction = shown > 0 ? `.${text.slice(text.length - shown)}` : "";
  return `${is_negative && digits > 0n ? MINUS : ""}${whole}${fraction}`;
}

/** The amount in words: `1,234.567890 USDC`, or `1,234 units of 7qbR…9fKz` if the decimals are not known. */
export function amount(
  value: Amount | bigint | null | undefined,
  mint: string,
  mints: Record<string, Mint> = {},
  places?: number,
): string {
  if (value === null || value === undefined) return "–";
  const info = mints[mint];
  if (!info) return `${units(value, 0)} units of ${short(mint)}`;
  return `${units(value, info.decimals, places)} ${info.symbol}`;
}

/** As `amount`, with a plus sign before what is gained. */
export function signed(
  value: Amount | bigint | null | undefined,
  mint: string,
  mints: Record<string, Mint> = {},
  places?: number,
): string {
  const text = amount(value, mint, mints, places);
  return value !== null && value !== undefined && BigInt(value) > 0n ? `+${text}` : text;
}

/** Whole tokens as a float: for charts and sizes, never for figures. */
export function roughly(value: Amount | bigint, decimals: number): number {
  return Number(value) / 10 ** decimals;
}

export function count(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return Math.round(value).toString().replace(DIGIT_GROUPS, ",");
}

/** At most `digits` after the point, trailing zeros kept; digits grouped. */
export function decimal(value: number | null | undefined, digits = 2): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const [whole = "0", fraction] = Math.abs(value).toFixed(digits).split(".");
  const grouped = whole.replace(DIGIT_GROUPS, ",");
  const is_zero = Number(value.toFixed(digits)) === 0;
  return `${value < 0 && !is_zero ? MINUS : ""}${grouped}${fraction ? `.${fraction}` : ""}`;
}

/** A float with four significant digits, whatever its size: prices. */
export function significant(value: number | null | undefined, digits = 5): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.floor(Math.log10(Math.abs(value)));
  if (size < -6 || size > 14) return value.toExponential(digits - 1).replace("-", MINUS);
  return decimal(value, Math.max(0, digits - 1 - size));
}

export function bps(value: number | null | undefined, digits = 1): string {
  return value === null || value === undefined ? "–" : `${decimal(value, digits)} bps`;
}

export function percent(share: number | null | undefined, digits = 1): string {
  return share === null || share === undefined || !Number.isFinite(share)
    ? "–"
    : `${decimal(share * 100, digits)} %`;
}

/** A span of time with three significant digits: `850 ns`, `12.4 µs`, `3.20 ms`, `1.50 s`. */
export function nanoseconds(ns: number | null | undefined): string {
  if (ns === null || ns === undefined) return "–";
  if (ns < 1_000) return `${Math.round(ns)} ns`;
  if (ns < 1_000_000) return `${threeDigits(ns / 1_000)} µs`;
  if (ns < 1_000_000_000) return `${threeDigits(ns / 1_000_000)} ms`;
  if (ns < 60_000_000_000) return `${threeDigits(ns / 1_000_000_000)} s`;
  return clock(ns);
}

function threeDigits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** How long, for eyes: `4 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A source's own time as `h:mm:ss`. */
export function clock(ns: number): string {
  const seconds = Math.max(0, Math.floor(ns / 1e9));
  const two = (part: number): string => part.toString().padStart(2, "0");
  return `${Math.floor(seconds / 3_600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** The machine's time as `hh:mm:ss` in the reader's zone. */
export function timeOfDay(unix_ms: number): string {
  const date = new Date(unix_ms);
  const two = (part: number): string => part.toString().padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function dateTime(unix_ms: number): string {
  const date = new Date(unix_ms);
  const two = (part: number): string => part.toString().padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${timeOfDay(unix_ms)}`;
}

/** `refused_by_rule` as `refused by rule`. */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}

/** Price of a pool in whole tokens of b for one whole token of a; `null` if it cannot be said. */
export function uiPrice(pool: Pool, mints: Record<string, Mint> = {}): number | null {
  const a = pool.decimals_a ?? mints[pool.mint_a]?.decimals;
  const b = pool.decimals_b ?? mints[pool.mint_b]?.decimals;
  if (pool.price === null || a === undefined || b === undefined) return null;
  return pool.price * 10 ** (a - b);
}
