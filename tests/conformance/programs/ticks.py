"""Whirlpool's tick prices, by the program's own way: products of fixed-point powers of 1.0001^(1/2)."""

from __future__ import annotations

from decimal import Context, Decimal

MIN_TICK, MAX_TICK = -443_636, 443_636
_BITS = 19
_CONTEXT = Context(prec=80)


def _powers(scale: int, sign: int) -> list[int]:
    root = _CONTEXT.sqrt(Decimal("1.0001"))
    exact = (_CONTEXT.power(root, sign * 2**bit) for bit in range(_BITS))
    return [int(_CONTEXT.multiply(Decimal(2**scale), power)) for power in exact]  # truncated


_UP, _DOWN = _powers(96, 1), _powers(64, -1)


def sqrt_price(tick: int) -> int:
    """Return the Q64.64 square root price at `tick`."""
    powers, scale = (_UP, 96) if tick >= 0 else (_DOWN, 64)
    ratio = 1 << scale
    for bit, power in enumerate(powers):
        if abs(tick) >> bit & 1:
            ratio = ratio * power >> scale
    return ratio >> (scale - 64)
