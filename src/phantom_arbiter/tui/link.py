"""The connection to a run: frames of JSON over its Unix socket."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol, Self

import msgspec

from phantom_arbiter.errors import HintedError
from phantom_arbiter.telemetry.records import Control, Curve, Done, Published


class Link(Protocol):
    """Hears a run, and asks it."""

    def __aiter__(self) -> AsyncIterator[tuple[bytes, Published]]:
        """Return what the run says, but for answers, until it or the connection ends."""
        ...

    def next_id(self) -> int:
        """Return a number that no question of this connection has had."""
        ...

    async def ask(self, asked: Control) -> Curve | Done:
        """Ask for something and return the answer; somebody has to iterate meanwhile.

        Raises:
            HintedError: The run is gone, or does not answer in time.
        """
        ...


class SocketLink:
    """A `Link` over a Unix socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = msgspec.json.Decoder(Published)
        self._asked: dict[int, asyncio.Future[Curve | Done]] = {}
        self._last_id = 0

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Return a connection to the run that listens at `path`."""
        try:
            return cls(*await asyncio.open_unix_connection(path))
        except OSError as error:
            raise HintedError(f"no run listens at {path}: {error.strerror or error}") from error

    async def __aiter__(self) -> AsyncIterator[tuple[bytes, Published]]:
        """Return what the run says, until it or the connection ends."""
        try:
            while True:
                (length,) = struct.unpack("<I", await self._reader.readexactly(4))
                message = await self._reader.readexactly(length)
                record = self._decoder.decode(message)
                if isinstance(record, Curve | Done) and record.id in self._asked:
                    self._asked.pop(record.id).set_result(record)
                    continue
                yield message, record
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._writer.close()

    def next_id(self) -> int:
        """Return a number that no question of this connection has had."""
        self._last_id += 1
        return self._last_id

    async def ask(self, asked: Control) -> Curve | Done:
        """Ask for something and return the answer."""
        answer = self._asked[asked.id] = asyncio.get_running_loop().create_future()
        data = msgspec.json.encode(asked)
        self._writer.write(struct.pack("<I", len(data)) + data)
        try:
            return await asyncio.wait_for(answer, 5)
        except TimeoutError:
            raise HintedError("the run has not answered within 5 s") from None
