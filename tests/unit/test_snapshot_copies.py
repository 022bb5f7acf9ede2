"""The same accounts read at several endpoints, so that a quorum can agree on what they hold."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from phantom_arbiter.errors import ConfigError, EndpointDown
from phantom_arbiter.sources.discovery import Follower
from phantom_arbiter.sources.rpc import RpcPool, RpcRules
from phantom_arbiter.sources.sink import AggregatorSink
from phantom_arbiter.sources.snapshots import SnapshotReader
from phantom_core import AccountUpdate, Market, WssAggregator
from rpc_server import RpcServer, Step, accounts, error

QUICK = RpcRules(rounds=1, timeout_s=2.0, hedge_after_s=5.0)
KEYS = [f"{'1' * 31}{letter}" for letter in "ABCDEFGH"]
DOWN = error(-32603, "broken")


class Sink:
    """What is delivered, and what an aggregator makes of it."""

    def __init__(self, quorum: int) -> None:
        self.news: list[AccountUpdate] = []
        self.delivered: list[str] = []
        self._inner = AggregatorSink(WssAggregator(quorum=quorum), self.news.extend)

    def connected(self, connection: str) -> None:
        self._inner.connected(connection)

    def sent(self, connection: str, frame: bytes) -> None:
        self._inner.sent(connection, frame)

    def received(self, connection: str, frame: bytes) -> None:
        self.delivered.append(connection)
        self._inner.received(connection, frame)

    def disconnected(self, connection: str) -> None:
        self._inner.disconnected(connection)


def with_servers(
    steps: dict[str, list[Step]], test: Callable[[RpcPool], Awaitable[None]], rules: RpcRules = QUICK
) -> dict[str, int]:
    """Run a test against scripted endpoints; return how often each was called."""
    servers = {name: RpcServer(name, *script) for name, script in steps.items()}

    async def run() -> None:
        async with asyncio.timeout(20):
            for server in servers.values():
                await server.__aenter__()
            try:
                async with RpcPool([server.endpoint() for server in servers.values()], rules) as pool:
                    await test(pool)
            finally:
                for server in servers.values():
                    await server.__aexit__(None, None, None)

    asyncio.run(run())
    return {name: len(server.calls) for name, server in servers.items()}


def test_every_account_is_read_at_as_many_endpoints_and_they_are_a_quorum() -> None:
    sink = Sink(quorum=2)

    async def test(pool: RpcPool) -> None:
        report = await SnapshotReader(pool, sink, quorum=2).read(KEYS)
        assert (report.accounts, report.first_slot, report.last_slot) == (8, 9, 11)
        assert report.by_endpoint == {"a": 8, "b": 8, "c": 8}

    calls = with_servers({"a": [accounts(9)], "b": [accounts(11)], "c": [accounts(10)]}, test)
    assert calls == {"a": 1, "b": 1, "c": 1}
    assert sorted(sink.delivered) == ["a/http", "b/http", "c/http"]
    assert {update.pubkey for update in sink.news} == set(KEYS)


def test_one_copy_is_no_quorum() -> None:
    sink = Sink(quorum=2)

    async def test(pool: RpcPool) -> None:
        await SnapshotReader(pool, sink).read(KEYS)

    with_servers({"a": [accounts(9)], "b": [accounts(9)]}, test)
    assert (len(sink.delivered), sink.news) == (1, [])


def test_failing_endpoint_is_made_up_for_by_another() -> None:
    sink, told = Sink(quorum=2), list[tuple[int, int]]()

    async def test(pool: RpcPool) -> None:
        reader = SnapshotReader(pool, sink, quorum=2)
        report = await reader.read(KEYS, on_progress=lambda done, of: told.append((done, of)))
        assert report.by_endpoint == {"b": 8, "c": 8}

    with_servers({"a": [DOWN], "b": [accounts(9)], "c": [accounts(9)]}, test)
    assert (len(sink.news), told) == (8, [(8, 8)])


def test_too_few_good_answers_are_tried_again_without_asking_twice() -> None:
    sink = Sink(quorum=2)

    async def test(pool: RpcPool) -> None:
        await SnapshotReader(pool, sink, quorum=2).read(KEYS)

    steps = {"a": [accounts(9)], "b": [DOWN, accounts(10)], "c": [DOWN]}
    rules = RpcRules(rounds=3, timeout_s=2.0, hedge_after_s=5.0, first_wait_s=0.01)
    calls = with_servers(steps, test, rules)
    assert (calls["a"], calls["b"], len(sink.news)) == (1, 2, 8)


def test_too_few_good_answers_are_an_error() -> None:
    sink = Sink(quorum=2)

    async def test(pool: RpcPool) -> None:
        with pytest.raises(EndpointDown):
            await SnapshotReader(pool, sink, quorum=2).read(KEYS)

    with_servers({"a": [accounts(9)], "b": [DOWN], "c": [DOWN]}, test)
    assert sink.news == []


def test_slow_endpoint_is_overtaken_by_another() -> None:
    sink = Sink(quorum=2)

    async def test(pool: RpcPool) -> None:
        released = asyncio.Event()

        async def hang(request: object, call: object) -> object:
            await released.wait()
            raise ConnectionResetError

        async with RpcServer("slow", hang) as slow:  # type: ignore[arg-type]
            every = [slow.endpoint(), *pool.endpoints]
            rules = RpcRules(rounds=1, timeout_s=5.0, hedge_after_s=0.05)
            async with RpcPool(every, rules) as with_slow:
                report = await SnapshotReader(with_slow, sink, quorum=2).read(KEYS)
                assert report.by_endpoint == {"a": 8, "b": 8}
            released.set()

    with_servers({"a": [accounts(9)], "b": [accounts(9)]}, test)
    assert len(sink.news) == 8


@pytest.mark.parametrize("quorum", [0, 3])
def test_a_quorum_of_more_than_the_endpoints_are_refused_before_anything_is_asked(quorum: int) -> None:
    async def test(pool: RpcPool) -> None:
        message = f"{quorum} endpoints are to answer each read, 2 have an http_url"
        with pytest.raises(ConfigError, match=message):
            SnapshotReader(pool, Sink(1), quorum=quorum)
        reader = SnapshotReader(pool, Sink(1), quorum=2)
        pool.remove("b")
        with pytest.raises(ConfigError, match="2 endpoints are to answer each read, 1 has an http_url"):
            await reader.read(KEYS)

    assert with_servers({"a": [accounts(9)], "b": [accounts(9)]}, test) == {"a": 0, "b": 0}


def test_follower_reads_with_the_copies_of_its_reader() -> None:
    sink = Sink(quorum=2)

    async def test(pool: RpcPool) -> None:
        follower = Follower(Market(), SnapshotReader(pool, sink, quorum=2))
        await follower.start(KEYS)
        assert follower.report.reads.accounts == 9
        assert follower.report.reads.by_endpoint == {"a": 9, "b": 9}

    with_servers({"a": [accounts(9)], "b": [accounts(9)]}, test)
    assert len(sink.news) == 9
