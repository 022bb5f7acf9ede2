"""Risk's newer rules: venues, fees, drawdown, failure rate, prices, ages, lists, positions."""

from dataclasses import replace

import pytest

from phantom_arbiter.domain import Fill, Hop, Outcome, OutcomeState, Plan, Verdict
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
from phantom_arbiter.swaps import AnyPlan, Position, SwapOrder, SwapPlan
from shell_fakes import MSOL, POOL_A, POOL_B, POOL_C, USDC, WSOL, opportunity, plan, promised

LIMITS = MintLimits(1_000, 10_000, 1_500, 5_000)
RULES = RiskRules(
    TradeLimits({USDC: LIMITS}, max_trades_per_day=100),
    BreakerRules(
        route_cooldown_slots=0, failures_in_a_row=0, failure_cooldown_slots=50, max_loss_per_day={USDC: 5_000}
    ),
)
VENUES = Facts(venues=("orca_whirlpool", "raydium_clmm"))


def ask(number: int, slot: int = 100, amount_in: int = 100, cost: int = 10, **more: object) -> Plan:
    return plan(opportunity(number, slot, amount_in=amount_in, gross_profit=50, cost=cost, **more))  # type: ignore[arg-type]


def ended(
    state: RiskState, planned: Plan, *, fails: bool = False, rules: RiskRules = RULES, slot: int = 0
) -> RiskState:
    """Let the plan through and settle it."""
    verdict, state = assess(rules, state, planned, VENUES)
    assert verdict.ok, verdict
    cost = planned.cost
    outcome = (
        Outcome(OutcomeState.FAILED, "late", None, cost)
        if fails
        else Outcome(OutcomeState.FILLED, None, promised(planned), cost)
    )
    return settle(rules, state, planned, outcome, slot or planned.slot)


def limited(**changes: object) -> RiskRules:
    return replace(RULES, limits=replace(RULES.limits, **changes))  # type: ignore[arg-type]


def broken(**changes: object) -> RiskRules:
    return replace(RULES, breakers=replace(RULES.breakers, **changes))  # type: ignore[arg-type]


def sane(**changes: object) -> RiskRules:
    return replace(RULES, sanity=SanityRules(**changes))  # type: ignore[arg-type]


# ---- venues and fees

# The opportunity's fees are 19,000 lamports and cost 10 units: 1,900 lamports a unit, 100 units are 190,000.
VENUE = VenueLimits(190_000, 380_000, 285_000)


@pytest.mark.parametrize(
    ("venue", "amount_in", "expected"),
    [
        ("orca_whirlpool", 100, None),
        ("orca_whirlpool", 101, Verdict(False, "venue_per_trade", 190_000, 191_900)),
        ("raydium_clmm", 101, Verdict(False, "venue_per_trade", 190_000, 191_900)),
        ("meteora_dlmm", 101, None),
    ],
)
def test_venue_is_limited_in_lamports(venue: str, amount_in: int, expected: Verdict | None) -> None:
    rules = limited(venues={venue: VENUE})
    verdict, _ = assess(rules, RiskState(), ask(1, amount_in=amount_in), VENUES)
    assert verdict == (expected or Verdict(ok=True))


def test_venue_without_an_entry_has_the_limits_of_each() -> None:
    rules = limited(each_venue=VENUE, venues={"orca_whirlpool": replace(VENUE, max_lamports=10**9)})
    verdict, _ = assess(rules, RiskState(), ask(1, amount_in=101), VENUES)
    assert verdict.reason == "venue_per_trade"


def test_venue_per_day_and_exposure_add_up() -> None:
    rules = limited(each_venue=VENUE)
    _, state = assess(rules, RiskState(), ask(1), VENUES)
    assert assess(rules, state, ask(2), VENUES)[0] == Verdict(False, "venue_exposure", 285_000, 380_000)
    state = ended(ended(RiskState(), ask(1), rules=rules), ask(2), rules=rules)
    verdict, _ = assess(rules, state, ask(3, amount_in=1), VENUES)
    assert verdict == Verdict(False, "venue_per_day", 380_000, 381_900)
    assert assess(rules, state, ask(3, slot=100 + DAY_SLOTS), VENUES)[0].ok


