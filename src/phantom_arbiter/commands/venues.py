"""`phantom venues`: which venues there are, and whether their programs still look like themselves."""

from __future__ import annotations

import json

from phantom_arbiter.commands.run import ConfigOption, JsonOption, ReleaseOption
from phantom_arbiter.commands.source import SourceOption, UntilOption, load_source


def venues(
    source: SourceOption = "demo",
    until: UntilOption = None,
    release_venue: ReleaseOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List venues: programs, pools, and signs that a program has changed."""
    from rich.console import Console

    from phantom_arbiter.render_market import render_venues, venues_to_json

    loaded = load_source(
        source,
        until=until,
        assume_plain_mints=False,
        complete=False,
        config=config,
        release_venues=release_venue,
    )
    if as_json:
        print(json.dumps(venues_to_json(loaded), indent=2))
    else:
        render_venues(loaded, Console())
