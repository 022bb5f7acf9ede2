"""`phantom cycles`: the cycles of a market that pay, sized exactly, and what became of the others."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phantom_arbiter.commands.run import ConfigOption, JsonOption, ReleaseOption
from phantom_arbiter.commands.source import (
    CompleteOption,
    PlainOption,
    UntilOption,
    load_source,
    progress_bar,
)

if TYPE_CHECKING:
    from phantom_arbiter.config import Config
    from phantom_arbiter.cycles import Query
    from phantom_arbiter.markets import LoadedMarket
    from phantom_arbiter.mints import MintBook
    from phantom_arbiter.profit_curve import Curve
    from phantom_arbiter.render_cycles import Ranked

DEFAULT_TOP = 20


@dataclass(frozen=True, slots=True)
class Drawn:
    """A profit curve with the rank and the route of its cycle."""

    rank: int
    curve: Curve
    title: str
    book: MintBook


def complete_symbol(incomplete: str) -> list[str]:
    """Return the symbols of well-known mints that begin like `incomplete`, for the shell."""
    from phantom_arbiter.mints import WELL_KNOWN_MINTS

    return [info.symbol for info in WELL_KNOWN_MINTS.values() if info.symbol.startswith(incomplete)]


def cycles(
    source: Annotated[
        str,
        typer.Argument(
            metavar="demo|FILE", help="A recording or a snapshot of accounts; demo: the shipped day."
        ),
    ] = "demo",
    max_hops: Annotated[
        str | None, typer.Option(metavar="N", help="Longest cycle in pools, 2 to 4.", show_default=False)
    ] = None,
    base: Annotated[
        list[str] | None,
        typer.Option(
            "--base",
            metavar="MINT",
            help="Start from this mint (address or symbol), leave out cycles without it; may be repeated, "
            "preferred first. Without it: the settings' base mints where a cycle holds one.",
            autocompletion=complete_symbol,
        ),
    ] = None,
    mint: Annotated[
        str | None,
        typer.Option(
            "--mint",
            metavar="MINT",
            help="Only cycles that trade this mint: address or symbol.",
            autocompletion=complete_symbol,
        ),
    ] = None,
    min_profit: Annotated[
        int, typer.Option("--min-profit", metavar="LAMPORTS", min=0, help="Least profit after costs.")
    ] = 0,
    top: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Show the best N: 20, with --json all, if not given."),
    ] = None,
    show_all: Annotated[
        bool, typer.Option("--all", help="Also those that sizing or costs stop, with the reason.")
    ] = False,
    plot: Annotated[
        int | None,
        typer.Option(
            "--plot", metavar="RANK", min=1, help="Draw the profit curve of the cycle with this number."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Draw into this .png or .svg, not on the terminal."),
    ] = None,
    source_option: Annotated[str | None, typer.Option("--source", hidden=True)] = None,
    until: UntilOption = None,
    assume_plain_mints: PlainOption = False,
    complete: CompleteOption = False,
    release_venue: ReleaseOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the cycles that pay after fees, sized to the unit, and how many the spot prices promise."""
    from rich.console import Console

    from phantom_arbiter.config_sources import load
    from phantom_arbiter.cycles import survey
    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.render_cycles import Ranked, Shown, cycles_to_json, render_cycles

    if source_option is not None:
        hint = f"phantom cycles {source_option}"
        raise ConfigError("--source: this command takes its source without an option", hint=hint)
    _check_out(plot, out)
    flags = {"engine": {"max_hops": max_hops}} if max_hops is not None else {}
    settings = load(flags, config).config
    loaded = load_source(
        source,
        until=until,
        assume_plain_mints=assume_plain_mints,
        complete=complete,
        config=config,
        release_venues=release_venue,
    )
    query = _query(loaded, settings, base or [], mint, min_profit)
    with progress_bar("sizing") as on_progress:
        found = survey(loaded.market, query, on_progress)
    ranked = [Ranked(rank, one) for rank, one in enumerate(found.found if show_all else found.paying, 1)]
    if plot is not None:
        drawn = _drawn(loaded, ranked, plot)
        shown = Shown(loaded, found, ranked[plot - 1 : plot], 1)
    else:
        drawn = None
        limit = top or (len(ranked) if as_json else DEFAULT_TOP)
        shown = Shown(loaded, found, ranked[:limit], len(ranked))
    if drawn is not None and out is not None:
        _draw_to_file(drawn, out)
    if as_json:
        curve = None if drawn is None else (drawn.rank, drawn.curve)
        print(json.dumps(cycles_to_json(shown, curve), indent=2))
    else:
        render_cycles(shown, Console())
    if drawn is not None and out is None and not as_json:
        _draw_to_terminal(drawn)


def _query(
    loaded: LoadedMarket, settings: Config, base: list[str], mint: str | None, min_profit: int
) -> Query:
    from phantom_arbiter.cycles import Fees, Query
    from phantom_arbiter.native import native_config

    native = native_config(settings, assume_plain_mints=False)
    return Query(
        max_hops=settings.engine.max_hops,
        fees=Fees(native.network_fee_lamports, native.priority_fee_lamports, native.tip_lamports),
        preferred=tuple(settings.engine.base_mints),
        required=tuple(loaded.find_mint(word, "--base") for word in base),
        through=None if mint is None else loaded.find_mint(mint, "--mint"),
        min_profit_lamports=min_profit,
    )


def _check_out(plot: int | None, out: Path | None) -> None:
    from phantom_arbiter.draw_curve import FILE_TYPES
    from phantom_arbiter.errors import ConfigError

    if out is None:
        return
    if plot is None:
        raise ConfigError(f"--out is {out}, but nothing is drawn", hint="--plot RANK says which cycle")
    if out.suffix.lower() not in FILE_TYPES:
        raise ConfigError(f"--out is {out}", hint=f"its name may end in {' or '.join(FILE_TYPES)}")


def _drawn(loaded: LoadedMarket, ranked: Sequence[Ranked], rank: int) -> Drawn:
    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.profit_curve import profit_curve
    from phantom_arbiter.render_cycles import route

    if rank > len(ranked):
        raise ConfigError(f"--plot is {rank}, there are {len(ranked):,} cycles to choose from")
    found = ranked[rank - 1].found
    if found.sized is None:
        raise ConfigError(f"--plot is {rank}: no input of that cycle gains a unit")
    book = loaded.book_of(found.cycle.mints)
    return Drawn(rank, profit_curve(loaded.market, found, found.sized), route(found, book), book)


def _draw_to_file(drawn: Drawn, out: Path) -> None:
    from phantom_arbiter.draw_curve import draw_to_file
    from phantom_arbiter.errors import ConfigError

    try:
        draw_to_file(drawn.curve, drawn.title, drawn.book, out)
    except OSError as error:
        raise ConfigError(f"--out {out} cannot be written: {error.strerror}") from error
    print(f"drawn into {out}", file=sys.stderr)


def _draw_to_terminal(drawn: Drawn) -> None:
    from rich.console import Console

    from phantom_arbiter.draw_curve import draw_to_text

    print()
    for line in draw_to_text(drawn.curve, drawn.book, Console().width):
        print(line)
