"""Part of a journal, and sums over groups of it. Pure: works on rows that were read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum

from phantom_arbiter.journal.queries import AttemptRow, JournalReport, MintTotal, mint_total, totals
from phantom_arbiter.risk import DAY_SLOTS

_STABLE = re.compile(r"[a-z0-9_]+(:[a-z0-9_]+)?")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which attempts; what is None or empty selects all.

    Attributes:
        since: First slot, or first day in UTC.
        until: Last slot, or last day.
        mint: Base mint.
        venue: A venue on the route, as `phantom venues` names it.
        state: `intent`, `filled`, `failed` or `unresolved`.
        reason: A reason, or its part before the colon.
        strategy: Who asked.
        mode: `paper` or `live`.
    """

    since: int | date | None = None
    until: int | date | None = None
    mint: str | None = None
    venue: str | None = None
    state: str | None = None
    reason: str | None = None
    strategy: str | None = None
    mode: str | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return self == Selection()

    def takes(self, row: AttemptRow, mode: str) -> bool:
        """Return whether an attempt of a run in `mode` is selected."""
        return (
            _is_since(row, self.since)
            and _is_until(row, self.until)
            and self.mint in (None, row.base_mint)
            and (self.venue is None or self.venue in row.venues)
            and self.state in (None, row.state)
            and (self.reason is None or self.reason in _reasons(row))
            and self.strategy in (None, row.strategy)
            and self.mode in (None, mode)
        )


def select_attempts(report: JournalReport, selection: Selection) -> JournalReport:
    """Return the selected attempts with their runs and totals; what risk said is left out then."""
    if selection.is_everything:
        return report
    modes = {run.id: run.mode for run in report.runs}
    rows = tuple(row for row in report.attempts if selection.takes(row, modes[row.run_id]))
    kept = {row.run_id for row in rows}
    runs = tuple(run for run in report.runs if run.id in kept)
    return replace(
        report, runs=runs, attempts=rows, totals=totals(rows), verdicts=(), refusals=(), changes=()
    )


class GroupBy(StrEnum):
    """What attempts are summed by."""

    DAY = "day"
    MINT = "mint"
    VENUE = "venue"
    REASON = "reason"
    STRATEGY = "strategy"


@dataclass(frozen=True, slots=True)
class Group:
    """Sums over the attempts of one group and base mint, in its base units.

    Attributes:
        name: The day, mint, venue, reason or strategy.
        total: The sums.
        landed: Attempts that landed on the chain, successfully or not; 0 on paper.
        fee_paid_lamports: What they paid in fees on the chain.
        tip_paid_lamports: What they paid in tips.
    """

    name: str
    total: MintTotal
    landed: int
    fee_paid_lamports: int
    tip_paid_lamports: int


def grouped(rows: Iterable[AttemptRow], by: GroupBy) -> tuple[Group, ...]:
    """Return the sums by group and base mint, in the order of their names.

    An attempt through several venues counts under each of them: those sums do not add up to the whole.
    """
    names = _NAMES[by]
    members: defaultdict[tuple[str, str], list[AttemptRow]] = defaultdict(list)
    for row in rows:
        for name in names(row):
            members[name, row.base_mint].append(row)
    return tuple(group_of(name, mint, members[name, mint]) for name, mint in sorted(members))


def group_of(name: str, mint: str, rows: list[AttemptRow]) -> Group:
    """Return the sums of attempts that have this base mint."""
    landed = [row.live for row in rows if row.live is not None and row.live.landed_slot is not None]
    return Group(
        name=name,
        total=mint_total(mint, rows),
        landed=len(landed),
        fee_paid_lamports=sum(each.fee_paid_lamports or 0 for each in landed),
        tip_paid_lamports=sum(each.tip_paid_lamports or 0 for each in landed),
    )


def day_of(row: AttemptRow) -> str:
    """Return the day in UTC at which it landed or was signed, else the 216,000 slots that it is in.

    A replay knows no time: its slots are all that it has.
    """
    known = _date(row)
    return f"slots {row.slot // DAY_SLOTS * DAY_SLOTS:,} on" if known is None else known.isoformat()


def _reason(row: AttemptRow) -> str:
    """Return the reason without what differs from attempt to attempt."""
    if row.reason is None:
        return "none yet" if row.state == "intent" else row.state
    return row.reason if _STABLE.fullmatch(row.reason) else row.reason.partition(":")[0]


_NAMES: dict[GroupBy, Callable[[AttemptRow], tuple[str, ...]]] = {
    GroupBy.DAY: lambda row: (day_of(row),),
    GroupBy.MINT: lambda row: (row.base_mint,),
    GroupBy.VENUE: lambda row: row.venues or ("not known",),
    GroupBy.REASON: lambda row: (_reason(row),),
    GroupBy.STRATEGY: lambda row: (row.strategy,),
}


def _reasons(row: AttemptRow) -> tuple[str, ...]:
    return () if row.reason is None else (row.reason, row.reason.partition(":")[0])


def _date(row: AttemptRow) -> date | None:
    if row.live is None:
        return None
    seconds = row.live.landed_unix if row.live.landed_unix is not None else row.live.signed_unix
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).date()


def _is_since(row: AttemptRow, first: int | date | None) -> bool:
    if first is None or isinstance(first, int):
        return first is None or row.slot >= first
    known = _date(row)
    return known is not None and known >= first


def _is_until(row: AttemptRow, last: int | date | None) -> bool:
    if last is None or isinstance(last, int):
        return last is None or row.slot <= last
    known = _date(row)
    return known is not None and known <= last
