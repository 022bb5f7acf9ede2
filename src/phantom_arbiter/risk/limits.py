"""How much: per trade, per day, per venue, and at risk at one time.

A day is a rolling window of 216,000 slots (24 h at the nominal 0.4 s), so a limit cannot be doubled by
trading on both sides of midnight. Amounts are base units of one mint and are never added across mints;
limits of venues, where many mints meet, are in lamports.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from phantom_arbiter.domain import GO, Verdict
from phantom_arbiter.risk.records import Booked, summed

DAY_SLOTS = 216_000
"""Slots of a rolling day: 86,400 s at Solana's nominal slot time of 0.4 s."""

Sums = Mapping[str, int]


def _no_sums() -> Sums:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class MintLimits:
    """Limits of one mint, base units of it.

    Attributes:
        max_amount_in: One trade's input.
        max_amount_in_per_day: Inputs of all attempts of a rolling day, failed ones included.
        max_exposure: Inputs of all attempts whose outcome is not known yet, and what open positions cost.
        max_loss_per_day: What the losing attempts of a rolling day lost; gains do not offset it.
    """

    max_amount_in: int
    max_amount_in_per_day: int
    max_exposure: int
    max_loss_per_day: int


@dataclass(frozen=True, slots=True)
class VenueLimits:
    """Limits of what goes through one venue, in lamports.

    Attributes:
        max_lamports: One trade's input.
        max_lamports_per_day: Inputs of all attempts of a rolling day.
        max_exposure_lamports: Inputs of all attempts whose outcome is not known yet.
    """

    max_lamports: int
    max_lamports_per_day: int
    max_exposure_lamports: int


@dataclass(frozen=True, slots=True)
class TradeLimits:
    """Limits of every mint that may be traded; a mint without an entry is refused.

    Attributes:
        mints: By mint address.
        max_trades_per_day: Attempts of a rolling day, all mints together.
        max_fee_lamports_per_day: Fees of the attempts of a rolling day, as if all landed; `None` for none.
        venues: By the venue's name.
        each_venue: Limits of a venue without an entry; `None` for none.
    """

    mints: Mapping[str, MintLimits]
    max_trades_per_day: int
    max_fee_lamports_per_day: int | None = None
    venues: Mapping[str, VenueLimits] = field(default_factory=lambda: MappingProxyType({}))
    each_venue: VenueLimits | None = None


@dataclass(frozen=True, slots=True)
class LimitState:
    """What the limits remember.

    Attributes:
        day: Attempts of the rolling day, oldest first; at most `max_trades_per_day` of them.
        amounts: Sums of their stakes by mint.
        venue_lamports: Sums of their values by venue.
        fee_lamports: Sum of their fees.
        at_risk: Attempts without an outcome, by key.
    """

    day: tuple[Booked, ...] = ()
    amounts: Sums = field(default_factory=_no_sums)
    venue_lamports: Sums = field(default_factory=_no_sums)
    fee_lamports: int = 0
    at_risk: Mapping[str, Booked] = field(default_factory=lambda: MappingProxyType({}))

    def exposure(self, mint: str) -> int:
        """Sum of the inputs at risk, base units of `mint`."""
        return sum(entry.stake for entry in self.at_risk.values() if entry.mint == mint)

    def venue_exposure(self, venue: str) -> int:
        """Sum of the inputs at risk in `venue`, in lamports."""
        return sum(entry.value_lamports or 0 for entry in self.at_risk.values() if venue in entry.venues)

    def amount_in_today(self, mint: str) -> int:
        """Sum of the inputs of the rolling day, base units of `mint`."""
        return self.amounts.get(mint, 0)


def roll(state: LimitState, now: int) -> LimitState:
    """Return the state at slot `now`: attempts that are a day old or older no longer count."""
    old = 0
    while old < len(state.day) and state.day[old].slot <= now - DAY_SLOTS:
        old += 1
    if not old:
        return state
    return _counted(replace(state, day=state.day[old:]), state.day[:old], sign=-1)


