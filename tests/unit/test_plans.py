"""Trades and plans of cycles on a whole recorded market, repeated step by step on copies of its pools."""

from __future__ import annotations

import base64
import gzip
import itertools
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from phantom_core import InvalidInput, Market, MarketDataError, PlannedRoute, Pool, SwapRefused, Trade

SNAPSHOT = Path(__file__).parents[1] / "data/whirlpools-2023-03-31/snapshot.jsonl.gz"
SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
USDT = "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"
MSOL = "mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So"
STSOL = "7dHbWXmci3dT8UFYWYZweBLXgycu7Y3iL6trKn1Y7ARj"
BONK = "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263"
ORCA = "orcaEKTdK7LKz57vaAYr9QeNsVEPfiu6QeMU1kektZE"
AMOUNTS = {
    SOL: 10**9,
    USDC: 20 * 10**6,
    USDT: 20 * 10**6,
    MSOL: 10**9,
    STSOL: 10**9,
    BONK: 10**12,
    ORCA: 10**7,
}
"""About 20 dollars of each."""


@pytest.fixture(scope="module")
def market() -> Market:
    market = Market(assume_plain_mints=True, complete=True)
    with gzip.open(SNAPSHOT, "rt") as lines:
        for line in lines:
            account = json.loads(line)
            market.apply(account["pubkey"], account["owner"], base64.b64decode(account["data"]))
    return market


def repeat(market: Market, routes: Iterable[PlannedRoute]) -> int:
    """Carry routes out on copies of the pools, in order; return how many swaps there were."""
    pools: dict[str, Pool] = {}
    swaps = 0
    for route in routes:
        arrives = (route.hops[0].mint_in, route.amount_in)
        for hop in route.hops:
            assert (hop.mint_in, hop.amount_in) == arrives
            pool = pools.setdefault(hop.pool, market.pool(hop.pool))
            assert pool.swap(hop.amount_in, mint_in=hop.mint_in).quote.amount_out == hop.amount_out
            arrives = (hop.mint_out, hop.amount_out)
            swaps += 1
        assert arrives[1] == route.amount_out
    return swaps


def trade_or_none(market: Market, mint_in: str, mint_out: str, amount: int, max_legs: int) -> Trade | None:
    """Return the best trade, None where the pools are too small for the amount."""
    try:
        return market.best_trade(mint_in, mint_out, amount, max_legs=max_legs)
    except MarketDataError as error:
        if error.reason != "no_output":
            raise
        return None


def is_within_reach(trade: Trade) -> bool:
    """Whether every pool is swapped with once: then the bound holds."""
    uses = Counter(hop.pool for route in trade.routes for hop in route.hops)
    return max(uses.values()) == 1


@pytest.mark.parametrize("scale", [1, 100, 5_000])
@pytest.mark.parametrize("max_legs", [1, 4])
def test_trades_never_lose_to_a_single_route_and_repeat_exactly(
    market: Market, scale: int, max_legs: int
) -> None:
    found = 0
    for mint_in, mint_out in itertools.permutations(AMOUNTS, 2):
        amount = AMOUNTS[mint_in] * scale
        trade = trade_or_none(market, mint_in, mint_out, amount, max_legs)
        if trade is None:
            continue
        found += 1
        repeat(market, trade.routes)
        assert sum(route.amount_in for route in trade.routes) == trade.amount_in == amount
        assert sum(route.amount_out for route in trade.routes) == trade.amount_out
        assert {(route.hops[0].mint_in, route.hops[-1].mint_out) for route in trade.routes} == {
            (mint_in, mint_out)
        }
        assert len(trade.routes) <= max_legs
        if trade.best_single_route is not None:
            assert trade.best_single_route <= trade.amount_out
            assert max_legs > 1 or trade.best_single_route == trade.amount_out
        assert trade.bound is not None
        if is_within_reach(trade):
            assert trade.amount_out <= trade.bound * (1 + 1e-9) + 1
        assert -1 < trade.price_impact_bps < 10_000
        assert market.requote(trade.routes)[0].amount_out == trade.routes[0].amount_out
    assert found >= 20


def test_a_single_route_is_the_best_of_all(market: Market) -> None:
    """Every pair of pools that joins two mints, by quotes of the market."""
    pools = [pool for pool in market.pools() if pool.set_aside_reason is None]
    amount = AMOUNTS[MSOL] * 100

    def out(pool: str, mint: str, paid: int) -> int:
        try:
            return market.quote(pool, mint, paid).amount_out
        except SwapRefused:
            return 0

    best = 0
    for first in pools:
        if MSOL not in (first.mint_a, first.mint_b):
            continue
        middle = first.mint_b if first.mint_a == MSOL else first.mint_a
        paid = out(first.pool, MSOL, amount)
        if middle == USDC:
            best = max(best, paid)
        elif paid:
            ways = [pool for pool in pools if {pool.mint_a, pool.mint_b} == {middle, USDC}]
            best = max([best, *(out(second.pool, middle, paid) for second in ways)])
    trade = market.best_trade(MSOL, USDC, amount, max_hops=2)
    assert trade.best_single_route == best
    assert trade.amount_out >= best


def test_a_large_trade_comes_near_the_bound_with_enough_routes(market: Market) -> None:
    trades = [market.best_trade(SOL, USDC, 10**13, max_legs=legs) for legs in (1, 2, 4, 8)]
    outs = [trade.amount_out for trade in trades]
    assert outs == sorted(outs)
    assert trades[-1].bound is not None
    assert outs[-1] > trades[-1].bound * 0.998
    assert outs[-1] > outs[0] * 1.002


