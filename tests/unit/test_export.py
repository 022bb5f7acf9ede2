"""Export to Parquet: the rows are the records, and what an aggregator delivers from them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from phantom_arbiter.errors import ConfigError, MissingExtraError, RecordingError
from phantom_arbiter.replay import export as exporting
from phantom_arbiter.replay.deliveries import deliveries
from phantom_arbiter.replay.export import Table, export
from phantom_arbiter.replay.parts import RecordingParts
from phantom_core import AccountUpdate, Record
from recorded_sessions import demo_header, demo_records, write_parts

pyarrow = pytest.importorskip("pyarrow", reason="needs phantom-arbiter[parquet]")
parquet = pytest.importorskip("pyarrow.parquet")

COUNT = 4_000


@pytest.fixture
def parts(tmp_path: Path) -> tuple[list[Record], RecordingParts]:
    records = demo_records(COUNT)
    middle_ns = records[COUNT // 2].arrival_ns
    paths = write_parts(tmp_path / "day.phrec", records, demo_header(), max_file_ns=middle_ns)
    assert len(paths) > 1
    return records, RecordingParts(paths)


def rows(path: Path) -> list[dict[str, object]]:
    table = parquet.read_table(path)
    at = table.schema.get_field_index("arrived_at")
    # Python's own timestamps have no nanoseconds.
    return list(table.set_column(at, "arrived_at", table["arrived_at"].cast(pyarrow.int64())).to_pylist())


def test_writes_are_what_an_aggregator_delivers(
    parts: tuple[list[Record], RecordingParts], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "GROUP_BYTES", 20_000)
    records, recording = parts
    reports: list[tuple[int, int]] = []
    (written,) = export(recording, tmp_path / "w.parquet", Table.WRITES, lambda *at: reports.append(at))
    expected = [
        {
            "slot": update.slot,
            "arrival_ns": record.arrival_ns,
            "arrived_at": record.arrival_ns + 7,
            "endpoint": record.endpoint,
            "pubkey": update.pubkey,
            "owner": update.owner,
            "lamports": update.lamports,
            "data": update.data,
        }
        for record, news in deliveries(records)
        for update in news
        if isinstance(update, AccountUpdate)
    ]
    assert len(expected) > 1_000
    assert rows(written.path) == expected
    assert (written.rows, written.file_bytes) == (len(expected), written.path.stat().st_size)
    assert reports[-1] == (COUNT, COUNT)


def test_frames_are_the_records(parts: tuple[list[Record], RecordingParts], tmp_path: Path) -> None:
    records, recording = parts
    frames, writes = export(recording, tmp_path / "x.parquet")
    assert [one.path.name for one in (frames, writes)] == ["x-frames.parquet", "x-writes.parquet"]
    assert [(row["kind"], row["endpoint"], row["arrival_ns"], row["frame"]) for row in rows(frames.path)] == [
        (record.kind, record.endpoint, record.arrival_ns, record.frame) for record in records
    ]
    assert parquet.ParquetFile(frames.path).metadata.row_group(0).column(0).compression == "ZSTD"


def test_groups_of_rows_are_bounded(
    parts: tuple[list[Record], RecordingParts], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "GROUP_ROWS", 300)
    (written,) = export(parts[1], tmp_path / "x.parquet", Table.FRAMES)
    metadata = parquet.ParquetFile(written.path).metadata
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert groups == [300] * (COUNT // 300) + [COUNT % 300]


def test_polars_and_duckdb_read_it(parts: tuple[list[Record], RecordingParts], tmp_path: Path) -> None:
    (written,) = export(parts[1], tmp_path / "w.parquet", Table.WRITES)
    expected = {row["pubkey"] for row in rows(written.path)}
    polars = pytest.importorskip("polars", exc_type=ImportError)
    assert set(polars.read_parquet(written.path)["pubkey"]) == expected
    duckdb = pytest.importorskip("duckdb", exc_type=ImportError)
    found = duckdb.sql(f"select distinct pubkey from '{written.path}'").fetchall()
    assert {pubkey for (pubkey,) in found} == expected


def test_existing_file_is_not_overwritten(parts: tuple[list[Record], RecordingParts], tmp_path: Path) -> None:
    (tmp_path / "x-writes.parquet").write_bytes(b"mine")
    with pytest.raises(ConfigError, match=r"x-writes.parquet already exists and is not overwritten"):
        export(parts[1], tmp_path / "x.parquet")
    assert sorted(tmp_path.glob("x*")) == [tmp_path / "x-writes.parquet"]


def test_corrupt_recording_leaves_no_file(parts: tuple[list[Record], RecordingParts], tmp_path: Path) -> None:
    path = parts[1].paths[0]
    content = bytearray(path.read_bytes())
    content[content.index(b"BLCK") + 60] ^= 1
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="corrupt at record 0"):
        export(RecordingParts([path]), tmp_path / "x.parquet")
    assert not list(tmp_path.glob("x*"))


def test_folder_that_is_not_there_is_one_sentence(
    parts: tuple[list[Record], RecordingParts], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"folder .*gone does not exist"):
        export(parts[1], tmp_path / "gone" / "x.parquet")


def test_missing_library_says_how_to_get_it(
    parts: tuple[list[Record], RecordingParts], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'phantom-arbiter\[parquet\]'"):
        export(parts[1], tmp_path / "x.parquet")


FULL = """
import resource, sys
from pathlib import Path
from phantom_arbiter.replay.export import export
from phantom_arbiter.replay.parts import RecordingParts
from phantom_core import RecordingError
import pyarrow.parquet

resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    export(RecordingParts([Path(sys.argv[1])]), Path(sys.argv[2]))
except RecordingError as error:
    print(error)
"""


def test_full_disk_is_one_sentence_and_leaves_no_file(
    parts: tuple[list[Record], RecordingParts], tmp_path: Path
) -> None:
    pytest.importorskip("resource", reason="needs POSIX file size limits")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", FULL, str(parts[1].paths[0]), str(tmp_path / "x.parquet")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "x.parquet cannot be written: File too large" in done.stdout
    assert not list(tmp_path.glob("x*"))
