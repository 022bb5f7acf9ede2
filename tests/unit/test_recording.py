"""The Python face of recordings; the format itself is tested in src_rust/tests/recording_properties.rs."""

import os
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from phantom_core import InvalidInput, Record, Recording, RecordingError, RecordingWriter

HEADER: dict[str, Any] = {
    "created": "2022-04-06T00:00:00Z",
    "source": "test",
    "description": "two endpoints",
    "tool": "test_recording",
    "endpoints": ["rpc-a", "rpc-b"],
    "metadata": {"label": "prix relevés", "seed": 2**63, "mints": {"So1": {"symbol": "wSOL", "decimals": 9}}},
}
RECORDS = [
    Record("connect", "rpc-a", 0),
    Record("sent", "rpc-a", 1_000, b'{"id":1}'),
    Record("received", "rpc-b", 1_000, b'{"trunc'),
    Record("received", "rpc-a", 5_000, bytes(range(256))),
    Record("disconnect", "rpc-a", 9_000_000_000),
]


def write(path: Path, records: list[Record], **options: int) -> Path:
    with RecordingWriter(path, HEADER, **options) as writer:
        for record in records:
            writer.append(record.kind, record.endpoint, record.arrival_ns, record.frame)
    return path


def test_recording_returns_what_was_written(tmp_path: Path) -> None:
    recording = Recording(write(tmp_path / "day.phrec", RECORDS))
    assert recording.header == HEADER
    assert recording.endpoints == ["rpc-a", "rpc-b"]
    assert (recording.records, len(recording)) == (5, 5)
    assert recording.duration_ns == 9_000_000_000
    assert recording.torn_at is None
    assert list(recording) == RECORDS
    assert list(recording) == RECORDS  # every iteration starts anew


def test_since_returns_the_records_from_a_time_on(tmp_path: Path) -> None:
    recording = Recording(write(tmp_path / "day.phrec", RECORDS, block_bytes=1))
    assert list(recording.since(1_000)) == RECORDS[1:]
    assert list(recording.since(1_001)) == RECORDS[3:]
    assert list(recording.since(9_000_000_001)) == []


def test_block_size_and_level_do_not_change_the_records(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / f"{level}-{block_bytes}.phrec", RECORDS, level=level, block_bytes=block_bytes)
        for level in (1, 22)
        for block_bytes in (1, 300, 1 << 27)
    ]
    assert [list(Recording(path)) for path in paths] == [RECORDS] * len(paths)


def test_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (write(tmp_path / name, RECORDS) for name in ("a.phrec", "b.phrec"))
    assert first.read_bytes() == second.read_bytes()


def test_writer_that_was_never_closed_leaves_its_flushed_records(tmp_path: Path) -> None:
    path = tmp_path / "crash.phrec"
    writer = RecordingWriter(path, HEADER)
    writer.append("connect", "rpc-a", 0)
    writer.flush()
    writer.append("connect", "rpc-b", 1)
    del writer
    recording = Recording(path)
    assert list(recording) == [Record("connect", "rpc-a", 0)]
    assert recording.torn_at == path.stat().st_size


def test_error_inside_the_with_block_still_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "day.phrec"

    def fail_half_way() -> None:
        with RecordingWriter(path, HEADER) as writer:
            writer.append("connect", "rpc-a", 0)
            raise KeyError

    with pytest.raises(KeyError):
        fail_half_way()
    assert Recording(path).torn_at is None
    assert Recording(path).records == 1


def test_cut_file_gives_the_whole_blocks_and_says_where(tmp_path: Path) -> None:
    path = write(tmp_path / "day.phrec", RECORDS, block_bytes=1)
    content = path.read_bytes()
    third = block_start(content, 2)
    path.write_bytes(content[: third + 20])
    recording = Recording(path)
    assert list(recording) == RECORDS[:2]
    assert recording.torn_at == third


def block_start(content: bytes | bytearray, number: int) -> int:
    at = -1
    for _ in range(number + 1):
        at = content.index(b"BLCK", at + 1)
    return at


