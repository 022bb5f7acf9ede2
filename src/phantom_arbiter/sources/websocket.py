"""The live feed: subscriptions on several endpoints at once, over as many connections as their limits need.

Every endpoint is asked for everything; who is first, and what is news, the sink finds out. The feed's part is
that each endpoint is connected, subscribed and alive, and that it is said when one is not.

What happens to a connection (`ws/connection.py`), with the bounds of `FeedSettings`:

- It opens with TLS verified, redirects refused. A failure is reported once per cause. The next attempt
  follows after an exponential backoff with full jitter; after 401, 403, a wrong URL, a redirect or a wrong
  certificate after a minute at least; after 429 when the endpoint says.
- It subscribes slots as its heartbeat and then what was placed on it, so many unanswered at a time. Refused
  ones are asked for again with a backoff of their own, unanswered ones at once; both are reported.
- It is pinged when silent, and now and then in any case. No pong, or no message for long although slots are
  subscribed, ends it: it was half open or the endpoint hangs. `FeedSettings.detection_bound_ns` bounds that.
- After its end it comes back and subscribes anew. Nothing is replayed: what was missed is healed by reading
  the accounts, which the sink is told of by `disconnected` and `connected`.

**Back-pressure.** A message is taken in the callback of the socket: parsed, applied, decided on. There is no
queue in the process, so memory does not grow under a flood. What is not taken lies in the kernel's buffer
(`receive_buffer_bytes` of each socket), then in the endpoint, which drops it or us. A connection with much
unread for long is closed and opened anew: what lay unread is dropped, counted (`shed`) and reported, and the
state is read anew. One turn of the loop reads at most one buffer of each socket, so a flood on one connection
delays the others by no more than that. Delays of the loop are measured and reported.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from types import TracebackType

from phantom_arbiter.clock import Clock, RealClock
from phantom_arbiter.errors import ConfigError
from phantom_arbiter.sources.endpoints import Endpoint
from phantom_arbiter.sources.sink import Sink
from phantom_arbiter.sources.ws.events import EventKind, FeedEvent, FeedObserver, LogObserver
from phantom_arbiter.sources.ws.group import Group
from phantom_arbiter.sources.ws.lag import LagMeter
from phantom_arbiter.sources.ws.settings import FeedSettings
from phantom_arbiter.sources.ws.shared import ConnectionStats, Shared
from phantom_arbiter.sources.ws.subscriptions import Subscription, account, logs, program


@dataclass(frozen=True, slots=True)
class FeedStats:
    """Counters of a feed.

    Attributes:
        connections: All connections there are.
        unplaced: By endpoint, how many subscriptions its limits leave no place for.
        worst_lag_ns: Longest delay of the event loop so far.
    """

    connections: tuple[ConnectionStats, ...]
    unplaced: dict[str, int]
    worst_lag_ns: int


class Feed:
    """Keeps subscriptions alive on several endpoints; an asynchronous context manager.

    ```python
    async with Feed(endpoints, EngineSink(engine, on_signals)) as feed:
        feed.subscribe(account(address) for address in wanted)
        await feed.run()
    ```

    Not safe to be used from other threads than the event loop's.
    """

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        sink: Sink,
        *,
        settings: FeedSettings | None = None,
        observer: FeedObserver | None = None,
        clock: Clock | None = None,
        random: Random | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare; connections are opened by `start`.

        Args:
            endpoints: Those without a `ws_url` are left out.
            sink: Takes the frames, on the event loop.
            settings: Bounds; the defaults are meant for mainnet.
            observer: Hears of events; by default they go to the log.
            clock: Defaults to the machine's.
            random: Of all jitter.
            tls: What certificates are verified with; by default the machine's authorities.

        Raises:
            ConfigError: Two endpoints have one name.
        """
        self._clock = clock or RealClock()
        self._settings = settings or FeedSettings()
        self._failure: asyncio.Future[None] | None = None
        self._shared = Shared(
            sink=sink,
            settings=self._settings,
            clock=self._clock,
            random=random or Random(),
            observer=observer or LogObserver(),
            failed=self._fail,
            tls=tls,
        )
        self._wanted: dict[Subscription, None] = {}
        self._groups: dict[str, Group] = {}
        self._lag = LagMeter(self._shared)
        self._lag_task: asyncio.Task[None] | None = None
        for endpoint in endpoints:
            self.add(endpoint)

    # ---- life

    async def start(self) -> None:
        """Begin to open connections; does not wait for them."""
        self._failure = asyncio.get_running_loop().create_future()
        self._lag_task = asyncio.ensure_future(self._lag.run())
        for group in self._groups.values():
            group.start()

    async def run(self) -> None:
        """Wait until `stop`.

        Raises:
            Exception: What the sink raised; the feed must then be stopped.
        """
        if self._failure is None:
            await self.start()
        assert self._failure is not None
        await asyncio.shield(self._failure)

    async def stop(self) -> None:
        """Close all connections, each with a closing handshake as far as its deadline allows."""
        if self._failure is None:
            return
        await asyncio.gather(*(group.stop() for group in self._groups.values()))
        if self._lag_task is not None:
            self._lag_task.cancel()
            await asyncio.gather(self._lag_task, return_exceptions=True)
        if not self._failure.done():
            self._failure.set_result(None)
        elif not self._failure.cancelled():
            self._failure.exception()  # taken notice of, if nobody waits in `run`
        self._failure = None

    async def __aenter__(self) -> Feed:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # ---- what is fed

    def subscribe(self, subscriptions: Iterable[Subscription]) -> None:
        """Subscribe on all endpoints; those there are already stay as they are."""
        new = [one for one in dict.fromkeys(subscriptions) if one not in self._wanted]
        self._wanted.update(dict.fromkeys(new))
        for group in self._groups.values():
            group.place(new)

    def unsubscribe(self, subscriptions: Iterable[Subscription]) -> None:
        """Unsubscribe on all endpoints."""
        gone = [one for one in dict.fromkeys(subscriptions) if one in self._wanted]
        for one in gone:
            del self._wanted[one]
        for group in self._groups.values():
            group.remove(gone)

    def add(self, endpoint: Endpoint) -> None:
        """Begin to use one more endpoint, with all subscriptions.

        Raises:
            ConfigError: There is one of this name.
        """
        if endpoint.name in self._groups:
            raise ConfigError(f"endpoint {endpoint.name} is the name of two, each has its own")
        if endpoint.ws_url is None:
            return
        group = Group(endpoint, self._shared)
        self._groups[endpoint.name] = group
        group.place(self._wanted)
        if self._failure is not None:
            group.start()

    async def remove(self, name: str) -> None:
        """Close all connections of an endpoint and use it no more; nothing if there is none of this name."""
        group = self._groups.pop(name, None)
        if group is not None:
            await group.stop()

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """Those in use."""
        return [group.endpoint for group in self._groups.values()]

    async def settled(self) -> None:
        """Wait until every subscription that has a place is confirmed, on every endpoint."""
        await asyncio.gather(*(group.settled() for group in self._groups.values()))

    async def confirmed(self) -> None:
        """Wait until one endpoint has confirmed all that has a place, and so have the others that are open.

        One that is down is not waited for; what it confirms later is news of a new connection.
        """
        waits = {asyncio.ensure_future(group.settled()): group for group in self._groups.values()}
        try:
            if waits:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.gather(*(wait for wait, group in waits.items() if group.is_open))
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def stats(self) -> FeedStats:
        """Return a copy of the counters."""
        return FeedStats(
            connections=tuple(one for group in self._groups.values() for one in group.stats()),
            unplaced={name: group.unplaced for name, group in self._groups.items() if group.unplaced},
            worst_lag_ns=self._lag.worst_ns,
        )

    def _fail(self, error: Exception) -> None:
        if self._failure is not None and not self._failure.done():
            self._failure.set_exception(error)


__all__ = [
    "ConnectionStats",
    "EventKind",
    "Feed",
    "FeedEvent",
    "FeedObserver",
    "FeedSettings",
    "FeedStats",
    "LogObserver",
    "Subscription",
    "account",
    "logs",
    "program",
]
