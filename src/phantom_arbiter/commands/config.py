"""`phantom config`: every setting in force, where it was set, and what it means."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from phantom_arbiter.commands.run import ConfigOption, JsonOption


def config(
    live: Annotated[
        bool, typer.Option("--live", help="As phantom run --live has it: tighter limits.")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the effective configuration: key, value, origin, meaning."""
    from rich.console import Console

    from phantom_arbiter.config_sources import load
    from phantom_arbiter.render_config import render_settings

    settings = load({"mode": "live"} if live else {}, config).settings()
    if as_json:
        print(json.dumps([asdict(setting) for setting in settings], indent=2))
    else:
        render_settings(settings, Console())
