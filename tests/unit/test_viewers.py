"""The processes that show a run, started for real: those that can begin, and those that cannot."""

import io
import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

import shipped_day
from phantom_arbiter import viewers
from phantom_arbiter.config_sources import Effective, load
from phantom_arbiter.errors import ConfigError, HintedError
from phantom_arbiter.mints import MintBook
from phantom_arbiter.progress import BesideScreen, PlainView, RichView
from phantom_arbiter.session import run_session
from phantom_arbiter.summary import SourceInfo
from phantom_arbiter.viewers import Dashboard, Screen, Showing, choose_ui
from shell_fakes import FakeSource

INFO = SourceInfo("day", "a market", "recorded prices", "ab" * 32, None, MintBook(), assume_plain_mints=True)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine may be busy: nothing here is about how long a viewer takes."""
    monkeypatch.setattr(viewers, "BEGIN_S", 60.0)
    monkeypatch.setattr(viewers, "LEAVE_S", 60.0)


def settings(folder: Path, **sections: dict[str, object]) -> Effective:
    return load({"journal": {"path": folder / "j.sqlite"}, **sections})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("ui", "stdin", "stderr", "term", "paced", "publish", "chosen"),
    [
        ("auto", True, True, "xterm", True, True, "tui"),
        ("auto", True, True, "xterm", False, True, "rich"),
        ("auto", True, True, "xterm", True, False, "rich"),
        ("auto", True, True, "dumb", True, True, "rich"),
        ("auto", False, True, "xterm", True, True, "rich"),
        ("auto", True, False, "xterm", True, True, "plain"),
        ("plain", True, True, "xterm", True, True, "plain"),
        ("rich", False, False, "dumb", True, False, "rich"),
        ("tui", True, True, "xterm", False, True, "tui"),
    ],
)
def test_auto_means_a_screen_for_what_lasts(
    monkeypatch: pytest.MonkeyPatch,
    ui: str,
    stdin: bool,
    stderr: bool,
    term: str,
    paced: bool,
    publish: bool,
    chosen: str,
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal() if stdin else io.StringIO())
    monkeypatch.setattr(sys, "stderr", Terminal() if stderr else io.StringIO())
    monkeypatch.setenv("TERM", term)
    assert choose_ui(ui, is_paced=paced, can_publish=publish) == chosen


def test_screen_needs_a_terminal_and_somebody_to_follow() -> None:
    with pytest.raises(ConfigError, match=r"telemetry\.publish is false"):
        choose_ui("tui", is_paced=True, can_publish=False)
    with pytest.raises(HintedError, match="--ui plain"):
        choose_ui("tui", is_paced=True, can_publish=True)


def test_dashboard_needs_somebody_to_follow(tmp_path: Path) -> None:
    config = settings(tmp_path, telemetry={"publish": False}).config
    with pytest.raises(ConfigError, match=r"--dashboard .* telemetry\.publish is false"):
        Showing(config, INFO, Console(), with_dashboard=True, is_paced=False)


def test_views_are_those_that_were_asked_for(tmp_path: Path) -> None:
    for ui, view in (("plain", PlainView), ("rich", RichView)):
        config = settings(tmp_path, run={"ui": ui}).config
        showing = Showing(config, INFO, Console(), with_dashboard=False, is_paced=True)
        assert isinstance(showing._view, view)


def test_dashboard_follows_the_run_and_ends_with_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    effective = settings(tmp_path, dashboard={"port": 0}, run={"ui": "plain"})
    stream = io.StringIO()
    console = Console(file=stream, width=200)
    with Showing(effective.config, INFO, console, with_dashboard=True, is_paced=False) as showing:
        run_session(
            effective,
            INFO,
            FakeSource(shipped_day.up_to_signal(1)),
            shipped_day.market(),
            showing.observer,
            viewing=showing.viewing,
        )
    dashboard = showing._dashboard
    assert dashboard is not None
    assert dashboard.is_running
    showing.linger(has_ended_by_itself=False)
    assert not dashboard.is_running
    assert capfd.readouterr().err.startswith(f"dashboard: {dashboard.address}\n")
    assert "dashboard" not in stream.getvalue()


def test_port_in_use_leaves_a_run_without_a_dashboard(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        effective = settings(tmp_path, dashboard={"port": port}, run={"ui": "plain"})
        stream = io.StringIO()
        console = Console(file=stream, width=200)
        with Showing(effective.config, INFO, console, with_dashboard=True, is_paced=False) as showing:
            summary = run_session(
                effective,
                INFO,
                FakeSource(shipped_day.up_to_signal(1)),
                shipped_day.market(),
                showing.observer,
                viewing=showing.viewing,
            )
        showing.linger(has_ended_by_itself=True)
    assert summary.records == len(shipped_day.up_to_signal(1))
    assert str(port) in capfd.readouterr().err
    notices = stream.getvalue()
    assert "the dashboard has not started, the run goes on without it" in notices


def test_screen_that_cannot_draw_leaves_plain_lines(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stream = io.StringIO()
    beside = BesideScreen(INFO, stream)
    beside.notice("nobody hears this")
    statuses: list[int] = []

    def gone(status: int) -> None:
        statuses.append(status)
        beside.speak()

    screen = Screen(tmp_path / "run.sock", gone)
    screen.wait()
    assert not screen.is_running
    assert statuses == [2]
    assert "--ui plain" in capfd.readouterr().err
    beside.notice("the run goes on")
    assert stream.getvalue() == 'notice text="the run goes on"\n'


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="niceness is POSIX")
def test_lines_are_held_while_there_is_a_screen(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    dashboard = Dashboard(settings(tmp_path, dashboard={"port": 0}).config.dashboard, lambda _: None)
    dashboard.hold_lines()
    dashboard.start(tmp_path / "run.sock")
    process = dashboard._process
    assert isinstance(process, subprocess.Popen)
    assert os.getpriority(os.PRIO_PROCESS, process.pid) > os.getpriority(os.PRIO_PROCESS, 0)
    dashboard.end()
    assert capfd.readouterr().err == ""
    dashboard.show_lines()
    assert capfd.readouterr().err.startswith("dashboard: http://127.0.0.1:")
