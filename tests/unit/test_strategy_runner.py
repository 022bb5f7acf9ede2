import signal
import threading
import time

import pytest

from phantom_arbiter.domain import Opportunity, Outcome, OutcomeState, Plan
from phantom_arbiter.strategies.base import Passive, atomic_plan
from phantom_arbiter.strategies.cyclic_arbitrage import CyclicArbitrage
from phantom_arbiter.strategy_runner import RunnerRules, StrategyRunner, interrupted_after
from shell_fakes import StepClock, opportunity, plan

RULES = RunnerRules(budget_ns=100, suspend_after=3)


class Scripted(Passive):
    """Does what the script says, call by call; then makes plans."""

    name = "scripted"

    def __init__(self, *script: object) -> None:
        self.script = list(script)

    def on_opportunity(self, opportunity: Opportunity) -> Plan | None:
        step = self.script.pop(0) if self.script else None
        if isinstance(step, Exception):
            raise step
        if step is not None:
            return step  # type: ignore[return-value]
        return atomic_plan(opportunity, strategy=self.name)


def runner(strategy: Passive, *, step_ns: int = 10, said: list[str] | None = None) -> StrategyRunner:
    told = said if said is not None else []
    return StrategyRunner(strategy, RULES, StepClock(step_ns), told.append)  # type: ignore[arg-type]


def test_plan_comes_back_and_is_counted() -> None:
    asked = runner(CyclicArbitrage())
    assert asked.on_opportunity(opportunity(1)).plan is not None
    assert asked.on_opportunity(opportunity(1, gross_profit=1, cost=1)).reason == "declined_by_strategy"
    report = asked.report()
    assert (report.calls, report.plans, report.overruns, report.longest_ns) == (2, 1, 0, 10)


def test_exception_is_a_refusal_with_file_and_line() -> None:
    asked = runner(Scripted(ZeroDivisionError("by zero\nindeed")))
    assert asked.on_opportunity(opportunity(1)).reason == "strategy_raised"
    assert asked.on_opportunity(opportunity(1)).plan is not None
    error = asked.report().last_error
    assert error is not None
    assert error.startswith("ZeroDivisionError: by zero indeed (test_strategy_runner.py:")


def test_exceptions_in_a_row_suspend_it_and_it_is_said_once() -> None:
    said: list[str] = []
    strategy = Scripted(*(ValueError(f"{number}") for number in range(9)))
    asked = runner(strategy, said=said)
    reasons = [asked.on_opportunity(opportunity(1)).reason for _ in range(5)]
    assert reasons == ["strategy_raised"] * 3 + ["strategy_suspended"] * 2
    assert len(strategy.script) == 6, "it is not called any more"
    assert len(said) == 1
    assert said[0].startswith("3 calls in a row failed, the last with ValueError: 2 (")
    asked.on_outcome(plan(), Outcome(OutcomeState.FAILED, "late", None, 0))
    assert asked.report().calls == 3


def test_success_ends_a_row_of_exceptions() -> None:
    errors = [ValueError(), ValueError(), None, ValueError(), ValueError(), None]
    asked = runner(Scripted(*errors))
    for _ in errors:
        asked.on_opportunity(opportunity(1))
    assert asked.report().suspended is None
    assert asked.report().exceptions == 4


def test_what_is_no_plan_is_a_failure_that_names_its_type() -> None:
    asked = runner(Scripted("buy"))
    assert asked.on_opportunity(opportunity(1)).reason == "strategy_gave_no_plan"
    assert asked.report().last_error == "on_opportunity returned str, not Plan or None"


def test_plan_with_a_field_of_another_type_is_a_failure_that_names_it() -> None:
    asked = runner(Scripted(Plan(opportunity(1), "scripted", 1e9)))  # type: ignore[arg-type]
    assert asked.on_opportunity(opportunity(1)).reason == "strategy_gave_no_plan"
    assert asked.report().last_error == (
        "on_opportunity returned a Plan in which min_amount_out is float, not int"
    )


def test_overruns_count_and_suspend_but_their_answers_stand() -> None:
    said: list[str] = []
    asked = runner(CyclicArbitrage(), step_ns=2_000_000, said=said)
    answers = [asked.on_opportunity(opportunity(1)) for _ in range(4)]
    assert [answer.plan is not None for answer in answers] == [True, True, True, False]
    assert asked.report().overruns == 3
    assert said == ["3 calls in a row took longer than 0.0001 ms, the last 2 ms"]


class Endless(Passive):
    name = "endless"

    def on_opportunity(self, opportunity: Opportunity) -> Plan | None:
        while True:
            try:
                time.sleep(3_600)
            except Exception:
                continue


posix = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="there is no alarm signal")


@posix
def test_call_that_does_not_come_back_is_interrupted_and_suspended() -> None:
    said: list[str] = []
    rules = RunnerRules(stop_after_ns=20_000_000)
    asked = StrategyRunner(Endless(), rules, time.perf_counter_ns, said.append)
    before = signal.getsignal(signal.SIGALRM)
    assert asked.on_opportunity(opportunity(1)).reason == "strategy_timed_out"
    assert asked.on_opportunity(opportunity(1)).reason == "strategy_suspended"
    assert said == ["on_opportunity was interrupted after 20 ms"]
    assert signal.getsignal(signal.SIGALRM) is before


@posix
def test_alarm_that_was_set_before_goes_on() -> None:
    before = signal.setitimer(signal.ITIMER_REAL, 1_000, 0)
    try:
        with interrupted_after(10**12):
            assert signal.getitimer(signal.ITIMER_REAL)[0] == pytest.approx(1_000, abs=1)
        left, interval = signal.getitimer(signal.ITIMER_REAL)
        assert left == pytest.approx(1_000, abs=1)
        assert interval == 0
    finally:
        signal.setitimer(signal.ITIMER_REAL, *before)


def test_other_threads_are_called_without_an_alarm() -> None:
    found: list[bool] = []

    def call() -> None:
        with interrupted_after(1):
            found.append(True)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert found == [True]
