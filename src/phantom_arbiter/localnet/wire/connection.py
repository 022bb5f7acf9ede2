"""One TCP connection: HTTP/1.1 requests, and after an upgrade a WebSocket.

The server is hand-written because of its fan-out. A notification's bytes are the same for all subscribers
but for a number at their end, and thousands a second go to each connection; so a connection takes heads,
shared bodies and ends, and writes all that one turn of the event loop brought in one go. Libraries frame,
copy and write message by message. Measured on the 2-core machine it is developed on, uvloop everywhere, as
processor time of the server for one frame of 1.2 kB to one of three clients: this 0.5 us, picows 2.3
(`WSTransport.send`) 1.5 us, websockets 17.4 (without compression) 5.9 us.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol, cast

from phantom_arbiter.localnet.wire.frames import (
    CLOSE,
    NORMAL,
    PING,
    PONG,
    TEXT,
    FrameError,
    FrameReader,
    accept_key,
    close_frame,
    frame,
)

HOST: Final = "127.0.0.1"
MAX_HEAD_BYTES: Final = 16 << 10
CLOSE_WAIT_S: Final = 0.5
"""How long a client that is being said goodbye may take to read what is on its way."""
MAX_BODY_BYTES: Final = 1 << 20
HIGH_WATER_BYTES: Final = 8 << 20
"""Bytes waiting for a client above which a feed at full speed waits for it."""
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    411: "Length Required",
    413: "Payload Too Large",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class Handler(Protocol):
    """What a connection asks of its endpoint."""

    async def http(self, connection: Connection, method: str, path: str, body: bytes) -> HttpAnswer | None:
        """Return the answer to a request; None leaves it unanswered."""

    def refuses_upgrade(self) -> HttpAnswer | None:
        """Return the answer to a handshake that is refused, None to accept it."""

    def opened(self, connection: Connection) -> None:
        """Take notice of a WebSocket."""

    def message(self, connection: Connection, text: bytes) -> None:
        """Take a message from a WebSocket."""

    def closed(self, connection: Connection) -> None:
        """Take notice of the end of a connection."""


class HttpAnswer:
    """An HTTP answer."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.status = status
        self.body = body
        self.headers = headers

    def to_bytes(self, *, keep_alive: bool) -> bytes:
        """Return it as it goes over the wire."""
        lines = [
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Error')}",
            "content-type: application/json; charset=utf-8",
            f"content-length: {len(self.body)}",
            "access-control-allow-origin: *",
            f"connection: {'keep-alive' if keep_alive else 'close'}",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


class HttpOnly:
    """The part of a `Handler` that has to do with WebSockets, where there are none."""

    def refuses_upgrade(self) -> HttpAnswer | None:
        """Refuse WebSockets."""
        return HttpAnswer(404, b"")

    def opened(self, connection: Connection) -> None:
        """Not reached."""

    def message(self, connection: Connection, text: bytes) -> None:
        """Not reached."""


class Connection(asyncio.Protocol):
    """Reads requests or frames, hands them to the endpoint, and writes."""

    def __init__(self, handler: Handler, loop: asyncio.AbstractEventLoop) -> None:
        self._handler = handler
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._reader: FrameReader | None = None
        self._buffer = bytearray()
        self._is_answering = False
        self._waiting: list[bytes] = []
        self._is_flush_due = False
        self._drained: asyncio.Event = asyncio.Event()
        self._drained.set()
        self.request_headers: dict[str, str] = {}
        """Of the HTTP request that is being answered, names in small letters."""
        self.is_silent = False
        """Half-open: the socket stays, nothing is read or written any more."""
        self.is_closing = False
        self.heard_at = loop.time()
        """When anything last came from the client, on the event loop's clock."""

    # ---- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        # uvloop's transports are none of asyncio's by inheritance.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(HIGH_WATER_BYTES, HIGH_WATER_BYTES // 2)

    def connection_lost(self, exc: Exception | None) -> None:
        """Take notice of the end."""
        self.is_closing = True
        self._waiting.clear()
        self._drained.set()
        self._handler.closed(self)

    def pause_writing(self) -> None:
        """Remember that the client does not keep up."""
        self._drained.clear()

    def resume_writing(self) -> None:
        """Go on writing."""
        self._drained.set()

    def data_received(self, data: bytes) -> None:
        """Take what arrived."""
        if self.is_silent:
            return
        self.heard_at = self._loop.time()
        if self._reader is not None:
            self._read_frames(data)
            return
        self._buffer += data
        self._read_request()

    # ---- HTTP

    def _read_request(self) -> None:
        if self._is_answering:
            return
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                self._refuse(431)
            return
        lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3:
            self._refuse(400)
            return
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        method, path, version = words
        if headers.get("upgrade", "").lower() == "websocket":
            self._upgrade(headers, bytes(self._buffer[end + 4 :]))
            return
        length_text = headers.get("content-length", "0")
        if "transfer-encoding" in headers or not length_text.isdigit():
            self._refuse(411)
            return
        length = int(length_text)
        if length > MAX_BODY_BYTES:
            self._refuse(413)
            return
        if len(self._buffer) < end + 4 + length:
            return
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        wanted = headers.get("connection", "").lower()
        keep_alive = wanted != "close" and (version == "HTTP/1.1" or wanted == "keep-alive")
        self._is_answering = True
        self.request_headers = headers
        task = self._loop.create_task(self._answer(method, path, body, keep_alive))
        task.add_done_callback(_raise_later)

    async def _answer(self, method: str, path: str, body: bytes, keep_alive: bool) -> None:
        answer = await self._handler.http(self, method, path, body)
        if self.is_closing or self._transport is None or answer is None:
            return
        self._transport.write(answer.to_bytes(keep_alive=keep_alive))
        if not keep_alive:
            self._transport.close()
            return
        self._is_answering = False
        self._read_request()

    def _refuse(self, status: int) -> None:
        if self._transport is not None:
            self._transport.write(HttpAnswer(status, b"").to_bytes(keep_alive=False))
            self._transport.close()

    # ---- WebSocket

    def _upgrade(self, headers: dict[str, str], rest: bytes) -> None:
        transport = self._transport
        key = headers.get("sec-websocket-key")
        if transport is None or key is None or headers.get("sec-websocket-version") != "13":
            self._refuse(400)
            return
        refusal = self._handler.refuses_upgrade()
        if refusal is not None:
            transport.write(refusal.to_bytes(keep_alive=False))
            transport.close()
            return
        transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            b"sec-websocket-accept: %b\r\n\r\n" % accept_key(key.encode())
        )
        self._reader = FrameReader()
        self._buffer.clear()
        self._handler.opened(self)
        if rest:
            self._read_frames(rest)

    def _read_frames(self, data: bytes) -> None:
        assert self._reader is not None
        try:
            for opcode, payload in self._reader.feed(data):
                if opcode == PING:
                    self.send_frame(frame(payload, PONG))
                elif opcode == CLOSE:
                    self.close(NORMAL)
                    return
                elif opcode != PONG:
                    self._handler.message(self, payload)
        except FrameError as error:
            self.close(error.code, str(error))

    def queue(self, head: bytes, body: bytes, end: bytes) -> None:
        """Send a frame in three parts, together with all else of this turn of the event loop."""
        self._waiting += (head, body, end)
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self.flush)

    def send_text(self, text: bytes) -> None:
        """Send a message."""
        self.send_frame(frame(text, TEXT))

    def send_frame(self, whole: bytes) -> None:
        """Send a frame in the order of the others."""
        self.queue(whole, b"", b"")

    def flush(self) -> None:
        """Write what waits."""
        self._is_flush_due = False
        waiting = self._waiting
        if not waiting:
            return
        self._waiting = []
        if self._transport is not None and not self.is_closing and not self.is_silent:
            self._transport.write(b"".join(waiting))

    @property
    def is_websocket(self) -> bool:
        """Whether the handshake is done."""
        return self._reader is not None

    @property
    def waiting_bytes(self) -> int:
        """Bytes that the client has not taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    @property
    def is_behind(self) -> bool:
        """Whether the client has fallen behind by more than `HIGH_WATER_BYTES`."""
        return not self._drained.is_set()

    async def drained(self) -> None:
        """Wait until the client has caught up, or is gone."""
        await self._drained.wait()

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close the connection as the protocol has it."""
        self.flush()
        if self._transport is not None and not self.is_closing:
            if self._reader is not None:
                self._transport.write(close_frame(code, reason))
            self.is_closing = True
            self._transport.close()

    def abort(self) -> None:
        """Drop the connection without a word."""
        self.is_closing = True
        if self._transport is not None:
            self._transport.abort()

    def fall_silent(self) -> None:
        """Become half-open: keep the socket, read and write nothing more."""
        self.flush()
        self.is_silent = True
        self._drained.set()
        if self._transport is not None:
            self._transport.pause_reading()


async def close_all(connections: set[Connection]) -> None:
    """Close connections as the protocol has it; drop those whose clients take longer than `CLOSE_WAIT_S`.

    Args:
        connections: Those that are open; each leaves the set when it is gone.
    """
    for connection in list(connections):
        connection.abort() if connection.is_silent else connection.close()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + CLOSE_WAIT_S
    while connections and loop.time() < deadline:
        await asyncio.sleep(0.001)
    for connection in list(connections):
        connection.abort()


def _raise_later(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        task.get_loop().call_exception_handler({"message": "request handler failed", "exception": error})
