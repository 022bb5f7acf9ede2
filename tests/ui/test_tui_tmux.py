"""The screen in a real terminal: tmux types its keys and reads its cells."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from phantom_arbiter.telemetry.sockets import find_run
from phantom_arbiter.tui.panes import PANES

ROOT = Path(__file__).parents[2]
WAIT_S = 30.0

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Terminal:
    """One terminal of a tmux server of its own."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "tmux"

    def start(self, *command: str, width: int = 80, height: int = 24, **environment: str) -> None:
        """Run a command in it; what it leaves behind stays to be read, and how it ended."""
        words = shlex.join(
            [
                "env",
                "-u",
                "COLUMNS",
                "-u",
                "LINES",
                *(f"{name}={value}" for name, value in environment.items()),
                *command,
            ]
        )
        size = ["-x", str(width), "-y", str(height)]
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, f"{words}; echo status=$?; read nothing")

    def press(self, *keys: str) -> None:
        """Type keys, as tmux names them."""
        self._tmux("send-keys", *keys)

    def resize(self, width: int, height: int) -> None:
        """Make the terminal as large."""
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def text(self, *options: str) -> str:
        """Return what it shows."""
        return self._tmux("capture-pane", "-p", *options)

    def shows(self, *words: str, without: str | None = None) -> str:
        """Wait until it shows all `words`, and return everything."""
        end = time.monotonic() + WAIT_S
        while True:
            text = self.text()
            if all(word in text for word in words) and (without is None or without not in text):
                return text
            assert time.monotonic() < end, f"not all of {words} in:\n{text}"

    def close(self) -> None:
        """End the server and everything in it."""
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], capture_output=True, check=False)
        # A server that is ending takes no new session: the next one is another.
        self._socket = self._socket.with_name(f"{self._socket.name}-")

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", str(self._socket), *words], capture_output=True, text=True, check=True, timeout=30
        )
        return done.stdout


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ph") as name:
        yield Path(name)


@pytest.fixture
def terminal(folder: Path) -> Iterator[Terminal]:
    terminal = Terminal(folder)
    yield terminal
    terminal.close()


@pytest.fixture
def run_socket(folder: Path) -> Iterator[Path]:
    """Return where a made-up run of another process listens."""
    path = folder / "run.sock"
    command = [sys.executable, "tests/telemetry_samples.py", str(path), "--pools", "60", "--rate", "200"]
    run = subprocess.Popen(command, cwd=ROOT)
    wait_for(path.exists)
    yield path
    run.terminate()
    run.wait(WAIT_S)


