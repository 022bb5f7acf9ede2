/** Profit as series and sums. Sums are exact; only what is drawn becomes a float. */

import type { Trade } from "../records";

export type Earned = Pick<Trade, "base_mint" | "state" | "venues" | "gross_profit" | "cost" | "net_profit">;

export interface ProfitSeries {
  readonly mint: string;
  /** Rising. */
  readonly at: number[];
  /** Base units after each attempt, exactly. */
  readonly sums: bigint[];
}

/**
 * Cumulative net profit by base mint, mints in the order of their first attempt.
 *
 * `at` places an attempt on the axis; `before` says what each mint had earned before the first of them.
 */
export function profitSeries<T extends Earned>(
  trades: readonly T[],
  at: (trade: T) => number,
  before: (mint: string) => bigint = () => 0n,
): ProfitSeries[] {
  const byMint = new Map<string, ProfitSeries>();
  for (const trade of [...trades].sort((one, other) => at(one) - at(other))) {
    let series = byMint.get(trade.base_mint);
    if (series === undefined) {
      series = { mint: trade.base_mint, at: [], sums: [] };
      byMint.set(trade.base_mint, series);
    }
    const sum = series.sums.at(-1) ?? before(trade.base_mint);
    series.at.push(at(trade));
    series.sums.push(sum + BigInt(trade.net_profit));
  }
  return [...byMint.values()];
}

export interface Sum {
  /** A venue or a mint. */
  readonly name: string;
  readonly mint: string;
  readonly attempts: number;
  readonly filled: number;
  readonly gross: bigint;
  readonly cost: bigint;
  readonly net: bigint;
}

/**
 * Sums by base mint, or by venue and base mint: amounts of different mints are never added.
 *
 * An attempt counts in full for each venue of its route, so the venues' sums are more than the whole.
 */
export function sums(trades: readonly Earned[], by: "mint" | "venue"): Sum[] {
  const found = new Map<string, Sum>();
  for (const trade of trades) {
    const names = by === "mint" ? [trade.base_mint] : [...new Set(trade.venues)];
    for (const name of names) {
      const key = `${name} ${trade.base_mint}`;
      const before = found.get(key);
      found.set(key, {
        name,
        mint: trade.base_mint,
        attempts: (before?.attempts ?? 0) + 1,
        filled: (before?.filled ?? 0) + (trade.state === "filled" ? 1 : 0),
        gross: (before?.gross ?? 0n) + BigInt(trade.gross_profit),
        cost: (before?.cost ?? 0n) + BigInt(trade.cost),
        net: (before?.net ?? 0n) + BigInt(trade.net_profit),
      });
    }
  }
  return [...found.values()].sort(
    (one, other) =>
      (one.mint < other.mint ? -1 : one.mint > other.mint ? 1 : 0) ||
      (one.net > other.net ? -1 : one.net < other.net ? 1 : 0) ||
      (one.name < other.name ? -1 : 1),
  );
}

/** The best input of a profit curve: index of the greatest profit; null if no input gains. */
export function optimum(profits: readonly (string | null)[]): number | null {
  let best: number | null = null;
  let most = 0n;
  profits.forEach((profit, index) => {
    if (profit !== null && BigInt(profit) > most) {
      most = BigInt(profit);
      best = index;
    }
  });
  return best;
}
