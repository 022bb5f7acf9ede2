/** What every reason means, and which setting governs it. Names as the engine, risk and the executors count them. */

import { words } from "../format";

export interface Explained {
  /** The reason in words: a heading. */
  readonly title: string;
  /** One sentence. */
  readonly means: string;
  /** Keys of the settings that decide it; empty if none does. */
  readonly settings: readonly string[];
}

type Row = readonly [means: string, ...settings: string[]];

const SCORER: Readonly<Record<string, Row>> = {
  already_taken: [
    "The cycle was taken before and has not closed at recorded prices since, so it would be the same gain twice.",
  ],
  no_base_mint: ["The cycle touches none of the mints that the wallet trades from.", "engine.base_mints"],
  stale: ["The update behind it is older than allowed.", "scorer.max_age_slots"],
  closed_by_own_fill: ["It is open at recorded prices, but not on the market as our own fill has left it."],
  no_profit_after_sizing: [
    "No input gains a whole base unit once every hop is quoted exactly.",
    "engine.base_mints",
  ],
  no_cost_price: ["Its costs cannot be valued in the base mint: no usable pool against wrapped SOL."],
  costs_exceed_profit: [
    "Network fee, priority fee and tip eat the whole gain.",
    "costs.tip_lamports",
    "costs.compute_unit_price_micro_lamports",
    "fees.mode",
  ],
  below_min_profit: ["What is left after costs is less than asked for.", "scorer.min_net_profit_lamports"],
  below_min_bps: ["What is left after costs is too small a share of the input.", "scorer.min_net_bps"],
  too_deep: ["One hop would take too large a share of its pool's depth.", "scorer.max_depth_bps"],
  too_volatile: ["The route's prices move too much per slot.", "scorer.max_volatility_bps"],
  too_contested: ["Earlier attempts at this cycle came too late too often.", "scorer.max_competition"],
  too_few_agree: [
    "Too few of the connected providers vouch for the state of its pools.",
    "scorer.min_agreement",
  ],
  token_risk: ["The issuer of one of its mints may do what is not accepted.", "scorer.refused_token_flags"],
  unlikely_to_land: ["By what earlier attempts came to it is unlikely to land.", "scorer.min_landing"],
  value_overflow: ["Its expected value does not fit 64 bits."],
  below_min_expected_value: [
    "On average, failures included, the attempt is worth less than asked for.",
    "scorer.min_expected_value_lamports",
  ],
  refused_by_rule: [
    "A rule of the strategy's rule file refuses it, or has no value for it.",
    "strategy.rules",
  ],
  stale_pool: [
    "Nobody has vouched for one of its pools' accounts for longer than allowed.",
    "freshness.max_pool_age_slots",
    "freshness.max_settings_age_slots",
  ],
  torn_pool: [
    "Of the accounts that one swap writes together some have arrived, others not yet.",
    "freshness.hold_torn_pools",
    "freshness.max_torn_slots",
  ],
  token_denied: ["The rules about tokens deny one of its mints.", "tokens.rules", "tokens.deny"],
  shares_pool_with_better: ["A better candidate of the same update uses one of the same pools."],
  route_too_large: [
    "Its transaction would not fit into a packet, with the lookup tables there are.",
    "execution.lookup_tables",
  ],
  too_many_account_locks: ["Its transaction would name more accounts than may be locked at once."],
};

