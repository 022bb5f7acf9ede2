"""How much: per trade, per day, and at risk at one time.

A day is a rolling window of 216,000 slots (24 h at the nominal 0.4 s), so a limit cannot be doubled by
trading on both sides of midnight. Amounts are base units of one mint and are never added across mints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from phantom_arbiter.domain import GO, Plan, Verdict

DAY_SLOTS = 216_000
"""Slots of a rolling day: 86,400 s at Solana's nominal slot time of 0.4 s."""


@dataclass(frozen=True, slots=True)
class MintLimits:
    """Limits of one mint, base units of it.

    Attributes:
        max_amount_in: One trade's input.
        max_amount_in_per_day: Inputs of all attempts of a rolling day, failed ones included.
        max_exposure: Inputs of all attempts whose outcome is not known yet.
        max_loss_per_day: What the losing attempts of a rolling day lost; gains do not offset it.
    """

    max_amount_in: int
    max_amount_in_per_day: int
    max_exposure: int
    max_loss_per_day: int


@dataclass(frozen=True, slots=True)
class TradeLimits:
    """Limits of every mint that may be traded; a mint without an entry is refused.

    Attributes:
        mints: By mint address.
        max_trades_per_day: Attempts of a rolling day, all mints together.
    """

    mints: Mapping[str, MintLimits]
    max_trades_per_day: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """An attempt that was let through: it counts towards the day from `slot` on."""

    slot: int
    mint: str
    amount_in: int


@dataclass(frozen=True, slots=True)
class LimitState:
    """What the limits remember.

    Attributes:
        day: Attempts of the rolling day, oldest first; at most `max_trades_per_day` of them.
        at_risk: Attempts without an outcome, by opening id.
    """

    day: tuple[Accepted, ...] = ()
    at_risk: Mapping[int, Accepted] = field(default_factory=lambda: MappingProxyType({}))

    def exposure(self, mint: str) -> int:
        """Sum of the inputs at risk, base units of `mint`."""
        return sum(entry.amount_in for entry in self.at_risk.values() if entry.mint == mint)

    def amount_in_today(self, mint: str) -> int:
        """Sum of the inputs of the rolling day, base units of `mint`."""
        return sum(entry.amount_in for entry in self.day if entry.mint == mint)


def roll(state: LimitState, now: int) -> LimitState:
    """Return the state at slot `now`: attempts that are a day old or older no longer count."""
    if not state.day or state.day[0].slot > now - DAY_SLOTS:
        return state
    return replace(state, day=tuple(entry for entry in state.day if entry.slot > now - DAY_SLOTS))


def check(limits: TradeLimits, state: LimitState, plan: Plan) -> Verdict:
    """Return whether `plan` stays within every limit; `state` must have been rolled to now."""
    opportunity = plan.opportunity
    mint, amount_in = opportunity.base_mint, opportunity.amount_in
    limit = limits.mints.get(mint)
    if limit is None:
        return Verdict(ok=False, reason="mint_without_limits")
    if opportunity.opening_id in state.at_risk:
        return Verdict(ok=False, reason="already_at_risk")
    rules = (
        ("per_trade", limit.max_amount_in, amount_in),
        ("per_day", limit.max_amount_in_per_day, state.amount_in_today(mint) + amount_in),
        ("trades_per_day", limits.max_trades_per_day, len(state.day) + 1),
        ("exposure", limit.max_exposure, state.exposure(mint) + amount_in),
    )
    for reason, bound, value in rules:
        if value > bound:
            return Verdict(ok=False, reason=reason, limit=bound, value=value)
    return GO


def book(state: LimitState, plan: Plan, now: int) -> LimitState:
    """Return the state with `plan` counted into the day of slot `now` and at risk."""
    opportunity = plan.opportunity
    entry = Accepted(now, opportunity.base_mint, opportunity.amount_in)
    at_risk = MappingProxyType({**state.at_risk, opportunity.opening_id: entry})
    return LimitState(day=(*state.day, entry), at_risk=at_risk)


def release(state: LimitState, plan: Plan) -> LimitState:
    """Return the state with `plan` no longer at risk; it still counts towards its day."""
    opening_id = plan.opportunity.opening_id
    return replace(
        state,
        at_risk=MappingProxyType({key: entry for key, entry in state.at_risk.items() if key != opening_id}),
    )
