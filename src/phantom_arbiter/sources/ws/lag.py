"""Measures how late the event loop is: the time a frame may have waited without anybody seeing it."""

from __future__ import annotations

from phantom_arbiter.sources.ws.events import EventKind, FeedEvent
from phantom_arbiter.sources.ws.settings import MS, SECOND
from phantom_arbiter.sources.ws.shared import Shared

REPORT_EVERY_NS = 10 * SECOND


class LagMeter:
    """Sleeps a tick and sees how much later it woke."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._reported_ns: int | None = None
        self.worst_ns = 0

    async def run(self) -> None:
        """Measure until cancelled."""
        clock, settings = self._shared.clock, self._shared.settings
        while True:
            due_ns = clock.now_ns() + settings.tick_ns
            await clock.wait_ns(settings.tick_ns)
            self.measured(clock.now_ns() - due_ns)

    def measured(self, lag_ns: int) -> None:
        """Take a measurement; report it if it is long, at most every ten seconds."""
        self.worst_ns = max(self.worst_ns, lag_ns)
        if lag_ns < self._shared.settings.lag_report_ns:
            return
        now_ns = self._shared.clock.now_ns()
        if self._reported_ns is not None and now_ns - self._reported_ns < REPORT_EVERY_NS:
            return
        self._reported_ns = now_ns
        text = f"the event loop was held up for {lag_ns / MS:.0f} ms, frames waited so long"
        self._shared.observer.feed_event(FeedEvent(EventKind.LAGGING, "", text))
