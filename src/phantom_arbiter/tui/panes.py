"""The nine screens: what stands above a table, the table, and what stands below."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from phantom_arbiter.tui import pictures
from phantom_arbiter.tui.listing import Listing
from phantom_arbiter.tui.listings_cycles import Opportunities, Rejected
from phantom_arbiter.tui.listings_market import Endpoints, Pools
from phantom_arbiter.tui.listings_run import Attempts, Limits, Log, Reasons, Stages, latency_of
from phantom_arbiter.tui.table import Table
from phantom_arbiter.tui.watched import Watched

Picture = Callable[[Watched, int], Text]


@dataclass(frozen=True, slots=True)
class PaneSpec:
    """What a screen is made of.

    Attributes:
        name: On its tab.
        about: What it shows, for the help.
        head: Draws what stands above the table, at a width.
        listing: The table.
        caption: What the table is, where that is not plain.
        has_histogram: The histogram of the row under the cursor stands below.
    """

    name: str
    about: str
    head: Picture
    listing: Callable[[], Listing]
    caption: str = ""
    has_histogram: bool = False


PANES = (
    PaneSpec(
        "Why",
        "the funnel, and what rejected candidates lack",
        pictures.funnel,
        Rejected,
        "rejected: open cycles by what they lack, plans that risk refused, nearest misses",
    ),
    PaneSpec("Cycles", "opportunities as they open and close", pictures.opportunities, Opportunities),
    PaneSpec("Pools", "pools, and why some are set aside", pictures.market, Pools),
    PaneSpec("Endpoints", "endpoints: state, lag, who is first", pictures.endpoints, Endpoints),
    PaneSpec("Signals", "why candidates did not get further, by reason", pictures.signals, Reasons),
    PaneSpec(
        "Trades",
        "profit, attempts and refused plans",
        pictures.trades,
        Attempts,
        "attempts, newest first; then plans that risk refused",
    ),
    PaneSpec("Fees", "fees, congestion, and limits of risk", pictures.fees, Limits),
    PaneSpec("Latency", "how long each stage takes", pictures.latency, Stages, has_histogram=True),
    PaneSpec("Log", "notices and what happened to endpoints", pictures.log, Log),
)
"""In the order of their keys, 1 to 9."""


class Pane(Vertical):
    """One screen."""

    def __init__(self, spec: PaneSpec, name: str) -> None:
        super().__init__(id=name)
        self.spec = spec
        self.table = Table(spec.listing())
        self._head = Line(classes="head")
        self._foot = Line(classes="foot")
        self._seen = Watched()

    def compose(self) -> ComposeResult:
        """Stack head, table and foot."""
        yield self._head
        if self.spec.caption:
            yield Static(Text(self.spec.caption, "italic"), classes="caption")
        yield self.table
        if self.spec.has_histogram:
            yield self._foot

    def show(self, seen: Watched, words: str) -> None:
        """Show what is known now."""
        self._seen = seen
        self._head.show(self.spec.head(seen, self.size.width - 2))
        self.table.refill(seen, words)
        self._show_histogram()

    def on_table_moved(self) -> None:
        """Show what belongs to the row."""
        self._show_histogram()

    def _show_histogram(self) -> None:
        if self.spec.has_histogram:
            stage = latency_of(self._seen, self.table.key)
            self._foot.show(pictures.histogram(stage, self._foot.size.width, self._foot.size.height))


class Line(Static):
    """Text that is drawn anew only if it has changed."""

    def __init__(self, name: str | None = None, *, classes: str | None = None) -> None:
        super().__init__(id=name, classes=classes)
        self._shown: Text | None = None

    def show(self, text: Text) -> None:
        """Show it."""
        if text != self._shown or (self._shown is not None and text.spans != self._shown.spans):
            height_stays = self._shown is not None and text.plain.count("\n") == self._shown.plain.count("\n")
            self._shown = text
            self.update(text, layout=not height_stays)
