"""Short stable names of transaction errors, for reasons in the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from phantom_arbiter.execution.balances import plain_error_name
from phantom_arbiter.execution.program_errors import explain_failure


def error_name(error: Any, logs: Sequence[str] = (), programs: Sequence[str] = ()) -> str:
    """Return the name of what a transaction failed with, in the words of the program that failed first.

    A number that no dictionary has stays a number.

    >>> whirlpool = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"
    >>> error_name({"InstructionError": [0, {"Custom": 6036}]}, programs=[whirlpool])
    'amount_out_below_minimum'
    """
    found = explain_failure(error, programs, [line for line in logs if isinstance(line, str)])
    if found.name == "Custom" and found.code is not None:
        return f"custom_{found.code:#x}"
    return plain_error_name(found.name if found.name else error)
