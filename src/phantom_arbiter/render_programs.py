"""How bytecode files are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from phantom_arbiter.execution.programs import Checked, Entry, Finding
from phantom_arbiter.mints import short
from phantom_arbiter.render import plain

_WORDS = {
    Finding.SAME: "as deployed",
    Finding.ON_DISK: "as fetched",
    Finding.NO_FILE: "not there",
    Finding.NOT_LISTED: "not in the manifest",
    Finding.CHANGED: "not what was fetched",
    Finding.MOVED: "deployed anew since",
    Finding.GONE: "gone from the chain",
    Finding.UNREAD: "cannot be read",
}


def checked_to_json(folder: Path, found: Sequence[Checked], venues: Mapping[str, str]) -> dict[str, Any]:
    """Return the programs of a folder as JSON."""
    rows = []
    for each in found:
        entry = None if each.entry is None else asdict(each.entry)
        rows.append(
            {
                "program": each.program,
                "venue": venues.get(each.program),
                "finding": each.finding.value,
                "chain_slot": each.chain_slot,
                "verified_slot": each.verified_slot,
                "is_verified": each.is_verified,
                "is_good": each.is_good,
                "manifest": entry,
            }
        )
    return {"folder": str(folder), "programs": rows}


def render_checked(
    folder: Path, found: Sequence[Checked], venues: Mapping[str, str], console: Console
) -> None:
    """Print the programs of a folder."""
    table = _table("venue", "program", "bytes", "deployed in", "fetched", "state")
    for each in found:
        entry = each.entry
        state = _WORDS[each.finding]
        if each.finding is Finding.MOVED and each.chain_slot is not None:
            state += f", slot {each.chain_slot:,}"
        if each.is_verified is False:
            state += f"; verified is slot {each.verified_slot:,}"
        told = ("", "", "") if entry is None else (f"{entry.size:,}", _slot(entry), entry.fetched_at[:10])
        table.add_row(venues.get(each.program, ""), short(each.program), *told, state)
    console.print(table)
    _line(console, str(folder))


def fetched_to_json(folder: Path, entries: Sequence[Entry], failures: Mapping[str, str]) -> dict[str, Any]:
    """Return what was fetched as JSON."""
    return {"folder": str(folder), "programs": [asdict(each) for each in entries], "failures": dict(failures)}


def render_fetched(
    folder: Path,
    entries: Sequence[Entry],
    failures: Mapping[str, str],
    venues: Mapping[str, str],
    console: Console,
    notes: Console,
) -> None:
    """Print what was fetched on `console`, what could not be on `notes`."""
    if entries:
        table = _table("venue", "program", "bytes", "deployed in", "sha256")
        for each in entries:
            venue = venues.get(each.program, "")
            table.add_row(venue, short(each.program), f"{each.size:,}", _slot(each), each.sha256[:16])
        console.print(table)
        _line(console, str(folder))
    for failure in failures.values():
        _line(notes, failure)


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in names:
        table.add_column(
            name, justify="right" if name in ("bytes", "deployed in") else "left", no_wrap=name != "state"
        )
    return table


def _slot(entry: Entry) -> str:
    return "" if entry.deployed_slot is None else f"{entry.deployed_slot:,}"


def _line(console: Console, text: str) -> None:
    console.print(plain(text), highlight=False, markup=False, soft_wrap=True)
