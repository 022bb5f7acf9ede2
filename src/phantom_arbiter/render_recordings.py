"""What a recorded file holds, as a table."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from phantom_arbiter.render import plain
from phantom_arbiter.replay.survey import Survey


def render_survey(found: Survey, console: Console) -> None:
    """Print one file: facts first, then its connections."""
    for name, value in _facts(found):
        console.print(f"{name:<12} {plain(value)}", highlight=False, markup=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    table.add_column("connection", no_wrap=True)
    for name in ("frames", "MB", "first", "malformed", "from", "to"):
        table.add_column(name, justify="right")
    for endpoint in found.endpoints:
        table.add_row(
            plain(endpoint.name),
            f"{endpoint.frames:,}",
            f"{endpoint.frame_bytes / 1e6:,.1f}",
            f"{endpoint.wins:,}",
            f"{endpoint.malformed:,}",
            _seconds(endpoint.first_ns),
            _seconds(endpoint.last_ns),
        )
    console.print(table)


def _facts(found: Survey) -> list[tuple[str, str]]:
    part = found.part
    whole = "closed" if found.torn_at is None else f"torn at byte {found.torn_at}"
    if found.torn_at is not None:
        whole += f", {found.file_bytes - found.torn_at:,} bytes cut"
    slots = "none" if found.first_slot is None else f"{found.first_slot} to {found.last_slot}"
    facts = [
        ("file", str(found.path)),
        ("holds", found.description),
        ("created", found.created),
        ("duration", _seconds(found.duration_ns)),
        ("records", f"{found.records:,}, {found.frames:,} of them frames"),
        ("size", f"{found.frame_bytes / 1e6:,.1f} MB of frames in {found.file_bytes / 1e6:,.1f} MB"),
        ("slots", slots),
        ("accounts", f"{found.accounts:,}, {found.writes:,} writes"),
        ("state", found.damage or whole),
    ]
    if part is not None:
        facts.insert(1, ("part", f"{part.number}, begins {_seconds(part.began_ns)} after the first"))
    return facts


def _seconds(ns: int | None) -> str:
    return "" if ns is None else f"{ns / 1e9:,.3f} s"
