"""The connections of one endpoint: spreads subscriptions over as many as its limits ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from phantom_arbiter.sources.endpoints import Endpoint
from phantom_arbiter.sources.ws.connection import Connection
from phantom_arbiter.sources.ws.events import EventKind
from phantom_arbiter.sources.ws.rate import TokenBucket
from phantom_arbiter.sources.ws.shared import ConnectionStats, EndpointShared, Shared
from phantom_arbiter.sources.ws.subscriptions import Subscription


class Group:
    """Fills connections one after the other; there is always one, for the heartbeat."""

    def __init__(self, endpoint: Endpoint, shared: Shared) -> None:
        """Begin with one connection that holds nothing yet."""
        self.endpoint = endpoint
        self._shared = shared
        self._at = EndpointShared(endpoint, TokenBucket(endpoint.requests_per_second, shared.clock.now_ns()))
        self._connections: dict[int, Connection] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._place_of: dict[Subscription, int] = {}
        self._unplaced: dict[Subscription, None] = {}
        self._is_started = False
        self._open_one()

    @property
    def unplaced(self) -> int:
        """How many subscriptions find no place."""
        return len(self._unplaced)

    @property
    def is_open(self) -> bool:
        """Whether some connection is open now."""
        return any(one.is_open for one in self._connections.values())

    def start(self) -> None:
        """Begin to open connections."""
        self._is_started = True
        for number in self._connections:
            self._start_one(number)

    async def stop(self) -> None:
        """Close all connections."""
        self._is_started = False
        await asyncio.gather(*(self._close(number) for number in list(self._connections)))
        await asyncio.gather(*self._closing, return_exceptions=True)

    async def settled(self) -> None:
        """Wait until every subscription that has a place is confirmed."""
        await asyncio.gather(*(one.settled() for one in self._connections.values()))

    def place(self, subscriptions: Iterable[Subscription]) -> None:
        """Give each a place, on new connections where the old ones are full."""
        if not self._connections:
            return  # stopped
        number = next(iter(self._connections))
        missing = len(self._unplaced)
        for subscription in subscriptions:
            place = self._place_with_room(number)
            if place is None:
                self._unplaced[subscription] = None
                continue
            number = place
            self._place_of[subscription] = number
            self._connections[number].add(subscription)
        if len(self._unplaced) > missing:
            limits = self.endpoint
            self._shared.report(
                EventKind.UNPLACED,
                limits,
                f"endpoint {limits.name}: no place for {len(self._unplaced)} of "
                f"{len(self._unplaced) + len(self._place_of)} subscriptions on {limits.max_connections} "
                f"connections of {limits.max_subscriptions_per_connection}, one of which is for slots; "
                "hint: raise max_connections if it allows more",
            )

    def remove(self, subscriptions: Iterable[Subscription]) -> None:
        """Take each away; connections left with nothing are closed, unplaced ones get the room."""
        for subscription in subscriptions:
            self._unplaced.pop(subscription, None)
            number = self._place_of.pop(subscription, None)
            if number is not None:
                self._connections[number].remove(subscription)
        room = sum(one.room for one in self._connections.values())
        waiting = list(self._unplaced)[:room]
        for subscription in waiting:
            del self._unplaced[subscription]
        self.place(waiting)
        for number, connection in list(self._connections.items()):
            if connection.is_empty and len(self._connections) > 1:
                task = asyncio.ensure_future(self._close(number))
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)

    def stats(self) -> list[ConnectionStats]:
        """Return the counters of each connection."""
        return [one.stats() for one in self._connections.values()]

    # ---- connections

    def _place_with_room(self, number: int) -> int | None:
        """Return a connection with room: this one, any, or a new one."""
        if self._connections[number].room > 0:
            return number
        for other, connection in self._connections.items():
            if connection.room > 0:
                return other
        if len(self._connections) < self.endpoint.max_connections:
            return self._open_one()
        return None

    def _open_one(self) -> int:
        number = next(free for free in range(len(self._connections) + 1) if free not in self._connections)
        name = f"{self.endpoint.name}/{number}"
        self._connections[number] = Connection(name, self._at, self._shared)
        if self._is_started:
            self._start_one(number)
        return number

    def _start_one(self, number: int) -> None:
        task = asyncio.ensure_future(self._connections[number].run())
        task.add_done_callback(self._on_done)
        self._tasks[number] = task

    def _on_done(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self._shared.failed(error)

    async def _close(self, number: int) -> None:
        connection = self._connections.pop(number)
        task = self._tasks.pop(number, None)
        await connection.stop()
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
