"""Where two of risk's rules meet: other mints, other venues, sales, stops that end, what is not known yet."""

from __future__ import annotations

from dataclasses import replace

from phantom_arbiter.domain import Fill, Outcome, OutcomeState, Plan, Verdict
from phantom_arbiter.risk import (
    DAY_SLOTS,
    BreakerRules,
    Facts,
    MintLimits,
    Reference,
    Result,
    RiskRules,
    RiskState,
    SanityRules,
    Settled,
    TradeLimits,
    VenueLimits,
    assess,
    booked,
    recall,
    settle,
    settle_key,
)
from phantom_arbiter.risk.positions import held_by
from phantom_arbiter.swaps import AnyPlan, SwapOrder, SwapPlan
from shell_fakes import MSOL, POOL_A, POOL_B, POOL_C, USDC, WSOL, opportunity, plan, promised

WIDE = MintLimits(10**9, 10**9, 10**9, 10**9)
RULES = RiskRules(
    TradeLimits({USDC: WIDE, WSOL: WIDE}, max_trades_per_day=100),
    BreakerRules(
        route_cooldown_slots=0,
        failures_in_a_row=0,
        failure_cooldown_slots=50,
        max_loss_per_day={USDC: 10**9, WSOL: 10**9},
    ),
)
ORCA = Facts(venues=("orca_whirlpool", "orca_whirlpool"))
RAYDIUM = Facts(venues=("raydium_clmm", "raydium_clmm"))
BOTH = Facts(venues=("orca_whirlpool", "raydium_clmm"))


def limited(**changes: object) -> RiskRules:
    return replace(RULES, limits=replace(RULES.limits, **changes))  # type: ignore[arg-type]


def broken(**changes: object) -> RiskRules:
    return replace(RULES, breakers=replace(RULES.breakers, **changes))  # type: ignore[arg-type]


def ask(number: int, slot: int = 100, amount_in: int = 100, cost: int = 10, **more: object) -> Plan:
    return plan(opportunity(number, slot, amount_in=amount_in, gross_profit=50, cost=cost, **more))  # type: ignore[arg-type]


def swap(
    number: int, mint_in: str, mint_out: str, amount_in: int, *, base: str = USDC, **more: int
) -> SwapPlan:
    order = SwapOrder("mr", POOL_A, mint_in, mint_out, amount_in, 1, base)
    basis, cost = more.get("basis", 0), more.get("cost", 10)
    return SwapPlan(number, more.get("slot", 100), order, amount_in * 2, basis, cost, 5_000, 4_000, 10_000)


def go(rules: RiskRules, state: RiskState, asked: AnyPlan, facts: Facts = ORCA) -> RiskState:
    verdict, state = assess(rules, state, asked, facts)
    assert verdict.ok, verdict
    return state


def done(
    rules: RiskRules, state: RiskState, asked: AnyPlan, *, fails: bool = False, slot: int = 100
) -> RiskState:
    """Let a plan through and settle it."""
    state = go(rules, state, asked)
    if fails:
        return settle(rules, state, asked, Outcome(OutcomeState.FAILED, "late", None, asked.cost), slot)
    fill = (
        promised(asked)
        if isinstance(asked, Plan)
        else Fill(asked.hops, asked.amount_in, asked.quoted_amount_out)
    )
    realised = asked.gross_profit if isinstance(asked, SwapPlan) else None
    outcome = Outcome(OutcomeState.FILLED, None, fill, asked.cost)
    if realised is not None:
        outcome = replace(outcome, realised=realised)
    return settle(rules, state, asked, outcome, slot)


# ---- what is open in one place does not fill another, and stays until it is known

# Fees are 19,000 lamports for 10 units: 100 units are worth 190,000.
VENUE = VenueLimits(10**9, 10**9, 285_000)


