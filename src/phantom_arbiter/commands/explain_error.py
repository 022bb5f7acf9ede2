"""`phantom explain-error`: what an error of a program or of the runtime means, and what helps."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from phantom_arbiter.commands.run import JsonOption

if TYPE_CHECKING:
    from phantom_arbiter.execution.program_errors import ProgramError

STDIN = "-"


def explain_error(
    error: Annotated[
        str,
        typer.Argument(
            metavar="ERROR",
            help="A number (0x1771, 6001), a name (BlockhashNotFound), a log line, an RPC error as JSON;"
            " - reads log lines from stdin.",
        ),
    ],
    program: Annotated[
        str | None,
        typer.Option(
            "--program", metavar="NAME|ADDRESS", help="The program that gave it; none: every one that could."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what an error means, what causes it and what helps."""
    from phantom_arbiter.errors import EXIT_FAILED

    text = sys.stdin.read() if error == STDIN else error
    found = _explained(text, program)
    if as_json:
        print(json.dumps({"errors": [_to_json(each) for each in found]}, indent=2))
    else:
        print("\n\n".join(_shown(each) for each in found))
    if all(each.code is None and each.program is None for each in found):
        raise typer.Exit(EXIT_FAILED)


def _explained(text: str, program: str | None) -> list[ProgramError]:
    from phantom_arbiter.errors import ConfigError
    from phantom_arbiter.execution.error_advice import ErrorClass
    from phantom_arbiter.execution.program_errors import (
        errors_named,
        explain,
        find_program,
        is_address,
        known_programs,
        programs_with,
    )

    if program is not None and find_program(program) is None and not is_address(program):
        names = ", ".join(each.name for each in known_programs())
        raise ConfigError(
            f"--program: no known program is called {program!r}", hint=f"an address, or one of {names}"
        )
    # As the journal has it: `landed_failed:amount_out_below_minimum`.
    text = text.strip().removeprefix("landed_failed:").removeprefix("rehearsal:")
    found = explain(program, text)
    if found.code is None and found.error_class is ErrorClass.UNKNOWN:
        one = None if program is None else find_program(program)
        named = [(who, own) for who, own in errors_named(text) if one is None or who in (None, one.name)]
        if named:
            return [explain(who, own) for who, own in named]
    if found.program is None and found.code is not None and found.error_class is ErrorClass.UNKNOWN:
        return [explain(each.name, found.code) for each in programs_with(found.code)] or [found]
    return [found]


def _to_json(error: ProgramError) -> dict[str, object]:
    fields: dict[str, object] = asdict(error)
    fields["class"] = fields.pop("error_class")
    return fields


def _shown(error: ProgramError) -> str:
    number = "" if error.code is None else f" {error.code} ({error.code:#x})"
    lines = [f"{error.program or 'unknown program'}{number}: {error.name}"]
    if error.message and error.message != error.cause:
        lines.append(f"  says   {' '.join(error.message.split())}")
    lines.append(f"  cause  {error.cause}")
    if error.cure:
        lines.append(f"  cure   {error.cure}")
    lines.append(f"  class  {error.error_class}")
    if error.also:
        lines.append(f"  also   {error.also} in another build of the program")
    return "\n".join(lines)
