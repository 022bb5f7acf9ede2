from dataclasses import replace
from itertools import pairwise
from typing import cast

import pytest

import shipped_day
from phantom_arbiter.config import Config, RiskSettings, risk_rules
from phantom_arbiter.domain import Outcome, OutcomeState
from phantom_arbiter.fee_desk import fee_engine
from phantom_arbiter.risk import DAY_SLOTS, RiskState
from phantom_arbiter.risk_desk import RiskDesk
from phantom_arbiter.telemetry.curves import CurveDesk
from phantom_arbiter.telemetry.records import AskCurve
from phantom_arbiter.telemetry.status import fee_state, risk_state
from phantom_core import Engine, PoolInfo
from shell_fakes import USDC, FakeJournal, FakeObserver, opportunity, plan


def test_limits_are_used_by_what_risk_has_booked() -> None:
    rules = risk_rules(RiskSettings.model_validate({"each_venue": venue_limits()}))
    desk = RiskDesk(rules, RiskState(), FakeJournal(), FakeObserver())
    first = plan(opportunity(1))
    assert desk.ask(first).ok
    state = risk_state(desk, 100)
    used = {(each.name, each.subject): (each.used, each.limit, each.unit) for each in state.limits}
    assert not state.halted
    assert used["max_trades_per_day", None] == ("1", "5000", "attempts")
    assert used["max_fee_lamports_per_day", None] == ("19000", "500000000", "lamports")
    assert used["mints.max_exposure", USDC] == ("1000000000", "20000000000", USDC)
    assert used["mints.max_amount_in_per_day", USDC][0] == "1000000000"
    assert used["mints.max_loss_per_day", USDC] == ("2000", "100000000", USDC)
    desk.settle(first, Outcome(OutcomeState.FAILED, "market_data:gone", None, 900), 101)
    after = risk_state(desk, 101)
    used = {(each.name, each.subject): (each.used, each.limit, each.unit) for each in after.limits}
    assert used["mints.max_exposure", USDC][0] == "0"
    assert used["mints.max_loss_per_day", USDC][0] == "900"
    assert used["mints.max_drawdown", USDC][0] == "900"
    assert used["failures_in_a_row", None] == ("1", "5", "attempts")


def test_limits_and_switches_are_those_of_the_markets_slot_not_of_the_last_plan() -> None:
    rules = risk_rules(RiskSettings.model_validate({"failures_in_a_row": 1}))
    desk = RiskDesk(rules, RiskState(), FakeJournal(), FakeObserver())
    first = plan(opportunity(1))
    assert desk.ask(first).ok
    desk.settle(first, Outcome(OutcomeState.FAILED, "market_data:gone", None, 900), 101)
    before = risk_state(desk, 101)
    assert (before.halted, before.limits[0].name, before.limits[0].used) == (True, "max_trades_per_day", "1")
    after = risk_state(desk, 101 + 2 * DAY_SLOTS)
    assert (after.halted, after.switches) == (False, ())
    used = {(each.name, each.subject): each.used for each in after.limits}
    assert used["max_trades_per_day", None] == "0"
    assert used["mints.max_loss_per_day", USDC] == "0"
    assert desk.state.slot == 101


def venue_limits() -> dict[str, int]:
    return {
        "max_lamports": 10**12,
        "max_lamports_per_day": 10**13,
        "max_exposure_lamports": 10**12,
    }


def test_switches_name_everything_that_holds() -> None:
    rules = risk_rules(RiskSettings.model_validate({"halted": True, "failures_in_a_row": 1}))
    desk = RiskDesk(rules, RiskState(), FakeJournal(), FakeObserver())
    assert desk.set_halted("terminal", on=True) is None
    desk.toggle_halt()
    desk.look()
    failing = replace(desk.state.breakers, failing_until=desk.state.slot + 1)
    desk.state = replace(desk.state, breakers=failing)
    assert desk.switches() == ("terminal", "signal", "rules", "failures")
    assert risk_state(desk, 0).switches == desk.switches()
    assert risk_state(desk, 0).halted


