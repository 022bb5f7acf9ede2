"""Writing: a run, its intents, their outcomes.

Write-ahead: `intent` commits before anything is submitted, `outcome` fills the same row afterwards.
Whatever happens in between, an attempt has exactly one row. An intent that an earlier run left behind is
closed when the next run begins: a paper fill lives only in the market of its run, so it was never applied.
A live one stays open until `execution.reconcile` knows what the chain says of its signature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, CursorResult, func, insert, select, update

from phantom_arbiter.domain import Fill, Outcome, Plan, Verdict
from phantom_arbiter.errors import InvariantError, JournalError
from phantom_arbiter.execution.answers import DispatchAnswer
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.settlement import Unresolved
from phantom_arbiter.journal.connect import close_writer, journal_errors, open_for_writing
from phantom_arbiter.journal.lock import WriterLock
from phantom_arbiter.journal.recall import read_recalled
from phantom_arbiter.journal.risk_log import RiskChange, RiskLog
from phantom_arbiter.journal.schema import MAX_AMOUNT, attempts, run_summaries, runs
from phantom_arbiter.journal.signed import (
    chain_values,
    read_unresolved,
    submission_values,
    write_answers,
)
from phantom_arbiter.journal.texts import hops_to_text
from phantom_arbiter.risk import Booked, Settled, booked
from phantom_arbiter.swaps import AnyPlan

NEVER_APPLIED = "run ended before the outcome was written; paper fills end with their run, never applied"
NEVER_SENT = "never_sent"
"""Reason of an attempt that a crash left behind before it was signed."""


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What makes two runs the same: what was read, under which settings, by which version.

    `source` says which market is in the source, not how it was delivered: the journal must not depend on
    endpoints and their delays. `account` names whose limits a live run's attempts count towards, beside
    those of earlier runs of that name; None for a replay.
    """

    mode: str
    source: str
    settings_sha256: str
    version: str
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Reconciled:
    """An attempt of an earlier run that had no outcome."""

    attempt_id: int
    run_id: int
    slot: int
    base_mint: str
    amount_in: int


