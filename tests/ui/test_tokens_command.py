"""`phantom tokens`: verdicts as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from phantom_arbiter.cli import main

Check = Callable[[str, str], None]
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"


def test_tokens_of_the_shipped_day_fit_eighty_columns(
    capsys: pytest.CaptureFixture[str], matches_snapshot: Check
) -> None:
    assert main(["tokens"]) == 0
    shown = capsys.readouterr().out
    assert max(len(line) for line in shown.splitlines()) <= 80
    matches_snapshot("tokens-80", shown)


def test_tokens_as_json_follow_the_settings(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    settings = tmp_path / "config.toml"
    settings.write_text(f'[tokens]\nallow = []\ndeny = ["{USDC}"]\nrules = {{unknown_mint = "denied"}}\n')
    assert main(["tokens", "demo", "--json", "--verdict", "denied", "--config", str(settings)]) == 0
    rows = json.loads(capsys.readouterr().out)["tokens"]
    assert all(row["verdict"] == "denied" and row["facts"] is None for row in rows)
    reasons = {row["mint"]: row["reasons"] for row in rows}
    assert reasons.pop(USDC) == [{"name": "deny_list", "value": None}]
    assert reasons
    assert all(found == [{"name": "unknown_mint", "value": None}] for found in reasons.values())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--verdict", "maybe"], "--verdict is maybe; hint: it may be allowed, atomic_only, denied"),
        (["gone"], "source gone does not exist"),
    ],
)
def test_wrong_words_are_one_sentence(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tokens", *words]) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert says in shown.err


SNAPSHOT = Path(__file__).parents[1] / "data/whirlpools-2023-03-31/snapshot.jsonl.gz"
WSOL = "So11111111111111111111111111111111111111112"
MSOL = "mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So"


def test_mints_of_a_snapshot_without_mint_accounts_may_only_be_passed_through(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["tokens", str(SNAPSHOT), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["tokens"]
    assert len(rows) == 231, "as many as its metadata names"
    assert {row["mint"] for row in rows if row["verdict"] == "allowed"} == {USDC, WSOL}
    unknown = [{"name": "unknown_mint", "value": None}]
    assert all(row["reasons"] == unknown for row in rows if row["verdict"] != "allowed")
    assert {row["verdict"] for row in rows} == {"allowed", "atomic_only"}
    settings = tmp_path / "config.toml"
    settings.write_text(f'[tokens]\ndeny = ["{MSOL}"]\n')
    assert main(["tokens", str(SNAPSHOT), "--json", "--verdict", "denied", "--config", str(settings)]) == 0
    (row,) = json.loads(capsys.readouterr().out)["tokens"]
    assert (row["mint"], row["reasons"]) == (MSOL, [{"name": "deny_list", "value": None}])
