"""What goes wrong at one region of the block engine. The default plan is a region without fault.

A file holds one table for all regions and one for each, as for endpoints: `[default]` and `[[region]]`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from random import Random
from typing import Final

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.localnet.block_engine.bundle import Rejection

MAX_SLOTS: Final = 1_000


@dataclass(frozen=True, slots=True)
class EngineFaults:
    """What goes wrong at a region.

    Probabilities are for each request on its own, or for each bundle.

    Attributes:
        delay_ms: Time before a request is looked at.
        answer_delay_ms: Time between carrying a request out and answering it.
        land_slots: Slots that begin before a bundle that was taken in goes to the auction; at most 1,000.
        status_slots: Slots by which statuses of bundles are late; at most 1,000.
        outage: A request is answered with 503; 1 is a region that is down.
        close: The connection is closed before a request is looked at.
        hang: A request is neither carried out nor answered.
        internal_error: A request is answered with -32603, and not carried out.
        congested: A request is answered with 429 and "globally rate limited", and not carried out.
        per_s: Requests answered within one second for a client without a known UUID; those beyond get 429.
            0: any number. Jito's own limit is 1.
        per_s_known: The same for each UUID that the engine knows.
        reject_simulation: A bundle is taken in and fails: simulation failure.
        reject_auction: A bundle is taken in and fails: its bid lost the auction.
        reject_internal: A bundle is taken in and fails: internal error.
        drop: A bundle is taken in and never heard of again: it stays `Pending`, later `Invalid`.
        answer_lost: A request is carried out, and the connection closed without an answer.
        answer_hang: A request is carried out and never answered.
        garbage: A request is carried out and answered with what is no JSON.
    """

    delay_ms: float = 0.0
    answer_delay_ms: float = 0.0
    land_slots: int = 0
    status_slots: int = 0
    outage: float = 0.0
    close: float = 0.0
    hang: float = 0.0
    internal_error: float = 0.0
    congested: float = 0.0
    per_s: float = 0.0
    per_s_known: float = 0.0
    reject_simulation: float = 0.0
    reject_auction: float = 0.0
    reject_internal: float = 0.0
    drop: float = 0.0
    answer_lost: float = 0.0
    answer_hang: float = 0.0
    garbage: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
                raise ConfigError(f"{field.name} is {value!r}, it may be a number from 0")
            if field.name in PROBABILITIES and value > 1:
                raise ConfigError(f"{field.name} is {value}, it may be 0 to 1")
            if field.name in SLOTS and (not isinstance(value, int) or value > MAX_SLOTS):
                raise ConfigError(f"{field.name} is {value}, it may be a whole number to {MAX_SLOTS:,}")


BEFORE: Final = ("outage", "close", "hang", "internal_error", "congested")
"""Faults that keep a request from being carried out; the first that is drawn counts."""
AFTER: Final = ("answer_lost", "answer_hang", "garbage")
"""Faults of the answer."""
VERDICTS: Final = {
    "reject_simulation": Rejection.SIMULATION_FAILURE,
    "reject_auction": Rejection.AUCTION_LOST,
    "reject_internal": Rejection.INTERNAL_ERROR,
    "drop": Rejection.DROPPED,
}
SLOTS: Final = ("land_slots", "status_slots")
PROBABILITIES: Final = frozenset((*BEFORE, *AFTER, *VERDICTS))


def drawn(plan: EngineFaults, names: tuple[str, ...], random: Random) -> str | None:
    """Return the first of these faults that happens; the same draws are made whatever the plan says."""
    draws = [(name, random.random()) for name in names]
    return next((name for name, draw in draws if draw < getattr(plan, name)), None)
