"""What the commands that look at a market share: which source, and how it is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from phantom_arbiter.markets import LoadedMarket

SourceOption = Annotated[
    str,
    typer.Option(
        "--source", metavar="demo|FILE", help="A recording or a snapshot of accounts; demo: the shipped day."
    ),
]
UntilOption = Annotated[
    int | None, typer.Option("--until", metavar="SLOT", min=0, help="Take nothing written after this slot.")
]
PlainOption = Annotated[
    bool,
    typer.Option(
        "--assume-plain-mints",
        help="Take a mint whose account is not in the source as a plain SPL mint, free of transfer fees.",
    ),
]
CompleteOption = Annotated[
    bool,
    typer.Option(
        "--complete", help="The source holds every account of its pools: what is not in it does not exist."
    ),
]


@contextmanager
def progress_bar(word: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far long work is, on stderr where somebody looks; gives what is told (done, total)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn(word), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(word, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def load_source(
    source: str,
    *,
    until: int | None,
    assume_plain_mints: bool,
    complete: bool,
    config: Path | None,
    release_venues: list[str] | None,
) -> LoadedMarket:
    """Return the market that the options mean; show how far it is where somebody is looking.

    Raises:
        ConfigError: An option or setting is wrong, or the source is none.
        RecordingError: The recording is corrupt.
    """
    from rich.console import Console

    from phantom_arbiter.config_sources import load
    from phantom_arbiter.markets import Request, load_market

    flags = {"market": {"release_venues": release_venues}} if release_venues else {}
    settings = load(flags, config).config
    request = Request(source, until=until, assume_plain_mints=assume_plain_mints, complete=complete)
    with progress_bar("loading") as on_progress:
        loaded = load_market(request, settings, on_progress)
    if loaded.unreadable:
        counts = ", ".join(f"{reason} {count:,}" for reason, count in sorted(loaded.unreadable.items()))
        Console(stderr=True).print(
            f"accounts of {loaded.name} that do not decode: {counts}", highlight=False, markup=False
        )
    return loaded
