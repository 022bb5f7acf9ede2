"""One open socket: hands each message to the sink at once, keeps nothing.

The path of a message is short on purpose: one comparison tells messages from everything that needs a closer
look. Control frames are at most 125 bytes long (RFC 6455, 5.5); as long as a subscription waits for its
answer, frames up to `ANSWER_BYTES` are looked at too; with fragments or compression, all are.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections.abc import Callable
from contextlib import suppress

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from phantom_arbiter.sources.ws.inflate import Inflater, WireError

MAX_CONTROL_BYTES = 125
ANSWER_BYTES = 4_096
"""Longest answer to a subscription that is looked for."""
_EVERY_FRAME = 2**62

Receive = Callable[[bytes], object]


class Listener(WSListener):
    """Takes the frames of one connection until it ends; `ended` then holds why."""

    def __init__(
        self,
        receive: Receive,
        answered: Callable[[bytes], None],
        failed: Callable[[Exception], None],
        detached: Callable[[], None],
        inflater: Inflater | None,
        max_message_bytes: int,
    ) -> None:
        """Be ready for frames.

        Args:
            receive: Given every message.
            answered: Given every message that may answer a request, before `receive`.
            failed: Given an exception out of `receive`, which ends the connection.
            detached: Called once, after the last message.
            inflater: Of compressed messages, if compression was agreed.
            max_message_bytes: Largest message, all fragments together.
        """
        self.messages = 0
        self.pongs = 0
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._receive = receive
        self._answered = answered
        self._failed = failed
        self._detached = detached
        self._inflater = inflater
        self._max_message_bytes = max_message_bytes
        self._fragments: list[bytes] = []
        self._fragments_bytes = 0
        self._fragments_are_deflated = False
        self._awaits_answer = False
        self._look_at = _EVERY_FRAME if inflater else MAX_CONTROL_BYTES
        self._transport: WSTransport | None = None

    # ---- called by picows

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take a frame."""
        # The upper bound is picows' own, but it goes on reading for a moment after one that is too large.
        if self._look_at < frame.payload_size <= self._max_message_bytes and frame.fin:
            self.messages += 1
            try:
                self._receive(frame.get_payload_as_bytes())
            except Exception as error:
                self._failed(error)
        else:
            self._closer_look(transport, frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Say why, unless it is known."""
        self.end(_closed(transport))

    # ---- called by the connection

    def await_answers(self, awaited: bool) -> None:
        """Look out for answers, or no more."""
        self._awaits_answer = awaited
        self._set_look()

    def send(self, message: bytes) -> None:
        """Send a text message."""
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.send(WSMsgType.TEXT, message)

    def ping(self) -> None:
        """Send a ping."""
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.send_ping(b"phantom")

    def end(self, why: str) -> None:
        """Take no more frames and close the socket at once; the first reason given stays."""
        if self.ended.done():
            return
        self.ended.set_result(why)
        self._detach()
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    def begin_closing(self) -> None:
        """Send our part of the closing handshake; messages that still come are ignored."""
        self._detach()
        if self._transport is not None and not self._transport.is_disconnected:
            self._transport.send_close(WSCloseCode.OK)

    async def gone(self) -> None:
        """Wait until the socket is closed, after `end`."""
        if self._transport is not None:
            with suppress(Exception):  # what picows found wrong; `ended` says it
                await self._transport.wait_disconnected()

    def unread_bytes(self) -> int:
        """Return how much lies in the kernel's buffer; 0 if that cannot be told."""
        if self._transport is None or sys.platform == "win32":
            return 0
        import fcntl
        import termios

        sock = self._transport.underlying_transport.get_extra_info("socket")
        try:
            answer = fcntl.ioctl(sock.fileno(), termios.FIONREAD, b"\0\0\0\0")
        except (AttributeError, OSError, ValueError):
            return 0
        return int(struct.unpack("i", answer)[0])

    def _detach(self) -> None:
        detached, self._detached = self._detached, _nothing
        self._receive = _ignore
        self._answered = _ignore
        detached()

    # ---- the rare frames

    def _closer_look(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind == WSMsgType.PONG:
            self.pongs += 1
        elif kind == WSMsgType.CLOSE:
            if not transport.is_close_frame_sent:
                transport.send_close(WSCloseCode.OK)
            self.end(_closed(transport))
        elif kind == WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        else:
            try:
                self._data(frame, is_continuation=kind == WSMsgType.CONTINUATION)
            except WireError as error:
                self.end(str(error))
            except Exception as error:
                self._failed(error)

    def _data(self, frame: WSFrame, *, is_continuation: bool) -> None:
        if frame.payload_size > self._max_message_bytes:
            raise WireError(f"sent a message of more than {self._max_message_bytes:,} bytes")
        payload = frame.get_payload_as_bytes()
        if is_continuation != bool(self._fragments):
            raise WireError("sent the parts of a message out of order")
        if not is_continuation:
            self._fragments_are_deflated = bool(frame.rsv1)
        if not frame.fin or self._fragments:
            self._fragments_bytes += len(payload)
            if self._fragments_bytes > self._max_message_bytes:
                raise WireError(f"sent a message of more than {self._max_message_bytes:,} bytes")
            self._fragments.append(payload)
            if frame.fin:
                payload = b"".join(self._fragments)
                self._fragments = []
                self._fragments_bytes = 0
            self._set_look()
            if not frame.fin:
                return
        if self._fragments_are_deflated:
            if self._inflater is None:
                raise WireError("sent a compressed message without having agreed on that")
            payload = self._inflater.inflate(payload)
        self.messages += 1
        if self._awaits_answer and len(payload) <= ANSWER_BYTES:
            self._answered(payload)
        self._receive(payload)

    def _set_look(self) -> None:
        if self._fragments or self._inflater is not None:
            self._look_at = _EVERY_FRAME
        else:
            self._look_at = ANSWER_BYTES if self._awaits_answer else MAX_CONTROL_BYTES


def _ignore(_: object) -> None:
    """Serve once a connection has ended."""


def _nothing() -> None:
    """Serve once `detached` has been called."""


def _closed(transport: WSTransport) -> str:
    handshake = transport.close_handshake
    if handshake is None:
        return "was cut off"
    if handshake.recv is not None and handshake.recv_then_sent:
        code = handshake.recv.code  # a plain number if it is none of the registered ones
        reason = f" ({handshake.recv.reason})" if handshake.recv.reason else ""
        return f"was closed by the endpoint, code {getattr(code, 'value', code)}{reason}"
    if handshake.sent is not None and handshake.sent.code != WSCloseCode.OK:
        return f"broke the protocol: {handshake.sent.reason}"
    return "was closed"
