"""One door: breakers and limits together, over one state."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from phantom_arbiter.domain import Outcome, Plan, Verdict
from phantom_arbiter.risk import breakers, limits
from phantom_arbiter.risk.breakers import BreakerRules, BreakerState
from phantom_arbiter.risk.limits import LimitState, TradeLimits


@dataclass(frozen=True, slots=True)
class RiskRules:
    """Everything that may stop a plan."""

    limits: TradeLimits
    breakers: BreakerRules


@dataclass(frozen=True, slots=True)
class RiskState:
    """Everything that risk remembers; `slot` is the highest it was asked about, its only clock."""

    slot: int = 0
    limits: LimitState = field(default_factory=LimitState)
    breakers: BreakerState = field(default_factory=BreakerState)


def _roll(state: RiskState, slot: int) -> RiskState:
    now = max(state.slot, slot)
    return RiskState(now, limits.roll(state.limits, now), breakers.roll(state.breakers, now))


def assess(
    rules: RiskRules, state: RiskState, plan: Plan, *, killed: bool = False
) -> tuple[Verdict, RiskState]:
    """Return whether `plan` may go, and the state after it.

    An accepted plan is booked: it counts towards its day, its input and costs are at risk until `settle`.
    A refused one leaves no trace but the time.

    Args:
        rules: Limits and breakers.
        state: What has happened so far.
        plan: What is asked for, at its opportunity's slot.
        killed: Whether the kill switch's file is there.
    """
    state = _roll(state, plan.opportunity.slot)
    verdict = breakers.check(rules.breakers, state.breakers, plan, state.slot, killed=killed)
    if verdict.ok:
        verdict = limits.check(rules.limits, state.limits, plan)
    if not verdict.ok:
        return verdict, state
    return verdict, replace(
        state,
        limits=limits.book(state.limits, plan, state.slot),
        breakers=breakers.book(rules.breakers, state.breakers, plan, state.slot),
    )


def settle(rules: RiskRules, state: RiskState, plan: Plan, outcome: Outcome, slot: int) -> RiskState:
    """Return the state once the outcome of a booked plan is known, at slot `slot`."""
    state = _roll(state, slot)
    return replace(
        state,
        limits=limits.release(state.limits, plan),
        breakers=breakers.settle(rules.breakers, state.breakers, plan, outcome, state.slot),
    )