def wait_for(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < end


def screen(path: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "phantom_arbiter.tui", str(path), *options]


def test_through_all_screens_the_kill_switch_and_out(terminal: Terminal, run_socket: Path) -> None:
    terminal.start(*screen(run_socket))
    terminal.shows("PAPER", "trading", "connected", "[1 Why]", "after rehearsal", "lacks", "k Kill switch")
    for place, spec in enumerate(PANES[1:], 2):
        terminal.press(str(place))
        terminal.shows(f"[{place} {spec.name}]")
    terminal.press("3", "Down", "Enter")
    terminal.shows("Pool ", "depth a", "Esc closes")
    terminal.press("Escape")
    terminal.shows("[3 Pools]", without="Esc closes")
    terminal.press("/")
    terminal.press("u", "s", "d", "c")
    terminal.shows("filter “usdc”")
    terminal.press("Escape")
    terminal.shows("60 pools", without="filter “")
    terminal.press("p")
    terminal.shows("PAUSED: ", "records wait, p goes on")
    terminal.press("p")
    terminal.shows("[3 Pools]", without="PAUSED")
    terminal.press("k")
    terminal.shows("Halt?", "sends nothing more", "y = yes    n = no")
    terminal.press("y")
    terminal.shows("halt: done", "HALTED by ")
    terminal.press("9")
    terminal.shows("[9 Log]", "halt by terminal")
    terminal.press("q")
    assert "status=0" in terminal.shows("status=", without="[9 Log]")


def test_detached_it_leaves_the_run_alone_and_outlives_it(terminal: Terminal, run_socket: Path) -> None:
    terminal.start(*screen(run_socket, "--detach"))
    terminal.shows("connected", "[1 Why]")
    terminal.press("q")
    terminal.shows("status=0")
    terminal.close()
    terminal.start(*screen(run_socket, "--detach"))
    terminal.shows("connected", "[1 Why]", "after rehearsal")
    other = Terminal(run_socket.parent / "..")
    other._socket = run_socket.parent / "tmux2"
    try:
        other.start(*screen(run_socket))
        other.shows("connected")
        other.press("q")
        other.shows("status=0")
    finally:
        other.close()
    terminal.shows("run has ended", "its last picture, q leaves", "after rehearsal")
    terminal.press("2")
    terminal.shows("[2 Cycles]")
    terminal.press("q")
    terminal.shows("status=0")


def test_without_colour_no_cell_has_one(terminal: Terminal, run_socket: Path) -> None:
    terminal.start(*screen(run_socket, "--detach"), NO_COLOR="1")
    terminal.shows("connected", "▸ ")
    for key in ("3", "k"):
        terminal.press(key)
        terminal.shows("[3 Pools]")
    terminal.shows("Halt?")
    coloured = [
        code
        for code in ("\x1b[3", "\x1b[4", "\x1b[9")
        for d in "0123567"
        if f"{code}{d}m" in terminal.text("-e")
    ]
    assert not coloured
    assert "38;" not in terminal.text("-e")
    assert "48;" not in terminal.text("-e")


def test_too_small_says_so_and_comes_back(terminal: Terminal, run_socket: Path) -> None:
    terminal.start(*screen(run_socket, "--detach"), width=50, height=12)
    terminal.shows("50x12", "60x20")
    terminal.resize(100, 30)
    terminal.shows("[1 Why]", "connected", "rejected:")


def test_a_dumb_terminal_gets_one_line(terminal: Terminal, run_socket: Path) -> None:
    terminal.start(*screen(run_socket), width=200, TERM="dumb")
    shown = terminal.shows("status=2")
    assert "TERM=dumb) cannot move its cursor; hint: phantom run --ui plain" in shown


def test_no_run_is_said_so(terminal: Terminal, folder: Path) -> None:
    terminal.start(*screen(folder / "none.sock"))
    terminal.shows("no run", "no run listens at", "q leaves")
    terminal.press("q")
    terminal.shows("status=0")


def test_the_whole_demo_through_all_screens_the_kill_switch_and_quit(
    terminal: Terminal, folder: Path
) -> None:
    command = [sys.executable, "-m", "phantom_arbiter", "run", "--ui", "tui", "--speed", "1000x"]
    command += ["--journal", str(folder / "j.sqlite")]
    terminal.start(*command, width=120, height=36, PHANTOM_TELEMETRY__SOCKET_DIR=str(folder / "s"))
    terminal.shows("PAPER · trading · connected · whirlpool-2022-04-06", "of the recording", "after fees")
    for place, words in enumerate(
        (
            ("rejected:", "risk_price_deviation"),
            ("open now", "USDC→"),
            ("9 pools:", "orca_whirlpool", "no: no_liquidity"),
            ("3 of 3 connected", "rpc-a", "rpc-c"),
            ("not traded", "cyclic_arbitrage:"),
            ("refused", "price_deviation"),
            ("mode       fixed", "mints.max_exposure"),
            ("frame to decision", "durations"),
            ("notice",),
        ),
        1,
    ):
        terminal.press(str(place))
        terminal.shows(f"[{place} {PANES[place - 1].name}]", *words)
    terminal.press("k")
    terminal.shows("Halt?")
    terminal.press("y")
    terminal.shows("halt: done", "HALTED by terminal", "kill switch on (terminal)")
    terminal.press("k")
    terminal.shows("Resume?", "may send again at once")
    terminal.press("y")
    terminal.shows("resume: done", "trading ·", "kill switch off (terminal)")
    terminal.press("q")
    terminal.shows("status=0")
    summary = terminal.text("-S", "-200")
    assert "stopped after" in summary
    assert "whirlpool-2022-04-06" in summary


def test_a_run_that_is_killed_leaves_its_last_picture(terminal: Terminal, folder: Path) -> None:
    environment = {**os.environ, "PHANTOM_TELEMETRY__SOCKET_DIR": str(folder / "s")}
    words = ["run", "--ui", "plain", "--speed", "1000x", "--journal", str(folder / "j.sqlite")]
    run = subprocess.Popen(
        [sys.executable, "-m", "phantom_arbiter", *words],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: find_run(folder / "s") is not None)
    watch = [sys.executable, "-m", "phantom_arbiter", "watch"]
    terminal.start(*watch, PHANTOM_TELEMETRY__SOCKET_DIR=str(folder / "s"))
    terminal.shows("PAPER", "connected", "after fees")
    run.kill()
    run.wait()
    terminal.shows("run is GONE", "its last picture, q leaves", "after fees")
    terminal.press("q")
    terminal.shows("status=0")
    assert find_run(folder / "s") is None, "its socket is removed by whoever looks"
