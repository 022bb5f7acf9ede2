"""`phantom replay`: recorded files through the engine, at the pace they came or faster; trades on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from phantom_arbiter.commands.run import ConfigOption, JsonOption, ReleaseOption, StrategyOption, UiName


def replay(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="A recording, or the parts of one in any order.", dir_okay=False
        ),
    ],
    speed: Annotated[
        str | None,
        typer.Option(metavar="1x|100x|max", help="Recorded time, a multiple of it, or no waiting (default)."),
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(metavar="PATH", help="SQLite journal; created if missing.")
    ] = None,
    ui: Annotated[
        UiName | None, typer.Option(help="Live counters, or one line per event, on stderr.")
    ] = None,
    strategy: StrategyOption = None,
    max_hops: Annotated[str | None, typer.Option(metavar="N", help="Longest cycle in pools, 2 to 4.")] = None,
    halted: Annotated[bool, typer.Option("--halted", help="Kill switch: watch, but send nothing.")] = False,
    release_venue: ReleaseOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Play recorded frames through the engine, trade on paper: `run --recording`, for parts too."""
    from phantom_arbiter.commands.run import given, replay_session, text
    from phantom_arbiter.config_sources import load

    flags: dict[str, dict[str, Any]] = {
        "run": {"source": "recording", "recording": files[0], "speed": speed, "ui": text(ui)},
        "journal": {"path": journal},
        "engine": {"max_hops": max_hops},
        "market": {"release_venues": release_venue or None},
        "risk": {"halted": True if halted else None},
        "strategy": {"use": strategy},
    }
    replay_session(load(given(flags), config), as_json=as_json, files=files)