def check(limits: TradeLimits, state: LimitState, entry: Booked, held: int = 0) -> Verdict:
    """Return whether `entry` stays within every limit; `state` must have been rolled to now.

    Args:
        limits: What is allowed.
        state: What has been let through.
        entry: What is asked for.
        held: What open positions of its mint cost, which counts as exposure.
    """
    limit = limits.mints.get(entry.mint)
    if limit is None:
        return Verdict(ok=False, reason="mint_without_limits")
    if entry.key in state.at_risk:
        return Verdict(ok=False, reason="already_at_risk")
    rules: list[tuple[str, int, int]] = [
        ("per_trade", limit.max_amount_in, entry.stake),
        ("per_day", limit.max_amount_in_per_day, state.amount_in_today(entry.mint) + entry.stake),
        ("trades_per_day", limits.max_trades_per_day, len(state.day) + 1),
        ("exposure", limit.max_exposure, state.exposure(entry.mint) + held + entry.stake),
    ]
    if limits.max_fee_lamports_per_day is not None:
        rules.append(
            ("fees_per_day", limits.max_fee_lamports_per_day, state.fee_lamports + entry.fee_lamports)
        )
    for venue in entry.venues:
        bounds = limits.venues.get(venue, limits.each_venue)
        if bounds is None:
            continue
        value = entry.value_lamports
        if value is None:
            return Verdict(ok=False, reason="venue_value_unknown")
        rules += [
            ("venue_per_trade", bounds.max_lamports, value),
            ("venue_per_day", bounds.max_lamports_per_day, state.venue_lamports.get(venue, 0) + value),
            ("venue_exposure", bounds.max_exposure_lamports, state.venue_exposure(venue) + value),
        ]
    for reason, bound, value in rules:
        # What puts nothing new at risk passes bounds on amounts, even those that were lowered below what is.
        if value > bound and (entry.stake or reason in ("trades_per_day", "fees_per_day")):
            return Verdict(ok=False, reason=reason, limit=bound, value=value)
    if any(_is_same(entry, other) for other in state.at_risk.values()):
        return Verdict(ok=False, reason="already_at_risk")
    return GO


def _is_same(entry: Booked, other: Booked) -> bool:
    """Return whether both are the same cycle: an earlier transaction for it may still land.

    Openings that come again, and attempts of earlier runs, have other keys.
    """
    return not entry.held_mint and (entry.mint, entry.route) == (other.mint, other.route)


def book(state: LimitState, entry: Booked) -> LimitState:
    """Return the state with `entry` counted into its day and at risk."""
    state = _counted(replace(state, day=(*state.day, entry)), (entry,), sign=1)
    return replace(state, at_risk=MappingProxyType({**state.at_risk, entry.key: entry}))


def release(state: LimitState, key: str) -> LimitState:
    """Return the state with the attempt no longer at risk; it still counts towards its day."""
    return replace(
        state,
        at_risk=MappingProxyType({each: entry for each, entry in state.at_risk.items() if each != key}),
    )


def withdraw(state: LimitState, key: str) -> LimitState:
    """Return the state as if the attempt had never been let through: neither at risk nor in its day."""
    entry = state.at_risk.get(key)
    state = release(state, key)
    if entry is None:
        return state
    for at in range(len(state.day) - 1, -1, -1):
        if state.day[at] == entry:
            day = (*state.day[:at], *state.day[at + 1 :])
            return _counted(replace(state, day=day), (entry,), sign=-1)
    return state


def _counted(state: LimitState, entries: Iterable[Booked], *, sign: int) -> LimitState:
    """Return the state with the sums of `entries` added or, with a `sign` of -1, taken off."""
    amounts, venues, fees = dict(state.amounts), dict(state.venue_lamports), state.fee_lamports
    for entry in entries:
        amounts = summed(amounts, entry.mint, sign * entry.stake)
        fees += sign * entry.fee_lamports
        for venue in entry.venues:
            venues = summed(venues, venue, sign * (entry.value_lamports or 0))
    return replace(
        state,
        amounts=MappingProxyType(amounts),
        venue_lamports=MappingProxyType(venues),
        fee_lamports=fees,
    )
