from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import shipped_day
from phantom_arbiter.config import Config, risk_rules
from phantom_arbiter.domain import Opportunity, Outcome, OutcomeState, Plan, Verdict
from phantom_arbiter.engine import LOOK_INTERVAL_NS, REPORT_INTERVAL_NS, Engine, Parts, Trade
from phantom_arbiter.errors import InvariantError, JournalError, MarketDataError, OutcomeUnknown
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.paper import PaperExecutor
from phantom_arbiter.market_view import Fees, MarketView
from phantom_arbiter.native import stats_from_native
from phantom_arbiter.risk import Booked, RiskState
from phantom_arbiter.strategies.base import Passive, atomic_plan
from phantom_arbiter.strategies.cyclic_arbitrage import CyclicArbitrage
from phantom_arbiter.strategy_runner import RunnerRules
from phantom_arbiter.swaps import AnyPlan, SwapOrder, SwapPlan, Tick
from phantom_core import Engine as NativeEngine
from phantom_core import Record
from shell_fakes import (
    POOL_A,
    POOL_B,
    POOL_C,
    USDC,
    WSOL,
    FakeJournal,
    FakeMarket,
    FakeObserver,
    StepClock,
    opportunity,
    received,
    record_of_kind,
)


def parts(market: NativeEngine, **changes: object) -> Parts:
    whole = Parts(
        market=market,
        strategy=CyclicArbitrage(),
        rules=risk_rules(Config().risk),
        executor=PaperExecutor(market),
        journal=FakeJournal(),
        observer=FakeObserver(),
        clock_ns=StepClock(10),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


# ---- on the shipped day, with the real engine


def prices(market: NativeEngine) -> list[int]:
    """Return what a fill moves."""
    return [pool.details["sqrt_price_x64"] for pool in market.pools()]


def test_intent_is_journaled_before_the_market_is_touched() -> None:
    market, untouched = shipped_day.market(), shipped_day.market()
    shipped_day.first_signal(untouched)
    seen: list[list[int]] = []

    class Looking(FakeJournal):
        def intent(self, plan: AnyPlan, entry: Booked, submission: Submission | None = None) -> int:
            seen.append(prices(market))
            return super().intent(plan, entry)

        def outcome(self, attempt_id: int, outcome: Outcome, slot: int) -> None:
            seen.append(prices(market))
            super().outcome(attempt_id, outcome, slot)

    journal = Looking()
    engine = Engine(parts(market, journal=journal))
    engine.run(shipped_day.up_to_signal(1))
    assert journal.events == ["intent 1", "filled 1"]
    assert seen[0] == prices(untouched)
    assert seen[1] != seen[0]
    assert (engine.tally.attempts, engine.tally.filled) == (1, 1)


def test_journal_that_fails_stops_the_run_before_the_market_is_touched() -> None:
    class FullJournal(FakeJournal):
        def intent(self, plan: AnyPlan, entry: Booked, submission: Submission | None = None) -> int:
            raise JournalError("disk is full")

    market, untouched = shipped_day.market(), shipped_day.market()
    shipped_day.first_signal(untouched)
    with pytest.raises(JournalError):
        Engine(parts(market, journal=FullJournal())).run(shipped_day.up_to_signal(1))
    assert prices(market) == prices(untouched)


def test_whole_day_reaches_the_market_as_if_fed_by_hand() -> None:
    market, twin = shipped_day.market(), shipped_day.market()
    engine = Engine(parts(market))
    engine.run(shipped_day.records())
    for record in shipped_day.records():
        for signal in shipped_day.feed(twin, record):
            twin.take(signal)
    assert market.state_digest() == twin.state_digest()
    assert engine.stats() == stats_from_native(twin.stats())
    assert (engine.records, engine.recorded_ns) == (
        len(shipped_day.records()),
        shipped_day.records()[-1].arrival_ns,
    )


def test_outcomes_teach_the_engine_how_likely_the_next_attempt_lands() -> None:
    observer = FakeObserver()
    Engine(parts(shipped_day.market(), observer=observer)).run(shipped_day.up_to_signal(3))
    told = [trade.plan.opportunity for trade in observer.trades if isinstance(trade.plan, Plan)]
    assert [trade.outcome.state for trade in observer.trades] == ["filled"] * 3
    assert told[0].landing_e4 == 5_000
    assert told[0].landing_e4 < told[1].landing_e4 < told[2].landing_e4


def test_risk_refusal_is_counted_by_reason_and_told() -> None:
    observer = FakeObserver()
    rules = risk_rules(Config().risk)
    small = {mint: replace(limit, max_amount_in=1) for mint, limit in rules.limits.mints.items()}
    rules = replace(rules, limits=replace(rules.limits, mints=small))
    engine = Engine(parts(shipped_day.market(), observer=observer, rules=rules))
    engine.run(shipped_day.up_to_signal(1))
    assert engine.tally.refusals == {"risk_per_trade": 1}
    assert [verdict.reason for verdict in observer.refusals] == ["per_trade"]
    assert engine.tally.attempts == 0


def test_opportunity_that_the_strategy_declines_is_counted() -> None:
    engine = Engine(parts(shipped_day.market(), strategy=CyclicArbitrage(min_profit=10**18)))
    engine.run(shipped_day.up_to_signal(1))
    assert engine.tally.refusals == {"declined_by_strategy": 1}
    assert engine.tally.attempts == 0


def test_kill_switch_file_stops_sending_as_long_as_it_is_there(tmp_path: Path) -> None:
    file = tmp_path / "stop"

    class Toggling(FakeObserver):
        def refused(self, plan: AnyPlan, verdict: Verdict) -> None:
            file.unlink()

    file.touch()
    engine = Engine(parts(shipped_day.market(), kill_switch_file=file, observer=Toggling()))
    engine.run(shipped_day.up_to_signal(2))
    assert engine.tally.refusals == {"risk_kill_switch": 1}
    # The refused opening is offered again, so both are taken.
    assert engine.tally.filled == 2


def test_latency_counts_received_frames_and_leaves_execution_out() -> None:
    clock = StepClock(10)

    class SlowJournal(FakeJournal):
        def intent(self, plan: AnyPlan, entry: Booked, submission: Submission | None = None) -> int:
            for _ in range(1_000):
                clock()
            return 1

    records = shipped_day.up_to_signal(1)
    engine = Engine(parts(shipped_day.market(), clock_ns=clock, journal=SlowJournal()))
    engine.run(records)
    assert engine.tally.filled == 1
    assert engine.latency.count == sum(record.kind == "received" for record in records) < len(records)
    assert (engine.latency.quantile(0.5), engine.latency.max_ns) == (10, 40)


def test_stop_from_within_leaves_the_rest_unread_and_reports_once_more() -> None:
    class Stopping(FakeObserver):
        def traded(self, trade: Trade) -> None:
            engine.stop()

    observer = Stopping()
    engine = Engine(parts(shipped_day.market(), observer=observer))
    engine.run(shipped_day.up_to_signal(2))
    expected = len(shipped_day.up_to_signal(1))
    assert (engine.records, engine.stopped_early) == (expected, True)
    assert [report.records for report in observer.reports] == [expected]


def test_observer_hears_of_progress_ten_times_a_second() -> None:
    observer = FakeObserver()
    # A frame takes two readings, so 50 frames pass the interval once.
    clock = StepClock(REPORT_INTERVAL_NS // 100)
    engine = Engine(parts(shipped_day.market(), observer=observer, clock_ns=clock))
    engine.run(received(*[b"quiet"] * 149))
    assert [report.records for report in observer.reports] == [50, 100, 149]


def test_strategy_that_asks_for_ticks_sees_prices_once_a_slot_and_may_swap() -> None:
    market = shipped_day.market()
    sol_usdc = "65shmpuYmxx5p7ggNCZbyrGLCXVqbBR1ZD5aAocRBUNG"

    class Buyer(Passive):
        name = "buyer"
        pools = (sol_usdc,)

        def __init__(self) -> None:
            self.ticks: list[Tick] = []
            self.outcomes: list[tuple[AnyPlan, Outcome]] = []

        def on_tick(self, tick: Tick) -> SwapOrder | None:
            self.ticks.append(tick)
            if len(self.ticks) == 1:
                return SwapOrder(self.name, sol_usdc, USDC, WSOL, 5_000_000, 1, USDC)
            if len(self.ticks) == 3:
                (held,) = tick.positions
                return SwapOrder(self.name, sol_usdc, WSOL, USDC, held.amount, 1, USDC)
            return None

        def on_outcome(self, plan: AnyPlan, outcome: Outcome) -> None:
            self.outcomes.append((plan, outcome))

    buyer, journal = Buyer(), FakeJournal()
    view = MarketView(market, Fees(5_000, 20_000, 10_000, WSOL))
    engine = Engine(parts(market, strategy=buyer, journal=journal, view=view, base_mints=(USDC, WSOL)))
    engine.run(shipped_day.records()[:2_000])
    slots = [tick.slot for tick in buyer.ticks]
    assert slots == sorted(set(slots))
    assert buyer.ticks[0].costs[WSOL] == 35_000
    assert journal.events == ["intent 1", "filled 1", "intent 2", "filled 2"]
    (bought, first), (sold, second) = buyer.outcomes
    assert isinstance(bought, SwapPlan)
    assert isinstance(sold, SwapPlan)
    assert first.fill is not None
    assert second.fill is not None
    assert sold.amount_in == first.fill.amount_out
    assert second.gross_profit == second.fill.amount_out - 5_000_000
    assert engine.desk.positions("buyer") == ()
    assert engine.tally.profit()[0].net_profit == first.net_profit + second.net_profit < 0
    assert engine.tally.funnel()[1].evaluations == 0, "a swap is no cycle"


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"strategy": "other"}, "order_not_offered"), ({"min_amount_out": 10**9}, "quote_below_minimum_out")],
)
def test_order_that_cannot_go_is_counted(change: dict[str, object], reason: str) -> None:
    market = shipped_day.market()
    sol_usdc = "65shmpuYmxx5p7ggNCZbyrGLCXVqbBR1ZD5aAocRBUNG"
    order = replace(SwapOrder("once", sol_usdc, USDC, WSOL, 5, 1, USDC), **change)  # type: ignore[arg-type]

    class Once(Passive):
        name = "once"
        pools = (sol_usdc,)

        def on_tick(self, tick: Tick) -> SwapOrder | None:
            return order

    view = MarketView(market, Fees(5_000, 20_000, 10_000, WSOL))
    engine = Engine(parts(market, strategy=Once(), view=view))
    engine.run(shipped_day.records()[:2_000])
    assert engine.tally.attempts == 0
    assert engine.tally.refusals[reason] > 0


