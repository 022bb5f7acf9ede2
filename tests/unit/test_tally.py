from phantom_arbiter.domain import Opportunity, Outcome, OutcomeState
from phantom_arbiter.tally import Tally
from shell_fakes import USDC, WSOL, opportunity, plan, promised


def fill(tally: Tally, found: Opportunity) -> None:
    planned = plan(found)
    tally.traded(planned, Outcome(OutcomeState.FILLED, None, promised(planned), found.cost))


def test_funnel_counts_evaluations_and_distinct_openings() -> None:
    tally = Tally()
    for found in (opportunity(1), opportunity(1, slot=200), opportunity(2, slot=300)):
        tally.accepted(found)
    fill(tally, opportunity(1))
    fill(tally, opportunity(1, slot=200))
    tally.traded(plan(opportunity(2, slot=300)), Outcome(OutcomeState.FAILED, "market_data:gone", None, 9))
    accepted, rehearsed, sent, taken = tally.funnel()
    assert (accepted.name, accepted.evaluations, accepted.openings) == ("after_risk", 3, 2)
    assert (rehearsed.name, rehearsed.evaluations, sent.name, sent.evaluations) == (
        "after_rehearsal",
        0,
        "sent",
        0,
    )
    assert (taken.name, taken.evaluations, taken.openings) == ("taken", 2, 1)
    assert tally.failures == {"market_data": 1}


def test_profit_is_summed_per_mint_after_costs() -> None:
    tally = Tally()
    fill(tally, opportunity(1, gross_profit=900, cost=100))
    fill(tally, opportunity(2, base_mint=WSOL, gross_profit=80, cost=30))
    fill(tally, opportunity(3, gross_profit=700, cost=100))
    sums = {
        profit.mint: (profit.filled, profit.gross_profit, profit.cost, profit.net_profit)
        for profit in tally.profit()
    }
    assert sums == {USDC: (2, 1_600, 200, 1_400), WSOL: (1, 80, 30, 50)}


def test_best_cycles_are_ranked_by_value_across_mints() -> None:
    # The same 19,000 lamports of costs are 100 units of one mint and 10 of the other.
    tally = Tally()
    fill(tally, opportunity(1, gross_profit=1_100, cost=100))
    fill(tally, opportunity(2, base_mint=WSOL, gross_profit=310, cost=10))
    fill(tally, opportunity(3, gross_profit=2_100, cost=100))
    fill(tally, opportunity(4, gross_profit=150, cost=100))
    fill(tally, opportunity(5, gross_profit=160, cost=100))
    fill(tally, opportunity(6, gross_profit=170, cost=100))
    assert [filled.plan.opportunity.opening_id for filled in tally.best] == [2, 3, 1, 6, 5]
