"""Profit curves as pictures: a file by matplotlib, a terminal by plotille; both are in the extra `plot`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

from phantom_arbiter.errors import MissingExtraError
from phantom_arbiter.mints import MintBook
from phantom_arbiter.profit_curve import Curve
from phantom_arbiter.render import plain

FILE_TYPES = (".png", ".svg")
TERMINAL_HEIGHT = 16
SIDE_WIDTH = 21
"""Cells that plotille writes beside the canvas: profits on the left, what the inputs are on the right."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """Amounts as axes show them: whole tokens if the decimals are known, else base units."""

    divisor: float
    unit: str

    def of(self, amount: float) -> float:
        return amount / self.divisor


def _scale(curve: Curve, book: MintBook) -> _Scale:
    info = book.mints.get(curve.mint)
    if info is None:
        return _Scale(1.0, f"units of {book.symbol(curve.mint)}")
    return _Scale(10.0**info.decimals, plain(info.symbol))


def _points(curve: Curve, scale: _Scale) -> tuple[list[float], list[float]]:
    """Return inputs and profits for the axes; nothing put in gains nothing."""
    amounts, profits = curve.amounts_in, curve.profits
    if not curve.is_logarithmic:
        amounts, profits = (0, *amounts), (0, *profits)
    return [scale.of(amount) for amount in amounts], [scale.of(profit) for profit in profits]


def _library(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        top = name.partition(".")[0]
        hint = f"pip install 'phantom-arbiter[plot]', or {top} alone"
        raise MissingExtraError(f"--plot needs {top}, which is not installed", hint=hint) from error


def draw_to_file(curve: Curve, title: str, book: MintBook, path: Path) -> None:
    """Write the curve as the picture that the file's name asks for.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OSError: The file cannot be written.
    """
    _library("matplotlib")
    from matplotlib.figure import Figure

    scale = _scale(curve, book)
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(*_points(curve, scale), color="C0")
    axes.axhline(0, color="0.6", linewidth=0.8)
    best_in, best = map(scale.of, curve.optimum)
    axes.plot([best_in], [best], "o", color="C2", label=f"optimum {best:,.6g} for {best_in:,.6g}")
    if curve.break_even is not None:
        at = scale.of(curve.break_even)
        axes.plot([at], [0], "s", color="C3", label=f"break-even at {at:,.6g}")
    else:
        last = scale.of(curve.amounts_in[-1])
        axes.axvline(last, color="C3", linestyle=":", label=f"the pools take no more than {last:,.6g}")
    if curve.cost is not None:
        cost = scale.of(curve.cost)
        axes.axhline(cost, color="C1", linestyle="--", linewidth=1, label=f"costs {cost:,.6g}")
    if curve.is_logarithmic:
        axes.set_xscale("log")
    # Symbols are text: some begin with a dollar sign.
    axes.set_title(title, fontsize="medium", parse_math=False)
    axes.set_xlabel(f"input, {scale.unit}", parse_math=False)
    axes.set_ylabel(f"exact profit, {scale.unit}", parse_math=False)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    with warnings.catch_warnings():
        # A character that the font lacks comes as a box.
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        figure.savefig(path, dpi=150)


def draw_to_text(curve: Curve, book: MintBook, width: int) -> list[str]:
    """Return the curve as lines of at most `width` cells.

    Raises:
        MissingExtraError: plotille is not installed.
    """
    plotille = _library("plotille")
    scale = _scale(curve, book)
    to_x: Callable[[float], float] = math.log10 if curve.is_logarithmic else float
    amounts, profits = _points(curve, scale)
    xs = [to_x(amount) for amount in amounts]
    low, high = min(0, *curve.profits), max(curve.profits)
    margin = (high - low) / 20 or 1.0
    figure = plotille.Figure()
    figure.width, figure.height = max(width - SIDE_WIDTH, 20), TERMINAL_HEIGHT
    figure.with_colors = False
    figure.origin = False
    # A marker on the very edge would not be drawn.
    figure.set_x_limits(xs[0], xs[-1] + ((xs[-1] - xs[0]) / 50 or 1.0))
    figure.set_y_limits(scale.of(low - margin), scale.of(high + margin))
    figure.x_label, figure.y_label = "in", "profit"
    figure.y_ticks_fkt = lambda low, high: f"{low:.4g}"
    figure.x_ticks_fkt = lambda low, high: f"{10**low if curve.is_logarithmic else low:.4g}"
    figure.plot([xs[0], xs[-1]], [0.0, 0.0])
    figure.plot(xs, profits)
    best_in, best = curve.optimum
    figure.scatter([to_x(scale.of(best_in))], [scale.of(best)], marker="▲")
    if curve.break_even is not None:
        figure.scatter([to_x(scale.of(curve.break_even))], [0.0], marker="●")
    lines = [line.rstrip(" ⠀") for line in figure.show().splitlines()]
    lines.append(f"▲ optimum {scale.of(best):,.6g} for {scale.of(best_in):,.6g} {scale.unit}")
    if curve.break_even is not None:
        lines.append(f"● break-even at {scale.of(curve.break_even):,.6g} {scale.unit}")
    else:
        lines.append(f"  the pools take no more than {scale.of(curve.amounts_in[-1]):,.6g} {scale.unit}")
    if curve.cost is not None:
        lines.append(f"  costs {scale.of(curve.cost):,.6g} {scale.unit}")
    return lines
