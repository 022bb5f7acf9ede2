"""Profit as it grew: sums after every attempt, how far they fell, and as few points as a drawing needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from phantom_arbiter.journal import AttemptRow

COLUMNS = 300
"""Parts of the axis of which a drawing keeps the first, lowest, highest and last point: ~2 pixels each."""


@dataclass(frozen=True, slots=True)
class Point:
    """Where profit stood.

    Attributes:
        at: Slot, or Unix seconds.
        profit: Sum of the net profits so far, base units.
        peak: The highest sum so far, at least 0.
    """

    at: int
    profit: int
    peak: int


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall below an earlier height.

    Attributes:
        amount: Base units, positive.
        peak_at: Where the height was reached; where the curve begins if it never rose.
        trough_at: Where it was deepest.
    """

    amount: int
    peak_at: int
    trough_at: int


@dataclass(frozen=True, slots=True)
class ProfitCurve:
    """Net profit of the attempts of one base mint.

    Attributes:
        mint: The base mint.
        by_time: Whether `at` is Unix seconds; else it is the slot.
        points: At most four per column of a drawing; the first, the last, the highest and the lowest are
            among them.
        outcomes: Attempts that it is made of.
        drawdown: None if profit never fell.
    """

    mint: str
    by_time: bool
    points: tuple[Point, ...]
    outcomes: int
    drawdown: Drawdown | None

    @property
    def final(self) -> int:
        """Where it ends."""
        return self.points[-1].profit


def profit_curves(rows: Sequence[AttemptRow]) -> tuple[ProfitCurve, ...]:
    """Return a curve per base mint with outcomes, those with most attempts first.

    The axis is time if the attempts know theirs, as live ones do: when they landed, else when they were
    signed. One that was never signed gained nothing and has no place on it. A replay knows slots only.
    """
    known = [(_time(row), row) for row in rows if row.realised_net_profit is not None]
    by_time = any(time is not None for time, _ in known)
    if by_time and any(time is None and row.realised_net_profit for time, row in known):
        by_time = False
    by_mint: dict[str, list[tuple[int, int, int]]] = {}
    for time, row in known:
        at = time if by_time else row.slot
        if at is not None:
            by_mint.setdefault(row.base_mint, []).append((at, row.id, row.realised_net_profit or 0))
    curves = [_curve(mint, by_time, gains) for mint, gains in by_mint.items()]
    return tuple(sorted(curves, key=lambda curve: (-curve.outcomes, curve.mint)))


def _time(row: AttemptRow) -> int | None:
    if row.live is None:
        return None
    return row.live.signed_unix if row.live.landed_unix is None else row.live.landed_unix


def _curve(mint: str, by_time: bool, gains: list[tuple[int, int, int]]) -> ProfitCurve:
    gains.sort()
    points, profit, peak, peak_at, deepest = [], 0, 0, gains[0][0], None
    for at, _, gain in gains:
        profit += gain
        if profit > peak:
            peak, peak_at = profit, at
        if peak - profit > (deepest.amount if deepest else 0):
            deepest = Drawdown(peak - profit, peak_at, at)
        points.append(Point(at, profit, peak))
    return ProfitCurve(mint, by_time, thin(points), len(points), deepest)


def thin(points: Sequence[Point], columns: int = COLUMNS) -> tuple[Point, ...]:
    """Return the points that a drawing of so many columns shows: of each the first, lowest, highest, last."""
    if len(points) <= 4 * columns:
        return tuple(points)
    first, span = points[0].at, max(points[-1].at - points[0].at, 1)
    kept: set[int] = set()
    begin = 0
    for end in range(1, len(points) + 1):
        if end < len(points) and _column(points[end], first, span, columns) == _column(
            points[begin], first, span, columns
        ):
            continue
        part = range(begin, end)
        kept.update((begin, end - 1))
        kept.add(min(part, key=lambda index: points[index].profit))
        kept.add(max(part, key=lambda index: points[index].profit))
        begin = end
    return tuple(points[index] for index in sorted(kept))


def _column(point: Point, first: int, span: int, columns: int) -> int:
    return (point.at - first) * columns // (span + 1)


def tokens_passed(rows: Iterable[AttemptRow]) -> dict[tuple[str, str], list[AttemptRow]]:
    """Return the attempts by token on their way and base mint; one counts under each token it passes."""
    found: defaultdict[tuple[str, str], list[AttemptRow]] = defaultdict(list)
    for row in rows:
        for mint in {hop.mint_out for hop in row.hops} | {hop.mint_in for hop in row.hops}:
            if mint != row.base_mint:
                found[mint, row.base_mint].append(row)
    return found
