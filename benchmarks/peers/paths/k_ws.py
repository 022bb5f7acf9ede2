"""Path k: 1 kB messages over three loopback WebSockets, as the peers do it: received, not parsed.

The messages of that server are no valid JSON, so there is nothing to parse; `benchmarks/feed.py` measures the
whole with real notifications. Ours is a `Feed` with three endpoints; it asks for slots, which that server
ignores. `K_WS_LOOP=asyncio` runs it on asyncio's own loop instead of uvloop.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from typing import Any

from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_arbiter.sources.sink import Receive
from phantom_arbiter.sources.websocket import Feed


class _Sink:
    """Calls `receive` for every message."""

    def __init__(self, receive: Receive) -> None:
        self.received = self._receive = receive

    def connected(self, connection: str) -> None: ...

    def sent(self, connection: str, frame: bytes) -> None: ...

    def disconnected(self, connection: str) -> None: ...

    def receiver(self, connection: str) -> Receive:
        return self._receive


def get(work: str, data: Any) -> Callable[[], Any] | None:
    """Return what gives messages a second (flood), or latencies in ns (paced)."""
    if work == "flood":
        return lambda: _run(_flood(data))
    if work == "paced":
        return lambda: _run(_paced(data))
    return None


def _run(scene: Coroutine[Any, Any, Any]) -> Any:
    loop_factory = None
    if os.environ.get("K_WS_LOOP") != "asyncio":
        import uvloop

        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(scene)


async def _receive_all(data: Any, path: str, receive: Receive, done: asyncio.Future[Any]) -> None:
    """Pass all messages to `receive` until it sets `done`."""
    url = SecretUrl(f"ws://127.0.0.1:{data['port']}{path}")
    endpoints = [Endpoint(name=f"peer-{number}", ws_url=url) for number in range(data["conns"])]
    async with asyncio.timeout(20), Feed(endpoints, _Sink(receive)):  # type: ignore[arg-type]
        await done


async def _flood(data: Any) -> float:
    done = asyncio.get_running_loop().create_future()
    total = left = data["flood"] * data["conns"]
    begin = 0.0

    def receive(_: bytes) -> None:
        nonlocal begin, left
        if left == total:
            begin = time.perf_counter()
        left -= 1
        if left == 0:
            done.set_result(time.perf_counter())

    await _receive_all(data, f"/flood/{data['flood']}", receive, done)
    return total / (done.result() - begin)


async def _paced(data: Any) -> list[int]:
    done = asyncio.get_running_loop().create_future()
    total = data["paced"] * data["conns"]
    latencies: list[int] = []

    def receive(message: bytes, now: Callable[[], int] = time.monotonic_ns) -> None:
        latencies.append(now() - int(message[:20]))
        if len(latencies) == total:
            done.set_result(None)

    await _receive_all(data, f"/paced/{data['rate']}/{data['paced']}", receive, done)
    return latencies
