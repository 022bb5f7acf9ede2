"""What pools want, as a market and an engine tell it."""

from __future__ import annotations

import base64
import json

from market_files import tradable_states
from phantom_core import Engine, EngineConfig, Market

CLOCK = "SysvarC1ock11111111111111111111111111111111"
SOL = "So11111111111111111111111111111111111111112"


def test_a_market_names_the_clock_then_each_pool_and_what_it_reads() -> None:
    for state in tradable_states():
        market = Market()
        assert [(want.address, want.reason, want.is_known) for want in market.wanted()] == [
            (CLOCK, "clock", False)
        ]
        owner, data = state.accounts[state.pool]
        market.apply(state.pool, owner, data, 7)
        wanted = market.wanted()
        assert (wanted[1].address, wanted[1].pool, wanted[1].reason, wanted[1].is_known) == (
            state.pool,
            state.pool,
            "pool",
            True,
        )
        assert {want.reason for want in wanted} >= {"mint"}
        assert {want.pool for want in wanted[1:]} == {state.pool}
        lacking = {want.address for want in wanted if not want.is_known} - {CLOCK}
        assert lacking <= set(market.take_new_wants())
        for key, (owner, data) in state.accounts.items():
            if key in lacking:
                market.apply(key, owner, data, 7)
        still = {want.address for want in market.wanted() if not want.is_known} - {CLOCK}
        assert still.isdisjoint(state.accounts)


def test_new_wants_are_told_once_and_counted() -> None:
    state = tradable_states()[0]
    market = Market()
    assert (market.wants_changes, market.take_new_wants()) == (0, [])
    owner, data = state.accounts[state.pool]
    market.apply(state.pool, owner, data, 7)
    changes = market.wants_changes
    first = market.take_new_wants()
    assert len(first) == changes > 1
    assert state.pool in first
    assert {want.address for want in market.wanted()} - {CLOCK} == set(first)
    market.apply(state.pool, owner, data, 8)
    assert (market.wants_changes, market.take_new_wants()) == (changes, [])


def test_an_engine_tells_what_its_market_wants() -> None:
    state = tradable_states()[0]
    owner, data = state.accounts[state.pool]
    engine = Engine(EngineConfig(base_mints={SOL: 1}))
    value = {"data": [base64.b64encode(data).decode(), "base64"], "lamports": 1, "owner": owner}
    answer = {"jsonrpc": "2.0", "id": 1, "result": {"context": {"slot": 7}, "value": [value]}}
    request = {"jsonrpc": "2.0", "id": 1, "method": "getMultipleAccounts", "params": [[state.pool]]}
    engine.connect("a/http")
    engine.request("a/http", json.dumps(request).encode())
    engine.ingest("a/http", json.dumps(answer).encode())
    engine.disconnect("a/http")
    market = Market()
    market.apply(state.pool, owner, data, 7)
    assert [repr(want) for want in engine.wanted()] == [repr(want) for want in market.wanted()]
    assert engine.wants_changes == market.wants_changes
    assert engine.take_new_wants() == market.take_new_wants()
