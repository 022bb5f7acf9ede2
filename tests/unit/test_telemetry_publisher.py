"""A run with viewers that behave and viewers that do not: the run never notices."""

from __future__ import annotations

import errno
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

import shipped_day
from journal_bytes import decided
from phantom_arbiter.config_sources import load
from phantom_arbiter.errors import JournalError
from phantom_arbiter.journal import Journal, RiskChange, read_journal
from phantom_arbiter.mints import MintBook
from phantom_arbiter.session import run_session
from phantom_arbiter.summary import SourceInfo, Summary
from phantom_arbiter.telemetry import publisher as publishing
from phantom_arbiter.telemetry import viewer as viewers
from phantom_arbiter.telemetry.bus import Both, Bus
from phantom_arbiter.telemetry.follow import BlockingFollower
from phantom_arbiter.telemetry.model import RunModel
from phantom_arbiter.telemetry.publisher import Publisher
from phantom_arbiter.telemetry.records import Control, Done, End, Hello, Moment, Snapshot
from phantom_arbiter.telemetry.serving import Viewing
from phantom_arbiter.telemetry.sockets import listen
from phantom_core import Engine, Record
from shell_fakes import FakeObserver, FakeSource, StepClock

INFO = SourceInfo(
    "day", "a market", "recorded prices", "ab" * 32, 32_146, MintBook(), assume_plain_mints=True
)
UP_TO = 3
"""Signals of the day that a run sees."""


@dataclass
class Watched:
    """What a session and its viewers came to."""

    summary: Summary
    journal: bytes
    observer: FakeObserver


class PacedSource(FakeSource):
    """The day, in which something happens after some of its records."""

    def __init__(self, steps: dict[int, Callable[[], None]]) -> None:
        super().__init__(shipped_day.up_to_signal(UP_TO))
        self._steps = steps

    def __iter__(self) -> Iterator[Record]:
        for count, record in enumerate(super().__iter__()):
            step = self._steps.get(count)
            if step is not None:
                step()
            yield record


@dataclass
class Stage:
    """A session that can be given viewers on its way."""

    folder: Path
    steps: dict[int, Callable[[], None]] = field(default_factory=dict)
    begun: list[Callable[[Publisher], None]] = field(default_factory=list)
    publisher: Publisher | None = None
    observer: FakeObserver = field(default_factory=FakeObserver)

    @property
    def path(self) -> Path:
        assert self.publisher is not None
        return self.publisher.path

    def run(
        self, *, publish: bool = True, has_publisher: bool = True, market: Engine | None = None
    ) -> Watched:
        observer = self.observer
        journal = self.folder / "j.sqlite"
        effective = load(
            {
                "journal": {"path": journal},
                "risk": {"price_reference": "outside"},
                "telemetry": {"publish": publish},
            }
        )
        bus = Bus()

        def begun(publisher: Publisher | None) -> None:
            assert (publisher is not None) == has_publisher
            if publisher is None:
                return
            self.publisher = publisher
            for step in self.begun:
                step(publisher)

        summary = run_session(
            effective,
            INFO,
            PacedSource(self.steps),
            market or shipped_day.market(),
            Both(bus, observer) if publish else observer,
            viewing=Viewing(bus, begun) if publish else None,
            clock_ns=StepClock(10),
        )
        return Watched(summary, decided(journal), observer)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    (tmp_path / "watched").mkdir()
    return Stage(tmp_path / "watched")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """The same run without anybody who could follow."""
    return Stage(tmp_path_factory.mktemp("alone")).run(publish=False)


def assert_same(watched: Watched, alone: Watched) -> None:
    assert watched.journal == alone.journal
    assert watched.summary.state_digest == alone.summary.state_digest
    assert watched.observer.trades == alone.observer.trades