def test_venue_of_an_unknown_outcome_stays_exposed_after_its_day_and_others_are_free() -> None:
    rules = limited(each_venue=VENUE)
    state = go(rules, RiskState(), ask(1), ORCA)
    later = 100 + 3 * DAY_SLOTS
    _, state = assess(rules, state, ask(9, slot=later, amount_in=10**10), RAYDIUM)
    assert state.limits.day == (), "its day is over"
    expected = Verdict(False, "venue_exposure", 285_000, 380_000)
    assert assess(rules, state, ask(2, slot=later), ORCA)[0] == expected
    assert assess(rules, state, ask(2, slot=later), BOTH)[0] == expected, "one of its venues is full"
    assert assess(rules, state, ask(2, slot=later, pools=(POOL_A, POOL_C)), RAYDIUM)[0].ok
    settled = settle(rules, state, ask(1), Outcome(OutcomeState.FAILED, "late", None, 10), later)
    assert assess(rules, settled, ask(2, slot=later), ORCA)[0].ok
    dead = settle_key(rules, state, "opening 1", None, later)
    assert assess(rules, dead, ask(2, slot=later), ORCA)[0].ok


def test_cycle_through_two_venues_is_exposed_in_both_when_one_of_three_outcomes_is_known() -> None:
    rules = limited(each_venue=replace(VENUE, max_exposure_lamports=570_000))
    state = RiskState()
    routes = ((POOL_A, POOL_B), (POOL_A, POOL_C), (POOL_B, POOL_C))
    for number, facts in ((1, ORCA), (2, BOTH), (3, RAYDIUM)):
        state = go(rules, state, ask(number, pools=routes[number - 1]), facts)
    state = settle(rules, state, ask(1), Outcome(OutcomeState.FAILED, "late", None, 10), 100)
    assert state.limits.venue_exposure("orca_whirlpool") == 190_000
    assert state.limits.venue_exposure("raydium_clmm") == 380_000
    assert state.limits.venue_exposure("meteora_dlmm") == 0


def test_value_in_lamports_is_rounded_up() -> None:
    # 100 units at 19,000 lamports for 7 units: 271,428.57.
    assert booked(ask(1, cost=7), (), 100).value_lamports == 271_429
    assert booked(ask(1, cost=0), (), 100).value_lamports is None
    free = replace(opportunity(1), network_fee_lamports=0, priority_fee_lamports=0, tip_lamports=0)
    assert booked(plan(free), (), 100).value_lamports is None, "no fees, no rate"


def test_cycle_through_two_pools_of_a_venue_counts_once_towards_its_day() -> None:
    state = go(limited(each_venue=VENUE), RiskState(), ask(1), ORCA)
    assert state.limits.venue_lamports == {"orca_whirlpool": 190_000}


def test_exposure_and_losses_of_one_mint_leave_those_of_another_alone() -> None:
    tight = {USDC: replace(WIDE, max_exposure=150), WSOL: replace(WIDE, max_exposure=150)}
    rules = replace(limited(mints=tight), breakers=broken(max_loss_per_day={USDC: 15, WSOL: 15}).breakers)
    state = go(rules, RiskState(), ask(1))
    assert assess(rules, state, ask(2, cost=0))[0].reason == "exposure"
    assert assess(rules, state, ask(2, amount_in=1))[0].reason == "loss_per_day"
    assert state.may_lose(WSOL) == 0
    assert assess(rules, state, ask(2, base_mint=WSOL))[0].ok


def test_positions_of_one_base_mint_leave_those_of_another_alone() -> None:
    state = done(RULES, RiskState(), swap(1, WSOL, MSOL, 500, base=WSOL))
    assert (state.may_lose(WSOL), state.may_lose(USDC)) == (510, 0)
    rules = limited(mints={USDC: replace(WIDE, max_exposure=100), WSOL: WIDE})
    assert assess(rules, state, ask(2))[0].ok


# ---- sales


def test_sale_counts_as_a_trade_and_pays_fees() -> None:
    state = done(RULES, RiskState(), swap(1, USDC, WSOL, 500))
    sale = swap(2, WSOL, USDC, 1_000, basis=500)
    assert assess(limited(max_trades_per_day=1), state, sale)[0] == Verdict(False, "trades_per_day", 1, 2)
    rules = limited(max_fee_lamports_per_day=37_999)
    assert assess(rules, state, sale)[0] == Verdict(False, "fees_per_day", 37_999, 38_000)
    assert assess(limited(max_fee_lamports_per_day=38_000), state, sale)[0].ok


