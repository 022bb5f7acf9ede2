"""Everything a report says, as exact values, from what the journal holds of one run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from heapq import nlargest, nsmallest
from pathlib import Path
from typing import Any

import msgspec

from phantom_arbiter.journal import (
    AnswerCount,
    AttemptRow,
    Group,
    GroupBy,
    JournalReport,
    MintTotal,
    RunRecord,
    RunRow,
    group_of,
    grouped,
)
from phantom_arbiter.mints import WELL_KNOWN_MINTS, MintBook, mint_book
from phantom_arbiter.report.curves import ProfitCurve, profit_curves, tokens_passed
from phantom_arbiter.report.shapes import Ended, read_ended

SCHEMA = 1
LISTED_TRADES = 5
"""Best, and worst, attempts of one base mint that are shown hop by hop."""


@dataclass(frozen=True, slots=True)
class Extremes:
    """Attempts of one base mint with a known outcome, by their net profit.

    The best are those that gained something; none is in both lists.
    """

    mint: str
    best: tuple[AttemptRow, ...]
    worst: tuple[AttemptRow, ...]


@dataclass(frozen=True, slots=True)
class Paid:
    """What signed transactions came to, in lamports as the chain says.

    Attributes:
        signed: Attempts with a transaction.
        sent: Those that were handed over.
        landed: Those that landed, successfully or not.
        fee: Network and priority fees of those that landed.
        tip: Tips.
        rent: Deposits of accounts that they created, which come back when those are closed.
        wallet_change: Change of the wallet's lamports, all of the above included.
        units_consumed: Compute units of those whose endpoint told them.
        units_asked: Compute units that the same had asked for.
    """

    signed: int
    sent: int
    landed: int
    fee: int
    tip: int
    rent: int
    wallet_change: int
    units_consumed: int
    units_asked: int


@dataclass(frozen=True, slots=True)
class Report:
    """One run.

    Attributes:
        journal: The file.
        run: What it was.
        rows: Its rows in the journal.
        totals: Sums by base mint, those with most attempts first.
        ended: How it ended; None if that is not known.
        ended_unix: When.
        missing: What this report lacks, and why, a sentence each.
        book: How mints are shown.
        curves: Profit by base mint.
        by_strategy: Sums by strategy and base mint.
        by_venue: Sums by venue; an attempt counts under each of its venues.
        by_token: Sums by token on the way; an attempt counts under each of them.
        failures: Sums by reason of those that were not filled.
        extremes: Best and worst attempts by base mint.
        paid: What the chain took; None on paper.
        answers: What targets said.
    """

    journal: Path
    run: RunRow
    rows: JournalReport
    totals: tuple[MintTotal, ...]
    ended: Ended | None
    ended_unix: int | None
    missing: tuple[str, ...]
    book: MintBook
    curves: tuple[ProfitCurve, ...]
    by_strategy: tuple[Group, ...]
    by_venue: tuple[Group, ...]
    by_token: tuple[Group, ...]
    failures: tuple[Group, ...]
    extremes: tuple[Extremes, ...]
    paid: Paid | None
    answers: tuple[AnswerCount, ...]


def gather(journal: Path, record: RunRecord) -> Report:
    """Return what is to be said of a run."""
    rows, attempts = record.report, record.report.attempts
    ended = None if record.summary is None else read_ended(record.summary.text)
    known = ended if isinstance(ended, Ended) else None
    totals = tuple(sorted(rows.totals, key=lambda total: (-total.attempts, total.mint)))
    return Report(
        journal=journal,
        run=rows.runs[0],
        rows=rows,
        totals=totals,
        ended=known,
        ended_unix=None if record.summary is None else record.summary.ended_unix,
        missing=tuple(_missing(ended, totals)),
        book=MintBook(WELL_KNOWN_MINTS) if known is None else mint_book(known.mints),
        curves=profit_curves(attempts),
        by_strategy=_by_profit(grouped(attempts, GroupBy.STRATEGY), totals),
        by_venue=_by_profit(grouped(attempts, GroupBy.VENUE), totals),
        by_token=_by_profit(
            [group_of(token, mint, members) for (token, mint), members in tokens_passed(attempts).items()],
            totals,
        ),
        failures=tuple(
            sorted(
                grouped((row for row in attempts if row.state != "filled"), GroupBy.REASON),
                key=lambda group: (-group.total.attempts, group.name, group.total.mint),
            )
        ),
        extremes=_extremes(totals, attempts),
        paid=_paid(attempts),
        answers=record.answers,
    )


def _missing(ended: Ended | str | None, totals: Sequence[MintTotal]) -> Iterable[str]:
    lost = "so signals, funnel, nearest misses, latencies and endpoints are left out"
    if ended is None:
        yield (
            "The journal does not say how this run ended: it has not ended yet, it died, or an older version "
            f"wrote it; {lost}. Sums are those of the attempts that are there."
        )
    elif isinstance(ended, str):
        yield f"What the journal says of how this run ended cannot be read ({ended}); {lost}."
    undecided = sum(total.unresolved for total in totals)
    if undecided:
        yield (
            f"{_attempts(undecided)} {'has' if undecided == 1 else 'have'} no outcome: under way, or left so "
            "by a run that died. What is not known counts as nothing gained or lost."
        )
    settled = sum(total.filled + total.failed for total in totals)
    if isinstance(ended, Ended) and ended.trades.attempts != settled:
        yield (
            f"When the run ended {_attempts(ended.trades.attempts)} had an outcome, now {settled:,}. This "
            "report counts what is known now, `phantom run` told what was known then."
        )


def _attempts(count: int) -> str:
    return f"{count:,} attempt{'' if count == 1 else 's'}"


def _by_profit(groups: Iterable[Group], totals: Sequence[MintTotal]) -> tuple[Group, ...]:
    """Return groups in the order of the totals of their base mint, those that gained most first."""
    place = {total.mint: number for number, total in enumerate(totals)}
    return tuple(
        sorted(groups, key=lambda group: (place[group.total.mint], -group.total.net_profit, group.name))
    )


def _extremes(totals: Sequence[MintTotal], attempts: Iterable[AttemptRow]) -> tuple[Extremes, ...]:
    known: dict[str, list[AttemptRow]] = {total.mint: [] for total in totals}
    for row in attempts:
        if row.state in ("filled", "failed"):
            known[row.base_mint].append(row)
    return tuple(_extremes_of(mint, rows) for mint, rows in known.items())


def _extremes_of(mint: str, rows: list[AttemptRow]) -> Extremes:
    def gain(row: AttemptRow) -> tuple[int, int]:
        return row.realised_net_profit or 0, -row.id

    gained = (row for row in rows if row.state == "filled" and (row.realised_net_profit or 0) > 0)
    best = tuple(nlargest(LISTED_TRADES, gained, key=gain))
    shown = {row.id for row in best}
    worst = nsmallest(LISTED_TRADES, rows, key=gain)
    return Extremes(mint, best, tuple(row for row in worst if row.id not in shown))


def _paid(attempts: Iterable[AttemptRow]) -> Paid | None:
    live = [row.live for row in attempts if row.live is not None]
    if not live:
        return None
    landed = [each for each in live if each.landed_slot is not None]
    told = [each for each in landed if each.units_consumed is not None]
    return Paid(
        signed=len(live),
        sent=sum(bool(each.sends) for each in live),
        landed=len(landed),
        fee=sum(each.fee_paid_lamports or 0 for each in landed),
        tip=sum(each.tip_paid_lamports or 0 for each in landed),
        rent=sum(each.rent_paid_lamports or 0 for each in landed),
        wallet_change=sum(each.wallet_change_lamports or 0 for each in landed),
        units_consumed=sum(each.units_consumed or 0 for each in told),
        units_asked=sum(each.compute_unit_limit for each in told),
    )


def to_json(report: Report) -> dict[str, Any]:
    """Return the report as plain values.

    Amounts are whole base units of the mint beside them; `curve` points are [slot or Unix seconds, profit,
    highest so far]. `ended` has the keys of `phantom run --json`.
    """
    return {
        "schema": SCHEMA,
        "journal": str(report.journal),
        "run": asdict(report.run),
        "ended_unix": report.ended_unix,
        "missing": list(report.missing),
        "totals": [asdict(total) for total in report.totals],
        "curves": [
            {
                "mint": curve.mint,
                "by": "time" if curve.by_time else "slot",
                "outcomes": curve.outcomes,
                "drawdown": None if curve.drawdown is None else asdict(curve.drawdown),
                "points": [[point.at, point.profit, point.peak] for point in curve.points],
            }
            for curve in report.curves
        ],
        **{
            name: [asdict(group) for group in groups]
            for name, groups in (
                ("by_strategy", report.by_strategy),
                ("by_venue", report.by_venue),
                ("by_token", report.by_token),
                ("failures", report.failures),
            )
        },
        "trades": [asdict(each) for each in report.extremes],
        "paid": None if report.paid is None else asdict(report.paid),
        "answers": [asdict(each) for each in report.answers],
        "verdicts": [asdict(row) for row in report.rows.verdicts],
        "changes": [asdict(row) for row in report.rows.changes],
        "ended": None if report.ended is None else msgspec.to_builtins(report.ended),
    }
