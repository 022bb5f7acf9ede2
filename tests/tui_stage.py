"""A made-up run on the terminal's screen, without a socket and without a clock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from textual.pilot import Pilot

from phantom_arbiter.telemetry.records import Control, Curve, Done, Published
from phantom_arbiter.tui.app import ViewerApp
from phantom_arbiter.tui.main_screen import MainScreen
from phantom_arbiter.tui.table import Table
from telemetry_samples import SampleRun

Test = Callable[[Pilot[None]], Awaitable[None]]


def fed(pools: int = 40, steps: int = 400, seed: int = 1) -> tuple[ViewerApp, SampleRun]:
    """Return a screen that has seen 20 seconds of a run, and the run."""
    run = SampleRun(pools, seed)
    app = ViewerApp(None, stops_run=False, clock=lambda: 0.0)
    for record in history(run, steps):
        app.take(record)
    return app, run


def history(run: SampleRun, steps: int = 400) -> list[Published]:
    """Return the first records of a run."""
    records: list[Published] = [run.hello(), run.snapshot()]
    for step in range(steps):
        records += run.step(10, 50_000_000)
        if step % 5 == 0:
            records.append(run.status())
    return [*records, run.notice("kill switch off (file): trading goes on"), run.status()]


class FakeLink:
    """A run that answers what `answer` says, and is gone once `hang_up` is called."""

    def __init__(self, *records: Published) -> None:
        self.asked: list[Control] = []
        self.answer: str | None = None
        self._told: asyncio.Queue[Published | None] = asyncio.Queue()
        for record in records:
            self._told.put_nowait(record)

    async def __aiter__(self) -> AsyncIterator[tuple[bytes, Published]]:
        while (record := await self._told.get()) is not None:
            yield b"", record

    def tell(self, record: Published) -> None:
        self._told.put_nowait(record)

    def hang_up(self) -> None:
        self._told.put_nowait(None)

    def next_id(self) -> int:
        return len(self.asked) + 1

    async def ask(self, asked: Control) -> Curve | Done:
        self.asked.append(asked)
        return Done(id=asked.id, error=self.answer)


def drive(app: ViewerApp, test: Test, size: tuple[int, int] = (80, 24)) -> None:
    """Run `test` on the screen."""

    async def main() -> None:
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await test(pilot)

    asyncio.run(main())


def drive_linked(
    link: FakeLink, test: Callable[[Pilot[None], ViewerApp], Awaitable[None]], *, stops_run: bool
) -> ViewerApp:
    """Run `test` on the screen of a run; return the screen, which `test` may have left."""

    async def connect() -> FakeLink:
        return link

    app = ViewerApp(connect, stops_run=stops_run, clock=lambda: 0.0)

    async def main() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: app.shown.model.status is not None)
            await test(pilot, app)

    asyncio.run(main())
    return app


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Wait until `holds`, on the screen's own loop."""
    async with asyncio.timeout(10):
        while not holds():
            await pilot.pause()


def text(app: ViewerApp) -> str:
    """Return what the terminal shows."""
    strips = app.screen._compositor.render_strips(app.size)
    return "\n".join(strip.text.rstrip() for strip in strips)


def table(app: ViewerApp) -> Table:
    """Return the table that is shown."""
    screen = app.screen_stack[0]
    assert isinstance(screen, MainScreen)
    return screen.pane.table


async def shows(pilot: Pilot[None], *words: str) -> None:
    """Wait until the terminal shows all `words`."""
    app = pilot.app
    assert isinstance(app, ViewerApp)
    try:
        await until(pilot, lambda: all(word in text(app) for word in words))
    except TimeoutError:
        raise AssertionError(f"none of {words} in:\n{text(app)}") from None
