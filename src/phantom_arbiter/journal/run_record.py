"""Reading one run with all that the journal holds of it: what `phantom report` is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.journal.connect import journal_errors, open_for_reading
from phantom_arbiter.journal.queries import JournalReport, read_report
from phantom_arbiter.journal.schema import attempts, dispatches, run_summaries, runs


@dataclass(frozen=True, slots=True)
class AnswerCount:
    """How often a target gave one kind of answer, and how long the slowest of them took."""

    target: str
    kind: str
    count: int
    max_latency_us: int | None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """How a run ended.

    Attributes:
        ended_unix: When, in Unix seconds.
        text: `summary.to_record`.
    """

    ended_unix: int
    text: str


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run.

    Attributes:
        report: Its rows, as `read_journal` gives them.
        summary: How it ended; None if it has not, if it died, or if its version wrote none.
        answers: What targets said, by target and kind.
    """

    report: JournalReport
    summary: RunSummary | None
    answers: tuple[AnswerCount, ...]


def read_run(path: Path, run_id: int | None = None) -> RunRecord:
    """Return what the journal at `path` holds of a run: the newest with attempts, if none is named.

    Raises:
        ConfigError: There is no such run, or none at all.
        JournalError: Missing, locked, corrupt, not a journal, or of another schema.
    """
    connection = open_for_reading(path)
    try:
        with journal_errors(path), connection.begin():
            found = _newest(connection) if run_id is None else run_id
            report = read_report(connection, found)
            if found is None or not report.runs:
                raise _no_run(path, run_id, connection)
            ended = connection.execute(
                select(run_summaries.c.ended_unix, run_summaries.c.summary).where(
                    run_summaries.c.run_id == found
                )
            ).one_or_none()
            return RunRecord(
                report=report,
                summary=None if ended is None else RunSummary(*ended),
                answers=_answers(connection, found),
            )
    finally:
        connection.close()


def _newest(connection: Connection) -> int | None:
    """Return the newest run that tried something, else the newest."""
    tried = connection.execute(select(func.max(attempts.c.run_id))).scalar_one()
    if tried is not None:
        return int(tried)
    newest = connection.execute(select(func.max(runs.c.id))).scalar_one()
    return None if newest is None else int(newest)


def _no_run(path: Path, run_id: int | None, connection: Connection) -> ConfigError:
    if run_id is None:
        return ConfigError(f"journal {path} holds no run", hint="`phantom run` writes one")
    newest = connection.execute(select(func.max(runs.c.id))).scalar_one()
    hint = "it holds none" if newest is None else f"the newest is {newest}; `phantom journal` lists them"
    return ConfigError(f"journal {path} holds no run {run_id}", hint=hint)


def _answers(connection: Connection, run_id: int) -> tuple[AnswerCount, ...]:
    query = (
        select(dispatches.c.target, dispatches.c.kind, func.count(), func.max(dispatches.c.latency_us))
        .join(attempts, attempts.c.id == dispatches.c.attempt_id)
        .where(attempts.c.run_id == run_id)
        .group_by(dispatches.c.target, dispatches.c.kind)
        .order_by(dispatches.c.target, dispatches.c.kind)
    )
    return tuple(AnswerCount(*row) for row in connection.execute(query))
