"""The journal: one row per attempt, intent before outcome, every amount a whole number.

The only package that speaks SQL. What a run decided holds nothing that depends on when or where the program
ran: no clock, no arrival time, no endpoint, no path, nothing random. The same recording and settings
therefore give the same file, byte for byte, but for one table: `run_summaries`, written once when a run ends,
tells how it went, its speed and endpoints among that.
"""

from phantom_arbiter.journal.journal import NEVER_SENT, Journal, Reconciled, RunIdentity
from phantom_arbiter.journal.landing import landing_from_journal
from phantom_arbiter.journal.live_rows import DispatchRow, LiveRow, read_dispatches
from phantom_arbiter.journal.pages import attempts_page, latest_runs
from phantom_arbiter.journal.queries import (
    AttemptRow,
    ChangeRow,
    JournalReport,
    MintTotal,
    RefusalRow,
    RunRow,
    VerdictRow,
    read_journal,
)
from phantom_arbiter.journal.risk_log import RiskChange
from phantom_arbiter.journal.run_record import AnswerCount, RunRecord, RunSummary, read_run
from phantom_arbiter.journal.selection import Group, GroupBy, Selection, group_of, grouped, select_attempts

__all__ = [
    "NEVER_SENT",
    "AnswerCount",
    "AttemptRow",
    "ChangeRow",
    "DispatchRow",
    "Group",
    "GroupBy",
    "Journal",
    "JournalReport",
    "LiveRow",
    "MintTotal",
    "Reconciled",
    "RefusalRow",
    "RiskChange",
    "RunIdentity",
    "RunRecord",
    "RunRow",
    "RunSummary",
    "Selection",
    "VerdictRow",
    "attempts_page",
    "group_of",
    "grouped",
    "landing_from_journal",
    "latest_runs",
    "read_dispatches",
    "read_journal",
    "read_run",
    "select_attempts",
]
