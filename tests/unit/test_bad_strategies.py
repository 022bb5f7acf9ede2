"""Strategies that raise, hang, answer rubbish or write into what they see: a reason, and the run goes on."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import inf, nan

import pytest

import shipped_day
from phantom_arbiter.config import Config, risk_rules
from phantom_arbiter.domain import Opportunity, Outcome, Plan
from phantom_arbiter.engine import Engine, Parts
from phantom_arbiter.execution.paper import PaperExecutor
from phantom_arbiter.market_view import Fees, MarketView
from phantom_arbiter.strategies.base import Passive, Strategy, atomic_plan
from phantom_arbiter.strategy_runner import RunnerRules
from phantom_arbiter.swaps import AnyPlan, SwapOrder, Tick
from phantom_core import Engine as NativeEngine
from shell_fakes import (
    USDC,
    WSOL,
    FakeJournal,
    FakeMarket,
    FakeObserver,
    StepClock,
    opportunity,
    received,
)

SOL_USDC = "65shmpuYmxx5p7ggNCZbyrGLCXVqbBR1ZD5aAocRBUNG"
FRAMES = 3


class Bad(Passive):
    """Does one thing with everything that it is shown."""

    name = "bad"
    pools = (SOL_USDC,)

    def __init__(self, does: object) -> None:
        self.does = does

    def on_opportunity(self, opportunity: Opportunity) -> Plan | None:
        return self.does(opportunity)  # type: ignore[operator, no-any-return]

    def on_tick(self, tick: Tick) -> SwapOrder | None:
        return self.does(tick)  # type: ignore[operator, no-any-return]


def parts(market: NativeEngine, strategy: Strategy, **changes: object) -> Parts:
    whole = Parts(
        market=market,
        strategy=strategy,
        rules=risk_rules(Config().risk),
        executor=PaperExecutor(market),
        journal=FakeJournal(),
        observer=FakeObserver(),
        clock_ns=StepClock(10),
        runner=RunnerRules(suspend_after=1_000),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def refusals(does: object, **changes: object) -> dict[str, int]:
    """Return why nothing was tried of three cycles, each in a frame of its own."""
    script = {bytes([number]): [opportunity(number, slot=100 * number)] for number in range(1, FRAMES + 1)}
    engine = Engine(parts(FakeMarket(script).engine, Bad(does), **changes))
    engine.run(received(*script))
    assert engine.records == FRAMES
    assert engine.tally.attempts == 0
    assert engine.desk.state.limits.at_risk == {}
    return dict(engine.tally.refusals)


def raising(error: BaseException) -> object:
    def does(shown: object) -> None:
        raise error

    return does


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize(
    "does",
    [
        raising(ZeroDivisionError()),
        raising(RecursionError("deep")),
        raising(MemoryError()),
        raising(SystemExit(3)),
        raising(GeneratorExit()),
        raising(UnspeakableError()),
        raising(ValueError("\ud800" * 10_000)),
        lambda shown: setattr(shown, "amount_in", 1),
        lambda shown: shown.hops.append(None),
        lambda shown: SwapOrder("bad", SOL_USDC, USDC, USDC, 0, -1, WSOL),
    ],
    ids=range(10),
)
def test_whatever_it_raises_is_a_refusal(does: object) -> None:
    assert refusals(does) == {"strategy_raised": FRAMES}


@dataclass(frozen=True, slots=True)
class Cheap(Plan):
    """Claims to put nothing at risk."""

    @property
    def stake(self) -> int:
        return 0


def planned(shown: Opportunity, **changes: object) -> Plan:
    made = Plan(shown, "bad", shown.amount_in + shown.cost + 1)
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "does",
    [
        lambda shown: shown,
        lambda shown: True,
        lambda shown: nan,
        lambda shown: [planned(shown)],
        lambda shown: planned(shown, min_amount_out=nan),
        lambda shown: planned(shown, min_amount_out=inf),
        lambda shown: planned(shown, min_amount_out=True),
        lambda shown: planned(shown, min_amount_out=10**5_000),
        lambda shown: planned(shown, min_amount_out=-1),
        lambda shown: planned(shown, opportunity=None),
        lambda shown: planned(shown, strategy=None),
        lambda shown: planned(shown, strategy="\ud800"),
        lambda shown: Cheap(shown, "bad", shown.amount_in + shown.cost + 1),
    ],
    ids=range(13),
)
def test_whatever_is_no_plan_is_a_refusal(does: object) -> None:
    assert refusals(does) == {"strategy_gave_no_plan": FRAMES}


def smuggling(**changes: object) -> object:
    """Return what writes into the frozen value it was shown, past Python's own guard."""

    def does(shown: Opportunity) -> Plan | None:
        for name, value in changes.items():
            object.__setattr__(shown, name, value)
        return planned(shown)

    return does


