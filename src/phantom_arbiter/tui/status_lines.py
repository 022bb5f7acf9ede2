"""The lines that are always there: mode, halted or not, connection, slot, time, profit; tabs."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.text import Text

from phantom_arbiter.render import plain
from phantom_arbiter.tui import pictures
from phantom_arbiter.tui.listing import BAD, FAINT, GOOD, WARN
from phantom_arbiter.tui.panes import PANES
from phantom_arbiter.tui.watched import Watched
from phantom_arbiter.tui.words import elapsed, share

UNIX_NS = 10**17
"""A source's time above this is Unix time: 1973. Below, it counts from its beginning."""

SHOWN_PROFITS = 3


def top_lines(seen: Watched, connection: tuple[str, str], width: int) -> Text:
    """Return the two lines at the top.

    Args:
        seen: What is known.
        connection: How the connection stands, with a style.
        width: In cells.
    """
    first = Text(no_wrap=True)
    hello, status = seen.model.hello, seen.model.status
    if hello is None:
        first.append("PhantomArbiter", "bold")
    elif hello.mode == "live":
        first.append(" LIVE: real money ", f"bold reverse {BAD}")
    else:
        first.append(plain(hello.mode).upper(), "bold")
    first.append(" · ")
    if status is None:
        first.append("state not known yet", FAINT)
    elif status.risk.halted:
        switches = ", ".join(map(plain, status.risk.switches)) or "settings"
        first.append(f" HALTED by {switches} ", f"bold reverse {BAD}")
    else:
        first.append("trading", GOOD)
    first.append(" · ").append(*connection)
    if hello is not None:
        first.append(f" · {plain(hello.source)} · run {hello.run_id}", FAINT)
    second = Text(no_wrap=True)
    second.append(f"slot {seen.model.slot}", "bold")
    second.append(f" · {source_time(seen)}")
    shown = pictures.profits(seen)
    second.append(" · net ")
    if not shown:
        second.append("0", "bold")
    for place, (words, style) in enumerate(shown[:SHOWN_PROFITS]):
        second.append(", " if place else "").append(words, f"bold {style}")
    if len(shown) > SHOWN_PROFITS:
        second.append(f" and {len(shown) - SHOWN_PROFITS} more")
    if status is not None:
        second.append(f" · {status.filled:,} of {status.attempts:,} filled", FAINT)
        if status.under_way:
            second.append(f", {status.under_way:,} under way", WARN)
    for line in (first, second):
        line.truncate(max(width, 1), overflow="ellipsis")
    return Text("\n", no_wrap=True).join([first, second])


def source_time(seen: Watched) -> str:
    """Return the source's time: of day if it is live, else since its beginning and how much that is."""
    at_ns, hello, status = seen.model.at_ns, seen.model.hello, seen.model.status
    if at_ns > UNIX_NS:
        return datetime.fromtimestamp(at_ns // 10**9, UTC).strftime("%H:%M:%S UTC")
    total = None if hello is None else hello.total_records
    if total is None or status is None:
        return f"time {elapsed(at_ns)}"
    return f"time {elapsed(at_ns)}, {share(status.records, total)} of the recording"


def tab_line(chosen: int, width: int) -> Text:
    """Return the tabs; the chosen one stands in brackets."""
    line = Text(no_wrap=True)
    for place, spec in enumerate(PANES):
        if place == chosen:
            line.append(f"[{place + 1} {spec.name}]", "bold reverse")
        else:
            line.append(f" {place + 1}", "bold").append(f" {spec.name}")
    if line.cell_len > width:
        line = Text(no_wrap=True)
        for place, spec in enumerate(PANES):
            line.append(f"[{place + 1} {spec.name}]" if place == chosen else f" {place + 1}", "bold")
    return line


def tab_at(x: int, chosen: int, width: int) -> int | None:
    """Return which tab is at a column."""
    words, column = tab_line(chosen, width).plain, 0
    for place in range(len(PANES)):
        begin = words.find(f"{place + 1}", column)
        if place + 1 < len(PANES):
            column = words.find(f"{place + 2}", begin + 1)
        end = column - 1 if place + 1 < len(PANES) else len(words)
        if begin - 1 <= x < end:
            return place
    return None
