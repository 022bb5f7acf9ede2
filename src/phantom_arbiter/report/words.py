"""What the short stable names of reasons, stages and changes mean, a sentence each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

STAGES: Mapping[str, str] = MappingProxyType(
    {
        "updates": "account writes applied",
        "cycles": "looks at a cycle through a written pool",
        "after_fees": "pay at the margin after pool fees",
        "after_sizing": "gain a whole unit at the best input",
        "after_costs": "still gain after fees and tip, and pass the thresholds",
        "after_risk": "let through by strategy and risk",
        "after_rehearsal": "went through a rehearsal; on paper: carried out",
        "sent": "handed over; on paper: carried out",
        "taken": "filled",
    }
)

NOT_SIGNALLED: Mapping[str, str] = MappingProxyType(
    {
        "pool_fees": "The pools' fees exceed what prices promise.",
        "already_taken": "It was taken, and has not closed at recorded prices since.",
        "no_base_mint": "It touches none of the mints that the wallet trades from (engine.base_mints).",
        "stale": "The update was older than scorer.max_age_slots.",
        "closed_by_own_fill": "It pays at recorded prices, but not on the market as our own fill left it.",
        "no_profit_after_sizing": "No input gains a whole unit by exact quotes.",
        "no_cost_price": "Its fees cannot be valued: no usable pool of its base mint against wrapped SOL.",
        "costs_exceed_profit": "Network fee, priority fee and tip eat the whole gain.",
        "below_min_profit": "What is left is below scorer.min_net_profit_lamports.",
        "below_min_bps": "What is left is below scorer.min_net_bps of the input.",
        "too_deep": "The input is more than scorer.max_depth_bps of a hop's depth.",
        "too_volatile": "Its prices move more than scorer.max_volatility_bps per slot.",
        "too_contested": "It was gone before us more often than scorer.max_competition.",
        "too_few_agree": "Fewer providers than scorer.min_agreement vouch for its state.",
        "token_risk": "One of its mints has a property of scorer.refused_token_flags.",
        "unlikely_to_land": "The landing probability is below scorer.min_landing.",
        "value_overflow": "Its expected value does not fit 64 bits.",
        "below_min_expected_value": "Its value is below scorer.min_expected_value_lamports.",
        "refused_by_rule": "A rule of the rule file refuses it.",
        "stale_pool": "A pool's accounts have not been known to be the latest for too long.",
        "torn_pool": "One of the accounts that a swap writes together has arrived, another not yet.",
        "token_denied": "The rules about tokens deny one of its mints.",
        "shares_pool_with_better": "A better one of the same update uses one of its pools.",
        "route_too_large": "Its transaction would not fit into a packet.",
        "too_many_account_locks": "Its transaction would lock more accounts than may be.",
    }
)
"""Reasons of the native scorer, and what stops a cycle before it is asked."""

NOT_TAKEN: Mapping[str, str] = MappingProxyType(
    {
        "quoted_before_a_fill": "A fill before it changed one of its pools; it was looked at again.",
        "declined_by_strategy": "The strategy did not want it.",
        "strategy_raised": "The strategy's code failed.",
        "strategy_suspended": "The strategy is suspended after too many failures.",
        "strategy_timed_out": "The strategy did not answer in time.",
        "strategy_gave_no_plan": "The strategy answered with something that is no plan.",
        "order_not_offered": "The strategy ordered a swap in a pool that it was not shown.",
        "position_not_held": "The strategy sells what it does not hold.",
        "amount_too_large": "The amount does not fit 64 bits.",
        "unknown_pool_or_mint": "The pool, or a mint of it, is not known.",
        "cost_unknown": "Its fees cannot be valued in its base mint.",
        "pool_cannot_be_quoted": "The pool is set aside.",
        "quote_below_minimum_out": "The pool gives less than the order asks for.",
        "token_denied": "The rules about tokens deny a mint of the order.",
        "token_atomic_only": "The rules about tokens let only cycles pass through the mint.",
        "no_blockhash": "No blockhash has been agreed on.",
        "blockhash_too_old": "The newest blockhash is too old.",
        "no_nonce_free": "Every durable nonce is lent to an attempt under way.",
        "risk_kill_switch": "Trading was halted.",
        "risk_failures": "Too many attempts failed in a row, or of the last ones.",
        "risk_route_cooldown": "The route rests after an attempt.",
        "risk_loss_per_day": "The day's losses, and what is open, would pass their limit.",
        "risk_drawdown": "Profit would fall too far below its highest of the day.",
        "risk_already_selling": "The position is being sold already.",
        "risk_not_held": "It sells more than is held.",
        "risk_wrong_basis": "It counts with another cost of its position than was booked.",
        "risk_plan_not_offered": "The plan is not about what the strategy was shown.",
        "risk_minimum_out_below_input": "It could land at a loss.",
        "risk_minimum_out_above_quote": "It asks for more than is quoted, so it cannot land.",
        "risk_stale_market": "The oldest state behind it is too old.",
        "risk_mint_denied": "One of its mints is on risk's list of denied ones.",
        "risk_mint_not_allowed": "One of its mints is not on risk's list of allowed ones.",
        "risk_price_deviation": "A price on its way is further from another pool's than "
        "risk.max_price_deviation_bps: an emptied pool, or wrong data.",
        "risk_mint_without_limits": "Its base mint has no limits, so it may not be traded.",
        "risk_already_at_risk": "An earlier attempt at it is not decided: it may still land.",
        "risk_per_trade": "It is larger than one trade of its mint may be.",
        "risk_per_day": "The day's trades of its mint have reached their limit.",
        "risk_exposure": "What is open of its mint has reached its limit.",
        "risk_trades_per_day": "The day's attempts have reached their number.",
        "risk_fees_per_day": "The day's fees have reached their limit.",
        "risk_venue_per_trade": "It is larger than one trade in a venue may be.",
        "risk_venue_per_day": "The day's trades in a venue have reached their limit.",
        "risk_venue_exposure": "What is open in a venue has reached its limit.",
        "risk_venue_value_unknown": "Its value in lamports, for the limit of a venue, is not known.",
    }
)
"""Reasons of strategy, executor and risk; those of risk begin with `risk_`."""

FAILED: Mapping[str, str] = MappingProxyType(
    {
        "none yet": "Under way, or its run died: what became of it is not known yet.",
        "unresolved": "Its run ended before the outcome was written.",
        "never_sent": "Its run died before it was signed.",
        "run ended before the outcome was written; paper fills end with their run, never applied": "A paper "
        "fill ends with its run: it was never applied.",
        "dry_run": "It would have been sent.",
        "expired": "It did not land before its blockhash expired.",
        "nonce_advanced": "It did not land: its durable nonce was used by another.",
        "not_accepted": "No target took it.",
        "landed_failed": "It landed and failed: only its fees were paid.",
        "rehearsal": "A rehearsal in this process failed, so it was not sent.",
        "signed_already": "The very same transaction had been signed before.",
        "single_swaps_are_paper_only": "Single swaps are carried out on paper only.",
        "no_nonce_free": "Every durable nonce was lent.",
        "no_blockhash": "No blockhash had been agreed on.",
        "blockhash_too_old": "The newest blockhash was too old.",
        "tip_below_minimum": "Its tip was below the block engine's minimum.",
        "swap_refused": "A pool refused the swap.",
        "market_data": "A pool could not be quoted any more.",
        "below_minimum_out": "It would have given less than its minimum.",
        "route_too_large": "Its transaction did not fit into a packet.",
        "too_many_account_locks": "Its transaction would have locked more accounts than may be.",
    }
)
"""Reasons of attempts; what stands after a colon is explained by the program's dictionary."""

