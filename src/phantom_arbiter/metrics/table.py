"""The metrics as a table for people: docs/METRICS.md has it, and a test keeps it current."""

from __future__ import annotations

from phantom_arbiter.metrics.exposition import names


def metric_table() -> str:
    """Return every family as a row of a Markdown table."""
    rows = ["| metric | kind | labels | what it is |", "|---|---|---|---|"]
    for name, kind, labels, help_text in names():
        named = ", ".join(f"`{label}`" for label in labels)
        rows.append(f"| `{name}` | {kind} | {named} | {help_text} |")
    return "\n".join(rows) + "\n"