class Following:
    """A viewer in a thread of its own that folds what it hears until the end."""

    def __init__(self, path: Path) -> None:
        self.model = RunModel()
        self.heard: list[object] = []
        self._follower = BlockingFollower(path)
        self.has_snapshot = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        with self._follower as follower:
            for _, record in follower:
                self.heard.append(record)
                self.model.apply(record)
                if isinstance(record, Snapshot):
                    self.has_snapshot.set()

    def join(self) -> RunModel:
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.model


def connected(path: Path) -> socket.socket:
    viewer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    viewer.connect(str(path))
    return viewer


def framed(message: bytes) -> bytes:
    return struct.pack("<I", len(message)) + message


def test_viewer_from_the_beginning_hears_all_trades_and_the_end(stage: Stage, alone: Watched) -> None:
    followed: list[Following] = []

    def follow(publisher: Publisher) -> None:
        followed.append(Following(publisher.path))
        assert followed[-1].has_snapshot.wait(10)

    stage.begun.append(follow)
    watched = stage.run()
    model = followed[0].join()
    assert_same(watched, alone)
    assert [type(record) for record in followed[0].heard[:2]] == [Hello, Snapshot]
    assert isinstance(followed[0].heard[-1], End)
    assert [trade.attempt_id for trade in model.trades] == [
        each.attempt_id for each in watched.observer.trades
    ]
    assert [span.stage for span in model.trades[0].spans] == [
        "ingest",
        "decide",
        "prepare",
        "journal",
        "submit",
        "settle",
    ]
    assert model.end is not None
    assert model.end.summary is not None
    assert model.end.summary["state_digest"] == watched.summary.state_digest
    assert model.status is not None
    assert (model.status.records, model.status.filled) == (watched.summary.records, UP_TO)
    # The last status is whole, however short the run was.
    latencies = {each.stage: each.count for each in model.status.latencies}
    assert latencies["frame_to_decision"] == watched.summary.latency.frames > 0
    assert [each.stage for each in model.status.funnel] == [each.name for each in watched.summary.funnel]
    assert [each.evaluations for each in model.status.funnel] == [
        each.evaluations for each in watched.summary.funnel
    ]
    assert not stage.path.exists()


def test_numbers_rise_by_one_for_whoever_is_fast_enough(stage: Stage) -> None:
    followed: list[Following] = []

    def follow(publisher: Publisher) -> None:
        followed.append(Following(publisher.path))
        assert followed[-1].has_snapshot.wait(10)

    stage.begun.append(follow)
    stage.run()
    followed[0].join()
    told = [record for record in followed[0].heard[2:] if isinstance(record, Moment)]
    numbers = [record.seq for record in told if not isinstance(record, Snapshot)]
    first = followed[0].heard[1]
    assert isinstance(first, Snapshot)
    assert numbers == list(range(first.seq + 1, first.seq + 1 + len(numbers)))


def test_viewer_that_comes_late_hears_of_earlier_trades_in_its_snapshot(stage: Stage, alone: Watched) -> None:
    followed: list[Following] = []
    last = len(shipped_day.up_to_signal(UP_TO)) - 1

    def follow() -> None:
        followed.append(Following(stage.path))
        assert followed[0].has_snapshot.wait(10)

    stage.steps[last] = follow
    watched = stage.run()
    followed[0].join()
    assert_same(watched, alone)
    snapshot = followed[0].heard[1]
    assert isinstance(snapshot, Snapshot)
    assert len(snapshot.trades) == UP_TO - 1
    assert len(followed[0].model.trades) == UP_TO


