"""What a viewer knows: the records of one run, folded. Pure, and the same in every viewer."""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass

from phantom_arbiter.telemetry.records import (
    Changes,
    End,
    FunnelCount,
    Hello,
    Judged,
    Moment,
    Notice,
    Opened,
    PoolState,
    Published,
    Refusal,
    Snapshot,
    Status,
    Trade,
    WatchedPool,
)

KEPT = 500
"""How many trades, refusals and notices are remembered."""

MINUTE_MS = 60_000


@dataclass(slots=True)
class OpenCycle:
    """A cycle that is open, and the last verdict on it."""

    opened: Opened
    judged: Judged | None = None


@dataclass(frozen=True, slots=True)
class ClosedCycle:
    """A cycle that was open."""

    opened: Opened
    judged: Judged | None
    closed_slot: int


class RunModel:
    """The state of one run as its records tell it.

    Attributes:
        hello: Who speaks; None before it has.
        seq: Of the last record.
        at_ns: The source's time of the last record.
        unix_ms: The machine's.
        slot: The highest seen.
        pools: By number: the pool as it was last told whole.
        states: By number: its latest state.
        open: Open cycles by the number of their opening, in the order in which they opened.
        closed: The latest closed ones, newest last.
        status: The latest.
        trades: The latest, newest last.
        refusals: The latest, newest last.
        notices: The latest, newest last.
        end: The end, once it has come.
        gaps: How often a snapshot replaced what was known.
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.hello: Hello | None = None
        self.seq = self.at_ns = self.unix_ms = self.slot = self.gaps = 0
        self.pools: dict[int, WatchedPool] = {}
        self.states: dict[int, PoolState] = {}
        self.open: dict[int, OpenCycle] = {}
        self.closed: deque[ClosedCycle] = deque(maxlen=KEPT)
        self.status: Status | None = None
        self.trades: deque[Trade] = deque(maxlen=KEPT)
        self.refusals: deque[Refusal] = deque(maxlen=KEPT)
        self.notices: deque[Notice] = deque(maxlen=KEPT)
        self.end: End | None = None
        self._minute: deque[tuple[int, tuple[FunnelCount, ...]]] = deque()

    def apply(self, record: Published) -> None:
        """Take notice of a record; answers to questions change nothing."""
        if isinstance(record, Moment):
            self.seq, self.at_ns = record.seq, record.at_ns
            self.unix_ms, self.slot = record.unix_ms, record.slot
        match record:
            case Hello():
                self._begin()
                self.hello = record
            case Snapshot():
                self._replaced(record)
            case Changes():
                self._changed(record)
            case Status():
                self._stands(record)
            case Trade():
                self.trades.append(record)
            case Refusal():
                self.refusals.append(record)
            case Notice():
                self.notices.append(record)
            case End():
                self.end = record
            case _:
                pass

    def per_minute(self) -> dict[str, float]:
        """Return evaluations per minute by stage of the funnel, over the last minute."""
        if len(self._minute) < 2:
            return {}
        (began_ms, first), (ended_ms, last) = self._minute[0], self._minute[-1]
        minutes = max(ended_ms - began_ms, 1) / MINUTE_MS
        before = {count.stage: count.evaluations for count in first}
        return {count.stage: (count.evaluations - before.get(count.stage, 0)) / minutes for count in last}

    def copy(self) -> RunModel:
        """Return what is known now; records that are applied later do not change it."""
        kept = copy.copy(self)
        kept.pools, kept.states = self.pools.copy(), self.states.copy()
        kept.open = {n: copy.copy(cycle) for n, cycle in self.open.items()}
        kept.closed, kept.trades = self.closed.copy(), self.trades.copy()
        kept.refusals, kept.notices = self.refusals.copy(), self.notices.copy()
        kept._minute = self._minute.copy()
        return kept

    def _replaced(self, snapshot: Snapshot) -> None:
        self.gaps += 1
        self.pools = {pool.n: pool for pool in snapshot.market.pools}
        self.states = {n: _state(pool) for n, pool in self.pools.items()}
        self.open = {opened.id: OpenCycle(opened) for opened in snapshot.market.open}
        for judged in snapshot.market.judged:
            if judged.id in self.open:
                self.open[judged.id].judged = judged
        self.trades = deque(snapshot.trades, KEPT)
        self.refusals = deque(snapshot.refusals, KEPT)
        self.notices = deque(snapshot.notices, KEPT)
        if snapshot.status is not None:
            self._stands(snapshot.status)

    def _changed(self, changes: Changes) -> None:
        market = changes.market
        for pool in market.new_pools:
            self.pools[pool.n], self.states[pool.n] = pool, _state(pool)
        for state in market.pools:
            self.states[state.n] = state
        for opened in market.opened:
            self.open[opened.id] = OpenCycle(opened)
        for judged in market.judged:
            cycle = self.open.get(judged.id)
            if cycle is not None:
                cycle.judged = judged
        for closed in market.closed:
            cycle = self.open.pop(closed.id, None)
            if cycle is not None:
                self.closed.append(ClosedCycle(cycle.opened, cycle.judged, closed.slot))

    def _stands(self, status: Status) -> None:
        self.status = status
        self._minute.append((status.unix_ms, status.funnel))
        while self._minute[0][0] < status.unix_ms - MINUTE_MS and len(self._minute) > 2:
            self._minute.popleft()


def _state(pool: WatchedPool) -> PoolState:
    return PoolState(pool.n, pool.depth_a, pool.depth_b, pool.price, pool.slot, pool.set_aside)
