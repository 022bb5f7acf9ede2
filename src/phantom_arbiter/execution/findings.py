"""What endpoints say of one signature, and when that is certain. Pure: no I/O, no clock.

The state of an attempt follows from the newest report of each endpoint, and from nothing else:

- *unknown*: nobody has seen it. A status that disappears, because its fork died, leads back here.
- *seen*: somebody has seen it at `processed`. That is not final.
- *landed*: a quorum tells the same balances of it at `confirmed` or more.
- *dead*: a quorum has found, each endpoint for itself and in this order, that it cannot land any more and
  that its history does not know it.

With at most `quorum - 1` endpoints that lie or are mistaken, a quorum holds one that does not. Where that is
broken, so that both landed and dead have their quorum, nothing is certain. A false *landed* would book a
profit that is not there, a false *dead* would let a trade be made twice: both are worse than to wait.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from phantom_arbiter.domain import OnChain


@dataclass(frozen=True, slots=True)
class Facts:
    """What one endpoint tells of a transaction that landed at `confirmed` or more.

    Attributes:
        chain: Where it landed and what it changed.
        error: Short stable name of what it failed with; None if it succeeded.
    """

    chain: OnChain
    error: str | None

    @property
    def key(self) -> Hashable:
        """What endpoints must agree on: all but the time, the units and the name of the error."""
        chain = self.chain
        return (
            self.error is None,
            chain.slot,
            chain.fee_lamports,
            chain.tip_lamports,
            chain.rent_lamports,
            chain.wallet_change_lamports,
            chain.base_change,
            chain.held_change,
        )


@dataclass(frozen=True, slots=True)
class Report:
    """What one endpoint says of one signature; at most one of the three holds.

    Attributes:
        is_seen: It has a status, below `confirmed` or without the balances yet.
        facts: It has landed, and these are its balances.
        is_gone: It could not land any more, and after that the endpoint's history did not know it.
    """

    is_seen: bool = False
    facts: Facts | None = None
    is_gone: bool = False


class Phase(StrEnum):
    """How much is known of a signature."""

    UNKNOWN = "unknown"
    SEEN = "seen"
    LANDED = "landed"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of a signature; `facts` where it has landed."""

    phase: Phase
    facts: Facts | None = None

    @property
    def is_certain(self) -> bool:
        """Whether nothing can change it any more."""
        return self.phase in (Phase.LANDED, Phase.DEAD)


def judge(reports: Mapping[str, Report], quorum: int) -> Finding:
    """Return what the newest report of each endpoint comes to.

    Args:
        reports: By endpoint.
        quorum: How many must say the same; at most `quorum - 1` of them are taken to be wrong.

    Raises:
        ValueError: `quorum` is less than 1.
    """
    if quorum < 1:
        raise ValueError(f"a quorum of {quorum}, at least 1")
    landed: dict[Hashable, list[Facts]] = {}
    for report in reports.values():
        if report.facts is not None:
            landed.setdefault(report.facts.key, []).append(report.facts)
    claims = sum(len(same) for same in landed.values())
    gone = sum(report.is_gone for report in reports.values())
    agreed = [same for same in landed.values() if len(same) >= quorum]
    if len(agreed) == 1 and gone < quorum:
        return Finding(Phase.LANDED, _fullest(agreed[0]))
    if gone >= quorum and claims < quorum:
        return Finding(Phase.DEAD)
    if claims or any(report.is_seen for report in reports.values()):
        return Finding(Phase.SEEN)
    return Finding(Phase.UNKNOWN)


def _fullest(same: Iterable[Facts]) -> Facts:
    """Return the one that tells most of what they need not agree on; the first of equals."""
    return max(same, key=lambda facts: sum(value is not None for value in _extras(facts)))


def _extras(facts: Facts) -> tuple[object, ...]:
    return facts.chain.unix_time, facts.chain.units_consumed
