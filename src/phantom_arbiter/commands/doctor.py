"""`phantom doctor`: is everything there that live trading needs."""

from __future__ import annotations

import asyncio
import json

import typer

from phantom_arbiter.commands.operator_asked import KeyOption, asked_settings
from phantom_arbiter.commands.run import ConfigOption, JsonOption


def doctor(key: KeyOption = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Look at endpoints, clock, wallet, limits, accounts, tables, block engines, journal and kill switch.

    Nothing is sent and nothing is changed. Exits 1 if something fails: `phantom run --live` would refuse.
    """
    from rich.console import Console

    from phantom_arbiter.doctor.examine import examine
    from phantom_arbiter.errors import EXIT_FAILED
    from phantom_arbiter.render_doctor import render_doctor

    report = asyncio.run(examine(asked_settings(config, key)))
    if as_json:
        print(json.dumps(report.to_json(), indent=2))
    else:
        render_doctor(report, Console())
    if not report.passes_for_live:
        raise typer.Exit(EXIT_FAILED)
