"""The connection to a run's socket: what it says comes in, questions go out and find their answers."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from phantom_arbiter.telemetry.records import AskCurve, Asked, Control, Curve, Done, Published

MAX_FRAME = 256 * 1024 * 1024
"""Bytes of one message; a snapshot of 100,000 pools has a tenth of it."""

ANSWER_S = 5.0
"""How long an answer is waited for."""

Action = Literal["halt", "resume", "stop"]

_LENGTH = struct.Struct("<I")


class RunAway(Exception):  # noqa: N818 - as `RiskHalt`: the name says what happened
    """There is no run to ask, or it did not answer in time."""


class Asker(Protocol):
    """Somebody who passes questions on to the run."""

    async def ask_curve(self, edges: tuple[int, ...], points: int) -> Curve:
        """Return what inputs of a cycle would earn now.

        Raises:
            RunAway: There is no run, or it did not answer.
        """
        ...

    async def control(self, action: Action) -> Done:
        """Ask for something to be done, as the dashboard.

        Raises:
            RunAway: There is no run, or it did not answer.
        """
        ...


class Link:
    """Follows one run after the other, one at a time."""

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(Published)
        self._encoder = msgspec.json.Encoder()
        self._writer: asyncio.StreamWriter | None = None
        self._waiting: dict[int, asyncio.Future[Curve | Done]] = {}
        self._next_id = 1
        self.unread = 0

    async def follow(self, path: Path, heard: Callable[[bytes, Published], None]) -> None:
        """Tell `heard` of every record of the run at `path`, until the run closes the connection.

        Raises:
            OSError: Nobody listens at `path`.
        """
        reader, writer = await asyncio.open_unix_connection(path, limit=1024 * 1024)
        self._writer = writer
        try:
            while True:
                (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                if length > MAX_FRAME:
                    return
                self._take(await reader.readexactly(length), heard)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._writer = None
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(RunAway("the run has ended"))
            self._waiting.clear()
            writer.close()

    def _take(self, raw: bytes, heard: Callable[[bytes, Published], None]) -> None:
        try:
            record = self._decoder.decode(raw)
        except msgspec.MsgspecError:
            # Of a run of another version, or garbage: nothing that browsers could read either.
            self.unread += 1
            return
        if isinstance(record, Curve | Done):
            waiting = self._waiting.pop(record.id, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(record)
            return
        heard(raw, record)

    async def ask_curve(self, edges: tuple[int, ...], points: int) -> Curve:
        """See `Asker`."""
        answer = await self._ask(lambda n: AskCurve(id=n, edges=edges, points=points))
        if not isinstance(answer, Curve):
            raise RunAway("the run answered something else")
        return answer

    async def control(self, action: Action) -> Done:
        """See `Asker`."""
        answer = await self._ask(lambda n: Control(id=n, action=action, by="dashboard"))
        if not isinstance(answer, Done):
            raise RunAway("the run answered something else")
        return answer

    async def _ask(self, question: Callable[[int], Asked]) -> Curve | Done:
        writer = self._writer
        if writer is None:
            raise RunAway("no run is connected")
        number = self._next_id
        self._next_id += 1
        body = self._encoder.encode(question(number))
        answer: asyncio.Future[Curve | Done] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            writer.write(_LENGTH.pack(len(body)) + body)
            async with asyncio.timeout(ANSWER_S):
                await writer.drain()
                return await answer
        except TimeoutError:
            raise RunAway(f"the run did not answer within {ANSWER_S:g} s") from None
        except ConnectionError:
            raise RunAway("the run has ended") from None
        finally:
            self._waiting.pop(number, None)


async def follow_runs(
    link: Link,
    find: Callable[[], Path | None],
    heard: Callable[[bytes, Published], None],
    away: Callable[[], None],
    *,
    pause: Callable[[], Awaitable[None]],
) -> None:
    """Follow the run that `find` names, then the next, for ever; `pause` between two looks."""
    while True:
        path = find()
        if path is not None:
            try:
                await link.follow(path, heard)
            except OSError:
                pass
            else:
                away()
        await pause()
