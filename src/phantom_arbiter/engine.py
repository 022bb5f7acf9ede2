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
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, cast

import phantom_core
from phantom_arbiter.domain import FunnelStage, MarketStats, Opportunity, Outcome, OutcomeState, Plan, Verdict
from phantom_arbiter.errors import InvariantError, OutcomeUnknown
from phantom_arbiter.execution.base import Executor, Submission
from phantom_arbiter.fee_desk import FeeDesk
from phantom_arbiter.market_view import MarketView
from phantom_arbiter.native import opportunity_from_native, stats_from_native
from phantom_arbiter.risk import Booked, RiskRules, RiskState
from phantom_arbiter.risk_desk import RiskDesk, RiskJournal, RulesWatch, Viewer
from phantom_arbiter.strategies.base import Strategy
from phantom_arbiter.strategy_rules import StrategyRules
from phantom_arbiter.strategy_runner import (
    DECLINED,
    SUSPENDED,
    RunnerRules,
    StrategyReport,
    StrategyRunner,
)
from phantom_arbiter.swaps import AnyPlan, PoolPrice, SwapOrder, SwapPlan
from phantom_arbiter.tally import Tally

REPORT_INTERVAL_NS = 100_000_000
"""How often the observer hears of progress: ten times a second is as often as an eye follows."""

LOOK_INTERVAL_NS = 1_000_000_000
"""How often rules, kill switches and unresolved attempts are looked at."""

NOTICES_WAITING = 100
"""Notices of other threads that may wait for the next look; older ones are dropped."""


Control = Literal["halt", "resume", "stop"]
"""What viewers may ask of a run."""


class AttemptJournal(RiskJournal, Protocol):
    """The part of the journal that the loop needs."""

    def intent(self, plan: AnyPlan, entry: Booked, submission: Submission | None = None) -> int:
        """Write what is about to be tried, how risk booked it and what is to be sent; return its id."""
        ...

    def outcome(self, attempt_id: int, outcome: Outcome, slot: int) -> None:
        """Write how it ended, and at which slot that became known."""


@dataclass(frozen=True, slots=True)
class Step:
    """How long one step of an attempt took, on the machine's clock, which begins anywhere.

    Attributes:
        name: ingest, decide, prepare, journal, submit or settle.
        began_ns: When it began.
        ended_ns: When it ended.
    """

    name: str
    began_ns: int
    ended_ns: int


