"""e. Go or no-go per tick: `TickRule`, one prepared tick per call or ten columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from phantom_core import Tick, TickRule


def get(work: str, data: Any) -> Callable[[], Any] | None:
    """Return a callable that scores all ticks of `data`, or None for other works."""
    rule = TickRule()
    if work.startswith("one tick"):
        ticks = [Tick(*tick) for tick in data["ticks"]]  # the state is in the core

        def one_by_one() -> list[float]:
            score = rule.score
            return [score(tick) for tick in ticks]

        return one_by_one
    if work.startswith("batch"):
        columns = [data["columns"][name] for name in data["fields"]]
        return lambda: rule.score_batch(columns)
    return None
