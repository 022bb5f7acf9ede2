"""What is subscribed, and how far one connection has got with it: pure, its time is given."""

from __future__ import annotations

import heapq
import itertools
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from phantom_arbiter.sources.endpoints import Commitment
from phantom_arbiter.sources.ws.backoff import Backoff

Method = Literal["accountSubscribe", "programSubscribe", "logsSubscribe", "slotSubscribe"]

MAX_LATE = 4_096
"""Requests without an answer in time whose late answer is still understood."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One thing to be told of.

    Attributes:
        method: The JSON-RPC method.
        subject: Address of the account or program, or the address that logs mention; empty for all logs and
            for slots.
        options: JSON object of what else is asked; the endpoint's commitment is added to it.
    """

    method: Method
    subject: str = ""
    options: str = "{}"

    def request(self, number: int, commitment: Commitment) -> bytes:
        """Return the JSON-RPC request with this id."""
        params: list[Any] = []
        options = json.loads(self.options) | {"commitment": commitment}
        match self.method:
            case "accountSubscribe" | "programSubscribe":
                params = [self.subject, options]
            case "logsSubscribe":
                params = [{"mentions": [self.subject]} if self.subject else "all", options]
            case "slotSubscribe":
                params = []
        return _request(number, self.method, params)

    def cancel(self, number: int, subscription: int) -> bytes:
        """Return the request that ends it on a connection where it has the number `subscription`."""
        return _request(number, self.method.replace("Subscribe", "Unsubscribe"), [subscription])

    def __str__(self) -> str:
        return f"{self.method} {self.subject}".rstrip()


SLOTS = Subscription("slotSubscribe")
"""The heartbeat: a message every slot, some 0.4 s."""


def account(address: str, encoding: str = "base64") -> Subscription:
    """Return the subscription to an account's writes."""
    return Subscription("accountSubscribe", address, json.dumps({"encoding": encoding}))


def program(
    address: str, filters: Sequence[Mapping[str, Any]] = (), encoding: str = "base64"
) -> Subscription:
    """Return the subscription to the writes of all accounts that a program owns and that pass `filters`."""
    options: dict[str, Any] = {"encoding": encoding}
    if filters:
        options["filters"] = list(filters)
    return Subscription("programSubscribe", address, json.dumps(options))


