"""A live run: the settings' endpoints and pools, driven into the engine until it is stopped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

import phantom_core
from phantom_arbiter.config import check_quorum, endpoint
from phantom_arbiter.engine import LOOK_INTERVAL_NS, Engine
from phantom_arbiter.fee_desk import FeeDesk
from phantom_arbiter.fee_feed import FeedRules, FeeFeed
from phantom_arbiter.mints import WELL_KNOWN_MINTS, MintBook
from phantom_arbiter.native import build_native_engine
from phantom_arbiter.sources.discovery import DiscoveryRequest
from phantom_arbiter.sources.endpoints import Endpoint
from phantom_arbiter.sources.healing import HealingRules
from phantom_arbiter.sources.live import LiveSettings, LiveSource, check_endpoints, first_end, no_stage
from phantom_arbiter.sources.sink import EngineSink, Sink, Tee
from phantom_arbiter.sources.snapshots import OnStage, http_connection
from phantom_arbiter.sources.websocket import FeedObserver
from phantom_arbiter.summary import SourceInfo

if TYPE_CHECKING:
    from phantom_arbiter.config import Config


def live_settings(config: Config, request: DiscoveryRequest | None = None) -> LiveSettings:
    """Return what the settings say of a live source; `request` names other pools than they do."""
    discovery = config.discovery
    ours = DiscoveryRequest(
        mints=discovery.mints,
        pools=discovery.pools,
        venues=discovery.venues,
        max_pools=discovery.max_pools,
    )
    sweep_ns = round(config.live.reread_every_s * 1e9) or None
    return LiveSettings(
        request=request or ours, healing=HealingRules(sweep_ns=sweep_ns), quorum=config.trust.quorum
    )


def live_source(config: Config, observer: FeedObserver) -> LiveSource:
    """Return the live source that the settings mean.

    Args:
        config: Its sections endpoints, discovery and live are read.
        observer: Hears of events.

    Raises:
        ConfigError: No endpoint can be used, or no pools are asked for.
    """
    endpoints = [endpoint(each) for each in config.endpoints]
    check_endpoints(endpoints)
    check_quorum(config)
    return LiveSource(endpoints, live_settings(config), observer=observer)


def fee_rules(config: Config) -> FeedRules | None:
    """Return how the settings want fees to be looked for; None where nobody wants to know."""
    fees = config.fees
    return FeedRules(refresh_s=fees.refresh_s, tip_floor=fees.tip_floor) if fees.mode == "adaptive" else None


def live_info(config: Config) -> SourceInfo:
    """Return what a live source says of itself."""
    names = ", ".join(each.name for each in config.endpoints)
    return SourceInfo(
        name="live",
        description=f"live, from {names}",
        label=f"the chain as {names} tell it; {_how(config)}",
        sha256=None,
        records=None,
        mints=MintBook(WELL_KNOWN_MINTS),
        assume_plain_mints=False,
    )


Beside = Callable[[Engine, asyncio.Event], Coroutine[Any, Any, None]]
"""Runs as long as a live source does; the event is set once the market is read."""


def _how(config: Config) -> str:
    if config.mode == "paper":
        return "trades are on paper"
    return "a dry run, nothing is sent" if config.execution.dry_run else "trades are real"


class LiveRun:
    """Drives a live source into an engine; see `session.Source`."""

    def __init__(
        self,
        source: LiveSource,
        market: phantom_core.Engine,
        *,
        stop_after_s: float | None = None,
        on_stage: OnStage = no_stage,
        fees: FeedRules | None = None,
        beside: Beside | None = None,
    ) -> None:
        """Prepare.

        Args:
            source: Where frames come from.
            market: What the engine of `drive` feeds.
            stop_after_s: Stop after so long; None: only when asked to.
            on_stage: Told of each stage of the start.
            fees: How to look for fees, where the engine of `drive` wants to know of them.
            beside: What else goes on while frames arrive, told of the engine and of the market's readiness.
        """
        self._beside = beside
        self._fees = fees
        self._source = source
        self._market = market
        self._stop_after_s = stop_after_s
        self._on_stage = on_stage
        self._is_stopping = False
        self._wake: Callable[[], object] | None = None

    def stop(self) -> None:
        """End `drive` soon; callable from a signal handler or another thread."""
        self._is_stopping = True
        if self._wake is not None:
            self._wake()

    def drive(self, engine: Engine) -> None:
        """Feed `engine` until `stop`.

        Raises:
            EndpointError: It cannot begin: no endpoint gives what is needed.
            ConfigError: No pool was found.
            Exception: What the engine raised.
        """
        try:
            asyncio.run(self._drive(engine))
        finally:
            engine.report()

    async def _drive(self, engine: Engine) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(stop.set)
        if self._is_stopping:
            return
        if self._stop_after_s is not None:
            loop.call_later(self._stop_after_s, stop.set)
        feeding = self._source.run(self._market, Clocked(engine), stop, self._on_stage)
        work: list[Coroutine[Any, Any, object]] = [feeding, _look(engine)]
        if self._fees is not None and engine.fees is not None:
            work.append(self._follow_fees(engine, engine.fees, self._fees))
        if self._beside is not None:
            work.append(self._beside(engine, self._source.ready))
        try:
            await first_end(*work)
        finally:
            self._wake = None

    async def _follow_fees(self, engine: Engine, desk: FeeDesk, rules: FeedRules) -> None:
        """Keep the fee engine up to date once the market is read: the start needs the endpoints more."""
        await self._source.ready.wait()
        async with FeeFeed(desk, self._source.endpoints, rules, engine.notice) as feed:
            await feed.run()


async def _look(engine: Engine) -> None:
    """Let `engine` look at rules and kill switches even when no frame arrives."""
    while True:
        await asyncio.sleep(LOOK_INTERVAL_NS / 1e9)
        engine.look()


class Clocked:
    """The engine as a sink whose own time is that of the machine, from its first frame on."""

    def __init__(self, engine: Engine, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._engine = engine
        self._now_ns = now_ns
        self._began_ns = now_ns()
        self.connected = engine.connected
        self.sent = engine.sent
        self.disconnected = engine.disconnected

    def received(self, connection: str, frame: bytes) -> None:
        """Take a frame now."""
        self._engine.recorded_ns = self._now_ns() - self._began_ns
        self._engine.received(connection, frame)


class MarketFrames:
    """All frames of a live market, for a recorder: see `replay.recorder.FrameSource`.

    A market of its own follows what the frames say, since they say what is needed next.
    """

    def __init__(self, config: Config, endpoints: Sequence[Endpoint], request: DiscoveryRequest) -> None:
        """Prepare.

        Args:
            config: For the market; its endpoints and pools are not read.
            endpoints: Whom to ask.
            request: Which pools.

        Raises:
            ConfigError: Endpoints or pools are missing.
        """
        self._source = LiveSource(endpoints, live_settings(config, request))
        self._market = build_native_engine(config, assume_plain_mints=False)

    @property
    def connections(self) -> Sequence[str]:
        """As many as each endpoint allows, since what pools need is not known yet, and its answers."""
        names = []
        for each in self._source.endpoints:
            sockets = each.max_connections if each.ws_url is not None else 0
            names += [f"{each.name}/{number}" for number in range(sockets)]
            names += [http_connection(each.name)] if each.http_url is not None else []
        return names

    @property
    def followed(self) -> Sequence[str]:
        """Accounts that have been read and are subscribed to."""
        return [] if self._source.follower is None else self._source.follower.followed

    async def run(self, sink: Sink) -> None:
        """Hand frames to `sink` until it is cancelled."""
        # The market first: what it refuses to follow is not sent, so it must not be recorded.
        both = Tee(EngineSink(self._market, lambda signals: None), sink)
        await self._source.run(self._market, both, asyncio.Event())
