"""Reading: what was tried, what it earned per mint, what risk said of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from phantom_arbiter.domain import Hop
from phantom_arbiter.journal.connect import journal_errors, open_for_reading
from phantom_arbiter.journal.live_rows import LIVE_COLUMNS, LiveRow, live_row
from phantom_arbiter.journal.schema import attempts, refusals, risk_changes, runs, verdicts
from phantom_arbiter.journal.texts import hops_from_text


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run as it was written."""

    id: int
    mode: str
    source: str
    settings_sha256: str
    version: str
    account: str | None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt, a cycle or a single swap: the intent, and the outcome where it is known.

    Amounts are base units of `base_mint`; what a single swap takes or gives of another mint, of that. `hops`
    are those of the fill if there is one, else the planned ones. `live` is what was signed and what the chain
    says of it; None on paper.
    """

    id: int
    run_id: int
    state: str
    kind: str
    slot: int
    opening_id: int
    strategy: str
    base_mint: str
    hops: tuple[Hop, ...]
    amount_in: int
    amount_out: int
    cost: int
    net_profit: int
    reason: str | None
    charged_cost: int | None
    realised_net_profit: int | None
    age_slots: int | None = None
    expected_value_lamports: int | None = None
    venues: tuple[str, ...] = ()
    live: LiveRow | None = None


@dataclass(frozen=True, slots=True)
class MintTotal:
    """Sums over the resolved attempts of one base mint, in its base units."""

    mint: str
    attempts: int
    filled: int
    failed: int
    unresolved: int
    gross_profit: int
    cost: int
    net_profit: int


@dataclass(frozen=True, slots=True)
class VerdictRow:
    """How often risk gave one verdict in a run, the first and the last of it; "go" lets a plan through."""

    run_id: int
    reason: str
    count: int
    first_slot: int
    first_limit: int | None
    first_value: int | None
    last_slot: int
    last_limit: int | None
    last_value: int | None


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """One refusal of a plan; a run keeps its first thousand."""

    id: int
    run_id: int
    slot: int
    strategy: str
    key: str
    base_mint: str
    amount_in: int
    reason: str
    limit: int | None
    value: int | None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """Something that changed what may go; see `risk_log.RiskChange`."""

    id: int
    run_id: int
    slot: int
    what: str
    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class JournalReport:
    """A whole journal: runs and attempts in the order they were written, totals by mint address."""

    runs: tuple[RunRow, ...]
    attempts: tuple[AttemptRow, ...]
    totals: tuple[MintTotal, ...]
    verdicts: tuple[VerdictRow, ...] = ()
    refusals: tuple[RefusalRow, ...] = ()
    changes: tuple[ChangeRow, ...] = ()


def read_journal(path: Path, *, run_id: int | None = None) -> JournalReport:
    """Return what the journal at `path` holds, of one run if `run_id` is given.

    Raises:
        JournalError: Missing, locked, corrupt, not a journal, or of another schema.
    """
    connection = open_for_reading(path)
    try:
        with journal_errors(path), connection.begin():
            return read_report(connection, run_id)
    finally:
        connection.close()


def read_report(connection: Connection, run_id: int | None) -> JournalReport:
    """Return the same inside the caller's transaction."""
    run_query = select(runs).order_by(runs.c.id)
    attempt_query = select(*ATTEMPT_COLUMNS).order_by(attempts.c.id)
    if run_id is not None:
        run_query = run_query.where(runs.c.id == run_id)
        attempt_query = attempt_query.where(attempts.c.run_id == run_id)
    run_rows = tuple(RunRow(**row._mapping) for row in connection.execute(run_query))
    rows = tuple(attempt_row(row) for row in connection.execute(attempt_query).all())
    return JournalReport(
        runs=run_rows,
        attempts=rows,
        totals=totals(rows),
        verdicts=tuple(
            VerdictRow(**_numbers(row, _VERDICT_NUMBERS, without="id"))
            for row in _of_run(connection, verdicts, run_id)
        ),
        refusals=tuple(
            RefusalRow(**_numbers(row, _REFUSAL_NUMBERS)) for row in _of_run(connection, refusals, run_id)
        ),
        changes=tuple(ChangeRow(**row._mapping) for row in _of_run(connection, risk_changes, run_id)),
    )


_OWN = (
    "id",
    "run_id",
    "state",
    "kind",
    "slot",
    "opening_id",
    "strategy",
    "base_mint",
    "hops",
    "filled_hops",
    "amount_in",
    "amount_out",
    "cost",
    "net_profit",
    "reason",
    "charged_cost",
    "realised_net_profit",
    "age_slots",
    "expected_value_lamports",
    "venues",
)

ATTEMPT_COLUMNS = tuple(attempts.c[name] for name in (*_OWN, *LIVE_COLUMNS))
"""What is read of an attempt, in this order: all but what is large."""


def attempt_row(row: Row[Any]) -> AttemptRow:
    """Return a row of `ATTEMPT_COLUMNS` as what it says."""
    # A journal holds many attempts: a row is taken apart at once, since asking it by name costs far more.
    values: tuple[Any, ...] = tuple(row)
    number, run_id, state, kind, slot, opening_id, strategy, base_mint, hops, filled_hops = values[:10]
    amount_in, amount_out, cost, net_profit, reason, charged, realised, age, value, venues = values[10:20]
    return AttemptRow(
        id=number,
        run_id=run_id,
        state=state,
        kind=kind,
        slot=slot,
        opening_id=opening_id,
        strategy=strategy,
        base_mint=base_mint,
        hops=hops_from_text(filled_hops or hops),
        amount_in=amount_in,
        amount_out=amount_out,
        cost=cost,
        net_profit=net_profit,
        reason=reason,
        charged_cost=charged,
        realised_net_profit=realised,
        age_slots=age,
        expected_value_lamports=value,
        venues=tuple((venues or "").split()),
        live=live_row(values[20:]),
    )


_VERDICT_NUMBERS = ("first_limit", "first_value", "last_limit", "last_value")
_REFUSAL_NUMBERS = ("amount_in", "limit", "value")


def _of_run(connection: Connection, table: Table, run_id: int | None) -> list[Row[Any]]:
    query = select(table).order_by(table.c.id)
    if run_id is not None:
        query = query.where(table.c.run_id == run_id)
    return list(connection.execute(query))


def _numbers(row: Row[Any], names: tuple[str, ...], *, without: str = "") -> dict[str, Any]:
    """Return the row with the decimal strings under `names` as numbers."""
    values = {name: value for name, value in row._mapping.items() if name != without}
    for name in names:
        if values[name] is not None:
            values[name] = int(values[name])
    return values


def totals(rows: tuple[AttemptRow, ...]) -> tuple[MintTotal, ...]:
    """Return the sums per base mint; added in Python, where no sum can overflow."""
    by_mint: dict[str, list[AttemptRow]] = {}
    for row in rows:
        by_mint.setdefault(row.base_mint, []).append(row)
    return tuple(mint_total(mint, by_mint[mint]) for mint in sorted(by_mint))


def mint_total(mint: str, rows: list[AttemptRow]) -> MintTotal:
    """Return the sums of attempts that have this base mint."""
    cost = sum(row.charged_cost or 0 for row in rows)
    net_profit = sum(row.realised_net_profit or 0 for row in rows)
    states = [row.state for row in rows]
    return MintTotal(
        mint=mint,
        attempts=len(rows),
        filled=states.count("filled"),
        failed=states.count("failed"),
        unresolved=states.count("intent") + states.count("unresolved"),
        gross_profit=net_profit + cost,
        cost=cost,
        net_profit=net_profit,
    )
