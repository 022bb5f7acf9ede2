from dataclasses import replace

import pytest

from landing_fakes import facts
from phantom_arbiter.domain import OutcomeState
from phantom_arbiter.execution.answers import DispatchAnswer
from phantom_arbiter.execution.findings import Facts, Finding, Phase
from phantom_arbiter.execution.settlement import cost_in_base, outcome_of, terms_of
from phantom_arbiter.swaps import SwapOrder, SwapPlan
from shell_fakes import POOL_A, USDC, WSOL, opportunity, plan

PLAN = plan(opportunity(base_mint=WSOL, amount_in=1_000_000, gross_profit=50_000, cost=19_000))
CYCLE = terms_of(PLAN)
DEAD = Finding(Phase.DEAD)


def landed(of: Facts) -> Finding:
    return Finding(Phase.LANDED, of)


def swap(mint_in: str, mint_out: str, *, basis: int = 0) -> SwapPlan:
    order = SwapOrder("test", POOL_A, mint_in, mint_out, 1_000, 900, WSOL)
    return SwapPlan(1, 100, order, 950, basis, 19_000, 5_000, 4_000, 10_000)


def test_profit_is_the_change_on_chain_and_not_the_quote() -> None:
    outcome = outcome_of(CYCLE, landed(facts(gain=49_998)), sends=2)
    assert (outcome.state, outcome.gross_profit, outcome.cost) == (OutcomeState.FILLED, 49_998, 15_000)
    assert outcome.net_profit == 34_998
    assert outcome.fill is not None
    assert outcome.fill.hops[:-1] == PLAN.hops[:-1]
    assert outcome.fill.hops[-1].amount_out == outcome.fill.amount_out == 1_049_998
    assert (outcome.landed, outcome.sends, outcome.chain) == (True, 2, facts(gain=49_998).chain)


def test_what_else_left_the_wallet_is_a_cost() -> None:
    told = facts()
    chain = replace(told.chain, rent_lamports=2_000_000, wallet_change_lamports=-2_015_000 - 1_461_600)
    outcome = outcome_of(CYCLE, landed(replace(told, chain=chain)))
    assert (outcome.cost, outcome.gross_profit) == (15_000 + 1_461_600, 500)
    assert outcome_of(CYCLE, landed(replace(told, chain=chain)), base_is_wallet=True).cost == 15_000


def test_balances_that_are_not_told_count_as_the_least_that_could_land() -> None:
    told = facts()
    outcome = outcome_of(CYCLE, landed(replace(told, chain=replace(told.chain, base_change=None))))
    assert outcome.fill is not None
    assert outcome.fill.amount_out == PLAN.min_amount_out


def test_landed_failure_costs_its_fee_and_no_tip() -> None:
    outcome = outcome_of(CYCLE, landed(facts(error="slippage")))
    assert (outcome.state, outcome.reason) == (OutcomeState.FAILED, "landed_failed:slippage")
    assert (outcome.cost, outcome.net_profit, outcome.landed) == (5_000, -5_000, True)


@pytest.mark.parametrize(
    ("kinds", "reason", "landed"),
    [
        ((), "expired", None),
        (("accepted",), "expired", False),
        (("rate_limited", "accepted"), "expired", False),
        (("timeout",), "expired", None),
        (("rejected", "timeout"), "expired", None),
        (("rate_limited", "connect_failed"), "not_accepted:rate_limited", None),
        (("rejected", "tip_below_minimum"), "tip_below_minimum", False),
        (("insufficient_funds",), "insufficient_funds", None),
        (("skipped_busy",), "not_accepted:skipped_busy", None),
    ],
)
def test_dead_attempt_costs_nothing_and_is_named_by_what_was_heard(
    kinds: tuple[str, ...], reason: str, landed: bool | None
) -> None:
    answers = [DispatchAnswer("region", kind) for kind in kinds]
    outcome = outcome_of(CYCLE, DEAD, answers=answers)
    assert (outcome.reason, outcome.landed) == (reason, landed)
    assert (outcome.cost, outcome.net_profit, outcome.chain) == (0, 0, None)


def test_dead_by_its_nonce_is_named_so() -> None:
    assert outcome_of(CYCLE, DEAD, has_nonce=True).reason == "nonce_advanced"


@pytest.mark.parametrize("phase", [Phase.UNKNOWN, Phase.SEEN])
def test_nothing_uncertain_becomes_an_outcome(phase: Phase) -> None:
    with pytest.raises(ValueError, match=phase):
        outcome_of(CYCLE, Finding(phase))


def test_lamports_are_charged_at_the_rate_of_the_plans_own_fees() -> None:
    usdc = terms_of(plan(opportunity(base_mint=USDC, cost=2_000)))
    assert (usdc.cost, usdc.fee_lamports) == (2_000, 19_000)
    assert [cost_in_base(usdc, lamports) for lamports in (19_000, 9_500, 1, 0)] == [2_000, 1_000, 1, 0]
    assert cost_in_base(CYCLE, 15_001) == 15_001
    assert cost_in_base(replace(usdc, fee_lamports=0), 5_000) == 2_000


def test_swap_that_opens_holds_what_came_and_realises_nothing() -> None:
    told = facts(gain=-990)
    held = replace(told, chain=replace(told.chain, held_change=931))
    outcome = outcome_of(terms_of(swap(WSOL, USDC)), landed(held), base_is_wallet=True)
    assert outcome.fill is not None
    assert (outcome.fill.amount_in, outcome.fill.amount_out, outcome.realised) == (990, 931, 0)


def test_swap_that_closes_realises_what_came_less_what_it_had_cost() -> None:
    outcome = outcome_of(terms_of(swap(USDC, WSOL, basis=800)), landed(facts(gain=930)))
    assert outcome.fill is not None
    assert (outcome.fill.amount_out, outcome.realised, outcome.net_profit) == (930, 130, 130 - 15_000)
