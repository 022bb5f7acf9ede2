"""Broken recordings and journals: one sentence on stderr, the right status, no traceback."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from phantom_arbiter.cli import main
from phantom_arbiter.journal import read_journal
from phantom_arbiter.sources.recorded import DEMO_RECORDING


def sentence(capsys: pytest.CaptureFixture[str]) -> str:
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if line.startswith("phantom: ")]
    assert len(lines) == 1, error
    assert "Traceback" not in error
    return lines[0]


def run(tmp_path: Path, *words: str) -> int:
    words = words if "--journal" in words else (*words, "--journal", str(tmp_path / "j.sqlite"))
    return main(["run", "--ui", "plain", "--json", *words])


def test_torn_recording_is_replayed_up_to_the_tear_and_ends_with_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torn = tmp_path / "torn.phrec"
    torn.write_bytes(DEMO_RECORDING.read_bytes()[:300_000])
    assert run(tmp_path, "--recording", str(torn)) == 1
    written = capsys.readouterr()
    summary = json.loads(written.out)
    assert summary["trades"]["filled"] == len(read_journal(tmp_path / "j.sqlite").attempts) > 0
    assert [line for line in written.err.splitlines() if line.startswith("phantom: ")] == [
        "phantom: error: recording torn is torn at byte 278229: replayed the 16787 whole records before it; "
        "hint: the recorder was interrupted, or the copy is not complete"
    ]


def flipped(path: Path) -> None:
    data = bytearray(DEMO_RECORDING.read_bytes())
    data[200_000] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("make", "status", "says"),
    [
        (lambda path: None, 2, "does not exist"),
        (lambda path: path.mkdir(), 2, "is not a file"),
        (lambda path: path.write_bytes(b""), 1, "not a recording"),
        (lambda path: path.write_bytes(b"hello" * 100), 1, "not a recording"),
        (lambda path: path.write_bytes(DEMO_RECORDING.read_bytes()[:10]), 1, "inside its header"),
        (flipped, 1, "checksum is wrong"),
    ],
    ids=["missing", "folder", "empty", "text", "header", "flipped"],
)
def test_recording_that_cannot_be_replayed(
    make: Callable[[Path], object], status: int, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file.phrec"
    make(path)
    assert run(tmp_path, "--recording", str(path)) == status
    assert says in sentence(capsys)


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table x (a)")
    connection.close()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.write_text("hello"), "is not an SQLite database"),
        (foreign, "not a PhantomArbiter journal"),
        (lambda path: path.mkdir(), "is a directory"),
    ],
    ids=["text", "foreign", "folder"],
)
def test_journal_that_cannot_be_written(
    make: Callable[[Path], object], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file.sqlite"
    make(path)
    assert run(tmp_path, "--journal", str(path)) == 1
    assert says in sentence(capsys)


def test_journal_cut_short_is_corrupt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) == 0
    capsys.readouterr()
    path = tmp_path / "j.sqlite"
    path.write_bytes(path.read_bytes()[:3000])
    assert run(tmp_path) == 1
    assert "is corrupt" in sentence(capsys)
