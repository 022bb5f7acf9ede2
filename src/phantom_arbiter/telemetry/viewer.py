"""One viewer as the publisher sees it: frames that wait for it, and bytes that came from it.

Frames are shared: the same bytes wait for every viewer. What does not fit is dropped as a whole, never cut
inside a frame, and a snapshot follows.
"""

from __future__ import annotations

import socket
import struct
from collections import deque

import msgspec

from phantom_arbiter.telemetry.records import AskCurve, Asked, Control

MAX_BACKLOG_BYTES = 8 << 20
"""Bytes that may wait for a viewer, besides a snapshot and the frame that is being sent."""

MAX_BACKLOG_FRAMES = 1_000
"""Frames that may wait for it."""

MAX_ASK_BYTES = 64 << 10
"""Longest frame that a viewer may send."""

MAX_CURVES_WAITING = 32
"""Curves that a viewer may have asked for and not got."""

_SEND_AT_ONCE = 64
"""Frames handed to one `sendmsg`."""

_READ_BYTES = 1 << 16

_LENGTH = struct.Struct("<I")

_DECODER: msgspec.json.Decoder[Asked] = msgspec.json.Decoder(AskCurve | Control)


class BadViewerError(Exception):
    """A viewer said what is none of what may be said, or more than it may."""


def framed(message: bytes) -> bytes:
    """Return a message with its length before it: 4 bytes, little endian."""
    return _LENGTH.pack(len(message)) + message


class Viewer:
    """A connection, without waiting on it.

    Attributes:
        socket: The connection.
        wants_snapshot: It is told nothing before it has been given a snapshot.
        is_stuck: It has lost frames, and has taken nothing since.
        curves: Questions that wait for an answer.
    """

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.socket = connection
        self.wants_snapshot = True
        self.is_stuck = False
        self._is_new = True
        self._snapshot: bytes | None = None
        self.curves: deque[AskCurve] = deque()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._sent_of_first = 0
        self._received = bytearray()

    @property
    def backlog_bytes(self) -> int:
        """Bytes that wait."""
        return self._bytes - self._sent_of_first

    @property
    def backlog_frames(self) -> int:
        """Frames that wait, the one that is being sent among them."""
        return len(self._waiting)

    @property
    def is_ready_for_snapshot(self) -> bool:
        """Whether it wants one and has taken all there was before; a new one may still have its hello."""
        if not self.wants_snapshot or self.is_stuck:
            return False
        return self._is_new or not self._waiting

    def tell(self, frame: bytes) -> int:
        """Let a frame wait; return how many frames were lost by it.

        One that waits for a snapshot hears nothing before it: what it would have heard is in the snapshot.
        """
        if self.wants_snapshot:
            return 0 if self._is_new else 1
        if not self._has_place(frame):
            return self._give_up() + 1
        self._add(frame)
        return 0

    def answer(self, frame: bytes) -> None:
        """Let a frame wait that is for this viewer alone; without place for it, it is left out."""
        if self._has_place(frame):
            self._add(frame)

    def begin(self, snapshot: bytes) -> None:
        """Let a snapshot wait, however long it is, and be told everything from now on."""
        self._snapshot = snapshot
        self._add(snapshot)
        self.wants_snapshot = self._is_new = False

    def flush(self) -> None:
        """Send as much as goes without waiting.

        Raises:
            OSError: The viewer is gone.
        """
        while self._waiting:
            frames: list[bytes | memoryview] = [
                self._waiting[at] for at in range(min(len(self._waiting), _SEND_AT_ONCE))
            ]
            frames[0] = memoryview(frames[0])[self._sent_of_first :]
            try:
                sent = self.socket.sendmsg(frames)
            except (BlockingIOError, InterruptedError):
                return
            self.is_stuck = False
            self._sent_of_first += sent
            while self._waiting and self._sent_of_first >= len(self._waiting[0]):
                gone = self._waiting.popleft()
                self._sent_of_first -= len(gone)
                self._bytes -= len(gone)
                if gone is self._snapshot:
                    self._snapshot = None

    def read(self) -> list[Asked] | None:
        """Return what it has asked for, or None if it has left.

        Raises:
            OSError: It is gone.
            BadViewerError: It sent what may not be sent.
        """
        try:
            received = self.socket.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return []
        if not received:
            return None
        self._received += received
        asked: list[Asked] = []
        while len(self._received) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._received)
            if length > MAX_ASK_BYTES:
                raise BadViewerError(f"a frame of {length} bytes, more than {MAX_ASK_BYTES}")
            if len(self._received) < _LENGTH.size + length:
                break
            message = bytes(self._received[_LENGTH.size : _LENGTH.size + length])
            del self._received[: _LENGTH.size + length]
            try:
                asked.append(_DECODER.decode(message))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise BadViewerError(str(error)) from None
        return asked

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def _has_place(self, frame: bytes) -> bool:
        """Return whether one more may wait; the snapshot that others wait behind does not count."""
        allowed = MAX_BACKLOG_BYTES + (0 if self._snapshot is None else len(self._snapshot))
        return self._bytes + len(frame) <= allowed and len(self._waiting) < MAX_BACKLOG_FRAMES

    def _add(self, frame: bytes) -> None:
        self._waiting.append(frame)
        self._bytes += len(frame)

    def _give_up(self) -> int:
        """Drop what waits, but for the rest of a frame that is half sent; return how many frames it was."""
        kept = self._waiting.popleft() if self._sent_of_first else None
        lost = len(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        if kept is not self._snapshot:
            self._snapshot = None
        if kept is not None:
            self._add(kept)
        self.wants_snapshot = self.is_stuck = True
        return lost
