"""What `phantom rules` says of a rule file, for a person and as JSON.

The JSON's keys are stable::

    schema          1
    file            null if none was named
    compiles        null if none was named
    error           message, line, column (null if the file cannot be read), excerpt, hint; else null
    rules           words that the file refuses with, in order; `verdict_false` only with a verdict
    has_verdict, has_score, has_indicators
    reads           fields that it reads
    fields          all that it could read: name to type and unit
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from phantom_arbiter.errors import SourceError
from phantom_arbiter.render import plain, print_tidy
from phantom_core import RuleSet

SCHEMA = 1


def render_rules(file: Path, rules: RuleSet, console: Console) -> None:
    """Print what a file that compiles holds."""
    number = len(rules.reasons) - 1
    parts = [f"{number} rule{'' if number == 1 else 's'}"]
    parts += ["a verdict"] if rules.has_verdict else []
    parts += ["a score"] if rules.has_score else []
    parts += ["indicators"] if rules.is_stateful else []
    lines = [Text(f"{plain(file)} compiles: {', '.join(parts)}", overflow="fold")]
    for what, words in (("refuses with", _words(rules)), ("reads", rules.used_fields)):
        lines.append(Text(f"{what}: {plain(', '.join(words) or 'nothing')}", overflow="fold"))
    print_tidy(Group(*lines), console)


def render_fields(fields: Mapping[str, str], console: Console) -> None:
    """Print what rules may read."""
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(no_wrap=True)
    for name, specification in fields.items():
        kind, _, unit = specification.partition(" ")
        table.add_row(name, kind, unit)
    print_tidy(table, console)


def rules_to_json(
    file: Path | None, fields: Mapping[str, str], found: RuleSet | SourceError | None
) -> dict[str, Any]:
    """Return the answer under the keys that the module lists; `found` is what compiling gave."""
    rules = found if isinstance(found, RuleSet) else None
    return {
        "schema": SCHEMA,
        "file": None if file is None else str(file),
        "compiles": None if found is None else rules is not None,
        "error": _error(found) if isinstance(found, SourceError) else None,
        "rules": [] if rules is None else _words(rules),
        "has_verdict": rules is not None and rules.has_verdict,
        "has_score": rules is not None and rules.has_score,
        "has_indicators": rules is not None and rules.is_stateful,
        "reads": [] if rules is None else rules.used_fields,
        "fields": dict(fields),
    }


def _words(rules: RuleSet) -> list[str]:
    return rules.reasons if rules.has_verdict else rules.reasons[:-1]


def _error(error: SourceError) -> dict[str, Any]:
    line, column = error.place or (None, None)
    return {
        "message": error.message,
        "line": line,
        "column": column,
        "excerpt": error.excerpt,
        "hint": error.hint,
    }