def logs(mentions: str = "") -> Subscription:
    """Return the subscription to logs of transactions that mention an address, or of all."""
    return Subscription("logsSubscribe", mentions)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an answer of the endpoint means.

    Attributes:
        subscription: What it is about.
        cancel: Number of a subscription that is not wanted, or held twice, and is to be ended.
        refusal: Why it was refused; None if it was confirmed.
    """

    subscription: Subscription
    cancel: int | None = None
    refusal: str | None = None


class SubscriptionBook:
    """The subscriptions of one connection: wanted, asked for, confirmed."""

    def __init__(self, confirm_timeout_ns: int, max_asked: int, new_backoff: Callable[[], Backoff]) -> None:
        """Begin with none.

        Args:
            confirm_timeout_ns: How long an answer may take.
            max_asked: Requests without an answer at the same time.
            new_backoff: Makes the backoff of a subscription that was refused.
        """
        self._confirm_timeout_ns = confirm_timeout_ns
        self._max_asked = max_asked
        self._new_backoff = new_backoff
        self._wanted: dict[Subscription, None] = {}
        self._backoffs: dict[Subscription, Backoff] = {}
        self._ids = itertools.count(1)
        self._orders = itertools.count()
        self._live: dict[Subscription, int] = {}
        self._ready: deque[Subscription] = deque()
        self._delayed: list[tuple[int, int, Subscription]] = []
        self._asked: dict[int, tuple[Subscription, int]] = {}
        self._asked_of: dict[Subscription, int] = {}
        self._late: dict[int, Subscription] = {}

    def __len__(self) -> int:
        return len(self._wanted)

    def __contains__(self, subscription: object) -> bool:
        return subscription in self._wanted

    def __iter__(self) -> Iterator[Subscription]:
        return iter(tuple(self._wanted))

    @property
    def confirmed(self) -> int:
        """How many the endpoint has confirmed."""
        return len(self._live)

    @property
    def is_waiting(self) -> bool:
        """Whether an answer is due, if only a late one."""
        return bool(self._asked or self._late)

    def is_confirmed(self, subscription: Subscription) -> bool:
        """Return whether it is confirmed on the present connection."""
        return subscription in self._live

    def add(self, subscription: Subscription) -> None:
        """Want one more."""
        if subscription not in self._wanted:
            self._wanted[subscription] = None
            if subscription not in self._asked_of:
                self._ready.append(subscription)

    def remove(self, subscription: Subscription) -> int | None:
        """Want it no more; return its number if it is to be cancelled."""
        self._wanted.pop(subscription, None)
        self._backoffs.pop(subscription, None)
        return self._live.pop(subscription, None)

    def begin(self) -> None:
        """Begin a new connection: nothing is asked or confirmed on it."""
        self._live.clear()
        self._asked.clear()
        self._asked_of.clear()
        self._late.clear()
        self._delayed.clear()
        self._backoffs.clear()
        self._ready = deque(self._wanted)

    def next_id(self) -> int:
        """Return an id that no request of this book has had."""
        return next(self._ids)

    def due(self, now_ns: int) -> Subscription | None:
        """Return what is to be asked for next, if anything may be now; it stays due until `ask`."""
        while self._delayed and self._delayed[0][0] <= now_ns:
            self._ready.append(heapq.heappop(self._delayed)[2])
        while self._ready:
            subscription = self._ready[0]
            if subscription in self._wanted and not (
                subscription in self._live or subscription in self._asked_of
            ):
                return subscription if len(self._asked) < self._max_asked else None
            self._ready.popleft()
        return None

    def ask(self, now_ns: int) -> tuple[int, Subscription]:
        """Take what is due; return the id for its request."""
        subscription = self._ready.popleft()
        number = self.next_id()
        self._asked[number] = (subscription, now_ns + self._confirm_timeout_ns)
        self._asked_of[subscription] = number
        return number, subscription

    def answered(self, number: int, result: object, refusal: str | None, now_ns: int) -> Answer | None:
        """Take an answer; None if it is to no subscription of ours.

        Args:
            number: Its id.
            result: The number of the subscription, if it was confirmed.
            refusal: Why not, if it was not.
            now_ns: The time.
        """
        subscription = self._taken(number)
        if subscription is None:
            return None
        if refusal is None and (not isinstance(result, int) or isinstance(result, bool) or result < 0):
            refusal = "an answer without a subscription number"
        if refusal is not None:
            self._retry(subscription, now_ns)
            return Answer(subscription, refusal=refusal)
        assert isinstance(result, int)
        if subscription not in self._wanted or subscription in self._live:
            return Answer(subscription, cancel=result)
        self._live[subscription] = result
        self._backoffs.pop(subscription, None)
        return Answer(subscription)

    def overdue(self, now_ns: int) -> list[Subscription]:
        """Return those whose answer did not come in time; they are asked for again."""
        found: list[Subscription] = []
        while self._asked:
            number, (subscription, deadline_ns) = next(iter(self._asked.items()))
            if deadline_ns > now_ns:
                break
            del self._asked[number]
            self._asked_of.pop(subscription, None)
            if len(self._late) >= MAX_LATE:
                self._late.pop(next(iter(self._late)))
            self._late[number] = subscription
            if subscription in self._wanted and subscription not in self._live:
                self._ready.append(subscription)
                found.append(subscription)
        return found

    def _taken(self, number: int) -> Subscription | None:
        asked = self._asked.pop(number, None)
        if asked is None:
            return self._late.pop(number, None)
        self._asked_of.pop(asked[0], None)
        return asked[0]

    def _retry(self, subscription: Subscription, now_ns: int) -> None:
        if subscription not in self._wanted:
            return
        backoff = self._backoffs.get(subscription)
        if backoff is None:
            backoff = self._backoffs[subscription] = self._new_backoff()
        heapq.heappush(self._delayed, (now_ns + backoff.delay_ns(), next(self._orders), subscription))


def _request(number: int, method: str, params: list[Any]) -> bytes:
    request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    return json.dumps(request, separators=(",", ":")).encode()
