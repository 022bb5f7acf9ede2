from pathlib import Path

import pytest

from phantom_arbiter.config import RiskSettings, risk_rules
from phantom_arbiter.domain import Verdict
from phantom_arbiter.risk import RiskRules, RiskState
from phantom_arbiter.risk_desk import Reload, RiskDesk
from shell_fakes import FakeJournal, FakeObserver, opportunity, plan


class Scripted:
    """Says what it was given, once each."""

    def __init__(self, *reloads: Reload) -> None:
        self._reloads = list(reloads)

    def look(self) -> Reload | None:
        return self._reloads.pop(0) if self._reloads else None


def rules(**changes: object) -> RiskRules:
    return risk_rules(RiskSettings.model_validate(changes))


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal()


@pytest.fixture
def observer() -> FakeObserver:
    return FakeObserver()


def changes(journal: FakeJournal) -> list[tuple[str, str, str | None, str | None]]:
    return [(each.what, each.key, each.before, each.after) for each in journal.changes]


def test_verdicts_are_journaled_whatever_they_are(journal: FakeJournal, observer: FakeObserver) -> None:
    desk = RiskDesk(rules(max_trades_per_day=1), RiskState(), journal, observer)
    assert desk.ask(plan(opportunity(1))).ok
    assert not desk.ask(plan(opportunity(2, slot=1_000))).ok
    assert journal.verdicts == [Verdict(ok=True), Verdict(False, "trades_per_day", 1, 2)]


def test_kill_switch_file_is_journaled_when_it_comes_and_goes(
    tmp_path: Path, journal: FakeJournal, observer: FakeObserver
) -> None:
    file = tmp_path / "halt"
    desk = RiskDesk(rules(), RiskState(), journal, observer, kill_switch_file=file)
    desk.look()
    assert changes(journal) == []
    file.touch()
    desk.look()
    desk.look()
    assert desk.ask(plan(opportunity(1))).reason == "kill_switch"
    file.unlink()
    assert desk.ask(plan(opportunity(1))).ok
    assert changes(journal) == [("kill_switch", "file", "off", "on"), ("kill_switch", "file", "on", "off")]
    assert observer.notices == [
        f"kill switch on (file {file}): nothing is sent",
        f"kill switch off (file {file}): trading goes on unless something else holds it",
    ]


def test_place_that_cannot_be_looked_at_counts_as_halted(
    journal: FakeJournal, observer: FakeObserver
) -> None:
    class Hidden(Path().__class__):  # type: ignore[misc]
        def exists(self) -> bool:
            raise PermissionError(13, "Permission denied")

    desk = RiskDesk(rules(), RiskState(), journal, observer, kill_switch_file=Hidden("halt"))
    assert desk.ask(plan(opportunity(1))).reason == "kill_switch"


def test_signal_halts_and_the_next_lets_go(journal: FakeJournal, observer: FakeObserver) -> None:
    desk = RiskDesk(rules(), RiskState(), journal, observer)
    desk.toggle_halt()
    assert desk.ask(plan(opportunity(1))).reason == "kill_switch"
    desk.toggle_halt()
    assert desk.ask(plan(opportunity(1))).ok
    assert [change.after for change in journal.changes] == ["on", "off"]


def test_two_signals_before_a_look_are_both_said(journal: FakeJournal, observer: FakeObserver) -> None:
    desk = RiskDesk(rules(), RiskState(), journal, observer)
    desk.toggle_halt()
    desk.toggle_halt()
    desk.look()
    assert [change.after for change in journal.changes] == ["on", "off"]
    assert desk.ask(plan(opportunity(1))).ok


def test_new_place_of_the_kill_switch_holds_at_once(
    tmp_path: Path, journal: FakeJournal, observer: FakeObserver
) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    after.touch()
    moved = Scripted(Reload("file changed", rules(), after))
    desk = RiskDesk(rules(), RiskState(), journal, observer, kill_switch_file=before, watch=moved)
    assert desk.ask(plan(opportunity(1))).ok
    desk.look()
    assert desk.ask(plan(opportunity(2))).reason == "kill_switch"


def test_new_rules_hold_from_the_next_plan_on(journal: FakeJournal, observer: FakeObserver) -> None:
    better = Reload(
        "file changed", rules(max_trades_per_day=1), None, (("risk.max_trades_per_day", "5000", "1"),)
    )
    desk = RiskDesk(rules(), RiskState(), journal, observer, watch=Scripted(better, Reload("file is bad")))
    assert desk.ask(plan(opportunity(1))).ok
    desk.look()
    assert desk.ask(plan(opportunity(2, slot=1_000))).reason == "trades_per_day"
    desk.look()
    assert desk.ask(plan(opportunity(2, slot=1_000))).reason == "trades_per_day", "the old rules stay"
    assert changes(journal) == [
        ("rules", "risk.max_trades_per_day", "5000", "1"),
        ("rules_refused", "configuration", None, "file is bad"),
    ]
    assert observer.notices == ["file changed", "file is bad"]


def test_any_kill_switch_says_that_nothing_is_sent(
    tmp_path: Path, journal: FakeJournal, observer: FakeObserver
) -> None:
    file = tmp_path / "halt"
    desk = RiskDesk(rules(), RiskState(), journal, observer, kill_switch_file=file)
    assert not desk.is_halted
    file.touch()
    assert desk.is_halted
    file.unlink()
    desk.toggle_halt()
    assert desk.is_halted
    desk.toggle_halt()
    assert not desk.is_halted
    assert RiskDesk(rules(halted=True), RiskState(), journal, observer).is_halted


def test_viewers_hold_and_let_go_what_is_theirs(journal: FakeJournal, observer: FakeObserver) -> None:
    desk = RiskDesk(rules(), RiskState(), journal, observer)
    assert desk.set_halted("terminal", on=True) is None
    assert desk.set_halted("terminal", on=True) is None
    assert desk.ask(plan(opportunity(1))).reason == "kill_switch"
    assert desk.set_halted("dashboard", on=False) == (
        "the dashboard does not hold trading; what holds it: terminal"
    )
    assert desk.set_halted("terminal", on=False) is None
    assert desk.ask(plan(opportunity(2))).ok
    assert changes(journal) == [
        ("kill_switch", "terminal", "off", "on"),
        ("kill_switch", "terminal", "on", "off"),
    ]
    assert observer.notices[0] == "kill switch on (terminal): nothing is sent"


def test_stop_of_a_viewer_is_journaled_by_the_loop(journal: FakeJournal, observer: FakeObserver) -> None:
    desk = RiskDesk(rules(), RiskState(), journal, observer)
    desk.stop_asked("dashboard")
    assert changes(journal) == []
    desk.heed()
    assert changes(journal) == [("stop", "dashboard", None, "asked")]
    assert observer.notices == ["the dashboard has asked the run to stop"]