def test_viewer_that_never_reads_loses_its_backlog_and_nobody_else_does(
    stage: Stage, alone: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewers, "MAX_BACKLOG_FRAMES", 8)
    monkeypatch.setattr(publishing, "LOOK_EVERY_NS", 0)
    monkeypatch.setattr(publishing, "STATUS_EVERY_NS", 0)
    silent: list[socket.socket] = []
    followed: list[Following] = []

    def follow(publisher: Publisher) -> None:
        viewer = connected(publisher.path)
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
        silent.append(viewer)
        followed.append(Following(publisher.path))
        assert followed[-1].has_snapshot.wait(10)

    def wait_for_loss() -> None:
        assert stage.publisher is not None
        until(lambda: stage.publisher is not None and stage.publisher.lost > 0)

    stage.begun.append(follow)
    stage.steps[1_000] = wait_for_loss
    watched = stage.run()
    model = followed[0].join()
    assert_same(watched, alone)
    assert model.status is not None
    assert model.status.lost > 0
    assert model.end is not None
    # What was sent before it was given up is whole frames.
    received = everything(silent[0])
    while len(received) >= 4 and len(received) >= 4 + struct.unpack_from("<I", received)[0]:
        (length,) = struct.unpack_from("<I", received)
        json.loads(received[4 : 4 + length])
        received = received[4 + length :]


def until(is_true: Callable[[], bool]) -> None:
    """Wait for a condition of another thread."""
    waiting = threading.Event()
    for _ in range(5_000):
        if is_true():
            return
        waiting.wait(0.002)
    raise AssertionError("it has not come to that")


def everything(viewer: socket.socket) -> bytes:
    parts = []
    with closing(viewer):
        viewer.settimeout(5)
        while part := viewer.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        struct.pack("<I", 1 << 20) + b"x" * 1_000,
        framed(b"\xff\xfe"),
        framed(b'{"type":"control","id":1,"action":"sell","by":"terminal"}'),
        framed(b"[" * 60_000),
        framed(b""),
    ],
    ids=["http", "too_long", "not_utf8", "no_action", "nested", "empty"],
)
def test_viewer_that_sends_garbage_is_hung_up_on(stage: Stage, alone: Watched, garbage: bytes) -> None:
    def talk() -> None:
        viewer = connected(stage.path)
        viewer.sendall(garbage)
        everything(viewer)

    stage.steps[10] = talk
    assert_same(stage.run(), alone)


def test_viewer_that_dies_within_a_frame_leaves_the_others(stage: Stage, alone: Watched) -> None:
    followed: list[Following] = []

    def talk() -> None:
        viewer = connected(stage.path)
        viewer.sendall(struct.pack("<I", 500) + b"{")
        viewer.close()
        followed.append(Following(stage.path))
        assert followed[0].has_snapshot.wait(10)

    stage.steps[10] = talk
    assert_same(stage.run(), alone)
    assert followed[0].join().end is not None


def test_fifty_viewers_come_and_go(stage: Stage, alone: Watched) -> None:
    def come_and_go() -> None:
        for _ in range(50):
            connected(stage.path).close()

    stage.steps[10] = stage.steps[500] = come_and_go
    assert_same(stage.run(), alone)


def test_viewers_beyond_the_limit_are_told_so(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "MAX_VIEWERS", 1)
    said: list[bytes] = []

    def crowd(publisher: Publisher) -> None:
        follower = Following(publisher.path)
        assert follower.has_snapshot.wait(10)
        said.append(everything(connected(publisher.path)))
        threads.append(follower)

    threads: list[Following] = []
    stage.begun.append(crowd)
    stage.run()
    message = json.loads(said[0][4:])
    assert (message["type"], message["text"]) == (
        "notice",
        "1 viewers follow this run already, no more are served",
    )
    assert threads[0].join().end is not None


class FullListener(socket.socket):
    """A listener whose process has no descriptors left for a while."""

    asked_s: ClassVar[list[float]] = []

    def accept(self) -> tuple[socket.socket, Any]:
        self.asked_s.append(time.monotonic())
        if len(self.asked_s) <= 3:
            raise OSError(errno.EMFILE, "Too many open files")
        return super().accept()


