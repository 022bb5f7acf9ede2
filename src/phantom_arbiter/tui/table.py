"""A table that draws only the rows on the screen, and of these only those that have changed.

Two thousand rows that change a thousand times a second cost what the visible twenty cost. The cursor stays
with its row's key while rows come and go around it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from phantom_arbiter.tui.listing import Cell, Column, Listing
from phantom_arbiter.tui.watched import Watched

MARK = "▸ "
"""Stands before the row of the cursor: it must be found without colour too."""


class Table(ScrollView, can_focus=False):
    """The rows of a listing under a heading that stays; the screen hands it its keys."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--head", "table--cursor"}
    DEFAULT_CSS = """
    Table { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    Table > .table--head { text-style: bold; color: $text-muted; }
    Table > .table--cursor { background: $primary 40%; text-style: bold; }
    """

    class Chosen(Message):
        """Somebody wants to know more of a row."""

        def __init__(self, table: Table, key: Hashable) -> None:
            super().__init__()
            self.table = table
            self.key = key

    class Moved(Message):
        """The cursor is on another row."""

    def __init__(self, listing: Listing) -> None:
        super().__init__()
        self.listing = listing
        self.keys: Sequence[Hashable] = ()
        self._seen = Watched()
        self._place = 0
        self._key: Hashable = None
        self._words = ""
        self._drawn: dict[int, object] = {}

    @property
    def key(self) -> Hashable:
        """The key of the row under the cursor; None if there is none."""
        return self.keys[self._place] if self._place < len(self.keys) else None

    def refill(self, seen: Watched, words: str) -> None:
        """Show what is known now; `words` filter, in lower case."""
        self._seen, self._words = seen, words
        self.keys = self.listing.keys(seen, words)
        # At the top the cursor stays at the top, where news comes; elsewhere with its row.
        if self._place and self._key is not None and self.key != self._key:
            try:
                self._place = self.keys.index(self._key)
            except ValueError:
                self._place = min(self._place, max(len(self.keys) - 1, 0))
        self._key = self.key
        height = len(self.keys) + 1
        if self.virtual_size.height != height:
            self.virtual_size = Size(self.size.width, height)
        self._redraw()

    def render_line(self, y: int) -> Strip:
        """Draw the heading, a row, or why there are none."""
        width = self.size.width
        line = self._line(y)
        self._drawn[y] = line
        style = self.rich_style
        if line is None:
            return Strip.blank(width, style)
        kind, cells = line
        if kind == "empty":
            return Strip([Segment(f"  {cells}", style + Style(dim=True))]).adjust_cell_length(width, style)
        if kind == "head":
            style = self.get_component_rich_style("table--head")
        elif kind == "cursor":
            style = self.get_component_rich_style("table--cursor")
        segments = [Segment(MARK if kind == "cursor" else "  ", style)]
        for (column, room), cell in zip(self._layout(width), cells, strict=True):
            text, own = (cell, "") if isinstance(cell, str) else cell
            segments.append(Segment(_fitted(text, room, column), style + Style.parse(own) if own else style))
            segments.append(Segment(" ", style))
        return Strip(segments).adjust_cell_length(width, style)

    def _line(self, y: int) -> tuple[str, Sequence[Cell]] | None:
        """Return what line `y` of the window shows: as little as tells whether it has changed."""
        columns = [column for column, _ in self._layout(self.size.width)]
        if y == 0:
            return "head", tuple(column.title for column in columns)
        place = y - 1 + self.scroll_offset.y
        if place >= len(self.keys):
            if place or self.keys:
                return None
            return "empty", f"nothing fits “{self._words}”" if self._words else self.listing.empty
        cells = self.listing.cells(self._seen, self.keys[place])
        shown = tuple(
            cell for column, cell in zip(self.listing.columns, cells, strict=True) if column in columns
        )
        return "cursor" if place == self._place else "row", shown

    def _redraw(self) -> None:
        for y in range(self.size.height):
            if y not in self._drawn or self._drawn[y] != self._line(y):
                self.refresh(Region(0, y, self.size.width, 1))

    def _layout(self, width: int) -> list[tuple[Column, int]]:
        """Return the columns that fit, and how wide each is."""
        room = width - len(MARK)
        columns = list(self.listing.columns)
        while len(columns) > 1 and sum(column.width + 1 for column in columns) > room:
            last = max(column.rank for column in columns)
            if last == 0:
                break
            columns.remove(next(column for column in reversed(columns) if column.rank == last))
        rest = max(room - sum(column.width + 1 for column in columns), 0)
        stretching = sum(column.stretch for column in columns)
        return [(column, column.width + (rest // stretching if column.stretch else 0)) for column in columns]

    def _to(self, place: int) -> None:
        place = min(max(place, 0), max(len(self.keys) - 1, 0))
        moved = place != self._place
        self._place, self._key = place, self.keys[place] if self.keys else None
        rows = self.size.height - 1
        top = self.scroll_offset.y
        if place < top:
            self.scroll_to(y=place, animate=False)
        elif place >= top + rows:
            self.scroll_to(y=place - rows + 1, animate=False)
        self._redraw()
        if moved:
            self.post_message(self.Moved())

    def move(self, by: int) -> None:
        """Move the cursor by rows."""
        self._to(self._place + by)

    def page(self, by: int) -> None:
        """Move the cursor by pages."""
        self._to(self._place + by * max(self.size.height - 2, 1))

    def to_end(self, way: int) -> None:
        """Move the cursor to the first or the last row."""
        self._to(0 if way < 0 else len(self.keys) - 1)

    def choose(self) -> None:
        """Say that somebody wants to know more of the row."""
        if self.key is not None:
            self.post_message(self.Chosen(self, self.key))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse is; there already, choose the row."""
        place = event.y - 1 + self.scroll_offset.y
        if event.y < 1 or place >= len(self.keys):
            return
        if place == self._place:
            self.choose()
        self._to(place)

    def on_resize(self) -> None:
        """Draw all anew, with the cursor in sight."""
        self._drawn.clear()
        self.virtual_size = Size(self.size.width, len(self.keys) + 1)
        self._to(self._place)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Draw anew when scrolled."""
        super().watch_scroll_y(old_value, new_value)
        self._drawn.clear()


def _fitted(text: str, room: int, column: Column) -> str:
    if cell_len(text) > room:
        # A cut may come just behind the dots of a shortened address.
        text = set_cell_size(text, room - 1).rstrip("…") + "…"
    blank = " " * (room - cell_len(text))
    return blank + text if column.right else text + blank
