"""Drawings as SVG text: a stepped curve with axes, and bars for cells of a table.

Pure. Colours come from the page's style by class names, so that they follow light and dark. Numbers decide
nothing here: positions are floats, labels are made by the caller from exact integers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from phantom_arbiter.report.curves import ProfitCurve

_TOP, _BOTTOM, _SIDE = 10, 30, 8
_LETTER = 7
"""Width of a letter of a label, about."""

_TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200)
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Size:
    """Of a drawing, in units that are about pixels of the screen that it is meant for.

    Attributes:
        name: Its class; the page's style shows the one that fits.
        width: From edge to edge.
        height: From edge to edge.
        ticks_across: Labels below it, at most.
    """

    name: str
    width: int
    height: int
    ticks_across: int


WIDE = Size("wide", 960, 280, 6)
NARROW = Size("narrow", 340, 220, 3)


@dataclass(frozen=True, slots=True)
class Labels:
    """What is written at and beside a drawing.

    Attributes:
        title: Its name, for those who do not see it too.
        description: What it shows, in a sentence.
        at: Words for a place on the horizontal axis.
        amounts: Words for heights.
        number: Makes ids unique within a page.
    """

    title: str
    description: str
    at: Callable[[int], str]
    amounts: Callable[[Sequence[int]], list[str]]
    number: int


def nice_ticks(low: int, high: int, most: int = 6) -> list[int]:
    """Return round whole numbers from `low` to `high`: multiples of 1, 2 or 5 times a power of ten."""
    step, power = 1, 1
    while (high - low) // step >= most:
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power > step)
        if step == 10 * power:
            power = step
    return _multiples(low, high, step)


def time_ticks(low: int, high: int, most: int = 6) -> list[int]:
    """Return round times in Unix seconds: whole seconds, minutes, hours or days of UTC."""
    step = next((each for each in _TIME_STEPS if (high - low) // each < most), None)
    if step is None:
        step = _DAY * -(-(high - low) // (_DAY * most)) or _DAY
    return _multiples(low, high, step)


def _multiples(low: int, high: int, step: int) -> list[int]:
    first = -(-low // step) * step
    return list(range(first, high + 1, step))


def profit_chart(curve: ProfitCurve, labels: Labels, size: Size = WIDE) -> Markup:
    """Return the curve as steps, with what it lay below its own highest shaded."""
    low = min(0, *(point.profit for point in curve.points))
    high = max(0, *(point.peak for point in curve.points))
    if low == high:
        low, high = low - 1, high + 1
    heights = nice_ticks(low, high)
    names = labels.amounts(heights)
    left = 2 * _SIDE + _LETTER * max(map(len, names))
    first, last = curve.points[0].at, curve.points[-1].at
    margin = max((last - first) // 50, 1)
    first, last = first - margin, last + margin

    def x(at: int) -> float:
        return left + (at - first) / (last - first) * (size.width - left - _SIDE)

    def y(profit: int) -> float:
        return _TOP + (high - profit) / (high - low) * (size.height - _TOP - _BOTTOM)

    parts = [
        Markup('<path class="{}" d="M{} {}H{}"/>').format(
            "grid" if height else "zero", left, _short(y(height)), size.width
        )
        + _text(left - _SIDE, y(height) + 4, name, "end-of")
        for height, name in zip(heights, names, strict=True)
    ]
    foot, free_from = size.height - _BOTTOM, 0.0
    for at in (time_ticks if curve.by_time else nice_ticks)(first, last, size.ticks_across):
        parts.append(Markup('<path class="tick" d="M{} {}v5"/>').format(_short(x(at)), foot))
        name = labels.at(at)
        half = _LETTER * len(name) / 2
        middle = min(max(x(at), half), size.width - half)
        if middle - half >= free_from:
            parts.append(_text(middle, size.height - 8, name, "middle"))
            free_from = middle + half + _SIDE
    steps = "".join(f"H{_short(x(point.at))}V{_short(y(point.profit))}" for point in curve.points)
    line = f"M{_short(x(first))} {_short(y(0))}{steps}H{_short(x(last))}"
    parts += [
        Markup('<path class="below" d="{}"/>').format(line + _back(curve, x, y)),
        Markup('<path class="line" d="{}"/>').format(line),
        Markup('<circle class="end" cx="{}" cy="{}" r="3.5"/>').format(
            _short(x(last - margin)), _short(y(curve.final))
        ),
    ]
    name = f"{size.name}-{labels.number}"
    return Markup(
        '<svg class="chart {kind}" role="img" viewBox="0 0 {width} {height}" '
        'aria-labelledby="title-{name} desc-{name}"><title id="title-{name}">{title}</title>'
        '<desc id="desc-{name}">{description}</desc>{body}</svg>'
    ).format(
        kind=size.name,
        name=name,
        width=size.width,
        height=size.height,
        title=labels.title,
        description=labels.description,
        body=Markup("").join(parts),
    )


def _back(curve: ProfitCurve, x: Callable[[int], float], y: Callable[[int], float]) -> str:
    """Return the way back from the end of the curve along its highest so far."""
    peaks = [0, *(point.peak for point in curve.points)]
    back = [f"V{_short(y(peaks[-1]))}"]
    for number in range(len(curve.points) - 1, -1, -1):
        if peaks[number] != peaks[number + 1]:
            back.append(f"H{_short(x(curve.points[number].at))}V{_short(y(peaks[number]))}")
    return "".join([*back, "Z"])


def _text(x: float, y: float, words: str, anchor: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(anchor, _short(x), _short(y), words)


def bar(value: int | float, most: int | float, *, log: bool = False) -> Markup:
    """Return a bar for a cell: its length is the share of `most`, its class tells a loss.

    It is for eyes only: the cell beside it says the figure.
    """
    share = 0.0
    if most > 0 and value != 0:
        share = math.log1p(abs(value)) / math.log1p(most) if log else abs(value) / most
        share = min(max(share, 0.004), 1.0)
    return Markup(
        '<svg class="bar{}" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="{}" height="10"/></svg>'
    ).format(" loss" if value < 0 else "", _short(100 * share))


def _short(value: float) -> str:
    """Return a coordinate with one digit after the point at most."""
    return f"{value:.1f}".removesuffix(".0")
