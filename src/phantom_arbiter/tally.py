"""What the shell counts on top of the native engine: signals, refusals, trades, profit, the best cycles.

Memory grows with the number of distinct openings (one small integer each), not with frames or trades.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from phantom_arbiter.domain import FunnelStage, Opportunity, Outcome, OutcomeState, Plan, Verdict
from phantom_arbiter.swaps import AnyPlan

BEST_CYCLES = 5


@dataclass(frozen=True, slots=True)
class Profit:
    """Sums over the attempts that start and end with `mint`, base units of it."""

    mint: str
    attempts: int
    filled: int
    gross_profit: int
    cost: int

    @property
    def net_profit(self) -> int:
        """`gross_profit - cost`."""
        return self.gross_profit - self.cost


@dataclass(frozen=True, slots=True)
class Filled:
    """A filled cycle, kept while it is among the best."""

    plan: Plan
    outcome: Outcome

    @property
    def net_lamports(self) -> int:
        """Profit after costs valued in lamports at the rate of its own costs: comparable across mints."""
        opportunity = self.plan.opportunity
        if opportunity.cost == 0:
            return self.outcome.net_profit
        return self.outcome.net_profit * opportunity.fee_lamports // opportunity.cost


class Tally:
    """Counts of one run."""

    def __init__(self) -> None:
        self.signals = 0
        self.refusals: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.attempts = 0
        self.filled = 0
        self.unknown = 0
        self.best: list[Filled] = []
        self._accepted = 0
        self._filled_cycles = 0
        self._accepted_openings: set[int] = set()
        self._rehearsed = 0
        self._rehearsed_openings: set[int] = set()
        self._sent = 0
        self._sent_openings: set[int] = set()
        self._filled_openings: set[int] = set()
        self._profit: dict[str, Profit] = {}

    def signal(self) -> None:
        """Count a signal that reached the shell."""
        self.signals += 1

    def passed_over(self, reason: str) -> None:
        """Count a signal that no plan was made for."""
        self.refusals[reason] += 1

    def refused(self, verdict: Verdict) -> None:
        """Count a plan that risk refused."""
        self.refusals[f"risk_{verdict.reason}"] += 1

    def accepted(self, opportunity: Opportunity) -> None:
        """Count a plan that risk let through."""
        self._accepted += 1
        self._accepted_openings.add(opportunity.opening_id)

    def rehearsed(self, plan: AnyPlan) -> None:
        """Count a plan that nothing speaks against before it is carried out: it was built and rehearsed.

        On paper there is nothing to rehearse.
        """
        if isinstance(plan, Plan):
            self._rehearsed += 1
            self._rehearsed_openings.add(plan.opportunity.opening_id)

    def sent(self, plan: AnyPlan) -> None:
        """Count a plan that was handed to somebody, or on paper carried out."""
        if isinstance(plan, Plan):
            self._sent += 1
            self._sent_openings.add(plan.opportunity.opening_id)

    def outcome_unknown(self) -> None:
        """Count an attempt of which nobody knew at once how it ended."""
        self.unknown += 1

    def traded(self, plan: AnyPlan, outcome: Outcome) -> None:
        """Count an attempt with its outcome."""
        filled = outcome.state is OutcomeState.FILLED
        self.attempts += 1
        before = self._profit.get(plan.base_mint, Profit(plan.base_mint, 0, 0, 0, 0))
        self._profit[plan.base_mint] = Profit(
            mint=before.mint,
            attempts=before.attempts + 1,
            filled=before.filled + filled,
            gross_profit=before.gross_profit + outcome.gross_profit,
            cost=before.cost + outcome.cost,
        )
        if not filled:
            # A reason may carry figures after a colon; they would make every reason its own.
            self.failures[(outcome.reason or "").partition(":")[0]] += 1
            return
        self.filled += 1
        if not isinstance(plan, Plan):
            return
        self._filled_cycles += 1
        self._filled_openings.add(plan.opportunity.opening_id)
        self.best.append(Filled(plan, outcome))
        self.best.sort(key=lambda entry: -entry.net_lamports)
        del self.best[BEST_CYCLES:]

    def funnel(self) -> tuple[FunnelStage, ...]:
        """Return the funnel's last stages, which the native engine does not see."""
        return (
            FunnelStage("after_risk", self._accepted, len(self._accepted_openings)),
            FunnelStage("after_rehearsal", self._rehearsed, len(self._rehearsed_openings)),
            FunnelStage("sent", self._sent, len(self._sent_openings)),
            FunnelStage("taken", self._filled_cycles, len(self._filled_openings)),
        )

    def profit(self) -> tuple[Profit, ...]:
        """Return the sums per mint, in the order of their first attempt."""
        return tuple(self._profit.values())
