"""`phantom trade` as people and machines read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phantom_arbiter.cli import main

Check = Callable[[str, str], None]
WHOLE_MARKET = Path(__file__).parents[1] / "data/whirlpools-2023-03-31/snapshot.jsonl.gz"
SOURCE = ["--source", str(WHOLE_MARKET), "--assume-plain-mints", "--complete"]
SOL = "So11111111111111111111111111111111111111112"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def ask_json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("day", ["trade", "SOL", "USDC", "100.0"]),
        ("single", ["trade", "USDC", SOL, "5000000", "--max-legs", "1", "--max-hops", "1", *SOURCE]),
    ],
)
def test_trade_shows_routes_and_how_good_they_are(
    name: str, words: list[str], capsys: pytest.CaptureFixture[str], matches_snapshot: Check
) -> None:
    assert main(words) == 0
    shown = capsys.readouterr()
    assert max(len(line) for line in shown.out.splitlines()) <= 80
    assert shown.err == ""
    matches_snapshot(f"trade-{name}", shown.out)


def test_trade_of_a_whole_market_fits_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    # No snapshot: of divisions that differ by units, the solver's rounding decides which is found.
    assert main(["trade", "USDC", "BONK", "10000.0", *SOURCE]) == 0
    shown = capsys.readouterr().out
    assert max(len(line) for line in shown.splitlines()) <= 80
    assert shown.startswith("10,000.000000 USDC for 16,")
    assert "USDC → SOL → BONK" in shown
    assert "routes, carried out in this order" in shown


def test_trade_json_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask_json(capsys, "trade", "SOL", "USDC", "1000.0", *SOURCE)
    assert answer["input"]["amount"] == 10**12
    assert answer["input"]["amount_ui"] == "1000.000000000"
    assert sum(route["amount_in"] for route in answer["routes"]) == 10**12
    assert sum(route["amount_out"] for route in answer["routes"]) == answer["output"]["amount"]
    assert answer["best_single_route"]["amount"] < answer["output"]["amount"] <= answer["bound"]
    for route in answer["routes"]:
        assert route["hops"][0]["mint_in"] == SOL
        assert {hop["venue"] for hop in route["hops"]} == {"orca_whirlpool"}
    used = answer["routes"][0]["hops"][0]["pool"]
    without = ask_json(capsys, "trade", "SOL", "USDC", "1000.0", "--without-pool", used, *SOURCE)
    assert all(hop["pool"] != used for route in without["routes"] for hop in route["hops"])
    assert without["output"]["amount"] < answer["output"]["amount"]


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["SOL", "SOL", "1.0"], 2, "MINT_IN and MINT_OUT are both SOL"),
        (["SOL", "DOGE", "1.0"], 2, "MINT_OUT is DOGE, which no pool trades"),
        (["SOL", "USDC", "0"], 2, "AMOUNT is 0"),
        (["SOL", "USDC", "much"], 2, "AMOUNT is 'much'"),
        (["SOL", "USDC", "99999999999999999999"], 2, "AMOUNT is 99999999999999999999"),
        (["SOL", "USDC", "1.0", "--max-legs", "9"], 2, "--max-legs"),
        (["SOL", "USDC", "1.0", "--venue", "uniswap"], 2, "venue is 'uniswap'"),
        (["SOL", "USDC", "1.0", "--without-pool", "x"], 2, "without_pools"),
        (["SOL", "USDC", "1.0", "--venue", "raydium_cpmm"], 1, "no usable pools lead from"),
        (["SOL", "USDC", "1", "--max-hops", "1"], 1, "takes 1 base units and gives any output"),
    ],
)
def test_wrong_words_are_one_sentence(
    words: list[str], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trade", *words]) == status
    shown = capsys.readouterr()
    assert shown.out == ""
    assert says in shown.err
    assert shown.err.count("\n") == 1
