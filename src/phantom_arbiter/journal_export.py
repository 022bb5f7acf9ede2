"""A journal's attempts as a table, for spreadsheets and data frames: CSV, or Parquet.

One row per attempt. Amounts are whole base units of `base_mint` unless the name says lamports; hops are JSON
text. The file appears under its name only when it is whole, and an existing one is not overwritten.
"""

from __future__ import annotations

import csv
import importlib
import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from phantom_arbiter.errors import ConfigError, JournalError, MissingExtraError
from phantom_arbiter.journal import AttemptRow, JournalReport
from phantom_arbiter.journal.live_rows import LiveRow
from phantom_arbiter.journal.selection import day_of

_TEXT = frozenset(
    {
        "mode",
        "state",
        "kind",
        "day",
        "strategy",
        "base_mint",
        "venues",
        "hops",
        "reason",
        "signature",
        "blockhash",
        "nonce_account",
        "wallet",
        "base_account",
        "bundle_id",
    }
)
"""Columns of text; all others hold whole numbers."""

_LIVE = tuple(each.name for each in fields(LiveRow))
COLUMNS = (
    "id",
    "run_id",
    "mode",
    *(
        each.name
        for each in fields(AttemptRow)
        if each.name not in ("id", "run_id", "hops", "venues", "live")
    ),
    "day",
    "venues",
    "hops",
    *_LIVE,
)
"""In the order of the file."""


def export_journal(report: JournalReport, out: Path) -> int:
    """Write the attempts of `report` to `out`; return how many.

    Raises:
        ConfigError: The name ends in neither .csv nor .parquet, the file is there already, or its folder is
            not.
        MissingExtraError: Parquet without pyarrow.
        JournalError: The file cannot be written.
    """
    if out.suffix not in (".csv", ".parquet"):
        raise ConfigError(f"--export is {out}, its name may end in .csv or .parquet")
    if out.exists():
        raise ConfigError(f"{out} already exists and is not overwritten", hint="choose another --export")
    if not out.parent.is_dir():
        raise ConfigError(f"--export {out}: folder {out.parent} does not exist")
    modes = {run.id: run.mode for run in report.runs}
    rows = [_row(row, modes[row.run_id]) for row in report.attempts]
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        (_write_csv if out.suffix == ".csv" else _write_parquet)(rows, unfinished)
        unfinished.replace(out)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise JournalError(f"export {out} cannot be written: {reason}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()
    return len(rows)


def _row(row: AttemptRow, mode: str) -> tuple[Any, ...]:
    values = {each.name: getattr(row, each.name) for each in fields(row)}
    live = values.pop("live")
    values.update(
        mode=mode,
        day=day_of(row),
        venues=" ".join(row.venues),
        hops=json.dumps([asdict(hop) for hop in row.hops], separators=(",", ":")),
    )
    values.update(dict.fromkeys(_LIVE) if live is None else asdict(live))
    return tuple(values[name] for name in COLUMNS)


def _write_csv(rows: Iterable[Sequence[Any]], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def _write_parquet(rows: Sequence[Sequence[Any]], path: Path) -> None:
    try:
        pyarrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        hint = "pip install 'phantom-arbiter[parquet]'"
        raise MissingExtraError("an export needs pyarrow, which is not installed", hint=hint) from error
    types = {name: pyarrow.string() if name in _TEXT else pyarrow.int64() for name in COLUMNS}
    columns = [pyarrow.array([row[at] for row in rows], type=types[name]) for at, name in enumerate(COLUMNS)]
    parquet.write_table(pyarrow.table(columns, names=list(COLUMNS)), path)