const RISK: Readonly<Record<string, Row>> = {
  kill_switch: [
    "Trading is halted by file, signal, settings or a viewer; watching goes on.",
    "risk.halted",
    "risk.kill_switch_file",
  ],
  failures: [
    "Too many attempts failed in a row, or too high a share of the last ones.",
    "risk.failures_in_a_row",
    "risk.failure_rate_attempts",
    "risk.max_failure_rate_pct",
    "risk.failure_cooldown_slots",
  ],
  route_cooldown: ["The route rests after an attempt on it.", "risk.route_cooldown_slots"],
  loss_per_day: [
    "The day's losses, and what everything open may still lose, would pass the limit.",
    "risk.mints.*.max_loss_per_day",
  ],
  drawdown: [
    "Realised profit would stand too far below its highest of the day, counting what may still be lost.",
    "risk.mints.*.max_drawdown",
  ],
  already_selling: ["What it would sell is being sold already."],
  not_held: ["It would sell what is not held."],
  wrong_basis: ["What it says the position had cost is not what it had cost."],
  plan_not_offered: ["The plan is not about what the strategy was shown."],
  minimum_out_below_input: ["The plan's least output is below its input: the cycle could land at a loss."],
  minimum_out_above_quote: ["The plan's least output is above the quote: it cannot land."],
  stale_market: ["The oldest state behind the plan is too old.", "risk.max_market_age_slots"],
  mint_denied: ["One of its mints is denied.", "risk.denied_mints"],
  mint_not_allowed: ["One of its mints is not among the allowed ones.", "risk.allowed_mints"],
  price_deviation: [
    "One hop's price is too far from another pool's price of the same pair: too good to be true.",
    "risk.max_price_deviation_bps",
    "risk.price_reference",
  ],
  mint_without_limits: ["There are no limits for its base mint, so it is not traded.", "risk.mints"],
  already_at_risk: ["An earlier attempt at the same cycle is not decided: it may still land."],
  per_trade: ["Its input is more than one trade may put in.", "risk.mints.*.max_amount_in"],
  per_day: ["The day's inputs would pass the limit.", "risk.mints.*.max_amount_in_per_day"],
  exposure: ["Inputs whose outcome is not known would pass the limit.", "risk.mints.*.max_exposure"],
  trades_per_day: ["The day's attempts would pass the limit.", "risk.max_trades_per_day"],
  fees_per_day: ["The day's fees and tips would pass the limit.", "risk.max_fee_lamports_per_day"],
  venue_per_trade: [
    "Its input is more than one trade may put through a venue.",
    "risk.venues",
    "risk.each_venue",
  ],
  venue_per_day: ["The day's inputs through a venue would pass the limit.", "risk.venues", "risk.each_venue"],
  venue_exposure: [
    "Inputs in a venue whose outcome is not known would pass the limit.",
    "risk.venues",
    "risk.each_venue",
  ],
  venue_value_unknown: [
    "Its input cannot be valued in lamports, and a venue has a limit.",
    "risk.each_venue",
  ],
};

const SHELL: Readonly<Record<string, Row>> = {
  quoted_before_a_fill: [
    "It was quoted before another of the same update was filled in one of its pools; it is judged anew.",
  ],
  declined_by_strategy: ["The strategy did not want it.", "strategy.use", "strategy.settings"],
  strategy_raised: ["The strategy failed with an exception.", "strategy.use", "strategy.suspend_after"],
  strategy_suspended: [
    "The strategy failed or overran too often and is asked no more.",
    "strategy.suspend_after",
  ],
  strategy_timed_out: ["The strategy did not answer in time.", "strategy.stop_after_ms"],
  strategy_gave_no_plan: ["What the strategy gave back is no plan.", "strategy.use"],
  order_not_offered: ["The strategy ordered what it was not shown."],
  position_not_held: ["It would sell what is not held."],
  amount_too_large: ["An amount does not fit 64 bits."],
  unknown_pool_or_mint: ["The order names a pool or a mint that is not in the market."],
  cost_unknown: ["Its costs cannot be valued: no usable pool against wrapped SOL."],
  pool_cannot_be_quoted: ["The pool cannot be quoted now."],
  quote_below_minimum_out: ["The pool gives less than the order asks for."],
  not_ready: ["What sending needs is not there yet; the run says what."],
  no_blockhash: ["No recent blockhash is known yet."],
  blockhash_too_old: ["The newest blockhash known is too old to be sent with."],
  no_nonce_free: ["Every durable nonce is lent to another attempt.", "execution.nonce_accounts"],
  dry_run: ["It would have been sent; this run sends nothing."],
  signed_already: ["The very same bytes have been signed before; they land once."],
  unknown_mint: ["Nothing is known of one of its mints."],
  token_account_missing: ["The wallet has no account for one of its mints."],
  too_many_compute_units: ["It would need more compute units than a transaction may ask for."],
  single_swaps_are_paper_only: ["Single swaps are carried out on paper only."],
  below_minimum_out: ["It gave less than the plan's least output."],
  swap_refused: ["The pool's program would refuse the swap."],
  market_data: ["One of its pools could not be quoted when it was carried out."],
  rehearsal: ["The transaction failed, or did not do what was quoted, when it was rehearsed."],
  landed_failed: ["It landed and failed as a whole: `phantom explain-error` says what the error means."],
  expired: ["Its blockhash expired before it landed; it never will."],
  nonce_advanced: ["Its nonce was advanced before it landed; it never will."],
  not_accepted: ["Nobody took it."],
  tip_below_minimum: ["The block engine asks for a higher tip.", "costs.tip_lamports", "fees.mode"],
};

