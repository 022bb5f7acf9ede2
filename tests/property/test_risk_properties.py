"""No sequence of plans and outcomes exceeds any limit: checked against a log kept beside it."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_arbiter.domain import Outcome, OutcomeState, Plan
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
from shell_fakes import POOL_A, POOL_B, POOL_C, USDC, WSOL, opportunity, plan, promised

ROUTES = ((POOL_A, POOL_B), (POOL_B, POOL_C), (POOL_A, POOL_B, POOL_C))
small = st.integers(0, 300)


@st.composite
def any_rules(draw: st.DrawFn) -> RiskRules:
    mints = {
        mint: MintLimits(draw(small), draw(st.integers(0, 2_000)), draw(st.integers(0, 600)), draw(small))
        for mint in (USDC, WSOL)
    }
    return RiskRules(
        TradeLimits(mints, max_trades_per_day=draw(st.integers(1, 12))),
        BreakerRules(
            route_cooldown_slots=draw(st.integers(0, 20)),
            failures_in_a_row=draw(st.integers(0, 4)),
            failure_cooldown_slots=draw(st.integers(0, 60)),
            max_loss_per_day={mint: limit.max_loss_per_day for mint, limit in mints.items()},
        ),
    )


@dataclass(frozen=True)
class Ask:
    """One step: ask for a plan, then settle the oldest open ones."""

    slot_step: int
    mint: str
    route: int
    amount_in: int
    cost: int
    killed: bool
    settled: int
    fails: bool


steps = st.lists(
    st.builds(
        Ask,
        slot_step=st.one_of(st.integers(-5, 30), st.sampled_from([DAY_SLOTS // 2, DAY_SLOTS - 1, DAY_SLOTS])),
        mint=st.sampled_from([USDC, WSOL]),
        route=st.integers(0, 2),
        amount_in=st.integers(1, 300),
        cost=st.integers(0, 60),
        killed=st.sampled_from([False, False, False, True]),
        settled=st.integers(0, 3),
        fails=st.booleans(),
    ),
    max_size=40,
)


@dataclass
class Log:
    """What happened, as plain lists; sums are taken over all of it every time."""

    accepted: list[tuple[int, Plan]] = field(default_factory=list)
    open: list[Plan] = field(default_factory=list)
    losses: list[tuple[int, str, int]] = field(default_factory=list)
    results: list[tuple[int, bool]] = field(default_factory=list)

    def check(self, rules: RiskRules, now: int) -> None:
        today = [planned.opportunity for slot, planned in self.accepted if slot > now - DAY_SLOTS]
        assert len(today) <= rules.limits.max_trades_per_day
        for mint, limit in rules.limits.mints.items():
            amounts = [found.amount_in for found in today if found.base_mint == mint]
            assert sum(amounts) <= limit.max_amount_in_per_day
            assert max(amounts, default=0) <= limit.max_amount_in
            at_risk = [p.opportunity.amount_in for p in self.open if p.opportunity.base_mint == mint]
            assert sum(at_risk) <= limit.max_exposure
            lost = [amount for slot, where, amount in self.losses if where == mint and slot > now - DAY_SLOTS]
            assert sum(lost) <= limit.max_loss_per_day


@settings(max_examples=300)
@given(any_rules(), steps)
def test_no_sequence_of_plans_and_outcomes_exceeds_any_limit(rules: RiskRules, asked: list[Ask]) -> None:
    state, log = RiskState(), Log()
    slot, now = DAY_SLOTS, 0
    for number, step in enumerate(asked):
        slot = max(slot + step.slot_step, 0)
        now = max(now, slot)
        planned = plan(
            opportunity(
                number,
                slot,
                base_mint=step.mint,
                pools=ROUTES[step.route],
                amount_in=step.amount_in,
                gross_profit=100,
                cost=step.cost,
            )
        )
        verdict, state = assess(rules, state, planned, Facts(killed=step.killed))
        if verdict.ok:
            assert not step.killed
            rests = rules.breakers.route_cooldown_slots
            same = [at for at, p in log.accepted if p.opportunity.route == planned.opportunity.route]
            assert all(now >= at + rests for at in same)
            row = rules.breakers.failures_in_a_row
            if row and len(log.results) >= row and all(failed for _, failed in log.results[-row:]):
                assert now >= log.results[-1][0] + rules.breakers.failure_cooldown_slots or _longer(
                    log.results, row
                )
            log.accepted.append((now, planned))
            log.open.append(planned)
        else:
            assert verdict.reason
            if verdict.limit is not None and verdict.value is not None:
                assert verdict.value != verdict.limit
        log.check(rules, now)
        for _ in range(min(step.settled, len(log.open))):
            done = log.open.pop(0)
            cost = done.opportunity.cost
            outcome = (
                Outcome(OutcomeState.FAILED, "late", None, cost)
                if step.fails
                else Outcome(OutcomeState.FILLED, None, promised(done), cost)
            )
            state = settle(rules, state, done, outcome, slot)
            log.results.append((now, step.fails))
            if outcome.net_profit < 0:
                log.losses.append((now, done.opportunity.base_mint, -outcome.net_profit))
        log.check(rules, now)


def _longer(results: list[tuple[int, bool]], row: int) -> bool:
    """Whether the failures at the end are no whole number of rows: the last ones begin the next."""
    count = 0
    for _, failed in reversed(results):
        if not failed:
            break
        count += 1
    return count % row != 0


@settings(max_examples=100)
@given(any_rules(), steps)
def test_same_sequence_gives_the_same_verdicts(rules: RiskRules, asked: list[Ask]) -> None:
    def verdicts() -> list[str]:
        state, slot, found = RiskState(), DAY_SLOTS, []
        for number, step in enumerate(asked):
            slot = max(slot + step.slot_step, 0)
            planned = plan(
                opportunity(number, slot, base_mint=step.mint, amount_in=step.amount_in, cost=step.cost)
            )
            verdict, state = assess(rules, state, planned, Facts(killed=step.killed))
            found.append(verdict.reason)
        return found

    assert verdicts() == verdicts()
