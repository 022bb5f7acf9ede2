"""One door: sanity, breakers and limits together, over one state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from phantom_arbiter.domain import GO, Outcome, Verdict
from phantom_arbiter.risk import breakers, limits, positions, records, sanity
from phantom_arbiter.risk.breakers import BreakerRules, BreakerState
from phantom_arbiter.risk.limits import LimitState, TradeLimits
from phantom_arbiter.risk.positions import Positions, no_positions
from phantom_arbiter.risk.records import NOTHING_KNOWN, Booked, Facts, Result
from phantom_arbiter.risk.sanity import NOT_ASKED, SanityRules
from phantom_arbiter.swaps import AnyPlan


@dataclass(frozen=True, slots=True)
class RiskRules:
    """Everything that may stop a plan."""

    limits: TradeLimits
    breakers: BreakerRules
    sanity: SanityRules = NOT_ASKED


@dataclass(frozen=True, slots=True)
class RiskState:
    """Everything that risk remembers; `slot` is the highest it was asked about, its only clock."""

    slot: int = 0
    limits: LimitState = field(default_factory=LimitState)
    breakers: BreakerState = field(default_factory=BreakerState)
    positions: Positions = field(default_factory=no_positions)

    def may_lose(self, mint: str) -> int:
        """What unresolved attempts and open positions may still lose at most, base units of `mint`."""
        unresolved = sum(entry.max_loss for entry in self.limits.at_risk.values() if entry.mint == mint)
        return unresolved + positions.may_lose(self.positions, mint)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a booked attempt (`None`: proven dead), and the slot at which it was known."""

    key: str
    result: Result | None
    slot: int


def roll(state: RiskState, slot: int) -> RiskState:
    """Return the state at `slot`: days that are over count no more."""
    now = max(state.slot, slot)
    return replace(
        state, slot=now, limits=limits.roll(state.limits, now), breakers=breakers.roll(state.breakers, now)
    )


def assess(
    rules: RiskRules, state: RiskState, plan: AnyPlan, facts: Facts = NOTHING_KNOWN
) -> tuple[Verdict, RiskState]:
    """Return whether `plan` may go, and the state after it.

    An accepted plan is booked: it counts towards its day, its stake and its greatest loss are at risk until
    `settle`. A refused one leaves no trace but the time.

    Args:
        rules: Limits, breakers and what must be true.
        state: What has happened so far.
        plan: What is asked for, at its own slot.
        facts: What the engine loop knows of the world.
    """
    state = roll(state, plan.slot)
    entry = records.booked(plan, facts.venues, state.slot)
    verdict = _verdict(rules, state, plan, entry, facts)
    return verdict, _book(rules, state, entry) if verdict.ok else state


def _verdict(rules: RiskRules, state: RiskState, plan: AnyPlan, entry: Booked, facts: Facts) -> Verdict:
    may_lose = state.may_lose(entry.mint)
    if entry.sells:
        # Its fees have been set aside since the position was opened.
        may_lose -= positions.exit_cost(state.positions, positions.key_of(entry))
    verdict = breakers.check(
        rules.breakers, state.breakers, entry, state.slot, killed=facts.killed, may_lose=may_lose
    )
    if verdict.ok and entry.sells:
        verdict = _sellable(state, entry)
    if verdict.ok:
        verdict = sanity.check(rules.sanity, plan, facts)
    if verdict.ok:
        held = positions.held_basis(state.positions, entry.mint)
        verdict = limits.check(rules.limits, state.limits, entry, held)
    return verdict


def _sellable(state: RiskState, entry: Booked) -> Verdict:
    """Return whether what `entry` sells is held, at the basis it says, and not being sold already."""
    key = positions.key_of(entry)
    for other in state.limits.at_risk.values():
        if other.sells and positions.key_of(other) == key:
            return Verdict(ok=False, reason="already_selling")
    basis = positions.basis_of(state.positions, key, entry.sells)
    if basis is None:
        held = state.positions.get(key)
        return Verdict(ok=False, reason="not_held", limit=held.amount if held else 0, value=entry.sells)
    if basis != entry.basis:
        return Verdict(ok=False, reason="wrong_basis", limit=basis, value=entry.basis)
    return GO


def _book(rules: RiskRules, state: RiskState, entry: Booked) -> RiskState:
    return replace(
        state,
        limits=limits.book(state.limits, entry),
        breakers=breakers.book(rules.breakers, state.breakers, entry),
    )


def settle(rules: RiskRules, state: RiskState, plan: AnyPlan, outcome: Outcome, slot: int) -> RiskState:
    """Return the state once the outcome of a booked plan is known, at slot `slot`.

    The outcome of a plan that is not at risk changes nothing: told twice, it counts once. What never left
    the process does not use up its day; its route rests all the same.
    """
    if outcome.never_left:
        state = roll(state, slot)
        return replace(state, limits=limits.withdraw(state.limits, plan.key))
    result = None if outcome.is_dead else records.result(plan, outcome)
    return settle_key(rules, state, plan.key, result, slot)


def settle_key(rules: RiskRules, state: RiskState, key: str, result: Result | None, slot: int) -> RiskState:
    """Do what `settle` does for an attempt of which only the key is left, as after a restart.

    A result of `None` says that it is proven dead: sent, but never to land. Its day still counts it.
    """
    state = roll(state, slot)
    entry = state.limits.at_risk.get(key)
    return state if entry is None else _closed(rules, state, entry, result, state.slot)


def recall(rules: RiskRules, booked: Iterable[Booked], results: Iterable[Settled]) -> RiskState:
    """Return the state that the attempts of a journal lead to under `rules`.

    All bookings are taken before all results: neither kind looks at what the other changes.

    Args:
        rules: Those in force now; a rest or stop is as long as they say.
        booked: Attempts in the order in which they were let through.
        results: What became of them, in the order in which it became known; attempts that are not named
            stay at risk.
    """
    state = RiskState()
    for entry in booked:
        state = _book(rules, replace(state, slot=max(state.slot, entry.slot)), entry)
    at = 0
    for known in results:
        at = max(at, known.slot)
        entry = state.limits.at_risk[known.key]
        state = replace(state, slot=max(state.slot, at), breakers=breakers.roll(state.breakers, at))
        state = _closed(rules, state, entry, known.result, at)
    return roll(state, state.slot)


def _closed(rules: RiskRules, state: RiskState, entry: Booked, result: Result | None, slot: int) -> RiskState:
    state = replace(state, limits=limits.release(state.limits, entry.key))
    if result is None:
        return state
    return replace(
        state,
        breakers=breakers.settle(rules.breakers, state.breakers, entry.mint, result, slot),
        positions=positions.settled(state.positions, entry, result),
    )
