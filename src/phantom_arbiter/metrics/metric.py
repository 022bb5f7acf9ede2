"""One metric: its name, what it means, and where in a run's records it is read.

Labels never grow without bound: reasons are stable words, and of whatever a file or a chain names only the
first `MAX_VALUES` values, cut to `MAX_CHARS` characters, get a series of their own. Of what is counted by
reason, rule or switch the others are told as `other`; endpoints, mints, limits and stages beyond them are
left out. Pools never become labels; mints only where they are the base mint of a profit or a limit.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from phantom_arbiter.mints import MintBook, MintInfo
from phantom_arbiter.telemetry.records import Hello, Status

T = TypeVar("T")

MAX_VALUES = 64
"""Values of one label."""

MAX_CHARS = 64
"""Characters of a label's value."""

OTHER = "other"
"""Where counts go whose own value is one too many."""

Sample = tuple[tuple[str, ...], float]
"""Values of the labels, in order, and the value."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a metric is read from.

    Attributes:
        hello: Who speaks.
        status: Where the run stands.
        unix_ms: When its last record was made.
        book: How its mints are shown.
    """

    hello: Hello
    status: Status
    unix_ms: int
    book: MintBook


@dataclass(frozen=True, slots=True)
class Metric:
    """One family of series.

    Attributes:
        name: As one asks for it; a counter's ends in `_total`.
        kind: A counter never goes back within a run; a gauge may.
        help: One sentence with the unit.
        read: Returns its samples; those with equal labels are added up.
        labels: Names of the labels.
    """

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    read: Callable[[Seen], Iterable[Sample]]
    labels: tuple[str, ...] = ()


def one(value: Callable[[Seen], float | None]) -> Callable[[Seen], Iterable[Sample]]:
    """Return a reader of a single value; there is no sample where it is `None`."""

    def read(seen: Seen) -> Iterable[Sample]:
        number = value(seen)
        return () if number is None else (((), float(number)),)

    return read


def each(counts: Callable[[Seen], Mapping[str, int]]) -> Callable[[Seen], Iterable[Sample]]:
    """Return a reader of counts by one label.

    Values that are equal once they are labels share a series. Beyond `MAX_VALUES` of these the last in
    alphabetical order are counted as `other`. A value that turns up later can only move another one there for
    good, so no series ever goes back.
    """

    def read(seen: Seen) -> Iterable[Sample]:
        by_value = Counter[str]()
        for name, count in counts(seen).items():
            by_value[label(name)] += count
        own = set(sorted(by_value)[:MAX_VALUES])
        for value, count in by_value.items():
            yield (value if value in own else OTHER,), float(count)

    return read


def first(entries: Iterable[T], *names: Callable[[T], str]) -> list[T]:
    """Return the entries that get series of their own: at most `MAX_VALUES`, one for each name as a label."""
    by_name: dict[tuple[str, ...], T] = {}
    for entry in entries:
        by_name.setdefault(tuple(label(name(entry)) for name in names), entry)
    return [by_name[key] for key in sorted(by_name)[:MAX_VALUES]]


def label(text: str) -> str:
    """Return the text as a label's value: printable, and of bounded length."""
    cut = text if len(text) <= MAX_CHARS else text[: MAX_CHARS - 1] + "…"
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in cut)


def number(amount: str) -> float:
    """Return base units as Prometheus keeps them: exact up to 2^53; not a number if it is none."""
    try:
        return float(amount)
    except ValueError:
        return math.nan


def seconds(duration_ns: int) -> float:
    """Return nanoseconds in seconds."""
    return duration_ns / 1e9


def book_of(hello: Hello) -> MintBook:
    """Return how the run's mints are shown."""
    return MintBook({mint: MintInfo(entry.symbol, entry.decimals) for mint, entry in hello.mints.items()})
