"""Path h: RSI and EMA, tick by tick and over a million prices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from phantom_core import Ema, Rsi, ema, rsi


def get(work: str, data: Any) -> Callable[[], Any] | None:
    """Return the timed call of one work of path h."""
    prices, ticks = data["prices"], data["ticks"]
    rsi_period, ema_period = data["rsi"], data["ema"]
    if work.startswith("RSI batch"):
        return lambda: rsi(prices, rsi_period)
    if work.startswith("EMA batch"):
        return lambda: ema(prices, ema_period)
    if work.startswith("RSI streaming"):
        return lambda: drive(Rsi(rsi_period).update, ticks)
    if work.startswith("EMA streaming"):
        return lambda: drive(Ema(ema_period).update, ticks)
    if work.startswith("RSI+EMA streaming"):
        return lambda: drive_both(Rsi(rsi_period).update, Ema(ema_period).update, ticks)
    return None


def drive(update: Callable[[float], float | None], ticks: list[float]) -> float | None:
    """Return the answer to the last tick, with one call for each, as the peers are driven."""
    answer = None
    for tick in ticks:
        answer = update(tick)
    return answer


def drive_both(
    first: Callable[[float], float | None], second: Callable[[float], float | None], ticks: list[float]
) -> float | None:
    """Return the second one's answer to the last tick, with one call of each for every tick."""
    answer = None
    for tick in ticks:
        first(tick)
        answer = second(tick)
    return answer
