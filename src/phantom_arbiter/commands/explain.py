"""`phantom explain`: where in the funnel a cycle stops, and what is missing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phantom_arbiter.commands.run import ConfigOption, JsonOption, RulesOption
from phantom_arbiter.commands.source import PlainOption, SourceOption, UntilOption, progress_bar

if TYPE_CHECKING:
    from phantom_arbiter.journal import AttemptRow
    from phantom_core import Explanation

DEFAULT_NEAREST = 5


def explain(
    pools: Annotated[
        list[str] | None,
        typer.Argument(metavar="POOL…", help="Pools of the cycle in order; none: the nearest misses."),
    ] = None,
    source: SourceOption = "demo",
    nearest: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="The N cycles that came nearest; 5 if no pool is given."),
    ] = None,
    journal: Annotated[
        Path | None,
        typer.Option("--journal", metavar="FILE", help="Also the attempts of this journal at the cycle."),
    ] = None,
    until: UntilOption = None,
    rules: RulesOption = None,
    assume_plain_mints: PlainOption = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say where in the funnel a cycle stops after a source, or at a slot of it, and what is missing."""
    from rich.console import Console

    from phantom_arbiter.commands.run import given
    from phantom_arbiter.config_sources import load
    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.explain import cycles_of_pools, load_engine, nearest_cycles
    from phantom_arbiter.explain import explain as explain_all
    from phantom_arbiter.journal import read_journal
    from phantom_arbiter.markets import Request
    from phantom_arbiter.render_explain import Explained, explained_to_json, render_explained

    if pools and nearest is not None:
        raise ConfigError("--nearest looks for cycles, but pools are given", hint="leave one of them out")
    attempts = () if journal is None else read_journal(journal).attempts
    settings = load(given({"strategy": {"rules": rules}}), config).config
    plain = assume_plain_mints or settings.engine.assume_plain_mints
    with progress_bar("loading") as on_progress:
        loaded = load_engine(Request(source, until=until, assume_plain_mints=plain), settings, on_progress)
    if pools:
        cycles = cycles_of_pools(pools, loaded.engine.pools())
    else:
        cycles = nearest_cycles(loaded.engine, nearest or DEFAULT_NEAREST)
    explained = [Explained(told, _at(attempts, told)) for told in explain_all(loaded, cycles)]
    if as_json:
        print(json.dumps(explained_to_json(loaded.name, explained), indent=2))
    else:
        render_explained(loaded.name, loaded.book, explained, Console())


def _at(attempts: Sequence[AttemptRow], told: Explanation) -> tuple[AttemptRow, ...]:
    """Return the attempts at the same cycle, wherever they began."""
    wanted = {(step.pool, step.mint_in) for step in told.route}
    return tuple(row for row in attempts if {(hop.pool, hop.mint_in) for hop in row.hops} == wanted)