def test_fees_are_those_of_the_settings_or_of_the_engine() -> None:
    fixed = fee_state(Config(), None, ())
    assert (fixed.mode, fixed.percentile, fixed.congestion) == ("fixed", None, None)
    assert fixed.compute_unit_price_micro_lamports == Config().costs.compute_unit_price_micro_lamports
    config = Config.model_validate({"fees": {"mode": "adaptive", "percentile": 60.0}})
    fees = fee_engine(config)
    adaptive = fee_state(config, fees, ())
    assert (adaptive.mode, adaptive.percentile) == ("adaptive", 60.0)
    assert adaptive.compute_unit_price_micro_lamports == config.costs.compute_unit_price_micro_lamports


@pytest.fixture(scope="module")
def curves() -> CurveDesk:
    market = shipped_day.market()
    shipped_day.first_signal(market)
    return CurveDesk(market)


def edges_of_first_signal() -> tuple[int, ...]:
    market = shipped_day.market()
    signal = shipped_day.first_signal(market)
    numbers = {info.pool: (number, info.mint_a) for number, info in enumerate(market.pools())}
    return tuple(
        2 * numbers[hop.pool][0] + (0 if numbers[hop.pool][1] == hop.mint_in else 1) for hop in signal.hops
    )


@pytest.mark.parametrize("is_taken", [False, True])
def test_curve_is_in_the_base_mint_whichever_edge_comes_first(is_taken: bool) -> None:
    market = shipped_day.market()
    signal = shipped_day.first_signal(market)
    if is_taken:
        market.take(signal)  # nothing is left to be sized
    edges, desk = edges_of_first_signal(), CurveDesk(market)
    curves = [
        desk.curve(AskCurve(id=1, edges=(*edges[first:], *edges[:first]))) for first in range(len(edges))
    ]
    assert [curve.base_mint for curve in curves] == [signal.base_mint] * len(edges)
    assert all(curve == curves[0] for curve in curves)


class CountingMarket:
    """A market that counts how often all its pools are listed."""

    def __init__(self, market: Engine) -> None:
        self._market = market
        self.listed = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._market, name)

    def pools(self) -> list[PoolInfo]:
        self.listed += 1
        return self._market.pools()


def test_pools_that_do_not_exist_are_not_looked_for() -> None:
    market = CountingMarket(shipped_day.market())
    shipped_day.first_signal(cast(Engine, market))
    desk = CurveDesk(cast(Engine, market))
    for number in range(5):
        assert desk.curve(AskCurve(id=number, edges=(0, 10**6))).error
    assert market.listed == 0
    assert desk.curve(AskCurve(id=5, edges=edges_of_first_signal())).error is None
    assert market.listed == 1


def test_curve_rises_to_the_best_input_and_falls(curves: CurveDesk) -> None:
    signal = shipped_day.first_signal(shipped_day.market())
    curve = curves.curve(AskCurve(id=4, edges=edges_of_first_signal(), points=50))
    assert (curve.id, curve.error, curve.base_mint) == (4, None, signal.base_mint)
    assert len(curve.amounts_in) == len(curve.gross_profits) == 50
    profits = [int(each) for each in curve.gross_profits if each is not None]
    best = max(profits)
    assert 0.98 * signal.gross_profit <= best <= signal.gross_profit
    at = profits.index(best)
    assert all(before <= after + 2 for before, after in pairwise(profits[: at + 1]))
    assert all(before + 2 >= after for before, after in pairwise(profits[at:]))
    market_quote = int(curve.amounts_in[at])
    assert abs(market_quote - signal.amount_in) < signal.amount_in / 10


@pytest.mark.parametrize(
    ("edges", "points"),
    [((), 10), ((0,), 10), ((0, 2**70), 10), ((-1, 4), 10), ((0, 0), 10), ((0, 2, 4, 6, 8), 10), ((0, 3), 1)],
)
def test_curve_of_nonsense_is_an_answer_in_words(
    curves: CurveDesk, edges: tuple[int, ...], points: int
) -> None:
    curve = curves.curve(AskCurve(id=1, edges=edges, points=points))
    assert curve.error
    assert curve.amounts_in == ()
