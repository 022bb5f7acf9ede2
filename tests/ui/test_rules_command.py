"""`phantom rules`, and what rules look like where a run or a cycle is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from phantom_arbiter.cli import main
from phantom_core import candidate_fields

Check = Callable[[str, str], None]

GOOD = """\
verdict = "net_profit > 20_000"
score = "net_bps"

[[rule]]
when = "age > 1 and ema(net_bps, 5) > 3"
refuse = "too_old"
"""
BAD = """\
[[rule]]
when = '''age > 1 or
    net_profit + net_bps > 5'''
refuse = "mixed"
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "good.toml").write_text(GOOD)
    (tmp_path / "bad.toml").write_text(BAD)
    return tmp_path


def test_check_says_what_a_file_holds(capsys: pytest.CaptureFixture[str], matches_snapshot: Check) -> None:
    assert main(["rules", "check", "good.toml"]) == 0
    matches_snapshot("rules-good", capsys.readouterr().out)


def test_check_shows_line_and_caret_of_an_error(
    capsys: pytest.CaptureFixture[str], matches_snapshot: Check
) -> None:
    assert main(["rules", "check", "bad.toml"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    matches_snapshot("rules-bad", shown.err)


def test_fields_are_listed_with_type_and_unit(
    capsys: pytest.CaptureFixture[str], matches_snapshot: Check
) -> None:
    assert main(["rules", "check", "--fields"]) == 0
    matches_snapshot("rules-fields", capsys.readouterr().out)


def test_json_holds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", "good.toml", "--json"]) == 0
    good = json.loads(capsys.readouterr().out)
    assert good["compiles"]
    assert good["error"] is None
    assert good["rules"] == ["too_old", "verdict_false"]
    assert good["reads"] == ["net_profit", "net_bps", "age"]
    assert (good["has_verdict"], good["has_score"], good["has_indicators"]) == (True, True, True)
    assert main(["rules", "check", "bad.toml", "--json"]) == 2
    bad = json.loads(capsys.readouterr().out)
    assert not bad["compiles"]
    assert (bad["error"]["line"], bad["error"]["column"]) == (3, 16)
    assert bad["error"]["excerpt"].splitlines()[1] == f"  {'^':>16}"
    assert main(["rules", "check", "--fields", "--json"]) == 0
    none = json.loads(capsys.readouterr().out)
    assert none["fields"] == good["fields"] == bad["fields"] == candidate_fields()
    assert good.keys() == bad.keys() == none.keys()
    assert (none["file"], none["compiles"]) == (None, None)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["check"], "no rule file is named; hint: phantom rules check FILE, or --fields"),
        (["check", "gone.toml"], "rules gone.toml cannot be read: No such file or directory"),
    ],
)
def test_wrong_words_are_one_sentence(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", *words]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"phantom: error: {says}\n")


def test_run_explain_and_journal_name_the_rule(capsys: pytest.CaptureFixture[str]) -> None:
    Path("none.toml").write_text("[[rule]]\nwhen = 'hops < 9'\nrefuse = 'not today'\n")
    words = ["--rules", "none.toml", "--journal", "j.sqlite", "--ui", "plain", "--json"]
    assert main(["run", *words]) == 0
    found = json.loads(capsys.readouterr().out)["opportunities"]
    assert found["signals"] == 0
    assert found["rejected_by_rule"] == {"not today": found["rejected_by_reason"]["refused_by_rule"]}
    assert main(["journal", "j.sqlite"]) == 0
    assert "strategy_rules none.toml: [[rule]]\\nwhen = 'hops < 9'" in capsys.readouterr().out
    assert main(["explain", "--rules", "none.toml", "--nearest", "3", "--json"]) == 0
    cycles = json.loads(capsys.readouterr().out)["cycles"]
    told = [obstacle for cycle in cycles for obstacle in cycle["obstacles"]]
    refused = [one["detail"] for one in told if one["reason"] == "refused_by_rule"]
    assert set(refused) == {"not today: `hops < 9` at line 2, column 9"}
