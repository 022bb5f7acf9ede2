from dataclasses import replace
from pathlib import Path

import pytest

from phantom_arbiter.config import risk_rules
from phantom_arbiter.config_sources import load
from phantom_arbiter.engine import REPORT_INTERVAL_NS, Engine, Parts
from phantom_arbiter.errors import InvariantError, JournalError, MarketDataError
from phantom_arbiter.execution.paper import PaperExecutor
from phantom_arbiter.strategies.cyclic_arbitrage import CyclicArbitrage
from shell_fakes import (
    POOL_A,
    POOL_B,
    POOL_C,
    USDC,
    WSOL,
    FakeJournal,
    FakeMarket,
    FakeObserver,
    FakeRecord,
    StepClock,
    received,
    signal,
)


def parts(market: FakeMarket, **changes: object) -> Parts:
    whole = Parts(
        market=market,
        strategy=CyclicArbitrage(),
        rules=risk_rules(load().config.risk),
        executor=PaperExecutor(market),
        journal=FakeJournal(),
        observer=FakeObserver(),
        clock_ns=StepClock(10),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def test_every_kind_of_record_reaches_its_door() -> None:
    market = FakeMarket()
    records = [
        FakeRecord("connect", "a", 0),
        FakeRecord("sent", "a", 1, b"ask"),
        FakeRecord("received", "a", 2, b"answer"),
        FakeRecord("disconnect", "a", 3),
    ]
    engine = Engine(parts(market))
    engine.run(records)
    assert market.calls == ["connect a", "request a ask", "ingest a answer", "disconnect a"]
    assert (engine.records, engine.recorded_ns) == (4, 3)


def test_intent_is_journaled_before_the_market_is_touched() -> None:
    events: list[str] = []
    market = FakeMarket({b"x": [signal(4)]}, calls=events)
    engine = Engine(parts(market, journal=FakeJournal(events)))
    engine.run(received(b"x"))
    assert events == ["ingest a x", "intent 4", "take 4", "filled 4", "recheck 100"]
    assert (engine.tally.attempts, engine.tally.filled) == (1, 1)


def test_signal_released_by_a_disconnect_is_traded_too() -> None:
    market = FakeMarket(on_disconnect=[signal(4)])
    engine = Engine(parts(market))
    engine.run([FakeRecord("disconnect", "a", 0)])
    assert engine.tally.filled == 1


def test_signal_quoted_before_a_fill_in_its_pool_is_passed_over() -> None:
    both = [signal(1, pools=(POOL_A, POOL_B)), signal(2, pools=(POOL_B, POOL_C))]
    market = FakeMarket({b"x": both})
    engine = Engine(parts(market))
    engine.run(received(b"x"))
    assert engine.tally.refusals == {"quoted_before_a_fill": 1}
    assert [call for call in market.calls if call.startswith("take")] == ["take 1"]


def test_cycle_that_a_fill_leaves_open_is_taken_at_fresh_quotes() -> None:
    both = [signal(1, pools=(POOL_A, POOL_B)), signal(2, pools=(POOL_B, POOL_C))]
    market = FakeMarket({b"x": both}, left_open=[[signal(3, pools=(POOL_B, POOL_C))]])
    engine = Engine(parts(market))
    engine.run(received(b"x"))
    assert market.calls == ["ingest a x", "take 1", "recheck 100", "take 3", "recheck 100"]
    assert (engine.tally.signals, engine.tally.filled) == (3, 2)


def test_market_is_not_looked_at_again_after_a_failure() -> None:
    market = FakeMarket({b"x": [signal(1)]}, fills={1: MarketDataError("gone")})
    Engine(parts(market)).run(received(b"x"))
    assert market.calls == ["ingest a x", "take 1"]


def test_refusals_are_counted_by_reason_and_told() -> None:
    observer = FakeObserver()
    market = FakeMarket({b"x": [signal(1, amount_in=10**15)], b"y": [signal(2, gross_profit=5, cost=5)]})
    engine = Engine(parts(market, observer=observer))
    engine.run(received(b"x", b"y"))
    assert engine.tally.refusals == {"risk_per_trade": 1, "declined_by_strategy": 1}
    assert [verdict.reason for verdict in observer.refusals] == ["per_trade"]
    assert engine.tally.attempts == 0


def test_kill_switch_file_stops_sending_as_long_as_it_is_there(tmp_path: Path) -> None:
    file = tmp_path / "stop"
    market = FakeMarket({b"x": [signal(1)], b"y": [signal(2, slot=200)]})

    class Toggling(FakeObserver):
        def refused(self, *_: object) -> None:
            file.unlink()

    file.touch()
    engine = Engine(parts(market, kill_switch_file=file, observer=Toggling()))
    engine.run(received(b"x", b"y"))
    assert engine.tally.refusals == {"risk_kill_switch": 1}
    assert engine.tally.filled == 1


def test_failed_attempt_is_journaled_and_the_run_goes_on() -> None:
    market = FakeMarket({b"x": [signal(1)], b"y": [signal(2, slot=200)]}, fills={1: MarketDataError("gone")})
    journal = FakeJournal()
    engine = Engine(parts(market, journal=journal))
    engine.run(received(b"x", b"y"))
    assert journal.events == ["intent 1", "failed 1", "intent 2", "filled 2"]
    assert engine.tally.failures == {"market_data": 1}


def test_funnel_counts_evaluations_and_distinct_openings() -> None:
    market = FakeMarket(
        {b"x": [signal(1)], b"y": [signal(1, slot=200)], b"z": [signal(2, slot=300)]},
        fills={2: MarketDataError("gone")},
    )
    engine = Engine(parts(market))
    engine.run(received(b"x", b"y", b"z"))
    accepted, taken = engine.tally.funnel()
    assert (accepted.name, accepted.evaluations, accepted.openings) == ("after_risk", 3, 2)
    assert (taken.name, taken.evaluations, taken.openings) == ("taken", 2, 1)


def test_profit_is_summed_per_mint_after_costs() -> None:
    market = FakeMarket(
        {
            b"x": [signal(1, gross_profit=900, cost=100)],
            b"y": [signal(2, slot=200, base_mint=WSOL, gross_profit=80, cost=30)],
            b"z": [signal(3, slot=300, gross_profit=700, cost=100)],
        }
    )
    engine = Engine(parts(market))
    engine.run(received(b"x", b"y", b"z"))
    sums = {
        profit.mint: (profit.filled, profit.gross_profit, profit.cost, profit.net_profit)
        for profit in engine.tally.profit()
    }
    assert sums == {USDC: (2, 1_600, 200, 1_400), WSOL: (1, 80, 30, 50)}


def test_best_cycles_are_ranked_by_value_across_mints() -> None:
    # The same 19,000 lamports of costs are 100 units of one mint and 10 of the other.
    script = {
        b"a": [signal(1, slot=100, gross_profit=1_100, cost=100)],
        b"b": [signal(2, slot=200, base_mint=WSOL, gross_profit=310, cost=10)],
        b"c": [signal(3, slot=300, gross_profit=2_100, cost=100)],
        b"d": [signal(4, slot=400, gross_profit=150, cost=100)],
        b"e": [signal(5, slot=500, gross_profit=160, cost=100)],
        b"f": [signal(6, slot=600, gross_profit=170, cost=100)],
    }
    engine = Engine(parts(FakeMarket(script)))
    engine.run(received(*script))
    assert [filled.plan.opportunity.opening_id for filled in engine.tally.best] == [2, 3, 1, 6, 5]


def test_latency_counts_received_frames_and_leaves_execution_out() -> None:
    clock = StepClock(10)

    class SlowJournal(FakeJournal):
        def intent(self, plan: object) -> int:
            for _ in range(1_000):
                clock()
            return 1

    market = FakeMarket({b"x": [signal(1)]})
    engine = Engine(parts(market, clock_ns=clock, journal=SlowJournal()))
    engine.run([FakeRecord("connect", "a", 0), *received(b"quiet", b"x", b"quiet")])
    assert engine.latency.count == 3
    assert (engine.latency.quantile(0.5), engine.latency.max_ns) == (10, 20)


def test_stop_from_within_leaves_the_rest_unread_and_reports_once_more() -> None:
    observer = FakeObserver()
    market = FakeMarket({b"x": [signal(1)]})
    whole = parts(market)

    class Stopping(FakeObserver):
        def traded(self, trade: object) -> None:
            engine.stop()

        def progress(self, progress: object) -> None:
            observer.reports.append(progress)  # type: ignore[arg-type]

    engine = Engine(replace(whole, observer=Stopping()))
    engine.run(received(b"x", b"y"))
    assert (engine.records, engine.stopped_early) == (1, True)
    assert [report.records for report in observer.reports] == [1]


def test_observer_hears_of_progress_ten_times_a_second() -> None:
    observer = FakeObserver()
    # A frame takes two readings, so 50 frames pass the interval once.
    engine = Engine(parts(FakeMarket(), observer=observer, clock_ns=StepClock(REPORT_INTERVAL_NS // 100)))
    engine.run(received(*[b"quiet"] * 149))
    assert [report.records for report in observer.reports] == [50, 100, 149]


def test_native_engine_that_contradicts_itself_stops_the_run() -> None:
    market = FakeMarket({b"x": [replace(signal(1), net_profit=1)]})
    with pytest.raises(InvariantError, match="native engine: opening 1: net profit 1"):
        Engine(parts(market)).run(received(b"x"))


def test_unknown_kind_of_record_stops_the_run() -> None:
    with pytest.raises(InvariantError, match="unknown kind 'paused'"):
        Engine(parts(FakeMarket())).run([FakeRecord("paused", "a", 0)])


def test_journal_that_fails_stops_the_run_before_the_market_is_touched() -> None:
    class FullJournal(FakeJournal):
        def intent(self, plan: object) -> int:
            raise JournalError("disk is full")

    market = FakeMarket({b"x": [signal(1)]})
    with pytest.raises(JournalError):
        Engine(parts(market, journal=FullJournal())).run(received(b"x"))
    assert market.calls == ["ingest a x"]
