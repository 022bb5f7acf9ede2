"""A recording in parts: together they are the whole, and each stands alone."""

from pathlib import Path

import pytest

from phantom_arbiter.errors import RecordingError
from phantom_arbiter.replay.deliveries import deliveries
from phantom_arbiter.replay.parts import Part, RecordingParts, part_of
from phantom_core import Record, Recorder, Recording, SlotUpdate, WssAggregator
from recorded_sessions import HEADER, demo_header, demo_records, write_parts

HOUR_NS = 3_600_000_000_000
ASK = b'{"jsonrpc":"2.0","id":1,"method":"slotSubscribe"}'
GRANT = b'{"jsonrpc":"2.0","result":7,"id":1}'


def slot(number: int) -> bytes:
    result = b'{"parent":%d,"root":1,"slot":%d}' % (number - 1, number)
    return b'{"jsonrpc":"2.0","method":"slotNotification","params":{"result":%b,"subscription":7}}' % result


SESSION = [
    Record("connect", "rpc/0", 0),
    Record("sent", "rpc/0", 1, ASK),
    Record("received", "rpc/0", 2, GRANT),
    *(Record("received", "rpc/0", 100 * number, slot(number)) for number in range(1, 10)),
    Record("disconnect", "rpc/0", 1_000),
]


def test_parts_in_any_order_are_the_whole(tmp_path: Path) -> None:
    paths = write_parts(tmp_path / "x.phrec", SESSION, max_file_ns=250)
    assert len(paths) == 4
    parts = RecordingParts(paths[::-1])
    assert list(parts) == list(parts) == SESSION
    assert (parts.records, parts.duration_ns, parts.torn) == (len(SESSION), 1_000, None)
    assert parts.paths == paths


def test_part_alone_begins_with_what_is_in_force_and_is_understood(tmp_path: Path) -> None:
    paths = write_parts(tmp_path / "x.phrec", SESSION, max_file_ns=250)
    records = list(RecordingParts(paths[1:2]))
    assert [record.kind for record in records[:3]] == ["connect", "sent", "received"]
    assert part_of(Recording(paths[1]).header) == Part("abc", 2, 300, 3)
    heard = [
        update.slot for _, news in deliveries(records) for update in news if isinstance(update, SlotUpdate)
    ]
    assert heard == [3, 4, 5]


def test_connection_that_is_new_begins_a_part(tmp_path: Path) -> None:
    session = [*SESSION[:4], Record("connect", "other/0", 150), *SESSION[4:]]
    paths = write_parts(tmp_path / "x.phrec", session)
    assert [Recording(path).endpoints for path in paths] == [["rpc/0"], ["rpc/0", "other/0"]]
    assert list(RecordingParts(paths)) == session


def test_rotated_day_delivers_what_the_whole_does(tmp_path: Path) -> None:
    records = demo_records(9_000)
    paths = write_parts(
        tmp_path / "day.phrec", records, demo_header(), max_file_ns=2 * HOUR_NS, block_bytes=1 << 20
    )
    assert len(paths) > 2
    assert list(RecordingParts(paths)) == records

    alone = WssAggregator()
    assert sum(len(news) for _, news in deliveries(RecordingParts(paths[1:2]), alone)) > 500
    unknown = [stats.malformed for stats in alone.stats().endpoints]
    whole = WssAggregator()
    assert sum(len(news) for _, news in deliveries(records, whole)) > 2_000
    # Nothing in a part alone is less understood than in the whole.
    assert {reason for counts in unknown for reason in counts} <= {
        reason for stats in whole.stats().endpoints for reason in stats.malformed
    }


def test_missing_doubled_and_foreign_parts_are_named(tmp_path: Path) -> None:
    paths = write_parts(tmp_path / "x.phrec", SESSION, max_file_ns=250)
    with pytest.raises(RecordingError, match=r"part 2 is missing between .*x-0001.phrec and .*x-0003.phrec"):
        RecordingParts([paths[0], paths[2]])
    with pytest.raises(RecordingError, match="are the same part 1"):
        RecordingParts([paths[0], paths[0]])
    foreign = HEADER | {"metadata": HEADER["metadata"] | {"recording": "other"}}
    other = write_parts(tmp_path / "y.phrec", SESSION, foreign, max_file_ns=250)
    with pytest.raises(RecordingError, match="are parts of different recordings"):
        RecordingParts([paths[0], other[1]])
    with pytest.raises(RecordingError, match="no recording is named"):
        RecordingParts([])


def test_part_that_lost_its_repeated_records_is_still_read(tmp_path: Path) -> None:
    """As after a crash between the creation of a file and its first block."""
    paths = write_parts(tmp_path / "x.phrec", SESSION[:6], max_file_ns=250)
    content = paths[1].read_bytes()
    paths[1].write_bytes(content[: content.index(b"BLCK")])
    parts = RecordingParts(paths)
    assert list(parts) == SESSION[:5]
    assert parts.torn == (paths[1], content.index(b"BLCK"))


@pytest.mark.parametrize("part", [None, [], {"number": "1"}, {"number": 1, "began_ns": -1, "carried": 0}])
def test_header_that_says_nonsense_about_its_part_says_nothing(part: object) -> None:
    assert part_of({"metadata": {"part": part}}) is None
    assert part_of({"metadata": part}) is None


def test_seek_by_slot_begins_at_the_frame_that_reaches_it(tmp_path: Path) -> None:
    with Recorder(tmp_path / "x.phrec", HEADER, block_bytes=300) as recorder:
        for record in SESSION:
            recorder.append(record.kind, record.endpoint, record.arrival_ns, record.frame)
        recorder.append("received", "rpc/0", 2_000, slot(2**63))
    recording = Recording(next(tmp_path.iterdir()).with_name("x-0001.phrec"))
    assert [record.arrival_ns for record in recording.since_slot(7)] == [700, 800, 900, 1_000, 2_000]
    assert list(recording.since_slot(10)) == []


def test_recorder_takes_any_buffer_and_counts(tmp_path: Path) -> None:
    with Recorder(tmp_path / "x.phrec", HEADER | {"endpoints": ["rpc/0"]}) as recorder:
        number = recorder.connection("rpc/0")
        for frame in (b"one", bytearray(b"two"), memoryview(b"xthreex")[1:6]):
            recorder.received(number, 5, frame)
        recorder.flush()
        stats = recorder.stats()
    assert (stats.records, stats.frames, stats.frame_bytes, stats.lost, stats.parts) == (3, 3, 11, 0, 1)
    assert stats.path == tmp_path / "x-0001.phrec"
    assert [record.frame for record in Recording(stats.path)] == [b"one", b"two", b"three"]
    with pytest.raises(RecordingError, match="is closed"):
        recorder.received(number, 6, b"late")
