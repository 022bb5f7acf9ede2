"""Whom to believe, through the engine as Python sees it: quorum, quarantine, doubt, settings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from amm_frames import AMM_V4, MINT, POOL, SOL, TOKEN, VAULTS, account, heartbeat, pool_data, vault_data
from phantom_arbiter.config import Config, EndpointSettings, FreshnessSettings, TrustSettings, check_quorum
from phantom_arbiter.errors import ConfigError
from phantom_arbiter.native import build_native_engine, quarantine_limits, stats_from_native
from phantom_core import Engine, EngineConfig, InvalidInput, QuarantineLimits, WssAggregator


def make(**settings: Any) -> Engine:
    return Engine(EngineConfig(base_mints={SOL: 10**9}, assume_plain_mints=True, **settings))


def read(engine: Engine, connection: str, slot: int, amount: int = 10**12) -> None:
    """Deliver an answer as the sources do: a connection of its own."""
    engine.connect(connection)
    ask = {"jsonrpc": "2.0", "id": slot, "method": "getMultipleAccounts", "params": [[POOL, *VAULTS], {}]}
    engine.request(connection, json.dumps(ask).encode())
    value = [account(AMM_V4, pool_data()), account(TOKEN, vault_data(SOL, amount))]
    value.append(account(TOKEN, vault_data(MINT, 10**12)))
    answer = {"jsonrpc": "2.0", "id": slot, "result": {"context": {"slot": slot}, "value": value}}
    engine.ingest(connection, json.dumps(answer).encode())
    engine.disconnect(connection)


def subscribe(engine: Engine, connection: str) -> None:
    for number, address in enumerate(VAULTS, start=10):
        ask = {"jsonrpc": "2.0", "id": number, "method": "accountSubscribe", "params": [address, {}]}
        engine.request(connection, json.dumps(ask).encode())
        engine.ingest(connection, b'{"jsonrpc":"2.0","id":%d,"result":%d}' % (number, number))


def notify(engine: Engine, connection: int | str, slot: int, amount: int, at: int | None = None) -> None:
    value = account(TOKEN, vault_data(SOL, amount))
    result = {"context": {"slot": slot}, "value": value}
    params = {"result": result, "subscription": 10}
    frame = {"jsonrpc": "2.0", "method": "accountNotification", "params": params}
    engine.ingest(connection, json.dumps(frame).encode(), at)


def test_reads_of_two_providers_are_a_quorum_and_two_of_one_are_not() -> None:
    engine = make(quorum=2)
    read(engine, "a/http", 100)
    read(engine, "a/other", 101)
    assert engine.stats().pools == 0
    read(engine, "b/http", 102)
    assert (engine.stats().pools, engine.stats().slot) == (1, 101)


def test_read_and_notification_of_another_provider_are_a_quorum() -> None:
    engine = make(quorum=2)
    for connection in ("a/http", "b/http"):
        read(engine, connection, 100)
    before = engine.state_digest()
    subscribe(engine, "a/0")
    notify(engine, "a/0", 105, 7 * 10**11)
    assert engine.state_digest() == before
    read(engine, "b/http", 107, 7 * 10**11)
    assert engine.state_digest() != before


def test_quarantine_by_the_name_of_the_provider_blocks_what_it_alone_has_said() -> None:
    engine = make()
    read(engine, "a/http", 100)
    truth = engine.state_digest()
    for connection in ("liar/0", "liar/1"):
        subscribe(engine, connection)
        notify(engine, connection, 5_000, 9 * 10**12)
    lie = engine.state_digest()
    assert engine.quarantine("liar") == []
    assert engine.state_digest() == lie != truth
    [stale] = engine.stale_accounts()
    assert (stale.pubkey, stale.pool, stale.reason) == (VAULTS[0], POOL, "doubted")
    pool = engine.pool_freshness(POOL)
    assert pool.blocked_reason == "stale_pool"
    assert pool.blocked_detail == (
        f"account {VAULTS[0]} rests on the word of a provider that is under quarantine"
    )
    read(engine, "a/http", 101)
    assert engine.state_digest() == truth
    assert (engine.stale_accounts(), engine.pool_freshness(POOL).blocked_reason) == ([], None)
    quarantined = [each.name for each in engine.stats().endpoints if each.is_quarantined]
    assert quarantined == ["liar/0", "liar/1"]
    notify(engine, engine.endpoint("liar/2"), 6_000, 1)
    engine.release_endpoint("liar/1")
    assert not any(each.is_quarantined for each in engine.stats().endpoints)
    assert engine.state_digest() == truth


def test_frames_with_times_give_lags_and_endpoints_go_by_number() -> None:
    engine = make()
    read(engine, "a/http", 100)
    for connection in ("a/0", "b/0"):
        subscribe(engine, connection)
    first, second = engine.endpoint("a/0"), engine.endpoint("b/0")
    for slot in range(101, 111):
        notify(engine, first, slot, slot, 1_000_000 * slot)
        notify(engine, second, slot, slot, 1_000_000 * slot + 500)
    lags = [(each.name, each.lag_p50_ns, each.lag_p99_ns) for each in engine.stats().endpoints]
    assert lags == [("a/http", None, None), ("a/0", None, None), ("b/0", 500, 500)]
    endpoints = stats_from_native(engine.stats()).endpoints
    assert [(each.lag_p50_ns, each.disagreements, each.is_quarantined) for each in endpoints] == [
        (None, 0, False),
        (None, 0, False),
        (500, 0, False),
    ]


def test_ingest_takes_any_buffer_and_says_what_is_wrong_with_arguments() -> None:
    engine = make()
    number = engine.endpoint("a/0")
    for frame in (bytearray(heartbeat(100)), memoryview(heartbeat(101)), heartbeat(102)):
        assert engine.ingest(number, frame) == []
    assert engine.freshness().slot == 102
    with pytest.raises(InvalidInput, match="no endpoint has the number 7"):
        engine.ingest(7, b"")
    with pytest.raises(InvalidInput, match="expected a name or a number"):
        engine.connect(1.5)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="expected bytes or a byte buffer"):
        engine.ingest(number, "text")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="the quorum is 65, it may be 1 to 64"):
        make(quorum=65)


def test_aggregator_tells_how_far_connections_are_as_the_engine_does() -> None:
    aggregator, engine = WssAggregator(max_heartbeat_gap=1), make(max_heartbeat_gap=1)
    for connection, slots in {"a/0": (100, 101, 103), "b/0": (100,), "c/0": (90, 101)}.items():
        engine.connect(connection)
        aggregator.connect(connection)
        for slot in slots:
            engine.ingest(connection, heartbeat(slot))
            aggregator.push(connection, heartbeat(slot))
    found = [
        (each.name, each.shown_slot, each.behind_slots, each.gaps, each.slots_lost)
        for each in aggregator.freshness()
    ]
    assert found == [("a/0", 103, 0, 0, 0), ("b/0", 100, 1, 0, 0), ("c/0", 101, 0, 1, 10)]
    assert [(each.name, each.behind_slots) for each in engine.freshness().connections] == [
        (name, behind) for name, _, behind, _, _ in found
    ]


# ---- settings


def test_settings_reach_the_engine() -> None:
    config = Config(
        freshness=FreshnessSettings(max_pool_age_slots=3, max_heartbeat_gap=2),
        trust=TrustSettings(quarantine=True, max_malformed=2),
    )
    engine = build_native_engine(config, assume_plain_mints=True)
    read(engine, "a/http", 100)
    for slot in (100, 103, 106):
        engine.ingest("b/0", heartbeat(slot))
    assert engine.pool_freshness(POOL).blocked_detail == (
        f"account {POOL} is 6 slots old, at most 3 are allowed"
    )
    assert [each.gaps for each in engine.freshness().connections] == [0, 0]
    for _ in range(3):
        engine.ingest("b/0", b"[{")
    assert [each.is_quarantined for each in engine.stats().endpoints] == [False, True]


def test_defaults_of_the_settings_are_those_of_the_native_module() -> None:
    limits, native = quarantine_limits(TrustSettings(quarantine=True)), QuarantineLimits()
    assert limits is not None
    assert repr(limits) == repr(native)
    assert quarantine_limits(TrustSettings()) is None


def test_quorum_of_more_providers_than_there_are_is_refused() -> None:
    endpoints = tuple(
        EndpointSettings.model_validate({"name": name, "http_url": "http://127.0.0.1:1"}) for name in "ab"
    )
    check_quorum(Config(endpoints=endpoints, trust=TrustSettings(quorum=2)))
    message = r"trust.quorum is 3, but there are 2 \[\[endpoints\]\]: nothing could ever count"
    with pytest.raises(ConfigError, match=message):
        check_quorum(Config(endpoints=endpoints, trust=TrustSettings(quorum=3)))
    with pytest.raises(ConfigError, match="there are 0"):
        check_quorum(Config())
