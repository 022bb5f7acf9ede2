"""The exact profit of a cycle over its input: rising to the optimum, falling through break-even."""

from __future__ import annotations

from dataclasses import dataclass

from phantom_arbiter.cycles import LARGEST_INPUT, FoundCycle
from phantom_core import Market, Sized

POINTS = 400
"""Inputs at which a curve is asked: more than a screen or a picture can tell apart."""

LOG_FROM = 20
"""With break-even this many times beyond the optimum, inputs are spaced by ratio, or all would be a spike."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Exact profits by input, base units of `mint`.

    Attributes:
        mint: The mint of input and profit.
        amounts_in: Inputs, rising, the optimum among them.
        profits: Exact profit of each.
        optimum: The input that sizing found, and its profit.
        break_even: The last input before profit turns to loss; where roundings turn it more than once, one
            of these places. None if the pools take no more before.
        cost: Fees of one attempt, if known.
        is_logarithmic: Inputs are spaced by ratio.
    """

    mint: str
    amounts_in: tuple[int, ...]
    profits: tuple[int, ...]
    optimum: tuple[int, int]
    break_even: int | None
    cost: int | None
    is_logarithmic: bool


def profit_curve(market: Market, found: FoundCycle, sized: Sized) -> Curve:
    """Return the curve of a sized cycle, from one unit to somewhat beyond break-even."""
    best = sized.amount_in
    gains, break_even = _turning_point(market, found, best)
    last = gains if break_even is None else break_even + break_even // 8 + 1
    is_logarithmic = last > LOG_FROM * best
    wanted = sorted({*_spaced(last, is_logarithmic), best})
    profits = market.cycle_profits(found.cycle, wanted)
    known = [(amount, profit) for amount, profit in zip(wanted, profits, strict=True) if profit is not None]
    return Curve(
        mint=found.base_mint,
        amounts_in=tuple(amount for amount, _ in known),
        profits=tuple(profit for _, profit in known),
        optimum=(best, sized.gross_profit),
        break_even=break_even,
        cost=found.cost,
        is_logarithmic=is_logarithmic,
    )


def _turning_point(market: Market, found: FoundCycle, best: int) -> tuple[int, int | None]:
    """Return the last input known to gain, and break-even."""
    gains, fails = best, LARGEST_INPUT + 1
    while fails - gains > 1:
        middle = min(2 * gains, (gains + fails) // 2)
        (profit,) = market.cycle_profits(found.cycle, [middle])
        if profit is not None and profit >= 0:
            gains = middle
        else:
            fails = middle
    if fails > LARGEST_INPUT:
        return gains, None
    (profit,) = market.cycle_profits(found.cycle, [fails])
    return gains, None if profit is None else gains


def _spaced(last: int, is_logarithmic: bool) -> list[int]:
    if is_logarithmic:
        return [max(1, round(last ** (step / POINTS))) for step in range(POINTS + 1)]
    return [max(1, last * step // POINTS) for step in range(POINTS + 1)]