def test_damage_in_the_middle_names_record_and_byte(tmp_path: Path) -> None:
    path = write(tmp_path / "day.phrec", RECORDS, block_bytes=1)
    content = bytearray(path.read_bytes())
    second = block_start(content, 1)
    content[second + 20] ^= 1
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=f"corrupt at record 1, byte {second}"):
        list(Recording(path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist; hint: check the path"),
        (b"", "is not a recording: it begins with nothing"),
        (b"PK\x03\x04 a zip archive", "is not a recording: it begins with the bytes 50 4b 03 04"),
        (b"\x89PHREC\r\n\x01", "ends at byte 9, inside its header"),
        (b"\x89PHREC\r\n\x02\0\0\0" + bytes(12), "format version 2, this release reads up to 1"),
    ],
)
def test_unusable_file_is_one_sentence(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "x.phrec"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecordingError) as raised:
        Recording(path)
    assert message in str(raised.value)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_folder_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="it is not a file"):
        Recording(tmp_path)


def test_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    path = write(tmp_path / "day.phrec", RECORDS)
    with pytest.raises(RecordingError, match="already exists"):
        RecordingWriter(path, HEADER)
    assert list(Recording(path)) == RECORDS


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": 3}, "key `source` holds 3, it must be a text"),
        ({"endpoints": ["a", "a"]}, "a list of distinct names"),
        ({"metadata": []}, "key `metadata` holds"),
    ],
)
def test_unusable_header_names_the_key(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordingError, match=message):
        RecordingWriter(tmp_path / "x.phrec", HEADER | change)


FULL_DISK = """
import resource, sys
from phantom_core import RecordingError, RecordingWriter
from test_recording import HEADER, full_disk_frames

# No file of this process may grow beyond 20 kB, as on a full disk.
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
writer = RecordingWriter(sys.argv[1], HEADER, level=1, block_bytes=3_000)
try:
    for number, frame in enumerate(full_disk_frames()):
        writer.append("received", "rpc-a", number, frame)
except RecordingError as error:
    print(error)
try:
    writer.flush()
except RecordingError as error:
    print(error)
"""


def full_disk_frames() -> list[bytes]:
    return [Random(number).randbytes(3_000) for number in range(10)]


def test_full_disk_leaves_the_whole_blocks_and_closes_the_writer(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="needs POSIX file size limits")
    path = tmp_path / "day.phrec"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    command = [sys.executable, "-c", FULL_DISK, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert "cannot write recording" in first
    assert "is closed" in second
    frames = full_disk_frames()
    recording = Recording(path)
    assert recording.torn_at == path.stat().st_size
    assert [record.frame for record in recording] == frames[: recording.records]
    assert recording.records == 6


def test_refused_records_name_what_is_wrong(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "x.phrec", HEADER) as writer:
        writer.append("connect", "rpc-a", 100)
        with pytest.raises(InvalidInput, match="99 ns, before the last one at 100 ns"):
            writer.append("connect", "rpc-a", 99)
        with pytest.raises(InvalidInput, match="endpoint `rpc-z` is unknown, the header lists 2"):
            writer.append("connect", "rpc-z", 100)
        with pytest.raises(InvalidInput, match="has no frame, 1 bytes given"):
            writer.append("connect", "rpc-a", 100, b"x")
        with pytest.raises(InvalidInput, match="kind is `opened`"):
            writer.append("opened", "rpc-a", 100)  # type: ignore[arg-type]
        assert writer.records == 1
    with pytest.raises(RecordingError, match="is closed"):
        writer.append("connect", "rpc-a", 100)


def test_record_is_a_value() -> None:
    record = Record("received", "rpc-a", 7, b"frame")
    assert (record.kind, record.endpoint, record.arrival_ns, record.frame) == (
        "received",
        "rpc-a",
        7,
        b"frame",
    )
    assert record == Record("received", "rpc-a", 7, b"frame")
    assert len({record, Record("received", "rpc-a", 7, b"frame"), Record("sent", "rpc-a", 7, b"frame")}) == 2
    assert record != "record"
    assert repr(record) == "Record(received, rpc-a, arrival_ns=7, frame of 5 bytes)"
    with pytest.raises(AttributeError):
        record.kind = "sent"  # type: ignore[misc]
