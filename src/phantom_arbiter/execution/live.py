"""Live execution: build, rehearse, sign, hand over, and wait until it is certain what became of it.

The order is what keeps money safe. `prepare` leaves nothing outside the process. The loop then commits
intent and signature in one row. Only after that does `submit` hand the bytes over, and from there on the
attempt is at risk until the chain decides it: never a target's answer, never a time-out. A crash in between
loses nothing, since the row names the signature (`reconcile`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from phantom_arbiter.domain import Outcome, OutcomeState
from phantom_arbiter.errors import (
    InvalidInput,
    InvariantError,
    MarketDataError,
    OutcomeUnknown,
    SwapRefused,
)
from phantom_arbiter.execution.answers import DispatchAnswer
from phantom_arbiter.execution.balances import Expected
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.findings import Finding
from phantom_arbiter.execution.settlement import Terms, outcome_of, terms_of
from phantom_arbiter.swaps import AnyPlan

DRY_RUN = "dry_run"
"""Reason of an attempt that would have been sent."""

SIGNED_ALREADY = "signed_already"
"""Reason of an attempt whose very bytes have been signed before: they land once."""

REMEMBERED = 1_000
"""Signatures that are remembered for that."""


class Builder(Protocol):
    """Makes a signed transaction out of a plan."""

    def obstacle(self) -> str | None:
        """Return why nothing can be built now; None if it can."""
        ...

    def build(self, plan: AnyPlan) -> Submission | Outcome:
        """Return what is to be sent, or why it cannot be built: a failure that cost nothing."""
        ...

    def discard(self, submission: Submission) -> None:
        """Take back what was lent to a transaction that never leaves the process."""
        ...


class Rehearsed(Protocol):
    """How a rehearsal went."""

    @property
    def failure(self) -> str | None:
        """Short stable name of what went wrong; None if it went as planned."""
        ...


class Rehearsing(Protocol):
    """Tries the very transaction without sending it."""

    def rehearse(self, submission: Submission, plan: AnyPlan) -> Rehearsed:
        """Return how it went."""
        ...


class Dispatcher(Protocol):
    """Hands transactions over to whoever may land them."""

    def send(self, submission: Submission) -> None:
        """Hand over and return at once; answers come later, to `LiveExecutor.answered` and the journal."""
        ...


class Landings(Protocol):
    """Finds out what became of signatures: the part of `landing.LandingTracker` that is needed."""

    def watch(self, expected: Expected, slot: int) -> None:
        """Begin to watch a transaction."""
        ...

    def finding(self, signature: str) -> Finding:
        """Return what is known of it."""
        ...

    def sends(self, signature: str) -> int:
        """Return how often it has been handed over."""
        ...

    def forget(self, signature: str) -> None:
        """Watch it no longer."""
        ...


@dataclass(slots=True)
class _UnderWay:
    """An attempt between sending and certainty."""

    submission: Submission
    terms: Terms
    answers: list[DispatchAnswer] = field(default_factory=list)


class LiveExecutor:
    """Carries plans out on the chain.

    Attributes:
        teaches_fees: True: it bids for a place like everybody else.
    """

    teaches_fees = True

    def __init__(
        self,
        builder: Builder,
        dispatcher: Dispatcher,
        landings: Landings,
        *,
        rehearsing: Rehearsing | None = None,
        tip_accounts: frozenset[str] = frozenset(),
        dry_run: bool = False,
    ) -> None:
        """Prepare.

        Args:
            builder: Makes transactions.
            dispatcher: Sends them.
            landings: Watches them.
            rehearsing: Tries them before; None: they are not tried.
            tip_accounts: Accounts that tips go to.
            dry_run: Do everything but send.
        """
        self._builder = builder
        self._dispatcher = dispatcher
        self._landings = landings
        self._rehearsing = rehearsing
        self._tip_accounts = tip_accounts
        self._dry_run = dry_run
        self._under_way: dict[str, _UnderWay] = {}
        self._keys: dict[str, str] = {}
        self._signed: dict[str, None] = {}

    @property
    def under_way(self) -> int:
        """How many attempts have been handed over and are not certain."""
        return len(self._under_way)

    def obstacle(self) -> str | None:
        """Return why nothing can be sent now: no blockhash yet, or every nonce is lent."""
        return self._builder.obstacle()

    def prepare(self, plan: AnyPlan) -> Submission | Outcome:
        """Return the signed transaction, or why nothing is to be sent. Nothing leaves the process.

        Raises:
            InvariantError: An attempt of this key is under way.
        """
        if plan.key in self._under_way:
            raise InvariantError(f"{plan.key}: planned again while an attempt at it is under way")
        built = self._builder.build(plan)
        if isinstance(built, Outcome):
            return built
        try:
            obstacle = self._tried(built, plan)
        except BaseException:
            self._builder.discard(built)
            raise
        if obstacle is not None:
            self._builder.discard(built)
            return not_sent(obstacle)
        self._signed[built.signature] = None
        if len(self._signed) > REMEMBERED:
            del self._signed[next(iter(self._signed))]
        return built

    def _tried(self, built: Submission, plan: AnyPlan) -> str | None:
        """Return why a signed transaction is not to be sent; None if it is."""
        if built.signature in self._signed:
            return SIGNED_ALREADY
        if self._rehearsing is not None:
            try:
                failure = self._rehearsing.rehearse(built, plan).failure
            except SwapRefused as error:
                return f"rehearsal:not_run:{error.name}"
            except (MarketDataError, InvalidInput, KeyError) as error:
                # A pool or a mint of the plan is not known any more.
                return f"rehearsal:not_run:{type(error).__name__}"
            if failure is not None:
                return f"rehearsal:{failure}"
        return DRY_RUN if self._dry_run else None

    def submit(self, plan: AnyPlan, submission: Submission | None, slot: int) -> Outcome | None:
        """Hand over what the journal holds, booked at `slot`, and return None: it is under way.

        Raises:
            OutcomeUnknown: Handing over failed, which does not say that nothing was sent.
            InvariantError: There is nothing to send, or nothing may be sent.
        """
        if submission is None or self._dry_run or plan.key in self._under_way:
            raise InvariantError(f"{plan.key}: nothing that may be sent")
        terms = terms_of(plan)
        expected = Expected(submission, terms.base_mint, terms.held_mint, self._tip_accounts)
        # Watched before it is sent: from the first byte on, it is the chain that decides.
        self._landings.watch(expected, slot)
        self._under_way[plan.key] = _UnderWay(submission, terms)
        self._keys[submission.signature] = plan.key
        try:
            self._dispatcher.send(submission)
        except InvariantError:
            raise
        except Exception as error:
            raise OutcomeUnknown(f"handing over {submission.signature} failed: {error}") from error
        return None

    def answered(self, signature: str, answer: DispatchAnswer) -> None:
        """Take notice of what a target said; it decides nothing, but names reasons."""
        key = self._keys.get(signature)
        if key is not None:
            self._under_way[key].answers.append(answer)

    def resolve(self, plan: AnyPlan) -> Outcome | None:
        """Return how an attempt under way ended once that is certain."""
        under_way = self._under_way.get(plan.key)
        if under_way is None:
            return None
        signature = under_way.submission.signature
        finding = self._landings.finding(signature)
        if not finding.is_certain:
            return None
        outcome = outcome_of(
            under_way.terms,
            finding,
            has_nonce=under_way.submission.nonce_account is not None,
            base_is_wallet=under_way.submission.base_account == under_way.submission.wallet,
            answers=under_way.answers,
            sends=self._landings.sends(signature),
        )
        del self._under_way[plan.key], self._keys[signature]
        self._landings.forget(signature)
        return outcome


def not_sent(reason: str) -> Outcome:
    """Return the outcome of an attempt that never left the process: a failure that cost nothing."""
    return Outcome(OutcomeState.FAILED, reason, None, 0, is_dead=True)
