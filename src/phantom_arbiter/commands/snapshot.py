"""`phantom snapshot`: find pools, read all that quotes need, and save it as a file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phantom_arbiter.commands.run import ConfigOption, JsonOption, complete_venue

if TYPE_CHECKING:
    from phantom_arbiter.config import Config
    from phantom_arbiter.market_snapshot import OnStage
    from phantom_arbiter.sources.discovery import DiscoveryRequest
    from phantom_arbiter.sources.endpoints import Endpoint
    from phantom_arbiter.sources.snapshots import OnProgress


def snapshot(
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Write here (.jsonl.gz); what is there is replaced.")
    ],
    mint: Annotated[
        list[str] | None,
        typer.Option(
            "--mint",
            metavar="MINT",
            help="Address or well-known symbol; may be repeated. One mint: pools that trade it; more: "
            "pools between two of them. Without --mint and --pool: those of [discovery] in the settings.",
        ),
    ] = None,
    pool: Annotated[
        list[str] | None,
        typer.Option("--pool", metavar="POOL", help="Take this pool in any case; may be repeated."),
    ] = None,
    venue: Annotated[
        list[str] | None,
        typer.Option(
            "--venue",
            metavar="VENUE",
            help="Search this venue only; may be repeated.",
            autocompletion=complete_venue,
        ),
    ] = None,
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
    request = _request(settings, mint or [], pool or [], venue or [], max_pools)
    endpoints = _endpoints(settings, url or [])
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: there is no folder {out.parent}")
    if out.is_dir():
        raise ConfigError(f"--out {out} is a folder")
    with _stages() as on_stage:
        taken = asyncio.run(take_snapshot(endpoints, request, out, on_stage))
    if as_json:
        print(json.dumps(snapshot_to_json(taken), indent=2))
    else:
        render_snapshot(taken, Console(), Console(stderr=True))


def _request(
    settings: Config, mints: list[str], pools: list[str], venues: list[str], max_pools: int | None
) -> DiscoveryRequest:
    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.mints import WELL_KNOWN_MINTS
    from phantom_arbiter.sources.discovery import DiscoveryRequest

    known = {info.symbol: address for address, info in WELL_KNOWN_MINTS.items()}
    ours = settings.discovery
    if not mints and not pools:
        mints, pools = list(ours.mints), list(ours.pools)
    if not mints and not pools:
        raise ConfigError("no pools are asked for", hint="name them with --mint or --pool, or [discovery]")
    return DiscoveryRequest(
        mints=tuple(dict.fromkeys(known.get(word, word) for word in mints)),
        pools=tuple(pools),
        venues=tuple(venues or ours.venues),
        max_pools=max_pools or ours.max_pools,
    )


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


@contextmanager
def _stages() -> Iterator[OnStage]:
    """Show one bar for each stage of the work, on stderr where somebody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        def begin(word: str) -> OnProgress:
            task = progress.add_task(word, total=None)
            return lambda done, total: progress.update(task, completed=done, total=total)

        yield begin
