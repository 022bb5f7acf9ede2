"""What the feed reports: one line each, naming the endpoint, its secret masked."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

_log = logging.getLogger("phantom_arbiter.sources.websocket")


class EventKind(StrEnum):
    """What happened."""

    CONNECTED = "connected"
    FAILED = "failed"
    """A connection could not be opened."""
    LOST = "lost"
    """An open connection ended without our wish."""
    REFUSED = "refused"
    """A subscription was refused; it will be asked for again."""
    UNANSWERED = "unanswered"
    """Subscriptions were not confirmed in time; they are asked for again."""
    BEHIND = "behind"
    """Frames come faster than they are taken; the connection is begun anew, what lay unread is dropped."""
    LAGGING = "lagging"
    """The event loop was held up."""
    UNPLACED = "unplaced"
    """An endpoint's limits leave no place for some subscriptions."""
    GAP = "gap"
    """Heartbeats of a connection are missing; what it said meanwhile is read again."""
    QUARANTINED = "quarantined"
    """A provider is no longer believed; all is read again from others."""
    UNREAD = "unread"
    """Accounts could not be read anywhere; they are asked for again."""
    UNSEARCHED = "unsearched"
    """No endpoint would list a venue's pools."""


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One report; `text` is complete and fit for a log."""

    kind: EventKind
    endpoint: str
    text: str


class FeedObserver(Protocol):
    """Whoever watches the feed. Called on the event loop: it must return quickly."""

    def feed_event(self, event: FeedEvent) -> None:
        """Hear of an event."""


class LogObserver:
    """Writes every event to the log."""

    def feed_event(self, event: FeedEvent) -> None:
        """Log the event: a connection as information, anything else as a warning."""
        level = logging.INFO if event.kind is EventKind.CONNECTED else logging.WARNING
        _log.log(level, "%s", event.text)
