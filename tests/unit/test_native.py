"""What the real engine hands out becomes ours without loss."""

from dataclasses import fields

import pytest

import shipped_day
from phantom_arbiter.domain import MarketStats, Opportunity, PoolSetAside
from phantom_arbiter.native import opportunity_from_native, pools_set_aside_from_native, stats_from_native
from phantom_core import Engine

HOP = ("pool", "mint_in", "mint_out", "amount_in", "amount_out")


@pytest.fixture(scope="module")
def after_the_day() -> Engine:
    engine = shipped_day.market()
    for record in shipped_day.records():
        shipped_day.feed(engine, record)
    return engine


def same(ours: object, native: object, *names: str) -> bool:
    return all(getattr(ours, name) == getattr(native, name) for name in names)


def test_opportunity_from_native_keeps_every_field_and_the_signal() -> None:
    native = shipped_day.first_signal(shipped_day.market())
    found = opportunity_from_native(native)
    names = {field.name for field in fields(Opportunity)} - {"hops", "native"}
    assert same(found, native, *names)
    assert len(found.hops) == len(native.hops) == 2
    for ours, hop in zip(found.hops, native.hops, strict=True):
        assert same(ours, hop, *HOP)
    assert found.native is native


def test_stats_from_native_keep_every_field(after_the_day: Engine) -> None:
    native = after_the_day.stats()
    found = stats_from_native(native)
    plain = {field.name for field in fields(MarketStats)} - {"endpoints", "funnel", "nearest_misses"}
    assert same(found, native, *plain)
    assert found.malformed
    for endpoint, theirs in zip(found.endpoints, native.endpoints, strict=True):
        assert same(endpoint, theirs, "name", "frames", "wins", "duplicates", "stale", "held")
        assert endpoint.malformed == sum(theirs.malformed.values()) > 0
    for stage, counted in zip(found.funnel, native.funnel, strict=True):
        assert same(stage, counted, "name", "evaluations", "openings")
    assert found.nearest_misses
    for miss, lacking in zip(found.nearest_misses, native.nearest_misses, strict=True):
        assert same(miss, lacking, "slot", "stage", "reason", "missing_bps", "gross_profit", "net_profit")
        assert miss.base_mint == lacking.route[0].mint_in
        for step, hop in zip(miss.steps, lacking.route, strict=True):
            assert same(step, hop, *HOP[:3])


def test_pools_set_aside_come_with_their_reason(after_the_day: Engine) -> None:
    empty = next(pool for pool in after_the_day.pools() if pool.set_aside_reason)
    assert pools_set_aside_from_native(after_the_day.pools()) == (
        PoolSetAside(empty.pool, empty.mint_a, empty.mint_b, "no_liquidity"),
    )
