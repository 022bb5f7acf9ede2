"""The viewer: follows a run, redraws at most five times a second, asks the run for what its keys ask for."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, Literal

import msgspec
from textual import events
from textual.app import App
from textual.binding import BindingType
from textual.filter import LineFilter, NoColor
from textual.geometry import Size

from phantom_arbiter.errors import PhantomError
from phantom_arbiter.render import plain
from phantom_arbiter.telemetry.records import SCHEMA, Control, End, Hello, Published
from phantom_arbiter.tui.dialogs import LEAST_HEIGHT, LEAST_WIDTH, Question, TooSmall
from phantom_arbiter.tui.link import Link
from phantom_arbiter.tui.listing import BAD, FAINT, GOOD, WARN
from phantom_arbiter.tui.main_screen import MainScreen
from phantom_arbiter.tui.watched import Watched
from phantom_arbiter.tui.words import count_of

REDRAW_S = 0.2
SILENT_S = 3.0
"""A run says where it stands four times a second; after this something is wrong, and the screen says so."""

Action = Literal["halt", "resume", "stop"]


class ViewerApp(App[None]):
    """The terminal's screen of one run.

    Args:
        connect: Connects to the run; None: records come by `take` only.
        stops_run: Leaving asks the run to stop; else it goes on.
        clock: Monotonic seconds.
    """

    TITLE = "PhantomArbiter"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = []
    CSS_PATH = "viewer.tcss"

    def __init__(
        self,
        connect: Callable[[], Awaitable[Link]] | None,
        *,
        stops_run: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._connect = connect
        self._stops_run = stops_run
        self._clock = clock
        self._live = Watched()
        self._frozen: Watched | None = None
        self._link: Link | None = None
        self._state: Literal["connecting", "connected", "gone"] = "connecting"
        self._why_gone = ""
        self._heard_s = clock()
        self._said = ""
        self._is_stopping = False
        self._drawn: object = None
        self._main = MainScreen(self)

    # ---- what is shown

    @property
    def shown(self) -> Watched:
        """What the screen shows: the newest, or what was known when it was paused."""
        return self._live if self._frozen is None else self._frozen

    def connection(self) -> tuple[str, str]:
        """Return in words how the connection stands, with a style."""
        end = self._live.model.end
        if end is not None:
            return ("run has ended", "bold") if end.error is None else ("run has FAILED", f"bold {BAD}")
        if self._state == "gone":
            return self._why_gone or "run is GONE", f"bold {BAD}"
        if self._state == "connecting":
            return "connecting", WARN
        silent = self._clock() - self._heard_s
        return ("connected", GOOD) if silent < SILENT_S else (f"silent for {silent:.0f} s", WARN)

    def going_on(self) -> Sequence[tuple[str, str]]:
        """Return what the operator should know of this viewer, with styles."""
        words: list[tuple[str, str]] = []
        if self._frozen is not None:
            waiting = self._live.taken - self._frozen.taken
            words.append((f"PAUSED: {count_of(waiting, 'record')} wait, p goes on", f"bold {WARN}"))
        if self._is_over():
            words.append(("its last picture, q leaves", FAINT))
        end = self._live.model.end
        if end is not None and end.error is not None:
            words.append((f"failed: {plain(end.error)}", BAD))
        if self._said:
            words.append((self._said, "bold"))
        return words

    def leaving_words(self) -> str:
        """Return what leaving does."""
        return "; the run goes on" if self._only_leaves() else " and stop the run"

    def _only_leaves(self) -> bool:
        """Return whether q stops nothing: a live run is never stopped where it cannot be asked about."""
        hello = self._live.model.hello
        if not self._stops_run or self._link is None or hello is None:
            return True
        return hello.mode == "live" and isinstance(self.screen, TooSmall)

    def say(self, words: str) -> None:
        """Show a line until Esc or the next one."""
        self._said = words

    def forget_answer(self) -> None:
        """Take the line away."""
        self._said = ""

    def pause(self) -> None:
        """Let the picture stand still, or go on from the newest."""
        self._frozen = self._live.still() if self._frozen is None else None

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return Textual's filters; without colour where NO_COLOR asks for it, not grey."""
        filters = super().get_line_filters()
        return [*filters, NoColor()] if self.no_color else filters

    # ---- the run

    def get_default_screen(self) -> MainScreen:
        """Return what stands below all dialogs."""
        return self._main

    def on_mount(self) -> None:
        """Begin to follow."""
        if self._connect is not None:
            self.run_worker(self._follow(self._connect), exit_on_error=True)
        self.set_interval(REDRAW_S, self._redraw)
        self._fit(self.size)

    def take(self, record: Published) -> None:
        """Take notice of a record."""
        self._heard_s, self._state = self._clock(), "connected"
        self._live.take(record)
        match record:
            case Hello(schema=schema) if schema != SCHEMA:
                self.say(
                    f"the run publishes schema {schema}, this viewer knows {SCHEMA}: update the older one"
                )
            case End() if self._is_stopping:
                self.exit()
            case _:
                pass

    async def _follow(self, connect: Callable[[], Awaitable[Link]]) -> None:
        try:
            self._link = await connect()
            async for _, record in self._link:
                self.take(record)
            self._why_gone = "run is GONE"
        except PhantomError as error:
            self._why_gone = "no run"
            self.say(plain(error))
        except msgspec.MsgspecError as error:
            self._why_gone = "run is not understood"
            self.say(f"not understood: {error}")
        self._link, self._state = None, "gone"
        if self._is_stopping:
            self.exit()

    def _is_over(self) -> bool:
        return self._state == "gone" or self._live.model.end is not None

    def _redraw(self) -> None:
        state = (self.shown.taken, self._live.taken, self.connection(), tuple(self.going_on()))
        if isinstance(self.screen, TooSmall):
            self.screen.tell(self.size, self.leaving_words())
        if state != self._drawn and self.screen is self._main:
            self._drawn = state
            self._main.show()

    async def _ask(self, action: Action) -> str:
        """Return what came of it, in words."""
        if self._link is None:
            return "the run is not there to be asked"
        try:
            done = await self._link.ask(Control(id=self._link.next_id(), action=action, by="terminal"))
        except PhantomError as error:
            return plain(error)
        return "done" if done.error is None else f"refused: {plain(done.error)}"

    # ---- keys

    def action_dark_or_light(self) -> None:
        """Change between dark and light."""
        self.theme = "textual-light" if self.current_theme.dark else "textual-dark"

    def action_kill_switch(self) -> None:
        """Halt, or resume what the terminal halted, after a question."""
        hello, status = self._live.model.hello, self._live.model.status
        held = status is not None and "terminal" in status.risk.switches
        action: Action = "resume" if held else "halt"
        if self._is_over() or hello is None or status is None:
            self.say("kill switch: there is no run to be asked")
        elif action not in hello.controls:
            self.say(f"kill switch: this run does not let itself be asked to {action}")
        else:
            others = [plain(switch) for switch in status.risk.switches if switch != "terminal"]
            lines = _resume_lines(others) if held else _halt_lines(status.under_way, others)
            self.run_worker(self._confirmed(action, Question(f"{action.capitalize()}?", lines)))
        self._main.show()

    async def _confirmed(self, action: Action, question: Question) -> None:
        if await self.push_screen_wait(question):
            self.say(f"{action}: asked")
            self._main.show()
            self.say(f"{action}: {await self._ask(action)}")
        else:
            self.say(f"{action}: not asked")
        self._main.show()

    def action_leave(self) -> None:
        """Leave; if that stops a live run, after a question."""
        hello = self._live.model.hello
        if self._is_stopping or self._is_over() or self._only_leaves():
            self.exit()
        elif hello is not None and hello.mode == "live":
            self.run_worker(self._leave_live())
        else:
            self.run_worker(self._stop())

    async def _leave_live(self) -> None:
        status = self._live.model.status
        lines = [
            "Leaving stops the live run: nothing more is sent.",
            f"Attempts under way: {0 if status is None else status.under_way}. They may still land; the run",
            "waits for their outcome as its settings say, and journals it.",
            "To look away only, start it with --ui plain and use phantom watch.",
        ]
        if await self.push_screen_wait(Question("Stop the live run?", lines)):
            await self._stop()

    async def _stop(self) -> None:
        self._is_stopping = True
        self.say("stopping: waiting for the run to end; q again leaves at once")
        self._main.show()
        said = await self._ask("stop")
        if said != "done" and not self._is_over():
            self._is_stopping = False
            self.say(f"stop: {said}; Ctrl-Q leaves without stopping it")
            self._main.show()

    # ---- size

    def on_resize(self, event: events.Resize) -> None:
        """Say so if there is too little room; come back when there is enough."""
        self._fit(event.size)

    def _fit(self, size: Size) -> None:
        is_small = size.width < LEAST_WIDTH or size.height < LEAST_HEIGHT
        above = next((screen for screen in self.screen_stack if isinstance(screen, TooSmall)), None)
        if is_small and above is None:
            self.push_screen(TooSmall(size, self.leaving_words()))
        elif is_small and above is not None:
            above.tell(size, self.leaving_words())
        elif above is not None and self.screen is above:
            self.pop_screen()


def _halt_lines(under_way: int, others: list[str]) -> list[str]:
    held = [f"It is held already by: {', '.join(others)}."] if others else []
    return [
        "The run sends nothing more until it is resumed; it goes on watching.",
        f"Attempts under way: {under_way}. They may still land and are followed to their end.",
        *held,
        "It is journaled as asked from the terminal. k again resumes.",
    ]


def _resume_lines(others: list[str]) -> list[str]:
    then = f"It stays halted by: {', '.join(others)}." if others else "The run may send again at once."
    return ["The terminal no longer holds the run.", then, "It is journaled as asked from the terminal."]