def test_value_that_no_fee_tells_is_refused_where_it_is_limited() -> None:
    verdict, _ = assess(limited(each_venue=VENUE), RiskState(), ask(1, cost=0), VENUES)
    assert verdict.reason == "venue_value_unknown"


def test_fees_of_a_day_are_limited() -> None:
    rules = limited(max_fee_lamports_per_day=40_000)
    state = ended(ended(RiskState(), ask(1), rules=rules), ask(2), rules=rules)
    assert assess(rules, state, ask(3))[0] == Verdict(False, "fees_per_day", 40_000, 57_000)
    assert assess(rules, state, ask(3, slot=100 + DAY_SLOTS))[0].ok


# ---- breakers


def test_drawdown_is_counted_from_the_peak_of_the_rolling_day() -> None:
    rules = broken(max_drawdown={USDC: 30})
    state = ended(RiskState(), ask(1), rules=rules)  # +40: the peak
    state = ended(state, ask(2, slot=200), rules=rules, fails=True)  # -10
    state = ended(state, ask(3, slot=300), rules=rules, fails=True)  # -10
    assert state.breakers.drawdown(USDC) == 20
    assert assess(rules, state, ask(4, slot=400, cost=11))[0] == Verdict(False, "drawdown", 30, 31)
    assert assess(rules, state, ask(4, slot=400, cost=10))[0].ok
    # The peak stood until slot 200: a day later only what came after counts.
    assert not assess(rules, state, ask(4, slot=200 + DAY_SLOTS - 1, cost=11))[0].ok
    assert assess(rules, state, ask(4, slot=200 + DAY_SLOTS, cost=11))[0].ok


def test_what_is_not_known_yet_counts_as_drawdown() -> None:
    rules = broken(max_drawdown={USDC: 30})
    _, state = assess(rules, RiskState(), ask(1, cost=20))
    assert assess(rules, state, ask(2, cost=11))[0] == Verdict(False, "drawdown", 30, 31)


def test_too_high_a_share_of_failures_stops_for_a_while() -> None:
    rules = broken(failure_rate_attempts=4, max_failure_rate_pct=50)
    state = RiskState()
    for number, fails in ((1, True), (2, False), (3, True), (4, False)):
        state = ended(state, ask(number), rules=rules, fails=fails)
    state = ended(state, ask(5), rules=rules, fails=True)
    assert assess(rules, state, ask(6))[0].ok, "failed, filled, failed, filled, failed: two of the last four"
    state = ended(state, ask(6), rules=rules, fails=True)
    assert assess(rules, state, ask(7, slot=149))[0] == Verdict(False, "failures", 150, 149)
    assert assess(rules, state, ask(7, slot=150))[0].ok


def test_unknown_outcome_keeps_its_exposure_until_it_is_known() -> None:
    _, state = assess(RULES, RiskState(), ask(1, amount_in=1_000))
    late = ask(2, slot=100 + 9 * DAY_SLOTS, amount_in=501)
    assert assess(RULES, state, late)[0] == Verdict(False, "exposure", 1_500, 1_501)
    dead = settle_key(RULES, state, "opening 1", None, 100)
    assert assess(RULES, dead, late)[0].ok
    assert dead.limits.amount_in_today(USDC) == 1_000, "it still counts towards its day"


def test_what_never_left_the_process_does_not_use_up_its_day() -> None:
    never_left = Outcome(OutcomeState.FAILED, "dry_run", None, 0, is_dead=True)
    state = ended(RiskState(), ask(1))
    _, asked = assess(RULES, state, ask(2))
    again = settle(RULES, asked, ask(2), never_left, 100)
    assert again.limits == state.limits
    assert settle(RULES, again, ask(2), never_left, 100).limits == state.limits, "told twice"
    sent = settle(RULES, asked, ask(2), replace(never_left, reason="expired", sends=1), 100).limits
    assert (len(sent.day), len(sent.at_risk)) == (2, 0), "sent and dead"


def test_outcome_told_twice_counts_once() -> None:
    state = ended(RiskState(), ask(1), fails=True)
    again = settle(RULES, state, ask(1), Outcome(OutcomeState.FAILED, "late", None, 10), 100)
    assert again.breakers.lost_today(USDC) == 10


