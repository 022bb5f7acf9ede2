"""Time as the replay sees it: injected, so that tests and `max` speed never wait."""

import time
from typing import Protocol


class Clock(Protocol):
    """A monotonic clock that can also let time pass."""

    def now_ns(self) -> int:
        """Return nanoseconds since some fixed moment; never goes back."""
        ...

    def sleep_ns(self, duration_ns: int) -> None:
        """Return once `duration_ns` nanoseconds have passed."""
        ...


class RealClock:
    """The machine's monotonic clock."""

    def now_ns(self) -> int:
        """Return the monotonic clock's reading in nanoseconds."""
        return time.monotonic_ns()

    def sleep_ns(self, duration_ns: int) -> None:
        """Sleep; a `KeyboardInterrupt` passes through."""
        time.sleep(duration_ns / 1e9)


class ManualClock:
    """A clock that moves only when it is told to: sleeping is a jump."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """Return where the clock stands, in nanoseconds."""
        return self._now_ns

    def sleep_ns(self, duration_ns: int) -> None:
        """Move on by `duration_ns` at once."""
        self.advance(duration_ns)

    def advance(self, duration_ns: int) -> None:
        """Move on by `duration_ns`, as if work had taken that long.

        Raises:
            ValueError: The duration is negative.
        """
        if duration_ns < 0:
            raise ValueError(f"a clock cannot go back by {-duration_ns} ns")
        self._now_ns += duration_ns
