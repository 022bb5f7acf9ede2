"""Where risk's pure functions meet the world: rules that change, kill switches, the journal.

Every verdict and every change is journaled. What is looked at about once a second (the settings' file, the
kill switch's file, attempts without an outcome) is looked at by the engine's loop: there is no thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from phantom_arbiter.domain import Outcome, Verdict
from phantom_arbiter.journal import RiskChange
from phantom_arbiter.market_view import MarketView
from phantom_arbiter.risk import (
    Booked,
    Facts,
    RiskRules,
    RiskState,
    assess,
    settle,
)
from phantom_arbiter.risk.positions import basis_of, held_by
from phantom_arbiter.strategy_rules import RulesChange
from phantom_arbiter.swaps import AnyPlan, Position, SwapOrder

Viewer = Literal["terminal", "dashboard"]
"""Who may hold trading besides file, signal and rules."""


@dataclass(frozen=True, slots=True)
class Reload:
    """A new version of the settings' file.

    Attributes:
        line: What is to be said of it, one line.
        rules: The rules in force from now on; None if the version is bad and the old ones stay.
        kill_switch_file: As the new version has it.
        changes: Key, before and after of every risk setting that changed.
    """

    line: str
    rules: RiskRules | None = None
    kill_switch_file: Path | None = None
    changes: tuple[tuple[str, str, str], ...] = ()


class RulesWatch(Protocol):
    """Whoever knows when the rules change."""

    def look(self) -> Reload | None:
        """Return what changed since the last look, or None."""
        ...


class RiskJournal(Protocol):
    """The part of the journal that risk needs."""

    def verdict(self, plan: AnyPlan, verdict: Verdict) -> None:
        """Count what risk said."""

    def changed(self, change: RiskChange) -> None:
        """Write what changed risk."""


class Told(Protocol):
    """Whoever is told what the operator should know."""

    def notice(self, text: str) -> None:
        """Hear one line."""


class RiskDesk:
    """Holds the rules, the state and the kill switches of one run."""

    def __init__(
        self,
        rules: RiskRules,
        state: RiskState,
        journal: RiskJournal,
        told: Told,
        *,
        view: MarketView | None = None,
        kill_switch_file: Path | None = None,
        watch: RulesWatch | None = None,
    ) -> None:
        """Prepare.

        Args:
            rules: To begin with.
            state: What earlier runs left.
            journal: Where verdicts and changes go.
            told: Hears of changes.
            view: What tells ages, venues and other prices; without it they are not asked for.
            kill_switch_file: Nothing is sent as long as it exists.
            watch: Says when the rules change.
        """
        self.rules = rules
        self.state = state
        self._journal = journal
        self._told = told
        self._view = view
        self._file = kill_switch_file
        self._watch = watch
        self._is_file_there = False
        # What signals and other threads ask for waits here for the loop.
        self._asked: deque[Callable[[], None]] = deque()
        # Replaced, never changed: other threads read it.
        self._on: tuple[str, ...] = ()

    def toggle_halt(self) -> None:
        """Halt, or let go again; callable from a signal handler. The next look says so."""
        self._asked.append(lambda: self._switch("signal", on="signal" not in self._on))

    def set_halted(self, by: Viewer, *, on: bool) -> str | None:
        """Halt, or let go again what `by` holds; callable from any thread. The next look says so.

        Returns why there is nothing to let go, or None. What something else holds stays held.
        """
        if not on and by not in self._on and not self._asked:
            holding = ", ".join(self.switches()) or "nothing"
            return f"the {by} does not hold trading; what holds it: {holding}"
        self._asked.append(lambda: self._switch(by, on=on))
        return None

    def stop_asked(self, by: Viewer) -> None:
        """Let the loop journal that `by` has asked for the end of the run; callable from any thread."""

        def note() -> None:
            self._changed("stop", by, None, "asked")
            self._told.notice(f"the {by} has asked the run to stop")

        self._asked.append(note)

    def switches(self, slot: int = 0) -> tuple[str, ...]:
        """Return what stops all sending: file, signal, terminal, dashboard, rules, the breaker of failures.

        Callable from any thread.

        Args:
            slot: The market's; 0: that of the last plan or outcome.
        """
        on, state, rules = self._on, self.state, self.rules
        on += ("rules",) if rules.breakers.halted else ()
        return on + (("failures",) if max(slot, state.slot) < state.breakers.failing_until else ())

    def heed(self) -> None:
        """Do, journal and tell what signals and other threads have asked for."""
        while self._asked:
            self._asked.popleft()()

    @property
    def is_halted(self) -> bool:
        """Whether a kill switch is on: its file, the signal or the rules. Nothing is sent."""
        return self._is_killed() or self.rules.breakers.halted

    def look(self) -> None:
        """Take notice of a new version of the rules and of the kill switches."""
        reload = self._watch.look() if self._watch is not None else None
        if reload is not None:
            self._reloaded(reload)
        self._is_killed()

    def ask(self, plan: AnyPlan, *, offered: bool = True) -> Verdict:
        """Return whether `plan` may go; if so it is booked."""
        killed = self._is_killed()
        if self._view is None or killed:
            facts = Facts(killed=killed, offered=offered)
        else:
            facts = self._view.facts(plan, self.rules.sanity, offered=offered)
        verdict, self.state = assess(self.rules, self.state, plan, facts)
        self._journal.verdict(plan, verdict)
        return verdict

    def entry(self, plan: AnyPlan) -> Booked:
        """Return how a plan that may go was booked."""
        return self.state.limits.at_risk[plan.key]

    def settle(self, plan: AnyPlan, outcome: Outcome, slot: int) -> None:
        """Take notice of an outcome known at `slot`."""
        self.state = settle(self.rules, self.state, plan, outcome, slot)

    def positions(self, strategy: str) -> tuple[Position, ...]:
        """Return what a strategy holds."""
        return held_by(self.state.positions, strategy)

    def basis(self, order: SwapOrder) -> int | None:
        """Return what the amount that `order` sells had cost, 0 if it buys; None if so much is not held."""
        if order.opens:
            return 0
        key = (order.strategy, order.base_mint, order.held_mint)
        return basis_of(self.state.positions, key, order.amount_in)

    def suspended(self, strategy: str, why: str) -> None:
        """Take notice that a strategy is asked nothing more."""
        self._changed("strategy_suspended", strategy, None, why)
        self._told.notice(f"strategy {strategy} is suspended, the engine goes on without it: {why}")

    def note_rules(self, change: RulesChange) -> None:
        """Journal a version of the strategy's rule file."""
        self._changed(change.what, change.file, change.before, change.after)

    def _is_killed(self) -> bool:
        self.heed()
        is_there = self._file is not None and _exists(self._file)
        if is_there != self._is_file_there:
            self._is_file_there = is_there
            self._switch("file", on=is_there)
        return bool(self._on)

    def _switch(self, key: str, *, on: bool) -> None:
        if on is (key in self._on):
            return
        self._on = (*self._on, key) if on else tuple(each for each in self._on if each != key)
        words = {True: "on", False: "off"}
        self._changed("kill_switch", key, words[not on], words[on])
        source = f"file {self._file}" if key == "file" else key
        effect = "nothing is sent" if on else "trading goes on unless something else holds it"
        self._told.notice(f"kill switch {words[on]} ({source}): {effect}")

    def _reloaded(self, reload: Reload) -> None:
        if reload.rules is None:
            self._changed("rules_refused", "configuration", None, reload.line)
        else:
            self.rules, self._file = reload.rules, reload.kill_switch_file
            for key, before, after in reload.changes:
                self._changed("rules", key, before, after)
        self._told.notice(reload.line)

    def _changed(self, what: str, key: str, before: str | None, after: str | None) -> None:
        self._journal.changed(RiskChange(self.state.slot, what, key, before, after))


def _exists(file: Path) -> bool:
    """Return whether the file is there; a place that cannot be looked at counts as if it were."""
    try:
        return file.exists()
    except OSError:
        return True
