import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import shipped_day
from phantom_arbiter.cli import main
from phantom_arbiter.config_sources import load
from phantom_arbiter.journal import read_journal
from phantom_arbiter.mints import MintBook
from phantom_arbiter.session import run_session
from phantom_arbiter.summary import SourceInfo, Summary
from phantom_core import Record
from shell_fakes import FakeObserver, FakeSource, StepClock


@pytest.fixture(autouse=True)
def first_gains_may_go(isolated: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The day's first gains are so great that no other pool confirms them: by default they are refused."""
    monkeypatch.setenv("PHANTOM_RISK__PRICE_REFERENCE", "outside")


MINE = """
from phantom_arbiter.strategies.base import Passive, atomic_plan

class Mine(Passive):
    name = "mine"

    def on_opportunity(self, opportunity):
        return atomic_plan(opportunity, strategy=self.name)
"""


def test_halt_writes_the_file_and_resume_removes_it(capsys: pytest.CaptureFixture[str]) -> None:
    file = load().config.risk.kill_switch_file
    for words, said in (
        (["resume"], f"not halted: {file} is not there\n"),
        (["halt"], f"halted: {file} is there, nothing is sent; phantom resume removes it\n"),
        (["halt"], f"halted, as before: {file} is there, nothing is sent; phantom resume removes it\n"),
        (["resume"], f"resumed: {file} is removed; runs send again unless something else holds them\n"),
    ):
        assert main(words) == 0
        assert capsys.readouterr().out == said
    assert not file.exists()


def test_place_that_cannot_hold_the_file_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PHANTOM_RISK__KILL_SWITCH_FILE", str(tmp_path / "file" / "halt"))
    assert main(["halt"]) == 1
    assert "cannot be written" in capsys.readouterr().err


def session(path: Path, strategy: str = "cyclic_arbitrage", *, source: FakeSource | None = None) -> Summary:
    info = SourceInfo("day", "a market", "prices", "ab" * 32, 32_146, MintBook(), assume_plain_mints=True)
    flags = {"journal": {"path": path}, "strategy": {"use": strategy}}
    source = source or FakeSource(shipped_day.up_to_signal(2))
    return run_session(
        load(flags), info, source, shipped_day.market(), FakeObserver(), clock_ns=StepClock(10)
    )


def test_halted_run_says_so_in_its_journal(tmp_path: Path) -> None:
    assert main(["halt"]) == 0
    summary = session(tmp_path / "j.sqlite")
    assert summary.attempts == 0
    report = read_journal(tmp_path / "j.sqlite")
    assert [(row.what, row.key, row.after) for row in report.changes] == [("kill_switch", "file", "on")]
    assert [row.reason for row in report.verdicts] == ["kill_switch"]


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="there is no such signal")
def test_signal_halts_a_run_and_the_next_lets_it_go_on(tmp_path: Path) -> None:
    class Signalled(FakeSource):
        def __iter__(self) -> Iterator[Record]:
            yield from shipped_day.up_to_signal(1)
            os.kill(os.getpid(), signal.SIGUSR1)
            yield from shipped_day.up_to_signal(2)[len(shipped_day.up_to_signal(1)) :]

    before = signal.getsignal(signal.SIGUSR1)
    summary = session(tmp_path / "j.sqlite", source=Signalled([]))
    assert (summary.attempts, summary.refusals) == (1, {"risk_kill_switch": 1})
    (change,) = read_journal(tmp_path / "j.sqlite").changes
    assert (change.key, change.before, change.after) == ("signal", "off", "on")
    assert signal.getsignal(signal.SIGUSR1) is before


def test_strategy_of_ones_own_trades_and_is_named_everywhere(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    summary = session(tmp_path / "j.sqlite", f"{file}:Mine")
    assert (summary.strategy.name, summary.strategy.plans, summary.filled) == ("mine", 2, 2)
    report = read_journal(tmp_path / "j.sqlite")
    assert {row.strategy for row in report.attempts} == {"mine"}
    file.write_text(MINE + "# another\n")
    session(tmp_path / "j.sqlite", f"{file}:Mine")
    first, second = read_journal(tmp_path / "j.sqlite").runs
    assert first.settings_sha256 != second.settings_sha256, "its content is part of what decides"


def test_live_run_goes_on_with_the_limits_of_the_last_and_a_replay_does_not(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    flags = {"journal": {"path": path}, "risk": {"max_trades_per_day": 2, "route_cooldown_slots": 0}}
    refused = []
    for records in (None, None, 32_146):
        info = SourceInfo("day", "a", "b", None, records, MintBook(), assume_plain_mints=True)
        source = FakeSource(shipped_day.up_to_signal(2))
        summary = run_session(
            load(flags), info, source, shipped_day.market(), FakeObserver(), clock_ns=StepClock(10)
        )
        refused.append((summary.attempts, summary.refusals.get("risk_trades_per_day", 0) > 0))
    assert refused == [(2, False), (0, True), (2, False)]


def test_strategy_that_cannot_be_loaded_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--ui", "plain", "--strategy", "gone.py:Mine"]) == 2
    shown = capsys.readouterr().err.splitlines()[-1]
    assert shown == "phantom: error: strategy gone.py:Mine: gone.py cannot be read: No such file or directory"
