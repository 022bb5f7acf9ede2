"""The processes that show a run: the screen on this terminal, and the dashboard for browsers.

They follow the run's socket like any other viewer, with less of the machine than the run. A screen that dies
leaves a run that writes lines; a dashboard that cannot begin leaves a run without one.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, Protocol

from rich.console import Console

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.progress import BesideScreen, View, choose_view
from phantom_arbiter.telemetry.bus import BothWithFeed, Bus
from phantom_arbiter.telemetry.serving import Viewing

if TYPE_CHECKING:
    from pathlib import Path

    from phantom_arbiter.config import Config
    from phantom_arbiter.config_dashboard import DashboardSettings
    from phantom_arbiter.summary import SourceInfo
    from phantom_arbiter.telemetry.publisher import Publisher

BEGIN_S = 10.0
"""How long a run waits for a viewer that it has started."""

NICER = 5
"""How much less of the machine viewers get: added to the process's niceness."""

LEAVE_S = 5.0
"""How long a dashboard may take to end."""

GREET_S = 1.0
"""How long the line with the address of a dashboard that follows may take: it is printed before."""

_POLL_S = 0.02

_LOST_SCREEN = "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1049l\x1b[?25h\x1b[0m\r\n"
"""Mouse reports and bracketed paste off, the other screen left, the cursor back: what a screen that has died
did not say. xterm's control sequences, DECSET."""

_ADDRESS = re.compile(r"https?://[^\s?]+")


class Served(Protocol):
    """What is asked of a publisher."""

    @property
    def path(self) -> Path:
        """Where it listens."""
        ...

    @property
    def greeted(self) -> int:
        """How many viewers have come so far."""
        ...


def choose_ui(ui: str, *, is_paced: bool, can_publish: bool) -> str:
    """Return the view that `ui` means here: tui, rich or plain.

    Args:
        ui: As the settings have it.
        is_paced: The run goes on for a while: a live one, or a recording that is not played at full speed.
        can_publish: Whether other processes may follow.

    Raises:
        ConfigError: A screen is asked for, and nobody may follow.
        HintedError: A screen is asked for, and this is no terminal that can show one.
    """
    if ui == "tui":
        from phantom_arbiter.tui.start import need_terminal

        if not can_publish:
            raise ConfigError("--ui tui follows the run, and telemetry.publish is false", hint="--ui rich")
        need_terminal()
        return ui
    if ui != "auto":
        return ui
    if not sys.stderr.isatty():
        return "plain"
    is_able = sys.stdin.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")
    return "tui" if is_paced and is_able and can_publish and hasattr(os, "setpriority") else "rich"


class Showing:
    """How one run is shown, from its start until nobody looks any more.

    Inside the block the run goes on; leaving it waits for the screen to be left. `linger` then keeps the
    dashboard.
    """

    def __init__(
        self,
        config: Config,
        info: SourceInfo,
        console: Console,
        *,
        with_dashboard: bool,
        is_paced: bool,
    ) -> None:
        """Prepare.

        Args:
            config: Its sections run, telemetry and dashboard are read.
            info: What the source says of itself.
            console: Standard error.
            with_dashboard: Start one.
            is_paced: See `choose_ui`.

        Raises:
            ConfigError: What is asked for needs telemetry.publish.
            HintedError: This is no terminal that can show a screen.
        """
        can_publish = config.telemetry.publish
        if with_dashboard and not can_publish:
            raise ConfigError("--dashboard follows the run, and telemetry.publish is false")
        ui = choose_ui(config.run.ui, is_paced=is_paced, can_publish=can_publish)
        self._view: View = choose_view(ui, info, console)
        self._console = console
        self._screen: Screen | None = None
        self._has_screen = isinstance(self._view, BesideScreen)
        self._dashboard = Dashboard(config.dashboard, self._dashboard_gone) if with_dashboard else None
        self._bus = Bus()
        self.observer: View | BothWithFeed = self._view
        self.viewing: Viewing | None = None
        if can_publish:
            self.observer = BothWithFeed(self._bus, self._view)
            self.viewing = Viewing(self._bus, self._begun)
        self.stage = self._view.stage

    def __enter__(self) -> Showing:
        self._view.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._view.__exit__(None, None, None)
        if self._screen is not None:
            self._screen.wait()
        if self._dashboard is not None:
            self._dashboard.show_lines()
            if error[0] is not None:
                self._dashboard.end()

    def linger(self, *, has_ended_by_itself: bool) -> None:
        """Keep the dashboard of a recording that has ended until Ctrl-C; end that of any other run."""
        dashboard = self._dashboard
        if dashboard is None:
            return
        try:
            if has_ended_by_itself and dashboard.is_running:
                where = "" if dashboard.address is None else f" at {dashboard.address}"
                self._console.print(
                    f"the run has ended; its dashboard stays{where} until Ctrl-C",
                    highlight=False,
                    soft_wrap=True,
                )
                dashboard.wait()
        except KeyboardInterrupt:
            pass
        finally:
            dashboard.end()

    def _begun(self, publisher: Publisher | None) -> None:
        """Start the viewers, and wait until they follow."""
        if publisher is None:
            self._speak()
            if self._dashboard is not None:
                self._view.notice("the dashboard has no run to follow, the run goes on without it")
            return
        if self._dashboard is not None:
            self._begin_dashboard(self._dashboard, publisher)
        if self._has_screen:
            self._begin_screen(publisher)

    def _begin_dashboard(self, dashboard: Dashboard, publisher: Served) -> None:
        dashboard.start(publisher.path)
        if not _followed(publisher, 1, lambda: dashboard.is_running):
            self._view.notice(
                f"the dashboard does not follow yet after {BEGIN_S:g} s, the run goes on"
                if dashboard.is_running
                else "the dashboard has not started, the run goes on without it"
            )
        if self._has_screen:
            dashboard.hold_lines()
            if dashboard.is_running and dashboard.has_greeted.wait(GREET_S):
                self.observer.notice(f"the dashboard is at {dashboard.address}")

    def _begin_screen(self, publisher: Served) -> None:
        before = publisher.greeted
        screen = self._screen = Screen(publisher.path, self._screen_gone)
        _followed(publisher, before + 1, lambda: screen.is_running)

    def _screen_gone(self, status: int) -> None:
        """Go on with lines; called from the thread that waits for the screen."""
        self._speak()
        if self._dashboard is not None:
            self._dashboard.show_lines()
        if status != 0:
            self.observer.notice(f"the screen has ended with status {status}, the run goes on")

    def _dashboard_gone(self, status: int) -> None:
        """Say so; called from the thread that reads its lines."""
        self.observer.notice(f"the dashboard has ended with status {status}, the run goes on without it")

    def _speak(self) -> None:
        if isinstance(self._view, BesideScreen):
            self._view.speak()


