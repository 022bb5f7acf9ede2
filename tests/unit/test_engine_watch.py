"""What the native engine says of its changes, folded as viewers fold it, against what the engine knows."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from itertools import count

import msgspec
import pytest

import shipped_day
from amm_frames import AMM_V4, MINT, POOL, SOL, TOKEN, VAULTS, account, pool_data, vault_data
from phantom_arbiter.telemetry.model import RunModel
from phantom_arbiter.telemetry.records import (
    Changes,
    MarketChanges,
    MarketSnapshot,
    Snapshot,
)
from phantom_core import Engine, EngineConfig, EngineWatch, InvalidInput

CHANGES = msgspec.json.Decoder(MarketChanges)
SNAPSHOT = msgspec.json.Decoder(MarketSnapshot)


class Viewer:
    """Folds what a watch says."""

    def __init__(self, watch: EngineWatch) -> None:
        self.watch = watch
        self.model = RunModel()
        self.lost = 0
        self.told: list[MarketChanges] = []
        self._seq = count(1)

    def snapshot(self) -> MarketSnapshot:
        market = SNAPSHOT.decode(self.watch.snapshot())
        seq = next(self._seq)
        self.model.apply(
            Snapshot(
                seq=seq,
                at_ns=0,
                unix_ms=0,
                slot=0,
                market=market,
                status=None,
                trades=(),
                refusals=(),
                notices=(),
            )
        )
        return market

    def drain(self) -> MarketChanges | None:
        raw = self.watch.drain()
        if not raw:
            return None
        market = CHANGES.decode(raw)
        self.lost = market.lost
        self.told.append(market)
        self.model.apply(Changes(seq=next(self._seq), at_ns=0, unix_ms=0, slot=0, market=market))
        return market


def assert_true(viewer: Viewer, engine: Engine) -> None:
    """The model is what the engine says of itself."""
    model = viewer.model
    pools = engine.pools()
    assert [pool.pool for _, pool in sorted(model.pools.items())] == [pool.pool for pool in pools]
    for n, pool in enumerate(pools):
        told, state = model.pools[n], model.states[n]
        assert (told.venue, told.mint_a, told.mint_b) == (pool.venue, pool.mint_a, pool.mint_b)
        assert (int(state.depth_a), int(state.depth_b)) == pool.depth
        assert (state.slot, state.set_aside) == (pool.slot, pool.set_aside_reason)
        if pool.set_aside_reason is None:
            assert told.fee_e9 is not None
            assert all(
                abs(mine - its) < 100_000 for mine, its in zip(told.fee_e9, pool.fee_rate_e9, strict=True)
            )
            assert state.price is not None
            assert state.price > 0
        else:
            assert state.price is None
    cycles = [
        [(model.pools[edge // 2].pool, edge % 2 == 0) for edge in cycle.opened.edges]
        for cycle in model.open.values()
    ]
    assert sorted(cycles) == engine.open_cycles()
    assert viewer.watch.pools == len(pools)


def test_fold_of_the_shipped_day_is_what_the_engine_says() -> None:
    engine = shipped_day.market()
    viewer = Viewer(engine.watch())
    viewer.snapshot()
    taken = set()
    for number, record in enumerate(shipped_day.records()):
        for signal in shipped_day.feed(engine, record):
            engine.take(signal)
            taken.add(signal.opening_id)
        if number % 500 == 0:
            viewer.drain()
        if number % 4_000 == 0:
            engine.stats(0)
            viewer.drain()
            assert_true(viewer, engine)
    stats = engine.stats(0)
    viewer.drain()
    assert_true(viewer, engine)
    assert viewer.drain() is None
    assert viewer.lost == viewer.watch.lost == 0
    # Every opening was told once, in order, and closed at most once.
    opened = [opened.id for market in viewer.told for opened in market.opened]
    assert opened == list(range(1, stats.openings + 1))
    closed = [closed.id for market in viewer.told for closed in market.closed]
    assert len(closed) == len(set(closed)) == stats.openings - stats.open_now
    verdicts = {judged.id: judged for market in viewer.told for judged in market.judged}
    assert {judged.id for judged in verdicts.values() if judged.stage == "taken"} == taken
    assert {judged.reason for judged in verdicts.values()} <= set(stats.reasons) | {None}
    sized = [judged for judged in verdicts.values() if judged.amount_in is not None]
    assert all(judged.base_mint is not None for judged in sized)
    again = viewer.snapshot()
    assert_true(viewer, engine)
    assert [pool.n for pool in again.pools] == list(range(stats.pools))


def test_watch_in_the_middle_of_a_day_begins_with_what_is_there() -> None:
    engine = shipped_day.market()
    records = shipped_day.records()
    for record in records[:15_000]:
        shipped_day.feed(engine, record)
    viewer = Viewer(engine.watch())
    viewer.snapshot()
    assert viewer.model.open
    assert_true(viewer, engine)
    for record in records[15_000:20_000]:
        shipped_day.feed(engine, record)
    engine.stats(0)
    viewer.drain()
    assert_true(viewer, engine)


def test_ring_that_is_too_small_counts_what_it_drops_and_a_snapshot_repairs() -> None:
    engine = shipped_day.market()
    viewer = Viewer(engine.watch(capacity=3))
    viewer.snapshot()
    for record in shipped_day.records():
        shipped_day.feed(engine, record)
    engine.stats(0)
    changes = viewer.drain()
    assert changes is not None
    assert len(changes.opened) + len(changes.closed) == 3
    stats = engine.stats(0)
    assert changes.lost == viewer.watch.lost == 2 * stats.openings - stats.open_now - 3
    viewer.snapshot()
    assert_true(viewer, engine)


def test_second_watch_is_the_first_once_more() -> None:
    engine = shipped_day.market()
    one, other = engine.watch(), engine.watch(capacity=1)
    for record in shipped_day.records()[:5_000]:
        shipped_day.feed(engine, record)
    assert one.drain()
    assert other.drain() == b""
    assert one.snapshot() == other.snapshot()


def test_capacity_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput, match="capacity is 0"):
        shipped_day.market().watch(capacity=0)


def watched_pool() -> tuple[Engine, Viewer]:
    engine = Engine(EngineConfig(base_mints={SOL: 10**9}, assume_plain_mints=True))
    engine.connect("node/0")
    viewer = Viewer(engine.watch())
    viewer.snapshot()
    return engine, viewer


def feed(market: Engine, slot: int, accounts: Mapping[str, dict[str, object] | None]) -> None:
    asked = {"jsonrpc": "2.0", "id": slot, "method": "getMultipleAccounts"}
    request = asked | {"params": [list(accounts), {"encoding": "base64"}]}
    market.request("node/0", json.dumps(request).encode())
    result = {"context": {"slot": slot}, "value": list(accounts.values())}
    market.ingest("node/0", json.dumps({"jsonrpc": "2.0", "id": slot, "result": result}).encode())


def test_pool_is_told_before_it_can_be_quoted_and_whole_again_once_it_can() -> None:
    engine, viewer = watched_pool()
    feed(engine, 7, {POOL: account(AMM_V4, pool_data())})
    changes = viewer.drain()
    assert changes is not None
    (pool,) = changes.new_pools
    assert (pool.n, pool.pool, pool.mint_a, pool.mint_b) == (0, POOL, SOL, MINT)
    assert (pool.set_aside, pool.fee_e9, pool.price) == ("missing_vault", None, None)
    vaults = {
        key: account(TOKEN, vault_data(mint, 10**9)) for key, mint in zip(VAULTS, (SOL, MINT), strict=True)
    }
    feed(engine, 8, vaults)
    changes = viewer.drain()
    assert changes is not None
    (pool,) = changes.new_pools
    assert (pool.set_aside, pool.depth_a, pool.depth_b) == (None, str(10**9), str(10**9))
    assert pool.fee_e9 is not None
    assert pool.price is not None
    assert math.isclose(pool.price, 1.0, rel_tol=1e-12)
    feed(engine, 9, {VAULTS[0]: account(TOKEN, vault_data(SOL, 5 * 10**8))})
    changes = viewer.drain()
    assert changes is not None
    assert changes.new_pools == ()
    (state,) = changes.pools
    assert (state.n, state.depth_a, state.slot) == (0, str(5 * 10**8), 9)
    assert state.price is not None
    assert math.isclose(state.price, 2.0, rel_tol=1e-12)


def test_quarantine_and_release_are_told_without_a_write() -> None:
    engine, viewer = watched_pool()
    vaults = {
        key: account(TOKEN, vault_data(mint, 10**9)) for key, mint in zip(VAULTS, (SOL, MINT), strict=True)
    }
    feed(engine, 7, {POOL: account(AMM_V4, pool_data()), **vaults})
    viewer.drain()
    engine.doubt_venue("raydium_amm_v4", "a test")
    changes = viewer.drain()
    assert changes is not None
    assert [(state.set_aside, state.price) for state in changes.pools] == [("quarantined", None)]
    engine.trust_venue("raydium_amm_v4")
    changes = viewer.drain()
    assert changes is not None
    assert [state.set_aside for state in changes.pools] == [None]
    assert_true(viewer, engine)


def test_fee_of_a_pool_that_was_set_aside_in_the_snapshot_is_told_once_it_is_not() -> None:
    engine, viewer = watched_pool()
    vaults = {
        key: account(TOKEN, vault_data(mint, 10**9)) for key, mint in zip(VAULTS, (SOL, MINT), strict=True)
    }
    feed(engine, 7, {POOL: account(AMM_V4, pool_data()), **vaults})
    viewer.drain()
    engine.doubt_venue("raydium_amm_v4", "a test")
    (pool,) = viewer.snapshot().pools
    assert (pool.set_aside, pool.fee_e9) == ("quarantined", None)
    engine.trust_venue("raydium_amm_v4")
    viewer.drain()
    assert viewer.model.pools[0].fee_e9 == engine.pools()[0].fee_rate_e9
    assert_true(viewer, engine)


def test_highest_slot_is_known_without_telling_pools() -> None:
    engine, _ = watched_pool()
    assert engine.highest_slot == 0
    feed(engine, 7, {POOL: account(AMM_V4, pool_data())})
    assert engine.highest_slot == engine.stats(0).slot == 7


def test_decimals_are_told_once_the_mint_has_been_seen() -> None:
    engine, viewer = watched_pool()
    feed(engine, 7, {POOL: account(AMM_V4, pool_data())})
    viewer.drain()
    assert (viewer.model.pools[0].decimals_a, viewer.model.pools[0].decimals_b) == (None, None)
    mint = bytearray(82)
    mint[44], mint[45] = 6, 1
    feed(engine, 8, {MINT: account(TOKEN, bytes(mint))})
    viewer.drain()
    assert (viewer.model.pools[0].decimals_a, viewer.model.pools[0].decimals_b) == (None, 6)
