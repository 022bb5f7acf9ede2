"""Freshness as Python sees it: a small market over two connections, driven by JSON-RPC frames."""

from __future__ import annotations

import json

import pytest

from amm_frames import AMM_V4, MINT, POOL, SOL, TOKEN, VAULTS, account, heartbeat, pool_data, vault_data
from phantom_core import Engine, EngineConfig, InvalidInput


def request(engine: Engine, connection: str, number: int, method: str, *params: object) -> None:
    frame = {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
    engine.request(connection, json.dumps(frame).encode())


def answer(engine: Engine, connection: str, number: int, result: object) -> None:
    engine.ingest(connection, json.dumps({"jsonrpc": "2.0", "result": result, "id": number}).encode())


def subscribe(engine: Engine, connection: str) -> None:
    for number, address in enumerate((POOL, *VAULTS), start=10):
        request(engine, connection, number, "accountSubscribe", address, {"encoding": "base64"})
        answer(engine, connection, number, number)


def read(engine: Engine, slot: int) -> None:
    request(engine, "a/http", slot, "getMultipleAccounts", [POOL, *VAULTS], {"encoding": "base64"})
    states = [account(AMM_V4, pool_data())]
    states += [account(TOKEN, vault_data(mint, 10**12)) for mint in (SOL, MINT)]
    answer(engine, "a/http", slot, {"context": {"slot": slot}, "value": states})


@pytest.fixture
def engine() -> Engine:
    engine = Engine(EngineConfig(base_mints={SOL: 10**9}, assume_plain_mints=True, max_pool_age_slots=4))
    engine.connect("a/0")
    subscribe(engine, "a/0")
    engine.ingest("a/0", heartbeat(100))
    read(engine, 100)
    return engine


def test_subscribed_pool_is_as_fresh_as_the_heartbeat(engine: Engine) -> None:
    for slot in range(101, 160):
        engine.ingest("a/0", heartbeat(slot))
    pool = engine.pool_freshness(POOL)
    assert (pool.fresh_to, pool.age_slots, pool.blocked_reason) == (159, 0, None)
    market = engine.freshness()
    assert (market.is_judging, market.slot, market.blocked) == (True, 159, [])
    assert engine.stale_accounts() == []


def test_stopped_connection_makes_its_pool_stale_and_a_reading_heals(engine: Engine) -> None:
    for slot in range(101, 106):
        engine.ingest("b/0", heartbeat(slot))
    [blocked] = engine.freshness().blocked
    assert (blocked.pool, blocked.reason) == (POOL, "stale_pool")
    assert blocked.detail == f"account {POOL} is 5 slots old, at most 4 are allowed"
    stale = engine.stale_accounts()
    assert [(one.pubkey, one.reason, one.age_slots) for one in stale] == [
        (address, "old", 5) for address in (POOL, *VAULTS)
    ]
    read(engine, 105)
    assert engine.stale_accounts() == []
    market = engine.freshness()
    assert (market.in_doubt, market.doubted, market.healed, market.longest_slots) == (0, 3, 3, 5)
    first = market.connections[0]
    assert (first.name, first.shown_slot, first.behind_slots, first.is_open) == ("a/0", 100, 5, True)


def test_gap_is_counted_and_says_from_which_slot_to_read(engine: Engine) -> None:
    engine.ingest("a/0", heartbeat(103))
    assert {(one.reason, one.fresh_to, one.read_from) for one in engine.stale_accounts()} == {
        ("unread", 100, 103)
    }
    first = engine.freshness().connections[0]
    assert (first.gaps, first.slots_lost, first.subscriptions) == (1, 2, 3)


def test_reconnect_is_void_until_subscribed_and_read(engine: Engine) -> None:
    engine.disconnect("a/0")
    assert {one.reason for one in engine.stale_accounts()} == {"uncovered"}
    engine.connect("a/0")
    subscribe(engine, "a/0")
    engine.ingest("a/0", heartbeat(104))
    assert {(one.reason, one.read_from) for one in engine.stale_accounts()} == {("unread", 104)}
    read(engine, 104)
    assert engine.stale_accounts() == []
    assert engine.freshness().connections[0].connections == 2


def test_thinned_heartbeats_are_no_gap_where_that_is_said() -> None:
    engine = Engine(EngineConfig(base_mints={SOL: 1}, max_heartbeat_gap=3))
    for slot in (100, 104, 108):
        engine.ingest("a/0", heartbeat(slot))
    assert engine.freshness().connections[0].gaps == 0


def test_pool_freshness_of_what_is_unknown_is_an_error(engine: Engine) -> None:
    with pytest.raises(InvalidInput, match=f"pool {MINT} is not in the market"):
        engine.pool_freshness(MINT)
    with pytest.raises(InvalidInput, match="pool"):
        engine.pool_freshness("nothing")
