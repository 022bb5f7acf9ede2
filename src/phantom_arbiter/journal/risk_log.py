"""What risk said and what changed it, in bounded space.

Every verdict is counted by reason ("go" for those that may go), with limit and value of the first and the
last; the counts are written when they reach a power of two and when the run ends, so a run that is killed
leaves counts that are at most half too low. Beyond that, the first `KEPT_REFUSALS` refusals of a run are
rows of their own, written with the next intent, or 32 at a time. No clock decides when something is
written: the same recording still gives the same file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection, insert, update

from phantom_arbiter.domain import Verdict
from phantom_arbiter.journal.connect import journal_errors
from phantom_arbiter.journal.schema import refusals, risk_changes, verdicts
from phantom_arbiter.swaps import AnyPlan

KEPT_REFUSALS = 1_000
"""Refusals of one run that are rows of their own."""

BATCH = 32
"""Refusals that may wait to be written."""


@dataclass(frozen=True, slots=True)
class RiskChange:
    """Something that changed what may go.

    Attributes:
        slot: The newest slot seen.
        what: rules, rules_refused, kill_switch, strategy_suspended, strategy_rules,
            strategy_rules_refused, venue_set_aside or venue_let_in.
        key: Setting, origin of a stop, name of a strategy or venue, or name of a rule file, whose text
            follows.
        before: What it was; None where that says nothing.
        after: What it is.
    """

    slot: int
    what: str
    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class _Count:
    """How often a reason came, with the first and the last of it."""

    count: int
    first_slot: int
    first: Verdict
    last_slot: int
    last: Verdict
    is_written: bool = False


class RiskLog:
    """Writes verdicts and changes of one run through the journal's connection."""

    def __init__(self, path: Path, connection: Connection, run_id: int) -> None:
        self._path = path
        self._connection = connection
        self._run_id = run_id
        self._counts: dict[str, _Count] = {}
        self._kept = 0
        self._waiting: list[dict[str, object]] = []

    def verdict(self, plan: AnyPlan, verdict: Verdict) -> None:
        """Count a verdict, and keep it if it is one of the first refusals.

        Raises:
            JournalError: The file cannot be written.
        """
        reason = "go" if verdict.ok else verdict.reason
        before = self._counts.get(reason)
        if before is None:
            count = _Count(1, plan.slot, verdict, plan.slot, verdict)
        else:
            count = replace(before, count=before.count + 1, last_slot=plan.slot, last=verdict)
        self._counts[reason] = count
        if not verdict.ok and self._kept < KEPT_REFUSALS:
            self._kept += 1
            self._waiting.append(
                {
                    "run_id": self._run_id,
                    "slot": plan.slot,
                    "strategy": plan.strategy,
                    "key": plan.key,
                    "base_mint": plan.base_mint,
                    "amount_in": str(plan.amount_in),
                    "reason": verdict.reason,
                    "limit": _text(verdict.limit),
                    "value": _text(verdict.value),
                }
            )
        is_due = count.count & (count.count - 1) == 0 and not verdict.ok
        if is_due or len(self._waiting) >= BATCH:
            with journal_errors(self._path), self._connection.begin():
                self.write_waiting()
                if is_due:
                    self._write_count(reason)

    def changed(self, change: RiskChange) -> None:
        """Write and commit a change.

        Raises:
            JournalError: The file cannot be written.
        """
        with journal_errors(self._path), self._connection.begin():
            self._connection.execute(
                insert(risk_changes).values(
                    run_id=self._run_id,
                    slot=change.slot,
                    what=change.what,
                    key=change.key,
                    before=change.before,
                    after=change.after,
                )
            )

    def write_waiting(self) -> None:
        """Write the refusals that wait, inside the caller's transaction."""
        if self._waiting:
            self._connection.execute(insert(refusals), self._waiting)
            self._waiting = []

    def finish(self) -> None:
        """Write everything that is counted.

        Raises:
            JournalError: The file cannot be written.
        """
        if not self._counts:
            return
        with journal_errors(self._path), self._connection.begin():
            self.write_waiting()
            for reason in self._counts:
                self._write_count(reason)

    def _write_count(self, reason: str) -> None:
        count = self._counts[reason]
        values = {
            "count": count.count,
            "last_slot": count.last_slot,
            "last_limit": _text(count.last.limit),
            "last_value": _text(count.last.value),
        }
        if count.is_written:
            self._connection.execute(
                update(verdicts)
                .where(verdicts.c.run_id == self._run_id, verdicts.c.reason == reason)
                .values(**values)
            )
            return
        self._connection.execute(
            insert(verdicts).values(
                run_id=self._run_id,
                reason=reason,
                first_slot=count.first_slot,
                first_limit=_text(count.first.limit),
                first_value=_text(count.first.value),
                **values,
            )
        )
        self._counts[reason] = replace(count, is_written=True)


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)