def test_viewer_waits_without_a_spin_while_there_are_no_descriptors(
    stage: Stage, alone: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path | None) -> tuple[socket.socket, Path]:
        listener, path = listen(folder)
        return FullListener(fileno=listener.detach()), path

    def follow() -> None:
        follower = Following(stage.path)
        assert follower.has_snapshot.wait(10)

    monkeypatch.setattr("phantom_arbiter.telemetry.serving.listen", full)
    monkeypatch.setattr(FullListener, "asked_s", [])
    stage.steps[10] = follow
    watched = stage.run()
    assert_same(watched, alone)
    asked_s = FullListener.asked_s
    assert asked_s[3] - asked_s[0] >= 3 * publishing.LOOK_EVERY_NS / 1e9
    assert watched.observer.notices == [
        "a viewer waits and cannot be served: [Errno 24] Too many open files",
    ]


def test_controls_are_answered_journaled_and_told(stage: Stage) -> None:
    def control() -> None:
        with BlockingFollower(stage.path) as follower:
            follower.send(Control(id=7, action="resume", by="dashboard"))
            follower.send(Control(id=8, action="halt", by="dashboard"))
            answers = []
            for _, record in follower:
                if isinstance(record, Done):
                    answers.append(record)
                if len(answers) == 2:
                    break
            assert answers == [
                Done(id=7, error="the dashboard does not hold trading; what holds it: nothing"),
                Done(id=8),
            ]

    stage.steps[0] = control
    watched = stage.run()
    assert watched.summary.attempts == 0
    assert watched.summary.refusals["risk_kill_switch"] > 0
    changes = read_journal(stage.folder / "j.sqlite").changes
    assert [(each.what, each.key, each.after) for each in changes] == [("kill_switch", "dashboard", "on")]
    assert watched.observer.notices == ["kill switch on (dashboard): nothing is sent"]


def test_stop_is_done_and_journaled(stage: Stage) -> None:
    def control() -> None:
        with BlockingFollower(stage.path) as follower:
            follower.send(Control(id=1, action="stop", by="terminal"))
            assert any(isinstance(record, Done) for _, record in follower)

    stage.steps[10] = control
    watched = stage.run()
    assert watched.summary.stopped_early
    assert watched.summary.records == 11
    changes = read_journal(stage.folder / "j.sqlite").changes
    assert [(each.what, each.key) for each in changes] == [("stop", "terminal")]


