"""What holds of every swap on every venue: on states of the golden vectors, with amounts of all sizes.

Where a program breaks a rule itself, `vector_exceptions` says on which pools and why.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from phantom_core import Quote, SwapRefused
from vector_exceptions import CROSSES_TICKS, SLACK_IN, SLACK_OUT, is_rate_limited, why_parts_may_gain
from vector_pools import U64_MAX, Trade, attempt, hold, quote, samples, swap
from vector_states import FILES

venues = pytest.mark.parametrize("file", FILES)


@venues
def test_more_in_never_gives_less_out(file: str) -> None:
    def rule(trade: Trade) -> int:
        if is_rate_limited(trade.sample):
            return 0
        quotes = [quote(trade.pool, amount, a_to_b=trade.a_to_b) for amount in sorted(trade.amounts)]
        answered = [quoted for quoted in quotes if quoted is not None]
        for small, large in pairwise(answered):
            if large.amount_in - small.amount_in >= SLACK_IN.get(trade.venue, 0):
                assert small.amount_out <= large.amount_out + SLACK_OUT.get(trade.venue, 0)
        return max(0, len(answered) - 1)

    hold(file, rule)


@venues
def test_more_out_never_takes_less_in(file: str) -> None:
    def rule(trade: Trade) -> int:
        wanted = sorted(trade.amounts)
        quotes = [quote(trade.pool, amount, a_to_b=trade.a_to_b, exact_in=False) for amount in wanted]
        needed = [quoted.amount_in for quoted in quotes if quoted is not None]
        assert needed == sorted(needed)
        return max(0, len(needed) - 1)

    hold(file, rule, of_output=True)


@venues
def test_two_swaps_never_beat_one_of_their_sum(file: str) -> None:
    def rule(trade: Trade) -> int:
        if why_parts_may_gain(trade.sample, trade.a_to_b) is not None:
            return 0
        return sum(parts_gain_nothing(trade, *parts) for parts in pairwise(trade.amounts))

    hold(file, rule)


def parts_gain_nothing(trade: Trade, first: int, second: int) -> bool:
    """Check one pair of swaps; return whether the program would carry them out."""
    after = trade.pool.copy()
    one = swap(after, first, a_to_b=trade.a_to_b)
    # A purchase may lift the coin's market capitalisation into a tier with lower fees.
    if trade.venue == "pumpswap" and after.summary().fee_rate_e9 != trade.pool.summary().fee_rate_e9:
        return False
    two = quote(after, second, a_to_b=trade.a_to_b)
    if one is None or two is None:
        return False
    paid = one.quote.amount_in + two.amount_in + SLACK_IN.get(trade.venue, 0)
    whole = quote(trade.pool, min(U64_MAX, paid), a_to_b=trade.a_to_b)
    # Three tick arrays from each present price: two swaps can go farther than one.
    if whole is None:
        return False
    assert one.quote.amount_out + two.amount_out <= whole.amount_out, (first, second)
    return True


@venues
def test_rule_for_parts_is_not_excused_away(file: str) -> None:
    held = [
        sample
        for sample in samples(file)
        if any(why_parts_may_gain(sample, a_to_b) is None for a_to_b in (True, False))
    ]
    assert len(held) >= len(samples(file)) / 2


@venues
def test_there_and_back_never_gains(file: str) -> None:
    def rule(trade: Trade) -> int:
        compared = 0
        for amount in trade.amounts:
            after = trade.pool.copy()
            there = swap(after, amount, a_to_b=trade.a_to_b)
            if there is None or there.quote.amount_out == 0:
                continue
            back = quote(after, there.quote.amount_out, a_to_b=not trade.a_to_b)
            if back is not None:
                assert back.amount_out <= there.quote.amount_in, amount
                compared += 1
        return compared

    hold(file, rule)


TOO_MUCH_FOR_AN_INPUT = {
    # A unit of a dear token is more than the output needs and would move the price out of the range.
    ("meteora_damm_v2", "PriceRangeViolation"),
    # Three fees of a unit or two each, on an output of less: an exact output adds them on top.
    ("pumpswap", "Fees exceed total output; final quote is negative."),
}


@venues
def test_input_of_an_exact_output_buys_it(file: str) -> None:
    def rule(trade: Trade) -> int:
        return sum(input_suffices(trade, wanted) for wanted in trade.amounts)

    hold(file, rule, of_output=True)


def input_suffices(trade: Trade, wanted: int) -> bool:
    """Check one amount of output; return whether the program would give it."""
    needed = quote(trade.pool, wanted, a_to_b=trade.a_to_b, exact_in=False)
    if needed is None:
        return False
    assert needed.amount_out >= wanted
    # On PumpSwap a purchase is short of units of the input, a sale of units of the output; see there.
    is_sale = trade.venue == "pumpswap" and trade.a_to_b
    slack_in = SLACK_IN["pumpswap"] if trade.venue == "pumpswap" and not is_sale else 0
    offered = min(U64_MAX, needed.amount_in + slack_in)
    bought = attempt(lambda: trade.pool.quote(offered, a_to_b=trade.a_to_b))
    if isinstance(bought, SwapRefused):
        assert (trade.venue, bought.name) in TOO_MUCH_FOR_AN_INPUT, wanted
        return False
    assert isinstance(bought, Quote)
    assert bought.amount_out + (SLACK_OUT["pumpswap"] if is_sale else 0) >= wanted
    return True


@pytest.mark.parametrize("file", [file for file in FILES if not file.startswith(CROSSES_TICKS)])
def test_exact_output_asks_for_no_more_than_an_input_that_gave_it(file: str) -> None:
    def rule(trade: Trade) -> int:
        compared = 0
        for amount in trade.amounts:
            given = quote(trade.pool, amount, a_to_b=trade.a_to_b)
            if given is None or given.amount_out == 0:
                continue
            needed = quote(trade.pool, given.amount_out, a_to_b=trade.a_to_b, exact_in=False)
            if needed is not None:
                assert needed.amount_in <= given.amount_in + SLACK_IN.get(trade.venue, 0), amount
                compared += 1
        return compared

    hold(file, rule)
