"""The line that says how a recording goes, on stderr: redrawn on a terminal, elsewhere one in ten seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import IO, Self

from phantom_core import RecorderStats

PLAIN_INTERVAL_NS = 10_000_000_000


class RecordLine:
    """Shows frames, rate, size, open connections and the file being written."""

    def __init__(
        self, stream: IO[str] | None = None, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """Write to `stream`, stderr by default."""
        self._stream = stream or sys.stderr
        self._clock_ns = clock_ns
        self._is_terminal = self._stream.isatty()
        self._before = (clock_ns(), 0)
        self._shown_ns: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_terminal and self._shown_ns is not None:
            print(file=self._stream)

    def show(self, stats: RecorderStats, connections: int) -> None:
        """Say where it stands; the rate is that since the call before."""
        now_ns = self._clock_ns()
        if (
            not self._is_terminal
            and self._shown_ns is not None
            and now_ns < self._shown_ns + PLAIN_INTERVAL_NS
        ):
            return
        then_ns, frames = self._before
        rate = (stats.frames - frames) * 1_000_000_000 // max(1, now_ns - then_ns)
        self._before, self._shown_ns = (now_ns, stats.frames), now_ns
        lost = f"  lost {stats.lost:,}" if stats.lost else ""
        line = (
            f"frames {stats.frames:,}  {rate:,}/s  {stats.frame_bytes / 1e6:,.1f} MB in "
            f"{stats.written_bytes / 1e6:,.1f} MB{lost}  connections {connections}  {stats.path.name}"
        )
        end = "\r" if self._is_terminal else "\n"
        print(f"{line:<79}" if self._is_terminal else line, end=end, file=self._stream, flush=True)
