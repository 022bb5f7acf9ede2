"""`phantom journal`: what was tried, and what it earned."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from phantom_arbiter.commands.run import ConfigOption, JsonOption


def journal(
    path: Annotated[
        Path | None, typer.Argument(help="SQLite journal; the configured one if left out.")
    ] = None,
    run_id: Annotated[int | None, typer.Option("--run", metavar="ID", help="Only this run.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the journal's attempts and the totals per mint."""
    from rich.console import Console

    from phantom_arbiter.config_sources import load
    from phantom_arbiter.journal import read_journal
    from phantom_arbiter.render_journal import render_journal

    if path is None:
        path = load(config_file=config).config.journal.path
    report = read_journal(path, run_id=run_id)
    if as_json:
        print(json.dumps({"schema": 1, "journal": str(path), **asdict(report)}, indent=2))
    else:
        render_journal(path, report, Console())