const POOLS: Readonly<Record<string, Row>> = {
  no_liquidity: ["There is no liquidity at the present price, so there is no price."],
  disabled: ["Its status forbids swaps."],
  not_yet_open: ["Swaps are allowed from a later time on."],
  frozen_vault: ["One of its token accounts is frozen."],
  quarantined: ["The venue's program shows signs of change.", "market.release_venues"],
  closed: ["Its account no longer exists."],
  missing_clock: ["Its answer depends on the time, and the Clock account has not been seen."],
  missing_mint: ["The account of one of its mints has never been seen.", "engine.assume_plain_mints"],
  missing_vault: ["One of its token accounts has never been seen."],
  missing_tick_array: ["A tick array that a swap can reach has never been seen."],
  missing_bin_array: ["A bin array that a swap can reach has never been seen."],
  mint_transfer_fee: ["One of its mints charges a transfer fee that cannot be quoted here."],
  wrong_owner: ["One of its accounts belongs to another program."],
  wrong_length: ["One of its accounts has another length than it should."],
  unknown_discriminator: ["One of its accounts is of another kind than it should be."],
  impossible_field: ["One of its accounts holds an impossible value."],
};

/** A reason without the figures that may follow a colon. */
export function kindOf(reason: string): string {
  const colon = reason.indexOf(":");
  return colon < 0 ? reason : reason.slice(0, colon);
}

function explained(reason: string, ...books: Readonly<Record<string, Row>>[]): Explained {
  const kind = kindOf(reason);
  const title = words(reason);
  for (const book of books) {
    const row = Object.hasOwn(book, kind) ? book[kind] : undefined;
    if (row !== undefined) {
      const [means, ...settings] = row;
      return { title, means, settings };
    }
  }
  return { title, means: "", settings: [] };
}

/** Why a candidate became no signal. */
export function explainReason(reason: string): Explained {
  return explained(reason, SCORER, SHELL, RISK);
}

/** Why a signal was not traded: risk's reasons are counted with the prefix `risk_`. */
export function explainRefusal(reason: string): Explained {
  if (reason.startsWith("risk_")) {
    return explained(reason.slice("risk_".length), RISK);
  }
  if (reason.startsWith("swap_refused_")) {
    return { ...explained("swap_refused", SHELL), title: words(reason) };
  }
  return explained(reason, SHELL, SCORER, RISK);
}

/** Why risk refused a plan, named as in a `refusal` record. */
export function explainRisk(reason: string): Explained {
  return explained(reason, RISK);
}

/** Why an attempt failed. */
export function explainFailure(reason: string): Explained {
  return explained(reason, SHELL, SCORER);
}

/** Why a pool is not quoted. */
export function explainSetAside(reason: string): Explained {
  return explained(reason, POOLS);
}

const LIMIT_UNITS: Readonly<Record<string, LimitUnit>> = {
  price_deviation: "bps",
  stale_market: "slots",
  route_cooldown: "slot",
  failures: "slot",
  trades_per_day: "attempts",
  fees_per_day: "lamports",
  venue_per_trade: "lamports",
  venue_per_day: "lamports",
  venue_exposure: "lamports",
};

/** `base`: base units of the plan's base mint; `slot`: a slot's number, not a length. */
export type LimitUnit = "base" | "bps" | "slots" | "slot" | "attempts" | "lamports";

/** What limit and value of a refusal by risk are counted in. */
export function limitUnit(reason: string): LimitUnit {
  return LIMIT_UNITS[reason] ?? "base";
}

export interface Ranked {
  readonly name: string;
  readonly count: number;
  /** Of all, 0 to 1. */
  readonly share: number;
}

/** Counts by name, most first, equal ones by name; zeros are left out. */
export function ranked(counts: Readonly<Record<string, number>>): Ranked[] {
  const rows = Object.entries(counts).filter(([, count]) => count > 0);
  const all = rows.reduce((sum, [, count]) => sum + count, 0);
  return rows
    .map(([name, count]) => ({ name, count, share: count / all }))
    .sort((one, other) => other.count - one.count || (one.name < other.name ? -1 : 1));
}
