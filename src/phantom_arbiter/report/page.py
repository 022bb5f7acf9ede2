"""The page: values of a `Report` in words, through a template that escapes whatever it is given."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from phantom_arbiter.domain import Hop
from phantom_arbiter.mints import MintBook, short
from phantom_arbiter.render import duration, plain
from phantom_arbiter.report import words
from phantom_arbiter.report.curves import ProfitCurve
from phantom_arbiter.report.gather import Report
from phantom_arbiter.report.shapes import Step
from phantom_arbiter.report.svg import NARROW, WIDE, Labels, bar, profit_chart

CUT = 300
"""Longest text from outside that is shown, in characters."""

LISTED = 40
"""Rows of one table; how many more there are is said below it."""

DRAWN_CURVES = 12
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Drawing:
    """A curve as it is shown."""

    curve: ProfitCurve
    charts: tuple[Markup, ...]
    summary: str


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("phantom_arbiter.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=_number,
        duration=_duration,
        bps=lambda value: "-" if value is None else f"{value:,.2f} bps",
        instant=_instant,
        seconds=lambda seconds: duration(round(seconds * 1e9)),
        short=short,
        by_count=_by_count,
    )
    environment.globals.update(
        share=_share,
        bar=bar,
        most=lambda values: max(map(abs, values), default=0),
        listed=LISTED,
        stages=words.STAGES,
        changes=words.CHANGES,
        not_signalled=words.not_signalled,
        not_taken=words.not_taken,
        why_failed=words.failed,
    )
    return environment.get_template("report.html.jinja")


def render_page(report: Report) -> str:
    """Return the report as one HTML document."""
    book = report.book
    style = files("phantom_arbiter.report").joinpath("templates/report.css").read_text(encoding="utf-8")
    return _template().render(
        report=report,
        run=report.run,
        rows=report.rows,
        ended=report.ended,
        amount=book.amount,
        symbol=book.symbol,
        path=partial(_path, book),
        known=lambda mint: mint in book.mints,
        style=Markup(style),
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        drawings=_drawings(report),
        undrawn=max(len(report.curves) - DRAWN_CURVES, 0),
    )


def _drawings(report: Report) -> list[Drawing]:
    return [
        Drawing(
            curve,
            tuple(profit_chart(curve, labels, size) for size in (WIDE, NARROW)),
            labels.description,
        )
        for number, curve in enumerate(report.curves[:DRAWN_CURVES], start=1)
        for labels in [_labels(curve, report.book, number)]
    ]


def _labels(curve: ProfitCurve, book: MintBook, number: int) -> Labels:
    first, last = curve.points[0].at, curve.points[-1].at
    at: Callable[[int], str] = _number
    place: Callable[[int], str] = _slot
    if curve.by_time:
        at, place = partial(_clock, span=last - first), _instant
    fall = "It never fell below an earlier height."
    if curve.drawdown is not None:
        depth = book.amount(curve.mint, curve.drawdown.amount)
        peak, trough = place(curve.drawdown.peak_at), place(curve.drawdown.trough_at)
        when = f"at {trough}" if peak == trough else f"from {peak} to {trough}"
        fall = f"Its deepest fall below an earlier height is {depth}, {when}."
    outcomes = f"{curve.outcomes:,} outcome{'' if curve.outcomes == 1 else 's'}"
    return Labels(
        title=f"Net profit in {_unit(curve.mint, book)} over {'time' if curve.by_time else 'slots'}",
        description=f"Net profit after {outcomes}, {place(first)} to {place(last)}: it ends at "
        f"{book.amount(curve.mint, curve.final)}. {fall}",
        at=at,
        amounts=partial(_axis_amounts, curve.mint, book),
        number=number,
    )


def _unit(mint: str, book: MintBook) -> str:
    return book.symbol(mint) if mint in book.mints else f"base units of {short(mint)}"


def _axis_amounts(mint: str, book: MintBook, amounts: Sequence[int]) -> list[str]:
    """Return amounts with as many digits after the point as the finest of them needs, without their unit."""
    info = book.mints.get(mint)
    if info is None:
        return [f"{amount:,}" for amount in amounts]
    places = info.decimals
    while places and all(amount % 10 ** (info.decimals - places + 1) == 0 for amount in amounts):
        places -= 1
    return [f"{book.amount_ui(mint, amount):,.{places}f}" for amount in amounts]


def _clock(seconds: int, *, span: int) -> str:
    return _time(seconds, "%H:%M:%S" if span < _DAY else "%b %d %H:%M" if span < 5 * _DAY else "%Y-%m-%d")


def _instant(seconds: int) -> str:
    return _time(seconds, "%Y-%m-%d %H:%M:%S UTC")


def _time(seconds: int, form: str) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime(form)
    except (ValueError, OverflowError, OSError):  # no year that a calendar has
        return f"{seconds:,} s"


def _slot(slot: int) -> str:
    return f"slot {slot:,}"


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _duration(ns: int | None) -> str:
    return "-" if ns is None else duration(ns)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _by_count(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _path(book: MintBook, steps: Sequence[Hop] | Sequence[Step]) -> str:
    if not steps:
        return "-"
    return " → ".join(book.symbol(mint) for mint in (steps[0].mint_in, *(step.mint_out for step in steps)))


def _shown(value: Any) -> Any:
    """Return a value as the page may show it: text from outside cut, what cannot be printed as escapes."""
    if value is None:
        return "-"
    if isinstance(value, Markup):
        return value
    text = plain(value)
    return text if len(text) <= CUT else f"{text[:CUT]}… ({len(text):,} characters)"
