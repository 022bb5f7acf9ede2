"""Following the made-up run of `telemetry_samples`, over a real socket."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from phantom_arbiter.telemetry.follow import Away, Back, BlockingFollower, Follower, RunGoneError, follow
from phantom_arbiter.telemetry.records import AskCurve, Control, Curve, Done, End, Hello, Notice, Published
from telemetry_samples import SampleRun, framed, read_frame

TOLD = 3


@pytest.fixture
def path(short_folder: Path, request: pytest.FixtureRequest) -> Path:
    return short_folder / f"f{abs(hash(request.node.name)) % 100_000}.sock"


def notice(number: int) -> Notice:
    return Notice(seq=number, at_ns=0, unix_ms=0, slot=0, kind="notice", text=f"line {number}")


async def run(path: Path, name: str) -> asyncio.Server:
    """Serve a run that says a few lines, answers one question of each, and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = msgspec.structs.replace(SampleRun(pools=2).hello(), source=name)
        writer.write(framed(hello))
        for number in range(TOLD):
            writer.write(framed(notice(number)))
        await writer.drain()
        asked = msgspec.json.decode(await read_frame(reader), type=AskCurve | Control)
        answer: Published = Done(id=asked.id)
        if isinstance(asked, AskCurve):
            answer = Curve(id=asked.id, amounts_in=("1",), gross_profits=(None,))
        writer.write(framed(answer))
        writer.write(framed(End(seq=9, at_ns=0, unix_ms=0, slot=0, summary=None, error="over")))
        await writer.drain()
        writer.close()

    return await asyncio.start_unix_server(serve, path)


async def within(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    await asyncio.wait_for(work(), seconds)


def test_records_come_with_their_bytes_and_answers_go_to_who_asked(path: Path) -> None:
    async def scene() -> None:
        server = await run(path, "one")
        heard, answers = [], []
        async with server, await Follower.open(path) as follower:

            async def ask() -> None:
                answers.append(await follower.ask(AskCurve(id=follower.next_id(), edges=(0, 3))))

            async for raw, record in follower:
                assert msgspec.json.decode(raw, type=Published) == record
                heard.append(record)
                if len(heard) == 1:
                    asking = asyncio.ensure_future(ask())
            await asking
            assert [type(record) for record in heard] == [Hello, *[Notice] * TOLD, End]
            assert answers == [Curve(id=1, amounts_in=("1",), gross_profits=(None,))]
            with pytest.raises(RunGoneError):
                await follower.ask(Control(id=2, action="halt", by="terminal"))

    asyncio.run(within(10, scene))


def test_question_to_a_run_that_goes_away_is_not_left_waiting(path: Path) -> None:
    async def scene() -> None:
        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await read_frame(reader)
            writer.close()

        async with await asyncio.start_unix_server(hang_up, path), await Follower.open(path) as follower:

            async def listen() -> None:
                async for _ in follower:
                    pass

            listening = asyncio.ensure_future(listen())
            with pytest.raises(RunGoneError, match="gone"):
                await follower.ask(Control(id=1, action="stop", by="dashboard"), timeout_s=30)
            await listening

    asyncio.run(within(10, scene))


def test_one_run_is_followed_after_the_other(path: Path) -> None:
    async def scene() -> None:
        server: asyncio.Server | None = None
        heard: list[str] = []
        async for event in follow(lambda: path if path.exists() else None, look_every_s=0.001):
            match event:
                case Away() if len(heard) == 8:
                    break
                case Away():
                    heard.append("away")
                    if server is not None:
                        server.close()
                        path.unlink()
                    server = await run(path, f"run {len(heard)}")
                case Back(_, follower):
                    heard.append("back")
                    await follower.send(Control(id=1, action="halt", by="terminal"))
                case (_, Hello() as hello):
                    heard.append(hello.source)
                case (_, End()):
                    heard.append("end")
                case _:
                    pass
        if server is not None:
            server.close()
        assert heard == ["away", "back", "run 1", "end", "away", "back", "run 5", "end"]

    asyncio.run(within(10, scene))


def test_socket_that_nobody_listens_on_is_removed(path: Path) -> None:
    async def scene() -> None:
        server = await run(path, "gone")
        server.close()
        await server.wait_closed()
        if not path.exists():  # Python 3.13 and later remove it
            return
        with pytest.raises(RunGoneError, match="no run listens"):
            await Follower.open(path)
        assert not path.exists()

    asyncio.run(within(10, scene))


def test_stranger_that_speaks_otherwise_is_not_believed(path: Path) -> None:
    async def scene() -> None:
        async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(struct.pack("<I", 0xFFFF_FFFF))
            await writer.drain()
            writer.close()

        async with await asyncio.start_unix_server(shout, path), await Follower.open(path) as follower:
            with pytest.raises(RunGoneError, match="this is no run"):
                async for _ in follower:
                    pass

    asyncio.run(within(10, scene))


def test_nobody_there_is_an_error_for_scripts_too(path: Path) -> None:
    with pytest.raises(RunGoneError, match="no run listens"):
        BlockingFollower(path)
