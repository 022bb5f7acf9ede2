"""The journal as a person reads it; amounts are base units, since it holds no decimals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich import box
from rich.console import Console, RenderableType
from rich.console import Group as Lines
from rich.table import Table
from rich.text import Text

from phantom_arbiter.journal import AttemptRow, Group, JournalReport
from phantom_arbiter.mints import short
from phantom_arbiter.render import plain, print_tidy

CUT = 120
"""Longest piece of a value in the list of changes, in characters."""


def render_journal(path: Path, report: JournalReport, console: Console) -> None:
    """Print runs, attempts and totals."""
    print_tidy(Lines(*_sections(path, report)), console)


def render_groups(
    path: Path, report: JournalReport, by: str, groups: Sequence[Group], console: Console
) -> None:
    """Print sums by day, mint, venue, reason or strategy."""
    lines: list[RenderableType] = [
        Text(f"journal {plain(path)}", style="bold", overflow="fold"),
        Text(f"{_count(len(report.attempts), 'attempt')} by {by}; amounts in base units"),
    ]
    if by == "mint":
        lines += [Text(), _groups("mint", [(short(group.name), group) for group in groups])]
    else:
        for mint in sorted({group.total.mint for group in groups}):
            named = [(plain(group.name), group) for group in groups if group.total.mint == mint]
            lines += [Text(), Text(f"base mint {mint}", overflow="fold"), _groups(by, named)]
    print_tidy(Lines(*lines), console)


def _groups(by: str, groups: Sequence[tuple[str, Group]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column(by, overflow="fold")
    for name in ("tried", "filled", "failed", "no result", "landed", "gross", "costs", "net"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, group in groups:
        total = group.total
        counts = (total.attempts, total.filled, total.failed, total.unresolved, group.landed)
        amounts = (total.gross_profit, total.cost, total.net_profit)
        table.add_row(name, *(f"{number:,}" for number in (*counts, *amounts)))
    return table


def _sections(path: Path, report: JournalReport) -> Iterable[RenderableType]:
    yield Text(f"journal {plain(path)}", style="bold", overflow="fold")
    runs, attempts = _count(len(report.runs), "run"), _count(len(report.attempts), "attempt")
    yield Text(f"{runs}, {attempts}; amounts in base units")
    for run in report.runs:
        yield Text(f"run {run.id}: {run.mode}, {plain(run.source)}, version {run.version}")
    if report.attempts:
        yield Text()
        yield _attempts(report.attempts)
    if report.totals:
        yield Text()
        yield _totals(report)
    if report.verdicts:
        yield Text()
        yield _verdicts(report)
    for change in report.changes:
        was = "" if change.before is None else f" (was {_cut(plain(change.before))})"
        yield Text(
            f"run {change.run_id}, slot {change.slot}: {change.what} {plain(change.key)}: "
            f"{_cut(plain(change.after or ''))}{was}",
            overflow="fold",
        )


def _cut(text: str) -> str:
    """Return as much of a text as a line of a list has room for; the journal has all of it."""
    return text if len(text) <= CUT else f"{text[:CUT]}…"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _table(*columns: str, left: tuple[str, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for name in columns:
        table.add_column(name, justify="left" if name in left else "right", overflow="fold")
    return table


def _attempts(attempts: tuple[AttemptRow, ...]) -> Table:
    table = _table(
        "id", "run", "slot", "state", "mint", "in", "net", "route", left=("state", "mint", "route")
    )
    for row in attempts:
        net = "-" if row.realised_net_profit is None else f"{row.realised_net_profit:,}"
        route = " · ".join(short(hop.pool) for hop in row.hops)
        if row.reason:
            route += f"\n{plain(row.reason)}"
        table.add_row(
            str(row.id),
            str(row.run_id),
            str(row.slot),
            row.state,
            short(row.base_mint),
            f"{row.amount_in:,}",
            net,
            route,
        )
    return table


def _totals(report: JournalReport) -> Table:
    table = _table(
        "mint", "attempts", "filled", "failed", "unresolved", "gross", "costs", "net", left=("mint",)
    )
    for total in report.totals:
        counts = (total.attempts, total.filled, total.failed, total.unresolved)
        amounts = (total.gross_profit, total.cost, total.net_profit)
        table.add_row(short(total.mint), *(f"{value:,}" for value in (*counts, *amounts)))
    return table


def _verdicts(report: JournalReport) -> Table:
    columns = ("run", "risk said", "times", "first slot", "limit", "value", "last slot")
    table = _table(*columns, left=("risk said",))
    for row in report.verdicts:
        bounds = (f"{number:,}" if number is not None else "-" for number in (row.last_limit, row.last_value))
        table.add_row(
            str(row.run_id), row.reason, f"{row.count:,}", str(row.first_slot), *bounds, str(row.last_slot)
        )
    return table
