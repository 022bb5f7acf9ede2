"""Following a run: what it publishes, as bytes and as records, and asking it for something.

`Follower` is one connection. `follow` waits for a run, follows it, and goes on with the next one.
`BlockingFollower` is the same for scripts.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from phantom_arbiter.errors import HintedError
from phantom_arbiter.telemetry.records import AskCurve, Control, Curve, Done, Published

MAX_MESSAGE_BYTES = 1 << 28
"""Longest message that is taken: a snapshot of a million pools is about as long."""

LOOK_EVERY_S = 0.5
"""How often somebody who waits for a run looks for one."""

_LENGTH = struct.Struct("<I")


class RunGoneError(HintedError):
    """There is no such run, or its process has gone."""


def decoder() -> msgspec.json.Decoder[Published]:
    """Return what makes records of messages."""
    return msgspec.json.Decoder(Published)


def frame_of(asked: AskCurve | Control) -> bytes:
    """Return what is sent to ask for something."""
    message = msgspec.json.encode(asked)
    return _LENGTH.pack(len(message)) + message


class Follower:
    """One connection to a run: iterate over it, and ask meanwhile.

    Iterating ends when the run has ended or its process is gone. Answers to `ask` go to whoever asked and
    are left out of the iteration.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._decoder = decoder()
        self._asked: dict[int, asyncio.Future[Curve | Done]] = {}
        self._last_id = 0
        self._is_closed = False

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Connect to the run that listens at `path`.

        Raises:
            RunGoneError: Nobody listens there.
        """
        try:
            reader, writer = await asyncio.open_unix_connection(path)
        except OSError as error:
            if isinstance(error, ConnectionRefusedError):
                path.unlink(missing_ok=True)  # a run is not found before it listens
            raise RunGoneError(f"no run listens at {path}: {error.strerror or error}") from error
        return cls(reader, writer)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[tuple[bytes, Published]]:
        return self._records()

    async def _records(self) -> AsyncIterator[tuple[bytes, Published]]:
        try:
            while (message := await self._message()) is not None:
                record = self._decoder.decode(message)
                if isinstance(record, Curve | Done) and record.id in self._asked:
                    asked = self._asked.pop(record.id)
                    if not asked.done():
                        asked.set_result(record)
                    continue
                yield message, record
        finally:
            self._gone()

    async def _message(self) -> bytes | None:
        """Return the next message, or None at the end."""
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            if length > MAX_MESSAGE_BYTES:
                raise RunGoneError(
                    f"a message of {length} bytes, more than {MAX_MESSAGE_BYTES}: this is no run"
                )
            return await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def next_id(self) -> int:
        """Return a number that no question of this connection has had."""
        self._last_id += 1
        return self._last_id

    async def send(self, asked: AskCurve | Control) -> None:
        """Ask; the answer comes with the records, with the same `id`.

        Raises:
            RunGoneError: The run is gone.
        """
        try:
            self._writer.write(frame_of(asked))
            await self._writer.drain()
        except (ConnectionError, RuntimeError) as error:
            raise RunGoneError("the run is gone") from error

    async def ask(self, asked: AskCurve | Control, timeout_s: float = 5.0) -> Curve | Done:
        """Ask and return the answer; somebody has to iterate meanwhile.

        Raises:
            RunGoneError: The run is gone, or does not answer in time.
        """
        if self._is_closed:
            raise RunGoneError("the run is gone")
        answer: asyncio.Future[Curve | Done] = asyncio.get_running_loop().create_future()
        self._asked[asked.id] = answer
        try:
            await self.send(asked)
            return await asyncio.wait_for(answer, timeout_s)
        except TimeoutError:
            raise RunGoneError(f"the run has not answered within {timeout_s:g} s") from None
        finally:
            self._asked.pop(asked.id, None)

    async def close(self) -> None:
        """Hang up."""
        self._gone()
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    def _gone(self) -> None:
        self._is_closed = True
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(RunGoneError("the run is gone"))
        self._asked.clear()


@dataclass(frozen=True, slots=True)
class Back:
    """A run is followed from now on, and can be asked."""

    path: Path
    follower: Follower


@dataclass(frozen=True, slots=True)
class Away:
    """No run is followed: it has ended, or its process is gone. `since_unix_ms`: the machine's time."""

    since_unix_ms: int


async def follow(
    find_socket: Callable[[], Path | None], *, look_every_s: float = LOOK_EVERY_S
) -> AsyncIterator[tuple[bytes, Published] | Back | Away]:
    """Follow a run, then the next one, until nobody iterates any more.

    Args:
        find_socket: Returns where a run listens, or None; `sockets.find_run` is one. It is asked in between.
        look_every_s: How often it is asked.

    Yields:
        `Away` at the beginning if there is no run, and at the end of each; `Back` before the records of one;
        messages with their records.
    """
    is_away = False
    while True:
        path = find_socket()
        follower = None
        if path is not None:
            with contextlib.suppress(RunGoneError):
                follower = await Follower.open(path)
        if path is not None and follower is not None:
            is_away = False
            async with follower:
                yield Back(path, follower)
                async for message in follower:
                    yield message
        if not is_away:
            is_away = True
            yield Away(time.time_ns() // 1_000_000)
        await asyncio.sleep(look_every_s)


class BlockingFollower:
    """One connection to a run without an event loop: iterate over it."""

    def __init__(self, path: Path, timeout_s: float | None = 10.0) -> None:
        """Connect.

        Args:
            path: Where the run listens.
            timeout_s: How long to wait for a message; None: for ever.

        Raises:
            RunGoneError: Nobody listens there.
        """
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout_s)
        try:
            self.socket.connect(str(path))
        except OSError as error:
            self.socket.close()
            raise RunGoneError(f"no run listens at {path}: {error.strerror or error}") from error
        self._decoder = decoder()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()

    def __iter__(self) -> Iterator[tuple[bytes, Published]]:
        """Return messages and their records until the run hangs up.

        Raises:
            TimeoutError: No message came in time.
        """
        while (head := self._exactly(_LENGTH.size)) is not None:
            message = self._exactly(_LENGTH.unpack(head)[0])
            if message is None:
                return
            yield message, self._decoder.decode(message)

    def send(self, asked: AskCurve | Control) -> None:
        """Ask; the answer comes with the records."""
        self.socket.sendall(frame_of(asked))

    def _exactly(self, length: int) -> bytes | None:
        parts = bytearray()
        while len(parts) < length:
            try:
                part = self.socket.recv(length - len(parts))
            except ConnectionError:
                return None
            if not part:
                return None
            parts += part
        return bytes(parts)


__all__ = [
    "LOOK_EVERY_S",
    "Away",
    "Back",
    "BlockingFollower",
    "Follower",
    "RunGoneError",
    "decoder",
    "follow",
    "frame_of",
]
