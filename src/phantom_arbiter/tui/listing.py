"""What a table shows: columns, keys of the rows in their order, and the cells of a row that is on the screen.

Keys are asked for all rows, so they must be cheap; cells and details only for rows that somebody sees.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.text import Text

from phantom_arbiter.render import plain
from phantom_arbiter.tui.watched import Watched

GOOD, BAD, WARN, FAINT = "green", "red", "yellow", "dim"
"""Styles that go with words, never without."""

Cell = str | tuple[str, str]
"""Text, or text with a style."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        title: Its heading.
        width: In cells; of a stretching column at least.
        right: Figures stand at the right.
        rank: The higher, the sooner it goes where the terminal is narrow; 0 stays.
        stretch: It takes what is left.
    """

    title: str
    width: int
    right: bool = False
    rank: int = 0
    stretch: bool = False


@dataclass(frozen=True, slots=True)
class Detail:
    """All that is known of a row.

    Attributes:
        title: What it is.
        body: Lines.
        address: What `c` copies; None if there is nothing.
    """

    title: str
    body: Text
    address: str | None = None


class Listing(Protocol):
    """The rows of one table."""

    @property
    def columns(self) -> Sequence[Column]:
        """Return the columns, the most important ones with rank 0."""
        ...

    @property
    def empty(self) -> str:
        """Why there are no rows, when there are none."""
        ...

    def keys(self, seen: Watched, words: str) -> Sequence[Hashable]:
        """Return the rows in order that `words`, in lower case, do not filter out; they keep their key."""
        ...

    def cells(self, seen: Watched, key: Hashable) -> Sequence[Cell]:
        """Return one cell for each column."""
        ...

    def detail(self, seen: Watched, key: Hashable) -> Detail | None:
        """Return all that is known of a row; None if it has gone."""
        ...


def fits(words: str, *texts: str | None) -> bool:
    """Return whether one of the texts has `words`, whatever the case."""
    return not words or any(text is not None and words in text.lower() for text in texts)


class Lines:
    """Builds the body of a detail: names at the left, values at the right of them."""

    def __init__(self, width: int = 16) -> None:
        self.text = Text()
        self._width = width

    def pair(self, name: str, value: str, style: str = "") -> None:
        """Add a name and its value."""
        self.text.append(f"{name:<{self._width}} ", "bold")
        self.text.append(f"{plain(value)}\n", style)

    def line(self, text: str = "", style: str = "") -> None:
        """Add a line."""
        self.text.append(f"{plain(text)}\n", style)


def signed(words: str, amount: str | int | None) -> Cell:
    """Return an amount with its sign, and a style that goes with it."""
    if amount is None:
        return "-"
    value = int(amount)
    return (f"+{words}", GOOD) if value > 0 else (words, BAD) if value < 0 else words
