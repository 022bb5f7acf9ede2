"""Watching a run while it runs: live counters on a terminal, one line per event elsewhere. Both on stderr."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import IO, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from phantom_arbiter.domain import Verdict
from phantom_arbiter.engine import Observer, Trade
from phantom_arbiter.engine import Progress as RunProgress
from phantom_arbiter.mints import short
from phantom_arbiter.render import plain
from phantom_arbiter.sources.snapshots import OnProgress
from phantom_arbiter.sources.websocket import EventKind, FeedEvent, FeedObserver
from phantom_arbiter.summary import SourceInfo
from phantom_arbiter.swaps import AnyPlan

SHOWN_TRADES = 5
PLAIN_INTERVAL = 20
"""Every how many progress reports the plain view writes a line: with ten a second, one in two seconds."""


class View(Observer, FeedObserver, Protocol):
    """An observer with a beginning and an end."""

    def __enter__(self) -> Self: ...

    def stage(self, word: str) -> OnProgress:
        """Begin a stage of the start; what this returns is told how far it is."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class PlainView:
    """One line per event, for pipes and logs: the event's name, then `key=value` words.

    A value with blanks, quotes, backslashes or equals signs, and an empty one, stands in double quotes with
    backslashes before quotes and backslashes, so that `shlex.split` gives one word per field. What cannot be
    printed is shown as an escape; a line is an event.

    | event | fields |
    |---|---|
    | start | source; records if it is known how many |
    | stage | name: something that a live run does before its first frame |
    | progress | once in 20 reports: records, total if known, slot, frames, fresh, duplicates, malformed, |
    | | openings, signals, attempts, filled, updates, evaluations of each stage; halted: no, or by what |
    | trade | attempt, slot, state, mint, amount_in, net_profit, hops; reason if it failed |
    | refused | slot, mint, amount_in, reason; limit and value if the rule has them |
    | notice | text |
    | feed | kind, endpoint, text: what happened to an endpoint |

    Amounts are base units of `mint`. Openings and closings are too many for a log: the funnel counts them.
    """

    def __init__(self, source: SourceInfo, stream: IO[str]) -> None:
        self._source = source
        self._stream = stream
        self._reports = 0

    def __enter__(self) -> Self:
        known = {} if self._source.records is None else {"records": self._source.records}
        self._write("start", source=self._source.name, **known)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stream.flush()

    def progress(self, progress: RunProgress) -> None:
        """Write every twentieth report, and the one at the end."""
        self._reports += 1
        if self._reports % PLAIN_INTERVAL and progress.records != self._source.records:
            return
        stats = progress.stats
        self._write(
            "progress",
            records=progress.records,
            **({} if self._source.records is None else {"total": self._source.records}),
            slot=stats.slot,
            frames=stats.frames,
            fresh=stats.fresh,
            duplicates=stats.duplicates,
            malformed=sum(stats.malformed.values()),
            openings=stats.openings,
            signals=progress.signals,
            attempts=progress.attempts,
            filled=progress.filled,
            updates=stats.updates,
            **{stage.name: stage.evaluations for stage in (*stats.funnel, *progress.funnel)},
            halted=",".join(progress.switches) or "no",
        )

    def traded(self, trade: Trade) -> None:
        """Write the attempt and how it ended."""
        plan, outcome = trade.plan, trade.outcome
        reason = {"reason": outcome.reason} if outcome.reason else {}
        self._write(
            "trade",
            attempt=trade.attempt_id,
            slot=plan.slot,
            state=outcome.state.value,
            mint=plan.base_mint,
            amount_in=plan.amount_in,
            net_profit=outcome.net_profit,
            hops=len(plan.hops),
            **reason,
        )

    def refused(self, plan: AnyPlan, verdict: Verdict) -> None:
        """Write the plan and the rule that refused it."""
        bounds = {} if verdict.limit is None else {"limit": verdict.limit, "value": verdict.value}
        self._write(
            "refused",
            slot=plan.slot,
            mint=plan.base_mint,
            amount_in=plan.amount_in,
            reason=verdict.reason,
            **bounds,
        )

    def notice(self, text: str) -> None:
        """Write it."""
        self._write("notice", text=text)

    def stage(self, word: str) -> OnProgress:
        """Write that a stage begins."""
        self._write("stage", name=word)
        return lambda done, total: None

    def feed_event(self, event: FeedEvent) -> None:
        """Write what happened to an endpoint, as it says it."""
        self._write("feed", kind=event.kind.value, endpoint=event.endpoint, text=event.text)

    def _write(self, event: str, **fields: object) -> None:
        print(event, *(f"{name}={_quoted(value)}" for name, value in fields.items()), file=self._stream)


