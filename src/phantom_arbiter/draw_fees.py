"""The fee engine's back-test as a picture, by matplotlib (the extra `plot`)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from phantom_arbiter.errors import MissingExtraError
from phantom_arbiter.fee_backtest import WARM_UP, Backtest, MethodResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FILE_TYPES = (".png", ".svg")


def draw_backtest(runs: Sequence[Backtest], path: Path) -> None:
    """Write two panels for each level: asked against reached, and reached against its cost.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OSError: The file cannot be written.
    """
    try:
        import_module("matplotlib")
    except ImportError as error:
        hint = "pip install 'phantom-arbiter[plot]', or matplotlib alone"
        raise MissingExtraError("--plot needs matplotlib, which is not installed", hint=hint) from error
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2 * len(runs)), layout="constrained")
    rows = figure.subplots(len(runs), 2, squeeze=False)
    for (left, right), run in zip(rows, runs, strict=True):
        _calibration(left, run)
        _cost(right, run)
        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(alpha=0.3, linewidth=0.6)
    tried = runs[0].slots - WARM_UP
    figure.suptitle(
        f"Fee engine: back-test on {tried} slots, bars are 95 % bootstrap intervals", fontsize="medium"
    )
    figure.savefig(path, dpi=150)


def _share_bars(results: Sequence[MethodResult]) -> list[list[float]]:
    return [
        [100 * (each.reached.value - each.reached.low) for each in results],
        [100 * (each.reached.high - each.reached.value) for each in results],
    ]


def _calibration(axes: Axes, run: Backtest) -> None:
    axes.plot([0, 100], [0, 100], color="0.6", linewidth=0.8)
    for results, colour, shift in ((run.engine, "C0", -0.5), (run.learning, "C2", 0.5)):
        axes.errorbar(
            [(each.asked or 0.0) + shift for each in results],
            [100 * each.reached.value for each in results],
            yerr=_share_bars(results),
            fmt="o",
            color=colour,
            capsize=2,
            label=results[0].method,
        )
    for number, each in enumerate(run.baselines):
        axes.axhline(
            100 * each.reached.value, color=f"C{number + 3}", linestyle="--", linewidth=1, label=each.method
        )
    axes.set_title(f"level {run.level}: asked against reached", fontsize="medium")
    axes.set_xlabel("percentile asked for, %")
    axes.set_ylabel("slots in which it landed, %")
    axes.set_xlim(15, 102)
    axes.set_ylim(0, 103)
    axes.legend(frameon=False, fontsize="small", loc="upper left")


def _cost(axes: Axes, run: Backtest) -> None:
    for results, colour in ((run.engine, "C0"), (run.learning, "C2")):
        landed = [each for each in results if each.cost_lamports is not None]
        costs = [each.cost_lamports.value for each in landed if each.cost_lamports is not None]
        shares = [100 * each.reached.value for each in landed]
        axes.plot(costs, shares, "o-", color=colour, label=results[0].method)
    for number, each in enumerate(run.baselines):
        if each.cost_lamports is not None:
            axes.plot(
                [each.cost_lamports.value],
                [100 * each.reached.value],
                "s",
                color=f"C{number + 3}",
                label=each.method,
            )
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_title(f"level {run.level}: what a landed transaction costs", fontsize="medium")
    axes.set_xlabel(f"lamports per landing, {run.compute_unit_limit:,} compute units")
    axes.set_ylabel("slots in which it landed, %")
    axes.set_ylim(0, 103)
    axes.legend(frameon=False, fontsize="small", loc="lower right")


__all__ = ["FILE_TYPES", "draw_backtest"]
