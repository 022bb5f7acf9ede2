import json
from collections.abc import Callable
from pathlib import Path

import pytest

from journal_days import write_live_day
from phantom_arbiter.cli import main

Check = Callable[[str, str], None]


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")
    write_live_day(Path("j.sqlite"))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("live", []),
        ("by-day", ["--by", "day"]),
        ("by-reason", ["--by", "reason"]),
        ("by-mint", ["--by", "mint"]),
        ("selected", ["--reason", "landed_failed", "--mint", "SOL"]),
        ("attempt-landed", ["--attempt", "1"]),
        ("attempt-dead", ["--attempt", "3"]),
    ],
)
def test_journal_of_a_live_day(
    name: str, options: list[str], capsys: pytest.CaptureFixture[str], matches_snapshot: Check
) -> None:
    assert main(["journal", "j.sqlite", *options]) == 0
    matches_snapshot(f"journal-{name}-120", capsys.readouterr().out)


def test_json_of_sums_and_of_one_attempt(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "j.sqlite", "--by", "venue", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["by"], {group["name"] for group in found["groups"]}) == (
        "venue",
        {"orca_whirlpool", "raydium_clmm"},
    )
    assert main(["journal", "j.sqlite", "--attempt", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["attempt"]["live"]["base_change"] == 2_999_412
    assert [each["kind"] for each in found["dispatches"]] == ["accepted", "rate_limited"]
    assert "wire" not in found["attempt"]["live"]


def test_export_says_what_it_wrote(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["journal", "j.sqlite", "--state", "failed", "--export", "day.csv"]) == 0
    assert capsys.readouterr().out == "day.csv: 2 attempts\n"
    assert len(Path("day.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "yesterday"], "--since is yesterday, it may be a slot or a day"),
        (["--until", "2026-13-01"], "--until is 2026-13-01, it may be a slot or a day"),
        (["--run", "0"], "Invalid value for '--run'"),
        (["--run", "99999999999999999999"], "Invalid value for '--run'"),
        (["--attempt", "99"], "--attempt is 99, j.sqlite has no attempt of that id"),
    ],
)
def test_word_that_means_nothing_is_refused(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["journal", "j.sqlite", *options]) == 2
    assert said in capsys.readouterr().err