def test_fees_of_the_way_out_are_set_aside_once_and_only_for_the_sale() -> None:
    # Bought for 500 at a cost of 10, 10 more set aside: 10 are lost, 510 may be.
    rules = broken(max_loss_per_day={USDC: 520})
    state = done(rules, RiskState(), swap(1, USDC, WSOL, 500))
    assert assess(rules, state, swap(2, WSOL, USDC, 1_000, basis=500))[0].ok
    dearer = swap(2, WSOL, USDC, 1_000, basis=500, cost=11)
    assert assess(rules, state, dearer)[0] == Verdict(False, "loss_per_day", 520, 521)
    assert assess(rules, state, ask(3, cost=1))[0] == Verdict(False, "loss_per_day", 520, 521)


def test_buying_more_of_a_position_adds_to_what_may_be_lost() -> None:
    rules = broken(max_loss_per_day={USDC: 520})
    state = done(rules, RiskState(), swap(1, USDC, WSOL, 500))
    more = swap(2, USDC, WSOL, 100)
    loss = booked(more, (), more.slot).max_loss
    assert assess(rules, state, more)[0] == Verdict(False, "loss_per_day", 520, 520 + loss)


def test_sale_of_another_position_may_go_beside_one() -> None:
    state = done(RULES, RiskState(), swap(1, USDC, WSOL, 500))
    state = done(RULES, state, swap(2, USDC, MSOL, 500))
    state = go(RULES, state, swap(3, WSOL, USDC, 1_000, basis=500))
    assert assess(RULES, state, swap(4, MSOL, USDC, 1_000, basis=500))[0].ok
    assert assess(RULES, state, swap(4, WSOL, USDC, 1_000, basis=500))[0].reason == "already_selling"


def test_failed_swap_changes_no_position() -> None:
    state = done(RULES, RiskState(), swap(1, USDC, WSOL, 500), fails=True)
    assert not state.positions
    state = done(
        RULES, done(RULES, state, swap(2, USDC, WSOL, 500)), swap(3, WSOL, USDC, 1_000, basis=500), fails=True
    )
    assert [position.amount for position in state.positions.values()] == [1_000]


def test_dearest_way_out_stays_set_aside_when_a_position_grows() -> None:
    state = done(RULES, RiskState(), swap(1, USDC, WSOL, 500, cost=30))
    state = done(RULES, state, swap(2, USDC, WSOL, 500, cost=10))
    assert [position.exit_cost for position in state.positions.values()] == [30]


def test_positions_of_another_strategy_are_not_ones_own() -> None:
    state = done(RULES, RiskState(), swap(1, USDC, WSOL, 500))
    assert len(held_by(state.positions, "mr")) == 1
    assert held_by(state.positions, "other") == ()


# ---- stops


def test_rest_of_one_route_is_not_ended_by_that_of_another() -> None:
    rules = broken(route_cooldown_slots=10)
    state = done(rules, RiskState(), ask(1, slot=100, pools=(POOL_A, POOL_C)))
    state = done(rules, state, ask(2, slot=101))
    # At 110 the first rest is over, the second ends with the next slot.
    assert assess(rules, state, ask(3, slot=110))[0] == Verdict(False, "route_cooldown", 111, 110)
    assert assess(rules, state, ask(3, slot=110, pools=(POOL_A, POOL_C)))[0].ok
    assert assess(rules, state, ask(3, slot=111))[0].ok


def test_share_of_failures_is_taken_over_a_full_window_only() -> None:
    rules = broken(failure_rate_attempts=4, max_failure_rate_pct=50)
    state = RiskState()
    for number in (1, 2, 3):
        state = done(rules, state, ask(number), fails=True)
    assert assess(rules, state, ask(4))[0].ok, "three of three, not of four"
    state = done(rules, state, ask(4))
    assert assess(rules, state, ask(5))[0].reason == "failures", "three of four"


