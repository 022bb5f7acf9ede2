"""`phantom pools`: the pools of a source, and why some are set aside."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from phantom_arbiter.commands.run import ConfigOption, JsonOption, ReleaseOption, complete_venue
from phantom_arbiter.commands.source import (
    CompleteOption,
    PlainOption,
    SourceOption,
    UntilOption,
    load_source,
)


def pools(
    venue: Annotated[
        str | None,
        typer.Option("--venue", metavar="VENUE", help="Only this venue.", autocompletion=complete_venue),
    ] = None,
    set_aside: Annotated[bool, typer.Option("--set-aside", help="Only those set aside.")] = False,
    source: SourceOption = "demo",
    until: UntilOption = None,
    assume_plain_mints: PlainOption = False,
    complete: CompleteOption = False,
    release_venue: ReleaseOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List pools: venue, pair, fee, depth, slot, and why one is set aside."""
    from rich.console import Console

    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.render_market import pools_to_json, render_pools
    from phantom_core import venue_names

    if venue is not None and venue not in venue_names():
        raise ConfigError(f"--venue is {venue}", hint=f"it may be {', '.join(venue_names())}")
    loaded = load_source(
        source,
        until=until,
        assume_plain_mints=assume_plain_mints,
        complete=complete,
        config=config,
        release_venues=release_venue,
    )
    known = loaded.pools()
    shown = [
        pool
        for pool in known
        if venue in (None, pool.venue) and not (set_aside and pool.set_aside_reason is None)
    ]
    if as_json:
        print(json.dumps(pools_to_json(loaded, shown), indent=2))
    else:
        render_pools(loaded, shown, known, Console())
