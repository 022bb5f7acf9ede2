"""What every executor is."""

from typing import Protocol

from phantom_arbiter.domain import Outcome, Plan


class Executor(Protocol):
    """Carries out one plan.

    The engine has journaled the intent before it calls, and journals the outcome that comes back.
    """

    def submit(self, plan: Plan) -> Outcome:
        """Return how the attempt ended; a failed attempt is an outcome, not an exception.

        Raises:
            PhantomError: The outcome is not known; the intent stays unresolved.
        """
        ...
