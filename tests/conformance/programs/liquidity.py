"""Draws liquidity over ticks that some set of positions could have made."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from .tokens import log_uniform

MOST = 2**126


@dataclass(frozen=True)
class Tick:
    """An initialised tick: what crossing it upwards adds, and what all its positions hold."""

    net: int
    gross: int


def redraw(
    current: int, ticks: list[int], rng: random.Random, initialised: Iterable[int] = ()
) -> tuple[int, dict[int, Tick]]:
    """Return the liquidity in force at `current` and new initialised ticks among `ticks` (sorted).

    Walking either way liquidity never falls below 0; it may be 0 for a stretch. Ticks of `initialised` are so
    in any case.
    """
    bits = rng.choice((10, 40, 60, 80, 100))
    density = rng.choice((0.01, 0.1, 0.5, 1.0))
    liquidity = log_uniform(rng, bits) if rng.random() < 0.95 else 0
    found: dict[int, Tick] = {}
    for upwards in (True, False):
        in_force = liquidity
        ahead = (
            [tick for tick in ticks if tick > current]
            if upwards
            else [t for t in ticks if t <= current][::-1]
        )
        for tick in ahead:
            if rng.random() >= density:
                continue
            change = _change(in_force, bits, rng)
            in_force += change
            held = log_uniform(rng, bits) if change == 0 or rng.random() < 0.2 else 0
            found[tick] = Tick(change if upwards else -change, abs(change) + held)
    for tick in initialised:
        found.setdefault(tick, Tick(0, log_uniform(rng, bits)))
    return liquidity, found


def _change(in_force: int, bits: int, rng: random.Random) -> int:
    kind = rng.random()
    if kind < 0.03:
        return 0
    if kind < 0.13:
        return -in_force
    if kind < 0.5:
        return -rng.randrange(in_force + 1)
    return min(log_uniform(rng, bits), MOST - in_force)
