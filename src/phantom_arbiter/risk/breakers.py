"""When to stop: the kill switch, cool-downs, losses, drawdown, failures.

All of them stop sending, none stops watching. Cool-downs and what looks at a rolling day end by themselves
as slots go by; the kill switch holds as long as it is on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from phantom_arbiter.domain import GO, Verdict
from phantom_arbiter.risk.limits import DAY_SLOTS
from phantom_arbiter.risk.records import Booked, Result, summed


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When to stop, and for how long.

    Attributes:
        route_cooldown_slots: Rest of a route after an attempt on it; 0 for none.
        failures_in_a_row: Consecutive failures that stop everything; 0 for never.
        failure_cooldown_slots: How long they, or too high a share of failures, stop it.
        max_loss_per_day: Base units by mint: what losing attempts of a rolling day may lose. A plan counts
            with the most it can lose from the moment it is let through.
        max_drawdown: Base units by mint: how far realised profit may fall below the highest it has stood at
            within a rolling day. A plan counts as for the losses. A mint without an entry is not bounded.
        failure_rate_attempts: Over how many of the last outcomes the share of failures is taken; 0 for
            never.
        max_failure_rate_pct: Failures among them, in 1/100, that may be; more stops everything.
        halted: The kill switch of the configuration.
    """

    route_cooldown_slots: int
    failures_in_a_row: int
    failure_cooldown_slots: int
    max_loss_per_day: Mapping[str, int]
    max_drawdown: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    failure_rate_attempts: int = 0
    max_failure_rate_pct: int = 100
    halted: bool = False


@dataclass(frozen=True, slots=True)
class Loss:
    """What one losing attempt lost: `amount` base units of `mint`, positive."""

    slot: int
    mint: str
    amount: int


@dataclass(frozen=True, slots=True)
class Peak:
    """A height of realised profit, and until when it stood: `None` if it stands."""

    height: int
    until: int | None = None


