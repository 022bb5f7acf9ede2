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
        return lambda: drive(Rsi(rsi_period), ticks)
    if work.startswith("EMA streaming"):
        return lambda: drive(Ema(ema_period), ticks)
    if work.startswith("RSI+EMA streaming"):
        return lambda: drive_both(Rsi(rsi_period), Ema(ema_period), ticks)
    return None


def drive(indicator: Rsi | Ema, ticks: list[float]) -> float | None:
    """Return the answer to the last tick, with one `update_raw` for each, as nautilus_trader is driven."""
    update = indicator.update_raw
    for tick in ticks:
        update(tick)
    return indicator.value


def drive_both(first: Rsi, second: Ema, ticks: list[float]) -> float | None:
    """Return the second one's answer to the last tick, with one call of each for every tick."""
    update_first, update_second = first.update_raw, second.update_raw
    for tick in ticks:
        update_first(tick)
        update_second(tick)
    return second.value
