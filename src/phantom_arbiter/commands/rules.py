"""`phantom rules`: whether a rule file compiles, what it reads, and what it could read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from phantom_arbiter.commands.run import JsonOption


def build_rules() -> typer.Typer:
    """Return the commands about rule files."""
    app = typer.Typer(no_args_is_help=True, help=__doc__)
    app.callback()(_rules)
    app.command("check")(check)
    return app


def _rules() -> None:
    """Rule files of a strategy: docs/STRATEGY_LANGUAGE.md; check compiles one."""


def check(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Rule file, TOML.", show_default=False)
    ] = None,
    fields: Annotated[
        bool, typer.Option("--fields", help="List what rules may read, with types and units.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Compile a rule file as a run would. Exits 2 with line, column and hint if it is none."""
    from rich.console import Console

    from phantom_arbiter.errors import EXIT_USAGE, ConfigError, SourceError
    from phantom_arbiter.render_rules import render_fields, render_rules, rules_to_json
    from phantom_arbiter.strategy_rules import load_rules
    from phantom_core import candidate_fields

    if file is None and not fields:
        raise ConfigError("no rule file is named", hint="phantom rules check FILE, or --fields")
    offered = candidate_fields()
    if file is None:
        if as_json:
            print(json.dumps(rules_to_json(None, offered, None), indent=2))
        else:
            render_fields(offered, Console())
        return
    try:
        rules = load_rules(file).rules
    except SourceError as error:
        if not as_json:
            raise
        print(json.dumps(rules_to_json(file, offered, error), indent=2))
        raise typer.Exit(EXIT_USAGE) from error
    if as_json:
        print(json.dumps(rules_to_json(file, offered, rules), indent=2))
        return
    render_rules(file, rules, Console())
    if fields:
        render_fields(offered, Console())