@dataclass(frozen=True, slots=True)
class Trade:
    """One attempt from plan to outcome.

    Attributes:
        attempt_id: In the journal.
        plan: What was tried.
        outcome: How it ended.
        steps: How long each step took, in order; the last ended when the trade was told.
        signature: Of the transaction; None on paper, and where nothing was signed.
    """

    attempt_id: int
    plan: AnyPlan
    outcome: Outcome
    steps: tuple[Step, ...] = ()
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class _Tried:
    """An attempt until its outcome is known."""

    attempt_id: int
    plan: AnyPlan
    steps: tuple[Step, ...]
    signature: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the run stands; `recorded_ns` is the source's own time.

    `funnel` holds the stages after those of `stats`; `switches` name what halts trading.
    """

    records: int
    recorded_ns: int
    stats: MarketStats
    signals: int
    attempts: int
    filled: int
    funnel: tuple[FunnelStage, ...] = ()
    switches: tuple[str, ...] = ()


class Observer(Protocol):
    """Whoever watches a run. Called from the loop: it must return quickly."""

    def progress(self, progress: Progress) -> None:
        """Hear where the run stands, about ten times a second."""

    def traded(self, trade: Trade) -> None:
        """Hear of an attempt once its outcome is journaled."""

    def refused(self, plan: AnyPlan, verdict: Verdict) -> None:
        """Hear of a plan that risk did not let through."""

    def notice(self, text: str) -> None:
        """Hear one line that the operator should know: rules, kill switches, a suspended strategy."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a run is put together from.

    Attributes:
        market: The native engine.
        strategy: Who decides.
        rules: What risk allows.
        executor: Who carries plans out.
        journal: Where attempts and verdicts are written.
        observer: Who watches.
        kill_switch_file: Nothing is sent as long as it exists.
        clock_ns: The machine's clock.
        view: What tells risk and strategies about the market; without it there are no ticks.
        watch: Says when the rules change.
        risk: What earlier runs left at risk.
        runner: What the strategy may take.
        base_mints: Mints whose transaction costs ticks tell.
        fees: Hears what the fee engine is to know; None where the settings name all fees.
        strategy_rules: The rule file that the native engine asks, if there is one.
        quoted: Shown every signal once it has been decided on.
    """

    market: phantom_core.Engine
    strategy: Strategy
    rules: RiskRules
    executor: Executor
    journal: AttemptJournal
    observer: Observer
    kill_switch_file: Path | None = None
    clock_ns: Callable[[], int] = time.perf_counter_ns
    view: MarketView | None = None
    watch: RulesWatch | None = None
    risk: RiskState = field(default_factory=RiskState)
    runner: RunnerRules = field(default_factory=RunnerRules)
    base_mints: tuple[str, ...] = ()
    fees: FeeDesk | None = None
    strategy_rules: StrategyRules | None = None
    quoted: Callable[[Opportunity], None] | None = None


class Engine:
    """Runs one source through the parts and counts what the shell decides."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._stopping = self._is_over = False
        self.desk = RiskDesk(
            parts.rules,
            parts.risk,
            parts.journal,
            parts.observer,
            view=parts.view,
            kill_switch_file=parts.kill_switch_file,
            watch=parts.watch,
        )
        self._runner = StrategyRunner(
            parts.strategy,
            parts.runner,
            parts.clock_ns,
            on_suspended=lambda why: self.desk.suspended(parts.strategy.name, why),
        )
        self._tick_pools = parts.strategy.pools if parts.view is not None else ()
        self._prices: Mapping[str, PoolPrice] = {}
        self._ticked_slot = self._swaps = 0
        self._under_way: dict[int, _Tried] = {}
        self._soon: deque[str] = deque(maxlen=NOTICES_WAITING)
        self._refused: list[tuple[AnyPlan, Verdict]] = []
        self._next_look_ns = parts.clock_ns() + LOOK_INTERVAL_NS
        self.tally = Tally()
        self.latency = phantom_core.LatencyHistogram()
        self.records = 0
        self.recorded_ns = 0
        self._next_report_ns = parts.clock_ns() + REPORT_INTERVAL_NS

    @property
    def fees(self) -> FeeDesk | None:
        """Who hears what the fee engine is to know."""
        return self._parts.fees

    @property
    def stopped_early(self) -> bool:
        """True if `stop` ended the run before its source did."""
        return self._stopping

    def stop(self) -> None:
        """End the run after the record in hand; callable from a signal handler."""
        self._stopping = True

    def toggle_halt(self) -> None:
        """Stop sending, or go on; callable from a signal handler."""
        self.desk.toggle_halt()

    def control(self, action: Control, by: Viewer) -> str | None:
        """Do what a viewer asks for; return why not, or None. Callable from any thread.

        It counts from the next plan on, and is journaled and told by the loop.
        """
        if self._is_over:
            return "the run has ended"
        if action == "stop":
            self.desk.stop_asked(by)
            self.stop()
            return None
        return self.desk.set_halted(by, on=action == "halt")

    def notice(self, text: str) -> None:
        """Tell the observer one line that the operator should know."""
        self._parts.observer.notice(text)

    def notice_soon(self, text: str) -> None:
        """Let the loop tell one line at its next look; callable from any thread."""
        self._soon.append(text)

    def last_look(self) -> None:
        """Journal and tell what came after the last record; viewers can ask for nothing more."""
        self._is_over = True
        self.desk.heed()
        self._tell_soon()

    @property
    def under_way(self) -> int:
        """Attempts without an outcome."""
        return len(self._under_way)

    def strategy_report(self) -> StrategyReport:
        """Return what the strategy did and what it cost."""
        return self._runner.report()

    def stats(self) -> MarketStats:
        """Return what the native engine has counted so far, with the nearest misses."""
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
            spent_ns += self._decide(signals, Step("ingest", started_ns, decided_ns))
        if self._tick_pools:
            spent_ns += self._tick(started_ns, decided_ns)
        self.latency.add(spent_ns)
        self._count(decided_ns)

    def disconnected(self, connection: str) -> None:
        """Take notice of the end of a connection, and act on what only its doubt held back."""
        started_ns = self._parts.clock_ns()
        signals = self._parts.market.disconnect(connection)
        if signals:
            self._decide(signals, Step("ingest", started_ns, self._parts.clock_ns()))
        self._count(started_ns)

    def look(self) -> None:
        """Look at rules, the strategy's rule file, kill switches and attempts without an outcome.

        Frames do it once a `LOOK_INTERVAL_NS`; a source that may be silent for longer calls it itself.

        Raises:
            JournalError: A change or an outcome cannot be journaled.
        """
        self._next_look_ns = self._parts.clock_ns() + LOOK_INTERVAL_NS
        self.desk.look()
        self._tell_soon()
        rules = self._parts.strategy_rules
        change = None if rules is None else rules.look()
        if change is not None:
            self.desk.note_rules(change)
            self._parts.observer.notice(change.line)
        self.resolve()

    def resolve(self) -> None:
        """Ask about attempts that are under way; whoever hears of an outcome first calls it.

        Raises:
            JournalError: An outcome cannot be journaled.
        """
        for attempt_id, tried in list(self._under_way.items()):
            outcome = self._parts.executor.resolve(tried.plan)
            if outcome is not None:
                del self._under_way[attempt_id]
                self._settle(tried, outcome, self._parts.market.highest_slot)

    def report(self) -> None:
        """Tell the observer where the run stands."""
        tally, stats = self.tally, stats_from_native(self._parts.market.stats(0))
        self._parts.observer.progress(
            Progress(
                self.records,
                self.recorded_ns,
                stats,
                tally.signals,
                tally.attempts,
                tally.filled,
                tally.funnel(),
                self.desk.switches(stats.slot),
            )
        )

    def _count(self, now_ns: int) -> None:
        self.records += 1
        if now_ns >= self._next_report_ns:
            self._next_report_ns = now_ns + REPORT_INTERVAL_NS
            self.report()
        if now_ns >= self._next_look_ns:
            self.look()

    def _tell_soon(self) -> None:
        while self._soon:
            self._parts.observer.notice(self._soon.popleft())

    def _decide(self, signals: Sequence[phantom_core.Signal], ingest: Step) -> int:
        """Act on what one frame gave; return the ns spent deciding, without executing and telling."""
        market, clock_ns = self._parts.market, self._parts.clock_ns
        # Each signal with the number of fills there were when it was quoted.
        waiting = deque((signal, 0) for signal in signals)
        filled_at: dict[str, int] = {}
        fills = spent_ns = 0
        while waiting:
            signal, quoted_after = waiting.popleft()
            started_ns = clock_ns()
            if self._parts.fees is not None:
                self._parts.fees.signalled(signal.priced_accounts)
            opportunity = _opportunity(signal)
            outdated = any(filled_at.get(hop.pool, 0) > quoted_after for hop in opportunity.hops)
            plan = self._plan(signal, opportunity, outdated=outdated)
            planned_ns = clock_ns()
            spent_ns += planned_ns - started_ns
            self._tell_refusals()
            is_filled = plan is not None and self._execute(
                plan, (ingest, Step("decide", started_ns, planned_ns))
            )
            if self._parts.quoted is not None:
                self._parts.quoted(opportunity)
            if not is_filled:
                continue
            fills += 1
            filled_at.update((hop.pool, fills) for hop in opportunity.hops)
            waiting.extend((again, fills) for again in market.recheck(opportunity.slot))
        return spent_ns

    def _plan(self, signal: phantom_core.Signal, opportunity: Opportunity, *, outdated: bool) -> Plan | None:
        """Return the plan that may go, or count why there is none."""
        self.tally.signal()
        if outdated:
            self.tally.passed_over("quoted_before_a_fill")
            return None
        answer = self._runner.on_opportunity(opportunity)
        plan = answer.plan
        if plan is None:
            self.tally.passed_over(answer.reason)
            return None
        # A strategy's own copy with other amounts or another name would be limited and counted wrongly. So
        # would what it was shown if it has written into that: it is compared with what the engine gave.
        shown = _opportunity(signal)
        is_shown = plan.opportunity is opportunity == shown and opportunity.native is shown.native
        offered = is_shown and plan.strategy == self._runner.name
        if not offered:
            plan = Plan(shown, self._runner.name, shown.amount_in)
        if not self._may_go(plan, offered=offered):
            return None
        self.tally.accepted(opportunity)
        return plan

    def _may_go(self, plan: AnyPlan, *, offered: bool) -> bool:
        obstacle = self._parts.executor.obstacle()
        if obstacle is not None:
            # Asked first: what cannot be sent is not booked, and does not count as a failure.
            self.tally.passed_over(obstacle)
            return False
        verdict = self.desk.ask(plan, offered=offered)
        if not verdict.ok:
            self.tally.refused(verdict)
            self._refused.append((plan, verdict))
        return verdict.ok

    def _tell_refusals(self) -> None:
        """Tell the observer, once the time of the decision has been taken."""
        for plan, verdict in self._refused:
            self._parts.observer.refused(plan, verdict)
        self._refused.clear()

    def _tick(self, arrived_ns: int, ingested_ns: int) -> int:
        """Show the strategy the prices if a new slot has begun; return the ns spent deciding."""
        view, clock_ns = self._parts.view, self._parts.clock_ns
        slot = self._parts.market.highest_slot
        if view is None or slot <= self._ticked_slot:
            return 0
        started_ns = clock_ns()
        self._ticked_slot = slot
        name = self._runner.name
        tick = view.tick(
            slot, self._tick_pools, self._parts.base_mints, self._prices, self.desk.positions(name)
        )
        self._prices = tick.prices
        if not tick.changed:
            return clock_ns() - started_ns
        answer = self._runner.on_tick(tick)
        plan = None
        if answer.plan is not None:
            plan = self._swap_plan(answer.plan, slot)
        elif answer.reason == SUSPENDED:
            self._tick_pools = ()
        elif answer.reason != DECLINED:
            # That nothing is wanted of a tick is the rule, and no refusal.
            self.tally.passed_over(answer.reason)
        planned_ns = clock_ns()
        self._tell_refusals()
        if plan is not None:
            self._execute(
                plan,
                (Step("ingest", arrived_ns, ingested_ns), Step("decide", started_ns, planned_ns)),
            )
        return planned_ns - started_ns

    def _swap_plan(self, order: SwapOrder, slot: int) -> SwapPlan | None:
        """Return the plan that the order becomes if it may go, or count why there is none."""
        view = self._parts.view
        if view is None or order.strategy != self._runner.name or order.pool not in self._tick_pools:
            self.tally.passed_over("order_not_offered")
            return None
        self._swaps += 1
        plan = view.plan(order, slot, self._swaps, self.desk.basis(order))
        if isinstance(plan, str):
            self.tally.passed_over(plan)
            return None
        return plan if self._may_go(plan, offered=True) else None

    def _execute(self, plan: AnyPlan, steps: tuple[Step, ...]) -> bool:
        """Try the plan, journaled before and after; return whether it was filled."""
        executor, journal, clock_ns = self._parts.executor, self._parts.journal, self._parts.clock_ns
        began_ns = clock_ns()
        prepared = executor.prepare(plan)
        prepared_ns = clock_ns()
        submission = prepared if isinstance(prepared, Submission) else None
        entry = self.desk.entry(plan)
        attempt_id = journal.intent(plan, entry, submission)
        journaled_ns = clock_ns()
        steps += (Step("prepare", began_ns, prepared_ns), Step("journal", prepared_ns, journaled_ns))
        if not isinstance(prepared, Outcome):
            self.tally.rehearsed(plan)
        try:
            if isinstance(prepared, Outcome):
                outcome: Outcome | None = prepared
            else:
                outcome = executor.submit(plan, submission, entry.slot)
        except OutcomeUnknown as error:
            outcome = None
            self._parts.observer.notice(
                f"attempt {attempt_id} stays at risk, its outcome is unknown: {error}"
            )
        if not isinstance(prepared, Outcome):
            steps += (Step("submit", journaled_ns, clock_ns()),)
            if outcome is None or not outcome.never_left:
                self.tally.sent(plan)
        tried = _Tried(attempt_id, plan, steps, None if submission is None else submission.signature)
        if outcome is None:
            self._under_way[attempt_id] = tried
            self.tally.outcome_unknown()
            return False
        self._settle(tried, outcome, plan.slot)
        return outcome.fill is not None

    def _settle(self, tried: _Tried, outcome: Outcome, slot: int) -> None:
        began_ns = self._parts.clock_ns()
        attempt_id, plan = tried.attempt_id, tried.plan
        settled_slot = max(slot, self.desk.state.slot)
        self._parts.journal.outcome(attempt_id, outcome, settled_slot)
        self.desk.settle(plan, outcome, settled_slot)
        if self._parts.fees is not None and self._parts.executor.teaches_fees:
            self._parts.fees.settled(plan, outcome)
        self.tally.traded(plan, outcome)
        says_nothing = outcome.is_dead and outcome.landed is None
        if isinstance(plan, Plan) and plan.opportunity.native is not None and not says_nothing:
            # The estimate of the next signals: what is unknown, or never was in the race, teaches nothing.
            signal = cast(phantom_core.Signal, plan.opportunity.native)
            self._parts.market.observe_landing(signal, outcome.state is OutcomeState.FILLED)
        self._runner.on_outcome(plan, outcome)
        steps = (*tried.steps, Step("settle", began_ns, self._parts.clock_ns()))
        self._parts.observer.traded(Trade(attempt_id, plan, outcome, steps, tried.signature))


def _opportunity(signal: phantom_core.Signal) -> Opportunity:
    try:
        return opportunity_from_native(signal)
    except ValueError as error:
        raise InvariantError(f"native engine: {error}") from error
