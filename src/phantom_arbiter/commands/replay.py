"""`phantom replay`: recorded files through the engine, at the pace they came or faster; trades on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from phantom_arbiter.commands.run import (
    ConfigOption,
    DashboardOption,
    HaltedOption,
    JournalOption,
    JsonOption,
    MaxHopsOption,
    ReleaseOption,
    RulesOption,
    SpeedOption,
    StrategyOption,
    UiOption,
)


def replay(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="A recording, or the parts of one in any order.", dir_okay=False
        ),
    ],
    speed: SpeedOption = None,
    journal: JournalOption = None,
    ui: UiOption = None,
    dashboard: DashboardOption = False,
    strategy: StrategyOption = None,
    rules: RulesOption = None,
    max_hops: MaxHopsOption = None,
    halted: HaltedOption = False,
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
        "strategy": {"use": strategy, "rules": rules},
    }
    replay_session(load(given(flags), config), as_json=as_json, files=files, dashboard=dashboard)
