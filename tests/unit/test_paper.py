from dataclasses import replace

import pytest

import shipped_day
from phantom_arbiter.domain import Fill, OutcomeState, Plan
from phantom_arbiter.errors import SwapRefused
from phantom_arbiter.execution.paper import PaperExecutor, difference, failure_cost
from phantom_arbiter.native import opportunity_from_native
from phantom_arbiter.strategies.cyclic_arbitrage import CyclicArbitrage
from phantom_core import Engine
from shell_fakes import FakeMarket, opportunity, plan, promised


@pytest.fixture
def market() -> Engine:
    return shipped_day.market()


@pytest.fixture
def planned(market: Engine) -> Plan:
    """The day's first signal as a plan, with the market at that moment."""
    found = CyclicArbitrage().on_opportunity(opportunity_from_native(shipped_day.first_signal(market)))
    assert found is not None
    return found


def test_fill_that_is_the_plan_is_filled_and_charged_in_full(market: Engine, planned: Plan) -> None:
    before = [pool.sqrt_price_x64 for pool in market.pools()]
    outcome = PaperExecutor(market).submit(planned)
    found = planned.opportunity
    assert outcome.state is OutcomeState.FILLED
    assert outcome.fill == promised(planned)
    assert (outcome.cost, outcome.gross_profit, outcome.net_profit) == (
        found.cost,
        found.gross_profit,
        found.net_profit,
    )
    assert [pool.sqrt_price_x64 for pool in market.pools()] != before


def test_signal_that_was_taken_before_fails_the_attempt(market: Engine, planned: Plan) -> None:
    PaperExecutor(market).submit(planned)
    outcome = PaperExecutor(market).submit(planned)
    assert outcome.state is OutcomeState.FAILED
    assert (outcome.reason or "").startswith("market_data:")
    assert outcome.cost == failure_cost(planned.opportunity)


def test_market_that_refuses_a_swap_fails_the_attempt() -> None:
    refusal = SwapRefused("zero tradable amount")
    refusal.name = "ZeroTradableAmount"
    outcome = PaperExecutor(FakeMarket(fills={1: refusal}).engine).submit(plan())
    assert outcome.state is OutcomeState.FAILED
    assert outcome.reason == "swap_refused:ZeroTradableAmount"


def test_fill_below_the_minimum_fails_as_the_program_would(market: Engine, planned: Plan) -> None:
    demanding = replace(planned, min_amount_out=planned.opportunity.amount_out + 1)
    outcome = PaperExecutor(market).submit(demanding)
    assert outcome.state is OutcomeState.FAILED
    assert (outcome.reason or "").startswith("below_minimum_out:")


def test_fill_that_differs_by_one_unit_fails_the_attempt() -> None:
    planned = plan(opportunity(gross_profit=900, cost=100))
    good = promised(planned)
    better = Fill(
        (good.hops[0], replace(good.hops[1], amount_out=good.amount_out + 1)),
        good.amount_in,
        good.amount_out + 1,
    )
    outcome = PaperExecutor(FakeMarket(fills={1: better}).engine).submit(planned)
    assert outcome.state is OutcomeState.FAILED
    assert outcome.reason == "fill_differs:1000000000>1000000901 planned 1000000000>1000000900"
    assert outcome.fill is None


def test_fill_with_other_amounts_between_differs() -> None:
    planned = plan()
    good = promised(planned)
    middle = good.hops[0].amount_out + 1
    hops = (replace(good.hops[0], amount_out=middle), replace(good.hops[1], amount_in=middle))
    assert difference(planned, replace(good, hops=hops)) == "fill_differs:hops"


@pytest.mark.parametrize(("cost", "charged"), [(19_000, 9_000), (19, 9), (1, 1), (0, 0), (100, 48)])
def test_failed_attempt_is_charged_without_the_tip_rounded_up(cost: int, charged: int) -> None:
    # 9,000 of 19,000 lamports are fees: 100 * 9 / 19 = 47.4
    fees = opportunity(gross_profit=20_000_000, cost=cost)
    assert (fees.network_fee_lamports, fees.priority_fee_lamports, fees.tip_lamports) == (
        5_000,
        4_000,
        10_000,
    )
    assert failure_cost(fees) == charged


def test_failed_attempt_without_fees_costs_nothing() -> None:
    free = replace(opportunity(cost=0), network_fee_lamports=0, priority_fee_lamports=0, tip_lamports=0)
    assert failure_cost(free) == 0
