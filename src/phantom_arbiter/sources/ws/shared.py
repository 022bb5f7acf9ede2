"""What the connections of a feed share."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from random import Random

from phantom_arbiter.clock import Clock
from phantom_arbiter.sources.endpoints import Endpoint
from phantom_arbiter.sources.sink import Sink
from phantom_arbiter.sources.ws.events import EventKind, FeedEvent, FeedObserver
from phantom_arbiter.sources.ws.rate import TokenBucket
from phantom_arbiter.sources.ws.settings import FeedSettings

MAX_ANSWER_BYTES = 4_096
"""Longest answer to a subscription that is read."""


@dataclass
class Shared:
    """Handed to every connection.

    Attributes:
        sink: Takes the frames.
        settings: Bounds.
        clock: Time.
        random: Jitter.
        observer: Hears of events.
        failed: Ends the feed with an exception that a sink raised.
        tls: What wss:// is verified with; None: the machine's authorities.
    """

    sink: Sink
    settings: FeedSettings
    clock: Clock
    random: Random
    observer: FeedObserver
    failed: Callable[[Exception], None]
    tls: ssl.SSLContext | None = None
    _shed_ns: int | None = field(default=None, init=False)

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        """The context of all wss:// connections; making one takes some 10 ms."""
        return self.tls or ssl.create_default_context()

    def report(self, kind: EventKind, endpoint: Endpoint, text: str) -> None:
        """Tell the observer, without secrets and on one line."""
        self.observer.feed_event(FeedEvent(kind, endpoint.name, endpoint.scrub(text, limit=600)))

    def may_shed(self, now_ns: int) -> bool:
        """Return whether a connection that is behind may be closed now; if so, it is counted."""
        if self._shed_ns is not None and now_ns - self._shed_ns < self.settings.shed_interval_ns:
            return False
        self._shed_ns = now_ns
        return True


@dataclass(frozen=True, slots=True)
class EndpointShared:
    """What the connections of one endpoint share.

    Attributes:
        endpoint: The endpoint.
        bucket: Its rate of requests.
        reported: Why connections could not be opened, as far as reported since one could: an endpoint that is
            down, or refuses the key, is one trouble, however many connections and hours it concerns.
    """

    endpoint: Endpoint
    bucket: TokenBucket
    reported: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class ConnectionStats:
    """Counters of one connection since it was first opened.

    Attributes:
        name: `endpoint/number`.
        is_open: Whether it is open now.
        wanted: Subscriptions it should hold, the one for slots included.
        confirmed: Those that the endpoint has confirmed.
        messages: Messages received.
        opened: How often it was opened.
        failures: Attempts to open it that failed.
        lost: How often it ended without our wish.
        refused: Subscriptions refused, each time counted.
        unanswered: Subscriptions not confirmed in time, each time counted.
        shed: How often it was closed because its messages were not taken in time.
        unread_bytes: What lies in the kernel's buffer now.
        last_trouble: Why it failed or ended last; empty if it never did.
    """

    name: str
    is_open: bool
    wanted: int
    confirmed: int
    messages: int
    opened: int
    failures: int
    lost: int
    refused: int
    unanswered: int
    shed: int
    unread_bytes: int
    last_trouble: str


def read_answer(message: bytes) -> tuple[int, object, str | None] | None:
    """Return id, result and refusal of an answer to a request; None if the message is something else."""
    # A quote inside a JSON text is escaped, so this finds the key and nothing else.
    if b'"method"' in message or len(message) > MAX_ANSWER_BYTES:
        return None
    try:
        answer = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    number = answer.get("id")
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    if "error" not in answer:
        return number, answer.get("result"), None
    error = answer["error"]
    if not isinstance(error, dict):
        return number, None, "an error without a code"
    return number, None, f"{error.get('code')} {error.get('message')}"
