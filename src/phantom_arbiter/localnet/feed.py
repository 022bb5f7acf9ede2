"""Plays a source into the bank at a stated rate, and can be stopped at any write."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from phantom_arbiter.localnet.bank import SLOT_MS, Bank
from phantom_arbiter.localnet.sources import Event, Source

TICK_S: Final = 0.001
"""Shortest sleep; writes due meanwhile go out together."""
MAX_BURST: Final = 500
"""Writes after which requests of clients get their turn."""


class Consumer(Protocol):
    """Something that may fall behind a feed."""

    @property
    def is_behind(self) -> bool:
        """Whether the feed should wait."""

    async def drained(self) -> None:
        """Wait until it has caught up."""


class Feed:
    """The clock and the writes of a local net."""

    def __init__(
        self,
        bank: Bank,
        source: Source,
        consumers: Callable[[], list[Consumer]],
        *,
        rate: float | None,
        slot_ms: float | None = SLOT_MS,
    ) -> None:
        """Prepare a feed; it begins with `start`.

        Args:
            bank: Where writes go.
            source: What happens.
            consumers: Waited for when there is no rate.
            rate: Writes per second; None: as fast as clients take them.
            slot_ms: Once the source has nothing (more) to say, slots of this length begin; None: none do.
        """
        self._bank = bank
        self._events: Iterator[Event] = source.events()
        self._consumers = consumers
        self._rate = rate
        self._slot_ms = slot_ms
        self._task: asyncio.Task[None] | None = None
        self._may_run = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self.writes = 0
        """Account writes so far."""
        self.is_exhausted = False

    @property
    def is_paused(self) -> bool:
        """Whether nothing happens until `resume`."""
        return not self._may_run.is_set()

    def start(self) -> None:
        """Begin."""
        self._may_run.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def pause(self) -> None:
        """Stop after the swap in hand; slots stand still too."""
        self._may_run.clear()
        await self._is_idle.wait()

    def resume(self) -> None:
        """Go on."""
        self._may_run.set()

    async def stop(self) -> None:
        """End for good.

        Raises:
            Exception: What had ended the feed before.
        """
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def ended(self) -> None:
        """Wait until an error ends the feed.

        Raises:
            Exception: What ended it.
        """
        if self._task is None:
            await asyncio.Event().wait()
        else:
            await asyncio.shield(self._task)

    def step(self) -> bool:
        """Let the next event happen, while paused; return whether there was one."""
        event = next(self._events, None)
        if event is None:
            self.is_exhausted = True
            return False
        self._happen(event)
        return True

    def _happen(self, event: Event) -> None:
        if isinstance(event, int):
            self._bank.advance(event)
            return
        write = self._bank.write
        for pubkey, state in event:
            write(pubkey, state)
        self.writes += len(event)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.is_exhausted:
            await self._wait_to_run()
            started, before = loop.time(), self.writes
            while self._may_run.is_set() and not self.is_exhausted:
                self._burst(started, before, loop)
                if self._rate is None:
                    await asyncio.sleep(0)
                    await self._wait_for_consumers()
                else:
                    late = loop.time() - started - (self.writes - before) / self._rate
                    await asyncio.sleep(0 if late > 0 else max(TICK_S, -late))
        await self._tick_slots()

    def _burst(self, started: float, before: int, loop: asyncio.AbstractEventLoop) -> None:
        allowed = MAX_BURST
        if self._rate is not None:
            due = int((loop.time() - started) * self._rate) - (self.writes - before)
            allowed = min(MAX_BURST, due)
        end = self.writes + allowed
        while self.writes < end:
            if not self.step():
                return

    async def _wait_for_consumers(self) -> None:
        for consumer in self._consumers():
            while consumer.is_behind and self._may_run.is_set():
                await consumer.drained()

    async def _wait_to_run(self) -> None:
        if not self._may_run.is_set():
            self._is_idle.set()
            await self._may_run.wait()
        self._is_idle.clear()

    async def _tick_slots(self) -> None:
        """Let slots pass once the source is silent."""
        while True:
            await self._wait_to_run()
            if self._slot_ms is None:
                self._is_idle.set()
                await asyncio.Event().wait()
            else:
                self._is_idle.set()
                await asyncio.sleep(self._slot_ms / 1000)
                if self._may_run.is_set():
                    self._bank.advance()