class Screen:
    """`python -m phantom_arbiter.tui` on this terminal."""

    def __init__(self, path: Path, gone: Callable[[int], None]) -> None:
        """Start it.

        Args:
            path: Of the run's socket.
            gone: Told of its status once it has ended.
        """
        self._terminal = _terminal_state()
        # What it draws goes to stderr: stdout is for the summary.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "phantom_arbiter.tui", str(path)], stdout=sys.stderr.fileno()
        )
        _be_nice(self._process.pid)
        self._gone = gone
        self._thread = threading.Thread(target=self._watch, name="screen", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it is there."""
        return self._thread.is_alive()

    def wait(self) -> None:
        """Wait until it has been left; Ctrl-C then ends it."""
        try:
            self._thread.join()
        except KeyboardInterrupt:
            self._process.terminate()
            self._thread.join(LEAVE_S)
            raise

    def _watch(self) -> None:
        status = self._process.wait()
        if status != 0:
            _restore_terminal(self._terminal)
        self._gone(status)


class Dashboard:
    """`python -m phantom_arbiter.galaxy`; what it prints goes to stderr, held back while there is a screen.

    Its lines hold tokens: they are printed, and go nowhere else.
    """

    def __init__(self, settings: DashboardSettings, gone: Callable[[int], None]) -> None:
        """Prepare.

        Args:
            settings: Its settings.
            gone: Told of its status if it ends by itself after it has begun to serve.
        """
        self._settings = settings
        self._gone = gone
        self._is_ending = False
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._lock = threading.Lock()
        self._held: list[str] | None = None
        self.address: str | None = None
        """Where it serves, once it has said so."""
        self.has_greeted = threading.Event()

    @property
    def is_running(self) -> bool:
        """Whether it is there."""
        return self._process is not None and self._process.poll() is None

    def start(self, path: Path) -> None:
        """Start it for the run that listens at `path`."""
        process = self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "phantom_arbiter.galaxy", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        _be_nice(process.pid)
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(self._settings.model_dump_json() + "\n")
                process.stdin.flush()
        if process.stderr is not None:
            self._reader = threading.Thread(
                target=self._read, args=(process.stderr,), name="dashboard", daemon=True
            )
            self._reader.start()

    def hold_lines(self) -> None:
        """Keep what it prints."""
        with self._lock:
            self._held = []

    def show_lines(self) -> None:
        """Print what was kept, and what comes."""
        with self._lock:
            held, self._held = self._held or [], None
            for line in held:
                print(line, file=sys.stderr)

    def wait(self) -> None:
        """Wait until it ends by itself."""
        if self._process is not None:
            self._process.wait()

    def end(self) -> None:
        """End it: it does once its stdin closes."""
        process = self._process
        if process is None:
            return
        self._is_ending = True
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        try:
            process.wait(LEAVE_S)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
            process.wait()
        if self._reader is not None:
            self._reader.join(LEAVE_S)
        if process.stderr is not None:
            process.stderr.close()

    def _read(self, lines: IO[str]) -> None:
        for line in lines:
            found = _ADDRESS.search(line)
            if found is not None:
                self.address = found[0]
                self.has_greeted.set()
            with self._lock:
                if self._held is None:
                    print(line.rstrip("\n"), file=sys.stderr)
                else:
                    self._held.append(line.rstrip("\n"))
        if self._process is not None:
            status = self._process.wait()
            if self.address is not None and not self._is_ending:
                self._gone(status)


def _followed(publisher: Served, wanted: int, is_there: Callable[[], bool]) -> bool:
    """Wait until so many viewers have come, the one that is waited for is gone, or too much time has."""
    deadline = time.monotonic() + BEGIN_S
    while publisher.greeted < wanted:
        if not is_there() or time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _be_nice(pid: int) -> None:
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, pid) + NICER)


def _terminal_state() -> list[Any] | None:
    try:
        import termios
    except ImportError:
        return None
    try:
        return termios.tcgetattr(sys.stdin.fileno())
    except (termios.error, OSError, ValueError):
        return None


def _restore_terminal(state: list[Any] | None) -> None:
    """Give the terminal back as it was before a screen that did not."""
    if state is None:
        return
    import termios

    with contextlib.suppress(termios.error, OSError, ValueError):
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, state)
        sys.stderr.write(_LOST_SCREEN)
        sys.stderr.flush()


__all__ = ["BEGIN_S", "Dashboard", "Screen", "Showing", "choose_ui"]
