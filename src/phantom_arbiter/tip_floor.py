"""The block engine's `tip_floor` answer."""

from __future__ import annotations

import json
from typing import Any

LANDED = (
    "landed_tips_25th_percentile",
    "landed_tips_50th_percentile",
    "landed_tips_75th_percentile",
    "landed_tips_95th_percentile",
    "landed_tips_99th_percentile",
)
EMA = "ema_landed_tips_50th_percentile"


def read_tip_floor(text: str) -> tuple[tuple[float, float, float, float, float], float | None]:
    """Return the landed tips in SOL by percentile, as `FeeEngine.observe_tip_floor` takes them, and the
    average of their median if it is there. What the numbers may be is the engine's to say.

    Raises:
        ValueError: The text is no such answer.
    """  # noqa: D205
    try:
        answer: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("no JSON") from None
    if isinstance(answer, list) and answer:
        answer = answer[0]
    if not isinstance(answer, dict):
        raise ValueError("no tip floor: a list with one object expected")
    p25, p50, p75, p95, p99 = (_number(answer, name) for name in LANDED)
    return (p25, p50, p75, p95, p99), _number(answer, EMA) if EMA in answer else None


def _number(answer: dict[str, Any], name: str) -> float:
    value = answer.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{name} is no number of SOL")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} is no number of SOL") from None


__all__ = ["read_tip_floor"]
