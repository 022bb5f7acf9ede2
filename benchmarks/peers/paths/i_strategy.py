"""Path i: a strategy as text: compiled, per tick, and over a million rows.

"compile the text" ends with an expression that can be evaluated (by the interpreter), as the peers' do
with theirs; native code follows in the background. The other two works run native code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from phantom_core import Expression, compile_expression


def native(text: str, names: list[str]) -> Expression:
    """Return the expression once native code is in use."""
    expression = compile_expression(text, names)
    if not expression.wait_native(10.0):
        raise RuntimeError(f"no native code for {text}")
    return expression


def get(work: str, data: Any) -> Callable[[], Any] | None:
    """Return the timed call of one work of path i."""
    text, names = data["expr"], list(data["columns"])
    if work == "compile the text":
        return lambda: compile_expression(text, names)
    if work == "1M rows":
        evaluate_many, columns = native(text, names).evaluate_many, data["columns"]
        return lambda: evaluate_many(columns)
    if work == "one tick (ns/tick)":
        # As the peers: positional.
        strategy, ticks = native(text, names), data["ticks"]
        return lambda: [strategy(*tick) for tick in ticks]
    return None
