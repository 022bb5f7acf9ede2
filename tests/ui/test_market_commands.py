"""`phantom quote`, `pools` and `venues` as people and machines read them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from market_files import lines_of, tradable_states, write_lines, write_state
from phantom_arbiter.cli import main
from phantom_core import venue_names

Check = Callable[[str, str], None]
POOL = "65shmpuYmxx5p7ggNCZbyrGLCXVqbBR1ZD5aAocRBUNG"
POOL_OF_2023 = "HJPjoWUrhoZzkNfRpHuieeFk9WcZWjwy6PBjZ81ngndJ "
WHOLE_MARKET = Path(__file__).parents[1] / "data/whirlpools-2023-03-31/snapshot.jsonl.gz"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
WHIRLPOOL = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def ask_json(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> Any:
    assert main([*words, "--json"]) == status
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("in", ["quote", POOL, "100.0", "--mint", "USDC"]),
        ("out", ["quote", POOL, "1000000000", "--mint", USDC, "--exact", "out"]),
        ("sol", ["quote", POOL, "1.0", "--mint", "SOL"]),
    ],
)
def test_quote_shows_amounts_fee_and_prices(
    name: str, words: list[str], capsys: pytest.CaptureFixture[str], matches_snapshot: Check
) -> None:
    assert main(words) == 0
    shown = capsys.readouterr()
    assert max(len(line) for line in shown.out.splitlines()) <= 80
    assert shown.err == ""
    matches_snapshot(f"quote-{name}", shown.out)


def test_quote_json_holds_the_same_and_the_exact_price(capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask_json(capsys, "quote", POOL, "100.0", "--mint", "USDC")
    assert (answer["ok"], answer["venue"], answer["exact"]) == (True, "orca_whirlpool", "in")
    assert answer["input"]["amount"] == 100_000_000
    assert answer["input"]["amount_ui"] == "100.000000"
    assert answer["fee"]["mint"] == USDC
    price = answer["spot_price"]
    whole = price["numerator"] / price["denominator"] * 10 ** (6 - 9)
    assert float(price["ui"]) == pytest.approx(whole, rel=1e-11)
    back = ask_json(
        capsys, "quote", POOL, str(answer["output"]["amount"]), "--mint", "USDC", "--exact", "out"
    )
    assert back["input"]["amount"] <= 100_000_000
    assert back["output"]["amount"] >= answer["output"]["amount"]


def test_refusal_is_the_programs_error(capsys: pytest.CaptureFixture[str], matches_snapshot: Check) -> None:
    assert main(["quote", POOL, "0", "--mint", "USDC"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    matches_snapshot("quote-refused", shown.err)
    answer = ask_json(capsys, "quote", POOL, "0", "--mint", "USDC", status=1)
    assert answer["ok"] is False
    assert (answer["error"]["name"], answer["error"]["code"]) == ("ZeroTradableAmount", 6035)


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        ([POOL, "1"], 2, "--mint"),
        ([POOL, "1", "--mint", "JUP"], 2, "the pool trades So111"),
        ([POOL, "much", "--mint", "USDC"], 2, "AMOUNT is 'much'"),
        ([POOL, "0.0000001", "--mint", "USDC"], 2, "USDC has 6 decimals"),
        ([POOL, "99999999999999999999", "--mint", "USDC"], 2, "64 bits"),
        ([USDC, "1", "--mint", "USDC"], 2, "is not in the market"),
        (["x", "1", "--mint", "USDC"], 2, "pool: `x` is not a base58 address"),
        ([POOL, "1", "--mint", "USDC", "--source", "gone"], 2, "source gone does not exist"),
        ([POOL, "1", "--mint", "USDC", "--exact", "around"], 2, "around"),
        ([POOL, "1", "--mint", "USDC", "--release-venue", "uniswap"], 2, "venue is 'uniswap'"),
        ([POOL, "1", "--mint", "USDC", "--until", "-1"], 2, "--until"),
    ],
)
def test_wrong_words_are_one_sentence(
    words: list[str], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["quote", *words]) == status
    shown = capsys.readouterr()
    assert shown.out == ""
    assert says in shown.err
    assert shown.err.count("\n") == 1


def test_pools_lists_fee_depth_and_why_one_is_set_aside(
    capsys: pytest.CaptureFixture[str], matches_snapshot: Check
) -> None:
    assert main(["pools"]) == 0
    shown = capsys.readouterr().out
    assert max(len(line) for line in shown.splitlines()) <= 80
    matches_snapshot("pools-80", shown)


def test_pools_are_filtered_and_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    everything = ask_json(capsys, "pools")["pools"]
    assert len(everything) == 9
    aside = ask_json(capsys, "pools", "--set-aside")["pools"]
    assert [pool["set_aside_reason"] for pool in aside] == ["no_liquidity"]
    assert ask_json(capsys, "pools", "--venue", "raydium_cpmm")["pools"] == []
    assert ask_json(capsys, "pools", "--venue", "orca_whirlpool")["pools"] == everything
    assert main(["pools", "--venue", "uniswap"]) == 2
    assert "it may be" in capsys.readouterr().err


def test_pools_of_a_whole_market_fit_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["pools", "--source", str(WHOLE_MARKET), "--complete", "--assume-plain-mints"]
    assert main(words) == 0
    shown = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in shown) <= 80
    assert shown[1] == "407 pools, 0 set aside"
    assert sum(line.startswith(POOL_OF_2023) for line in shown) == 1, "addresses are whole, to be copied"
    assert main([*words[:-1]]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "407 pools, 407 set aside: missing_mint 407"


def test_pools_of_a_snapshot_of_every_venue(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for state in tradable_states():
        path = write_state(tmp_path / f"{state.venue}.jsonl.gz", state)
        (pool,) = ask_json(capsys, "pools", "--source", str(path), "--complete")["pools"]
        assert (pool["venue"], pool["pool"], pool["set_aside_reason"]) == (state.venue, state.pool, None)
        mint = pool["mints"][0]["mint"]
        words = ("quote", state.pool, str(max(pool["depth"][0] // 1_000, 1_000)), "--mint", mint)
        answer = ask_json(capsys, *words, "--source", str(path), "--complete")
        assert answer["output"]["amount"] > 0


def test_missing_accounts_come_with_a_cure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (state,) = [one for one in tradable_states() if one.venue == "orca_whirlpool"]
    accounts = {state.pool: state.accounts[state.pool]}
    path = write_lines(tmp_path / "pool.jsonl", lines_of(accounts))
    mint = state.open().mints[0]
    words = ["quote", state.pool, "1000", "--mint", mint, "--source", str(path)]
    assert main(words) == 1
    assert "--assume-plain-mints" in capsys.readouterr().err


def test_venues_lists_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["venues"]) == 0
    shown = capsys.readouterr().out
    for name in venue_names():
        assert f"\n{name} " in shown
    assert "quarantined" not in shown
    rows = ask_json(capsys, "venues")["venues"]
    assert [row["venue"] for row in rows] == venue_names()
    assert sum(row["pools"] for row in rows) == 9


def test_venue_in_quarantine_says_why_and_how_to_release_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], matches_snapshot: Check
) -> None:
    path = write_lines(tmp_path / "s.jsonl", lines_of({POOL: (WHIRLPOOL, b"\x07" * 653)}))
    assert main(["venues", "--source", str(path)]) == 0
    shown = capsys.readouterr()
    assert shown.err == "accounts of s.jsonl that do not decode: unknown_discriminator 1\n"
    matches_snapshot("venues-quarantined", "\n".join(shown.out.splitlines()[-5:]) + "\n")
    row = next(row for row in ask_json(capsys, "venues", "--source", str(path))["venues"] if row["signs"])
    assert row["is_quarantined"]
    words = ("venues", "--source", str(path), "--release-venue", "orca_whirlpool")
    row = next(row for row in ask_json(capsys, *words)["venues"] if row["signs"])
    assert (row["is_quarantined"], row["is_released"]) == (False, True)


def test_run_takes_venues_to_release_from_flag_and_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--release-venue", "uniswap"]) == 2
    assert "market.release_venues: venue is 'uniswap'" in capsys.readouterr().err
    (tmp_path / "my.toml").write_text(
        f'[market]\nrelease_venues = ["orca_whirlpool"]\nverified_deployments = {{ {WHIRLPOOL} = 7 }}\n'
    )
    rows = ask_json(capsys, "config", "--config", "my.toml")
    values = {row["key"]: row["value"] for row in rows}
    assert values["market.release_venues"] == ["orca_whirlpool"]
    assert values["market.verified_deployments"] == {WHIRLPOOL: 7}
    assert main(["venues", "--config", "my.toml"]) == 0
    assert "released" in capsys.readouterr().out
    (tmp_path / "bad.toml").write_text("[market]\nverified_deployments = { x = 7 }\n")
    assert main(["config", "--config", "bad.toml"]) == 2
    assert "a program address" in capsys.readouterr().err


def test_shell_completes_venues() -> None:
    environment = {
        **os.environ,
        "_PHANTOM_COMPLETE": "complete_bash",
        "COMP_WORDS": "phantom pools --venue orca_wh",
        "COMP_CWORD": "3",
    }
    code = "import sys; from phantom_arbiter.cli import main; sys.exit(main([]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.split() == ["orca_whirlpool"]
