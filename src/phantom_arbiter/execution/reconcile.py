"""What an earlier run left undecided, decided by the chain before anything new is sent.

An attempt with a signature may have landed, or still may: it is watched like any other until it is certain.
One without was never signed, so never sent: the signature is committed before a byte leaves. Each is closed
in a commit of its own, so a crash on the way leaves the others as they were, and running it again changes
nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from phantom_arbiter.domain import Outcome
from phantom_arbiter.execution.balances import Expected
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.landing import LandingTracker
from phantom_arbiter.execution.settlement import Unresolved, outcome_of


class ReconcileJournal(Protocol):
    """The part of the journal that is needed."""

    def unresolved(self, account: str) -> list[Unresolved]:
        """Return the attempts without an outcome."""
        ...

    def close_never_sent(self, attempt_id: int) -> None:
        """Close one that was never signed."""
        ...

    def outcome(self, attempt_id: int, outcome: Outcome, slot: int) -> None:
        """Write how one ended."""
        ...


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What became of the attempts of before.

    Attributes:
        never_sent: Attempts that had not been signed.
        settled: Attempts whose outcome is certain now, with it.
        left: Attempts that are still undecided: they stay at risk.
    """

    never_sent: tuple[int, ...]
    settled: tuple[tuple[int, Outcome], ...]
    left: tuple[int, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether everything is decided, so that trading may begin."""
        return not self.left


async def reconcile(
    journal: ReconcileJournal,
    account: str,
    tracker: LandingTracker,
    *,
    tip_accounts: frozenset[str] = frozenset(),
    on_progress: Callable[[str], None] = lambda line: None,
    is_stopping: Callable[[], bool] = lambda: False,
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> Reconciliation:
    """Decide the undecided attempts of `account`; wait until all are, or until told to stop.

    Nothing is sent: the tracker watches, it does not send the old bytes again.

    Args:
        journal: Where they are, and where their outcomes go.
        account: Whose.
        tracker: Finds out; it may be in use for nothing else yet.
        tip_accounts: Accounts that tips go to.
        on_progress: Told one line when it begins and whenever the number of undecided ones changes.
        is_stopping: Whether to leave the rest undecided; asked after every round at the endpoints.
        pause: Waits so many seconds.

    Raises:
        JournalError: The journal cannot be read or written.
    """
    found = journal.unresolved(account)
    never_sent = tuple(each.attempt_id for each in found if each.submission is None)
    for attempt_id in never_sent:
        journal.close_never_sent(attempt_id)
    waiting = {each.attempt_id: each for each in found if each.submission is not None}
    for each in waiting.values():
        _watch(tracker, each, tip_accounts)
    settled: list[tuple[int, Outcome]] = []
    told = -1
    while waiting:
        await tracker.poll()
        for attempt_id, outcome in _certain(tracker, list(waiting.values())):
            slot = waiting[attempt_id].booked_slot if outcome.chain is None else outcome.chain.slot
            journal.outcome(attempt_id, outcome, slot)
            settled.append((attempt_id, outcome))
            _forget(tracker, waiting.pop(attempt_id))
        if len(waiting) != told:
            told = len(waiting)
            on_progress(_line(len(found), told) + nonce_advice(waiting.values()))
        if not waiting or is_stopping():
            break
        await pause(tracker.rules.poll_s)
    for each in waiting.values():
        _forget(tracker, each)
    return Reconciliation(never_sent, tuple(settled), tuple(waiting))


def nonce_advice(undecided: Iterable[Unresolved | Submission]) -> str:
    """Return what ends undecided attempts that hold a durable nonce, to be added to a line; else nothing."""
    held = (each.submission if isinstance(each, Unresolved) else each for each in undecided)
    nonces = dict.fromkeys(each.nonce_account for each in held if each is not None and each.nonce_account)
    if not nonces:
        return ""
    return f"; one with a durable nonce never expires, this ends it: phantom nonce advance {' '.join(nonces)}"


def _watch(tracker: LandingTracker, row: Unresolved, tip_accounts: frozenset[str]) -> None:
    if row.submission is not None:
        expected = Expected(row.submission, row.terms.base_mint, row.terms.held_mint, tip_accounts)
        tracker.watch(expected, row.booked_slot, sends=0, may_resend=False)


def _certain(tracker: LandingTracker, rows: Sequence[Unresolved]) -> list[tuple[int, Outcome]]:
    decided = []
    for row in rows:
        if row.submission is None:
            continue
        finding = tracker.finding(row.submission.signature)
        if finding.is_certain:
            outcome = outcome_of(
                row.terms,
                finding,
                has_nonce=row.submission.nonce_account is not None,
                base_is_wallet=row.submission.base_account == row.submission.wallet,
            )
            decided.append((row.attempt_id, outcome))
    return decided


def _forget(tracker: LandingTracker, row: Unresolved) -> None:
    if row.submission is not None:
        tracker.forget(row.submission.signature)


def _line(found: int, waiting: int) -> str:
    attempts = "attempt" if found == 1 else "attempts"
    if not waiting:
        return f"{found} {attempts} of an earlier run: all decided"
    return f"{found} {attempts} of an earlier run: {waiting} not decided by the chain yet, nothing is sent"