@pytest.mark.parametrize("bases", [[SOL], [USDC], [USDC, SOL]])
@pytest.mark.parametrize("max_hops", [2, 3])
def test_plans_repeat_exactly_and_are_no_worse_than_one_after_the_other(
    market: Market, bases: list[str], max_hops: int
) -> None:
    plan = market.joint_plan(bases, max_hops=max_hops, max_amount_in=10**12)
    assert len(plan.cycles) > 5
    assert repeat(market, plan.cycles) == sum(len(cycle.hops) for cycle in plan.cycles)
    gains: Counter[str] = Counter()
    for cycle in plan.cycles:
        assert cycle.hops[0].mint_in == cycle.hops[-1].mint_out
        assert cycle.amount_in <= 10**12
        assert cycle.amount_out > cycle.amount_in
        gains[cycle.hops[0].mint_in] += cycle.amount_out - cycle.amount_in
    assert plan.profits == [(base, gains[base]) for base in bases]
    assert plan.value == max(plan.sequential_value, plan.joint_value) > 0
    again = market.requote(plan.cycles)
    assert [cycle.amount_out for cycle in again] == [cycle.amount_out for cycle in plan.cycles]


def test_the_first_cycle_of_a_sequential_plan_is_the_best_of_all(market: Market) -> None:
    one = market.joint_plan([SOL], max_hops=3, max_cycles=1)
    through_sol = [cycle for cycle in market.cycles(3) if cycle.mints[0] == SOL]
    best = max(sized.gross_profit for cycle in through_sol if (sized := market.size(cycle, 2**64 - 1)))
    assert one.value >= best > 0


def test_limits_of_a_plan_hold(market: Market) -> None:
    few = market.joint_plan([SOL], max_cycles=3, max_amount_in=10**9, min_profit=1000)
    assert len(few.cycles) <= 3
    assert all(cycle.amount_in <= 10**9 for cycle in few.cycles)
    assert all(cycle.amount_out - cycle.amount_in >= 1000 for cycle in few.cycles)
    used = few.cycles[0].hops[0].pool
    without = market.joint_plan([SOL], max_cycles=3, without_pools=[used])
    assert all(hop.pool != used for cycle in without.cycles for hop in cycle.hops)
    dear = market.joint_plan([SOL], min_profit=2**63)
    assert (dear.cycles, dear.value) == ([], 0.0)


def test_bad_input_is_refused_with_its_values(market: Market) -> None:
    for arguments, says in [
        ((SOL, SOL, 5), "named twice"),
        ((SOL, USDC, 0), "amount_in is 0"),
        ((SOL, USDC, -1), "amount is -1"),
        ((SOL, "1" * 32, 5), "mint_out 1111"),
        (("x", USDC, 5), "mint_in"),
    ]:
        with pytest.raises(InvalidInput, match=says):
            market.best_trade(*arguments)
    with pytest.raises(InvalidInput, match="max_hops is 9; it may be 1 to 4"):
        market.best_trade(SOL, USDC, 5, max_hops=9)
    with pytest.raises(InvalidInput, match="max_legs is 0"):
        market.best_trade(SOL, USDC, 5, max_legs=0)
    with pytest.raises(InvalidInput, match="only_pools"):
        market.best_trade(SOL, USDC, 5, only_pools=SOL)
    with pytest.raises(InvalidInput, match="venue is 'uniswap'"):
        market.best_trade(SOL, USDC, 5, only_venues=["uniswap"])
    with pytest.raises(InvalidInput, match="base mint"):
        market.joint_plan(["1" * 32])
    with pytest.raises(InvalidInput, match="named twice"):
        market.joint_plan([SOL, SOL])
    with pytest.raises(InvalidInput, match="1 for 2 base mints"):
        market.joint_plan([SOL, USDC], values=[1.0])
    with pytest.raises(InvalidInput, match="must be finite"):
        market.joint_plan([SOL], values=[float("nan")])
    with pytest.raises(MarketDataError) as raised:
        market.best_trade(SOL, USDC, 1, max_hops=1)
    assert raised.value.reason == "no_output"
    with pytest.raises(MarketDataError) as raised:
        market.best_trade(SOL, USDC, 5, only_venues=["raydium_cpmm"])
    assert raised.value.reason == "no_route"


def test_a_pool_that_vanishes_breaks_old_plans_and_is_left_out_of_new_ones() -> None:
    market = Market(assume_plain_mints=True, complete=True)
    with gzip.open(SNAPSHOT, "rt") as lines:
        for line in lines:
            account = json.loads(line)
            market.apply(account["pubkey"], account["owner"], base64.b64decode(account["data"]))
    before = market.best_trade(MSOL, SOL, 10**12)
    gone = before.routes[0].hops[0].pool
    market.apply(gone, None, slot=2)
    with pytest.raises(MarketDataError, match="set aside") as raised:
        market.requote(before.routes)
    assert raised.value.reason == "closed"
    after = market.best_trade(MSOL, SOL, 10**12)
    assert all(hop.pool != gone for route in after.routes for hop in route.hops)
    assert after.amount_out < before.amount_out
    with pytest.raises(MarketDataError):
        market.best_trade(MSOL, SOL, 10**12, only_pools=[gone])
