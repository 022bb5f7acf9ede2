import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from phantom_arbiter.cli import main
from phantom_arbiter.domain import Outcome, OutcomeState, Verdict
from phantom_arbiter.journal import Journal, RiskChange, RunIdentity
from shell_fakes import POOL_A, POOL_B, POOL_C, WSOL, opportunity, plan, promised

Check = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in an empty folder, so that relative paths in messages are the same everywhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def write_journal(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(RunIdentity("paper", "day", "cd" * 32, "0.1.0"))
        journal.changed(RiskChange(90, "rules", "risk.max_trades_per_day", "5000", "20"))
        for planned in (plan(opportunity(1, 100)), plan(opportunity(2, 200, pools=(POOL_A, POOL_B, POOL_C)))):
            fill = Outcome(OutcomeState.FILLED, None, promised(planned), planned.opportunity.cost)
            journal.outcome(journal.intent(planned), fill)
        late = plan(opportunity(3, 300, base_mint=WSOL))
        journal.outcome(journal.intent(late), Outcome(OutcomeState.FAILED, "fill_differs:hops", None, 900))
        journal.intent(plan(opportunity(4, 400)))
        journal.verdict(plan(opportunity(4, 400)), Verdict(ok=True))
        for number in (5, 6):
            refused = Verdict(ok=False, reason="per_day", limit=5_000, value=5_000 + number)
            journal.verdict(plan(opportunity(number, 400 + number)), refused)


ERRORS = {
    "no-such-option": (["run", "--fast"], 2),
    "no-such-command": (["trade"], 2),
    "live": (["run", "--live"], 2),
    "wrong-speed": (["run", "--speed", "fast"], 2),
    "wrong-hops": (["run", "--max-hops", "9"], 2),
    "hops-no-number": (["run", "--max-hops", "many"], 2),
    "wrong-source": (["run", "--source", "mainnet"], 2),
    "demo-and-recording": (["run", "--source", "demo", "--recording", "x"], 2),
    "config-missing": (["config", "--config", "gone.toml"], 2),
    "config-unknown-key": (["config", "--config", "unknown.toml"], 2),
    "config-no-toml": (["config", "--config", "broken.toml"], 2),
    "config-live": (["run", "--config", "live.toml"], 2),
    "journal-missing": (["journal", "gone.sqlite"], 1),
    "journal-no-database": (["journal", "broken.toml"], 1),
    "journal-foreign": (["journal", "foreign.sqlite"], 1),
}


WORDED_BY_TYPER = {"no-such-option", "no-such-command", "wrong-source"}
"""Their words change with Typer's version: only their form is checked."""


@pytest.mark.parametrize("name", ERRORS)
def test_error_is_one_sentence_on_stderr(
    name: str, place: Path, capsys: pytest.CaptureFixture[str], matches_snapshot: Check
) -> None:
    (place / "unknown.toml").write_text("[run]\nsped = '1x'\n")
    (place / "broken.toml").write_text("[run\n")
    (place / "live.toml").write_text("mode = 'live'\n")
    with sqlite3.connect(place / "foreign.sqlite") as connection:
        connection.execute("CREATE TABLE photos (id INTEGER)")
    connection.close()
    words, status = ERRORS[name]
    assert main(words) == status
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert "Traceback" not in shown.err
    if name not in WORDED_BY_TYPER:
        matches_snapshot(f"error-{name}", shown.err)


def test_debug_shows_the_traceback_wherever_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--debug", "journal", "gone.sqlite"], ["journal", "gone.sqlite", "--debug"]):
        assert main(words) == 1
        shown = capsys.readouterr().err
        assert shown.startswith("Traceback")
        assert shown.splitlines()[-1].startswith("phantom: error: journal gone.sqlite does not exist")


@pytest.mark.parametrize("width", [80, 120])
def test_journal_lists_attempts_and_totals(
    width: int, capsys: pytest.CaptureFixture[str], matches_snapshot: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    write_journal(Path("j.sqlite"))
    assert main(["journal", "j.sqlite"]) == 0
    shown = capsys.readouterr().out
    assert max(len(line) for line in shown.splitlines()) <= width
    matches_snapshot(f"journal-{width}", shown)


def test_journal_json_is_the_same_data(capsys: pytest.CaptureFixture[str], matches_snapshot: Check) -> None:
    write_journal(Path("j.sqlite"))
    assert main(["journal", "j.sqlite", "--json"]) == 0
    shown = capsys.readouterr().out
    assert [row["state"] for row in json.loads(shown)["attempts"]] == ["filled", "filled", "failed", "intent"]
    matches_snapshot("journal-json", shown)


def test_config_shows_value_origin_and_meaning(
    capsys: pytest.CaptureFixture[str], matches_snapshot: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHANTOM_JOURNAL__PATH", "j.sqlite")
    monkeypatch.setenv("PHANTOM_RISK__KILL_SWITCH_FILE", "halt")
    monkeypatch.setenv("COLUMNS", "120")
    Path("my.toml").write_text("[engine]\nmax_hops = 2\n")
    assert main(["config", "--config", "my.toml"]) == 0
    matches_snapshot("config-120", capsys.readouterr().out)


def test_config_json_has_a_row_per_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["key"]: row["value"] for row in rows}["engine.max_hops"] == 3
    assert all(row.keys() == {"key", "value", "origin", "help"} for row in rows)


def test_bare_command_prints_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    for command in ("run", "journal", "config", "version"):
        assert f"  {command} " in shown


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith("phantom ")
    assert main(["version", "--json"]) == 0
    assert json.loads(capsys.readouterr().out).keys() == {"version", "python", "platform"}


def test_completion_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"_PHANTOM_COMPLETE": "complete_bash", "COMP_WORDS": "phantom jou", "COMP_CWORD": "1"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    code = "import sys; from phantom_arbiter.cli import main; sys.exit(main([]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["journal"]
