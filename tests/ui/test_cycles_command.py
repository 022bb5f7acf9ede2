"""`phantom cycles` as people and machines read it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phantom_arbiter.cli import main

Check = Callable[[str, str], None]
WHOLE_MARKET = Path(__file__).parents[1] / "data/whirlpools-2023-03-31/snapshot.jsonl.gz"
WHOLE = (str(WHOLE_MARKET), "--complete", "--assume-plain-mints")
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
MSOL = "mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def ask_json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert main(["cycles", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("demo", []),
        ("empty", ["--mint", "UST"]),
        ("2023", [*WHOLE, "--top", "3"]),
        ("stopped", [*WHOLE, "--max-hops", "2", "--all", "--top", "100"]),
        ("least", [*WHOLE, "--max-hops", "2", "--min-profit", "20000000", "--base", "SOL", "--base", "USDC"]),
        ("plot", ["--plot", "2"]),
        ("untold", [str(WHOLE_MARKET)]),
    ],
)
def test_cycles_as_people_read_them(
    name: str, words: list[str], capsys: pytest.CaptureFixture[str], matches_snapshot: Check
) -> None:
    assert main(["cycles", *words]) == 0
    shown = capsys.readouterr()
    assert max(len(line) for line in shown.out.splitlines()) <= 80
    assert shown.err == ""
    matches_snapshot(f"cycles-{name}", shown.out)


def test_wide_terminal_keeps_a_route_on_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["cycles", *WHOLE, "--max-hops", "4", "--top", "50"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum(" in " in line and line.count("→") in (2, 3, 4) for line in lines) == 50


def test_cycles_json_has_stable_keys(capsys: pytest.CaptureFixture[str], matches_snapshot: Check) -> None:
    assert main(["cycles", "--top", "1", "--json"]) == 0
    matches_snapshot("cycles-json", capsys.readouterr().out)


def test_json_holds_every_cycle_and_chains_its_amounts(capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask_json(capsys, *WHOLE, "--all")
    stages = answer["stages"]
    assert len(answer["cycles"]) == stages["after_fees"]
    assert [cycle["rank"] for cycle in answer["cycles"]] == list(range(1, stages["after_fees"] + 1))
    worth = ask_json(capsys, *WHOLE)["cycles"]
    assert worth == answer["cycles"][: stages["after_costs"]]
    assert {cycle["stop"] for cycle in worth} == {None}
    for cycle in answer["cycles"]:
        hops = cycle["hops"]
        assert [hop["mint_out"] for hop in hops] == [hop["mint_in"] for hop in hops[1:] + hops[:1]]
        assert cycle["base"]["mint"] == hops[0]["mint_in"]
        if cycle["amount_in"] is None:
            assert cycle["stop"] == "no_profit_after_sizing"
            assert cycle["gross_profit_ui"] is cycle["is_proven_best"] is hops[0]["amount_in"] is None
            continue
        assert [hop["amount_out"] for hop in hops[:-1]] == [hop["amount_in"] for hop in hops[1:]]
        assert hops[-1]["amount_out"] - cycle["amount_in"] == cycle["gross_profit"] > 0
        if cycle["cost"] is not None:
            assert cycle["net_profit"] == cycle["gross_profit"] - cycle["cost"]


def test_filters_take_symbols_and_addresses(capsys: pytest.CaptureFixture[str]) -> None:
    by_symbol = ask_json(capsys, *WHOLE, "--mint", "mSOL", "--base", "USDC")
    assert by_symbol == ask_json(capsys, *WHOLE, "--mint", MSOL, "--base", USDC)
    assert by_symbol["cycles"]
    for cycle in by_symbol["cycles"]:
        assert cycle["base"]["mint"] == USDC
        assert MSOL in [hop["mint_in"] for hop in cycle["hops"]]
    # The recording calls it wSOL, everybody else SOL.
    assert ask_json(capsys, "--mint", "SOL") == ask_json(capsys, "--mint", "wSOL")


def test_costs_and_base_mints_come_from_the_settings(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    assert ask_json(capsys, *WHOLE)["fees"]["total_lamports"] == 35_000
    (place / "dear.toml").write_text("[costs]\ntip_lamports = 50_000_000\n")
    dear = ask_json(capsys, *WHOLE, "--config", "dear.toml")
    assert dear["fees"] == {
        "network_lamports": 5_000,
        "priority_lamports": 20_000,
        "tip_lamports": 50_000_000,
        "total_lamports": 50_025_000,
    }
    assert 0 < dear["stages"]["after_costs"] < dear["stages"]["after_sizing"] / 10
    assert all(cycle["net_lamports"] > 0 for cycle in dear["cycles"])


def test_plot_goes_into_the_json_or_a_file(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    answer = ask_json(capsys, "--plot", "2")
    (cycle,) = answer["cycles"]
    curve = answer["curve"]
    assert (cycle["rank"], curve["rank"]) == (2, 2)
    assert curve["optimum"] == {"amount_in": cycle["amount_in"], "profit": cycle["gross_profit"]}
    assert max(curve["profits"]) == cycle["gross_profit"]
    assert curve["amounts_in"][0] < cycle["amount_in"] < curve["break_even"] < curve["amounts_in"][-1]
    assert main(["cycles", "--plot", "2", "--out", "curve.svg"]) == 0
    shown = capsys.readouterr()
    assert shown.err == "drawn into curve.svg\n"
    assert "▲" not in shown.out
    assert (place / "curve.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hops", ["--max-hops", "5"]),
        ("mint", ["--mint", "JUP"]),
        ("base", ["--base", MSOL, "--base", "JUP"]),
        ("least", ["--min-profit", "-1"]),
        ("top", ["--top", "0"]),
        ("rank", ["--plot", "4"]),
        ("out-alone", ["--out", "curve.png"]),
        ("out-type", ["--plot", "1", "--out", "curve.jpg"]),
        ("out-place", ["--plot", "1", "--out", "gone/curve.png"]),
        ("source", ["gone.jsonl"]),
        ("source-option", ["--source", "demo"]),
        ("unsized", [*WHOLE, "--all", "--plot", "551"]),
    ],
)
def test_wrong_words_are_one_sentence(
    name: str, words: list[str], capsys: pytest.CaptureFixture[str], matches_snapshot: Check
) -> None:
    assert main(["cycles", *words]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    matches_snapshot(f"error-cycles-{name}", shown.err)


def test_missing_library_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, matches_snapshot: Check
) -> None:
    # What the import system does with a module that is not there.
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["cycles", "--plot", "1", "--out", "curve.png"]) == 1
    matches_snapshot("error-cycles-no-library", capsys.readouterr().err)


def test_shell_completes_command_and_symbols() -> None:
    code = "import sys; from phantom_arbiter.cli import main; sys.exit(main([]))"
    for words, expected in (("phantom cyc", "cycles"), ("phantom cycles --mint BO", "BONK")):
        environment = {
            **os.environ,
            "_PHANTOM_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        }
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
        assert done.stdout.split() == [expected]
