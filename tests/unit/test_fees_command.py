"""`phantom fees`: offers from endpoints that answer, lie or fail, tips, and the back-test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from loop_thread import serving
from phantom_arbiter.cli import main
from phantom_arbiter.tip_floor import read_tip_floor
from rpc_server import KEY, RpcServer, Step, error

HISTORY = Path(__file__).parents[1] / "data/slot-fees-2024-10/slot-fees.csv"
SOL_USDC = "HJPjoWUrhoZzkNfRpHuieeFk9WcZWjwy6PBjZ81ngndJ"
SLOT = 300_000_000
FLOOR = {
    "time": "2024-10-13T01:02:30Z",
    "landed_tips_25th_percentile": 5e-6,
    "landed_tips_50th_percentile": 1e-5,
    "landed_tips_75th_percentile": 4e-5,
    "landed_tips_95th_percentile": 1e-3,
    "landed_tips_99th_percentile": 1e-2,
    "ema_landed_tips_50th_percentile": 1.2e-5,
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def node(price: Callable[[int], int], lead: int = 0) -> Step:
    """Answer `getSlot`, and fees of the last 150 slots: nothing for blocks, `price` for accounts."""

    async def step(request: web.Request, call: dict[str, Any]) -> web.StreamResponse:
        found: Any = SLOT
        if call["method"] == "getRecentPrioritizationFees":
            (accounts,) = call["params"]
            slots = range(SLOT - 149 + lead, SLOT + 1 + lead)
            found = [
                {"slot": slot, "prioritizationFee": price(slot - SLOT + 150) if accounts else 0}
                for slot in slots
            ]
        return web.json_response({"jsonrpc": "2.0", "id": call["id"], "result": found})

    return step


def url(server: RpcServer) -> str:
    found = server.endpoint().http_url
    assert found is not None
    return found.reveal()


def test_offers_come_from_the_fees_of_the_account(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(RpcServer("a", node(lambda place: place * 100))) as server:
        words = ["fees", SOL_USDC, "--url", url(server), "--percentile", "50", "--units", "200000"]
        assert main([*words, "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert main(words) == 0
        shown = capsys.readouterr().out
    assert (found["slot"], found["accounts"], found["failures"]) == (SLOT, [SOL_USDC], [])
    (offer,) = found["offers"]
    # Rank 76 of 150.
    assert (offer["price_micro_lamports"], offer["priority_fee_lamports"]) == (7_600, 1_520)
    assert (offer["basis"], offer["account"], offer["samples"]) == ("account", SOL_USDC, 150)
    assert "7,600" in shown
    assert "1,520" in shown
    assert KEY not in shown


def test_one_liar_of_three_changes_nothing_and_one_far_ahead_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    honest = node(lambda place: place * 100)
    with (
        serving(RpcServer("a", honest)) as a,
        serving(RpcServer("b", honest)) as b,
        serving(RpcServer("c", node(lambda _: 10**12))) as liar,
        serving(RpcServer("d", node(lambda _: 0, lead=500))) as ahead,
    ):
        words = ["fees", SOL_USDC, "--percentile", "90", "--json"]
        urls = [word for each in (a, b, liar, ahead) for word in ("--url", url(each))]
        assert main([*words, *urls]) == 0
        found = json.loads(capsys.readouterr().out)
    assert found["offers"][0]["price_micro_lamports"] == 13_600
    assert [each["name"] for each in found["endpoints"]] == ["url-1", "url-2", "url-3"]
    (failure,) = found["failures"]
    assert "endpoint url-4" in failure
    assert "slots ahead" in failure


def test_one_answer_of_three_is_not_believed_and_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    refusing = error(-32601, "no such method")
    with (
        serving(RpcServer("a", refusing)) as a,
        serving(RpcServer("b", node(lambda _: 10**12))) as b,
        serving(RpcServer("c", refusing)) as c,
    ):
        urls = [word for each in (a, b, c) for word in ("--url", url(each))]
        assert main(["fees", SOL_USDC, "--percentile", "90", "--json", *urls]) == 0
        found = json.loads(capsys.readouterr().out)
    assert (found["offers"][0]["basis"], found["offers"][0]["price_micro_lamports"]) == ("cold", 50_000)
    assert "only endpoint url-2 answered, of 3" in found["failures"][-1]


def test_endpoints_that_refuse_are_an_error_without_their_key(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(RpcServer("a", error(-32601, f"no such method, {KEY}"))) as server:
        assert main(["fees", SOL_USDC, "--url", url(server)]) == 1
    said = capsys.readouterr().err
    assert "endpoint url-1" in said
    assert KEY not in said


def test_a_tip_needs_a_floor_and_a_value(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    (place / "floor.json").write_text(json.dumps([FLOOR]))
    with serving(RpcServer("a", node(lambda place: place))) as server:
        words = ["fees", "--url", url(server), "--tip-floor", "floor.json", "--value"]
        assert main([*words, "1000000", "--json"]) == 0
        tip = json.loads(capsys.readouterr().out)["tip"]
        assert main([*words, "1000"]) == 0
        assert "tip: none" in capsys.readouterr().out
    assert (tip["value_lamports"], tip["floor_lamports"], tip["bound"]) == (1_000_000, 12_000, "value")
    assert 1_000 <= tip["tip_lamports"] <= tip["cap_lamports"] == 500_000


def test_the_back_test_prints_draws_and_speaks_json(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    pytest.importorskip("matplotlib")
    words = ["fees", "--history", str(HISTORY), "--level", "mid", "--percentile", "90"]
    assert main([*words, "--plot", "fees.png"]) == 0
    shown = capsys.readouterr().out
    assert "148 slots, 128 tried" in shown
    assert "last slot" in shown
    assert (place / "fees.png").read_bytes().startswith(b"\x89PNG")
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (engine,) = found["levels"]["mid"]["engine"]
    assert (engine["asked"], engine["tried"]) == (90, 128)
    low, high = engine["reached_interval"]
    assert low <= engine["reached"] <= high


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "there is no endpoint to ask"),
        (["--history", "absent.csv"], "absent.csv"),
        (["--history", str(HISTORY), "--value", "5"], "--history goes without"),
        (["--history", str(HISTORY), "--plot", "a.gif"], "--plot a.gif"),
        (["--plot", "a.png"], "need --history"),
        (["--value", "5"], "go together"),
        (["not-an-address", "--url", "http://127.0.0.1:9"], "not-an-address"),
        (["--percentile", "0", "--url", "http://127.0.0.1:9"], "it may be 0.01 to 99.99"),
        (["--percentile", "nan", "--history", str(HISTORY)], "percentile is"),
    ],
)
def test_wrong_words_are_named(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fees", *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "5",
        "[5]",
        "{}",
        json.dumps({**FLOOR, "landed_tips_50th_percentile": "1"}),
        "[" * 100000,
        json.dumps({**FLOOR, "landed_tips_95th_percentile": 10**400}),
    ],
)
def test_what_is_no_tip_floor_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="no "):
        read_tip_floor(text)
