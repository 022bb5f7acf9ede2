"""A run that does what a test says, and the dashboard that follows it, on real sockets in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect

from phantom_arbiter.config_dashboard import DashboardSettings
from phantom_arbiter.galaxy.server import Dashboard
from phantom_arbiter.telemetry import records as r
from telemetry_samples import SampleRun, framed, read_frame

WAIT_S = 60.0


class FakeRun:
    """A run on a Unix socket; says hello and a snapshot to whom connects, then what it is told to say."""

    def __init__(self, path: Path, sample: SampleRun) -> None:
        self.path, self.sample = path, sample
        self.asked: list[r.Asked] = []
        self.answer: Callable[[r.Asked], r.Published | None] = self._answer
        self.hello = msgspec.structs.replace(sample.hello(), journal=str(path.parent / "journal.sqlite"))
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._viewer, self.path)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()
        self.path.unlink(missing_ok=True)

    async def tell(self, *happened: r.Published) -> None:
        for writer in self._writers:
            writer.write(b"".join(map(framed, happened)))
            await writer.drain()

    async def step(self, times: int = 1, updates: int = 20) -> list[r.Published]:
        happened = [each for _ in range(times) for each in self.sample.step(updates, 50_000_000)]
        await self.tell(*happened)
        return happened

    async def _viewer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(framed(self.hello) + framed(self.sample.snapshot()))
        self._writers.add(writer)
        decoder = msgspec.json.Decoder(r.Asked)
        try:
            while True:
                asked = decoder.decode(await read_frame(reader))
                self.asked.append(asked)
                answer = self.answer(asked)
                if answer is not None:
                    writer.write(framed(answer))
        except (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, asked: r.Asked) -> r.Published:
        return self.sample.curve(asked) if isinstance(asked, r.AskCurve) else r.Done(id=asked.id)


class Stage:
    """The dashboard and its run."""

    def __init__(self, run: FakeRun, dashboard: Dashboard, http: httpx.AsyncClient) -> None:
        self.run, self.dashboard, self.http = run, dashboard, http
        self.hub = dashboard.hub

    @property
    def port(self) -> int:
        return int(self.dashboard.url.rstrip("/").rpartition(":")[2])

    @property
    def token(self) -> str:
        return self.dashboard.entry.partition("?token=")[2]

    @property
    def control_token(self) -> str:
        return self.dashboard.greeting()[-1].rpartition(" ")[2]

    def watch(self, **options: Any) -> connect:
        """Return the connection of a browser, as an async context."""
        options = {"max_size": None, "compression": None, "ping_interval": None, **options}
        return connect(f"ws://127.0.0.1:{self.port}/ws", open_timeout=WAIT_S, **options)

    async def heard(self, seq: int) -> None:
        """Wait until the dashboard has heard the record of that number."""
        await until(lambda: self.hub.model.seq >= seq)


@contextlib.asynccontextmanager
async def stage(
    folder: Path, *, pools: int = 12, starts: bool = True, journal: Path | None = None, **settings: Any
) -> AsyncIterator[Stage]:
    """Give a run of `pools` pools, and a dashboard with these settings on any free port."""
    run = FakeRun(folder / "run.sock", SampleRun(pools))
    dashboard = Dashboard(
        DashboardSettings(port=0, **settings),
        lambda: run.path if run.path.is_socket() else None,
        journal=journal,
    )
    stop, started = asyncio.Event(), asyncio.Event()
    if starts:
        await run.start()
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(dashboard.serve(stop, started=started.set))
        await asyncio.wait_for(started.wait(), WAIT_S)
        async with httpx.AsyncClient(base_url=dashboard.url, timeout=WAIT_S) as http:
            if starts:
                await until(lambda: dashboard.hub.history.first is not None)
            try:
                yield Stage(run, dashboard, http)
            finally:
                stop.set()
                await serving
                if run._server is not None and run._server.is_serving():
                    await run.stop()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that another task brings about."""
    async with asyncio.timeout(WAIT_S):
        while not holds():
            await asyncio.sleep(0.002)


async def hear(browser: ClientConnection) -> dict[str, Any]:
    """Return the next message."""
    message: dict[str, Any] = msgspec.json.decode(await asyncio.wait_for(browser.recv(), WAIT_S))
    return message


async def hear_until(browser: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next message of that type, whatever comes before."""
    while (message := await hear(browser))["type"] != kind:
        pass
    return message
