"""`phantom run --source live` and `phantom record`: what they print, and what they say when they cannot."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("solders")

from loop_thread import serving
from phantom_arbiter.cli import main
from phantom_arbiter.engine import Engine
from phantom_arbiter.localnet import LocalNet, NetSettings
from phantom_core import Recording

SOL = "So11111111111111111111111111111111111111112"
NET = NetSettings(endpoints=2, rate=300.0, slot_ms=50.0)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


@pytest.fixture
def config(place: Path) -> Iterator[str]:
    """A configuration for a local net that runs."""
    with serving(LocalNet(NET)) as net:
        tables = [
            f'[[endpoints]]\nname = "{one.name}"\nhttp_url = "{one.http_url}"\nws_url = "{one.ws_url}"\n'
            for one in net.endpoints
        ]
        path = place / "phantom.toml"
        path.write_text(f'[discovery]\nmints = ["{SOL}"]\n' + "".join(tables))
        yield str(path)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[Engine]:
    """Press Ctrl-C once a run has every pool, has taken updates and has traded: however long that takes."""
    enough: list[Engine] = []
    report = Engine.report

    def reported(engine: Engine) -> None:
        report(engine)
        stats = engine.stats()
        is_complete = stats.pools > 5 and not stats.pools_set_aside
        if engine not in enough and is_complete and stats.updates > 100 and engine.tally.attempts > 0:
            enough.append(engine)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Engine, "report", reported)
    return enough


def test_a_live_run_trades_on_paper_until_it_is_stopped(
    config: str, stopped: list[Engine], capsys: pytest.CaptureFixture[str]
) -> None:
    # The time is only what a run that never has enough is given up after.
    words = ["run", "--source", "live", "--for", "50s", "--config", config, "--journal", "j.sqlite"]
    assert main([*words, "--json"]) == 0
    shown = capsys.readouterr()
    summary = json.loads(shown.out)
    assert len(stopped) == 1, summary
    assert (summary["mode"], summary["source"]["records"], summary["source"]["sha256"]) == (
        "paper",
        None,
        None,
    )
    assert summary["pools"]["total"] > 5
    assert summary["updates"]["applied"] > 100
    assert summary["trades"]["attempts"] > 0
    assert "feed kind=connected" in shown.err
    assert main([*words, "--ui", "rich"]) == 0
    assert len(stopped) == 2
    shown = capsys.readouterr()
    assert "live" in shown.out
    assert "frame to decision" in shown.out


def test_a_live_run_ends_when_its_time_is_over(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "--source", "live", "--for", "1s", "--config", config, "--journal", "j.sqlite"]
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["frames"]["total"] >= 0


def test_a_recorded_market_replays_with_its_trades(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", "live.phrec", "--mint", "SOL", "--for", "2s", "--config", config, "--json"]) == 0
    recorded = json.loads(capsys.readouterr().out)
    assert recorded["lost"] == 0
    assert recorded["parts"] == 1
    assert Recording("live-0001.phrec").records == recorded["records"]
    assert main(["replay", "live-0001.phrec", "--journal", "j.sqlite", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["pools"]["total"] > 5
    assert summary["pools"]["set_aside"] == 0
    assert summary["trades"]["attempts"] > 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "--source", "live"], "a live source needs endpoints; hint: add a table [[endpoints]]"),
        (["run", "--for", "5s"], "--for is for live runs"),
        (["run", "--source", "live", "--speed", "2x"], "--speed is for recordings"),
        (["run", "--source", "live", "--recording", "x.phrec"], "contradict each other"),
        (["run", "--source", "live", "--for", "soon"], "--for is `soon`"),
        (["record", "--mint", "SOL"], "no endpoint with a ws_url to record from"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    shown = capsys.readouterr()
    assert says in shown.err
    assert len(shown.err.strip().splitlines()) == 1


def test_an_endpoint_that_is_not_there_ends_a_live_run_with_one_line(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = "0123456789abcdef"
    table = f'name = "a"\nhttp_url = "http://127.0.0.1:9/?api-key={key}"\nws_url = "ws://127.0.0.1:9/{key}"\n'
    (place / "c.toml").write_text(f'[discovery]\nmints = ["{SOL}"]\n[[endpoints]]\n{table}')
    words = ["run", "--source", "live", "--config", "c.toml", "--journal", "j.sqlite"]
    assert main(words) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("phantom: error: endpoint a: ")
    assert key not in error
