"""Reading a failure out of a transaction's log lines.

The frame that failed first is the innermost one: a failed call from program to program ends the transaction,
so every frame around it fails after it, with the same number but, often, with other meaning.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

OUT_OF_UNITS: Final = "ComputeBudgetExceeded"
PANIC: Final = "Panic"

_INVOKED = re.compile(r"Program (\w{32,44}) invoke \[(\d+)\]")
_FAILED = re.compile(r"Program (\w{32,44}) failed: (.*)", re.DOTALL)
_SUCCEEDED = re.compile(r"Program (\w{32,44}) success")
_CUSTOM = re.compile(r"custom program error: (0x[0-9a-fA-F]+|\d+)")
_ANCHOR = re.compile(r"Error Code: (\w+)\. Error Number: (\d+)\. Error Message: (.*?)\.?$", re.DOTALL)
_LOGGED = re.compile(r"Program log: Error: (.*)", re.DOTALL)
_PANIC = re.compile(r"Program log: (?:\w+ )?panicked at (.*)", re.DOTALL)
_UNITS = re.compile(r"exceeded CUs meter|[Cc]omputational budget exceeded")


@dataclass(frozen=True)
class LoggedFailure:
    """What the logs say of the frame that failed first.

    Attributes:
        program: Address of its program; None if the lines do not name it.
        code: Its own error number, if it gave one.
        name: Its word for the error: Anchor's, `OUT_OF_UNITS` or `PANIC`.
        message: What it said about it: Anchor's message, a logged error, a panic, or the runtime's reason.
        depth: 1 for a program that the transaction calls, more for one that a program calls; 0 if not known.
    """

    program: str | None = None
    code: int | None = None
    name: str | None = None
    message: str = ""
    depth: int = 0


def first_failure(logs: Iterable[str]) -> LoggedFailure | None:
    """Return the frame that failed first, or None if the lines tell of no failure."""
    frames: list[list[str]] = [[]]
    for line in logs:
        if found := _FAILED.search(line):
            depth = len(frames) - 1
            return _describe(LoggedFailure(found[1], depth=depth), found[2].strip(), frames[-1])
        if _INVOKED.search(line):
            frames.append([])
        elif _SUCCEEDED.search(line) and len(frames) > 1:
            frames.pop()
        else:
            frames[-1].append(line)
    return _without_frame([line for frame in frames for line in frame])


def _describe(failure: LoggedFailure, reason: str, said: list[str]) -> LoggedFailure:
    custom = _CUSTOM.search(reason)
    failure = replace(failure, message=reason, code=int(custom[1], 0) if custom else None)
    if failure.code is None and any(_UNITS.search(line) for line in [reason, *said]):
        return replace(failure, name=OUT_OF_UNITS)
    for line in reversed(said):
        if found := _ANCHOR.search(line):
            # A program may log an error and then return another: the number decides.
            if failure.code is None or failure.code == int(found[2]):
                return replace(failure, name=found[1], message=found[3], code=int(found[2]))
        elif found := _PANIC.search(line):
            return replace(failure, name=PANIC, message=found[1])
        elif (found := _LOGGED.search(line)) and failure.code is not None:
            return replace(failure, message=found[1].strip())
    return failure


def _without_frame(lines: list[str]) -> LoggedFailure | None:
    """Single lines taken out of their logs."""
    for line in lines:
        if found := _ANCHOR.search(line):
            return LoggedFailure(None, int(found[2]), found[1], found[3])
        if found := _CUSTOM.search(line):
            return LoggedFailure(None, int(found[1], 0), None, line.strip())
        if _UNITS.search(line):
            return LoggedFailure(None, None, OUT_OF_UNITS, line.strip())
        if found := _PANIC.search(line):
            return LoggedFailure(None, None, PANIC, found[1])
    return None
