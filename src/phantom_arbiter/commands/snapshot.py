"""`phantom snapshot`: find pools, read all that quotes need, and save it as a file."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phantom_arbiter.commands.pools_asked import (
    MintsOption,
    PoolsOption,
    VenuesOption,
    asked_pools,
    stage_bars,
)
from phantom_arbiter.commands.run import ConfigOption, JsonOption

if TYPE_CHECKING:
    from phantom_arbiter.config import Config
    from phantom_arbiter.sources.endpoints import Endpoint


def snapshot(
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Write here (.jsonl.gz); what is there is replaced.")
    ],
    mint: MintsOption = None,
    pool: PoolsOption = None,
    venue: VenuesOption = None,
    url: Annotated[
        list[str] | None,
        typer.Option(
            "--url",
            metavar="URL",
            help="Ask this RPC node instead of the settings' endpoints; may be repeated. ${NAME} in it is an "
            "environment variable: a key belongs there, not on a command line.",
        ),
    ] = None,
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
    endpoints = _endpoints(settings, url or [])
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


def _endpoints(settings: Config, urls: list[str]) -> list[Endpoint]:
    from phantom_arbiter.config import endpoint
    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl, with_environment

    if not urls:
        found = [endpoint(each) for each in settings.endpoints if each.http_url is not None]
        if not found:
            raise ConfigError("there is no endpoint to ask", hint="name one with --url, or add [[endpoints]]")
        return found
    try:
        return [
            Endpoint(name=f"url-{number}", http_url=SecretUrl(with_environment(text)))
            for number, text in enumerate(urls, start=1)
        ]
    except ConfigError as error:
        raise ConfigError(f"--url: {error}") from None
