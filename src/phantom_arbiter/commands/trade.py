"""`phantom trade`: the best way to swap an amount over all pools, to the base unit."""

from __future__ import annotations

import json
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


def trade(
    mint_in: Annotated[
        str, typer.Argument(help="What the trader pays with: address or symbol.", show_default=False)
    ],
    mint_out: Annotated[
        str, typer.Argument(help="What the trader wants: address or symbol.", show_default=False)
    ],
    amount: Annotated[
        str, typer.Argument(help="Base units, or whole tokens if written with a point.", show_default=False)
    ],
    max_hops: Annotated[int, typer.Option(min=1, max=4, help="Pools that a route may go through.")] = 3,
    max_legs: Annotated[int, typer.Option(min=1, max=8, help="Routes that may share the amount.")] = 4,
    leg_cost: Annotated[
        int,
        typer.Option(
            metavar="UNITS", min=0, help="What each further route must add: base units of MINT_OUT."
        ),
    ] = 0,
    without_pool: Annotated[
        list[str] | None,
        typer.Option(metavar="POOL", help="A pool not to use; may be given again.", show_default=False),
    ] = None,
    venue: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Use only this venue; may be given again.", show_default=False),
    ] = None,
    source: SourceOption = "demo",
    until: UntilOption = None,
    assume_plain_mints: PlainOption = False,
    complete: CompleteOption = False,
    release_venue: ReleaseOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Divide an amount over the best routes of a recording or a snapshot, without asking anybody.

    Exits 1 if no route takes the amount.
    """
    from rich.console import Console

    from phantom_arbiter.render_trade import render_trade
    from phantom_arbiter.trades import Limits, ask_trade, trade_to_json

    loaded = load_source(
        source,
        until=until,
        assume_plain_mints=assume_plain_mints,
        complete=complete,
        config=config,
        release_venues=release_venue,
    )
    limits = Limits(max_hops, max_legs, leg_cost, tuple(without_pool or ()), tuple(venue or ()))
    answer = ask_trade(loaded, mint_in, mint_out, amount, limits)
    if as_json:
        print(json.dumps(trade_to_json(answer), indent=2))
    else:
        render_trade(answer, Console())
