"""The cycles of a recorded market: all of them, started where asked, counted at every stage, exact."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from benchmarks.reference.cycles import Hops, edges_of, profitable_cycles

from phantom_arbiter.config import USDC, WSOL
from phantom_arbiter.cycles import LARGEST_INPUT, Fees, Query, Stop, Survey, survey
from phantom_arbiter.sources.snapshot import read_snapshot
from phantom_core import EngineConfig, InvalidInput, Market, MarketCycle

SNAPSHOT = Path(__file__).parents[1] / "data/whirlpools-2023-03-31/snapshot.jsonl.gz"
FEES = Fees(network=5_000, priority=20_000, tip=10_000)
MSOL = "mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So"
FOREIGN = "Vote111111111111111111111111111111111111111"


@pytest.fixture(scope="module")
def market() -> Market:
    market = Market(assume_plain_mints=True, complete=True)
    for account in read_snapshot(SNAPSHOT):
        assert account.owner is not None
        assert account.data is not None
        market.apply(account.pubkey, account.owner, account.data)
    return market


@pytest.fixture(scope="module")
def surveyed(market: Market) -> Survey:
    return survey(market, Query(3, FEES, preferred=(USDC, WSOL)))


def key(cycle: MarketCycle) -> Hops:
    hops = tuple(cycle.hops)
    first = hops.index(min(hops))
    return hops[first:] + hops[:first]


@pytest.mark.parametrize("max_hops", [2, 3, 4])
def test_cycles_equal_plain_enumeration_over_exact_prices(market: Market, max_hops: int) -> None:
    expected = profitable_cycles(edges_of(market), max_hops)
    promised = market.cycles(max_hops, before_fees=True)
    paying = market.cycles(max_hops)
    assert {key(cycle) for cycle in promised} == expected.before_fees
    assert {key(cycle) for cycle in paying} == expected.after_fees
    assert (len(promised), len(paying)) == (len(expected.before_fees), len(expected.after_fees))
    weights = [cycle.net_weight for cycle in promised]
    assert weights == sorted(weights)
    assert [cycle.hops for cycle in promised[: len(paying)]] == [cycle.hops for cycle in paying]


def test_stages_count_what_is_left_after_each_look(market: Market, surveyed: Survey) -> None:
    enumerated = profitable_cycles(edges_of(market), 3)
    stages = surveyed.stages
    assert (stages.spot, stages.after_fees) == (len(enumerated.before_fees), len(enumerated.after_fees))
    assert len({key(one.cycle) for one in surveyed.found}) == len(surveyed.found) == stages.after_fees
    gaining = [one for one in surveyed.found if one.sized is not None]
    assert stages.after_sizing == len(gaining)
    costs = {mint: market.lamports_in(mint, FEES.total) for mint in {one.base_mint for one in gaining}}
    profits = [(one.sized.gross_profit, costs[one.base_mint]) for one in gaining if one.sized]
    assert stages.after_costs == sum(cost is not None and profit > cost for profit, cost in profits)
    stops = Counter(one.stop for one in surveyed.found)
    assert stops[Stop.NO_COST_PRICE] == sum(cost is None for _, cost in profits) > 0
    assert stops[Stop.COSTS_EXCEED_PROFIT] > 0
    assert stops[None] == stages.after_costs == stages.after_min_profit == len(surveyed.paying)
    assert stages.spot > stages.after_fees > stages.after_sizing > stages.after_costs > 50


def test_what_sizing_stops_gains_at_no_input_of_a_dense_search(market: Market) -> None:
    inputs = sorted({*range(1, 2_000), *(int(1.05**step) for step in range(700))})
    found = survey(market, Query(2, FEES)).found
    stopped = [one for one in found if one.stop is Stop.NO_PROFIT_AFTER_SIZING]
    assert 0 < len(stopped) < len(found)
    for one in stopped:
        profits = market.cycle_profits(one.cycle, inputs)
        assert max((profit for profit in profits if profit is not None), default=0) <= 0


def test_every_profit_is_what_its_hops_give_one_by_one(market: Market, surveyed: Survey) -> None:
    for one in surveyed.found:
        if one.sized is None:
            continue
        assert market.cycle_profits(one.cycle, [one.sized.amount_in]) == [one.sized.gross_profit]
        amount = one.sized.amount_in
        for (pool, _), mint in zip(one.cycle.hops, one.cycle.mints, strict=True):
            amount = market.quote(pool, mint, amount).amount_out
        assert amount - one.sized.amount_in == one.sized.gross_profit


def test_those_worth_a_transaction_come_first_best_first(surveyed: Survey) -> None:
    stops = [one.stop for one in surveyed.found]
    order = [None, *Stop]
    assert stops == sorted(stops, key=order.index)
    worth = [one.net_lamports or 0 for one in surveyed.paying]
    assert worth == sorted(worth, reverse=True)
    assert all(one.net_profit is not None and one.net_profit > 0 for one in surveyed.paying)
    assert all(one.margin_bps < one.spot_gain_bps for one in surveyed.found)


def test_cycles_start_from_the_preferred_mint_they_hold(market: Market, surveyed: Survey) -> None:
    for one in surveyed.found:
        mints = one.cycle.mints
        wanted = next((mint for mint in (USDC, WSOL) if mint in mints), None)
        assert one.base_mint == (wanted or mints[0])
    assert {USDC, WSOL} < {one.base_mint for one in surveyed.found}
    only = survey(market, Query(3, FEES, preferred=(USDC, WSOL), required=(WSOL, MSOL)))
    assert {one.base_mint for one in only.found} == {WSOL, MSOL}
    holding = [one for one in surveyed.found if {WSOL, MSOL} & set(one.cycle.mints)]
    assert len(only.found) == len(holding) < len(surveyed.found)


def test_query_through_a_mint_leaves_the_others_out_of_every_count(market: Market, surveyed: Survey) -> None:
    through = survey(market, Query(3, FEES, preferred=(USDC, WSOL), through=MSOL))
    holding = [one for one in surveyed.found if MSOL in one.cycle.mints]
    assert [key(one.cycle) for one in through.found] == [key(one.cycle) for one in holding]
    assert through.stages.after_costs == sum(one.stop is None for one in holding) > 0
    assert survey(market, Query(3, FEES, through=FOREIGN)).found == ()


def test_least_profit_is_valued_like_costs(market: Market, surveyed: Survey) -> None:
    least = 1_000_000
    bounded = survey(market, Query(3, FEES, preferred=(USDC, WSOL), min_profit_lamports=least))
    assert bounded.stages.after_costs == surveyed.stages.after_costs
    assert 0 < bounded.stages.after_min_profit < bounded.stages.after_costs
    for one in bounded.found:
        if one.stop in (None, Stop.BELOW_MIN_PROFIT):
            needed = market.lamports_in(one.base_mint, least)
            assert one.net_profit is not None
            assert (one.stop is None) == (needed is not None and one.net_profit >= needed)


def test_progress_ends_with_all_cycles(market: Market) -> None:
    told: list[tuple[int, int]] = []
    found = survey(market, Query(3, FEES), lambda done, total: told.append((done, total))).found
    assert told[-1] == (len(found), len(found))
    assert [done for done, _ in told] == sorted({done for done, _ in told})


def test_a_cycle_begun_elsewhere_has_the_same_hops_and_profits_in_another_mint(market: Market) -> None:
    cycle = next(cycle for cycle in market.cycles(3) if len(cycle.hops) == 3)
    for place, mint in enumerate(cycle.mints):
        turned = cycle.starting_at(mint)
        assert turned.hops == cycle.hops[place:] + cycle.hops[:place]
        assert turned.mints == cycle.mints[place:] + cycle.mints[:place]
        assert (turned.net_weight, turned.gross_weight) == (cycle.net_weight, cycle.gross_weight)
        sized = market.size(turned, LARGEST_INPUT)
        if sized is not None:
            (pool, _), amount_in, amount_out = turned.hops[0], *sized.amounts[:2]
            assert market.quote(pool, mint, amount_in).amount_out == amount_out
    with pytest.raises(InvalidInput, match="is not in the cycle; it trades"):
        cycle.starting_at(FOREIGN)
    with pytest.raises(InvalidInput, match="mint: `x` is not a base58 address"):
        cycle.starting_at("x")


def test_lamports_are_bought_with_a_mint_from_the_deepest_pool(market: Market) -> None:
    assert market.lamports_in(WSOL, 35_000) == 35_000
    assert market.lamports_in(USDC, 0) == 0
    pools = [info for info in market.pools() if {info.mint_a, info.mint_b} == {USDC, WSOL}]
    deepest = max(pools, key=lambda info: info.depth[info.mint_b == WSOL])
    expected = market.quote(deepest.pool, USDC, 10**9, exact="out").amount_in
    assert market.lamports_in(USDC, 10**9) == expected
    with pytest.raises(InvalidInput, match="is not traded by any pool"):
        market.lamports_in(FOREIGN, 1)
    with pytest.raises(InvalidInput, match="lamports"):
        market.lamports_in(USDC, -1)
    mints = {mint for info in market.pools() for mint in (info.mint_a, info.mint_b)}
    assert any(market.lamports_in(mint, 1) is None for mint in mints), "some trade against no SOL"


@pytest.mark.parametrize("max_hops", [1, 5])
def test_lengths_that_the_search_does_not_offer_are_refused(market: Market, max_hops: int) -> None:
    with pytest.raises(InvalidInput, match="it may be 2 to 4"):
        market.cycles(max_hops, before_fees=True)


def test_fees_of_an_attempt_are_rounded_up_as_the_runtime_does() -> None:
    config = EngineConfig(
        base_mints={}, signatures=2, compute_unit_limit=3, compute_unit_price_micro_lamports=1, tip_lamports=7
    )
    fees = (config.network_fee_lamports, config.priority_fee_lamports, config.tip_lamports)
    assert fees == (10_000, 1, 7)
    assert config.total_fee_lamports == 10_008
    with pytest.raises(InvalidInput, match="exceed 18446744073709551615"):
        _ = EngineConfig(base_mints={}, signatures=2**63).total_fee_lamports
