"""Where the programs themselves break a rule that swaps otherwise keep: exactly there, and why.

Every entry is read from the pool's accounts, so a pool that lacks the cause is held to the rule.
"""

from __future__ import annotations

from phantom_core.accounts import (
    MeteoraDammV2MarketCapScheduler,
    MeteoraDammV2Pool,
    MeteoraDammV2RateLimiter,
    MeteoraDlmmLbPair,
    OrcaWhirlpoolOracle,
    OrcaWhirlpoolWhirlpool,
)
from vector_pools import Sample

SLACK_IN = {"orca_token_swap_v2": 8, "pumpswap": 4}
"""Units of input that rounding can give back: both venues round several fees, each on its own."""
SLACK_OUT = {"pumpswap": 3}
"""Units of output, where three fees are each rounded up on it."""

CROSSES_TICKS = ("orca_whirlpool", "raydium_clmm")
"""Venues where an output of all that a stretch between ticks holds, rounded down, moves the price to the
stretch's end: its last unit may cost many times the input that gives it too."""


def decays(accumulator: int, reduction_factor: int, periods: tuple[int, int], elapsed: int) -> bool:
    """Return whether a swap now keeps a part of the volatility, and the next one a part of that part.

    Both programs set the time of the last change only where the price leaves its bin.
    """
    return periods[0] <= elapsed < periods[1] and accumulator * reduction_factor >= 10_000


def why_parts_may_gain(sample: Sample, a_to_b: bool) -> str | None:
    """Return why two swaps can pay more than one of their sum, None if they cannot."""
    account = sample.account
    match account:
        case MeteoraDammV2Pool(collect_fee_mode=2) if a_to_b:
            return "the first part's fee is in token B and stays in the reserve that pays the second"
        case MeteoraDammV2Pool(dynamic_fee=fee) if fee.is_initialized and fee.volatility_accumulator:
            return "a swap pays for the volatility before it, the second part for what is left of that"
        case MeteoraDammV2Pool(base_fee=MeteoraDammV2RateLimiter()):
            return "the rate rises with the amount: that is what the limiter is for"
        case MeteoraDammV2Pool(base_fee=MeteoraDammV2MarketCapScheduler()):
            return "the first part moves the price and with it the second part's rate"
        case MeteoraDlmmLbPair() if account.variable_fee_control:
            elapsed = sample.state.clock.unix_timestamp - account.last_update_timestamp
            periods = (account.filter_period, account.decay_period)
            if decays(account.volatility_accumulator, account.reduction_factor, periods, elapsed):
                return "volatility decays at each of two swaps that stay in the bin"
    if sample.state.venue == "pumpswap" and a_to_b:
        return "the first part leaves the liquidity providers' fee in the reserve that pays the second"
    return None


def is_rate_limited(sample: Sample) -> bool:
    """Return whether the rate rises with the amount, rounded so that more may give a unit less."""
    account = sample.account
    return isinstance(account, MeteoraDammV2Pool) and isinstance(account.base_fee, MeteoraDammV2RateLimiter)


def falls_towards_its_reference(sample: Sample) -> bool:
    """Return whether the fee falls as the price goes back to where volatility is counted from."""
    account, now = sample.account, sample.state.clock.unix_timestamp
    if isinstance(account, MeteoraDlmmLbPair):
        is_young = now - account.last_update_timestamp < account.filter_period
        return is_young and account.index_reference != account.active_id
    if isinstance(account, OrcaWhirlpoolWhirlpool) and account.fee_tier_index != account.tick_spacing:
        oracle = sample.dependency("oracle")
        assert isinstance(oracle, OrcaWhirlpoolOracle)
        group = account.tick_current_index // oracle.constants.tick_group_size
        return oracle.variables.tick_group_index_reference != group
    return False
