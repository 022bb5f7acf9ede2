"""One browser's WebSocket: frames that all browsers share, a bounded backlog, and an end for who never reads.

A frame from the server is not masked, so it is the same bytes for everybody: made once, written to each
transport as it is. uvicorn keeps the handshake, what comes in, pings and closing.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import OPEN

MAX_BACKLOG_BYTES = 4 * 1024 * 1024
MAX_BACKLOG_FRAMES = 500
STALLED_S = 30.0
"""How long a browser may take no byte at all."""
LINGER_S = 2.0
"""How long a closing frame has to get through to who did not read."""
SEND_BUFFER = 256 * 1024
"""Of the kernel, for each browser; without it grows to megabytes for each one that never reads."""

TOO_SLOW = 1013
_HELLO = b'{"type":"hello"'
SOCKET = "phantom.socket"
"""Where the ASGI scope has the `BrowserSocket`."""


def text_frame(payload: bytes) -> bytes:
    """Return `payload`, UTF-8 text, as one WebSocket frame of a server; RFC 6455, section 5.2."""
    length = len(payload)
    if length < 126:
        return struct.pack("!BB", 0x81, length) + payload
    if length < 1 << 16:
        return struct.pack("!BBH", 0x81, 126, length) + payload
    return struct.pack("!BBQ", 0x81, 127, length) + payload


class BrowserSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, that also takes whole frames and tells when it can take more."""

    on_writable: Callable[[], None] | None = None
    has_room = True
    """Whether what was written so far is (nearly) on its way."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bound what the kernel buffers."""
        super().connection_made(transport)
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def handle_connect(self, event: Any) -> None:
        """Let the application find this object."""
        super().handle_connect(event)
        scope = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][SOCKET] = self

    def handle_ping(self) -> None:
        """Answer, but to nobody who does not read: the answers would pile up."""
        if self.has_room:
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def pause_writing(self) -> None:
        """Take notice that there is no room."""
        super().pause_writing()
        self.has_room = False

    def resume_writing(self) -> None:
        """Tell that there is room again."""
        super().resume_writing()
        self.has_room = True
        if self.on_writable is not None:
            self.on_writable()

    @property
    def is_open(self) -> bool:
        """Whether frames may still be sent."""
        return (
            self.handshake_complete
            and not self.close_sent
            and self.conn.state is OPEN
            and not self.transport.is_closing()
        )

    def push(self, frame: bytes) -> None:
        """Write a whole frame; buffered if it must be."""
        self.transport.write(frame)

    def end(self, code: int, reason: str) -> None:
        """Say goodbye, and hang up soon, whether that is read or not."""
        if self.is_open:
            self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        self.loop.call_later(LINGER_S, self.transport.abort)


class Browser:
    """Who watches: what is sent at once, what waits, and whether anything was lost.

    Attributes:
        number: Its own.
        run: Which run it has been told of, as `Hub.run` counts them.
        is_behind: It lost records and waits for a snapshot.
    """

    def __init__(self, number: int, to: BrowserSocket, catch_up: Callable[[Browser], None]) -> None:
        self.number = number
        self.run = 0
        self.is_behind = False
        self._socket = to
        self._catch_up = catch_up
        self._backlog: deque[bytes] = deque()
        self._backlog_bytes = 0
        self._buffered = 0
        self._moved_at = asyncio.get_running_loop().time()
        to.on_writable = self._writable

    def send(self, frame: bytes) -> bool:
        """Send the frame now or soon; return whether it was lost, with all that waited."""
        if self.is_behind or not self._socket.is_open:
            return self.is_behind
        if self._socket.has_room and not self._backlog:
            self._socket.push(frame)
            return False
        self._backlog.append(frame)
        self._backlog_bytes += len(frame)
        if self._backlog_bytes > MAX_BACKLOG_BYTES or len(self._backlog) > MAX_BACKLOG_FRAMES:
            if any(_HELLO in waiting[:64] for waiting in self._backlog):
                self.run = 0
            self._backlog.clear()
            self._backlog_bytes = 0
            self.is_behind = True
            return True
        return False

    def _writable(self) -> None:
        while self._backlog and self._socket.is_open and self._socket.has_room:
            frame = self._backlog.popleft()
            self._backlog_bytes -= len(frame)
            self._socket.push(frame)
        if self.is_behind and self._socket.is_open and self._socket.has_room:
            self.is_behind = False
            self._catch_up(self)

    def is_stalled(self, now: float) -> bool:
        """Return whether it has taken nothing for `STALLED_S`; to be asked about once a second."""
        buffered = self._socket.transport.get_write_buffer_size()
        if self._socket.has_room or buffered < self._buffered:
            self._moved_at = now
        self._buffered = buffered
        return now - self._moved_at > STALLED_S

    def end(self, code: int, reason: str) -> None:
        """Close it, read or not."""
        self._backlog.clear()
        self._backlog_bytes = 0
        self._socket.end(code, reason)
