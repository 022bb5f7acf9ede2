from dataclasses import replace

import pytest

from phantom_arbiter.domain import Fill, OutcomeState
from phantom_arbiter.errors import MarketDataError, PhantomError, SwapRefused
from phantom_arbiter.execution.paper import PaperExecutor, failure_cost
from shell_fakes import FakeMarket, plan, promised, signal


def test_fill_that_is_the_plan_is_filled_and_charged_in_full() -> None:
    native = signal(gross_profit=900, cost=100)
    market = FakeMarket()
    outcome = PaperExecutor(market).submit(plan(native))
    assert outcome.state is OutcomeState.FILLED
    assert (outcome.cost, outcome.gross_profit, outcome.net_profit) == (100, 900, 800)
    assert market.calls == ["take 1"]


def test_fill_that_differs_by_one_unit_fails_the_attempt() -> None:
    planned = plan(signal(gross_profit=900, cost=100))
    good = promised(planned)
    better = Fill(
        (good.hops[0], replace(good.hops[1], amount_out=good.amount_out + 1)),
        good.amount_in,
        good.amount_out + 1,
    )
    outcome = PaperExecutor(FakeMarket(fills={1: better})).submit(planned)
    assert outcome.state is OutcomeState.FAILED
    assert (outcome.reason or "").startswith("fill_differs:")
    assert outcome.fill is None


def test_fill_with_other_amounts_between_fails_the_attempt() -> None:
    planned = plan()
    good = promised(planned)
    middle = good.hops[0].amount_out + 1
    hops = (replace(good.hops[0], amount_out=middle), replace(good.hops[1], amount_in=middle))
    outcome = PaperExecutor(FakeMarket(fills={1: Fill(hops, good.amount_in, good.amount_out)})).submit(
        planned
    )
    assert outcome.reason == "fill_differs:hops"


def test_fill_below_the_minimum_fails_as_the_program_would() -> None:
    planned = plan(signal(gross_profit=900, cost=100))
    good = promised(planned)
    short_by_one = Fill(good.hops, good.amount_in, planned.min_amount_out - 1)
    outcome = PaperExecutor(FakeMarket(fills={1: short_by_one})).submit(planned)
    assert (outcome.reason or "").startswith("below_minimum_out:")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SwapRefused("ZeroTradableAmount"), "swap_refused:"),
        (MarketDataError("no tick array"), "market_data:"),
    ],
)
def test_market_that_refuses_fails_the_attempt(error: PhantomError, reason: str) -> None:
    outcome = PaperExecutor(FakeMarket(fills={1: error})).submit(plan())
    assert outcome.state is OutcomeState.FAILED
    assert (outcome.reason or "").startswith(reason)


@pytest.mark.parametrize(("cost", "charged"), [(19_000, 9_000), (19, 9), (1, 1), (0, 0), (100, 48)])
def test_failed_attempt_is_charged_without_the_tip_rounded_up(cost: int, charged: int) -> None:
    # 9,000 of 19,000 lamports are fees: 100 * 9 / 19 = 47.4
    fees = signal(gross_profit=20_000_000, cost=cost)
    assert (fees.network_fee_lamports, fees.priority_fee_lamports, fees.tip_lamports) == (
        5_000,
        4_000,
        10_000,
    )
    assert failure_cost(plan(fees).opportunity) == charged


def test_failed_attempt_without_fees_costs_nothing() -> None:
    free = replace(signal(cost=0), network_fee_lamports=0, priority_fee_lamports=0, tip_lamports=0)
    assert failure_cost(plan(free).opportunity) == 0
