"""Between the engine and a strategy: what it costs is measured, what it breaks stays its own.

- Every call is timed. One that takes longer than the budget is an overrun: its answer counts, the overrun is
  counted.
- An exception is a refusal, `strategy_raised`; the report names the file and line.
- After so many overruns or exceptions in a row the strategy is suspended: the engine says so once, watches
  on, and asks it nothing more.
- A call that does not come back is interrupted after `stop_after_ns` and the strategy suspended. This uses
  the machine's alarm signal, so it works in the main thread, where runs are, on POSIX systems.
"""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from types import FrameType
from typing import Any, Generic, TypeVar

from phantom_arbiter.domain import Opportunity, Outcome, Plan
from phantom_arbiter.strategies.base import Strategy
from phantom_arbiter.swaps import AnyPlan, SwapOrder, Tick

T = TypeVar("T")

DECLINED = "declined_by_strategy"
RAISED = "strategy_raised"
SUSPENDED = "strategy_suspended"
TIMED_OUT = "strategy_timed_out"
NO_PLAN = "strategy_gave_no_plan"
"""Why there is no plan: reasons that the tally counts. The last one: what came back is none."""


MAX_MESSAGE = 500
"""Characters of an exception's message that are kept."""


class _TimedOut(BaseException):
    """Raised inside a call that does not come back; no `except Exception` holds it."""


@dataclass(frozen=True, slots=True)
class RunnerRules:
    """What a strategy may take.

    Attributes:
        budget_ns: Time of one call; more is an overrun.
        suspend_after: Overruns, or exceptions, in a row that suspend it.
        stop_after_ns: Time after which a call is interrupted; None for never.
    """

    budget_ns: int = 1_000_000
    suspend_after: int = 10
    stop_after_ns: int | None = None


