"""Replay a recording: the same records in the same order, at the pace they came or faster.

Speed changes when a record is handed over, never which or in what order: whatever depends on
records alone is the same at every speed.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from phantom_arbiter.clock import Clock, RealClock
from phantom_core import Record

DEMO_RECORDING = Path(__file__).resolve().parent.parent / "data" / "whirlpool-2022-04-06.phrec"
"""The recording that ships with the package; made by tools/make_demo_recording.py."""

STOP_CHECK_NS = 50_000_000
"""Longest sleep in one piece: so long a stop request may go unseen."""
PROGRESS_EVERY = 200
"""Records between two progress reports when there is no waiting."""


class RecordedSession(Protocol):
    """What the replay needs of a recording; `phantom_core.Recording` is one."""

    @property
    def header(self) -> dict[str, Any]:
        """What the recording says of itself."""
        ...

    @property
    def records(self) -> int:
        """Number of records."""
        ...

    @property
    def duration_ns(self) -> int:
        """Arrival of the last record."""
        ...

    def __iter__(self) -> Iterator[Record]:
        """Return the records in order of arrival."""
        ...


class RecordTaker(Protocol):
    """Takes records; `phantom_arbiter.engine.Engine` is one."""

    def run(self, source: Iterable[Record]) -> None:
        """Take every record of `source`."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is; times are nanoseconds since the recording began."""

    records_done: int
    records_total: int
    recorded_ns: int
    duration_ns: int


def parse_speed(text: str) -> float | None:
    """Return the factor that `text` names, None for `max` (no waiting).

    Raises:
        ValueError: `text` is neither `max` nor a positive factor such as `1x` or `100x`.
    """
    if text.lower() == "max":
        return None
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)[xX]", text)
    if match is None or (factor := float(match[1])) == 0:
        raise ValueError(f"speed is `{text}`, it may be `max` or a factor such as `1x` or `100x`")
    return factor


class RecordedSource:
    """Iterate over a recording's records as if they arrived now.

    A consumer that falls behind gets the overdue records at once and catches up.
    """

    def __init__(
        self,
        recording: RecordedSession,
        *,
        speed: float | None = None,
        clock: Clock | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        """Prepare a replay.

        Args:
            recording: What to replay.
            speed: Recorded seconds per second; None does not wait at all.
            clock: Defaults to the machine's.
            on_progress: Told at the start, before each wait, every few hundred records, and at
                the end.

        Raises:
            ValueError: The speed is not positive.
        """
        if speed is not None and not 0 < speed < float("inf"):
            raise ValueError(f"speed is {speed}, it must be above 0; None means no waiting")
        self._recording = recording
        self._speed = speed
        self._clock = clock or RealClock()
        self._on_progress = on_progress or _ignore
        self._is_stopping = False

    @property
    def header(self) -> dict[str, Any]:
        """What the recording says of itself."""
        return self._recording.header

    def drive(self, taker: RecordTaker) -> None:
        """Hand every record to `taker`, each when it is due."""
        taker.run(self)

    def stop(self) -> None:
        """End the replay for good: the record in hand is the last. Safe in a signal handler."""
        self._is_stopping = True

    def __iter__(self) -> Iterator[Record]:
        """Return the records, each when it is due.

        Raises:
            phantom_core.RecordingError: The file is gone or a block of it is corrupt.
        """
        start_ns = self._clock.now_ns()
        done = recorded_ns = 0
        self._report(done, recorded_ns)
        try:
            for record in self._recording:
                if self._speed is not None:
                    due_ns = start_ns + int(record.arrival_ns / self._speed)
                    if self._clock.now_ns() < due_ns:
                        self._report(done, recorded_ns)
                        self._wait_until(due_ns)
                if self._is_stopping:
                    return
                done, recorded_ns = done + 1, record.arrival_ns
                yield record
                if done % PROGRESS_EVERY == 0:
                    self._report(done, recorded_ns)
        finally:
            self._report(done, recorded_ns)

    def _wait_until(self, due_ns: int) -> None:
        while not self._is_stopping and (left_ns := due_ns - self._clock.now_ns()) > 0:
            self._clock.sleep_ns(min(left_ns, STOP_CHECK_NS))

    def _report(self, done: int, recorded_ns: int) -> None:
        total, duration_ns = self._recording.records, self._recording.duration_ns
        self._on_progress(Progress(done, total, recorded_ns, duration_ns))


def _ignore(_: Progress) -> None:
    """Serve as the callback when none is given."""
