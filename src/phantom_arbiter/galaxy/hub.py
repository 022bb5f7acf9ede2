"""What the dashboard knows of the run, and who watches it: every record is folded, kept and passed on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

from phantom_arbiter.galaxy.browser import TOO_SLOW, Browser, BrowserSocket, text_frame
from phantom_arbiter.galaxy.history import History
from phantom_arbiter.galaxy.snapshots import snapshot_of
from phantom_arbiter.telemetry.model import RunModel
from phantom_arbiter.telemetry.records import End, Hello, Published


def _now_unix_ms() -> int:
    return time.time_ns() // 1_000_000


class Hub:
    """One run, or the last one, and the browsers.

    Attributes:
        model: What is known.
        history: What was said.
        browsers: Who watches.
        run: How many runs have said hello so far.
        away_since: Unix time in ms since which there is no run; None while there is one.
        lost: Records that browsers were too slow for.
        too_slow: Browsers that were sent away for reading nothing.
    """

    def __init__(self, history_bytes: int, *, unix_ms: Callable[[], int] = _now_unix_ms) -> None:
        self.model = RunModel()
        self.history = History(history_bytes)
        self.browsers: set[Browser] = set()
        self.run = 0
        self.lost = self.too_slow = 0
        self._unix_ms = unix_ms
        self.away_since: int | None = unix_ms()
        self._hello: bytes | None = None
        self._end: bytes | None = None
        self._encoder = msgspec.json.Encoder()
        self._snapshot: bytes | None = None
        self._snapshot_frame: bytes | None = None
        self._next_number = 1

    def heard(self, raw: bytes, record: Published) -> None:
        """Take notice of a record of the run and pass it on."""
        self.model.apply(record)
        self._snapshot = self._snapshot_frame = None
        frame = text_frame(raw)
        match record:
            case Hello():
                self.run += 1
                self.history.forget()
                self._hello, self._end, self.away_since = frame, None, None
                for browser in self.browsers:
                    if not browser.is_behind:
                        browser.run = self.run
            case End():
                self._end = frame
            case _:
                pass
        self.history.add(raw, record, self.snapshot)
        self._tell(frame)

    def away(self) -> None:
        """Take notice that the run's process has gone."""
        self.away_since = self._unix_ms()
        self._tell(self._away_frame())

    def snapshot(self) -> bytes:
        """Return all that is known as a `snapshot` record."""
        if self._snapshot is None:
            self._snapshot = self._encoder.encode(snapshot_of(self.model))
        return self._snapshot

    def join(self, socket: BrowserSocket, *, may_control: bool) -> Browser:
        """Take a browser in: it hears of the session, the run, and all that is known."""
        browser = Browser(self._next_number, socket, self._catch_up)
        self._next_number += 1
        session = {"type": "session", "control": may_control, "viewer": browser.number}
        browser.send(text_frame(self._encoder.encode(session)))
        self._catch_up(browser)
        self.browsers.add(browser)
        return browser

    def leave(self, browser: Browser) -> None:
        """Forget a browser."""
        self.browsers.discard(browser)

    async def watch_for_stalled(self) -> None:
        """Send browsers away that read nothing, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1)
            self.end_stalled(loop.time())

    def end_stalled(self, now: float) -> None:
        """Send browsers away that have read nothing for too long."""
        for browser in [each for each in self.browsers if each.is_stalled(now)]:
            self.too_slow += 1
            self.leave(browser)
            browser.end(TOO_SLOW, "nothing was read for 30 s, come again")

    def _catch_up(self, browser: Browser) -> None:
        if self._hello is not None:
            if browser.run != self.run:
                browser.run = self.run
                browser.send(self._hello)
            if self.model.pools or self.model.status is not None or self.history.first is not None:
                if self._snapshot_frame is None:
                    self._snapshot_frame = text_frame(self.snapshot())
                browser.send(self._snapshot_frame)
            if self._end is not None:
                browser.send(self._end)
        if self.away_since is not None:
            browser.send(self._away_frame())

    def _tell(self, frame: bytes) -> None:
        for browser in self.browsers:
            if browser.send(frame):
                self.lost += 1

    def _away_frame(self) -> bytes:
        return text_frame(self._encoder.encode({"type": "away", "since_unix_ms": self.away_since}))
