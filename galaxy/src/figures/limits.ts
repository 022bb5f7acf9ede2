/** How much of a limit is used, from exact amounts. */

import { words } from "../format";

export type Pressure = "free" | "close" | "used up";

export interface Meter {
  /** 0 to 1, cut at 1; 1 where the limit is 0. */
  readonly share: number;
  readonly percent: string;
  readonly pressure: Pressure;
}

/** Share of `limit` that `used` is; what is over the limit says so in `percent`. */
export function meter(used: string, limit: string): Meter {
  const most = BigInt(limit);
  const now = BigInt(used) > 0n ? BigInt(used) : 0n;
  if (most <= 0n) {
    return { share: 1, percent: "no room", pressure: "used up" };
  }
  const perMille = (now * 1000n) / most;
  const share = Number(perMille > 1000n ? 1000n : perMille) / 1000;
  const pressure: Pressure = now >= most ? "used up" : perMille >= 800n ? "close" : "free";
  return { share, percent: `${perMille / 10n}.${perMille % 10n} %`, pressure };
}

const SWITCHES: Readonly<Record<string, string>> = {
  file: "the kill switch file (`phantom halt` writes it, `phantom resume` removes it)",
  signal: "the signal SIGUSR1 (the next one lets it go on)",
  rules: "the setting risk.halted",
  terminal: "the terminal's kill switch",
  dashboard: "the dashboard's kill switch",
  failures: "the breaker on failures: it ends by itself after risk.failure_cooldown_slots",
};

/** What a switch is, in words. */
export function switchWords(name: string): string {
  return SWITCHES[name] ?? `the breaker ${words(name)}`;
}

export function isBreaker(name: string): boolean {
  return !["file", "signal", "rules", "terminal", "dashboard"].includes(name);
}
