"""The chain as it is now, from several endpoints: pools found, read, subscribed, followed and healed.

```text
endpoints ─ Feed (WebSocket) ──────────────┐
          └ RpcPool (HTTP) ─ SnapshotReader ┴─► sink ─► engine ─► what it wants ─► Follower ─┐
                                 ▲                          └──► what it doubts ─► Healer ──┤
                                 └──────────────────────────────────────────────────────────┘
```

Composition only; each part says what it does. The sink is the engine, or the engine and a recorder: what one
is told, the other can replay.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from phantom_arbiter.clock import Clock, RealClock
from phantom_arbiter.errors import ConfigError, EndpointError
from phantom_arbiter.sources.discovery import (
    DiscoveryRequest,
    Follower,
    FoundPools,
    check_request,
    find_pools,
    nothing_found,
    subscribe_on,
)
from phantom_arbiter.sources.endpoints import Endpoint
from phantom_arbiter.sources.healing import FreshMarket, Healer, HealingRules
from phantom_arbiter.sources.rpc import RpcPool, RpcRules
from phantom_arbiter.sources.sink import Sink
from phantom_arbiter.sources.snapshots import OnProgress, OnStage, SnapshotReader
from phantom_arbiter.sources.websocket import (
    EventKind,
    Feed,
    FeedEvent,
    FeedObserver,
    FeedSettings,
    LogObserver,
)

WATCH_NS = 1_000_000_000
"""How often gaps are looked for, to be reported."""
MAX_PAUSE_NS = 5_000_000_000
"""Longest pause after what endpoints could not give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSettings:
    """What to look for, and how hard.

    Attributes:
        request: Which pools.
        feed: Bounds of the WebSocket connections.
        rpc: How hard to try over HTTP.
        healing: How often to look and to read.
        quorum: Providers that have to agree, as the market is told: so many must answer each read.
    """

    request: DiscoveryRequest
    feed: FeedSettings = field(default_factory=FeedSettings)
    rpc: RpcRules = field(default_factory=RpcRules)
    healing: HealingRules = field(default_factory=HealingRules)
    quorum: int = 1


def no_stage(_: str) -> OnProgress:
    """Begin a stage that nobody watches."""
    return lambda done, total: None


