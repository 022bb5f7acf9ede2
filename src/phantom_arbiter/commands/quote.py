"""`phantom quote`: what the on-chain program would do with a swap, to the base unit."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from phantom_arbiter.commands.run import ConfigOption, JsonOption, ReleaseOption
from phantom_arbiter.commands.source import (
    CompleteOption,
    PlainOption,
    SourceOption,
    UntilOption,
    load_source,
)


class Exact(StrEnum):
    """Which side of the swap the amount is."""

    IN = "in"
    OUT = "out"


def quote(
    pool: Annotated[str, typer.Argument(help="The pool's address.", show_default=False)],
    amount: Annotated[
        str, typer.Argument(help="Base units, or whole tokens if written with a point.", show_default=False)
    ],
    mint: Annotated[
        str,
        typer.Option(
            "--mint", metavar="MINT", help="What the trader pays with: address or symbol.", show_default=False
        ),
    ],
    exact: Annotated[Exact, typer.Option(help="Whether AMOUNT is paid or received.")] = Exact.IN,
    source: SourceOption = "demo",
    until: UntilOption = None,
    assume_plain_mints: PlainOption = False,
    complete: CompleteOption = False,
    release_venue: ReleaseOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Quote a swap exactly from a recording or a snapshot, without asking anybody.

    Exits 1 if the program would refuse the swap, with the program's own error.
    """
    from rich.console import Console

    from phantom_arbiter.errors import EXIT_FAILED, SwapRefused
    from phantom_arbiter.quotes import ask, refusal_to_json, to_json
    from phantom_arbiter.render_market import render_quote

    loaded = load_source(
        source,
        until=until,
        assume_plain_mints=assume_plain_mints,
        complete=complete,
        config=config,
        release_venues=release_venue,
    )
    try:
        answer = ask(loaded, pool, amount, mint, exact.value)
    except SwapRefused as error:
        if not as_json:
            raise
        print(json.dumps(refusal_to_json(loaded.name, pool, error), indent=2))
        raise typer.Exit(EXIT_FAILED) from error
    if as_json:
        print(json.dumps(to_json(answer), indent=2))
    else:
        render_quote(answer, Console())
