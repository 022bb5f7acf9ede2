"""The loop: source → native engine → strategy → risk → journal (intent) → executor → journal (outcome).

Composition only: each part is a protocol or a pure function, so paper and replay differ from what comes
later in the source, clock and executor that are handed in. Nothing is printed here; an observer is told.

After a fill the native engine looks again at what the fill has left open, so one frame may lead to several
trades. A signal that was quoted before a fill in one of its pools is passed over: that second look offers its
cycle again, at fresh quotes, if it still pays.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import phantom_core
from phantom_arbiter.domain import MarketStats, Opportunity, Outcome, Plan, Verdict
from phantom_arbiter.errors import InvariantError
from phantom_arbiter.execution.base import Executor
from phantom_arbiter.latency import LatencyHistogram
from phantom_arbiter.native import opportunity_from_native, stats_from_native
from phantom_arbiter.risk import RiskRules, RiskState, assess, settle
from phantom_arbiter.strategies.base import Strategy
from phantom_arbiter.tally import Tally

REPORT_INTERVAL_NS = 100_000_000
"""How often the observer hears of progress: ten times a second is as often as an eye follows."""


class AttemptJournal(Protocol):
    """The part of the journal that the loop needs."""

    def intent(self, plan: Plan) -> int:
        """Write what is about to be tried; return the attempt's id."""
        ...

    def outcome(self, attempt_id: int, outcome: Outcome) -> None:
        """Write how it ended."""


@dataclass(frozen=True, slots=True)
class Trade:
    """One attempt from plan to outcome."""

    attempt_id: int
    plan: Plan
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the run stands; `recorded_ns` is the source's own time."""

    records: int
    recorded_ns: int
    stats: MarketStats
    signals: int
    attempts: int
    filled: int


class Observer(Protocol):
    """Whoever watches a run. Called from the loop: it must return quickly."""

    def progress(self, progress: Progress) -> None:
        """Hear where the run stands, about ten times a second."""

    def traded(self, trade: Trade) -> None:
        """Hear of an attempt once its outcome is journaled."""

    def refused(self, plan: Plan, verdict: Verdict) -> None:
        """Hear of a plan that risk did not let through."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a run is put together from."""

    market: phantom_core.Engine
    strategy: Strategy
    rules: RiskRules
    executor: Executor
    journal: AttemptJournal
    observer: Observer
    kill_switch_file: Path | None = None
    clock_ns: Callable[[], int] = time.perf_counter_ns


