"""`phantom journal`: what was tried, and what it earned."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phantom_arbiter.commands.run import MAX_ID, ConfigOption, JsonOption
from phantom_arbiter.errors import ConfigError

if TYPE_CHECKING:
    from phantom_arbiter.journal import JournalReport


class State(StrEnum):
    """How an attempt stands."""

    INTENT = "intent"
    FILLED = "filled"
    FAILED = "failed"
    UNRESOLVED = "unresolved"


class Mode(StrEnum):
    """How a run carried its plans out."""

    PAPER = "paper"
    LIVE = "live"


class By(StrEnum):
    """What attempts are summed by; the same words as `journal.GroupBy`."""

    DAY = "day"
    MINT = "mint"
    VENUE = "venue"
    REASON = "reason"
    STRATEGY = "strategy"


def journal(
    path: Annotated[
        Path | None, typer.Argument(help="SQLite journal; the configured one if left out.")
    ] = None,
    run_id: Annotated[
        int | None, typer.Option("--run", metavar="ID", min=1, max=MAX_ID, help="Only this run.")
    ] = None,
    attempt: Annotated[
        int | None, typer.Option(metavar="ID", help="One attempt in full: signature, answers, balances.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="SLOT|DAY", help="From this slot, or this day (2026-11-23, UTC).")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="SLOT|DAY", help="To this slot or day, itself included.")
    ] = None,
    mint: Annotated[str | None, typer.Option(metavar="MINT", help="Only this base mint.")] = None,
    venue: Annotated[
        str | None, typer.Option(metavar="VENUE", help="Only routes through this venue.")
    ] = None,
    state: Annotated[State | None, typer.Option(help="Only attempts that stand so.")] = None,
    reason: Annotated[
        str | None, typer.Option(metavar="REASON", help="Only failures for this reason, or a kind of it.")
    ] = None,
    strategy: Annotated[str | None, typer.Option(metavar="NAME", help="Only this strategy.")] = None,
    mode: Annotated[Mode | None, typer.Option(help="Only runs on paper, or live.")] = None,
    by: Annotated[By | None, typer.Option(help="Sums by this instead of a list.")] = None,
    export: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the attempts to FILE.csv or FILE.parquet.", dir_okay=False),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the journal's attempts and the totals per mint.

    Days are known of live attempts; replays know slots only.
    """
    from phantom_arbiter.config_sources import load
    from phantom_arbiter.journal import Selection, read_journal, select_attempts

    if path is None:
        path = load(config_file=config).config.journal.path
    selection = Selection(
        since=_slot_or_day("--since", since),
        until=_slot_or_day("--until", until),
        mint=_mint(mint),
        venue=venue,
        state=None if state is None else state.value,
        reason=reason,
        strategy=strategy,
        mode=None if mode is None else mode.value,
    )
    report = read_journal(path, run_id=run_id)
    if attempt is not None:
        _show_attempt(path, report, attempt, as_json=as_json)
        return
    report = select_attempts(report, selection)
    if export is not None:
        _export(report, export, as_json=as_json)
    else:
        _show(path, report, by, as_json=as_json)


def _show(path: Path, report: JournalReport, by: By | None, *, as_json: bool) -> None:
    from rich.console import Console

    from phantom_arbiter.journal import GroupBy, grouped
    from phantom_arbiter.render_journal import render_groups, render_journal

    groups = None if by is None else grouped(report.attempts, GroupBy(by.value))
    if as_json:
        shown = {"schema": 1, "journal": str(path), **asdict(report)}
        if by is not None and groups is not None:
            shown |= {"by": by.value, "groups": [asdict(group) for group in groups]}
        print(json.dumps(shown, indent=2))
    elif by is not None and groups is not None:
        render_groups(path, report, by.value, groups, Console())
    else:
        render_journal(path, report, Console())


def _show_attempt(path: Path, report: JournalReport, attempt: int, *, as_json: bool) -> None:
    from rich.console import Console

    from phantom_arbiter.journal import read_dispatches
    from phantom_arbiter.render_attempt import render_attempt

    found = next((row for row in report.attempts if row.id == attempt), None)
    if found is None:
        raise ConfigError(f"--attempt is {attempt}, {path} has no attempt of that id")
    run = next(run for run in report.runs if run.id == found.run_id)
    answers = read_dispatches(path, attempt)
    if as_json:
        shown = {"schema": 1, "run": asdict(run), "attempt": asdict(found)}
        print(json.dumps({**shown, "dispatches": [asdict(each) for each in answers]}, indent=2))
    else:
        render_attempt(found, run, answers, Console())


def _export(report: JournalReport, out: Path, *, as_json: bool) -> None:
    from phantom_arbiter.journal_export import export_journal

    rows = export_journal(report, out)
    if as_json:
        print(json.dumps({"schema": 1, "path": str(out), "rows": rows}))
    else:
        print(f"{out}: {rows:,} {'attempt' if rows == 1 else 'attempts'}")


def _slot_or_day(option: str, text: str | None) -> int | date | None:
    """Return what a word means.

    Raises:
        ConfigError: It is neither a slot nor a day.
    """
    if text is None:
        return None
    digits = text.replace("_", "").replace(",", "")
    if digits.isascii() and digits.isdigit():
        return int(digits)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{option} is {text}, it may be a slot or a day such as 2026-11-23") from None


def _mint(word: str | None) -> str | None:
    """Return the address that a word names: itself, or that of a well-known symbol."""
    from phantom_arbiter.mints import WELL_KNOWN_MINTS

    named = [mint for mint, info in WELL_KNOWN_MINTS.items() if info.symbol == word]
    return named[0] if named else word
