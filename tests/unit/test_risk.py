from dataclasses import replace

import pytest

from phantom_arbiter.domain import Outcome, OutcomeState, Plan, Verdict
from phantom_arbiter.risk import (
    DAY_SLOTS,
    BreakerRules,
    Facts,
    MintLimits,
    RiskRules,
    RiskState,
    TradeLimits,
    assess,
    settle,
)
from shell_fakes import MSOL, POOL_A, POOL_B, POOL_C, USDC, WSOL, opportunity, plan, promised

LIMITS = MintLimits(
    max_amount_in=1_000, max_amount_in_per_day=2_500, max_exposure=1_500, max_loss_per_day=100
)
RULES = RiskRules(
    TradeLimits({USDC: LIMITS}, max_trades_per_day=10),
    BreakerRules(
        route_cooldown_slots=0,
        failures_in_a_row=3,
        failure_cooldown_slots=50,
        max_loss_per_day={USDC: 100},
    ),
)


def ask(opening_id: int, slot: int = 100, amount_in: int = 1_000, cost: int = 10, **more: object) -> Plan:
    return plan(opportunity(opening_id, slot, amount_in=amount_in, gross_profit=200, cost=cost, **more))  # type: ignore[arg-type]


def filled(planned: Plan) -> Outcome:
    return Outcome(OutcomeState.FILLED, None, promised(planned), planned.opportunity.cost)


def failed(planned: Plan) -> Outcome:
    return Outcome(OutcomeState.FAILED, "late", None, planned.opportunity.cost)


def trade(
    rules: RiskRules, state: RiskState, planned: Plan, *, fails: bool = False
) -> tuple[Verdict, RiskState]:
    """Ask, and settle at once if it may go."""
    verdict, state = assess(rules, state, planned)
    if verdict.ok:
        outcome = failed(planned) if fails else filled(planned)
        state = settle(rules, state, planned, outcome, planned.opportunity.slot)
    return verdict, state


def test_trade_at_the_limit_goes_and_one_unit_more_does_not() -> None:
    assert assess(RULES, RiskState(), ask(1, amount_in=1_000))[0].ok
    verdict, _ = assess(RULES, RiskState(), ask(1, amount_in=1_001))
    assert verdict == Verdict(ok=False, reason="per_trade", limit=1_000, value=1_001)


def test_mint_without_limits_is_refused() -> None:
    rules = replace(RULES, breakers=replace(RULES.breakers, max_loss_per_day={USDC: 100, WSOL: 100}))
    assert assess(rules, RiskState(), ask(1, base_mint=WSOL))[0].reason == "mint_without_limits"


def test_day_is_a_rolling_window_of_slots() -> None:
    state = RiskState()
    for opening_id in (1, 2):
        verdict, state = trade(RULES, state, ask(opening_id, slot=100))
        assert verdict.ok
    verdict, state = trade(RULES, state, ask(3, slot=100 + DAY_SLOTS - 1))
    assert verdict == Verdict(ok=False, reason="per_day", limit=2_500, value=3_000)
    verdict, state = trade(RULES, state, ask(3, slot=100 + DAY_SLOTS))
    assert verdict.ok


def test_slot_that_goes_back_does_not_reopen_the_day() -> None:
    state = RiskState()
    for opening_id, slot in ((1, 100), (2, 100)):
        _, state = trade(RULES, state, ask(opening_id, slot=slot))
    _, state = assess(RULES, state, ask(3, slot=100 + DAY_SLOTS))
    verdict, state = assess(RULES, state, ask(4, slot=50))
    assert state.slot == 100 + DAY_SLOTS
    assert verdict.reason == "exposure"


def test_exposure_counts_until_the_outcome_is_known() -> None:
    first = ask(1)
    verdict, state = assess(RULES, RiskState(), first)
    assert verdict.ok
    assert state.limits.exposure(USDC) == 1_000
    assert assess(RULES, state, ask(2))[0] == Verdict(ok=False, reason="exposure", limit=1_500, value=2_000)
    state = settle(RULES, state, first, filled(first), 100)
    assert state.limits.exposure(USDC) == 0
    assert assess(RULES, state, ask(2))[0].ok


def test_opening_at_risk_is_not_taken_again() -> None:
    _, state = assess(RULES, RiskState(), ask(1, amount_in=10))
    assert assess(RULES, state, ask(1, amount_in=10))[0].reason == "already_at_risk"


def test_cycle_at_risk_is_not_taken_again_under_another_key() -> None:
    _, state = assess(RULES, RiskState(), ask(1, amount_in=10))
    assert assess(RULES, state, ask(2, slot=300, amount_in=20))[0].reason == "already_at_risk"
    assert assess(RULES, state, ask(2, amount_in=10, pools=(POOL_A, POOL_C)))[0].ok
    state = settle(RULES, state, ask(1, amount_in=10), filled(ask(1, amount_in=10)), 300)
    assert assess(RULES, state, ask(2, slot=300, amount_in=20))[0].ok


