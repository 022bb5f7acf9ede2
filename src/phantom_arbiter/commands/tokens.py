"""`phantom tokens`: which mints of a source may be traded, where, and why."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from phantom_arbiter.commands.run import ConfigOption, JsonOption
from phantom_arbiter.commands.source import UntilOption, load_source


def tokens(
    source: Annotated[
        str,
        typer.Argument(
            metavar="demo|FILE", help="A recording or a snapshot of accounts; demo: the shipped day."
        ),
    ] = "demo",
    verdict: Annotated[
        str | None,
        typer.Option("--verdict", metavar="WORD", help="Only allowed, atomic_only or denied mints."),
    ] = None,
    until: UntilOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge mints by their accounts, by lists and by rules ([tokens] in the settings)."""
    from rich.console import Console

    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.render_tokens import PERMISSIONS, render_tokens, tokens_to_json

    if verdict is not None and verdict not in PERMISSIONS:
        raise ConfigError(f"--verdict is {verdict}", hint=f"it may be {', '.join(PERMISSIONS)}")
    loaded = load_source(
        source,
        until=until,
        assume_plain_mints=False,
        complete=False,
        config=config,
        release_venues=None,
    )
    judged = loaded.market.tokens()
    shown = [token for token in judged if verdict in (None, token.verdict)]
    if as_json:
        print(json.dumps(tokens_to_json(loaded, shown), indent=2))
    else:
        render_tokens(loaded, shown, judged, Console())
