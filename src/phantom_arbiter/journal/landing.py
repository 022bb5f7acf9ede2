"""Learn from a journal which attempts land: the landing model, rebuilt attempt by attempt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from phantom_arbiter.journal.queries import AttemptRow, read_journal
from phantom_core import LandingModel


def landing_from_journal(
    path: Path, venues: Mapping[str, str], *, model: LandingModel | None = None
) -> LandingModel:
    """Return a model that has seen every resolved attempt of a journal, in the order they were written.

    Attempts whose end is not known teach nothing. The journal does not hold an attempt's age: all are
    taken as of age 0.

    Args:
        path: The journal.
        venues: The venue of each pool by address. A pool that is not in it is left out of the set of
            venues.
        model: Learns on; a fresh one if None.

    Raises:
        JournalError: Missing, locked, corrupt, not a journal, or of another schema.
        InvalidInput: A venue that there is not.
    """
    learned = model if model is not None else LandingModel()
    for row in read_journal(path).attempts:
        if row.state in ("filled", "failed"):
            learned.observe(_venues_of(row, venues), len(row.hops), 0, row.state == "filled")
    return learned


def _venues_of(row: AttemptRow, venues: Mapping[str, str]) -> list[str]:
    return sorted({venues[hop.pool] for hop in row.hops if hop.pool in venues})
