"""The program's own words for a failure, from the logs and the transaction's error."""

from __future__ import annotations

import re
from typing import Any

OUT_OF_UNITS = "ComputeBudgetExceeded"
_FAILED = re.compile(r"Program (\w+) failed: (.*)", re.DOTALL)
_ANCHOR = re.compile(r"Error Code: (\w+)\. Error Number: (\d+)\.")
_LOGGED = re.compile(r"Program log: Error: (.*)", re.DOTALL)
_PANIC = re.compile(r"Program log: (?:\w+ )?panicked at (.*)", re.DOTALL)


def failure(logs: list[str], error: object) -> dict[str, Any]:
    """Return the vector's `error` object: whose frame failed first, its number, its name, its panic."""
    at, program = next(
        ((i, found[1]) for i, line in enumerate(logs) if (found := _FAILED.match(line))), (len(logs), "")
    )
    cause = getattr(error, "err", error)
    code = getattr(cause, "code", None)
    kind = type(cause).__name__ if code is not None else str(cause)
    result: dict[str, Any] = {"code": code, "kind": kind}
    for line in reversed(logs[:at]):
        if found := _ANCHOR.search(line):
            result["name"] = found[1]
            break
        if found := _LOGGED.match(line):
            result["name"] = found[1]
            break
        if found := _PANIC.match(line):
            result["panic"] = found[1]
            break
        if line.startswith(f"Program {program} invoke"):
            break
    if any("exceeded CUs meter" in line for line in logs) and code is None and "panic" not in result:
        result["name"] = OUT_OF_UNITS
    return {**result, "program": program}
