"""Draws swaps: amounts of every size, thresholds and limits at, below and above what decides."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .tokens import U64_MAX, balance, log_uniform
from .vectors import State, Swap
from .venue import Venue

Run = Callable[[Swap], dict[str, Any]]  # the outcome of a swap on one state


def draw(venue: Venue, state: State, rng: random.Random) -> Swap:
    """Return a swap without a threshold that could fail it, at times with a price limit."""
    exact_in = rng.random() < 0.5
    operations = venue.operations(state, exact_in)
    if not operations:
        exact_in = not exact_in
        operations = venue.operations(state, exact_in)
    op, mode = rng.choice(operations)
    a_to_b = rng.random() < 0.5
    limit = None
    if venue.has_price_limit:
        limit = venue.price_limit(state, a_to_b, rng) if rng.random() < 0.3 else 0
    threshold = 0 if exact_in else U64_MAX
    return Swap(op, _amount(venue, state, rng), exact_in, a_to_b, threshold, limit, mode)


def _amount(venue: Venue, state: State, rng: random.Random) -> int:
    kind = rng.random()
    if kind < 0.01:
        return 0
    if kind < 0.08:
        return rng.randrange(1, 20)
    if kind < 0.09:
        return U64_MAX - rng.randrange(3)
    held = balance(state.data(rng.choice(venue.sides(state)).vault))
    if kind < 0.24:  # about what the pool holds, or a part of it
        amount = rng.choice((held, held // rng.randrange(1, 1_000), int(held * rng.random())))
        return min(U64_MAX, max(0, amount + rng.randrange(-3, 4)))
    if kind < 0.75:  # what the pool can serve
        return min(U64_MAX, log_uniform(rng, min(64, held.bit_length() + 1)))
    return log_uniform(rng)


def with_threshold(swap: Swap, outcome: dict[str, Any], rng: random.Random) -> Swap:
    """Return the swap with its threshold at, one below or one above what it achieved, or anywhere."""
    if not outcome["ok"] or rng.random() < 0.2:
        return replace(swap, threshold=log_uniform(rng))
    result = outcome["result"]
    achieved = result["user_out"] if swap.exact_in else result["user_in"]
    return replace(swap, threshold=min(U64_MAX, max(0, achieved + rng.choice((-1, 0, 1)))))


def edges(swap: Swap, run: Run, rng: random.Random) -> list[Swap]:
    """Return the swap on both sides of an amount at which the program begins to answer otherwise.

    Answers differ when one fails and the other does not, or when they fail for different reasons.
    """

    def answer(amount: int) -> Any:
        outcome = run(replace(swap, amount=amount))
        return (
            None if outcome["ok"] else tuple(outcome["error"].get(each) for each in ("name", "code", "panic"))
        )

    grid = sorted({1, U64_MAX, *(log_uniform(rng) for _ in range(14))})
    answers = [answer(amount) for amount in grid]
    changes = [i for i in range(1, len(grid)) if answers[i] != answers[i - 1]]
    if not changes:
        return []
    at = rng.choice(changes)
    low, high = grid[at - 1], grid[at]
    while high - low > 1:
        middle = (low + high) // 2
        if answer(middle) == answers[at - 1]:
            low = middle
        else:
            high = middle
    return [replace(swap, amount=low), replace(swap, amount=high)]
