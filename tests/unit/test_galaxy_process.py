"""The dashboard as processes: started by a run, by hand, and swept clean of idle connections."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from dashboard_stage import FakeRun, stage, until
from phantom_arbiter.galaxy.sweeper import UNFINISHED_S, UNREAD_S, Sweeper
from telemetry_samples import SampleRun


@contextmanager
def started(*words: str, line: str | None = None, **environment: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    with process:
        try:
            if line is not None:
                assert process.stdin is not None
                process.stdin.write(line + "\n")
                process.stdin.flush()
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.readline().rstrip("\n")


def test_the_child_of_a_run_serves_until_its_stdin_closes(tmp_path: Path) -> None:
    with started("phantom_arbiter.galaxy", str(tmp_path / "run.sock"), line='{"port": 0}') as child:
        first = said(child)
        assert first.startswith("dashboard: http://127.0.0.1:")
        url = first.partition(" ")[2]
        with connect(url.replace("http", "ws") + "ws") as browser:
            assert '"session"' in str(browser.recv())
            child.send_signal(signal.SIGINT)
            assert httpx.get(url + "healthz").text == "ok\n", "Ctrl-C is for the run"
            assert child.stdin is not None
            child.stdin.close()
            assert child.wait(20) == 0
        assert child.stderr is not None
        assert child.stderr.read() == ""


def test_the_child_ends_when_told_to(tmp_path: Path) -> None:
    with started("phantom_arbiter.galaxy", str(tmp_path / "run.sock"), line='{"port": 0}') as child:
        url = said(child).partition(" ")[2]
        assert httpx.get(url + "healthz").text == "ok\n"
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0
        assert child.stderr is not None
        assert child.stderr.read() == ""


def test_the_child_says_in_one_line_why_it_cannot_serve(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for line, status, words in (
            (f'{{"port": {port}}}', 1, f"dashboard: port {port} of 127.0.0.1 is in use; hint: "),
            ('{"port": "hunter2"}', 2, "dashboard: the settings on stdin are none"),
            ('{"token": "env:NO_SUCH_VARIABLE"}', 2, "dashboard: dashboard.token: the environment"),
        ):
            with started("phantom_arbiter.galaxy", str(tmp_path / "run.sock"), line=line) as child:
                assert child.wait(20) == status
                assert child.stderr is not None
                (only,) = child.stderr.read().splitlines()
                assert only.startswith(words)


@pytest.mark.parametrize("token", [None, "hunter2-hunter2-hunter2"])
def test_the_browser_is_opened_but_never_with_a_token(tmp_path: Path, token: str | None) -> None:
    """Everybody on the machine may read with which words a process was started."""
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\necho "$@" > {seen}.new && mv {seen}.new {seen}\n')
    browser.chmod(0o755)
    environment = {"BROWSER": str(browser), "PHANTOM_TELEMETRY__SOCKET_DIR": str(tmp_path / "none")}
    if token is not None:
        environment |= {"DASH": token, "PHANTOM_DASHBOARD__TOKEN": "env:DASH"}
    with started("phantom_arbiter", "dashboard", "--port", "0", "--open", **environment) as command:
        entry = said(command).partition(" ")[2]
        assert said(command).startswith("dashboard: no run publishes yet")
        if token is None:
            asyncio.run(asyncio.wait_for(until(seen.exists), 20))
            assert seen.read_text() == f"{entry}\n"
        else:
            assert said(command).startswith("dashboard: open it by hand")
            assert not seen.exists()
        command.send_signal(signal.SIGINT)
        assert command.wait(20) == 0


def test_the_command_waits_for_a_run_and_follows_it(tmp_path: Path) -> None:
    folder = tmp_path / "sockets"
    folder.mkdir(mode=0o700)
    words = ("phantom_arbiter", "dashboard", "--port", "0", "--control")
    with started(*words, PHANTOM_TELEMETRY__SOCKET_DIR=str(folder)) as command:
        url = said(command).partition(" ")[2]
        assert said(command).startswith("dashboard: control token ")
        assert said(command) == f"dashboard: no run publishes yet in {folder}, waiting for one; Ctrl-C ends"

        async def test() -> None:
            run = FakeRun(folder / f"run-{os.getpid()}.sock", SampleRun())
            await run.start()
            async with httpx.AsyncClient(base_url=url) as http:
                async with asyncio.timeout(20):
                    while (await http.get("/api/history")).status_code == 503:
                        await asyncio.sleep(0.02)
                metrics = await http.get("/metrics")
                assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
                assert "phantom_up 1.0" in metrics.text
            await run.stop()

        asyncio.run(test())
        command.send_signal(signal.SIGINT)
        assert command.wait(20) == 0
        assert command.stderr is not None
        assert command.stderr.read() == ""


def test_who_holds_a_connection_for_nothing_is_hung_up_on(tmp_path: Path) -> None:
    async def test() -> None:
        now = [0.0]
        sweeper = Sweeper(lambda: now[0])

        class Transport:
            buffered = 0

            def get_write_buffer_size(self) -> int:
                return self.buffered

        class Connection:
            def __init__(self) -> None:
                self.transport = Transport()
                self.cycle: Any = None

        class Cycle:
            response_complete = False

        silent, unread, working = Connection(), Connection(), Connection()
        unread.cycle = working.cycle = Cycle()
        unread.transport.buffered = 100
        every = [silent, unread, working]
        assert sweeper.idle(every) == []
        now[0] = min(UNFINISHED_S, UNREAD_S) - 1
        assert sweeper.idle(every) == []
        unread.transport.buffered = 99
        assert sweeper.idle(every) == []
        now[0] = UNFINISHED_S + 1
        assert sweeper.idle(every) == [silent]
        now[0] = UNFINISHED_S + UNREAD_S
        assert sweeper.idle(every) == [silent, unread]
        working.cycle.response_complete = True
        assert sweeper.idle([working]) == []
        now[0] += UNFINISHED_S + 1
        assert sweeper.idle([working]) == [working]

    asyncio.run(test())


def test_real_connections_look_to_the_sweeper_as_it_expects(tmp_path: Path) -> None:
    """The sweeper reads attributes of uvicorn's protocols."""

    async def test() -> None:
        async with stage(tmp_path) as at, at.watch():
            reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
            writer.write(b"GET / HTTP/1.1\r\n")
            await at.http.get("/healthz")
            connections = at.dashboard.connections
            await until(lambda: len(connections) == 3)
            now = [0.0]
            sweeper = Sweeper(lambda: now[0])
            assert sweeper.idle(connections) == []
            now[0] = UNFINISHED_S + 1
            idle = sweeper.idle(connections)
            assert sorted(type(each).__name__ for each in idle) == ["H11Protocol", "H11Protocol"]
            for each in idle:
                each.transport.abort()
            assert await reader.read() == b""
            writer.close()
            assert len(at.hub.browsers) == 1

    asyncio.run(asyncio.wait_for(test(), 60))


@pytest.mark.parametrize("words", [(), ("a", "b")])
def test_the_child_wants_one_socket(words: tuple[str, ...]) -> None:
    with started("phantom_arbiter.galaxy", *words) as child:
        assert child.wait(20) == 2
        assert "usage: " in said(child)
