"""What the commands that look for pools share: which ones, and bars for the stages of the search."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from phantom_arbiter.commands.run import complete_venue

if TYPE_CHECKING:
    from phantom_arbiter.config import DiscoverySettings
    from phantom_arbiter.sources.discovery import DiscoveryRequest
    from phantom_arbiter.sources.snapshots import OnProgress, OnStage

MintsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--mint",
        metavar="MINT",
        help="Address or well-known symbol; may be repeated. One mint: pools that trade it; more: pools "
        "between two of them. Without --mint and --pool: those of [discovery] in the settings.",
    ),
]
PoolsOption = Annotated[
    list[str] | None,
    typer.Option("--pool", metavar="POOL", help="Take this pool in any case; may be repeated."),
]
VenuesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--venue",
        metavar="VENUE",
        help="Search this venue only; may be repeated.",
        autocompletion=complete_venue,
    ),
]


def asked_pools(
    ours: DiscoverySettings,
    mints: list[str],
    pools: list[str],
    venues: list[str],
    max_pools: int | None = None,
) -> DiscoveryRequest:
    """Return what the options ask for, or else the settings.

    Raises:
        ConfigError: Neither asks for any.
    """
    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.mints import WELL_KNOWN_MINTS
    from phantom_arbiter.sources.discovery import DiscoveryRequest

    known = {info.symbol: address for address, info in WELL_KNOWN_MINTS.items()}
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


@contextmanager
def stage_bars() -> Iterator[OnStage]:
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
