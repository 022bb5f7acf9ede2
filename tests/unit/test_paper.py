from dataclasses import replace

import pytest

import shipped_day
from phantom_arbiter.domain import Fill, OutcomeState, Plan
from phantom_arbiter.errors import InvariantError, SwapRefused
from phantom_arbiter.execution.paper import PaperExecutor, failure_cost
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
    before = [pool.details["sqrt_price_x64"] for pool in market.pools()]
    outcome = PaperExecutor(market).submit(planned)
    found = planned.opportunity
    assert outcome.state is OutcomeState.FILLED
    assert outcome.fill == promised(planned)
    assert (outcome.cost, outcome.gross_profit, outcome.net_profit) == (
        found.cost,
        found.gross_profit,
        found.net_profit,
    )
    assert [pool.details["sqrt_price_x64"] for pool in market.pools()] != before


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


def test_plan_that_asks_for_more_than_its_quote_fails_and_leaves_the_market_alone(
    market: Engine, planned: Plan
) -> None:
    before = [pool.details["sqrt_price_x64"] for pool in market.pools()]
    demanding = replace(planned, min_amount_out=planned.opportunity.amount_out + 1)
    outcome = PaperExecutor(market).submit(demanding)
    assert outcome.state is OutcomeState.FAILED
    assert (outcome.reason or "").startswith("below_minimum_out:")
    assert [pool.details["sqrt_price_x64"] for pool in market.pools()] == before


def test_fill_that_differs_by_one_unit_stops_the_run() -> None:
    planned = plan(opportunity(gross_profit=900, cost=100))
    good = promised(planned)
    better = Fill(
        (good.hops[0], replace(good.hops[1], amount_out=good.amount_out + 1)),
        good.amount_in,
        good.amount_out + 1,
    )
    with pytest.raises(InvariantError, match="opening"):
        PaperExecutor(FakeMarket(fills={1: better}).engine).submit(planned)


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