# ---- what must be true


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (Reference(POOL_C, 1_000, 10_000), None),
        # Hop one gives 1,000 for 100 units; at 10 % less than this price it is at the bound.
        (Reference(POOL_C, 900, 10_000), None),
        (Reference(POOL_C, 899, 10_000), Verdict(False, "price_deviation", 1_000, 1_010)),
        (Reference(POOL_C, 1_000, 9_000), Verdict(False, "price_deviation", 1_000, 1_112)),
        (None, None),
        (Reference(POOL_C, 0, 5), None),
    ],
)
def test_price_is_compared_with_another_pool(reference: Reference | None, expected: Verdict | None) -> None:
    facts = Facts(references=(reference, None))
    verdict, _ = assess(sane(max_price_deviation_bps=1_000), RiskState(), ask(1), facts)
    assert verdict == (expected or Verdict(ok=True))


@pytest.mark.parametrize(
    ("age", "ok"), [(None, True), (8, True), (9, False)], ids=["unknown", "at the bound", "past it"]
)
def test_old_market_is_not_traded(age: int | None, ok: bool) -> None:
    verdict, _ = assess(sane(max_market_age_slots=8), RiskState(), ask(1), Facts(market_age_slots=age))
    assert verdict == (Verdict(ok=True) if ok else Verdict(False, "stale_market", 8, 9))


@pytest.mark.parametrize(
    ("allowed", "denied", "reason"),
    [
        ((), (), ""),
        ((USDC, WSOL), (), ""),
        ((USDC,), (), "mint_not_allowed"),
        ((), (WSOL,), "mint_denied"),
        ((USDC, WSOL), (USDC,), "mint_denied"),
        ((), (MSOL,), ""),
    ],
)
def test_lists_of_mints(allowed: tuple[str, ...], denied: tuple[str, ...], reason: str) -> None:
    rules = sane(allowed_mints=frozenset(allowed), denied_mints=frozenset(denied))
    assert assess(rules, RiskState(), ask(1))[0].reason == reason


def test_cycle_that_may_end_below_its_input_is_refused() -> None:
    careless = replace(ask(1), min_amount_out=99)
    verdict, _ = assess(RULES, RiskState(), careless)
    assert verdict == Verdict(False, "minimum_out_below_input", 100, 99)


def test_plan_that_asks_for_more_than_its_quote_is_refused() -> None:
    verdict, _ = assess(RULES, RiskState(), replace(ask(1), min_amount_out=10**30))
    assert verdict == Verdict(False, "minimum_out_above_quote", 150, 10**30)


def test_plan_about_something_else_than_what_was_shown_is_refused() -> None:
    assert assess(RULES, RiskState(), ask(1), Facts(offered=False))[0].reason == "plan_not_offered"


# ---- single swaps


def order(*, opens: bool, amount_in: int, mint: str = WSOL) -> SwapOrder:
    mints = (USDC, mint) if opens else (mint, USDC)
    return SwapOrder("mr", POOL_A, *mints, amount_in, 1, USDC)


def swap(number: int, *, opens: bool, amount_in: int, basis: int = 0, slot: int = 100) -> SwapPlan:
    asked = order(opens=opens, amount_in=amount_in)
    return SwapPlan(number, slot, asked, amount_in * 2, basis, 10, 5_000, 4_000, 10_000)


def swapped(planned: SwapPlan, amount_out: int) -> Outcome:
    hop = Hop(POOL_A, planned.order.mint_in, planned.order.mint_out, planned.amount_in, amount_out)
    realised = 0 if planned.order.opens else amount_out - planned.basis
    return Outcome(
        OutcomeState.FILLED, None, Fill((hop,), planned.amount_in, amount_out), 10, realised=realised
    )


def holding(amount_in: int = 500, bought: int = 1_000) -> RiskState:
    buy = swap(1, opens=True, amount_in=amount_in)
    verdict, state = assess(RULES, RiskState(), buy)
    assert verdict.ok
    return settle(RULES, state, buy, swapped(buy, bought), 100)