class Panic(BaseException):
    """As PyO3 raises one."""


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("by nobody"), Panic("by nobody")], ids=["error", "panic"]
)
def test_error_in_the_publisher_is_told_once_and_the_run_goes_on(
    stage: Stage, alone: Watched, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def broken(self: object, **numbers: int) -> None:
        raise error

    monkeypatch.setattr("phantom_arbiter.telemetry.status.StatusDesk.status", broken)

    def talk() -> None:
        everything(connected(stage.path))

    stage.steps[10] = talk
    watched = stage.run()
    assert_same(watched, alone)
    said = f"viewers are no longer served: {type(error).__name__}: by nobody"
    assert watched.observer.notices == [said]
    assert not stage.path.exists()


NOT_UTF_8 = "s\udcff"
"""A name as Python has it of the bytes `73 ff`."""


@pytest.fixture
def odd_stage(tmp_path: Path) -> Stage:
    (tmp_path / NOT_UTF_8).mkdir()
    return Stage(tmp_path / NOT_UTF_8)


def test_names_that_are_not_utf_8_are_told_with_escapes(odd_stage: Stage, alone: Watched) -> None:
    followed: list[Following] = []

    def follow(publisher: Publisher) -> None:
        followed.append(Following(publisher.path))
        assert followed[-1].has_snapshot.wait(10)

    odd_stage.begun.append(follow)
    assert_same(odd_stage.run(), alone)
    model = followed[0].join()
    path = f"{odd_stage.folder.parent}/s\\udcff/j.sqlite"
    assert model.hello is not None
    assert (model.hello.journal, model.hello.settings["journal.path"][0]) == (path, path)
    assert model.end is not None
    assert model.end.summary is not None
    assert model.end.summary["run"]["journal"] == path


@pytest.mark.parametrize("error", ["no \udcff", "plain"])
def test_error_that_is_not_utf_8_is_told_with_escapes(stage: Stage, error: str) -> None:
    followed: list[Following] = []

    def follow(publisher: Publisher) -> None:
        followed.append(Following(publisher.path))
        assert followed[-1].has_snapshot.wait(10)

    def fail() -> None:
        raise RuntimeError(error)

    stage.begun.append(follow)
    stage.steps[10] = fail
    with pytest.raises(RuntimeError):
        stage.run()
    end = followed[0].join().end
    assert end is not None
    assert end.error == error.replace("\udcff", "\\udcff")


def test_run_goes_on_where_nobody_can_be_served(
    stage: Stage, alone: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[socket.socket, Path]] = []

    def broken(listener: socket.socket, path: Path, run: object) -> None:
        asked.append((listener, path))
        raise ZeroDivisionError("by nobody")

    monkeypatch.setattr("phantom_arbiter.telemetry.serving.Publisher", broken)
    watched = stage.run(has_publisher=False)
    assert_same(watched, alone)
    assert watched.observer.notices == ["no viewer can follow this run: ZeroDivisionError: by nobody"]
    ((listener, path),) = asked
    assert listener.fileno() == -1
    assert not path.exists()


def test_run_that_fails_says_so_to_its_viewers(stage: Stage) -> None:
    followed: list[Following] = []

    def follow(publisher: Publisher) -> None:
        followed.append(Following(publisher.path))
        assert followed[-1].has_snapshot.wait(10)

    def fail() -> None:
        raise RuntimeError("the disk is on fire")

    stage.begun.append(follow)
    stage.steps[10] = fail
    with pytest.raises(RuntimeError, match="on fire"):
        stage.run()
    end = followed[0].join().end
    assert end is not None
    assert (end.summary, end.error) == (None, "the disk is on fire")


def test_viewers_of_a_run_that_fails_know_all_pools_as_they_were_last(stage: Stage) -> None:
    followed: list[Following] = []
    market = shipped_day.market()

    def follow(publisher: Publisher) -> None:
        followed.append(Following(publisher.path))
        assert followed[-1].has_snapshot.wait(10)

    def fail() -> None:
        raise RuntimeError("the disk is on fire")

    stage.begun.append(follow)
    stage.steps[len(shipped_day.up_to_signal(UP_TO)) - 1] = fail
    with pytest.raises(RuntimeError, match="on fire"):
        stage.run(market=market)
    states = followed[0].join().states
    pools = market.pools()
    assert [(int(states[n].depth_a), int(states[n].depth_b)) for n in range(len(pools))] == [
        pool.depth for pool in pools
    ]


def test_what_was_asked_of_a_run_that_fails_is_journaled(stage: Stage) -> None:
    def halt_and_fail() -> None:
        with BlockingFollower(stage.path) as follower:
            follower.send(Control(id=8, action="halt", by="dashboard"))
            assert any(isinstance(record, Done) for _, record in follower)
        raise RuntimeError("the disk is on fire")

    stage.steps[10] = halt_and_fail
    with pytest.raises(RuntimeError, match="on fire"):
        stage.run()
    changes = read_journal(stage.folder / "j.sqlite").changes
    assert [(each.what, each.key, each.after) for each in changes] == [("kill_switch", "dashboard", "on")]


def test_journal_that_takes_no_last_word_does_not_hide_why_the_run_failed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Journal, change: RiskChange) -> None:
        raise JournalError("the disk is full")

    def stop_and_fail() -> None:
        with BlockingFollower(stage.path) as follower:
            follower.send(Control(id=8, action="stop", by="terminal"))
            assert any(isinstance(record, Done) for _, record in follower)
        monkeypatch.setattr(Journal, "changed", full)
        raise RuntimeError("the disk is on fire")

    stage.steps[10] = stop_and_fail
    with pytest.raises(RuntimeError, match="on fire"):
        stage.run()
    assert stage.observer.notices == ["what was asked for last is not journaled: the disk is full"]
