"""When to stop: the kill switch, cool-downs, and losses.

All of them stop sending, none stops watching. Cool-downs and the loss breaker end by themselves as slots go
by; the kill switch holds as long as it is on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from phantom_arbiter.domain import GO, Outcome, OutcomeState, Plan, Verdict
from phantom_arbiter.risk.limits import DAY_SLOTS


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When to stop, and for how long.

    Attributes:
        route_cooldown_slots: Rest of a route after an attempt on it; 0 for none.
        failures_in_a_row: Consecutive failures that stop everything; 0 for never.
        failure_cooldown_slots: How long they stop it.
        max_loss_per_day: Base units by mint: what losing attempts of a rolling day may lose. A plan counts
            with its costs, the most an atomic cycle can lose, from the moment it is let through.
        halted: The kill switch of the configuration.
    """

    route_cooldown_slots: int
    failures_in_a_row: int
    failure_cooldown_slots: int
    max_loss_per_day: Mapping[str, int]
    halted: bool = False


@dataclass(frozen=True, slots=True)
class Loss:
    """What one losing attempt lost: `amount` base units of `mint`, positive."""

    slot: int
    mint: str
    amount: int


@dataclass(frozen=True, slots=True)
class BreakerState:
    """What the breakers remember.

    Attributes:
        route_rests_until: First slot at which a route may go again, by route.
        failures: Failures in a row.
        failing_until: First slot after the stop that too many failures caused.
        losses: Losses of the rolling day, oldest first.
        may_lose: Attempts without an outcome, by opening id, with the most they can lose.
    """

    route_rests_until: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    failures: int = 0
    failing_until: int = 0
    losses: tuple[Loss, ...] = ()
    may_lose: Mapping[int, Loss] = field(default_factory=lambda: MappingProxyType({}))

    def lost_today(self, mint: str) -> int:
        """Losses of the rolling day and what unresolved attempts may still lose, base units of `mint`."""
        entries = (*self.losses, *self.may_lose.values())
        return sum(entry.amount for entry in entries if entry.mint == mint)


def roll(state: BreakerState, now: int) -> BreakerState:
    """Return the state at slot `now`: what is a day old, and rests that are over, are forgotten."""
    losses = tuple(loss for loss in state.losses if loss.slot > now - DAY_SLOTS)
    rests = MappingProxyType(
        {route: until for route, until in state.route_rests_until.items() if until > now}
    )
    return replace(state, losses=losses, route_rests_until=rests)


def check(rules: BreakerRules, state: BreakerState, plan: Plan, now: int, *, killed: bool) -> Verdict:
    """Return whether no breaker is open for `plan` at slot `now`; `state` must have been rolled to it.

    Args:
        rules: When to stop.
        state: What has happened.
        plan: What is asked for.
        now: The highest slot seen.
        killed: Whether the kill switch's file is there, as the engine loop saw it.
    """
    opportunity = plan.opportunity
    mint = opportunity.base_mint
    if killed or rules.halted:
        return Verdict(ok=False, reason="kill_switch")
    if now < state.failing_until:
        return Verdict(ok=False, reason="failures_in_a_row", limit=state.failing_until, value=now)
    rests_until = state.route_rests_until.get(opportunity.route, 0)
    if now < rests_until:
        return Verdict(ok=False, reason="route_cooldown", limit=rests_until, value=now)
    may_lose = state.lost_today(mint) + opportunity.cost
    max_loss = rules.max_loss_per_day.get(mint, 0)
    if may_lose > max_loss:
        return Verdict(ok=False, reason="loss_per_day", limit=max_loss, value=may_lose)
    return GO


def book(rules: BreakerRules, state: BreakerState, plan: Plan, now: int) -> BreakerState:
    """Return the state with `plan` let through at slot `now`: its route rests, its costs may be lost."""
    opportunity = plan.opportunity
    rests = dict(state.route_rests_until)
    if rules.route_cooldown_slots:
        rests[opportunity.route] = now + rules.route_cooldown_slots
    stake = Loss(now, opportunity.base_mint, opportunity.cost)
    return replace(
        state,
        route_rests_until=MappingProxyType(rests),
        may_lose=MappingProxyType({**state.may_lose, opportunity.opening_id: stake}),
    )


def settle(rules: BreakerRules, state: BreakerState, plan: Plan, outcome: Outcome, now: int) -> BreakerState:
    """Return the state with `outcome` known at slot `now`.

    A loss counts at the slot at which it became known.
    """
    opportunity = plan.opportunity
    may_lose = {key: loss for key, loss in state.may_lose.items() if key != opportunity.opening_id}
    losses = state.losses
    if outcome.net_profit < 0:
        losses = (*losses, Loss(now, opportunity.base_mint, -outcome.net_profit))
    failures = state.failures + 1 if outcome.state is OutcomeState.FAILED else 0
    failing_until = state.failing_until
    if rules.failures_in_a_row and failures >= rules.failures_in_a_row:
        failures, failing_until = 0, now + rules.failure_cooldown_slots
    return replace(
        state,
        may_lose=MappingProxyType(may_lose),
        losses=losses,
        failures=failures,
        failing_until=failing_until,
    )
