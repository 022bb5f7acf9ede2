"""The shadow check: a share of all quotes is compared with what the program does.

A quote is exact or it is wrong, and a venue whose quotes are wrong must not trade: past a bound it is set
aside, and let in again when it has agreed a number of times in a row. Which quotes are looked at follows from
their hash, so the same run looks at the same ones. Pure: no clock, no I/O.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.execution.rehearsed import Kind, Rehearsed

MAX_RELEASE_AFTER = 16
"""As many as quotes are remembered of a venue: one bad pool may not keep all others out for ever."""
_HASH_BYTES = 8


@dataclass(frozen=True, slots=True)
class ShadowRules:
    """How much is looked at, and what follows.

    Attributes:
        share: Part of the quotes that is compared, 0 to 1.
        max_error_ppm: Past this error, in millionths of what the program gives, the venue is set aside.
        release_after: Agreeing comparisons in a row after which it is let in again.
        seed: Chooses which quotes are looked at.
    """

    share: float = 0.01
    max_error_ppm: float = 0.0
    release_after: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ConfigError(f"shadow check: share is {self.share}, it may be 0 to 1")
        if not 0 <= self.max_error_ppm < math.inf:
            raise ConfigError(f"shadow check: max_error_ppm is {self.max_error_ppm}, it may be 0 or more")
        if not 1 <= self.release_after <= MAX_RELEASE_AFTER:
            raise ConfigError(
                f"shadow check: release_after is {self.release_after}, it may be 1 to {MAX_RELEASE_AFTER}"
            )


@dataclass(frozen=True, slots=True)
class Comparison:
    """One quote beside what the program did with the same swap on the same accounts.

    Attributes:
        venue: The venue, as `phantom venues` names it.
        pool: The pool.
        slot: Slot of the clock.
        expected_out: Base units as quoted; None: the quote was a refusal.
        got_out: Base units that the program gave; None: it refused.
    """

    venue: str
    pool: str
    slot: int
    expected_out: int | None
    got_out: int | None

    @property
    def error_ppm(self) -> float:
        """How far off the quote is, in millionths of what came; infinite if only one of both is a refusal."""
        if self.expected_out is None or self.got_out is None:
            return 0.0 if self.expected_out == self.got_out else math.inf
        return abs(self.expected_out - self.got_out) / max(self.got_out, 1) * 1e6


@dataclass(frozen=True, slots=True)
class VenueRecord:
    """What the comparisons of one venue came to.

    Attributes:
        venue: The venue.
        checks: Comparisons.
        wrong: Those that were off at all.
        worst_ppm: The greatest error.
        mean_ppm: Mean error of those that were not refused one way only.
        is_set_aside: Whether the venue is set aside for them now.
        streak: Comparisons within the bound since the last one past it.
    """

    venue: str
    checks: int = 0
    wrong: int = 0
    worst_ppm: float = 0.0
    mean_ppm: float = 0.0
    is_set_aside: bool = False
    streak: int = 0


class VenueGate(Protocol):
    """Who sets venues aside: the native engine."""

    def doubt_venue(self, venue: str, reason: str) -> None:
        """Set a venue aside for wrong quotes."""

    def trust_venue(self, venue: str) -> None:
        """End that."""


class ShadowLog(Protocol):
    """Who writes down what the shadow check finds."""

    def shadow_compared(self, comparison: Comparison) -> None:
        """Take a comparison."""

    def venue_set_aside(self, comparison: Comparison, reason: str) -> None:
        """Take notice that this comparison set its venue aside."""

    def venue_let_in(self, venue: str, slot: int) -> None:
        """Take notice that a venue is trusted again."""


class ShadowCheck:
    """Counts comparisons and decides on venues."""

    def __init__(self, rules: ShadowRules, gate: VenueGate, log: ShadowLog | None = None) -> None:
        self.rules, self._gate, self._log = rules, gate, log
        self._records: dict[str, VenueRecord] = {}
        self._below = round(rules.share * (1 << 8 * _HASH_BYTES))

    def wants(self, slot: int, pool: str, mint_in: str, amount_in: int) -> bool:
        """Return whether this quote is one to look at; the same answer whenever it is asked."""
        text = f"{self.rules.seed} {slot} {pool} {mint_in} {amount_in}"
        digest = hashlib.blake2b(text.encode(), digest_size=_HASH_BYTES).digest()
        return int.from_bytes(digest) < self._below

    def take(self, comparison: Comparison) -> None:
        """Count a comparison; set its venue aside or let it in again if it is time."""
        error = comparison.error_ppm
        old = self._records.get(comparison.venue, VenueRecord(comparison.venue))
        is_wrong, is_past = error > 0, error > self.rules.max_error_ppm
        measured = old.checks if math.isinf(error) else old.checks + 1
        streak = 0 if is_past else old.streak + 1
        released = old.is_set_aside and streak >= self.rules.release_after
        self._records[comparison.venue] = VenueRecord(
            comparison.venue,
            old.checks + 1,
            old.wrong + is_wrong,
            max(old.worst_ppm, error),
            old.mean_ppm if math.isinf(error) else old.mean_ppm + (error - old.mean_ppm) / measured,
            (old.is_set_aside or is_past) and not released,
            streak,
        )
        if self._log is not None:
            self._log.shadow_compared(comparison)
        if is_past and not old.is_set_aside:
            reason = _reason(comparison, self.rules.max_error_ppm)
            self._gate.doubt_venue(comparison.venue, reason)
            if self._log is not None:
                self._log.venue_set_aside(comparison, reason)
        elif released:
            self._gate.trust_venue(comparison.venue)
            if self._log is not None:
                self._log.venue_let_in(comparison.venue, comparison.slot)

    def learn(self, rehearsed: Rehearsed) -> None:
        """Compare the hops of a rehearsal, as far as it came; every one counts, sampled or not."""
        for comparison in comparisons(rehearsed):
            self.take(comparison)

    def set_aside(self) -> list[str]:
        """Return the venues that are set aside for wrong quotes, by name."""
        return sorted(each.venue for each in self._records.values() if each.is_set_aside)

    def records(self) -> list[VenueRecord]:
        """Return what is known of every venue that was looked at, by name."""
        return [self._records[venue] for venue in sorted(self._records)]


def comparisons(rehearsed: Rehearsed) -> Iterable[Comparison]:
    """Return the comparisons that a rehearsal is; none if it says nothing of the quotes."""
    if rehearsed.agrees is None or rehearsed.kind not in (Kind.PASSED, Kind.FAILED):
        return
    for hop in rehearsed.hops:
        yield Comparison(hop.venue, hop.pool, rehearsed.slot, hop.expected_out, hop.got_out)
        if hop.got_out is None:
            return  # what comes after it was not reached


def _reason(comparison: Comparison, bound: float) -> str:
    where = f"pool {comparison.pool} in slot {comparison.slot}"
    if comparison.got_out is None:
        return f"{where}: quoted {comparison.expected_out:,}, refused by the program"
    if comparison.expected_out is None:
        return f"{where}: quoted as refused, the program gives {comparison.got_out:,}"
    return (
        f"{where}: quoted {comparison.expected_out:,}, the program gives {comparison.got_out:,}, "
        f"{comparison.error_ppm:,.1f} ppm off, at most {bound:,.1f}"
    )
