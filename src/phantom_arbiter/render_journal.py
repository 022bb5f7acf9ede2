"""The journal as a person reads it; amounts are base units, since it holds no decimals."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from phantom_arbiter.journal import AttemptRow, JournalReport
from phantom_arbiter.mints import short
from phantom_arbiter.render import plain


def render_journal(path: Path, report: JournalReport, console: Console) -> None:
    """Print runs, attempts and totals."""
    console.print(Text(f"journal {plain(path)}", style="bold", overflow="fold"))
    console.print(f"{len(report.runs):,} runs, {len(report.attempts):,} attempts; amounts in base units")
    for run in report.runs:
        source = f"{plain(run.source)} {run.source_sha256[:12]}"
        console.print(Text(f"run {run.id}: {run.mode}, {source}, version {run.version}"))
    if report.attempts:
        console.print()
        console.print(_attempts(report.attempts))
    if report.totals:
        console.print()
        console.print(_totals(report))


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