def test_trades_per_day_are_counted_over_all_mints() -> None:
    rules = RiskRules(TradeLimits({USDC: LIMITS, WSOL: LIMITS}, max_trades_per_day=1), RULES.breakers)
    rules = replace(rules, breakers=replace(rules.breakers, max_loss_per_day={USDC: 100, WSOL: 100}))
    _, state = trade(rules, RiskState(), ask(1, amount_in=1))
    verdict, _ = trade(rules, state, ask(2, amount_in=1, base_mint=WSOL))
    assert verdict == Verdict(ok=False, reason="trades_per_day", limit=1, value=2)


def test_refused_plan_leaves_no_trace() -> None:
    verdict, state = assess(RULES, RiskState(), ask(1, amount_in=5_000))
    assert not verdict.ok
    assert state == RiskState(slot=100)


@pytest.mark.parametrize(("killed", "halted"), [(True, False), (False, True)])
def test_kill_switch_refuses_everything(killed: bool, halted: bool) -> None:
    rules = replace(RULES, breakers=replace(RULES.breakers, halted=halted))
    assert assess(rules, RiskState(), ask(1), Facts(killed=killed))[0].reason == "kill_switch"


def test_route_rests_after_an_attempt_whichever_mint_it_starts_from() -> None:
    rules = replace(RULES, breakers=replace(RULES.breakers, route_cooldown_slots=10))
    _, state = trade(rules, RiskState(), ask(1, slot=100, amount_in=1))
    verdict, _ = trade(rules, state, ask(2, slot=109, amount_in=1))
    assert verdict == Verdict(ok=False, reason="route_cooldown", limit=110, value=109)
    assert trade(rules, state, ask(2, slot=110, amount_in=1))[0].ok
    assert trade(rules, state, ask(2, slot=101, amount_in=1, pools=(POOL_A, POOL_C)))[0].ok


def test_failures_in_a_row_stop_everything_for_a_while() -> None:
    state = RiskState()
    for opening_id in (1, 2, 3):
        verdict, state = trade(RULES, state, ask(opening_id, amount_in=1), fails=True)
        assert verdict.ok
    verdict, _ = assess(RULES, state, ask(4, slot=149, amount_in=1, pools=(POOL_C, POOL_B)))
    assert verdict == Verdict(ok=False, reason="failures", limit=150, value=149)
    assert assess(RULES, state, ask(4, slot=150, amount_in=1))[0].ok


def test_success_ends_a_row_of_failures() -> None:
    state = RiskState()
    for opening_id, fails in ((1, True), (2, True), (3, False), (4, True), (5, True)):
        verdict, state = trade(RULES, state, ask(opening_id, amount_in=1, cost=1), fails=fails)
        assert verdict.ok
    assert assess(RULES, state, ask(6, amount_in=1))[0].ok


def test_losses_stop_trading_until_they_are_a_day_old() -> None:
    rules = replace(RULES, breakers=replace(RULES.breakers, failures_in_a_row=0))
    state = RiskState()
    for opening_id in (1, 2):
        _, state = trade(rules, state, ask(opening_id, amount_in=1, cost=45), fails=True)
    verdict, _ = trade(rules, state, ask(3, slot=100 + DAY_SLOTS - 1, amount_in=1, cost=11))
    assert verdict == Verdict(ok=False, reason="loss_per_day", limit=100, value=101)
    assert trade(rules, state, ask(3, amount_in=1, cost=10))[0].ok
    assert trade(rules, state, ask(3, slot=100 + DAY_SLOTS, amount_in=1, cost=11))[0].ok


def test_gains_do_not_offset_losses() -> None:
    rules = replace(RULES, breakers=replace(RULES.breakers, failures_in_a_row=0))
    state = RiskState()
    for opening_id, fails in ((1, True), (2, False), (3, True)):
        _, state = trade(rules, state, ask(opening_id, amount_in=1, cost=49), fails=fails)
    assert state.breakers.lost_today(USDC) == 98
    assert state.breakers.lost_today(MSOL) == 0


def test_only_what_is_a_day_old_leaves_the_day() -> None:
    state = RiskState()
    for opening_id, slot in ((1, 99), (2, 100)):
        _, state = trade(RULES, state, ask(opening_id, slot=slot))
    assert not assess(RULES, state, ask(3, slot=98 + DAY_SLOTS))[0].ok
    verdict, state = trade(RULES, state, ask(3, slot=99 + DAY_SLOTS))
    assert verdict.ok
    verdict, _ = trade(RULES, state, ask(4, slot=99 + DAY_SLOTS))
    assert verdict == Verdict(ok=False, reason="per_day", limit=2_500, value=3_000)


def test_what_open_attempts_may_lose_counts_as_lost() -> None:
    _, state = assess(RULES, RiskState(), ask(1, amount_in=1, cost=60))
    verdict, _ = assess(RULES, state, ask(2, amount_in=1, cost=41))
    assert verdict == Verdict(ok=False, reason="loss_per_day", limit=100, value=101)
    assert assess(RULES, state, ask(2, amount_in=1, cost=40, pools=(POOL_A, POOL_C)))[0].ok


def test_row_of_failures_begins_anew_after_the_stop() -> None:
    state = RiskState()
    for opening_id, slot in ((1, 100), (2, 100), (3, 100), (4, 150), (5, 150)):
        verdict, state = trade(RULES, state, ask(opening_id, slot=slot, amount_in=1, cost=1), fails=True)
        assert verdict.ok
    assert assess(RULES, state, ask(6, slot=150, amount_in=1))[0].ok
