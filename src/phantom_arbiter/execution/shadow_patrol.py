"""Who looks: a sample of the quotes of signals, and again and again the venues that are set aside.

A venue that is set aside gives no signals, so nothing would ever speak for it. What was quoted of it last is
therefore remembered, one quote per pool, and tried again until it agrees often enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from phantom_arbiter.execution.rehearsed import Rehearsed
from phantom_arbiter.execution.shadow import MAX_RELEASE_AFTER, Comparison, ShadowCheck
from phantom_core import InvalidInput, MarketDataError, SwapRefused, TransactionError

REMEMBERED: Final = MAX_RELEASE_AFTER
"""Pools of a venue whose last quote is kept."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """An exact input that was quoted.

    Attributes:
        venue: The venue, as `phantom venues` names it.
        pool: The pool.
        mint_in: What is paid.
        amount_in: Base units of it.
    """

    venue: str
    pool: str
    mint_in: str
    amount_in: int


class Probe(Protocol):
    """Compares one quote with the program."""

    def compare(self, pool: str, mint_in: str, amount_in: int) -> Comparison | Rehearsed:
        """Return how it compares, or what could not be rehearsed."""
        ...


class ShadowPatrol:
    """Feeds a shadow check. A probe takes about a millisecond; each call makes a few at most."""

    def __init__(self, check: ShadowCheck, probe: Probe, *, missing: Callable[[Sequence[str]], None]) -> None:
        """Prepare.

        Args:
            check: Counts and decides.
            probe: Compares.
            missing: Told of accounts of which nothing is known, for whoever may read them.
        """
        self._check, self._probe, self._missing = check, probe, missing
        self._last: dict[str, dict[str, Quoted]] = {}
        self._turn = 0
        self.skipped = 0
        """Probes that could not be run: a program or an account is not there, or the pool cannot be read."""

    def quoted(self, slot: int, quotes: Iterable[Quoted]) -> None:
        """Look at the quotes of a signal that are in the sample, and remember them all."""
        for quote in quotes:
            last = self._last.setdefault(quote.venue, {})
            if quote.pool not in last and len(last) == REMEMBERED:
                del last[next(iter(last))]
            last[quote.pool] = quote
            if self._check.wants(slot, quote.pool, quote.mint_in, quote.amount_in):
                self._look(quote)

    def look_again(self) -> None:
        """Try one remembered quote of every venue that is set aside: to be called now and then."""
        self._turn += 1
        for venue in self._check.set_aside():
            last = self._last.get(venue)
            if last:
                self._look(list(last.values())[self._turn % len(last)])

    def _look(self, quote: Quoted) -> None:
        try:
            found = self._probe.compare(quote.pool, quote.mint_in, quote.amount_in)
        except (MarketDataError, InvalidInput, SwapRefused, TransactionError):
            self.skipped += 1
            return
        if isinstance(found, Comparison):
            self._check.take(found)
            return
        self.skipped += 1
        if found.missing_accounts:
            self._missing(found.missing_accounts)