CHANGES: Mapping[str, str] = MappingProxyType(
    {
        "rules": "limit changed",
        "rules_refused": "wrong settings file, not taken",
        "kill_switch": "kill switch",
        "strategy_suspended": "strategy suspended",
        "strategy_rules": "rule file",
        "strategy_rules_refused": "wrong rule file, not taken",
        "venue_set_aside": "venue set aside",
        "venue_let_in": "venue let in again",
    }
)
"""What `risk_log.RiskChange.what` means."""


def not_signalled(reason: str) -> str:
    """Return why the scorer made no signal of a cycle; empty if the reason is not known."""
    return NOT_SIGNALLED.get(reason, "")


def not_taken(reason: str) -> str:
    """Return why a signal was not carried out; empty if the reason is not known."""
    return NOT_TAKEN.get(reason, "")


def failed(reason: str) -> str:
    """Return why an attempt came to nothing, as `phantom explain-error` knows it; empty if nothing does."""
    kind, _, detail = reason.partition(":")
    first = FAILED.get(reason) or FAILED.get(kind, "")
    if not detail or not re.fullmatch(r"[A-Za-z0-9_]{1,64}", detail):
        return first
    # Reads the dictionaries of all programs: only failures need them.
    from phantom_arbiter.execution.program_errors import errors_named, explain

    causes = {explain(who, own).cause for who, own in errors_named(detail)}
    if len(causes) != 1:
        return first
    cause = causes.pop()
    return f"{first} {cause[:1].upper()}{cause[1:]}.".strip()