# ---- what the real engine does not do on demand


def test_strategy_that_changes_what_it_was_shown_is_refused() -> None:
    class Greedy(Passive):
        name = "greedy"

        def on_opportunity(self, opportunity: Opportunity) -> Plan | None:
            return atomic_plan(replace(opportunity), strategy=self.name)

    market, observer = FakeMarket({b"x": [opportunity(1)]}), FakeObserver()
    Engine(parts(market.engine, strategy=Greedy(), observer=observer)).run(received(b"x"))
    assert [verdict.reason for verdict in observer.refusals] == ["plan_not_offered"]


def test_unknown_outcome_stays_at_risk_until_it_is_resolved() -> None:
    known: list[Outcome] = []
    booked: list[int] = []

    class Sending:
        teaches_fees = True

        def obstacle(self) -> None:
            return None

        def prepare(self, plan: AnyPlan) -> None:
            return None

        def submit(self, plan: AnyPlan, submission: Submission | None, slot: int) -> Outcome:
            booked.append(slot)
            raise OutcomeUnknown("no answer in time")

        def resolve(self, plan: AnyPlan) -> Outcome | None:
            return known.pop() if known else None

    market, journal, observer = FakeMarket({b"x": [opportunity(1)]}), FakeJournal(), FakeObserver()
    clock = StepClock(LOOK_INTERVAL_NS)
    engine = Engine(
        parts(
            market.engine,
            executor=Sending(),
            journal=journal,
            observer=observer,
            clock_ns=clock,
            risk=RiskState(slot=250),
        )
    )
    engine.run(received(b"x", b"quiet"))
    assert engine.desk.state.limits.exposure(USDC) == 1_000_000_000
    assert booked == [250], "the highest slot known, not the plan's own"
    assert journal.events == ["intent 1"]
    assert (engine.tally.unknown, engine.tally.attempts) == (1, 0)
    assert observer.notices == ["attempt 1 stays at risk, its outcome is unknown: no answer in time"]
    assert not {"landed 1", "missed 1"} & set(market.calls), "what is unknown teaches nothing"
    known.append(Outcome(OutcomeState.FAILED, "blockhash_expired", None, 0))
    engine.run(received(b"quiet"))
    assert market.calls.count("missed 1") == 1
    assert journal.events == ["intent 1", "failed 1"]
    assert engine.desk.state.limits.exposure(USDC) == 0
    assert engine.tally.failures == {"blockhash_expired": 1}