@dataclass(frozen=True, slots=True)
class StrategyReport:
    """What a strategy did and what it cost.

    Attributes:
        name: Its name.
        calls: How often it was asked or told.
        plans: How often it answered with a plan.
        overruns: Calls that took longer than the budget.
        exceptions: Calls that raised, timed out or gave no plan.
        longest_ns: The longest call.
        last_error: The last exception with its file and line, one line; None if there was none.
        suspended: Why it was suspended, one line; None if it was not.
    """

    name: str
    calls: int = 0
    plans: int = 0
    overruns: int = 0
    exceptions: int = 0
    longest_ns: int = 0
    last_error: str | None = None
    suspended: str | None = None


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A plan, or why there is none."""

    plan: T | None
    reason: str = ""


class StrategyRunner:
    """Calls one strategy."""

    def __init__(
        self,
        strategy: Strategy,
        rules: RunnerRules,
        clock_ns: Callable[[], int],
        on_suspended: Callable[[str], None],
    ) -> None:
        """Prepare.

        Args:
            strategy: Whom to call.
            rules: What it may take.
            clock_ns: What calls are timed with.
            on_suspended: Told once, in one line, if it is suspended.
        """
        self._strategy = strategy
        self._rules = rules
        self._clock_ns = clock_ns
        self._on_suspended = on_suspended
        self.name = strategy.name
        self._calls = self._plans = self._overruns = self._exceptions = self._longest_ns = 0
        self._overruns_in_a_row = self._exceptions_in_a_row = 0
        self._last_error: str | None = None
        self._suspended: str | None = None

    def report(self) -> StrategyReport:
        """Return what was counted so far."""
        return StrategyReport(
            name=self.name,
            calls=self._calls,
            plans=self._plans,
            overruns=self._overruns,
            exceptions=self._exceptions,
            longest_ns=self._longest_ns,
            last_error=self._last_error,
            suspended=self._suspended,
        )

    def on_opportunity(self, opportunity: Opportunity) -> Answer[Plan]:
        """Ask what to do with a cycle."""
        return self._ask(self._strategy.on_opportunity, opportunity, Plan)

    def on_tick(self, tick: Tick) -> Answer[SwapOrder]:
        """Ask whether prices call for a swap."""
        return self._ask(self._strategy.on_tick, tick, SwapOrder)

    def on_outcome(self, plan: AnyPlan, outcome: Outcome) -> None:
        """Tell how a plan ended."""
        self._call(self._strategy.on_outcome, plan, outcome)

    def _ask(self, hook: Callable[[Any], object], value: object, wanted: type[T]) -> Answer[T]:
        if self._suspended is not None:
            return Answer(None, SUSPENDED)
        answer, failure = self._call(hook, value)
        if failure:
            return Answer(None, failure)
        if answer is None:
            return Answer(None, DECLINED)
        # The very class: one derived from it may say something else each time that it is asked.
        if type(answer) is not wanted:
            self._failed(f"{_name(hook)} returned {type(answer).__name__}, not {wanted.__name__} or None")
            return Answer(None, NO_PLAN)
        wrong = _wrong_field(answer)
        if wrong:
            self._failed(f"{_name(hook)} returned a {wanted.__name__} in which {wrong}")
            return Answer(None, NO_PLAN)
        self._plans += 1
        return Answer(answer)

    def _call(self, hook: Callable[..., T], *values: object) -> tuple[T | None, str]:
        """Return what the hook returns, or why it returns nothing."""
        if self._suspended is not None:
            return None, SUSPENDED
        self._calls += 1
        started_ns = self._clock_ns()
        answer: T | None = None
        failure = ""
        try:
            with interrupted_after(self._rules.stop_after_ns):
                answer = hook(*values)
        except _TimedOut:
            failure = TIMED_OUT
            self._exceptions += 1
            limit_ms = (self._rules.stop_after_ns or 0) / 1e6
            self._suspend(f"{_name(hook)} was interrupted after {limit_ms:g} ms")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # `sys.exit` in a strategy ends the strategy's call, not the run.
            failure = RAISED
            self._failed(describe(error))
        else:
            self._exceptions_in_a_row = 0
        spent_ns = self._clock_ns() - started_ns
        self._longest_ns = max(self._longest_ns, spent_ns)
        self._timed(spent_ns)
        return answer, failure

    def _timed(self, spent_ns: int) -> None:
        if spent_ns <= self._rules.budget_ns:
            self._overruns_in_a_row = 0
            return
        self._overruns += 1
        self._overruns_in_a_row += 1
        if self._overruns_in_a_row >= self._rules.suspend_after:
            self._suspend(
                f"{self._overruns_in_a_row} calls in a row took longer than "
                f"{self._rules.budget_ns / 1e6:g} ms, the last {spent_ns / 1e6:.3g} ms"
            )

    def _failed(self, error: str) -> None:
        self._exceptions += 1
        self._exceptions_in_a_row += 1
        self._last_error = error
        if self._exceptions_in_a_row >= self._rules.suspend_after:
            self._suspend(f"{self._exceptions_in_a_row} calls in a row failed, the last with {error}")

    def _suspend(self, why: str) -> None:
        if self._suspended is None:
            self._suspended = why
            self._on_suspended(why)


_TYPES: dict[str, type] = {
    "opportunity": Opportunity,
    "strategy": str,
    "min_amount_out": int,
    "amount_in": int,
    "pool": str,
    "mint_in": str,
    "mint_out": str,
    "base_mint": str,
}


def _wrong_field(answer: object) -> str:
    """Return which field of a plan or order cannot be what it is, or nothing: Python does not check."""
    for field in fields(answer):  # type: ignore[arg-type]
        wanted, value = _TYPES.get(field.name), getattr(answer, field.name)
        if wanted is not None and type(value) is not wanted:
            return f"{field.name} is {type(value).__name__}, not {wanted.__name__}"
        if wanted is int and not 0 <= value < 2**64:
            return f"{field.name} is an integer of {value.bit_length()} bits, not of 0 to 64"
        if wanted is str and not value.isprintable():
            return f"{field.name} holds characters that cannot be printed"
    return ""


def _name(hook: object) -> str:
    return str(getattr(hook, "__name__", "a hook"))


def describe(error: BaseException) -> str:
    """Return an exception as one line: its type, its message, and the innermost file and line.

    What cannot be shown or stored is written as escapes, and a long message cut.
    """
    try:
        message = " ".join(str(error).split())
    except KeyboardInterrupt:
        raise
    except BaseException:  # As in `_call`: whatever a strategy's exception does.
        message = "(its message cannot be made)"
    if len(message) > MAX_MESSAGE:
        message = f"{message[:MAX_MESSAGE]}…"
    message = message.encode("utf-8", "backslashreplace").decode()
    words = f"{type(error).__name__}: {message}" if message else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    return f"{words} ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else words


@contextmanager
def interrupted_after(limit_ns: int | None) -> Iterator[None]:
    """Raise inside the block once it has run for `limit_ns`, and again every `limit_ns` after that.

    An alarm that was set before goes on after the block. Does nothing without a limit, in another thread
    than the main one, or where there is no alarm signal.
    """
    if (
        limit_ns is None
        or not hasattr(signal, "setitimer")
        or threading.current_thread() is not threading.main_thread()
    ):
        yield
        return

    is_armed = True

    def ring(number: int, frame: FrameType | None) -> None:
        if is_armed:
            raise _TimedOut

    former = signal.signal(signal.SIGALRM, ring)
    before = signal.setitimer(signal.ITIMER_REAL, limit_ns / 1e9, limit_ns / 1e9)
    try:
        try:
            yield
        finally:
            is_armed = False
    finally:
        # Also where the alarm came just before the line above.
        is_armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
        if before[0]:
            signal.setitimer(signal.ITIMER_REAL, *before)
