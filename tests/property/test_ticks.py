"""Ticks and square roots of price: every tick there is, one by one.

The sweeps over Raydium's ticks and over bin prices are in Rust, where those functions are
(`venues/raydium_clmm/tick_math.rs`, `venues/meteora_dlmm/price.rs`).
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from itertools import pairwise

import pytest

from phantom_core import InvalidInput, sqrt_price_from_tick_index, tick_index_from_sqrt_price

LAST = 443_636
"""Ticks of the program go from `-LAST` to `LAST`."""


def test_every_tick_has_a_price_above_the_one_below_and_every_price_its_tick() -> None:
    prices = [sqrt_price_from_tick_index(tick) for tick in range(-LAST, LAST + 1)]
    assert all(below < above for below, above in pairwise(prices))
    for tick, (price, above) in zip(range(-LAST, LAST), pairwise(prices), strict=True):
        assert tick_index_from_sqrt_price(price) == tick
        assert tick_index_from_sqrt_price(above - 1) == tick
    assert tick_index_from_sqrt_price(prices[-1]) == LAST


def test_prices_are_the_powers_that_they_stand_for() -> None:
    # sqrt(1.0001) ** tick * 2**64, but for the factors of 64 to 96 bits that the program multiplies, each
    # product cut, and for the last unit.
    with localcontext(prec=60):
        base = Decimal("1.0001").sqrt()
        for tick in range(-LAST, LAST + 1, 997):
            exact = base**tick * 2**64
            error = abs(sqrt_price_from_tick_index(tick) - exact)
            assert error <= exact / 2**48 + 1, tick


@pytest.mark.parametrize("tick", [-LAST - 1, LAST + 1, -(2**31), 2**31 - 1])
def test_tick_beyond_the_last_has_no_price(tick: int) -> None:
    with pytest.raises(InvalidInput, match="tick_index"):
        sqrt_price_from_tick_index(tick)


def test_price_beyond_the_last_has_no_tick() -> None:
    least, most = sqrt_price_from_tick_index(-LAST), sqrt_price_from_tick_index(LAST)
    for price in (0, 1, least - 1, most + 1, 2**128 - 1):
        with pytest.raises(InvalidInput, match="sqrt_price"):
            tick_index_from_sqrt_price(price)
