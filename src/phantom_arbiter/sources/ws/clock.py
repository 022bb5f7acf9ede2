"""Time for code on the event loop: injected, so that tests let hours pass at once."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """A monotonic clock that can be waited for."""

    def now_ns(self) -> int:
        """Return nanoseconds since some fixed moment; never goes back."""
        ...

    async def sleep_ns(self, duration_ns: int) -> None:
        """Return once `duration_ns` nanoseconds have passed."""
        ...


class RealClock:
    """The machine's monotonic clock."""

    def now_ns(self) -> int:
        """Return the monotonic clock's reading in nanoseconds."""
        return time.monotonic_ns()

    async def sleep_ns(self, duration_ns: int) -> None:
        """Sleep on the event loop."""
        await asyncio.sleep(max(duration_ns, 0) / 1e9)


class ManualClock:
    """A clock that stands still until `advance`."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now_ns(self) -> int:
        """Return where the clock stands, in nanoseconds."""
        return self._now_ns

    async def sleep_ns(self, duration_ns: int) -> None:
        """Wait until the clock has been moved on so far."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now_ns + max(duration_ns, 0), next(self._numbers), woken))
        await woken

    def advance(self, duration_ns: int) -> None:
        """Move on by `duration_ns`; whoever has slept that long wakes at the loop's next turn."""
        self._now_ns += duration_ns
        while self._sleepers and self._sleepers[0][0] <= self._now_ns:
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)


async def within(clock: Clock, duration_ns: int, work: Coroutine[Any, Any, T]) -> T:
    """Return what `work` returns, or cancel it after `duration_ns`.

    Raises:
        TimeoutError: It took longer.
    """
    task = asyncio.ensure_future(work)
    alarm = asyncio.ensure_future(clock.sleep_ns(duration_ns))
    try:
        await asyncio.wait((task, alarm), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        for one in (task, alarm):
            one.cancel()
        await asyncio.gather(task, alarm, return_exceptions=True)
