"""Verdicts on mints as a person reads them, and the same as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from phantom_arbiter.markets import LoadedMarket
from phantom_arbiter.mints import short
from phantom_arbiter.render import plain, print_tidy
from phantom_core import Address, TokenVerdict

SCHEMA = 1
PERMISSIONS = ("allowed", "atomic_only", "denied")
"""The verdicts, the lightest first."""


def render_tokens(
    loaded: LoadedMarket, shown: Sequence[TokenVerdict], judged: Sequence[TokenVerdict], console: Console
) -> None:
    """Print the verdicts in `shown`, the heaviest first, with a line of counts over all that were judged."""
    print_tidy(Group(*_tokens(loaded, shown, judged)), console)


def _tokens(
    loaded: LoadedMarket, shown: Sequence[TokenVerdict], judged: Sequence[TokenVerdict]
) -> Iterable[RenderableType]:
    counts: Counter[str] = Counter(token.verdict for token in judged)
    words = ", ".join(f"{name} {counts[name]:,}" for name in PERMISSIONS if counts[name])
    yield Text(plain(loaded.name), style="bold")
    yield Text(f"{len(judged):,} mints: {words}" if judged else "no mints", overflow="fold")
    if not shown:
        return
    yield Text()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for name in ("mint", "verdict", "reasons"):
        table.add_column(name, overflow="fold", no_wrap=name == "verdict")
    for token in sorted(shown, key=lambda token: -PERMISSIONS.index(token.verdict)):
        info = loaded.info(token.mint)
        symbol = f"{plain(info.symbol)}\n" if info else ""
        reasons = "\n".join(_reason(name, value) for name, value in token.reasons)
        table.add_row(f"{symbol}{token.mint}", token.verdict, reasons)
    yield table


def _reason(name: str, value: object) -> str:
    return name if value in (None, True) else f"{name} {_words(value)}"


def _words(value: object) -> str:
    """Return a value in one line: addresses shortened, parts of a structure by name."""
    if isinstance(value, Address):
        return short(value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(part)}" for name, part in value.items())
    if isinstance(value, tuple):
        return "; ".join(_words(part) for part in value)
    if isinstance(value, int):
        return f"{value:,}"
    return "unknown" if value is None else plain(value)


def tokens_to_json(loaded: LoadedMarket, shown: Sequence[TokenVerdict]) -> dict[str, Any]:
    """Return verdicts for machines, in the order in which the market met the mints."""
    rows = []
    for token in shown:
        info = loaded.info(token.mint)
        rows.append(
            {
                "mint": token.mint,
                "symbol": info.symbol if info else None,
                "verdict": token.verdict,
                "reasons": [{"name": name, "value": value} for name, value in token.reasons],
                "facts": token.facts,
            }
        )
    return {"schema": SCHEMA, "source": loaded.name, "tokens": rows}
