"""Writing: a run, its intents, their outcomes.

Write-ahead: `intent` commits before anything is submitted, `outcome` fills the same row afterwards.
Whatever happens in between, an attempt has exactly one row. An intent that an earlier run left behind is
closed when the next run begins: a paper fill lives only in the market of its run, so it was never applied.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, CursorResult, insert, select, update

from phantom_arbiter.domain import Fill, Hop, Outcome, Plan
from phantom_arbiter.errors import InvariantError, JournalError
from phantom_arbiter.journal.connect import close_writer, journal_errors, open_for_writing
from phantom_arbiter.journal.lock import WriterLock
from phantom_arbiter.journal.schema import MAX_AMOUNT, attempts, runs

NEVER_APPLIED = "run ended before the outcome was written; paper fills end with their run, never applied"


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What makes two runs the same: what was read, under which settings, by which version.

    `source` says which market is in the source, not how it was delivered: the journal must not depend on
    endpoints and their delays.
    """

    mode: str
    source: str
    settings_sha256: str
    version: str


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

    def __init__(self, path: Path) -> None:
        """Open or create the journal at `path` and become its only writer.

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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Fold the write-ahead log into the file and let the next writer in."""
        try:
            close_writer(self.path, self._connection)
        finally:
            self._lock.release()

    def begin_run(self, identity: RunIdentity) -> tuple[int, list[Reconciled]]:
        """Start a run; return its id and the attempts of earlier runs that were closed as never applied."""
        with journal_errors(self.path), self._connection.begin():
            open_rows = self._connection.execute(
                select(
                    attempts.c.id,
                    attempts.c.run_id,
                    attempts.c.slot,
                    attempts.c.base_mint,
                    attempts.c.amount_in,
                )
                .where(attempts.c.state == "intent")
                .order_by(attempts.c.id)
            ).all()
            self._connection.execute(
                update(attempts)
                .where(attempts.c.state == "intent")
                .values(state="unresolved", reason=NEVER_APPLIED, charged_cost=0, realised_net_profit=0)
            )
            added = self._connection.execute(
                insert(runs).values(
                    mode=identity.mode,
                    source=identity.source,
                    settings_sha256=identity.settings_sha256,
                    version=identity.version,
                )
            )
        self._run_id = _inserted_id(added)
        return self._run_id, [Reconciled(*row) for row in open_rows]

    def intent(self, plan: Plan) -> int:
        """Write and commit what is about to be tried; return the attempt's id.

        Raises:
            JournalError: An amount does not fit the journal (see `schema`), or the file cannot be written.
        """
        if self._run_id is None:
            raise InvariantError("intent before begin_run")
        opportunity = plan.opportunity
        amounts = {
            "amount_in": opportunity.amount_in,
            "amount_out": opportunity.amount_out,
            "min_amount_out": plan.min_amount_out,
            "gross_profit": opportunity.gross_profit,
            "cost": opportunity.cost,
            "net_profit": opportunity.net_profit,
            "network_fee_lamports": opportunity.network_fee_lamports,
            "priority_fee_lamports": opportunity.priority_fee_lamports,
            "tip_lamports": opportunity.tip_lamports,
        }
        _require_fit(self.path, amounts)
        with journal_errors(self.path), self._connection.begin():
            added = self._connection.execute(
                insert(attempts).values(
                    run_id=self._run_id,
                    state="intent",
                    opening_id=opportunity.opening_id,
                    slot=opportunity.slot,
                    strategy=plan.strategy,
                    base_mint=opportunity.base_mint,
                    hops=hops_to_text(opportunity.hops),
                    **amounts,
                )
            )
        return _inserted_id(added)

    def outcome(self, attempt_id: int, outcome: Outcome) -> None:
        """Write and commit how the attempt ended.

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
                    **amounts,
                )
            ).rowcount
        if changed != 1:
            raise InvariantError(f"attempt {attempt_id}: outcome {outcome.state} without an open intent")


def hops_to_text(hops: tuple[Hop, ...]) -> str:
    """Return hops as compact JSON; amounts are decimal strings, exact in every reader."""
    return json.dumps(
        [
            {
                "pool": hop.pool,
                "mint_in": hop.mint_in,
                "mint_out": hop.mint_out,
                "amount_in": str(hop.amount_in),
                "amount_out": str(hop.amount_out),
            }
            for hop in hops
        ],
        separators=(",", ":"),
    )


def hops_from_text(text: str) -> tuple[Hop, ...]:
    """Return what `hops_to_text` wrote."""
    return tuple(
        Hop(hop["pool"], hop["mint_in"], hop["mint_out"], int(hop["amount_in"]), int(hop["amount_out"]))
        for hop in json.loads(text)
    )


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
