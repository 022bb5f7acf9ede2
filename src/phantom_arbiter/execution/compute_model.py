"""Compute units learned from rehearsals, so that a transaction asks for what it needs and little more.

Per venue, plain hops and what each crossed tick or bin adds; the rest of the transaction apart. The fee
engine keeps the samples and names the limit: a high percentile and a margin (docs/FEES.md).
"""

from __future__ import annotations

from typing import Protocol

from phantom_arbiter.execution.rehearsed import Rehearsed

MAX_UNITS = 1_400_000
"""Most that a transaction can use; compute-budget `MAX_COMPUTE_UNIT_LIMIT`."""

UNITS_PER_CREATED = 30_000
"""Compute units asked for each token account that a transaction creates, besides what is learned."""
TOKEN_ACCOUNT_PROGRAM = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"


class LearnsUnits(Protocol):
    """The part of the fee engine that is taught."""

    def observe_hop(self, venue: str, crossings: int, units: int) -> None:
        """Take the units that a hop has used."""

    def observe_overhead(self, units: int) -> None:
        """Take the units that a transaction has used besides its hops."""


class ComputeTeacher:
    """Passes on what rehearsals used."""

    def __init__(self, fees: LearnsUnits) -> None:
        self._fees = fees
        self.taught = 0
        """Rehearsals that taught something."""

    def learn(self, rehearsed: Rehearsed) -> None:
        """Learn from a rehearsal that passed; one that failed stopped somewhere on the way."""
        if not rehearsed.ok or not rehearsed.hops or any(hop.units is None for hop in rehearsed.hops):
            return
        for hop in rehearsed.hops:
            if hop.units is not None and 0 < hop.units <= MAX_UNITS:
                self._fees.observe_hop(hop.venue, hop.crossings, hop.units)
        # Accounts are created seldom, and the builder asks for their units itself.
        creates = any(each.program == TOKEN_ACCOUNT_PROGRAM for each in rehearsed.instructions)
        if not creates and 0 < rehearsed.overhead_units <= MAX_UNITS:
            self._fees.observe_overhead(rehearsed.overhead_units)
        self.taught += 1