def _quoted(value: object) -> str:
    words = plain(value)
    if words and not any(mark in words for mark in " \"'\\=#"):
        return words
    escaped = words.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class RichView:
    """A progress bar, counters and the latest trades, redrawn in place and gone at the end.

    Drawn only when the loop reports: no thread of its own competes with the hot path.
    """

    def __init__(self, source: SourceInfo, console: Console) -> None:
        self._source = source
        self._trades: deque[Text] = deque(maxlen=SHOWN_TRADES)
        self._refused = 0
        self._stages: set[TaskID] = set()
        self._latest: RunProgress | None = None
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            expand=True,
        )
        self._task = self._bar.add_task(plain(source.name), total=source.records)
        self._live = Live(self._draw(), console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def progress(self, progress: RunProgress) -> None:
        """Redraw."""
        self._latest = progress
        for stage in [one for one in self._bar.tasks if one.id in self._stages and one.finished]:
            self._stages.discard(stage.id)
            self._bar.remove_task(stage.id)
        self._bar.update(self._task, completed=progress.records)
        self._live.update(self._draw(), refresh=True)

    def traded(self, trade: Trade) -> None:
        """Keep the attempt for the next redraw."""
        plan, outcome, book = trade.plan, trade.outcome, self._source.mints
        paid = plan.hops[0]
        line = Text(f"slot {plan.slot}  ")
        line.append(outcome.state.value, style="green" if outcome.fill else "red")
        line.append(f"  {plain(book.amount(plan.base_mint, outcome.net_profit))} net of ")
        line.append(f"{plain(book.amount(paid.mint_in, paid.amount_in, places=2))} in  ")
        line.append(" · ".join(short(hop.pool) for hop in plan.hops), style="dim")
        line.truncate(self._live.console.width - 1, overflow="ellipsis")
        self._trades.append(line)

    def refused(self, plan: AnyPlan, verdict: Verdict) -> None:
        """Count it for the next redraw."""
        self._refused += 1

    def notice(self, text: str) -> None:
        """Print it above the counters."""
        self._live.console.print(Text(plain(text), style="yellow"))

    def stage(self, word: str) -> OnProgress:
        """Show a bar for the stage until it is finished."""
        task = self._bar.add_task(word, total=None)
        self._stages.add(task)

        def tell(done: int, total: int) -> None:
            if task not in self._stages:
                return  # finished for now, and taken away
            self._bar.update(task, completed=done, total=total)
            self._live.update(self._draw(), refresh=True)

        return tell

    def feed_event(self, event: FeedEvent) -> None:
        """Print above the counters what happened to an endpoint, as it says it."""
        style = "dim" if event.kind is EventKind.CONNECTED else "yellow"
        self._live.console.print(Text(plain(event.text), style=style))

    def _draw(self) -> RenderableType:
        return Group(self._bar, self._counters(), *self._trades)

    def _counters(self) -> RenderableType:
        progress = self._latest
        if progress is None:
            return Text()
        stats = progress.stats
        task = self._bar.tasks[0]
        rate = progress.records / task.elapsed if task.elapsed else 0.0
        table = Table.grid(padding=(0, 2), expand=True)
        cells = (
            ("slot", stats.slot),
            ("records/s", round(rate)),
            ("frames", stats.frames),
            ("fresh", stats.fresh),
            ("duplicates", stats.duplicates),
            ("stale", stats.stale),
            ("held", stats.held),
            ("malformed", sum(stats.malformed.values())),
            ("openings", stats.openings),
            ("signals", progress.signals),
            ("refused", self._refused),
            ("filled", progress.filled),
        )
        for _ in range(4):
            table.add_column(ratio=1)
        for first in range(0, len(cells), 4):
            table.add_row(*(_cell(name, value) for name, value in cells[first : first + 4]))
        return table


def _cell(name: str, value: int) -> Text:
    return Text.assemble((f"{name} ", "dim"), (f"{value:,}" if name != "slot" else str(value), "bold"))


class BesideScreen:
    """Nothing while another process shows the run on this terminal; plain lines once it no longer does."""

    def __init__(self, source: SourceInfo, stream: IO[str]) -> None:
        self._plain = PlainView(source, stream)
        self._is_silent = True

    def speak(self) -> None:
        """Write from now on; callable from any thread."""
        self._is_silent = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the terminal as it is."""

    def progress(self, progress: RunProgress) -> None:
        """Write as the plain view does."""
        if not self._is_silent:
            self._plain.progress(progress)

    def traded(self, trade: Trade) -> None:
        """Write the attempt and how it ended."""
        if not self._is_silent:
            self._plain.traded(trade)

    def refused(self, plan: AnyPlan, verdict: Verdict) -> None:
        """Write the plan and the rule that refused it."""
        if not self._is_silent:
            self._plain.refused(plan, verdict)

    def notice(self, text: str) -> None:
        """Write it."""
        if not self._is_silent:
            self._plain.notice(text)

    def stage(self, word: str) -> OnProgress:
        """Write that a stage begins."""
        return (lambda done, total: None) if self._is_silent else self._plain.stage(word)

    def feed_event(self, event: FeedEvent) -> None:
        """Write what happened to an endpoint."""
        if not self._is_silent:
            self._plain.feed_event(event)


def choose_view(ui: str, source: SourceInfo, console: Console) -> View:
    """Return the view that `ui` (auto, rich, plain, or tui for beside a screen) means on this terminal."""
    if ui == "tui":
        return BesideScreen(source, console.file)
    if ui == "rich" or (ui == "auto" and console.is_terminal):
        return RichView(source, console)
    return PlainView(source, console.file)
