"""What is learned from quotes beside the programs: compute units, and whether a venue's quotes are right.

Put together here: the fee engine's teacher, the shadow check and its patrol. What they decide is told to the
operator and journaled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import phantom_core
from phantom_arbiter.domain import Opportunity
from phantom_arbiter.execution.accounts import AccountSource
from phantom_arbiter.execution.compute_model import ComputeTeacher
from phantom_arbiter.execution.plan_rehearsal import PoolFacts
from phantom_arbiter.execution.rehearsed import Rehearsed
from phantom_arbiter.execution.shadow import Comparison, ShadowCheck, ShadowRules
from phantom_arbiter.execution.shadow_patrol import Quoted, ShadowPatrol
from phantom_arbiter.execution.shadow_probe import ShadowProbe
from phantom_arbiter.execution.svm import Svm
from phantom_arbiter.journal import RiskChange

OnChange = Callable[[RiskChange], None]


class QuoteWatch:
    """Looks at quotes; see `shadow.ShadowLog` for what it is told itself."""

    def __init__(
        self,
        market: phantom_core.Engine,
        svm: Svm,
        others: Sequence[AccountSource],
        rules: ShadowRules,
        pool: Callable[[str], PoolFacts],
        *,
        missing: Callable[[Sequence[str]], None],
        changed: OnChange,
        notice: Callable[[str], None],
    ) -> None:
        """Prepare.

        Args:
            market: Whose quotes are looked at; sets venues aside.
            svm: The machine that has the programs.
            others: Who knows accounts that no quote reads.
            rules: How many quotes are looked at, and what follows.
            pool: Tells of a pool by its address.
            missing: Told of accounts of which nothing is known.
            changed: Told of venues set aside and let in again, for the journal.
            notice: Told the same, for the operator.
        """
        self._pool, self._changed, self._notice = pool, changed, notice
        fees = market.fee_engine
        self._teacher = None if fees is None else ComputeTeacher(fees)
        self.check = ShadowCheck(rules, market, self)
        self.patrol = ShadowPatrol(self.check, ShadowProbe(market, others, svm), missing=missing)

    def rehearsed(self, rehearsed: Rehearsed) -> None:
        """Learn from the rehearsal of a plan's transaction."""
        self.check.learn(rehearsed)
        if self._teacher is not None:
            self._teacher.learn(rehearsed)

    def quoted(self, opportunity: Opportunity) -> None:
        """Look at the quotes of a signal, those that are in the sample."""
        hops = opportunity.hops
        quotes = [Quoted(self._pool(hop.pool).venue, hop.pool, hop.mint_in, hop.amount_in) for hop in hops]
        self.patrol.quoted(opportunity.slot, quotes)

    def summary(self) -> list[str]:
        """Return what the comparisons have come to, one line per venue."""
        lines = [
            f"shadow check: {each.venue}: {each.checks:,} quotes compared, {each.wrong:,} wrong, "
            f"worst {each.worst_ppm:,.1f} ppm, mean {each.mean_ppm:,.1f} ppm"
            for each in self.check.records()
        ]
        if self.patrol.skipped:
            lines.append(f"shadow check: {self.patrol.skipped:,} quotes could not be compared")
        return lines

    # ---- as `shadow.ShadowLog`

    def shadow_compared(self, comparison: Comparison) -> None:
        """Leave it to the counts."""

    def venue_set_aside(self, comparison: Comparison, reason: str) -> None:
        """Tell and journal it."""
        self._notice(f"venue {comparison.venue} is set aside, its quotes are wrong: {reason}")
        self._changed(RiskChange(comparison.slot, "venue_set_aside", comparison.venue, None, reason))

    def venue_let_in(self, venue: str, slot: int) -> None:
        """Tell and journal it."""
        again = f"agreed {self.check.rules.release_after} times in a row"
        self._notice(f"venue {venue} trades again: its quotes {again}")
        self._changed(RiskChange(slot, "venue_let_in", venue, None, again))


__all__ = ["QuoteWatch"]