@dataclass(frozen=True, slots=True)
class BreakerState:
    """What the breakers remember.

    Attributes:
        route_rests_until: First slot at which a route may go again, by route.
        failures: Failures in a row.
        last_failed: Of the last outcomes, whether they failed, oldest first; begun anew after a stop.
        failing_until: First slot after the stop that failures caused.
        losses: Losses of the rolling day, oldest first.
        lost: Their sums by mint.
        realised: Profit realised so far by mint.
        peaks: By mint, heights that realised profit has fallen from within the rolling day, falling; the
            last is where it stands.
    """

    route_rests_until: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    failures: int = 0
    last_failed: tuple[bool, ...] = ()
    failing_until: int = 0
    losses: tuple[Loss, ...] = ()
    lost: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    realised: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    peaks: Mapping[str, tuple[Peak, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def lost_today(self, mint: str) -> int:
        """Losses of the rolling day, base units of `mint`."""
        return self.lost.get(mint, 0)

    def drawdown(self, mint: str) -> int:
        """How far realised profit stands below its peak of the rolling day, base units of `mint`."""
        peaks = self.peaks.get(mint, ())
        return peaks[0].height - peaks[-1].height if peaks else 0


def roll(state: BreakerState, now: int) -> BreakerState:
    """Return the state at slot `now`: what is a day old, and rests that are over, are forgotten."""
    old = 0
    lost: Mapping[str, int] = state.lost
    while old < len(state.losses) and state.losses[old].slot <= now - DAY_SLOTS:
        lost = summed(lost, state.losses[old].mint, -state.losses[old].amount)
        old += 1
    rests = state.route_rests_until
    if any(until <= now for until in rests.values()):
        rests = MappingProxyType({route: until for route, until in rests.items() if until > now})
    peaks = state.peaks
    if any(_is_over(heights[0], now) for heights in peaks.values()):
        peaks = MappingProxyType(
            {
                mint: tuple(peak for peak in heights if not _is_over(peak, now))
                for mint, heights in peaks.items()
            }
        )
    return replace(
        state,
        losses=state.losses[old:],
        lost=MappingProxyType(dict(lost)) if old else state.lost,
        route_rests_until=rests,
        peaks=peaks,
    )


def _is_over(peak: Peak, now: int) -> bool:
    return peak.until is not None and peak.until <= now - DAY_SLOTS


def check(
    rules: BreakerRules, state: BreakerState, entry: Booked, now: int, *, killed: bool, may_lose: int
) -> Verdict:
    """Return whether no breaker is open for `entry` at slot `now`; `state` must have been rolled to it.

    Args:
        rules: When to stop.
        state: What has happened.
        entry: What is asked for.
        now: The highest slot seen.
        killed: Whether the kill switch is on, as the engine loop saw it.
        may_lose: What attempts without an outcome, and open positions, may still lose of its mint.
    """
    if killed or rules.halted:
        return Verdict(ok=False, reason="kill_switch")
    if now < state.failing_until:
        return Verdict(ok=False, reason="failures", limit=state.failing_until, value=now)
    rests_until = state.route_rests_until.get(entry.route, 0)
    if now < rests_until:
        return Verdict(ok=False, reason="route_cooldown", limit=rests_until, value=now)
    worst = may_lose + entry.max_loss
    bounds = [("loss_per_day", rules.max_loss_per_day.get(entry.mint, 0), state.lost_today(entry.mint))]
    if entry.mint in rules.max_drawdown:
        bounds.append(("drawdown", rules.max_drawdown[entry.mint], state.drawdown(entry.mint)))
    for reason, bound, value in bounds:
        if value + worst > bound:
            return Verdict(ok=False, reason=reason, limit=bound, value=value + worst)
    return GO


def book(rules: BreakerRules, state: BreakerState, entry: Booked) -> BreakerState:
    """Return the state with `entry` let through: its route rests."""
    if not rules.route_cooldown_slots:
        return state
    rests = {**state.route_rests_until, entry.route: entry.slot + rules.route_cooldown_slots}
    return replace(state, route_rests_until=MappingProxyType(rests))


def settle(rules: BreakerRules, state: BreakerState, mint: str, result: Result, now: int) -> BreakerState:
    """Return the state with an attempt's result known at slot `now`; that is when a loss counts from."""
    losses, lost = state.losses, state.lost
    if result.net_profit < 0:
        losses = (*losses, Loss(now, mint, -result.net_profit))
        lost = MappingProxyType(summed(lost, mint, -result.net_profit))
    realised = state.realised.get(mint, 0) + result.net_profit
    failures = state.failures + 1 if result.failed else 0
    last_failed, failing_until = state.last_failed, state.failing_until
    if rules.failure_rate_attempts:
        last_failed = (*last_failed, result.failed)[-rules.failure_rate_attempts :]
    in_a_row = bool(rules.failures_in_a_row) and failures >= rules.failures_in_a_row
    too_many = (
        bool(rules.failure_rate_attempts)
        and len(last_failed) == rules.failure_rate_attempts
        and sum(last_failed) * 100 > rules.max_failure_rate_pct * rules.failure_rate_attempts
    )
    if in_a_row or too_many:
        failures, last_failed = 0, ()
        failing_until = max(failing_until, now + rules.failure_cooldown_slots)
    return replace(
        state,
        failures=failures,
        last_failed=last_failed,
        failing_until=failing_until,
        losses=losses,
        lost=lost,
        realised=MappingProxyType({**state.realised, mint: realised}),
        peaks=MappingProxyType({**state.peaks, mint: _climbed(state.peaks.get(mint), realised, now)}),
    )


def _climbed(peaks: tuple[Peak, ...] | None, height: int, now: int) -> tuple[Peak, ...]:
    """Return the falling heights with one more: those it reaches or passes no longer matter."""
    before = peaks or (Peak(0),)
    standing = replace(before[-1], until=now)
    return (*(peak for peak in (*before[:-1], standing) if peak.height > height), Peak(height))
