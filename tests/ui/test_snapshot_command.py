"""`phantom snapshot`: what it writes and prints, and what it says when it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("solders")

from loop_thread import serving
from phantom_arbiter.cli import main
from phantom_arbiter.localnet import LocalNet, NetSettings
from rpc_server import KEY, RpcServer, Step, error, raw

ORCA_USDC = "FSBDeuLQ19Hse2jzhHfDwTvEoeRWD7UKK4BM1zgbV7pY"
SOL_USDC = "HJPjoWUrhoZzkNfRpHuieeFk9WcZWjwy6PBjZ81ngndJ"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def test_a_pair_is_found_saved_and_read_by_the_other_commands(
    capsys: pytest.CaptureFixture[str], place: Path
) -> None:
    with serving(LocalNet(NetSettings(autostart=False))) as net:
        url = net.endpoints[0].http_url
        words = ["snapshot", "--mint", "SOL", "--mint", "USDC", "--url", url, "--out", "pair.jsonl.gz"]
        assert main([*words, "--json"]) == 0
        taken = json.loads(capsys.readouterr().out)
        assert main(words) == 0
        shown = capsys.readouterr()
    assert {pool["venue"] for pool in taken["pools"]} >= {"orca_whirlpool", "raydium_cpmm", "pumpswap"}
    assert all(pool["set_aside"] is None for pool in taken["pools"])
    assert (taken["missing"], taken["unsearched"], taken["failures"]) == ({}, [], [])
    assert taken["bytes"] == (place / "pair.jsonl.gz").stat().st_size
    assert {row["method"] for row in taken["endpoints"]} == {
        "getSlot",
        "getProgramAccounts",
        "getMultipleAccounts",
    }
    assert "orca_whirlpool" in shown.out
    assert f"pair.jsonl.gz: {taken['accounts']} accounts" in shown.out
    assert "endpoint url-1: " in shown.err

    assert main(["pools", "--source", "pair.jsonl.gz", "--json"]) == 0
    pools = json.loads(capsys.readouterr().out)["pools"]
    assert {pool["pool"] for pool in pools} == {pool["pool"] for pool in taken["pools"]}
    assert main(["quote", SOL_USDC, "1.0", "--mint", "SOL", "--source", "pair.jsonl.gz"]) == 0
    assert main(["cycles", "pair.jsonl.gz"]) == 0


def test_endpoints_and_pools_come_from_the_settings(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    with serving(LocalNet(NetSettings(autostart=False))) as net:
        (place / "config.toml").write_text(
            f'[discovery]\npools = ["{ORCA_USDC}"]\n[[endpoints]]\nname = "mine"\n'
            f'http_url = "{net.endpoints[0].http_url}"\ncredits = {{ getMultipleAccounts = 5 }}\n'
        )
        assert main(["snapshot", "--config", "config.toml", "--out", "one.gz", "--json"]) == 0
    taken = json.loads(capsys.readouterr().out)
    assert [pool["pool"] for pool in taken["pools"]] == [ORCA_USDC]
    reads = next(row for row in taken["endpoints"] if row["method"] == "getMultipleAccounts")
    assert reads["credits"] == 5 * reads["calls"]


def test_an_address_that_is_no_pool_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(LocalNet(NetSettings(autostart=False))) as net:
        words = ["snapshot", "--url", net.endpoints[0].http_url, "--out", "x.gz"]
        stranger = "11111111111111111111111111111111"
        assert main([*words, "--pool", stranger]) == 2
        assert "none of 1 addresses is a pool" in capsys.readouterr().err
        assert main([*words, "--pool", stranger, "--pool", ORCA_USDC]) == 0
        assert f"no pool of a known venue: {stranger}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--mint", "SOL"], "there is no endpoint to ask; hint: name one with --url"),
        (["--url", "http://127.0.0.1:9"], "no pools are asked for; hint: name them with --mint or --pool"),
        (["--mint", "SOL", "--url", "ftp://x"], "--url: a URL begins with http://"),
        (["--mint", "SOL", "--url", "https://x/?k=${NO_SUCH}"], "variable NO_SUCH is not set"),
        (["--mint", "WRONG", "--url", "http://127.0.0.1:9"], "mint: "),
        (["--mint", "SOL", "--venue", "uniswap", "--url", "http://127.0.0.1:9"], "no venue uniswap"),
        (["--mint", "SOL", "--url", "http://127.0.0.1:9", "--out", "no/x.gz"], "there is no folder no"),
    ],
)
def test_wrong_words_end_with_one_line_and_status_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], place: Path
) -> None:
    assert main(["snapshot", "--out", "x.gz", *words]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (raw(b"", status=401), "endpoint url-1: access denied: HTTP 401"),
        (error(-32602, f"key {KEY} is wrong"), "endpoint url-1: "),
        (raw(b"", status=302, headers={"Location": "https://example.org"}), "redirects are refused"),
    ],
)
def test_an_endpoint_that_refuses_is_named_with_its_key_masked(
    step: Step, message: str, capsys: pytest.CaptureFixture[str], place: Path
) -> None:
    with serving(RpcServer("a", step)) as server:
        url = server.endpoint().http_url.reveal()
        assert main(["snapshot", "--pool", ORCA_USDC, "--url", url, "--out", "x.gz"]) == 1
    err = capsys.readouterr().err
    assert message in err
    assert KEY not in err
    assert err.count("\n") == 1
    assert list(place.iterdir()) == []
