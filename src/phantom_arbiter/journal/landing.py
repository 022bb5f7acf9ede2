"""Learn from a journal which attempts land: the landing model, rebuilt attempt by attempt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, exists, or_, select

from phantom_arbiter.execution.settlement import LOST_AUCTION
from phantom_arbiter.journal.connect import journal_errors, open_for_reading
from phantom_arbiter.journal.schema import attempts, dispatches, runs
from phantom_arbiter.journal.texts import hops_from_text
from phantom_core import LandingModel, venue_names

NO_VENUES: Mapping[str, str] = MappingProxyType({})


def landing_from_journal(
    path: Path,
    venues: Mapping[str, str] = NO_VENUES,
    *,
    mode: str | None = None,
    account: str | None = None,
) -> LandingModel:
    """Return a model that has seen every resolved cycle of a journal, in the order of their outcomes.

    Attempts whose end is not known teach nothing, and single swaps neither; nor does a live one that never
    landed, unless somebody took it. An attempt that was written
    before journals held ages is taken as of age 0; one before they held venues, as going through those that
    `venues` names.

    Args:
        path: The journal.
        venues: The venue of each pool by address. A venue that is not known is left out of the set of
            venues.
        mode: Of runs in this mode; of all if None.
        account: Of the live runs of this account; of all runs, replays among them, if None.

    Raises:
        JournalError: Missing, locked, corrupt, not a journal, or of another schema.
    """
    learned = LandingModel()
    known = frozenset(venue_names())
    for row in _resolved(path, mode, account):
        hops = hops_from_text(row.hops)
        if row.venues:
            named = set(row.venues.split())
        else:
            named = {venues[hop.pool] for hop in hops if hop.pool in venues}
        learned.observe(sorted(named & known), len(hops), row.age_slots or 0, row.state == "filled")
    return learned


def _resolved(path: Path, mode: str | None, account: str | None) -> list[Row[Any]]:
    columns = (attempts.c.state, attempts.c.hops, attempts.c.venues, attempts.c.age_slots)
    # What nobody took, or was never sent, was in no race: see `execution.settlement`.
    lost = exists().where(dispatches.c.attempt_id == attempts.c.id, dispatches.c.kind.in_(LOST_AUCTION))
    query = (
        select(*columns)
        .join(runs, runs.c.id == attempts.c.run_id)
        .where(attempts.c.state.in_(("filled", "failed")), attempts.c.kind == "cycle")
        .where(
            or_(
                runs.c.mode != "live",
                attempts.c.state == "filled",
                attempts.c.landed_slot.is_not(None),
                lost,
            )
        )
        .order_by(attempts.c.settled_number, attempts.c.id)
    )
    if mode is not None:
        query = query.where(runs.c.mode == mode)
    if account is not None:
        query = query.where(runs.c.account == account)
    connection = open_for_reading(path)
    try:
        with journal_errors(path), connection.begin():
            return list(connection.execute(query))
    finally:
        connection.close()
