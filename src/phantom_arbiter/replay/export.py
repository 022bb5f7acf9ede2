"""Export recordings to Parquet, for Polars, DuckDB and everything else that reads it.

Two tables. *frames*: every record as it is. *writes*: the account states that a fresh `WssAggregator` takes
from them, each once, in its order. Rows are written in groups as they come, so memory does not grow with the
recording; a file appears under its name only when it is whole.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, Self

from phantom_arbiter.errors import ConfigError, MissingExtraError, RecordingError
from phantom_arbiter.replay.deliveries import deliveries
from phantom_arbiter.replay.parts import RecordingParts
from phantom_core import AccountUpdate, Record

GROUP_BYTES = 32 << 20
"""A group of rows ends with the row that brings its frames or account data to this size."""
GROUP_ROWS = 100_000
"""Most rows of a group."""
REPORT_EVERY = 5_000
"""Records between two reports of progress."""

FRAMES = ("arrival_ns", "arrived_at", "endpoint", "kind", "frame")
WRITES = ("slot", "arrival_ns", "arrived_at", "endpoint", "pubkey", "owner", "lamports", "data")


class Table(StrEnum):
    """What to export."""

    BOTH = "both"
    FRAMES = "frames"
    WRITES = "writes"


@dataclass(frozen=True, slots=True)
class Exported:
    """One file that was written."""

    path: Path
    table: str
    rows: int
    file_bytes: int


def export(
    recording: RecordingParts,
    out: Path,
    table: Table = Table.BOTH,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Exported]:
    """Write `recording` as Parquet; return the files.

    One table goes to `out` itself, both go to `NAME-frames.parquet` and `NAME-writes.parquet` beside it.

    Raises:
        MissingExtraError: pyarrow is not installed.
        ConfigError: A file is there already, or its folder is not.
        RecordingError: The recording is corrupt, or the disk is full; no file is left then.
    """
    pyarrow, parquet = _library("pyarrow"), _library("pyarrow.parquet")
    chosen = [Table.FRAMES, Table.WRITES] if table is Table.BOTH else [table]
    paths = {
        one: out.with_name(f"{out.stem}-{one.value}{out.suffix or '.parquet'}")
        if table is Table.BOTH
        else out
        for one in chosen
    }
    for path in paths.values():
        if path.exists():
            raise ConfigError(f"{path} already exists and is not overwritten", hint="choose another --out")
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: folder {out.parent} does not exist")
    began_unix_ns = _began_unix_ns(recording)
    try:
        with _Tables(pyarrow, parquet, paths, recording.header) as tables:
            _write(recording, tables, began_unix_ns, on_progress)
            return tables.finish()
    except OSError as error:
        # pyarrow's errors carry the system's number, and a text of their own.
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise RecordingError(f"export {out} cannot be written: {reason}") from error


def _write(
    recording: RecordingParts,
    tables: _Tables,
    began_unix_ns: int | None,
    on_progress: Callable[[int, int], None],
) -> None:
    frames, writes = tables.get(Table.FRAMES), tables.get(Table.WRITES)
    total = recording.records
    source = deliveries(recording) if writes else ((record, ()) for record in recording)
    for done, (record, news) in enumerate(source, start=1):
        arrived_at = None if began_unix_ns is None else began_unix_ns + record.arrival_ns
        if frames:
            frames.add(_frame(record, arrived_at), len(record.frame))
        if writes:
            for update in news:
                if isinstance(update, AccountUpdate):
                    data = update.data
                    writes.add(_account(update, data, record, arrived_at), len(data or b""))
        if done % REPORT_EVERY == 0:
            on_progress(done, total)
    on_progress(total, total)


def _frame(record: Record, arrived_at: int | None) -> tuple[Any, ...]:
    return record.arrival_ns, arrived_at, record.endpoint, record.kind, record.frame


def _account(
    update: AccountUpdate, data: bytes | None, record: Record, arrived_at: int | None
) -> tuple[Any, ...]:
    where = (update.slot, record.arrival_ns, arrived_at, record.endpoint)
    return (*where, update.pubkey, update.owner, update.lamports, data)


def _began_unix_ns(recording: RecordingParts) -> int | None:
    """Return when arrival 0 was; None if the recording does not say."""
    metadata = recording.header.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(began := metadata.get("began_unix_ns"), int):
        return None
    return began + recording.began_ns


class _Rows:
    """Rows on their way into one file."""

    def __init__(self, pyarrow: ModuleType, parquet: ModuleType, path: Path, schema: Any) -> None:
        self._pyarrow = pyarrow
        self._schema = schema
        self.path = path
        self.partial = path.with_name(path.name + ".partial")
        # Compressed column by column; names and kinds as dictionaries, frames and data as they are.
        words = [name for name in schema.names if name in ("endpoint", "kind", "pubkey", "owner")]
        self._writer = parquet.ParquetWriter(
            self.partial, schema, compression="zstd", use_dictionary=words, version="2.6"
        )
        self._rows: list[tuple[Any, ...]] = []
        self._bytes = 0
        self.count = 0

    def add(self, row: tuple[Any, ...], size: int) -> None:
        self._rows.append(row)
        self._bytes += size
        self.count += 1
        if self._bytes >= GROUP_BYTES or len(self._rows) >= GROUP_ROWS:
            self._write_group()

    def close(self) -> None:
        try:
            if self._rows:
                self._write_group()
        finally:
            self._writer.close()

    def give_up(self) -> None:
        """Remove what was written, unless it has its name already."""
        with suppress(OSError):
            self._writer.close()
        self.partial.unlink(missing_ok=True)

    def _write_group(self) -> None:
        columns = [
            self._pyarrow.array(values, type=field.type)
            for values, field in zip(zip(*self._rows, strict=True), self._schema, strict=True)
        ]
        self._rows, self._bytes = [], 0
        self._writer.write_table(self._pyarrow.Table.from_arrays(columns, schema=self._schema))


class _Tables:
    """The files of one export: all of them under their names, or none."""

    def __init__(
        self, pyarrow: ModuleType, parquet: ModuleType, paths: dict[Table, Path], header: dict[str, Any]
    ) -> None:
        types = {
            "arrival_ns": pyarrow.int64(),
            "arrived_at": pyarrow.timestamp("ns", tz="UTC"),
            "slot": pyarrow.uint64(),
            "lamports": pyarrow.uint64(),
            "frame": pyarrow.binary(),
            "data": pyarrow.binary(),
        }
        about = {"description": str(header.get("description", "")), "created": str(header.get("created", ""))}
        self._tables: dict[Table, _Rows] = {}
        for table, path in paths.items():
            names = FRAMES if table is Table.FRAMES else WRITES
            fields = [(name, types.get(name, pyarrow.string())) for name in names]
            schema = pyarrow.schema(fields, metadata=about)
            self._tables[table] = _Rows(pyarrow, parquet, path, schema)

    def get(self, table: Table) -> _Rows | None:
        return self._tables.get(table)

    def finish(self) -> list[Exported]:
        for rows in self._tables.values():
            rows.close()
        for rows in self._tables.values():
            rows.partial.replace(rows.path)
        return [
            Exported(rows.path, table.value, rows.count, rows.path.stat().st_size)
            for table, rows in self._tables.items()
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for rows in self._tables.values():
            rows.give_up()


def _library(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        hint = "pip install 'phantom-arbiter[parquet]'"
        raise MissingExtraError("an export needs pyarrow, which is not installed", hint=hint) from error


def exported_json(files: Sequence[Exported]) -> list[dict[str, Any]]:
    """Return the files for `json.dumps`."""
    return [
        {"path": str(file.path), "table": file.table, "rows": file.rows, "file_bytes": file.file_bytes}
        for file in files
    ]