class Journal:
    """The journal of one run; a context manager that leaves one whole file behind."""

    def __init__(self, path: Path, *, unix_time: Callable[[], int] | None = None) -> None:
        """Open or create the journal at `path` and become its only writer.

        Args:
            path: The file.
            unix_time: Tells Unix seconds, for live runs: when a transaction was signed. Without it, as in
                replays, no time is written.

        Raises:
            JournalError: Locked, corrupt, not a journal, written by a newer version, or not writable.
        """
        self.path = path
        with journal_errors(path):
            self._lock = WriterLock(path)
        try:
            self._connection: Connection = open_for_writing(path)
        except BaseException:
            self._lock.release()
            raise
        self._run_id: int | None = None
        self._risk: RiskLog | None = None
        self._outcomes = 0
        self._unix_time = unix_time
        self._answers: list[tuple[str, DispatchAnswer]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write what is counted, fold the write-ahead log into the file and let the next writer in."""
        try:
            try:
                if self._risk is not None:
                    self._risk.finish()
                self._flush_answers()
            finally:
                close_writer(self.path, self._connection)
        finally:
            self._lock.release()

    def begin_run(self, identity: RunIdentity) -> tuple[int, list[Reconciled]]:
        """Start a run; return its id and the attempts of earlier runs that were closed as never applied.

        Those of paper runs, since a paper fill ends with its run. An attempt of any other mode stays open,
        and at risk, until somebody knows what became of it.
        """
        dead = (attempts.c.state == "intent") & attempts.c.run_id.in_(
            select(runs.c.id).where(runs.c.mode == "paper")
        )
        with journal_errors(self.path), self._connection.begin():
            open_rows = self._connection.execute(
                select(
                    attempts.c.id,
                    attempts.c.run_id,
                    attempts.c.slot,
                    attempts.c.base_mint,
                    attempts.c.amount_in,
                )
                .where(dead)
                .order_by(attempts.c.id)
            ).all()
            self._connection.execute(
                update(attempts)
                .where(dead)
                .values(state="unresolved", reason=NEVER_APPLIED, charged_cost=0, realised_net_profit=0)
            )
            self._outcomes = self._connection.execute(
                select(func.coalesce(func.max(attempts.c.settled_number), 0))
            ).scalar_one()
            added = self._connection.execute(
                insert(runs).values(
                    mode=identity.mode,
                    source=identity.source,
                    settings_sha256=identity.settings_sha256,
                    version=identity.version,
                    account=identity.account,
                )
            )
        self._run_id = _inserted_id(added)
        self._risk = RiskLog(self.path, self._connection, self._run_id)
        return self._run_id, [Reconciled(*row) for row in open_rows]

    def end_run(self, summary: str, ended_unix: int) -> None:
        """Write and commit how the run ended; once, when its source has ended.

        Args:
            summary: `summary.to_record` as text.
            ended_unix: When, in Unix seconds.

        Raises:
            JournalError: The file cannot be written.
        """
        if self._run_id is None:
            raise InvariantError("end_run before begin_run")
        with journal_errors(self.path), self._connection.begin():
            self._connection.execute(
                insert(run_summaries).values(run_id=self._run_id, ended_unix=ended_unix, summary=summary)
            )

    def recalled(self, account: str, mode: str) -> tuple[list[Booked], list[Settled]]:
        """Return what the runs of `account` in `mode` booked and what became of it, for `risk.recall`.

        Raises:
            JournalError: The file cannot be read.
        """
        with journal_errors(self.path), self._connection.begin():
            return read_recalled(self._connection, account, mode)

    def verdict(self, plan: AnyPlan, verdict: Verdict) -> None:
        """Count what risk said; see `risk_log`.

        Raises:
            JournalError: The file cannot be written.
        """
        if self._risk is None:
            raise InvariantError("verdict before begin_run")
        self._risk.verdict(plan, verdict)

    def changed(self, change: RiskChange) -> None:
        """Write and commit what changed risk.

        Raises:
            JournalError: The file cannot be written.
        """
        if self._risk is None:
            raise InvariantError("change before begin_run")
        self._risk.changed(change)

    def intent(self, plan: AnyPlan, entry: Booked | None = None, submission: Submission | None = None) -> int:
        """Write and commit what is about to be tried; return the attempt's id.

        Args:
            plan: What is tried.
            entry: How risk booked it; as at its own slot if left out.
            submission: The signed transaction that is to be sent; None on paper.

        Raises:
            JournalError: An amount does not fit the journal (see `schema`), the signature is in it already,
                or the file cannot be written.
        """
        if self._run_id is None or self._risk is None:
            raise InvariantError("intent before begin_run")
        entry = entry or booked(plan, (), plan.slot)
        is_cycle = isinstance(plan, Plan)
        scored = plan.opportunity if isinstance(plan, Plan) else None
        gross_profit = plan.opportunity.gross_profit if isinstance(plan, Plan) else plan.gross_profit
        fees = plan.opportunity if isinstance(plan, Plan) else plan
        amounts = {
            "amount_in": plan.amount_in,
            "amount_out": plan.hops[-1].amount_out,
            "min_amount_out": plan.min_amount_out,
            "gross_profit": gross_profit,
            "cost": plan.cost,
            "net_profit": gross_profit - plan.cost,
            "network_fee_lamports": fees.network_fee_lamports,
            "priority_fee_lamports": fees.priority_fee_lamports,
            "tip_lamports": fees.tip_lamports,
            "stake": entry.stake,
            "max_loss": entry.max_loss,
            "basis": entry.basis,
            "exit_cost": entry.exit_cost,
            "age_slots": scored.age_slots if scored else None,
            "expected_value_lamports": scored.expected_value_lamports if scored else None,
        }
        signed: dict[str, Any] = {}
        if submission is not None:
            signed = submission_values(submission, None if self._unix_time is None else self._unix_time())
        numbers = {name: value for name, value in signed.items() if isinstance(value, int)}
        _require_fit(self.path, {**amounts, **numbers})
        with journal_errors(self.path), self._connection.begin():
            self._risk.write_waiting()
            added = self._connection.execute(
                insert(attempts).values(
                    run_id=self._run_id,
                    state="intent",
                    kind="cycle" if is_cycle else "swap",
                    opening_id=plan.opportunity.opening_id if isinstance(plan, Plan) else plan.number,
                    slot=plan.slot,
                    booked_slot=entry.slot,
                    strategy=plan.strategy,
                    base_mint=plan.base_mint,
                    hops=hops_to_text(plan.hops),
                    value_lamports=None if entry.value_lamports is None else str(entry.value_lamports),
                    venues=" ".join(entry.venues),
                    **amounts,
                    **signed,
                )
            )
        return _inserted_id(added)

    def outcome(self, attempt_id: int, outcome: Outcome, slot: int | None = None) -> None:
        """Write and commit how the attempt ended.

        Args:
            attempt_id: What `intent` returned.
            outcome: How it ended.
            slot: At which slot that became known; the slot of its booking if left out.

        Raises:
            JournalError: An amount does not fit the journal, or the file cannot be written.
            InvariantError: The attempt has no open intent.
        """
        fill: Fill | None = outcome.fill
        amounts = {
            "filled_amount_in": fill.amount_in if fill else None,
            "filled_amount_out": fill.amount_out if fill else None,
            "charged_cost": outcome.cost,
            "realised_net_profit": outcome.net_profit,
            "sends": outcome.sends or None,
            "is_dead": 1 if outcome.is_dead else None,
            **chain_values(outcome.chain),
        }
        _require_fit(self.path, amounts)
        with journal_errors(self.path), self._connection.begin():
            changed = self._connection.execute(
                update(attempts)
                .where(attempts.c.id == attempt_id, attempts.c.state == "intent")
                .values(
                    state=outcome.state.value,
                    reason=outcome.reason,
                    filled_hops=hops_to_text(fill.hops) if fill else None,
                    settled_slot=attempts.c.booked_slot if slot is None else slot,
                    settled_number=self._outcomes + 1,
                    **amounts,
                )
            ).rowcount
            if changed != 1:
                raise InvariantError(f"attempt {attempt_id}: outcome {outcome.state} without an open intent")
            if self._answers:
                write_answers(self._connection, self._answers)
        self._outcomes += 1
        self._answers = []

    # ---- live

    def answered(self, signature: str, answer: DispatchAnswer) -> None:
        """Keep what a target said; it is written with the next outcome, or at the end."""
        self._answers.append((signature, answer))

    def unresolved(self, account: str) -> list[Unresolved]:
        """Return the attempts of live runs of `account` that have no outcome, oldest first.

        Raises:
            JournalError: The file cannot be read.
        """
        with journal_errors(self.path), self._connection.begin():
            return read_unresolved(self._connection, account)

    def close_never_sent(self, attempt_id: int) -> None:
        """Close an attempt without a signature: a signature is committed before anything is sent.

        Raises:
            InvariantError: It has a signature, or no open intent.
            JournalError: The file cannot be written.
        """
        with journal_errors(self.path), self._connection.begin():
            changed = self._connection.execute(
                update(attempts)
                .where(
                    attempts.c.id == attempt_id,
                    attempts.c.state == "intent",
                    attempts.c.signature.is_(None),
                )
                .values(state="unresolved", reason=NEVER_SENT, charged_cost=0, realised_net_profit=0)
            ).rowcount
        if changed != 1:
            raise InvariantError(f"attempt {attempt_id}: closed as never sent without an unsigned intent")

    def _flush_answers(self) -> None:
        if self._answers:
            with journal_errors(self.path), self._connection.begin():
                write_answers(self._connection, self._answers)
            self._answers = []


def _inserted_id(added: CursorResult[Any]) -> int:
    key = added.inserted_primary_key
    if key is None:
        raise InvariantError("an inserted row has no key")
    return int(key[0])


def _require_fit(path: Path, amounts: dict[str, int] | dict[str, int | None]) -> None:
    for name, value in amounts.items():
        if value is not None and not -MAX_AMOUNT <= value <= MAX_AMOUNT:
            raise JournalError(
                f"journal {path}: {name} {value} does not fit, the largest amount it holds is {MAX_AMOUNT}",
                hint="lower max_amount_in of this mint",
            )
