"""Screens above the screen: a question, help, a row's details, and the sentence for a terminal too small."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static

from phantom_arbiter.tui.listing import Detail
from phantom_arbiter.tui.panes import PANES, Line

LEAST_WIDTH, LEAST_HEIGHT = 60, 20
"""Below this nothing can be laid out."""

KEYS = (
    ("1 to 9", "choose a screen; Tab, Shift+Tab: the next, the one before"),
    ("↑ ↓ PgUp PgDn", "move in the table; Home and End for its ends"),
    ("Enter", "all about the row; Esc closes"),
    ("/", "filter: symbol, address, venue, reason, state; Esc clears"),
    ("p", "pause the picture, nothing is lost; p goes on from the newest"),
    ("k", "kill switch: halt or resume, after a question"),
    ("c", "copy the row's address to the clipboard"),
    ("d", "dark or light"),
    ("?", "this help"),
    ("q", "leave"),
)


class Question(ModalScreen[bool]):
    """Says what will happen, and waits for y or n."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes"),
        Binding("n,escape,q", "dismiss(False)", "No"),
    ]

    def __init__(self, title: str, lines: list[str]) -> None:
        super().__init__()
        self.title_words = title
        self.lines = lines

    def compose(self) -> ComposeResult:
        """Show the question."""
        with Vertical(classes="dialog narrow") as box:
            box.border_title = self.title_words
            yield Static(Text("\n".join(self.lines)))
            yield Static(Text("\ny = yes    n = no", "bold"))


class Help(ModalScreen[None]):
    """Keys and screens."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,q,enter", "dismiss", "Close")]

    def __init__(self, leaving: str) -> None:
        super().__init__()
        self._leaving = leaving

    def compose(self) -> ComposeResult:
        """Show them."""
        text = Text()
        for key, what in KEYS:
            text.append(f"{key:<14}", "bold").append(f"{what}{self._leaving if key == 'q' else ''}\n")
        text.append("\n")
        for place, spec in enumerate(PANES, 1):
            text.append(f"{place} {spec.name:<12}", "bold").append(f"{spec.about}\n")
        text.right_crop(1)
        with VerticalScroll(classes="dialog") as box:
            box.border_title = "Help"
            box.border_subtitle = "Esc closes"
            yield Static(text)


class DetailScreen(ModalScreen[None]):
    """All that is known of a row, anew as long as it is there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "Close"),
        Binding("c", "copy", "Copy address"),
    ]

    def __init__(self, ask: Callable[[], Detail | None]) -> None:
        super().__init__()
        self._ask = ask
        self.detail = ask()
        self._body = Line()
        self._box = VerticalScroll(classes="dialog")

    def compose(self) -> ComposeResult:
        """Show it."""
        with self._box:
            yield self._body

    def on_mount(self) -> None:
        """Begin to look again and again."""
        self.show()
        self._box.focus()
        self.set_interval(0.5, self.show)

    def show(self) -> None:
        """Show what is known now."""
        now = self._ask()
        if now is not None:
            self.detail = now
        if self.detail is None:
            return
        self._box.border_title = Text(self.detail.title + ("" if now else " (no longer there)"))
        copies = " · c copies the address" if self.detail.address else ""
        self._box.border_subtitle = Text(f"Esc closes{copies}")
        self._body.show(self.detail.body)

    def action_copy(self) -> None:
        """Put the address into the terminal's clipboard."""
        if self.detail is not None and self.detail.address is not None:
            self.app.copy_to_clipboard(self.detail.address)
            self._box.border_subtitle = Text(f"copied {self.detail.address}")


class TooSmall(ModalScreen[None]):
    """One sentence; the screen comes back when there is room."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "app.leave", "Leave")]

    def __init__(self, size: Size, leaving: str) -> None:
        super().__init__()
        self._sentence = Line()
        self.tell(size, leaving)

    def compose(self) -> ComposeResult:
        """Show it."""
        yield self._sentence

    def tell(self, size: Size, leaving: str) -> None:
        """Say how small it is now, and what q does."""
        self._sentence.show(
            Text(
                f"This terminal has {size.width}x{size.height} cells; the screen needs at least "
                f"{LEAST_WIDTH}x{LEAST_HEIGHT}. Make it larger, or press q to leave{leaving}."
            )
        )
