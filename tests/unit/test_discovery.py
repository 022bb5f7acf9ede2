"""Pools and their accounts found and followed on a local net; nodes that refuse to list."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("solders")

from phantom_arbiter.config import Config
from phantom_arbiter.errors import ConfigError, EndpointDown
from phantom_arbiter.localnet import FaultPlan, LocalNet, NetSettings
from phantom_arbiter.localnet.simulator.simulator import SHIPPED_MARKET
from phantom_arbiter.market_snapshot import take_snapshot
from phantom_arbiter.markets import Request, load_market
from phantom_arbiter.sources.discovery import (
    DiscoveryRequest,
    Follower,
    find_pools,
    missing,
    pool_filters,
    subscribe_on,
)
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_arbiter.sources.rpc import RpcPool, RpcRules
from phantom_arbiter.sources.sink import AggregatorSink
from phantom_arbiter.sources.snapshot import read_snapshot, write_snapshot
from phantom_arbiter.sources.snapshots import SnapshotReader
from phantom_arbiter.sources.websocket import Feed
from phantom_core import (
    Address,
    Market,
    MarketDataError,
    SwapRefused,
    WssAggregator,
    sqrt_price_from_tick_index,
    venue_names,
)
from phantom_core._native import account_layouts
from rpc_server import RpcServer, accounts, error, result

QUICK = RpcRules(first_wait_s=0.02, max_wait_s=0.5)
WHIRLPOOL = "HJPjoWUrhoZzkNfRpHuieeFk9WcZWjwy6PBjZ81ngndJ"
TICK_AT, SQRT_PRICE_AT = 81, 65


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(40):
            await test()

    asyncio.run(bounded())


def shipped() -> Market:
    market = Market()
    for entry in read_snapshot(SHIPPED_MARKET):
        assert entry.owner is not None
        assert entry.data is not None
        market.apply(entry.pubkey, entry.owner, entry.data, 1)
    return market


def endpoints_of(net: LocalNet) -> list[Endpoint]:
    return [
        Endpoint(
            name=each.name,
            http_url=SecretUrl(each.http_url),
            ws_url=SecretUrl(each.ws_url),
            max_connections=4,
        )
        for each in net.endpoints
    ]


def nothing(done: int, total: int) -> None:
    """Take notice of progress."""


# ---- finding


def test_mints_stand_where_the_layouts_say() -> None:
    mints_at = {
        (layout.venue, program): layout.mints_at
        for layout in account_layouts()
        for program in layout.programs
        if layout.mints_at is not None
    }
    assert {venue for venue, _ in mints_at} == set(venue_names())
    data = {entry.pubkey: entry.data for entry in read_snapshot(SHIPPED_MARKET)}
    pools = shipped().pools()
    assert {pool.venue for pool in pools} == set(venue_names())
    for pool in pools:
        places = mints_at[(pool.venue, pool.program)]
        account_data = data[pool.pool]
        assert places is not None
        assert account_data is not None
        found = [str(Address(account_data[at : at + 32])) for at in places]
        assert found == [pool.mint_a, pool.mint_b]


def test_pools_of_every_venue_are_found_by_their_mints() -> None:
    pools = shipped().pools()
    mints = tuple({mint for pool in pools for mint in (pool.mint_a, pool.mint_b)})
    one = pools[0].mint_a
    pair = {pools[0].mint_a, pools[0].mint_b}

    async def test() -> None:
        async with (
            LocalNet(NetSettings(autostart=False)) as net,
            RpcPool(endpoints_of(net), QUICK) as pool,
        ):
            found = await find_pools(pool, DiscoveryRequest(mints=mints))
            assert set(found.pools) == {each.pool for each in pools}
            assert found.unsearched == ()
            found = await find_pools(pool, DiscoveryRequest(mints=(one,)))
            assert set(found.pools) == {each.pool for each in pools if one in (each.mint_a, each.mint_b)}
            found = await find_pools(pool, DiscoveryRequest(mints=tuple(pair), venues=(pools[0].venue,)))
            assert set(found.pools) == {
                each.pool
                for each in pools
                if {each.mint_a, each.mint_b} == pair and each.venue == pools[0].venue
            }
            with pytest.raises(ConfigError, match="at most 3 were expected"):
                await find_pools(pool, DiscoveryRequest(mints=mints, max_pools=3))

    run(test)


def test_a_program_that_no_endpoint_lists_is_told_and_listed_pools_are_taken() -> None:
    async def test() -> None:
        refusing = error(-32010, "excluded from account secondary indexes; this RPC method unavailable")
        request = DiscoveryRequest(mints=(WHIRLPOOL,), pools=(WHIRLPOOL,), venues=("orca_whirlpool",))
        async with RpcServer("a", refusing) as a, RpcPool([a.endpoint()], QUICK) as pool:
            found = await find_pools(pool, request)
            assert found.pools == (WHIRLPOOL,)
            assert [each.venue for each in found.unsearched] == ["orca_whirlpool"] * 2
            assert "endpoint a: refused: excluded" in found.unsearched[0].reason

    run(test)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (DiscoveryRequest(mints=("nobody",)), "mint: "),
        (DiscoveryRequest(pools=("nobody",)), "pool: "),
        (DiscoveryRequest(mints=(WHIRLPOOL,), venues=("orca",)), "there is no venue orca"),
    ],
)
def test_wrong_requests_are_told(request_: DiscoveryRequest, words: str) -> None:
    async def test() -> None:
        async with RpcServer("a", result([])) as a, RpcPool([a.endpoint()], QUICK) as pool:
            with pytest.raises(ConfigError, match=words):
                await find_pools(pool, request_)
            assert a.calls == []

    run(test)


def test_filters_tell_pools_by_length_or_discriminator_at_most_four() -> None:
    for layout in account_layouts():
        if layout.mints_at is None:
            continue
        filters = pool_filters(layout, WHIRLPOOL, layout.mints_at[0])
        assert 2 <= len(filters) <= 4
        assert filters[-1] == {"memcmp": {"offset": layout.mints_at[0], "bytes": WHIRLPOOL}}


# ---- following


class Live:
    """A market fed by a feed and a reader, as a live source has it."""

    def __init__(self) -> None:
        self.market = Market()
        self.states: dict[str, tuple[int, str | None, bytes | None]] = {}
        self.aggregator = WssAggregator()
        self.sink = AggregatorSink(self.aggregator, self._news)

    def _news(self, news: Sequence[Any]) -> None:
        for update in news:
            if not hasattr(update, "pubkey"):
                continue
            self.states[update.pubkey] = (update.slot, update.owner, update.data)
            try:
                if update.owner is None:
                    self.market.apply(update.pubkey, None, slot=update.slot)
                else:
                    self.market.apply(update.pubkey, update.owner, update.data, update.slot)
            except MarketDataError:  # the pool is set aside, with the reason
                pass


def test_a_moving_market_is_followed_and_ends_as_the_truth() -> None:
    async def test() -> None:
        plans = (FaultPlan(http_429=0.1, retry_after_s=0.02), FaultPlan(http_500=0.1, http_garbage=0.1))
        settings = NetSettings(endpoints=3, rate=3_000, seed=11, faults=plans, slot_ms=40)
        live = Live()
        async with LocalNet(settings) as net:
            endpoints = endpoints_of(net)
            async with RpcPool(endpoints, QUICK) as pool, Feed(endpoints, live.sink) as feed:
                subscribe = subscribe_on(feed, lambda: live.aggregator.highest_slot)
                mints = {mint for each in shipped().pools() for mint in (each.mint_a, each.mint_b)}
                found = await find_pools(pool, DiscoveryRequest(mints=tuple(mints)))
                follower = Follower(live.market, SnapshotReader(pool, live.sink), subscribe)
                await follower.start(found.pools)
                assert missing(live.market.wanted()) == {}
                writes = (await net.stats())["writes"]
                while (await net.stats())["writes"] < writes + 3_000:
                    await follower.update()
                    await asyncio.sleep(0.01)
                await net.pause()
                await follower.update()
                await net.quiesce()
                deadline = asyncio.get_running_loop().time() + 5
                wrong = ["?"]
                while wrong and asyncio.get_running_loop().time() < deadline:
                    await asyncio.sleep(0.01)
                    wrong = []
                    for key in follower.followed:
                        truth = await net.truth(key)
                        if (None if truth is None else truth[2]) != live.states[key][2]:
                            wrong.append(key)
                assert wrong == []
                assert missing(live.market.wanted()) == {}
                assert {each.address for each in live.market.wanted()} <= set(follower.followed)
                assert sum(each.set_aside_reason is None for each in live.market.pools()) >= 25

    run(test)


def test_tick_arrays_are_followed_when_the_price_moves_and_nothing_is_asked_when_it_does_not() -> None:
    async def test() -> None:
        live = Live()
        asked: list[str] = []
        settings = NetSettings(rate=500, slot_ms=20, venues=("raydium_cpmm",))  # slots, but other pools

        async with LocalNet(settings) as net:
            endpoints = endpoints_of(net)
            async with RpcPool(endpoints, QUICK) as pool:

                async def subscribe(addresses: Sequence[str]) -> int | None:
                    asked.extend(addresses)
                    return None

                follower = Follower(live.market, SnapshotReader(pool, live.sink), subscribe)
                await follower.start([WHIRLPOOL])
                first = set(follower.followed)
                assert first == set(asked)
                assert {each.reason for each in live.market.wanted()} >= {
                    "clock",
                    "pool",
                    "mint",
                    "tick_array",
                }
                calls = pool.meter.of("local-0", "getMultipleAccounts").calls
                assert await follower.update() == 0
                assert pool.meter.of("local-0", "getMultipleAccounts").calls == calls

                truth = await net.truth(WHIRLPOOL)
                assert truth is not None
                data = bytearray(truth[2])
                tick = int.from_bytes(data[TICK_AT : TICK_AT + 4], "little", signed=True) + 88 * 64 * 5
                data[TICK_AT : TICK_AT + 4] = tick.to_bytes(4, "little", signed=True)
                data[SQRT_PRICE_AT : SQRT_PRICE_AT + 16] = sqrt_price_from_tick_index(tick).to_bytes(
                    16, "little"
                )
                before = live.market.wants_changes
                live.market.apply(WHIRLPOOL, truth[1], bytes(data), truth[0] + 1)
                assert live.market.wants_changes > before
                assert await follower.update() >= 3
                new = set(follower.followed) - first
                assert {each.reason for each in live.market.wanted() if each.address in new} == {"tick_array"}
                assert missing(live.market.wanted()) == {}

    run(test)


def test_what_could_not_be_read_is_tried_again() -> None:
    async def test() -> None:
        live = Live()
        rules = replace(QUICK, rounds=1)
        steps = [error(-32603, "broken"), error(-32603, "broken"), accounts(9)]
        async with RpcServer("a", *steps) as a, RpcPool([a.endpoint()], rules) as pool:
            follower = Follower(live.market, SnapshotReader(pool, live.sink))
            with pytest.raises(EndpointDown):
                await follower.start([WHIRLPOOL])
            assert follower.followed == []
            with pytest.raises(EndpointDown):
                await follower.update()
            assert await follower.update() == 2
            assert WHIRLPOOL in follower.followed

    run(test)


def test_an_endpoint_that_is_down_does_not_keep_accounts_unread() -> None:
    async def test() -> None:
        live = Live()
        down = Endpoint(name="down", ws_url=SecretUrl("ws://127.0.0.1:9"))
        async with LocalNet(NetSettings(rate=500, slot_ms=20)) as net:
            endpoints = [*endpoints_of(net), down]
            async with RpcPool(endpoints, QUICK) as pool, Feed(endpoints, live.sink) as feed:
                subscribe = subscribe_on(feed, lambda: live.aggregator.highest_slot, patience_s=0.1)
                follower = Follower(live.market, SnapshotReader(pool, live.sink), subscribe)
                await follower.start([WHIRLPOOL])
                assert missing(live.market.wanted()) == {}

    run(test)


# ---- the whole


def test_a_snapshot_of_faulty_endpoints_is_quoted_like_the_market_it_was_taken_of(tmp_path: Path) -> None:
    plans = (
        FaultPlan(http_429=0.2, retry_after_s=0.01, http_unhealthy=0.1),
        FaultPlan(http_500=0.2, http_garbage=0.2, lag_slots=3),
    )
    mints = {mint for pool in shipped().pools() for mint in (pool.mint_a, pool.mint_b)}
    path = tmp_path / "market.jsonl.gz"

    async def test() -> None:
        settings = NetSettings(endpoints=3, seed=5, rate=4_000, faults=plans, autostart=False)
        async with LocalNet(settings) as net:
            await net.resume()
            while (await net.stats())["writes"] < 2_000:
                await asyncio.sleep(0.005)
            await net.pause()
            await net.advance(10)  # the endpoint that lags has seen all writes too
            request = DiscoveryRequest(mints=tuple(mints))
            taken = await take_snapshot(endpoints_of(net), request, path, lambda word: nothing, QUICK)
            assert taken.unsearched == ()
            assert taken.missing == {}
            assert taken.failures == []
            loaded = load_market(Request(str(path)), Config())
            assert loaded.unreadable == {}
            truth = Market()
            for key in await net.accounts():
                held = await net.truth(key)
                assert held is not None
                try:
                    truth.apply(key, held[1], held[2], held[0])
                except MarketDataError:
                    continue
            assert {pool.pool for pool in loaded.pools()} == {pool.pool for pool in truth.pools()}
            for pool in truth.pools():
                for mint in (pool.mint_a, pool.mint_b):
                    ours, theirs = quoted(loaded.market, pool.pool, mint), quoted(truth, pool.pool, mint)
                    assert ours == theirs

    run(test)


def quoted(market: Market, pool: str, mint: str) -> object:
    try:
        quote = market.quote(pool, mint, 1_000_000)
    except (SwapRefused, MarketDataError) as refusal:
        return str(refusal)
    return quote.amount_in, quote.amount_out


def test_the_same_accounts_give_the_same_file_and_nothing_half_written_stays(tmp_path: Path) -> None:
    entries = read_snapshot(SHIPPED_MARKET)
    first, second = tmp_path / "a.gz", tmp_path / "b.gz"
    assert write_snapshot(first, entries) == first.stat().st_size
    write_snapshot(second, entries)
    assert first.read_bytes() == second.read_bytes()
    assert read_snapshot(first) == entries
    with pytest.raises(ConfigError, match="cannot be written"):
        write_snapshot(tmp_path / "no" / "c.gz", entries)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match="cannot be written"):
        write_snapshot(tmp_path / "folder", entries)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.gz", "b.gz", "folder"]