def test_strategy_that_keeps_raising_is_suspended_and_the_run_goes_on() -> None:
    class Broken(Passive):
        name = "broken"

        def on_opportunity(self, opportunity: Opportunity) -> Plan | None:
            raise KeyError("price")

    signals = {bytes([number]): [opportunity(number, slot=number * 100)] for number in range(1, 5)}
    market, journal, observer = FakeMarket(signals), FakeJournal(), FakeObserver()
    rules = RunnerRules(suspend_after=2)
    engine = Engine(parts(market.engine, strategy=Broken(), journal=journal, observer=observer, runner=rules))
    engine.run(received(*signals))
    assert engine.tally.refusals == {"strategy_raised": 2, "strategy_suspended": 2}
    assert engine.records == 4
    assert [(change.what, change.key) for change in journal.changes] == [("strategy_suspended", "broken")]
    assert len(observer.notices) == 1
    assert "test_engine_loop.py:" in (engine.strategy_report().last_error or "")


def test_kill_switches_and_rules_are_looked_at_once_a_second(tmp_path: Path) -> None:
    looks: list[int] = []

    class Watch:
        def look(self) -> None:
            looks.append(engine.records)

    # A frame takes two readings: the interval passes with every fifth.
    clock = StepClock(LOOK_INTERVAL_NS // 10)
    engine = Engine(parts(FakeMarket().engine, clock_ns=clock, watch=Watch()))
    engine.run(received(*[b"quiet"] * 15))
    assert looks == [5, 10, 15]


def test_source_without_frames_may_have_the_engine_look() -> None:
    looks: list[int] = []

    class Watch:
        def look(self) -> None:
            looks.append(engine.records)

    clock = StepClock(LOOK_INTERVAL_NS // 10)
    engine = Engine(parts(FakeMarket().engine, clock_ns=clock, watch=Watch()))
    engine.look()
    assert looks == [0]
    engine.run(received(*[b"quiet"] * 6))
    assert looks == [0, 5], "the next interval begins with the look"


def test_every_kind_of_record_reaches_its_door() -> None:
    market = FakeMarket()
    records = [
        Record("connect", "a", 0),
        Record("sent", "a", 1, b"ask"),
        Record("received", "a", 2, b"answer"),
        Record("disconnect", "a", 3),
    ]
    engine = Engine(parts(market.engine))
    engine.run(records)
    assert market.calls == ["connect a", "request a ask", "ingest a answer", "disconnect a"]
    assert (engine.records, engine.recorded_ns) == (4, 3)


def test_signal_released_by_a_disconnect_is_traded_too() -> None:
    market = FakeMarket(on_disconnect=[opportunity(4)])
    engine = Engine(parts(market.engine))
    engine.run([Record("disconnect", "a", 0)])
    assert engine.tally.filled == 1


def test_signal_quoted_before_a_fill_in_its_pool_is_passed_over() -> None:
    both = [opportunity(1, pools=(POOL_A, POOL_B)), opportunity(2, pools=(POOL_B, POOL_C))]
    market = FakeMarket({b"x": both})
    engine = Engine(parts(market.engine))
    engine.run(received(b"x"))
    assert engine.tally.refusals == {"quoted_before_a_fill": 1}
    assert [call for call in market.calls if call.startswith("take")] == ["take 1"]


def test_cycle_that_a_fill_leaves_open_is_taken_at_fresh_quotes() -> None:
    both = [opportunity(1, pools=(POOL_A, POOL_B)), opportunity(2, pools=(POOL_B, POOL_C))]
    market = FakeMarket({b"x": both}, left_open=[[opportunity(3, pools=(POOL_B, POOL_C))]])
    engine = Engine(parts(market.engine))
    engine.run(received(b"x"))
    assert market.calls == [
        "ingest a x",
        "take 1",
        "landed 1",
        "recheck 100",
        "take 3",
        "landed 3",
        "recheck 100",
    ]
    assert (engine.tally.signals, engine.tally.filled) == (3, 2)


def test_market_is_not_looked_at_again_after_a_failure() -> None:
    market = FakeMarket({b"x": [opportunity(1)]}, fills={1: MarketDataError("gone")})
    Engine(parts(market.engine)).run(received(b"x"))
    assert market.calls == ["ingest a x", "take 1", "missed 1"]


def test_failed_attempt_is_journaled_and_the_run_goes_on() -> None:
    market = FakeMarket(
        {b"x": [opportunity(1)], b"y": [opportunity(2, slot=200)]}, fills={1: MarketDataError("gone")}
    )
    journal = FakeJournal()
    engine = Engine(parts(market.engine, journal=journal))
    engine.run(received(b"x", b"y"))
    assert journal.events == ["intent 1", "failed 1", "intent 2", "filled 2"]
    assert engine.tally.failures == {"market_data": 1}


def test_native_engine_that_contradicts_itself_stops_the_run() -> None:
    wrong = SimpleNamespace(**asdict(opportunity(1)) | {"hops": opportunity(1).hops, "net_profit": 1})
    market = FakeMarket({b"x": [wrong]})
    with pytest.raises(InvariantError, match="native engine: opening 1: net profit 1"):
        Engine(parts(market.engine)).run(received(b"x"))


def test_unknown_kind_of_record_stops_the_run() -> None:
    with pytest.raises(InvariantError, match="unknown kind 'paused'"):
        Engine(parts(shipped_day.market())).run([record_of_kind("paused")])