@pytest.mark.parametrize(
    "does",
    [
        lambda shown: planned(shown, opportunity=replace(shown)),
        lambda shown: planned(shown, strategy="cyclic_arbitrage"),
        smuggling(amount_in=1, cost=0),
        smuggling(base_mint=WSOL),
        smuggling(slot="x"),
        smuggling(hops=()),
        smuggling(native=None),
    ],
    ids=range(7),
)
def test_plan_about_something_else_is_a_refusal(does: object) -> None:
    journal = FakeJournal()
    assert refusals(does, journal=journal) == {"risk_plan_not_offered": FRAMES}
    assert [verdict.reason for verdict in journal.verdicts] == ["plan_not_offered"] * FRAMES


def test_hook_without_a_name_is_called_all_the_same() -> None:
    class Nameless(Bad):
        on_opportunity = partial(lambda shown: 1)  # type: ignore[assignment]

    engine = Engine(parts(FakeMarket({b"x": [opportunity(1)]}).engine, Nameless(None)))  # type: ignore[arg-type]
    engine.run(received(b"x"))
    assert engine.strategy_report().last_error == "a hook returned int, not Plan or None"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no alarm signal")
def test_strategy_that_hangs_is_interrupted_and_the_run_goes_on() -> None:
    def hang(shown: object) -> None:
        while True:
            time.sleep(3_600)

    observer = FakeObserver()
    rules = RunnerRules(stop_after_ns=20_000_000)
    found = refusals(hang, runner=rules, observer=observer)
    assert found == {"strategy_timed_out": 1, "strategy_suspended": FRAMES - 1}
    assert len(observer.notices) == 1


def test_strategy_that_raises_when_it_hears_outcomes_trades_on() -> None:
    class Deaf(Passive):
        name = "deaf"

        def on_opportunity(self, opportunity: Opportunity) -> Plan | None:
            return atomic_plan(opportunity, strategy=self.name)

        def on_outcome(self, plan: AnyPlan, outcome: Outcome) -> None:
            raise RuntimeError("not now")

    script = {bytes([number]): [opportunity(number, slot=100 * number)] for number in range(1, 4)}
    journal = FakeJournal()
    engine = Engine(parts(FakeMarket(script).engine, Deaf(), journal=journal))
    engine.run(received(*script))
    assert engine.tally.filled == 3
    assert journal.events == [f"{what} {number}" for number in (1, 2, 3) for what in ("intent", "filled")]
    assert engine.strategy_report().exceptions == 3


# ---- prices and orders, on the shipped day


def order(**changes: object) -> SwapOrder:
    return replace(SwapOrder("bad", SOL_USDC, USDC, WSOL, 5_000_000, 1, USDC), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        (raising(OverflowError()), "strategy_raised"),
        (lambda tick: order(amount_in=0), "strategy_raised"),
        (lambda tick: tick.prices.clear(), "strategy_raised"),
        (lambda tick: tick.prices.__setitem__(SOL_USDC, None), "strategy_raised"),
        (lambda tick: tick.costs.__setitem__(USDC, 0), "strategy_raised"),
        (lambda tick: "buy", "strategy_gave_no_plan"),
        (lambda tick: order(amount_in=nan), "strategy_gave_no_plan"),
        (lambda tick: order(amount_in=inf), "strategy_gave_no_plan"),
        (lambda tick: order(amount_in=1e6), "strategy_gave_no_plan"),
        (lambda tick: order(amount_in=2**64), "strategy_gave_no_plan"),
        (lambda tick: order(mint_out="\ud800"), "strategy_gave_no_plan"),
        (lambda tick: order(amount_in=2**63), "amount_too_large"),
        (lambda tick: order(mint_out="nowhere"), "unknown_pool_or_mint"),
        (lambda tick: order(pool=WSOL), "order_not_offered"),
        (lambda tick: order(mint_in=WSOL, mint_out=USDC), "position_not_held"),
    ],
    ids=range(15),
)
def test_whatever_is_no_order_is_a_refusal(does: Callable[[Tick], SwapOrder | None], reason: str) -> None:
    class Ticking(Bad):
        def on_opportunity(self, opportunity: Opportunity) -> Plan | None:
            return None

    market = shipped_day.market()
    view = MarketView(market, Fees(5_000, 20_000, 10_000, WSOL))
    engine = Engine(parts(market, Ticking(does), view=view))
    frames = shipped_day.records()[:2_000]
    engine.run(frames)
    assert engine.records == len(frames)
    assert engine.tally.attempts == 0
    assert set(engine.tally.refusals) - {"declined_by_strategy"} == {reason}
