"""What the shell tells viewers: a bounded bus. Whoever publishes never waits, whoever reads may be late.

An event is a reference to a frozen value with the time at which it came; what becomes of it is the
publisher's work. Trades, refusals and notices have a lane each, so that a flood of refusals pushes no trade
out. A full lane drops its oldest, and counts it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Literal, Protocol

from phantom_arbiter.domain import Verdict
from phantom_arbiter.engine import Observer, Progress, Trade
from phantom_arbiter.sources.ws.events import FeedEvent, FeedObserver
from phantom_arbiter.swaps import AnyPlan

CAPACITY = 4_096
"""Events that one lane holds."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A plan that risk did not let through."""

    plan: AnyPlan
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Noticed:
    """A line for the operator; `kind` as in `records.Notice`."""

    kind: str
    text: str


Event = Trade | Refused | Noticed | FeedEvent

Lane = Literal["trades", "refusals", "notices"]


@dataclass(frozen=True, slots=True, order=True)
class Stamped:
    """An event with its place: `number` grows by one with every event of the run.

    Attributes:
        number: Its place.
        at_ns: The source's time.
        unix_ns: The machine's.
        event: What happened.
    """

    number: int
    at_ns: int
    unix_ns: int
    event: Event


class Bus:
    """Holds what has happened until the publisher fetches it."""

    def __init__(self, capacity: int = CAPACITY, *, unix_ns: Callable[[], int] = time.time_ns) -> None:
        """Prepare.

        Args:
            capacity: Events of each lane that may wait.
            unix_ns: The machine's clock.
        """
        self._unix_ns = unix_ns
        self._numbers = count(1)
        self._lanes: dict[Lane, deque[Stamped]] = {
            "trades": deque(maxlen=capacity),
            "refusals": deque(maxlen=capacity),
            "notices": deque(maxlen=capacity),
        }
        self._last = 0
        self._drained = 0
        self.at_ns: Callable[[], int] = lambda: 0
        """Tells the source's time; the session sets it once there is an engine."""

    def publish(self, event: Event) -> None:
        """Put an event on the bus: constant time, no lock; from the loop's thread or a signal handler."""
        number = next(self._numbers)
        self._lanes[_lane(event)].append(Stamped(number, self.at_ns(), self._unix_ns(), event))
        self._last = number

    def drain(self) -> list[Stamped]:
        """Take everything that waits, in the order in which it was published; for one reader."""
        taken: list[Stamped] = []
        for lane in self._lanes.values():
            # As many as there are now: whoever publishes meanwhile is heard the next time.
            for _ in range(len(lane)):
                try:
                    taken.append(lane.popleft())
                except IndexError:  # pragma: no cover - a full lane never shrinks by itself
                    break
        taken.sort(key=lambda each: each.number)
        self._drained += len(taken)
        return taken

    @property
    def dropped(self) -> int:
        """Events that were pushed out before anybody fetched them."""
        waiting = sum(len(lane) for lane in self._lanes.values())
        return max(self._last - self._drained - waiting, 0)


def latest(events: list[Stamped], kept: int) -> list[Stamped]:
    """Return the last `kept` trades, refusals and notices of `events`, in order."""
    left: dict[Lane, int] = {"trades": kept, "refusals": kept, "notices": kept}
    found = []
    for stamped in reversed(events):
        lane = _lane(stamped.event)
        if left[lane] > 0:
            left[lane] -= 1
            found.append(stamped)
    return found[::-1]


def _lane(event: Event) -> Lane:
    if isinstance(event, Trade):
        return "trades"
    return "refusals" if isinstance(event, Refused) else "notices"


class View(Observer, FeedObserver, Protocol):
    """Whoever hears of a run and of its endpoints."""


class BusObserver:
    """Puts what an observer hears on a bus; progress is left out, it is asked for where it is wanted."""

    def __init__(self, bus: Bus) -> None:
        self._publish = bus.publish

    def progress(self, progress: Progress) -> None:
        """Leave it."""

    def traded(self, trade: Trade) -> None:
        """Publish it."""
        self._publish(trade)

    def refused(self, plan: AnyPlan, verdict: Verdict) -> None:
        """Publish it."""
        self._publish(Refused(plan, verdict))

    def notice(self, text: str) -> None:
        """Publish it."""
        self._publish(Noticed("notice", text))

    def feed_event(self, event: FeedEvent) -> None:
        """Publish it."""
        self._publish(event)


class Both:
    """Tells the bus, then the view in this process."""

    def __init__(self, bus: Bus, view: Observer) -> None:
        self._bus = BusObserver(bus)
        self._view = view

    def progress(self, progress: Progress) -> None:
        """Tell the view."""
        self._view.progress(progress)

    def traded(self, trade: Trade) -> None:
        """Tell both."""
        self._bus.traded(trade)
        self._view.traded(trade)

    def refused(self, plan: AnyPlan, verdict: Verdict) -> None:
        """Tell both."""
        self._bus.refused(plan, verdict)
        self._view.refused(plan, verdict)

    def notice(self, text: str) -> None:
        """Tell both."""
        self._bus.notice(text)
        self._view.notice(text)


class BothWithFeed(Both):
    """The same where the view hears of endpoints, too."""

    def __init__(self, bus: Bus, view: View) -> None:
        super().__init__(bus, view)
        self._feed: FeedObserver = view

    def feed_event(self, event: FeedEvent) -> None:
        """Tell both."""
        self._bus.feed_event(event)
        self._feed.feed_event(event)