def test_window_of_failures_begins_anew_after_the_stop() -> None:
    rules = broken(failure_rate_attempts=2, max_failure_rate_pct=50)
    state = RiskState()
    for number in (1, 2):
        state = done(rules, state, ask(number), fails=True)
    assert assess(rules, state, ask(3, slot=149))[0] == Verdict(False, "failures", 150, 149)
    state = done(rules, state, ask(3, slot=150), fails=True, slot=150)
    assert assess(rules, state, ask(4, slot=150))[0].ok, "one failure since the stop"


def test_stop_is_not_shortened_by_rules_that_are_milder_meanwhile() -> None:
    strict = broken(failures_in_a_row=1, failure_cooldown_slots=1_000)
    mild = broken(failures_in_a_row=1, failure_cooldown_slots=10)
    one, other = ask(1), ask(2, pools=(POOL_A, POOL_C))
    state = go(strict, go(strict, RiskState(), one), other)
    state = settle(strict, state, one, Outcome(OutcomeState.FAILED, "late", None, 10), 100)
    state = settle(mild, state, other, Outcome(OutcomeState.FAILED, "late", None, 10), 100)
    assert assess(mild, state, ask(3, slot=1_099))[0] == Verdict(False, "failures", 1_100, 1_099)


def test_drawdown_counts_from_nothing_before_the_first_profit() -> None:
    rules = broken(max_drawdown={USDC: 15})
    state = done(rules, RiskState(), ask(1), fails=True)
    assert state.breakers.drawdown(USDC) == 10
    assert assess(rules, state, ask(2, cost=6))[0] == Verdict(False, "drawdown", 15, 16)


def test_attempt_proven_dead_is_no_failure_and_no_loss() -> None:
    rules = broken(failures_in_a_row=1)
    state = go(rules, RiskState(), ask(1))
    state = settle_key(rules, state, "opening 1", None, 100)
    assert (state.limits.at_risk, state.breakers.failures, state.breakers.failing_until) == ({}, 0, 0)
    assert assess(rules, state, ask(2))[0].ok


def test_recalled_outcomes_never_go_back_in_time() -> None:
    one, other = ask(1), ask(2, pools=(POOL_B, POOL_C))
    entries = [booked(one, (), 100), booked(other, (), 100)]
    lost = Result(failed=True, net_profit=-10)
    told = [Settled(one.key, lost, 500), Settled(other.key, lost, 400)]
    state = recall(RULES, entries, told)
    assert [loss.slot for loss in state.breakers.losses] == [500, 500]
    assert assess(RULES, state, ask(3, slot=499 + DAY_SLOTS))[1].breakers.lost_today(USDC) == 20
    assert assess(RULES, state, ask(3, slot=500 + DAY_SLOTS))[1].breakers.lost_today(USDC) == 0


def test_price_of_every_hop_is_compared() -> None:
    rules = replace(RULES, sanity=SanityRules(max_price_deviation_bps=100))
    asked = ask(1)
    back = asked.hops[1]
    fair = Reference(POOL_C, back.amount_in, back.amount_out)
    mean = Reference(POOL_C, back.amount_in, back.amount_out * 2)
    assert assess(rules, RiskState(), asked, Facts(references=(None, fair)))[0].ok
    refused = assess(rules, RiskState(), asked, Facts(references=(None, mean)))[0]
    assert refused == Verdict(False, "price_deviation", 100, 5_000)


def test_plan_that_asks_for_exactly_its_quote_may_go_and_one_unit_more_may_not() -> None:
    exact = replace(ask(1), min_amount_out=150)
    assert assess(RULES, RiskState(), exact)[0].ok
    assert not assess(RULES, RiskState(), replace(exact, min_amount_out=151))[0].ok


def test_denied_mint_is_neither_paid_nor_bought_by_a_swap() -> None:
    for denied in (USDC, WSOL):
        rules = replace(RULES, sanity=SanityRules(denied_mints=frozenset({denied})))
        assert assess(rules, RiskState(), swap(1, USDC, WSOL, 500))[0].reason == "mint_denied"
