"""WebSocket frames (RFC 6455): heads of those sent, and a reader of those that clients send."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Final

TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA
_CONTINUATION: Final = 0x0
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

NORMAL: Final = 1000
PROTOCOL_ERROR: Final = 1002
TOO_BIG: Final = 1009
MAX_MESSAGE_BYTES: Final = 1 << 20


class FrameError(Exception):
    """A client broke the protocol; `code` is what the connection is closed with."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def accept_key(key: bytes) -> bytes:
    """Return the answer to a handshake's `Sec-WebSocket-Key`."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def head(length: int, opcode: int = TEXT) -> bytes:
    """Return the head of a whole, unmasked frame of `length` bytes."""
    first = 0x80 | opcode
    if length < 126:
        return bytes((first, length))
    if length < 1 << 16:
        return b"%c\x7e%b" % (first, length.to_bytes(2, "big"))
    return b"%c\x7f%b" % (first, length.to_bytes(8, "big"))


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return a whole, unmasked frame."""
    return head(len(payload), opcode) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """Return a frame that closes the connection."""
    return frame(code.to_bytes(2, "big") + reason.encode()[:100], CLOSE)


class FrameReader:
    """Puts messages together from what arrives; fragments included."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._message = bytearray()
        self._opcode = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Return the messages that `data` completes, as (opcode, payload).

        Raises:
            FrameError: The client broke the protocol.
        """
        self._buffer += data
        while (found := self._next_frame()) is not None:
            is_final, opcode, payload = found
            if opcode >= CLOSE:
                if not is_final or len(payload) > 125:
                    raise FrameError(PROTOCOL_ERROR, "control frame is fragmented or too long")
                yield opcode, payload
                continue
            if (opcode == _CONTINUATION) != bool(self._opcode):
                raise FrameError(PROTOCOL_ERROR, "fragments out of order")
            self._opcode = self._opcode or opcode
            self._message += payload
            if len(self._message) > MAX_MESSAGE_BYTES:
                raise FrameError(TOO_BIG, "message too long")
            if is_final:
                whole, kind = bytes(self._message), self._opcode
                self._message.clear()
                self._opcode = 0
                yield kind, whole

    def _next_frame(self) -> tuple[bool, int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        if first & 0x70 or not second & 0x80:
            raise FrameError(PROTOCOL_ERROR, "extension bits set, or a frame without a mask")
        length, at = second & 0x7F, 2
        if length == 126:
            length, at = int.from_bytes(buffer[2:4], "big"), 4
        elif length == 127:
            length, at = int.from_bytes(buffer[2:10], "big"), 10
        if length > MAX_MESSAGE_BYTES:
            raise FrameError(TOO_BIG, "frame too long")
        end = at + 4 + length
        if len(buffer) < end:
            return None
        payload = _unmasked(bytes(buffer[at + 4 : end]), bytes(buffer[at : at + 4]))
        del buffer[:end]
        return bool(first & 0x80), first & 0x0F, payload


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    length = len(payload)
    repeated = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")
