"""Figures and reasons in words, short enough for a cell."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

STAGES: Mapping[str, str] = MappingProxyType(
    {
        "updates": "updates",
        "cycles": "cycles",
        "after_fees": "after fees",
        "after_sizing": "after sizing",
        "after_costs": "after costs",
        "after_risk": "after risk",
        "after_rehearsal": "after rehearsal",
        "sent": "sent",
        "taken": "taken",
    }
)
"""The funnel in order, by the names of its stages."""

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "already_taken": "taken before, and not closed at recorded prices since",
        "no_base_mint": "no mint of the cycle is in engine.base_mints",
        "stale": "its update is older than scorer.max_age_slots",
        "closed_by_own_fill": "open at recorded prices, closed by our own fill",
        "pool_fees": "the pools' fees take the whole gain",
        "no_profit_after_sizing": "no input gains a whole unit with exact amounts",
        "no_cost_price": "no pool values fees in the base mint",
        "costs_exceed_profit": "network fee, priority fee and tip exceed the gain",
        "below_min_profit": "profit below scorer.min_net_profit_lamports",
        "below_min_bps": "profit below scorer.min_net_bps of the input",
        "too_deep": "input above scorer.max_depth_bps of a hop's depth",
        "too_volatile": "prices move more than scorer.max_volatility_bps per slot",
        "too_contested": "others were first more often than scorer.max_competition",
        "too_few_agree": "fewer providers than scorer.min_agreement vouch for it",
        "token_risk": "a mint has one of scorer.refused_token_flags",
        "unlikely_to_land": "landing less likely than scorer.min_landing",
        "value_overflow": "expected value does not fit 64 bits",
        "below_min_expected_value": "worth less than scorer.min_expected_value_lamports",
        "refused_by_rule": "a rule of the rule file refuses it",
        "stale_pool": "a pool's accounts may be outdated",
        "torn_pool": "one of a swap's accounts has arrived, another not yet",
        "token_denied": "the rules about tokens deny a mint",
        "shares_pool_with_better": "a better candidate uses one of its pools",
        "route_too_large": "its transaction does not fit a packet",
        "too_many_account_locks": "its transaction names too many accounts",
        "quoted_before_a_fill": "quoted before a fill changed its pools",
        "kill_switch": "trading is halted",
        "failures": "too many attempts failed",
        "route_cooldown": "the route rests after an attempt",
        "loss_per_day": "the day's losses are at their limit",
        "drawdown": "profit has fallen too far from the day's highest",
        "stale_market": "the state behind the plan is too old",
        "mint_denied": "a mint is on the list of denied ones",
        "mint_not_allowed": "a mint is not on the list of allowed ones",
        "price_deviation": "a hop's price is too far from other pools",
        "mint_without_limits": "the base mint has no limits in [risk]",
        "already_at_risk": "an earlier attempt at the cycle is undecided",
        "per_trade": "more than one trade may risk in this mint",
        "per_day": "the day's limit of this mint is used up",
        "exposure": "too much of this mint is at risk at once",
        "trades_per_day": "the day's attempts are used up",
        "fees_per_day": "the day's fees are used up",
        "venue_per_trade": "more than one trade may risk at the venue",
        "venue_per_day": "the venue's limit of the day is used up",
        "venue_exposure": "too much is at risk at the venue at once",
        "venue_value_unknown": "the input has no value in lamports",
    }
)
"""What a reason means, by its name; risk's carry the prefix `risk_` in counts."""

_THOUSANDS = ("", "k", "M", "G", "T", "P")


def reason_meaning(reason: str) -> str:
    """Return what a reason means, or nothing if its name has to do; figures after a colon do not matter."""
    name = reason.partition(":")[0]
    return REASONS.get(name) or REASONS.get(name.removeprefix("risk_"), "")


def stage_words(stage: str) -> str:
    """Return a stage of the funnel, or any other name, as words."""
    return STAGES.get(stage) or stage.replace("_", " ")


def duration(ns: float | None) -> str:
    """Return nanoseconds in the unit that leaves three digits; a dash if there are none."""
    if ns is None:
        return "-"
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{three_digits(ns / size)} {unit}"
    return f"{ns:.0f} ns"


def three_digits(value: float) -> str:
    """Return a number of at least 1 with three digits, or all before the point if there are more."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def elapsed(ns: int) -> str:
    """Return a time since a beginning as `hh:mm:ss`, with days if there are any."""
    seconds = max(ns, 0) // 1_000_000_000
    days, seconds = divmod(seconds, 86_400)
    hours, seconds = divmod(seconds, 3_600)
    clock = f"{hours:02}:{seconds // 60:02}:{seconds % 60:02}"
    return f"{days} d {clock}" if days else clock


def compact(value: Decimal | float | int) -> str:
    """Return an amount with three digits and a letter for the thousands: `12.3M`; for eyes only."""
    size = abs(float(value))
    if size == 0:
        return "0"
    step = 0
    while size >= 999.5 and step < len(_THOUSANDS) - 1:
        size /= 1_000
        step += 1
    if step == 0 and size < 1:
        figure = f"{size:.3g}"
    else:
        figure = f"{size:.2f}" if size < 9.995 else f"{size:.1f}" if size < 99.95 else f"{size:.0f}"
    return f"{'-' if value < 0 else ''}{figure}{_THOUSANDS[step]}"


def price_words(price: float | None) -> str:
    """Return a price with six digits; a dash if there is none."""
    return "-" if price is None else f"{price:,.6g}" if 1e-6 <= abs(price) < 1e9 else f"{price:.4e}"


def bps(value: float | None) -> str:
    """Return 1/10,000 with its unit; a dash if no number says it."""
    if value is None:
        return "-"
    return f"{value:,.2f} bps" if abs(value) < 1_000 else f"{value:,.0f} bps"


def share(part: float, whole: float) -> str:
    """Return a part as a percentage; a dash if there is no whole."""
    if whole <= 0:
        return "-"
    value = 100 * part / whole
    if 0 < value < 0.01:
        return "<0.01%"
    return f"{value:.2f}%" if value < 1 else f"{value:.1f}%" if value < 1_000 else f"{value:,.0f}%"


def count_of(count: int, one: str, many: str | None = None) -> str:
    """Return `1 record`, `2,000 records`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
