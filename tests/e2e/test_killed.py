"""What happens to a run whose viewers die, and to viewers whose run does: processes killed at work."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from e2e_stage import WAIT_S, Served, environment, phantom, until
from phantom_arbiter.telemetry.sockets import running

DEMO = ("run", "--source", "demo", "--ui", "plain")


@pytest.fixture
def env(tmp_path: Path, short_folder: Path) -> dict[str, str]:
    return {**environment(tmp_path, PHANTOM_DASHBOARD__PORT="0"), "XDG_RUNTIME_DIR": str(short_folder)}


def filled(journal: Path) -> int:
    with closing(sqlite3.connect(journal)) as database:
        count: int = database.execute("SELECT count(*) FROM attempts WHERE state = 'filled'").fetchone()[0]
        return count


def test_a_run_outlives_its_dashboard_and_says_so(tmp_path: Path, env: dict[str, str]) -> None:
    journal = tmp_path / "journal.sqlite"
    with phantom(*DEMO, "--dashboard", "--speed", "20000x", "--journal", str(journal), env=env) as run:
        Served(run)
        children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
        if not children.exists():
            pytest.skip("this system does not name the children of a process")
        (child,) = map(int, children.read_text().split())
        os.kill(child, signal.SIGKILL)
        run.says("the dashboard has ended with status -9, the run goes on without it")
        assert run.wait() == 0
        assert filled(journal) == 9
        assert not any("stays at" in line for line in run.lines)


def test_a_killed_run_is_away_and_the_other_one_is_followed(tmp_path: Path, env: dict[str, str]) -> None:
    folder = Path(env["XDG_RUNTIME_DIR"]) / "phantom-arbiter"
    paced = (*DEMO, "--speed", "1000x", "--journal")
    with phantom(*paced, str(tmp_path / "one.sqlite"), env=env) as one:
        until(lambda: [each.pid for each in running(folder)] == [one.pid])
        with (
            phantom("dashboard", "--port", "0", env=env) as command,
            connect(f"{Served(command).origin.replace('http', 'ws')}/ws", max_size=None) as browser,
        ):
            assert hear(browser, "hello")["pid"] == one.pid
            with phantom(*paced, str(tmp_path / "two.sqlite"), env=env) as two:
                until(lambda: {each.pid for each in running(folder)} == {one.pid, two.pid})
                one.send(signal.SIGKILL)
                hear(browser, "away")
                assert hear(browser, "hello")["pid"] == two.pid
                assert two.is_running
                assert command.is_running


def hear(browser: ClientConnection, *kinds: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(browser.recv(timeout=WAIT_S))
        if message["type"] in kinds:
            return message


@pytest.mark.parametrize(
    ("name", "place"),
    [("PHANTOM_TELEMETRY__SOCKET_DIR", "/proc/none"), ("XDG_RUNTIME_DIR", "/proc/none")],
)
def test_a_run_that_nobody_can_follow_goes_on_and_says_so(
    tmp_path: Path, env: dict[str, str], name: str, place: str
) -> None:
    journal = tmp_path / "journal.sqlite"
    words = (*DEMO, "--dashboard", "--speed", "max", "--journal", str(journal))
    with phantom(*words, env={**env, name: place}) as run:
        assert run.wait() == 0
        assert filled(journal) == 9
        said = "\n".join(run.lines)
        assert "no viewer can follow this run: " in said
        assert "the dashboard has no run to follow" in said


def test_without_a_runtime_folder_there_is_another(
    tmp_path: Path, short_folder: Path, env: dict[str, str]
) -> None:
    del env["XDG_RUNTIME_DIR"]
    env["XDG_STATE_HOME"] = str(short_folder)
    words = (*DEMO, "--dashboard", "--speed", "max", "--journal", str(tmp_path / "journal.sqlite"))
    with phantom(*words, env=env) as run:
        run.says("the run has ended; its dashboard stays")
        run.send(signal.SIGINT)
        assert run.wait() == 0
