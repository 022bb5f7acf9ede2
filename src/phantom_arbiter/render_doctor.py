"""A doctor's report as a person reads it."""

from __future__ import annotations

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from phantom_arbiter.doctor import DoctorReport
from phantom_arbiter.mints import short
from phantom_arbiter.render import plain, print_tidy

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}
_LONG = 24
"""Subjects longer than this are shortened; `--json` has them whole."""


def render_doctor(report: DoctorReport, console: Console) -> None:
    """Print every check with its cure, and whether live trading may begin."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("check", no_wrap=True)
    table.add_column("of", overflow="fold")
    table.add_column("found", overflow="fold", ratio=1)
    for check in report.checks:
        subject = (
            short(check.subject) if len(check.subject) > _LONG and "/" not in check.subject else check.subject
        )
        found = Text(plain(check.detail))
        if check.cure and check.state != "ok":
            found.append(f"\n→ {plain(check.cure)}", style="dim")
        name = check.name.replace("_", " ")
        table.add_row(Text(check.state, style=_STYLES[check.state]), name, plain(subject), found)
    counts = {state: len(report.of(state)) for state in _STYLES}  # type: ignore[arg-type]
    words = f"{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} failed"
    verdict = "live trading may begin" if report.passes_for_live else "live trading may not begin"
    print_tidy(Group(table, Text(), Text(f"{words}: {verdict}", style="bold")), console)
