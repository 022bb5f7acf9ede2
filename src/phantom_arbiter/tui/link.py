"""The connection to a run: frames of JSON over its Unix socket."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol, Self

import msgspec

from phantom_arbiter.telemetry.records import Asked, Published

MAX_FRAME = 256 * 1024 * 1024
"""Longer frames are no frames of ours; a snapshot of 100,000 pools is below."""


class Link(Protocol):
    """Hears a run, and asks it."""

    def records(self) -> AsyncIterator[Published]:
        """Return what the run says, until it or the connection ends."""
        ...

    async def send(self, asked: Asked) -> None:
        """Ask for something; the answer is one of the records.

        Raises:
            ConnectionError: The run has gone.
        """
        ...


class SocketLink:
    """A `Link` over a Unix socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = msgspec.json.Decoder(Published)
        self._encoder = msgspec.json.Encoder()

    @classmethod
    async def connect(cls, path: Path) -> Self:
        """Return a connection to the run that listens at `path`.

        Raises:
            OSError: Nobody listens.
        """
        return cls(*await asyncio.open_unix_connection(path))

    async def records(self) -> AsyncIterator[Published]:
        """Return what the run says, until it or the connection ends."""
        try:
            while True:
                (length,) = struct.unpack("<I", await self._reader.readexactly(4))
                if length > MAX_FRAME:
                    return
                yield self._decoder.decode(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._writer.close()

    async def send(self, asked: Asked) -> None:
        """Ask for something."""
        data = self._encoder.encode(asked)
        self._writer.write(struct.pack("<I", len(data)) + data)
        await self._writer.drain()