class LiveSource:
    """Keeps a market as the chain is, until it is stopped."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        settings: LiveSettings,
        *,
        observer: FeedObserver | None = None,
        clock: Clock | None = None,
        random: Random | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare; nothing is opened before `run`.

        Args:
            endpoints: Some with a `ws_url`, some with an `http_url`; most have both.
            settings: What to look for, and how hard.
            observer: Hears of events; by default they go to the log.
            clock: Defaults to the machine's.
            random: Of all jitter.
            tls: What certificates are verified with; by default the machine's authorities.

        Raises:
            ConfigError: No endpoint has a `ws_url` or an `http_url`, or the request is wrong.
        """
        check_endpoints(endpoints)
        check_request(settings.request)
        if not settings.request.mints and not settings.request.pools:
            raise ConfigError("no pools are asked for", hint="name them in [discovery], as mints or pools")
        self._settings = settings
        self._observer = observer or LogObserver()
        self._clock = clock or RealClock()
        self._random = random
        self._tls = tls
        self._gaps: dict[str, int] = {}
        self._quarantined: set[str] = set()
        self.endpoints = list(endpoints)
        self.pool = RpcPool(endpoints, settings.rpc, tls=tls)
        self.pool.check_quorum(settings.quorum)
        self.feed: Feed | None = None
        self.follower: Follower | None = None
        self.healer: Healer | None = None
        self.found: FoundPools | None = None
        self.ready = asyncio.Event()
        """Set once every account that quotes need has been read."""

    async def run(
        self, market: FreshMarket, sink: Sink, stop: asyncio.Event, on_stage: OnStage = no_stage
    ) -> None:
        """Find, read and follow the pools until `stop` is set; then close all connections in order.

        Args:
            market: What is kept as the chain is; `sink` must feed it.
            sink: Takes every frame, those of HTTP answers included.
            stop: Ends it.
            on_stage: Told of each stage of the start.

        Raises:
            ConfigError: No pool was found.
            EndpointError: The start failed: no endpoint gives what is needed.
            Exception: What the sink raised.
        """
        async with self.pool:
            await self.pool.slot()  # says what is wrong if no endpoint answers at all
            await self.pool.probe()
            found = self.found = await find_pools(
                self.pool, self._settings.request, on_stage("searching programs")
            )
            for each in found.unsearched:
                self._report(EventKind.UNSEARCHED, each.venue, f"venue {each.venue}: {each.reason}")
            if not found.pools:
                raise nothing_found(found.unsearched)
            feed = self.feed = Feed(
                self.endpoints,
                sink,
                settings=self._settings.feed,
                observer=self._observer,
                clock=self._clock,
                random=self._random,
                tls=self._tls,
            )
            async with feed:
                await self._until(stop, feed.run(), self._keep(market, sink, feed, found.pools, on_stage))

    async def _until(self, stop: asyncio.Event, *work: Coroutine[Any, Any, None]) -> None:
        """Wait until `stop` is set or one of the works fails."""
        tasks = [asyncio.ensure_future(each) for each in (stop.wait(), *work)]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(
        self, market: FreshMarket, sink: Sink, feed: Feed, pools: Sequence[str], on_stage: OnStage
    ) -> None:
        def seen_slot() -> int | None:
            return market.freshness().slot or None

        reader = SnapshotReader(self.pool, sink, quorum=self._settings.quorum)
        follower = self.follower = Follower(
            market, reader, subscribe_on(feed, seen_slot), on_progress=on_stage("reading accounts")
        )
        rules = self._settings.healing
        healer = self.healer = Healer(market, follower, reader, rules, self._clock.now_ns)
        await follower.start(pools)
        follower.on_progress = None
        self.ready.set()
        keepers = [
            self._again(lambda: rules.follow_ns, follower.update),
            self._again(lambda: rules.look_ns, healer.look),
            self._again(lambda: WATCH_NS, lambda: self._watch(market, follower)),
        ]
        if rules.sweep_ns is not None:
            keepers.append(self._again(lambda: healer.sweep_pause_ns() or WATCH_NS, healer.sweep))
        await self._until(asyncio.Event(), *keepers)

    async def _again(self, pause_ns: Callable[[], int], work: Callable[[], Awaitable[object]]) -> None:
        """Do `work` after every pause, for ever; what endpoints cannot give is told and tried again."""
        failures, told = 0, ""
        while True:
            await self._clock.wait_ns(min(pause_ns() << failures, max(pause_ns(), MAX_PAUSE_NS)))
            try:
                await work()
            except EndpointError as error:
                failures = min(failures + 1, 10)
                if str(error) != told:
                    told = str(error)
                    self._report(EventKind.UNREAD, error.endpoint, told)
            else:
                failures, told = 0, ""

    async def _watch(self, market: FreshMarket, follower: Follower) -> None:
        """Report gaps and quarantines since the last look; after a quarantine, read all again from others."""
        out = {one.name.partition("/")[0] for one in market.stats(0).endpoints if one.is_quarantined}
        new, self._quarantined = out - self._quarantined, out
        for name in sorted(new):
            text = f"endpoint {name} is under quarantine: it misbehaved too often and is not believed"
            self._report(EventKind.QUARANTINED, name, text)
        if new:
            await follower.refresh(seen_slot=market.freshness().slot or None)
        for one in market.freshness().connections:
            gaps = one.gaps - self._gaps.get(one.name, 0)
            if gaps:
                self._gaps[one.name] = one.gaps
                text = f"{one.name}: heartbeats are missing ({gaps}), its accounts are read again"
                self._report(EventKind.GAP, one.name.partition("/")[0], text)

    def _report(self, kind: EventKind, endpoint: str, text: str) -> None:
        self._observer.feed_event(FeedEvent(kind, endpoint, text))


def check_endpoints(endpoints: Sequence[Endpoint]) -> None:
    """Check that there is something to subscribe at and something to read at.

    Raises:
        ConfigError: There is not.
    """
    if not endpoints:
        raise ConfigError(
            "a live source needs endpoints",
            hint="add a table [[endpoints]] with name, http_url and ws_url to the configuration",
        )
    for url in ("ws_url", "http_url"):
        if all(getattr(each, url) is None for each in endpoints):
            raise ConfigError(f"no endpoint has a {url}", hint=f"add {url} to one of [[endpoints]]")
