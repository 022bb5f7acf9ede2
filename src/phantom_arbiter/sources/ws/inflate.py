"""permessage-deflate (RFC 7692), receiving side: what we send is short and goes uncompressed."""

from __future__ import annotations

import zlib

OFFER = "permessage-deflate; client_no_context_takeover"
"""What the handshake asks for."""

_TAIL = b"\x00\x00\xff\xff"


class WireError(Exception):
    """The other side broke a rule of the wire: an extension not offered, a message that cannot be read."""


class Inflater:
    """Inflates the messages of one connection."""

    def __init__(self, window_bits: int, *, keeps_context: bool, max_bytes: int) -> None:
        self._window_bits = window_bits
        self._keeps_context = keeps_context
        self._max_bytes = max_bytes
        self._stream = zlib.decompressobj(-window_bits)

    def inflate(self, payload: bytes) -> bytes:
        """Return the message.

        Raises:
            WireError: It is corrupt, or larger than allowed; no more than that is ever unpacked.
        """
        try:
            message = self._stream.decompress(payload + _TAIL, self._max_bytes + 1)
        except zlib.error:
            raise WireError("a compressed message is corrupt") from None
        if len(message) > self._max_bytes or self._stream.unconsumed_tail:
            raise WireError(f"a compressed message holds more than {self._max_bytes:,} bytes")
        if not self._keeps_context or self._stream.eof:
            self._stream = zlib.decompressobj(-self._window_bits)
        return message


def negotiated(header: str | None, max_bytes: int) -> Inflater | None:
    """Return the inflater for the extensions that the server's handshake names, None if it names none.

    Raises:
        WireError: It names another extension, or parameters that were not offered.
    """
    if not header or not header.strip():
        return None
    name, *parameters = (part.strip() for part in header.split(";"))
    if name.lower() != "permessage-deflate" or "," in header:
        raise WireError("the server chose an extension that was not offered")
    window_bits, keeps_context = 15, True
    for parameter in parameters:
        key, _, value = (part.strip().strip('"') for part in parameter.partition("="))
        match key.lower():
            case "server_no_context_takeover":
                keeps_context = False
            case "client_no_context_takeover":
                pass
            case "server_max_window_bits" if value.isdecimal() and 8 <= int(value) <= 15:
                # zlib cannot inflate a window of 8 bits as such; a larger one reads it.
                window_bits = max(9, int(value))
            case _:
                raise WireError("the server chose compression in a way that was not offered")
    return Inflater(window_bits, keeps_context=keeps_context, max_bytes=max_bytes)
