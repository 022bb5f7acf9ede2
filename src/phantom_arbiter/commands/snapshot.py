"""`phantom snapshot`: find pools, read all that quotes need, and save it as a file."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from phantom_arbiter.commands.endpoints_asked import UrlOption, asked_endpoints
from phantom_arbiter.commands.pools_asked import (
    MintsOption,
    PoolsOption,
    VenuesOption,
    asked_pools,
    stage_bars,
)
from phantom_arbiter.commands.run import ConfigOption, JsonOption


def snapshot(
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Write here (.jsonl.gz); what is there is replaced.")
    ],
    mint: MintsOption = None,
    pool: PoolsOption = None,
    venue: VenuesOption = None,
    url: UrlOption = None,
    max_pools: Annotated[
        int | None, typer.Option("--max-pools", metavar="N", min=1, help="Most pools that may be found.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Save pools and all that their quotes need, for `phantom pools`, `quote` and `cycles`."""
    from rich.console import Console

    from phantom_arbiter.config_sources import load
    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.market_snapshot import snapshot_to_json, take_snapshot
    from phantom_arbiter.render_snapshot import render_snapshot

    settings = load({}, config).config
    request = asked_pools(settings.discovery, mint or [], pool or [], venue or [], max_pools)
    endpoints = asked_endpoints(settings, url or [])
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: there is no folder {out.parent}")
    if out.is_dir():
        raise ConfigError(f"--out {out} is a folder")
    with stage_bars() as on_stage:
        taken = asyncio.run(take_snapshot(endpoints, request, out, on_stage))
    if as_json:
        print(json.dumps(snapshot_to_json(taken), indent=2))
    else:
        render_snapshot(taken, Console(), Console(stderr=True))
