"""Back-test of the fee engine on fees that were paid: rolling, without a look ahead.

A slot has a *level*: the price that a transaction had to offer, in micro-lamports per compute unit. Before
each slot every method names a price from the slots before it; it lands if the price reaches the slot's
level. One that does not land pays nothing, waits, and tries the next slot. So a method is judged by two
numbers: the share of slots in which it lands, beside the percentile that was asked for, and what a landed
transaction costs.

The first `WARM_UP` slots are only learned from. Intervals are 95 % of a circular block bootstrap (blocks of
four slots, which have one leader): with this few slots they are wide, and are part of the result.
"""

from __future__ import annotations

import csv
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from phantom_arbiter.errors import ConfigError
from phantom_core import FeeEngine, priority_fee_lamports

Level = Literal["low", "mid", "high"]

LEVELS: tuple[Level, ...] = ("low", "mid", "high")
PERCENTILES = (25.0, 50.0, 75.0, 90.0, 95.0, 99.0)
WARM_UP = 20
LAMPORTS_PER_SIGNATURE = 5_000
CONSTANT_PRICE = 50_000
"""What the settings offer without a fee engine (`CostSettings`), micro-lamports per compute unit."""

BLOCK_LIMIT = 48_000_000
"""Compute units of a full block in October 2024; 60,000,000 and more since."""

RESAMPLES = 2_000
BLOCK = 4
SEED = 20241013


@dataclass(frozen=True, slots=True)
class FeeSlot:
    """What a slot's transactions offered.

    Attributes:
        slot: Its number.
        levels: Prices in micro-lamports per compute unit, by level.
        fullness: Share of the block's compute unit limit that was used.
    """

    slot: int
    levels: Mapping[Level, int]
    fullness: float


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class MethodResult:
    """How one method did.

    Attributes:
        method: Its name.
        asked: The percentile it was asked for; None if it cannot be asked.
        tried: Slots it was tried in.
        landed: Those whose level it reached.
        reached: Share of them.
        cost_lamports: Base and priority fee of a landed transaction on average; None if none landed.
    """

    method: str
    asked: float | None
    tried: int
    landed: int
    reached: Interval
    cost_lamports: Interval | None


@dataclass(frozen=True, slots=True)
class Backtest:
    """All methods on one level of one history.

    Attributes:
        level: Which price counted as enough.
        slots: Slots of the history, those learned from included.
        compute_unit_limit: Compute units that every transaction asked for.
        engine: The fee engine, for each percentile.
        learning: The same, told the outcome of each attempt.
        baselines: Methods that know no percentile.
    """

    level: Level
    slots: int
    compute_unit_limit: int
    engine: Sequence[MethodResult]
    learning: Sequence[MethodResult]
    baselines: Sequence[MethodResult]


def read_history(path: Path) -> list[FeeSlot]:
    """Return the slots of a CSV file with the columns slot, level_low, level_mid, level_high and
    compute_units_consumed.

    Raises:
        ConfigError: The file cannot be read, a column is missing, a value is no whole number from 0, slots do
            not rise, or there are too few.
    """  # noqa: D205
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"--history {path}: {error}") from error
    found: list[FeeSlot] = []
    for line, row in enumerate(rows, start=2):
        slot = _number(path, line, row, "slot")
        if found and slot <= found[-1].slot:
            raise ConfigError(f"--history {path}, line {line}: slot {slot} comes after {found[-1].slot}")
        levels: dict[Level, int] = {level: _number(path, line, row, f"level_{level}") for level in LEVELS}
        used = _number(path, line, row, "compute_units_consumed")
        found.append(FeeSlot(slot, levels, min(1.0, used / BLOCK_LIMIT)))
    if len(found) <= WARM_UP:
        raise ConfigError(f"--history {path} has {len(found)} slots, a back-test needs more than {WARM_UP}")
    return found


