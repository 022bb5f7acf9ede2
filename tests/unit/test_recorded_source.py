"""Replay at any speed, without waiting: the clock is a manual one."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from phantom_arbiter.clock import ManualClock
from phantom_arbiter.sources.recorded import DEMO_RECORDING, Progress, RecordedSource, parse_speed
from phantom_core import Record

SECOND_NS = 1_000_000_000


class Session:
    """A recording in memory: one record per arrival."""

    def __init__(self, *arrivals_ns: int) -> None:
        self._records = [Record("received", "rpc-a", at, b"%d" % at) for at in arrivals_ns]
        self.header: dict[str, Any] = {"source": "test"}
        self.records = len(arrivals_ns)
        self.duration_ns = arrivals_ns[-1] if arrivals_ns else 0

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)


def handed_over(
    session: Session, speed: float | None, on_record: Callable[[ManualClock], None] = lambda _: None
) -> list[tuple[int, int]]:
    """Return (clock, arrival) of every record, on a clock that started at 5 s."""
    clock = ManualClock(5 * SECOND_NS)
    seen = []
    for record in RecordedSource(session, speed=speed, clock=clock):
        seen.append((clock.now_ns() - 5 * SECOND_NS, record.arrival_ns))
        on_record(clock)
    return seen


@pytest.mark.parametrize(("text", "factor"), [("1x", 1.0), ("100x", 100.0), ("2.5X", 2.5), ("0.5x", 0.5)])
def test_parse_speed_reads_factors(text: str, factor: float) -> None:
    assert parse_speed(text) == factor


@pytest.mark.parametrize("text", ["max", "MAX"])
def test_parse_speed_reads_max(text: str) -> None:
    assert parse_speed(text) is None


@pytest.mark.parametrize(
    "text", ["", "fast", "0x", "0.0x", "-1x", "100", "1e3x", "nanx", "infx", "x", "1x2x", "1x\n"]
)
def test_parse_speed_says_what_it_may_be(text: str) -> None:
    with pytest.raises(ValueError, match="it may be `max` or a factor such as `1x` or `100x`"):
        parse_speed(text)


def test_real_speed_hands_records_over_when_they_arrived() -> None:
    assert handed_over(Session(0, 7, 3 * SECOND_NS, 86_400 * SECOND_NS), 1.0) == [
        (0, 0),
        (7, 7),
        (3 * SECOND_NS, 3 * SECOND_NS),
        (86_400 * SECOND_NS, 86_400 * SECOND_NS),
    ]


def test_hundredfold_speed_takes_a_hundredth() -> None:
    seen = handed_over(Session(100, 2 * SECOND_NS), 100.0)
    assert seen == [(1, 100), (SECOND_NS // 50, 2 * SECOND_NS)]


def test_max_speed_never_waits() -> None:
    assert handed_over(Session(0, SECOND_NS, 9 * SECOND_NS), None) == [
        (0, 0),
        (0, SECOND_NS),
        (0, 9 * SECOND_NS),
    ]


def test_slow_consumer_gets_overdue_records_at_once_and_catches_up() -> None:
    late = [4 * SECOND_NS, 0, 0, 0]
    seen = handed_over(
        Session(0, SECOND_NS, 2 * SECOND_NS, 6 * SECOND_NS), 1.0, lambda clock: clock.advance(late.pop(0))
    )
    assert [clock_ns for clock_ns, _ in seen] == [0, 4 * SECOND_NS, 4 * SECOND_NS, 6 * SECOND_NS]


def test_stop_ends_after_the_record_in_hand() -> None:
    source = RecordedSource(Session(1, 2, 3, 4))
    seen = []
    for record in source:
        seen.append(record.arrival_ns)
        if record.arrival_ns == 2:
            source.stop()
    assert seen == [1, 2]
    assert list(source) == []


def test_stop_ends_a_long_wait() -> None:
    class StoppingClock(ManualClock):
        def sleep_ns(self, duration_ns: int) -> None:
            super().sleep_ns(duration_ns)
            if self.now_ns() >= SECOND_NS:
                source.stop()

    clock = StoppingClock()
    source = RecordedSource(Session(0, 3600 * SECOND_NS), speed=1.0, clock=clock)
    assert [record.arrival_ns for record in source] == [0]
    assert clock.now_ns() < 2 * SECOND_NS


def test_interrupt_inside_a_wait_passes_through_with_a_last_report() -> None:
    class InterruptedClock(ManualClock):
        def sleep_ns(self, duration_ns: int) -> None:
            raise KeyboardInterrupt

    reports: list[Progress] = []
    source = RecordedSource(
        Session(0, SECOND_NS), speed=1.0, clock=InterruptedClock(), on_progress=reports.append
    )
    with pytest.raises(KeyboardInterrupt):
        list(source)
    assert reports[-1] == Progress(1, 2, 0, SECOND_NS)


def test_progress_counts_from_nothing_to_all() -> None:
    reports: list[Progress] = []
    session = Session(*range(1000))
    assert len(list(RecordedSource(session, on_progress=reports.append))) == 1000
    assert reports[0] == Progress(0, 1000, 0, 999)
    assert reports[-1] == Progress(1000, 1000, 999, 999)
    assert [report.records_done for report in reports] == sorted(report.records_done for report in reports)
    assert 4 <= len(reports) <= 10


def test_empty_recording_ends_at_once() -> None:
    reports: list[Progress] = []
    assert list(RecordedSource(Session(), speed=1.0, on_progress=reports.append)) == []
    assert set(reports) == {Progress(0, 0, 0, 0)}


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_speed_that_is_not_positive_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        RecordedSource(Session(), speed=speed)


def test_demo_recording_is_where_the_package_says() -> None:
    assert DEMO_RECORDING.is_file()
