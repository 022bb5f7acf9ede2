"""The backlog of one viewer, driven by chance against a reader at the other end."""

import socket
import struct
from collections.abc import Iterator
from contextlib import closing

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_arbiter.telemetry import viewer as viewers
from phantom_arbiter.telemetry.records import AskCurve
from phantom_arbiter.telemetry.viewer import BadViewerError, Viewer, framed


@pytest.fixture
def pair() -> Iterator[tuple[Viewer, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with closing(ours), closing(theirs):
        yield Viewer(ours), theirs


def frames_of(received: bytes) -> list[bytes]:
    found = []
    while received:
        (length,) = struct.unpack_from("<I", received)
        assert len(received) >= 4 + length, "a frame is cut"
        found.append(received[4 : 4 + length])
        received = received[4 + length :]
    return found


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("tell"), st.integers(0, 3_000)),
            st.tuples(st.just("read"), st.integers(1, 4_000)),
        ),
        max_size=80,
    )
)
def test_frames_arrive_whole_and_in_order_with_snapshots_in_the_gaps(steps: list[tuple[str, int]]) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    theirs.setblocking(False)
    with pytest.MonkeyPatch.context() as patch, closing(ours), closing(theirs):
        patch.setattr(viewers, "MAX_BACKLOG_BYTES", 6_000)
        patch.setattr(viewers, "MAX_BACKLOG_FRAMES", 5)
        viewer, received, told, lost = Viewer(ours), bytearray(), 0, 0

        def read(length: int) -> None:
            try:
                received.extend(theirs.recv(length))
            except BlockingIOError:
                return

        for word, number in [*steps, *([("read", 4_000), ("tell", 1)] * 40)]:
            if word == "read":
                read(number)
                viewer.is_stuck = False  # as the selector says that it can be written to
            else:
                told += 1
                lost += viewer.tell(framed(b"%08d" % told + b"." * number))
            viewer.flush()
            if viewer.is_ready_for_snapshot:
                viewer.begin(framed(b"S%08d" % told))
                viewer.flush()
            assert viewer.backlog_frames <= 5 + 1
            assert viewer.backlog_bytes <= 6_000 + 3_100 + 20
        while viewer.backlog_frames:
            viewer.flush()
            read(100_000)
        read(1 << 20)
    heard = [frame[: 9 if frame.startswith(b"S") else 8] for frame in frames_of(bytes(received))]
    assert heard[0].startswith(b"S")
    at, gaps = int(heard[0][1:]), 0
    for frame in heard[1:]:
        if frame.startswith(b"S"):
            gaps += int(frame[1:]) - at
            at = int(frame[1:])
        else:
            assert int(frame) == at + 1, "what is left out comes before a snapshot"
            at += 1
    assert at == told
    assert lost <= told


def test_viewer_that_reads_nothing_gets_no_second_snapshot(pair: tuple[Viewer, socket.socket]) -> None:
    viewer, _ = pair
    viewer.begin(framed(b"s" * 1_000))
    lost = 0
    for _ in range(3_000):
        lost += viewer.tell(framed(b"x" * 10_000))
        viewer.flush()
    assert viewer.wants_snapshot
    assert not viewer.is_ready_for_snapshot
    assert viewer.backlog_bytes <= 10_004
    assert lost > 1_000


def test_snapshot_longer_than_the_backlog_is_sent_whole(pair: tuple[Viewer, socket.socket]) -> None:
    viewer, theirs = pair
    snapshot = framed(b"s" * (viewers.MAX_BACKLOG_BYTES + 1))
    viewer.begin(snapshot)
    assert viewer.tell(framed(b"x")) == 0
    received = 0
    while viewer.backlog_frames:
        viewer.flush()
        received += len(theirs.recv(1 << 20))
    assert not viewer.wants_snapshot


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_garbage_is_refused_and_never_more(parts: list[bytes]) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with closing(ours), closing(theirs):
        viewer = Viewer(ours)
        for part in parts:
            theirs.sendall(part)
            try:
                viewer.read()
            except BadViewerError:
                return


def test_questions_may_come_in_pieces(pair: tuple[Viewer, socket.socket]) -> None:
    viewer, theirs = pair
    ask = AskCurve(id=3, edges=(0, 3))
    frame = framed(msgspec.json.encode(ask)) * 2
    asked = []
    for byte in frame:
        theirs.sendall(bytes([byte]))
        asked += viewer.read() or []
    assert asked == [ask, ask]
    theirs.close()
    assert viewer.read() is None
