"""A run, a dashboard and a browser as processes of their own, as whoever uses them has them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

import phantom_arbiter
from phantom_arbiter.telemetry.follow import BlockingFollower
from phantom_arbiter.telemetry.model import RunModel
from phantom_arbiter.telemetry.records import Changes, Published

WAIT_S = 30.0
POLL_S = 0.02
ROOT = Path(__file__).resolve().parent.parent
STATIC = Path(phantom_arbiter.__file__).parent / "galaxy" / "static"
AXE = ROOT / "galaxy" / "node_modules" / "axe-core" / "axe.min.js"

_URL = re.compile(r"dashboard: (http://\S+)")
_TOKEN = re.compile(r"dashboard: control token (\S+)")

# WebGL without a GPU.
_FLAGS = ("--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")


def why_not() -> str | None:
    """Return why no browser can be driven here; None if one can."""
    if chromium() is None:
        return "there is no Chromium here: install Debian's, or name one in PHANTOM_CHROMIUM"
    if not (STATIC / "index.html").is_file():
        return "the dashboard's pages are not built: make web"
    return None


def chromium() -> str | None:
    """Return where Chromium is."""
    return os.environ.get("PHANTOM_CHROMIUM") or shutil.which("chromium")


@contextlib.contextmanager
def browsing() -> Iterator[Browser]:
    """Give Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """Return the environment of a user who has set nothing but `settings`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PHANTOM_")}
    homes = dict.fromkeys(("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"), str(folder / "home"))
    return {
        **kept,
        **homes,
        "XDG_RUNTIME_DIR": str(folder),
        "PYTHONPATH": os.pathsep.join((str(STATIC.parents[2]), str(ROOT / "tests"))),
        **settings,
    }


class Command:
    """A process of the program, and the lines that it says on stderr."""

    def __init__(self, words: tuple[str, ...], env: dict[str, str]) -> None:
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, *words], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line.rstrip("\n"))

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def says(self, pattern: re.Pattern[str] | str) -> str:
        """Wait for a line with `pattern`; return its first group, or the whole."""
        found: list[re.Match[str]] = []

        def is_said() -> bool:
            found[:] = [match for line in list(self.lines) if (match := re.search(pattern, line))]
            return bool(found) or not self.is_running

        until(is_said)
        assert found, f"{pattern} is not in {self.lines}"
        return found[0][found[0].re.groups]

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        status = self._process.wait(WAIT_S)
        self._reader.join(WAIT_S)
        return status

    def end(self) -> None:
        """End it, whatever it does."""
        if self.is_running:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(WAIT_S)
        assert self._process.stderr is not None
        self._process.stderr.close()


def until(holds: Callable[[], bool], wait_s: float = WAIT_S) -> None:
    """Wait until something holds that another process brings about."""
    deadline = time.monotonic() + wait_s
    while not holds():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(POLL_S)


@contextlib.contextmanager
def phantom(*words: str, env: dict[str, str]) -> Iterator[Command]:
    """Give `phantom WORDS`, ended at the end."""
    command = Command(("-m", "phantom_arbiter", *words), env)
    try:
        yield command
    finally:
        command.end()


class Served:
    """Where a dashboard is, as it says itself."""

    def __init__(self, command: Command, *, has_control: bool = False) -> None:
        self.command = command
        self.url = command.says(_URL)
        self.origin = self.url.partition("?")[0].rstrip("/")
        self.port = int(self.origin.rpartition(":")[2])
        self.control_token = command.says(_TOKEN) if has_control else None


class Ear:
    """A viewer of its own beside the dashboard: what the engine says of its cycles."""

    def __init__(self, path: Path) -> None:
        self.model = RunModel()
        self.opened: list[int] = []
        self.closed: list[int] = []
        self._follower = BlockingFollower(path, timeout_s=None)
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with self._follower:
            for _, record in self._follower:
                with self._lock:
                    self._take(record)

    def _take(self, record: Published) -> None:
        self.model.apply(record)
        if isinstance(record, Changes):
            self.opened += [cycle.id for cycle in record.market.opened]
            self.closed += [cycle.id for cycle in record.market.closed]

    def now(self) -> tuple[int, list[int]]:
        """Return the number of the last record, and the cycles that are open after it."""
        with self._lock:
            return self.model.seq, sorted(self.model.open)

    def join(self) -> None:
        self._thread.join(WAIT_S)


class Tab:
    """A page of the dashboard, and whatever the browser has to complain about."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.complaints: list[str] = []
        self.origin = origin
        self.page: Page = context.new_page()
        self.page.set_default_timeout(WAIT_S * 1_000)
        self.page.on("console", lambda told: self._told(f"{told.type}: {told.text}", told.type))
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("request", lambda request: self._asked(request.url))
        # A violation of the policy that is only reported would not be an error on the console.
        self.page.add_init_script(
            "addEventListener('securitypolicyviolation', e => console.error('CSP ' + e.violatedDirective))"
        )

    def _told(self, text: str, kind: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def _asked(self, url: str) -> None:
        if not url.startswith((self.origin, self.origin.replace("http", "ws", 1), "data:")):
            self.complaints.append(f"asked elsewhere: {url}")

    def open(self, url: str) -> None:
        self.page.goto(url)

    def go(self, name: str) -> None:
        """Show a page, as a click in the navigation does."""
        self.page.evaluate("name => { location.hash = '#/' + name }", name)
        self.until(lambda: self.page.locator(f"main.page-{name}").count() == 1)

    def facts(self) -> dict[str, Any]:
        """What the page knows."""
        facts: dict[str, Any] = self.page.evaluate("window.__phantom.facts()")
        return facts

    def galaxy(self) -> dict[str, Any]:
        """What the galaxy shows."""
        facts: dict[str, Any] = self.page.evaluate("window.__phantom.galaxy?.facts() ?? {}")
        return facts

    def badge(self) -> str:
        return self.page.locator(".badge.connection").inner_text()

    def until(self, holds: Callable[[], bool], wait_s: float = WAIT_S) -> None:
        """Wait on the browser; its events are heard meanwhile."""
        deadline = time.monotonic() + wait_s
        while not holds():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited for too long; the page says\n{self.page.inner_text('body')}")
            self.page.wait_for_timeout(POLL_S * 1_000)


def record_figures(name: str, figures: dict[str, object]) -> None:
    """Print figures, and keep them as JSON in the folder that PHANTOM_E2E_OUT named at the start."""
    print(f"{name}: {json.dumps(figures)}")
    if OUT is not None:
        OUT.mkdir(parents=True, exist_ok=True)
        (OUT / f"{name}.json").write_text(json.dumps(figures, indent=2) + "\n")


OUT = Path(os.environ["PHANTOM_E2E_OUT"]) if "PHANTOM_E2E_OUT" in os.environ else None

needs_browser = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")
