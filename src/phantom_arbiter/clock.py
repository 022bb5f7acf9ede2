"""Time: injected, so that tests let hours pass at once and `max` speed never waits.

One clock for both kinds of code: a thread that may block sleeps, code on the event loop waits.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """A monotonic clock that can let time pass."""

    def now_ns(self) -> int:
        """Return nanoseconds since some fixed moment; never goes back."""
        ...

    def sleep_ns(self, duration_ns: int) -> None:
        """Block the thread until `duration_ns` nanoseconds have passed; not for the event loop."""
        ...

    async def wait_ns(self, duration_ns: int) -> None:
        """Let others on the event loop go on until `duration_ns` nanoseconds have passed."""
        ...


class RealClock:
    """The machine's monotonic clock."""

    def now_ns(self) -> int:
        """Return the monotonic clock's reading in nanoseconds."""
        return time.monotonic_ns()

    def sleep_ns(self, duration_ns: int) -> None:
        """Sleep; a `KeyboardInterrupt` passes through."""
        time.sleep(duration_ns / 1e9)

    async def wait_ns(self, duration_ns: int) -> None:
        """Sleep on the event loop."""
        await asyncio.sleep(max(duration_ns, 0) / 1e9)


class ManualClock:
    """A clock that stands still until it is told to move: sleeping is a jump, waiting waits for `advance`."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now_ns(self) -> int:
        """Return where the clock stands, in nanoseconds."""
        return self._now_ns

    def sleep_ns(self, duration_ns: int) -> None:
        """Move on by `duration_ns` at once."""
        self.advance(duration_ns)

    async def wait_ns(self, duration_ns: int) -> None:
        """Wait until the clock has been moved on so far."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self._now_ns + max(duration_ns, 0), next(self._numbers), woken))
        await woken

    def advance(self, duration_ns: int) -> None:
        """Move on by `duration_ns`; whoever has waited that long wakes at the loop's next turn.

        Raises:
            ValueError: The duration is negative.
        """
        if duration_ns < 0:
            raise ValueError(f"a clock cannot go back by {-duration_ns} ns")
        self._now_ns += duration_ns
        while self._waiting and self._waiting[0][0] <= self._now_ns:
            woken = heapq.heappop(self._waiting)[2]
            if not woken.done():
                woken.set_result(None)


async def within(clock: Clock, duration_ns: int, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns, or cancel it after `duration_ns`.

    Raises:
        TimeoutError: It took longer.
    """
    task = asyncio.ensure_future(work)
    alarm = asyncio.ensure_future(clock.wait_ns(duration_ns))
    try:
        await asyncio.wait((task, alarm), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        for one in (task, alarm):
            one.cancel()
        await asyncio.gather(task, alarm, return_exceptions=True)
