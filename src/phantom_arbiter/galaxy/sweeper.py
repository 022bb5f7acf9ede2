"""Hangs up on who holds a connection and uses it for nothing.

uvicorn waits without end for a request that is never finished, and for a client that never reads its answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import Any
from weakref import WeakKeyDictionary

from phantom_arbiter.galaxy.browser import BrowserSocket

UNFINISHED_S = 40.0
"""For sending a request; longer than a connection is kept between two."""
UNREAD_S = 40.0
"""Without taking a byte of an answer."""
EVERY_S = 5.0


class Sweeper:
    """Remembers since when a connection does nothing.

    Args:
        clock: Seconds, growing.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waits_since: WeakKeyDictionary[Any, float] = WeakKeyDictionary()
        self._unread: WeakKeyDictionary[Any, tuple[int, float]] = WeakKeyDictionary()

    def idle(self, connections: Iterable[Any]) -> list[Any]:
        """Return the connections that should go."""
        return [each for each in list(connections) if self._is_idle(each)]

    def _is_idle(self, connection: Any) -> bool:
        now = self._clock()
        transport = connection.transport
        buffered = transport.get_write_buffer_size() if transport is not None else 0
        before, since = self._unread.get(connection, (0, now))
        if buffered == 0 or buffered < before:
            since = now
        self._unread[connection] = (buffered, since)
        if buffered and now - since > UNREAD_S:
            return True
        if isinstance(connection, BrowserSocket) and connection.handshake_initiated:
            return False
        cycle = getattr(connection, "cycle", None)
        if cycle is not None and not cycle.response_complete:
            self._waits_since.pop(connection, None)
            return False
        return now - self._waits_since.setdefault(connection, now) > UNFINISHED_S


async def sweep(connections: Collection[Any]) -> None:
    """Hang up on idle connections, for ever."""
    sweeper = Sweeper(asyncio.get_running_loop().time)
    while True:
        await asyncio.sleep(EVERY_S)
        for connection in sweeper.idle(connections):
            connection.transport.abort()
