"""The screen: lines at the top, tabs, one of nine panes, what is going on, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import ContentSwitcher, Footer, Input

from phantom_arbiter.tui.dialogs import DetailScreen, Help
from phantom_arbiter.tui.listing import Detail
from phantom_arbiter.tui.panes import PANES, Line, Pane
from phantom_arbiter.tui.status_lines import tab_at, tab_line, top_lines
from phantom_arbiter.tui.table import Table
from phantom_arbiter.tui.words import count_of

if TYPE_CHECKING:
    from phantom_arbiter.tui.app import ViewerApp


class TabLine(Line):
    """The tabs; the mouse may choose one too."""

    chosen = 0

    def on_click(self, event: events.Click) -> None:
        """Choose the tab under the mouse."""
        place = tab_at(event.x - 1, self.chosen, self.size.width)
        if place is not None and isinstance(self.screen, MainScreen):
            self.screen.action_choose(place)


class MainScreen(Screen[None]):
    """What one looks at. It hears all keys but those of the filter's words."""

    AUTO_FOCUS = ""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(f"{place + 1}", f"choose({place})", spec.name, show=False)
            for place, spec in enumerate(PANES)
        ),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "end(-1)", "First", show=False),
        Binding("end", "end(1)", "Last", show=False),
        Binding("enter", "detail", "Detail"),
        Binding("tab", "next(1)", "Next", show=False),
        Binding("shift+tab", "next(-1)", "Before", show=False),
        # With priority it is done before the next key is looked at, which then belongs to the filter.
        Binding("slash", "filter", "Filter", key_display="/", priority=True),
        Binding("p", "pause", "Pause"),
        Binding("k", "app.kill_switch", "Kill switch"),
        Binding("c", "copy", "Copy", show=False),
        Binding("d", "app.dark_or_light", "Dark/light"),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q,ctrl+c", "app.leave", "Quit", key_display="q"),
        Binding("escape", "clear", "Clear", show=False),
    ]

    def __init__(self, viewer: ViewerApp) -> None:
        super().__init__()
        self._viewer = viewer
        self._panes = [Pane(spec, f"pane-{place}") for place, spec in enumerate(PANES)]
        self._top, self._tabs, self._says = Line("top"), TabLine("tabs"), Line("says")
        self._chosen = 0
        self.words = ""

    def compose(self) -> ComposeResult:
        """Stack the parts."""
        yield self._top
        yield self._tabs
        with ContentSwitcher(initial="pane-0"):
            yield from self._panes
        yield self._says
        yield Input(id="filter", placeholder="symbol, address, venue, reason or state", compact=True)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Open on why."""
        self.query_one("#filter", Input).display = False
        self.action_choose(0)

    def on_resize(self) -> None:
        """Draw again at the new width, once everything has its place."""
        self.call_after_refresh(self.show)

    @property
    def pane(self) -> Pane:
        """The pane that is shown."""
        return self._panes[self._chosen]

    def show(self) -> None:
        """Draw what is known now, where it differs from what is drawn."""
        viewer, width = self._viewer, self.size.width - 2
        seen = viewer.shown
        self._top.show(top_lines(seen, viewer.connection(), width))
        self.pane.show(seen, self.words)
        says = Text(no_wrap=True)
        for words, style in viewer.going_on():
            says.append(" · " if says else "").append(words, style)
        if self.words:
            rows = count_of(len(self.pane.table.keys), "row")
            says.append(" · " if says else "").append(f"filter “{self.words}”: {rows}, Esc clears", "bold")
        says.truncate(max(width, 1), overflow="ellipsis")
        self._says.show(says)

    def action_choose(self, place: int) -> None:
        """Show a pane."""
        self._chosen = self._tabs.chosen = place
        self.query_one(ContentSwitcher).current = f"pane-{place}"
        self._tabs.show(tab_line(place, self.size.width - 2))
        self.show()
        self.call_after_refresh(self.show)

    def action_next(self, by: int) -> None:
        """Show the pane after or before."""
        self.action_choose((self._chosen + by) % len(PANES))

    def action_move(self, by: int) -> None:
        """Move the table's cursor by rows."""
        self.pane.table.move(by)

    def action_page(self, by: int) -> None:
        """Move the table's cursor by pages."""
        self.pane.table.page(by)

    def action_end(self, way: int) -> None:
        """Move the table's cursor to the first or the last row."""
        self.pane.table.to_end(way)

    def action_detail(self) -> None:
        """Show all that is known of the row."""
        self.pane.table.choose()

    def action_filter(self) -> None:
        """Ask for words."""
        field = self.query_one("#filter", Input)
        field.value, field.display = self.words, True
        self.set_focus(field)

    def action_clear(self) -> None:
        """Show all rows again; forget what was said."""
        self.query_one("#filter", Input).value = ""
        self.words = ""
        self._viewer.forget_answer()
        self._leave_filter()

    def action_pause(self) -> None:
        """Let the picture stand still, or go on."""
        self._viewer.pause()
        self.show()

    def action_help(self) -> None:
        """Show keys and screens."""
        self.app.push_screen(Help(self._viewer.leaving_words()))

    def action_copy(self) -> None:
        """Copy the address of the row under the cursor."""
        detail = self._detail()
        if detail is None or detail.address is None:
            self._viewer.say("this row has no address")
        else:
            self.app.copy_to_clipboard(detail.address)
            self._viewer.say(f"copied {detail.address}")
        self.show()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while typing."""
        self.words = event.value.strip().lower()
        self.show()

    def on_input_submitted(self) -> None:
        """Go back to the table."""
        self._leave_filter()

    def on_table_chosen(self, event: Table.Chosen) -> None:
        """Show all that is known of the row."""
        listing, key = event.table.listing, event.key
        if listing.detail(self._viewer.shown, key) is not None:
            self.app.push_screen(DetailScreen(lambda: listing.detail(self._viewer.shown, key)))

    def _detail(self) -> Detail | None:
        table = self.pane.table
        return None if table.key is None else table.listing.detail(self._viewer.shown, table.key)

    def _leave_filter(self) -> None:
        self.query_one("#filter", Input).display = False
        self.set_focus(None)
        self.show()
