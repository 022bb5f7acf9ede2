"""What every executor is."""

from typing import Protocol

from phantom_arbiter.domain import Outcome
from phantom_arbiter.swaps import AnyPlan


class Executor(Protocol):
    """Carries out one plan.

    The engine has journaled the intent before it calls, and journals the outcome that comes back.
    """

    @property
    def teaches_fees(self) -> bool:
        """Whether its outcomes are evidence about auctions for a place: see `Outcome.landed`."""
        ...

    def submit(self, plan: AnyPlan) -> Outcome:
        """Return how the attempt ended; a failed attempt is an outcome, not an exception.

        Raises:
            OutcomeUnknown: It may have landed or may still; it stays at risk, and `resolve` is asked.
        """
        ...

    def resolve(self, plan: AnyPlan) -> Outcome | None:
        """Return how an attempt whose outcome was not known has ended; None if that is still not known."""
        ...