def test_open_position_stays_exposed_and_may_be_lost() -> None:
    state = holding()
    assert list(state.positions.values()) == [Position(USDC, WSOL, 1_000, 500, 10)]
    assert state.may_lose(USDC) == 510
    assert state.breakers.lost_today(USDC) == 10, "the fees of buying"
    verdict, _ = assess(RULES, state, ask(2, amount_in=1_000))
    assert verdict.ok
    verdict, _ = assess(RULES, state, ask(2, amount_in=1_001))
    assert verdict.reason == "per_trade"
    _, state = assess(RULES, state, ask(2, amount_in=1_000))
    assert assess(RULES, state, ask(3, amount_in=1))[0] == Verdict(False, "exposure", 1_500, 1_501)


def test_sale_takes_its_share_of_the_basis_rounded_up() -> None:
    state = holding(amount_in=500, bought=999)
    sale = swap(2, opens=False, amount_in=333, basis=167)
    verdict, state = assess(RULES, state, sale)
    assert verdict.ok
    state = settle(RULES, state, sale, swapped(sale, 100), 100)
    assert list(state.positions.values()) == [Position(USDC, WSOL, 666, 333, 10)]
    assert state.breakers.lost_today(USDC) == 10 + 67 + 10
    rest = swap(3, opens=False, amount_in=666, basis=333)
    verdict, state = assess(RULES, state, rest)
    assert verdict.ok
    state = settle(RULES, state, rest, swapped(rest, 400), 100)
    assert not state.positions
    assert state.breakers.lost_today(USDC) == 87


@pytest.mark.parametrize(
    ("amount_in", "basis", "expected"),
    [
        (1_001, 500, Verdict(False, "not_held", 1_000, 1_001)),
        (1_000, 499, Verdict(False, "wrong_basis", 500, 499)),
    ],
)
def test_sale_of_what_is_not_held_is_refused(amount_in: int, basis: int, expected: Verdict) -> None:
    assert assess(RULES, holding(), swap(2, opens=False, amount_in=amount_in, basis=basis))[0] == expected


def test_position_is_sold_once_at_a_time() -> None:
    _, state = assess(RULES, holding(), swap(2, opens=False, amount_in=500, basis=250))
    assert assess(RULES, state, swap(3, opens=False, amount_in=500, basis=250))[0].reason == "already_selling"


def test_position_may_be_sold_when_nothing_else_may_go() -> None:
    state = holding()
    tight = RiskRules(
        TradeLimits({USDC: MintLimits(1, 1, 1, 1)}, max_trades_per_day=100),
        RULES.breakers,
        SanityRules(denied_mints=frozenset({WSOL})),
    )
    assert not assess(tight, state, swap(2, opens=True, amount_in=1))[0].ok
    assert assess(tight, state, swap(2, opens=False, amount_in=1_000, basis=500))[0].ok


def test_everything_paid_for_a_position_counts_as_what_may_be_lost() -> None:
    rules = broken(max_loss_per_day={USDC: 519})
    assert assess(rules, RiskState(), swap(1, opens=True, amount_in=500))[0] == Verdict(
        False, "loss_per_day", 519, 520
    )


# ---- what a journal leads to


def test_state_is_rebuilt_from_bookings_and_results() -> None:
    buy = swap(1, opens=True, amount_in=500)
    cycle, lost = ask(2, slot=110), ask(3, slot=120, pools=(POOL_A, POOL_C))
    open_one = ask(4, slot=130, pools=(POOL_B, POOL_C))
    state = RiskState()
    for planned in (buy, cycle, lost, open_one):
        verdict, state = assess(RULES, state, planned, VENUES)
        assert verdict.ok
    outcomes: list[tuple[AnyPlan, Outcome, int]] = [
        (lost, Outcome(OutcomeState.FAILED, "late", None, 10), 140),
        (buy, swapped(buy, 1_000), 150),
        (cycle, Outcome(OutcomeState.FILLED, None, promised(cycle), 10), 150),
    ]
    results = []
    for planned, outcome, slot in outcomes:
        state = settle(RULES, state, planned, outcome, slot)
        bought = 1_000 if planned is buy else 0
        results.append(Settled(planned.key, Result(planned is lost, outcome.net_profit, bought), slot))
    entries = [booked(planned, VENUES.venues, planned.slot) for planned in (buy, cycle, lost, open_one)]
    again = recall(RULES, entries, results)
    assert again == state