class Engine:
    """Runs one source through the parts and counts what the shell decides."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._risk = RiskState()
        self._stopping = False
        self.tally = Tally()
        self.latency = LatencyHistogram()
        self.records = 0
        self.recorded_ns = 0
        self._next_report_ns = parts.clock_ns() + REPORT_INTERVAL_NS

    @property
    def stopped_early(self) -> bool:
        """True if `stop` ended the run before its source did."""
        return self._stopping

    def stop(self) -> None:
        """End the run after the record in hand; callable from a signal handler."""
        self._stopping = True

    def stats(self) -> MarketStats:
        """Return what the native engine has counted so far."""
        return stats_from_native(self._parts.market.stats())

    def run(self, source: Iterable[phantom_core.Record]) -> None:
        """Take every record of `source`, until it ends or `stop` is called.

        Raises:
            JournalError: An attempt cannot be journaled; nothing was submitted without a committed intent.
            InvariantError: The native engine contradicts itself.
        """
        for record in source:
            self.recorded_ns = record.arrival_ns
            match record.kind:
                case "received":
                    self.received(record.endpoint, record.frame, record.arrival_ns)
                case "sent":
                    self.sent(record.endpoint, record.frame)
                case "connect":
                    self.connected(record.endpoint)
                case "disconnect":
                    self.disconnected(record.endpoint)
                case other:
                    raise InvariantError(f"record {self.records}: unknown kind {other!r}")
            if self._stopping:
                break
        self.report()

    # ---- as a sink: see `sources.sink.Sink`

    def connected(self, connection: str) -> None:
        """Take notice of a new connection."""
        self._parts.market.connect(connection)
        self._count(self._parts.clock_ns())

    def sent(self, connection: str, frame: bytes) -> None:
        """Take notice of a request, so that its answer is understood."""
        self._parts.market.request(connection, frame)
        self._count(self._parts.clock_ns())

    def received(self, connection: str, frame: bytes, arrival_ns: int | None = None) -> None:
        """Take a frame and act on what it shows; without `arrival_ns` it has come just now.

        Raises:
            JournalError: An attempt cannot be journaled; nothing was submitted without a committed intent.
            InvariantError: The native engine contradicts itself.
        """
        clock_ns = self._parts.clock_ns
        started_ns = clock_ns()
        arrived_ns = started_ns if arrival_ns is None else arrival_ns
        signals = self._parts.market.ingest(connection, frame, arrived_ns)
        decided_ns = clock_ns()
        spent_ns = decided_ns - started_ns
        if signals:
            spent_ns += self._decide(signals)
        self.latency.add(spent_ns)
        self._count(decided_ns)

    def disconnected(self, connection: str) -> None:
        """Take notice of the end of a connection, and act on what only its doubt held back."""
        started_ns = self._parts.clock_ns()
        self._decide(self._parts.market.disconnect(connection))
        self._count(started_ns)

    def report(self) -> None:
        """Tell the observer where the run stands."""
        tally = self.tally
        self._parts.observer.progress(
            Progress(
                self.records, self.recorded_ns, self.stats(), tally.signals, tally.attempts, tally.filled
            )
        )

    def _count(self, now_ns: int) -> None:
        self.records += 1
        if now_ns >= self._next_report_ns:
            self._next_report_ns = now_ns + REPORT_INTERVAL_NS
            self.report()

    def _decide(self, signals: Sequence[phantom_core.Signal]) -> int:
        """Act on what one frame gave; return the ns spent deciding, execution and journal left out."""
        market, clock_ns = self._parts.market, self._parts.clock_ns
        # Each signal with the number of fills there were when it was quoted.
        waiting = deque((signal, 0) for signal in signals)
        filled_at: dict[str, int] = {}
        fills = spent_ns = 0
        while waiting:
            signal, quoted_after = waiting.popleft()
            started_ns = clock_ns()
            opportunity = _opportunity(signal)
            outdated = any(filled_at.get(hop.pool, 0) > quoted_after for hop in opportunity.hops)
            plan = self._plan(opportunity, outdated=outdated)
            spent_ns += clock_ns() - started_ns
            if plan is None or not self._execute(plan):
                continue
            fills += 1
            filled_at.update((hop.pool, fills) for hop in opportunity.hops)
            waiting.extend((again, fills) for again in market.recheck(opportunity.slot))
        return spent_ns

    def _plan(self, opportunity: Opportunity, *, outdated: bool) -> Plan | None:
        """Return the plan that may go, or count why there is none."""
        self.tally.signal()
        if outdated:
            self.tally.passed_over("quoted_before_a_fill")
            return None
        plan = self._parts.strategy.on_opportunity(opportunity)
        if plan is None:
            self.tally.passed_over("declined_by_strategy")
            return None
        kill_file = self._parts.kill_switch_file
        killed = kill_file is not None and kill_file.exists()
        verdict, self._risk = assess(self._parts.rules, self._risk, plan, killed=killed)
        if not verdict.ok:
            self.tally.refused(verdict)
            self._parts.observer.refused(plan, verdict)
            return None
        self.tally.accepted(opportunity)
        return plan

    def _execute(self, plan: Plan) -> bool:
        """Try the plan, journaled before and after; return whether it was filled."""
        attempt_id = self._parts.journal.intent(plan)
        outcome = self._parts.executor.submit(plan)
        self._parts.journal.outcome(attempt_id, outcome)
        self._risk = settle(self._parts.rules, self._risk, plan, outcome, plan.opportunity.slot)
        self.tally.traded(plan, outcome)
        self._parts.observer.traded(Trade(attempt_id, plan, outcome))
        return outcome.fill is not None


def _opportunity(signal: phantom_core.Signal) -> Opportunity:
    try:
        return opportunity_from_native(signal)
    except ValueError as error:
        raise InvariantError(f"native engine: {error}") from error
