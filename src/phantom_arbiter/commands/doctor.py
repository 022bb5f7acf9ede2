"""`phantom doctor`: is everything there that live trading needs."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import typer

from phantom_arbiter.commands.operator_asked import KeyOption, asked_settings
from phantom_arbiter.commands.programs import known_programs, open_folder
from phantom_arbiter.commands.run import ConfigOption, JsonOption

if TYPE_CHECKING:
    from phantom_arbiter.config import Config
    from phantom_arbiter.doctor.program_checks import FolderPrograms


def doctor(key: KeyOption = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Look at endpoints, clock, wallet, limits, accounts, tables, block engines, journal and kill switch.

    Nothing is sent. Exits 1 if something fails: `phantom run --live` would refuse.
    """
    from rich.console import Console

    from phantom_arbiter.doctor.examine import examine
    from phantom_arbiter.errors import EXIT_FAILED
    from phantom_arbiter.render_doctor import render_doctor

    settings = asked_settings(config, key, live=True)
    report = asyncio.run(examine(settings, programs=needed_programs(settings)))
    if as_json:
        print(json.dumps(report.to_json(), indent=2))
    else:
        render_doctor(report, Console())
    if not report.passes_for_live:
        raise typer.Exit(EXIT_FAILED)


def needed_programs(settings: Config) -> FolderPrograms:
    """Return the programs of the venues that are searched, in the folder that the settings name."""
    from phantom_arbiter.doctor.program_checks import FolderPrograms

    venues = settings.discovery.venues
    needed = {program: venue for program, venue in known_programs().items() if not venues or venue in venues}
    verified = {str(each): slot for each, slot in settings.market.verified_deployments.items()}
    pools = () if settings.discovery.mints else settings.discovery.pools
    return FolderPrograms(open_folder(settings.execution.programs_dir), needed, verified, pools=pools)
