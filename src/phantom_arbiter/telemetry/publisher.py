"""The thread that tells viewers what a run does.

It sleeps until a viewer comes; then it looks about 20 times a second: what the native engine noted, already
encoded, is spliced into a record as it is; what the bus holds becomes records. Every record is encoded once
and the same bytes wait for all viewers, each of which has a bounded backlog. Nothing here waits for a viewer
or for the loop, and nothing raised here reaches the loop: an error is told once, and viewers are served no
more.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from phantom_arbiter.sound_text import sound
from phantom_arbiter.telemetry.bus import Bus, latest
from phantom_arbiter.telemetry.convert import Place, VenueOf, record_of
from phantom_arbiter.telemetry.records import (
    AskCurve,
    Control,
    Curve,
    Done,
    End,
    Hello,
    Notice,
    Record,
    Status,
    Trade,
)
from phantom_arbiter.telemetry.viewer import MAX_CURVES_WAITING, BadViewerError, Viewer, framed

LOOK_EVERY_NS = 50_000_000
"""How often viewers are told what the market did."""

STATUS_EVERY_NS = 250_000_000
"""How often they are told where the run stands."""

KEPT = 500
"""Trades, refusals and notices that a snapshot has of each; as many as a viewer's model keeps."""

MAX_VIEWERS = 16
"""Processes that may follow at once."""

PAUSE_EVERY = 5
"""Events that become records before the interpreter is left to the loop for a moment."""

PAUSE_S = 0.000_05

LEAVE_NS = 1_000_000_000
"""How long viewers may take to read the end."""