def _number(path: Path, line: int, row: Mapping[str, str | None], column: str) -> int:
    text = row.get(column)
    if text is None:
        raise ConfigError(f"--history {path}, line {line}: there is no column {column}")
    if not (text.isascii() and text.isdigit() and len(text) <= 20 and int(text) < 2**64):
        raise ConfigError(f"--history {path}, line {line}: {column} is '{text}', a whole number expected")
    return int(text)


def backtest(
    history: Sequence[FeeSlot],
    level: Level,
    *,
    percentiles: Sequence[float] = PERCENTILES,
    compute_unit_limit: int = 400_000,
) -> Backtest:
    """Return how the fee engine and its baselines would have done on `history`.

    Raises:
        InvalidInput: A percentile or a price is none that the engine takes.
    """
    needed = [each.levels[level] for each in history]
    judge = _Judge(needed[WARM_UP:], compute_unit_limit)

    def engine(asked: float, learns: bool) -> MethodResult:
        prices = _engine_prices(history, level, asked, learns=learns)
        return judge.result("engine, learning" if learns else "engine", asked, prices)

    def baseline(name: str, price: Callable[[Sequence[int]], int]) -> MethodResult:
        return judge.result(name, None, [price(needed[:at]) for at in range(WARM_UP, len(needed))])

    return Backtest(
        level,
        len(history),
        compute_unit_limit,
        [engine(asked, False) for asked in percentiles],
        [engine(asked, True) for asked in percentiles],
        [
            baseline(f"constant {CONSTANT_PRICE:,}", lambda _: CONSTANT_PRICE),
            baseline("last slot", lambda past: past[-1]),
            baseline("median of 20", lambda past: statistics.median_high(past[-20:])),
        ],
    )


def _engine_prices(history: Sequence[FeeSlot], level: Level, asked: float, *, learns: bool) -> list[int]:
    engine = FeeEngine(max_price=2**64 - 1)
    prices = []
    for index, each in enumerate(history):
        if index >= WARM_UP:
            price = engine.price([], asked).price_micro_lamports
            prices.append(price)
        engine.advance(each.slot)
        engine.observe_block(each.slot, each.levels[level], each.fullness)
        if learns and index >= WARM_UP:
            engine.observe_priority(
                slot=each.slot,
                percentile=asked,
                estimated_price=price,
                paid_price=price,
                landed=price >= each.levels[level],
            )
    return prices


class _Judge:
    """Compares prices with what was needed; every method is resampled alike."""

    def __init__(self, needed: Sequence[int], compute_unit_limit: int) -> None:
        self._needed = needed
        self._limit = compute_unit_limit
        count = len(needed)
        starts = np.random.default_rng(SEED).integers(count, size=(RESAMPLES, -(-count // BLOCK)))
        places = (starts[:, :, None] + np.arange(BLOCK)) % count
        self._resampled: NDArray[np.int64] = places.reshape(RESAMPLES, -1)[:, :count]

    def result(self, method: str, asked: float | None, prices: Sequence[int]) -> MethodResult:
        landed = np.array([price >= needed for price, needed in zip(prices, self._needed, strict=True)])
        fees = [priority_fee_lamports(price, self._limit) + LAMPORTS_PER_SIGNATURE for price in prices]
        costs = np.array(fees, dtype=np.float64)
        hits = landed[self._resampled]
        shares = hits.mean(axis=1)
        counts = hits.sum(axis=1)
        sums = np.where(hits, costs[self._resampled], 0.0).sum(axis=1)
        cost = None
        if landed.any():
            cost = _interval(float(costs[landed].mean()), sums[counts > 0] / counts[counts > 0])
        reached = _interval(float(landed.mean()), shares)
        return MethodResult(method, asked, len(prices), int(landed.sum()), reached, cost)


def _interval(value: float, resampled: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(resampled, (0.025, 0.975))
    return Interval(value, float(low), float(high))


__all__ = [
    "LEVELS",
    "PERCENTILES",
    "WARM_UP",
    "Backtest",
    "FeeSlot",
    "Interval",
    "Level",
    "MethodResult",
    "backtest",
    "read_history",
]
