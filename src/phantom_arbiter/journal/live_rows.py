"""Reading what the journal holds of live attempts: what was signed, who was given it, what the chain says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sqlalchemy import select

from phantom_arbiter.journal.connect import journal_errors, open_for_reading
from phantom_arbiter.journal.schema import dispatches


@dataclass(frozen=True, slots=True)
class LiveRow:
    """The live part of an attempt; what is not known (yet) is None. See `Submission` and `OnChain`."""

    signature: str
    blockhash: str
    last_valid_block_height: int | None
    nonce_account: str | None
    wallet: str
    base_account: str
    tip_offered_lamports: int
    compute_unit_limit: int
    compute_unit_price_micro_lamports: int
    signed_unix: int | None
    bundle_id: str | None
    sends: int | None
    landed_slot: int | None
    landed_unix: int | None
    units_consumed: int | None
    fee_paid_lamports: int | None
    tip_paid_lamports: int | None
    rent_paid_lamports: int | None
    wallet_change_lamports: int | None
    base_change: int | None


@dataclass(frozen=True, slots=True)
class DispatchRow:
    """One target's answer; see `execution.answers.DispatchAnswer`."""

    target: str
    kind: str
    latency_us: int | None
    code: int | None


LIVE_COLUMNS = tuple(each.name for each in fields(LiveRow))
"""Columns of `attempts`, in the order of the fields."""


def live_row(values: Sequence[Any]) -> LiveRow | None:
    """Return the live part of a row of `attempts`, from its `LIVE_COLUMNS`; None if nothing was signed."""
    return None if values[0] is None else LiveRow(*values)


def read_dispatches(path: Path, attempt_id: int) -> tuple[DispatchRow, ...]:
    """Return what targets answered about an attempt, in the order of arrival.

    Raises:
        JournalError: Missing, locked, corrupt, not a journal, or of another schema.
    """
    query = (
        select(dispatches.c.target, dispatches.c.kind, dispatches.c.latency_us, dispatches.c.code)
        .where(dispatches.c.attempt_id == attempt_id)
        .order_by(dispatches.c.id)
    )
    connection = open_for_reading(path)
    try:
        with journal_errors(path), connection.begin():
            return tuple(DispatchRow(*row) for row in connection.execute(query))
    finally:
        connection.close()
