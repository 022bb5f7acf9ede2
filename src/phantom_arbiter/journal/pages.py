"""Reading a journal a page at a time, newest first, however long it is."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from phantom_arbiter.journal.connect import journal_errors, open_for_reading
from phantom_arbiter.journal.queries import ATTEMPT_COLUMNS, AttemptRow, RunRow, attempt_row
from phantom_arbiter.journal.schema import attempts, runs


def latest_runs(path: Path, *, limit: int) -> list[RunRow]:
    """Return the latest runs of the journal at `path`, newest first.

    Raises:
        JournalError: Missing, locked, corrupt, not a journal, or of another schema.
    """
    columns = [runs.c[name] for name in RunRow.__slots__]
    query = select(*columns).order_by(runs.c.id.desc()).limit(limit)
    connection = open_for_reading(path, check=False)
    try:
        with journal_errors(path), connection.begin():
            return [RunRow(**row._mapping) for row in connection.execute(query)]
    finally:
        connection.close()


def attempts_page(path: Path, run_id: int, *, before: int | None, limit: int) -> list[AttemptRow]:
    """Return attempts of a run, newest first.

    Args:
        path: The journal.
        run_id: Of the run.
        before: Only attempts with a smaller id; None to begin with the newest.
        limit: At most so many.

    Raises:
        JournalError: Missing, locked, corrupt, not a journal, or of another schema.
    """
    query = select(*ATTEMPT_COLUMNS).where(attempts.c.run_id == run_id)
    if before is not None:
        query = query.where(attempts.c.id < before)
    connection = open_for_reading(path, check=False)
    try:
        with journal_errors(path), connection.begin():
            rows = connection.execute(query.order_by(attempts.c.id.desc()).limit(limit))
            return [attempt_row(row) for row in rows]
    finally:
        connection.close()
