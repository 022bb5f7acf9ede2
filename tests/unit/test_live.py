"""A live source against the local net: what it reads, follows and heals, and what it says when it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

pytest.importorskip("solders")

from phantom_arbiter.config_sources import load
from phantom_arbiter.errors import ConfigError, EndpointDown, EndpointError
from phantom_arbiter.live import MarketFrames
from phantom_arbiter.localnet import FaultPlan, LocalNet, NetSettings
from phantom_arbiter.replay.recorder import new_recorder, record
from phantom_arbiter.sources.discovery import DiscoveryRequest
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_arbiter.sources.healing import HealingRules
from phantom_arbiter.sources.live import LiveSettings, LiveSource
from phantom_arbiter.sources.rpc import RpcRules
from phantom_arbiter.sources.sink import AggregatorSink, EngineSink, Tee
from phantom_arbiter.sources.websocket import EventKind, FeedEvent, FeedSettings
from phantom_core import Engine, EngineConfig, Market, QuarantineLimits, Recording, WssAggregator

WSOL = "So11111111111111111111111111111111111111112"
SECOND = 1_000_000_000
MS = 1_000_000
QUICK = HealingRules(look_ns=50 * MS, again_ns=100 * MS, sweep_ns=None)
RPC = RpcRules(timeout_s=2.0, rounds=3, first_wait_s=0.02, max_wait_s=0.2)
NET = NetSettings(rate=300.0, slot_ms=50.0, venues=("raydium_amm_v4", "whirlpool"))
PATIENCE_S = 20.0


@dataclass
class Heard:
    """Remembers events."""

    events: list[FeedEvent] = field(default_factory=list)

    def feed_event(self, event: FeedEvent) -> None:
        self.events.append(event)

    def texts(self, kind: EventKind) -> list[str]:
        return [event.text for event in self.events if event.kind is kind]


def endpoints_of(net: LocalNet) -> list[Endpoint]:
    return [
        Endpoint(name=one.name, http_url=SecretUrl(one.http_url), ws_url=SecretUrl(one.ws_url))
        for one in net.endpoints
    ]


class Live:
    """A live source that feeds an engine while the block lasts."""

    def __init__(
        self,
        endpoints: list[Endpoint],
        *,
        healing: HealingRules = QUICK,
        quarantine: QuarantineLimits | None = None,
    ) -> None:
        self.engine = Engine(EngineConfig(base_mints={WSOL: 10**11}, quarantine=quarantine))
        self.heard = Heard()
        settings = LiveSettings(
            request=DiscoveryRequest(mints=(WSOL,)),
            feed=FeedSettings(backoff_base_ns=20 * MS, backoff_cap_ns=100 * MS, tick_ns=20 * MS),
            rpc=RPC,
            healing=healing,
        )
        self.source = LiveSource(endpoints, settings, observer=self.heard)
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Live:
        sink = EngineSink(self.engine, lambda signals: None)
        self._task = asyncio.create_task(self.source.run(self.engine, sink, self._stop))
        ready = asyncio.create_task(self.source.ready.wait())
        await asyncio.wait((self._task, ready), return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self._task.done():
            self._task.result()
        return self

    @property
    def followed(self) -> list[str]:
        assert self.source.follower is not None
        return self.source.follower.followed

    async def __aexit__(self, *error: object) -> None:
        self._stop.set()
        assert self._task is not None
        await self._task


async def truth(net: LocalNet, addresses: Iterable[str]) -> str:
    """Return the digest of a market made of what the accounts hold."""
    market = Market()
    for address in addresses:
        held = await net.truth(address)
        if held is None:
            market.apply(address, None, slot=net.bank.slot)
        else:
            slot, owner, data = held
            market.apply(address, owner, data, slot)
    return market.state_digest()


async def until(condition: Callable[[], Awaitable[bool]], net: LocalNet) -> None:
    """Wait until it holds, while slots pass."""
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():
            await net.advance()
            await asyncio.sleep(0.02)


async def settles(net: LocalNet, live: Live) -> None:
    """Stop the writes and wait until the market is what the net says."""
    await net.quiesce()

    async def is_true() -> bool:
        return live.engine.state_digest() == await truth(net, live.followed)

    await until(is_true, net)


def test_the_market_is_what_the_net_says() -> None:
    async def check() -> None:
        async with LocalNet(NET) as net, Live(endpoints_of(net)) as live:
            assert {pool.set_aside_reason for pool in live.engine.pools()} == {None}
            before = live.engine.state_digest()
            await asyncio.sleep(0)
            while live.engine.state_digest() == before:
                await asyncio.sleep(0.02)
            await settles(net, live)

    asyncio.run(check())


def test_one_endpoint_that_is_down_is_reported_and_the_others_do() -> None:
    async def check() -> None:
        async with LocalNet(NET) as net:
            gone = Endpoint(
                name="gone",
                http_url=SecretUrl("http://127.0.0.1:9/?api-key=verysecret"),
                ws_url=SecretUrl("ws://127.0.0.1:9/?api-key=verysecret"),
            )
            async with Live([gone, *endpoints_of(net)]) as live:
                await settles(net, live)
            (said,) = live.heard.texts(EventKind.FAILED)
            assert said.startswith("endpoint gone (ws://127.0.0.1:9/?api-key=***): refuses the connection")
            assert "verysecret" not in said
            assert "\n" not in said

    asyncio.run(check())


def test_no_endpoint_that_answers_ends_the_start_with_one_line() -> None:
    async def check() -> None:
        gone = Endpoint(
            name="gone",
            http_url=SecretUrl("http://127.0.0.1:9/?api-key=verysecret"),
            ws_url=SecretUrl("ws://127.0.0.1:9/?api-key=verysecret"),
        )
        with pytest.raises(EndpointDown, match=r"^endpoint gone: ") as raised:
            async with Live([gone]):
                pass
        assert "verysecret" not in str(raised.value)

    asyncio.run(check())


def test_what_a_reconnection_missed_is_read_again() -> None:
    async def check() -> None:
        async with LocalNet(NET) as net, Live(endpoints_of(net)) as live:
            await net.set_faults(0, FaultPlan(refuse_connection=1.0))
            await net.disconnect(0)
            while not live.heard.texts(EventKind.FAILED):
                await asyncio.sleep(0.02)
            await net.set_faults(0, FaultPlan())
            while len(live.heard.texts(EventKind.CONNECTED)) < 2:
                await asyncio.sleep(0.02)
            assert live.source.healer is not None
            while live.source.healer.healed_reads == 0:
                await asyncio.sleep(0.02)
            await settles(net, live)
            assert live.engine.freshness().blocked == []

    asyncio.run(check())


def test_writes_that_every_endpoint_loses_are_found_in_turn() -> None:
    async def check() -> None:
        sweeping = HealingRules(look_ns=50 * MS, sweep_ns=300 * MS)
        async with LocalNet(NET) as net, Live(endpoints_of(net), healing=sweeping) as live:
            await net.set_faults(0, FaultPlan(loss=1.0))
            before = await truth(net, live.followed)
            while before == await truth(net, live.followed):
                await asyncio.sleep(0.02)
            await settles(net, live)
            assert live.source.healer is not None
            assert live.source.healer.swept_reads > 0

    asyncio.run(check())


def test_accounts_without_a_place_for_a_subscription_are_read_now_and_then() -> None:
    async def check() -> None:
        async with LocalNet(NET) as net:
            (whole,) = endpoints_of(net)
            narrow = Endpoint(
                name="narrow",
                http_url=whole.http_url,
                ws_url=whole.ws_url,
                max_connections=1,
                max_subscriptions_per_connection=5,
            )
            async with Live([narrow]) as live:
                assert "no place for" in live.heard.texts(EventKind.UNPLACED)[0]
                await settles(net, live)

    asyncio.run(check())


def test_an_outage_of_http_is_told_once_and_healed_later() -> None:
    async def check() -> None:
        sweeping = HealingRules(look_ns=50 * MS, sweep_ns=100 * MS)
        async with LocalNet(NET) as net, Live(endpoints_of(net), healing=sweeping) as live:
            await net.set_faults(0, FaultPlan(http_500=1.0))
            while not live.heard.texts(EventKind.UNREAD):
                await asyncio.sleep(0.02)
            await net.set_faults(0, FaultPlan(loss=1.0))
            await settles(net, live)

    asyncio.run(check())


def test_a_provider_under_quarantine_is_reported_and_what_it_said_is_read_from_others() -> None:
    async def check() -> None:
        async with LocalNet(replace(NET, endpoints=3)) as net:
            limits = QuarantineLimits(wrong_owners=1)
            async with Live(endpoints_of(net), quarantine=limits) as live:
                await net.set_faults(2, FaultPlan(lie=0.5, lie_kinds=("owner",)))
                while not live.heard.texts(EventKind.QUARANTINED):
                    await asyncio.sleep(0.02)
                (said,) = live.heard.texts(EventKind.QUARANTINED)
                assert said.startswith("endpoint local-2 is under quarantine")
                await settles(net, live)

    asyncio.run(check())


def test_a_sink_that_fails_ends_the_run_with_its_exception() -> None:
    def break_at(news: object) -> None:
        raise RuntimeError("broken sink")

    async def check() -> None:
        async with LocalNet(NET) as net:
            engine = Engine(EngineConfig(base_mints={WSOL: 10**11}))
            settings = LiveSettings(request=DiscoveryRequest(mints=(WSOL,)), rpc=RPC)
            source = LiveSource(endpoints_of(net), settings, observer=Heard())
            broken = AggregatorSink(WssAggregator(), break_at)
            with pytest.raises(RuntimeError, match="broken sink"):
                async with asyncio.timeout(PATIENCE_S):
                    await source.run(engine, Tee(EngineSink(engine, break_at), broken), asyncio.Event())

    asyncio.run(check())


@pytest.mark.parametrize(
    ("endpoints", "request_", "says"),
    [
        ([], DiscoveryRequest(mints=(WSOL,)), r"needs endpoints; hint: .*\[\[endpoints\]\]"),
        (
            [Endpoint(name="a", http_url=SecretUrl("http://127.0.0.1:1"))],
            DiscoveryRequest(mints=(WSOL,)),
            "no endpoint has a ws_url",
        ),
        (
            [Endpoint(name="a", ws_url=SecretUrl("ws://127.0.0.1:1"))],
            DiscoveryRequest(mints=(WSOL,)),
            "no endpoint has a http_url",
        ),
        (
            [
                Endpoint(
                    name="a", http_url=SecretUrl("http://127.0.0.1:1"), ws_url=SecretUrl("ws://127.0.0.1:1")
                )
            ],
            DiscoveryRequest(),
            "no pools are asked for",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(
    endpoints: list[Endpoint], request_: DiscoveryRequest, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        LiveSource(endpoints, LiveSettings(request=request_))


def test_a_search_that_finds_nothing_says_so() -> None:
    async def check() -> None:
        async with LocalNet(NET) as net:
            nobody = DiscoveryRequest(mints=("1" * 32,))
            source = LiveSource(endpoints_of(net), LiveSettings(request=nobody, rpc=RPC), observer=Heard())
            engine = Engine(EngineConfig(base_mints={WSOL: 10**11}))
            with pytest.raises((ConfigError, EndpointError), match="no pool trades these mints"):
                await source.run(engine, EngineSink(engine, lambda signals: None), asyncio.Event())

    asyncio.run(check())


def test_what_is_recorded_replays_to_the_same_market(tmp_path: Path) -> None:
    async def check() -> None:
        config = load({"live": {"reread_every_s": 1}}).config
        async with LocalNet(NET) as net:
            source = MarketFrames(config, endpoints_of(net), DiscoveryRequest(mints=(WSOL,)))
            recorder = new_recorder(tmp_path / "live.phrec", source.connections, description="a test")
            stop = asyncio.Event()
            recording = asyncio.create_task(record(source, recorder, stop=stop))
            while recorder.stats().frames < 300:
                await asyncio.sleep(0.02)
            await net.quiesce()
            frames = -1
            while frames != (frames := recorder.stats().frames):
                await asyncio.sleep(0.1)
            stop.set()
            with suppress(asyncio.CancelledError):
                await recording
            engine = Engine(EngineConfig(base_mints={WSOL: 10**11}))
            for each in Recording(tmp_path / "live-0001.phrec"):
                match each.kind:
                    case "connect":
                        engine.connect(each.endpoint)
                    case "sent":
                        engine.request(each.endpoint, each.frame)
                    case "received":
                        engine.ingest(each.endpoint, each.frame)
                    case "disconnect":
                        engine.disconnect(each.endpoint)
            assert len(engine.pools()) > 1
            assert engine.state_digest() == await truth(net, source.followed)

    asyncio.run(check())