class Watch(Protocol):
    """What the native engine noted: see `phantom_core.EngineWatch`."""

    def drain(self) -> bytes:
        """Return what has changed as JSON of `MarketChanges`; empty if nothing has."""
        ...

    def drain_and_snapshot(self) -> tuple[bytes, bytes]:
        """Return the same, and all there is after it as JSON of `MarketSnapshot`."""
        ...

    @property
    def lost(self) -> int:
        """Openings and closings that nobody fetched in time."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """What the publisher asks of a run; everything is called from its thread.

    Attributes:
        hello: Who speaks.
        bus: What the shell tells.
        watch: Begins to watch the market.
        status: Where the run stands, given number, viewers, losses and whether it is the last.
        venue_of: Names the venue of a pool.
        settle: Has the market tell the watch of all pools.
        curve: Answers what a cycle would earn.
        control: Does what a viewer asks for; returns why not, or None.
        at_ns: The source's time.
        slot: The highest slot that is known without asking anybody.
        broken: Told in one line that a viewer cannot be served, or that none is any more.
    """

    hello: Hello
    bus: Bus
    watch: Callable[[], Watch]
    status: Callable[[int, int, int, bool], Status]
    venue_of: VenueOf
    settle: Callable[[], object]
    curve: Callable[[AskCurve], Curve]
    control: Callable[[Control], str | None]
    at_ns: Callable[[], int]
    slot: Callable[[], int]
    broken: Callable[[str], None]


class Publisher:
    """Serves the viewers of one run."""

    def __init__(self, listener: socket.socket, path: Path, run: Run) -> None:
        """Prepare.

        Args:
            listener: Listens, and does not block.
            path: Where; removed at the end.
            run: What is told of.
        """
        self.path = path
        self._listener = listener
        self._run = run
        self._encoder = msgspec.json.Encoder()
        self._hello = framed(self._encode(run.hello))
        self._wake_out, self._wake_in = os.pipe()
        self._thread = threading.Thread(target=self._main, name="publisher", daemon=True)
        self._selector = selectors.DefaultSelector()
        self._viewers: list[Viewer] = []
        self._market: Watch | None = None
        self._market_lost = 0
        self._seq = self._slot = self._lost = self._dropped = 0
        self._trades: deque[bytes] = deque(maxlen=KEPT)
        self._refusals: deque[bytes] = deque(maxlen=KEPT)
        self._notices: deque[bytes] = deque(maxlen=KEPT)
        self._status: bytes | None = None
        self._next_look_ns = self._next_status_ns = 0
        self._end: dict[str, Any] | None = None
        self._error: str | None = None
        self._is_ending = self._has_complained = False
        self.greeted = 0
        """How many viewers have been given a snapshot so far."""

    # ---- for the session

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    @property
    def is_serving(self) -> bool:
        """Whether viewers are served."""
        return self._thread.is_alive()

    @property
    def viewers(self) -> int:
        """How many follow now."""
        return len(self._viewers)

    @property
    def lost(self) -> int:
        """Records that viewers were too slow for, and events that were dropped while somebody followed."""
        return self._lost

    def finish(self, summary: dict[str, Any] | None, error: str | None = None) -> None:
        """Tell the end, let viewers read it, and stop; at most about a second.

        Args:
            summary: As `phantom run --json` prints it; None if the run failed.
            error: Why it failed.
        """
        self._end, self._error = summary, error
        self._is_ending = True
        self._wake()
        if self._thread.ident is not None:
            self._thread.join(2 * LEAVE_NS / 1e9)
        if not self._thread.is_alive():
            self._close()

    def _wake(self) -> None:
        try:
            os.write(self._wake_in, b".")
        except OSError:  # pragma: no cover - it has ended by itself
            return

    # ---- the thread

    def _main(self) -> None:
        try:
            self._serve()
        except BaseException as error:  # the run goes on, even if native code has panicked
            self._run.broken(f"viewers are no longer served: {type(error).__name__}: {error}")
        finally:
            self.path.unlink(missing_ok=True)
            for viewer in self._viewers:
                viewer.close()
            self._viewers = []
            self._listener.close()

    def _close(self) -> None:
        """Give back what the thread has left."""
        self.path.unlink(missing_ok=True)
        self._selector.close()
        self._listener.close()
        for end in (self._wake_in, self._wake_out):
            os.close(end)

    def _serve(self) -> None:
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_out, selectors.EVENT_READ)
        while not self._is_ending:
            self._attend(self._patience_s())
            if self._viewers and time.monotonic_ns() >= self._next_look_ns:
                self._look()
        self._selector.unregister(self._listener)
        self._selector.unregister(self._wake_out)
        self._tell_end()
        deadline_ns = time.monotonic_ns() + LEAVE_NS
        while any(viewer.backlog_frames for viewer in self._viewers):
            left_ns = deadline_ns - time.monotonic_ns()
            if left_ns <= 0:
                break
            self._attend(left_ns / 1e9)

    def _patience_s(self) -> float | None:
        """Return how long to sleep unless something happens; None: until it does."""
        if not self._viewers:
            return None
        return max(self._next_look_ns - time.monotonic_ns(), 0) / 1e9

    def _attend(self, timeout_s: float | None) -> None:
        """Take notice of whoever comes, speaks, can be written to, or leaves."""
        for key, ready in self._selector.select(timeout_s):
            viewer = key.data
            if viewer is None:
                if key.fileobj is self._listener:
                    self._accept()
                continue
            try:
                if ready & selectors.EVENT_READ:
                    self._hear(viewer)
                if ready & selectors.EVENT_WRITE and viewer in self._viewers:
                    viewer.is_stuck = False
                    self._flush(viewer)
            except (OSError, BadViewerError):
                self._drop(viewer)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # it has gone again
        except OSError as error:
            # Without descriptors it stays ready, and is asked for no more often than the market is looked at.
            if not self._has_complained:
                self._has_complained = True
                self._run.broken(f"a viewer waits and cannot be served: {error}")
            time.sleep(LOOK_EVERY_NS / 1e9)
            return
        viewer = Viewer(connection)
        if len(self._viewers) >= MAX_VIEWERS:
            self._refuse(viewer)
            return
        viewer.answer(self._hello)
        self._viewers.append(viewer)
        self._selector.register(connection, selectors.EVENT_READ, viewer)
        self._next_look_ns = 0

    def _refuse(self, viewer: Viewer) -> None:
        """Say that there is no place, and hang up."""
        text = f"{MAX_VIEWERS} viewers follow this run already, no more are served"
        notice = Notice(**self._place(), kind="refused", text=text)
        viewer.answer(framed(self._encode(notice)))
        with contextlib.suppress(OSError):
            viewer.flush()
        viewer.close()

    def _hear(self, viewer: Viewer) -> None:
        asked = viewer.read()
        if asked is None:
            self._drop(viewer)
            return
        for each in asked:
            if isinstance(each, Control):
                error = self._run.control(each)
                viewer.answer(framed(self._encode(Done(id=each.id, error=error))))
            elif len(viewer.curves) < MAX_CURVES_WAITING:
                viewer.curves.append(each)
            else:
                refused = Curve(id=each.id, error=f"{MAX_CURVES_WAITING} curves wait already")
                viewer.answer(framed(self._encode(refused)))
        if asked:
            self._flush(viewer)

    def _flush(self, viewer: Viewer) -> None:
        viewer.flush()
        is_waiting = viewer.backlog_frames or viewer.is_stuck
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if is_waiting else 0)
        if self._selector.get_key(viewer.socket).events != events:
            self._selector.modify(viewer.socket, events, viewer)

    def _drop(self, viewer: Viewer) -> None:
        if viewer in self._viewers:
            self._viewers.remove(viewer)
            self._selector.unregister(viewer.socket)
            viewer.close()

    # ---- what is told

    def _look(self) -> None:
        """Tell what has happened since the last look."""
        now_ns = time.monotonic_ns()
        self._next_look_ns = now_ns + LOOK_EVERY_NS
        if self._market is None:
            self._market = self._run.watch()
        everything = self._tell_market(self._market)
        self._tell_events()
        if now_ns >= self._next_status_ns:
            self._next_status_ns = now_ns + STATUS_EVERY_NS
            self._tell_status()
        if everything is not None:
            self._tell_snapshot(self._market, everything)
        self._answer_curves()
        for viewer in list(self._viewers):
            try:
                self._flush(viewer)
            except OSError:
                self._drop(viewer)

    def _tell_market(self, market: Watch) -> bytes | None:
        """Tell what has changed; return what there is after it if anybody needs to be told."""
        if any(viewer.is_ready_for_snapshot for viewer in self._viewers) or market.lost != self._market_lost:
            changes, everything = market.drain_and_snapshot()
        else:
            changes, everything = market.drain(), None
        if changes:
            self._send_all(framed(self._begun("changes", self._moment()) + b',"market":' + changes + b"}"))
        return everything

    def _tell_snapshot(self, market: Watch, everything: bytes) -> None:
        """Tell all there is to those who need it; to everybody if the watch has lost something."""
        lost = market.lost
        is_for_all = lost != self._market_lost
        self._market_lost = lost
        lists = (
            b'"%b":[%b]' % (name, b",".join(kept))
            for name, kept in (
                (b"trades", self._trades),
                (b"refusals", self._refusals),
                (b"notices", self._notices),
            )
        )
        parts = (b'"market":' + everything, b'"status":' + (self._status or b"null"), *lists)
        snapshot = framed(b",".join((self._begun("snapshot", self._place()), *parts)) + b"}")
        for viewer in self._viewers:
            if viewer.is_ready_for_snapshot:
                viewer.begin(snapshot)
                self.greeted += 1
            elif is_for_all and not viewer.wants_snapshot:
                self._lost += viewer.tell(snapshot)

    def _tell_events(self) -> None:
        events, dropped = self._run.bus.drain(), self._run.bus.dropped
        if all(viewer.wants_snapshot for viewer in self._viewers):
            events = latest(events, KEPT)  # nobody hears them but in a snapshot
        else:
            self._lost += dropped - self._dropped
        self._dropped = dropped
        for number, stamped in enumerate(events, start=1):
            if number % PAUSE_EVERY == 0:
                time.sleep(PAUSE_S)
            self._seq += 1
            record = record_of(stamped, Place(self._seq, self._highest_slot()), self._run.venue_of)
            message = self._encode(record)
            if isinstance(record, Trade):
                self._trades.append(message)
            elif isinstance(record, Notice):
                self._notices.append(message)
            else:
                self._refusals.append(message)
            self._send_all(framed(message))

    def _tell_status(self, *, is_last: bool = False) -> None:
        self._seq += 1
        status = self._run.status(self._seq, len(self._viewers), self.lost, is_last)
        self._slot = max(self._slot, status.slot)
        self._status = self._encode(status)
        self._send_all(framed(self._status))

    def _tell_end(self) -> None:
        if not self._viewers:
            return
        market = self._market = self._market or self._run.watch()
        self._run.settle()
        everything = self._tell_market(market)
        self._tell_events()
        self._tell_status(is_last=True)
        if everything is not None:
            self._tell_snapshot(market, everything)
        end = End(**self._moment(), summary=self._end, error=self._error)
        frame = framed(self._encode(end))
        self._send_all(frame)
        for viewer in list(self._viewers):
            if viewer.wants_snapshot:
                viewer.answer(frame)
            try:
                self._flush(viewer)
            except OSError:
                self._drop(viewer)

    def _answer_curves(self) -> None:
        """Answer one question of each viewer: a curve costs, and there is no hurry."""
        for viewer in self._viewers:
            if viewer.curves:
                curve = self._run.curve(viewer.curves.popleft())
                viewer.answer(framed(self._encode(curve)))

    def _send_all(self, frame: bytes) -> None:
        for viewer in self._viewers:
            self._lost += viewer.tell(frame)

    def _highest_slot(self) -> int:
        self._slot = max(self._slot, self._run.slot())
        return self._slot

    def _moment(self) -> dict[str, Any]:
        """Return number, times and slot of a new record."""
        self._seq += 1
        return self._place()

    def _place(self) -> dict[str, Any]:
        """Return the same of the last record, for what is told to one viewer only."""
        return {
            "seq": self._seq,
            "at_ns": self._run.at_ns(),
            "unix_ms": time.time_ns() // 1_000_000,
            "slot": self._highest_slot(),
        }

    def _encode(self, record: Record) -> bytes:
        """Return a record as JSON; a text that is not UTF-8 with escapes, as a path may be."""
        try:
            return self._encoder.encode(record)
        except UnicodeEncodeError:
            return self._encoder.encode(sound(msgspec.to_builtins(record)))

    @staticmethod
    def _begun(tag: str, moment: dict[str, Any]) -> bytes:
        """Return a record up to where its own fields begin."""
        fields = ",".join(f'"{name}":{value}' for name, value in moment.items())
        return f'{{"type":"{tag}",{fields}'.encode()
