"""`phantom watch` beside runs that publish on sockets."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from phantom_arbiter.cli import main
from phantom_arbiter.commands import watch as command
from phantom_arbiter.errors import HintedError
from phantom_arbiter.tui import start
from telemetry_samples import SampleRun, serve


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return where runs listen: pytest's own folders are too long for sockets."""
    with tempfile.TemporaryDirectory(prefix="ph") as name:
        monkeypatch.setenv("PHANTOM_TELEMETRY__SOCKET_DIR", name)
        yield Path(name)


@contextmanager
def published(folder: Path, pid: int) -> Iterator[Path]:
    """Be a run, in a thread."""
    path, listening = folder / f"run-{pid}.sock", threading.Event()
    stops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        stop = asyncio.Event()
        stops.append((asyncio.get_running_loop(), stop))
        await serve(path, SampleRun(12), rate=20, stop=stop, listening=listening.set)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        assert listening.wait(20)
        yield path
    finally:
        loop, stop = stops[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)


def other_pid() -> int:
    """Return the process id of somebody else who is alive."""
    return os.getppid()


def test_lists_runs_newest_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--list"]) == 0
    assert capsys.readouterr().out == f"no run is under way in {folder}\n"
    with published(folder, os.getpid()), published(folder, other_pid()):
        assert main(["watch", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert {one["pid"] for one in told} == {os.getpid(), other_pid()}
        assert [(one["run_id"], one["mode"], one["source"]) for one in told] == [(7, "paper", "sample")] * 2
        assert main(["watch", "--list"]) == 0
        shown = capsys.readouterr().out
        assert f"{os.getpid()}" in shown
        assert shown.count("paper") == shown.count("2025-11-23 04:00") == 2


def test_a_run_that_does_not_speak_is_listed_as_such(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "ASK_S", 0.05)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(folder / f"run-{os.getpid()}.sock"))
        silent.listen()
        assert main(["watch", "--list"]) == 0
    assert "does not say" in capsys.readouterr().out


def test_chooses_the_newest_a_process_or_a_number(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[Path, bool]] = []

    def show_run(path: Path, *, stops_run: bool) -> int:
        shown.append((path, stops_run))
        return 0

    monkeypatch.setattr(start, "show_run", show_run)
    assert main(["watch"]) == 1
    assert f"no run is under way in {folder}; hint: phantom run" in capsys.readouterr().err
    with published(folder, os.getpid()) as path:
        assert [main(["watch"]), main(["watch", str(os.getpid())]), main(["watch", "7"])] == [0, 0, 0]
        assert shown == [(path, False)] * 3
        assert main(["watch", "8"]) == 1
        assert "no run 8 is under way; hint: phantom watch --list" in capsys.readouterr().err
        with published(folder, other_pid()):
            assert main(["watch", "7"]) == 1
            assert "run 7 is that of several journals; hint: name a process: " in capsys.readouterr().err


def test_without_a_terminal_one_line_says_what_else_there_is(folder: Path) -> None:
    words = [sys.executable, "-m", "phantom_arbiter.tui", "none.sock"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "phantom: error: the screen needs a terminal for its keys and its picture; "
        "hint: phantom run --ui plain writes one line per event\n"
    )


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
def test_a_dumb_terminal_is_refused(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    for stream in (sys.stdin, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    with pytest.raises(HintedError, match="cannot move its cursor; hint: phantom run --ui plain"):
        start.need_terminal()
