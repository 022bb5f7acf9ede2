"""Tables of cycles: the rejected ones with what they lack, and all as they open and close."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from phantom_arbiter.render import plain
from phantom_arbiter.telemetry.model import ClosedCycle, OpenCycle
from phantom_arbiter.telemetry.records import Judged, Miss, Refusal
from phantom_arbiter.tui.listing import FAINT, GOOD, WARN, Cell, Column, Detail, Lines, fits, signed
from phantom_arbiter.tui.listings_run import attempt_detail
from phantom_arbiter.tui.watched import Watched
from phantom_arbiter.tui.words import bps, count_of, price_words, reason_meaning, stage_words


class Rejected:
    """Open cycles that are no signals, by what they lack; cycles whose plans risk refused; nearest misses."""

    columns = (
        Column("lacks", 10, right=True),
        Column("reason", 22),
        Column("came to", 13),
        Column("route", 18, stretch=True),
        Column("net profit", 22, right=True, rank=1),
        Column("cycle", 7, rank=1),
        Column("slot", 11, right=True, rank=2),
    )
    empty = "no candidate was rejected yet"

    def keys(self, seen: Watched, words: str) -> Sequence[Hashable]:
        """Return open ones as ("open", id), refused ones as ("risk", id), misses as ("miss", place)."""
        judged = [
            (cycle.judged.missing_bps, number)
            for number, cycle in seen.model.open.items()
            if cycle.judged is not None
            and cycle.judged.reason is not None
            and _cycle_fits(seen, words, cycle.opened.edges, cycle.judged)
        ]
        judged.sort(key=lambda each: (math.inf if each[0] is None else each[0], each[1]))
        misses = () if seen.model.status is None else seen.model.status.nearest_misses
        return [
            *(("open", number) for _, number in judged),
            *(("risk", number) for number in _refused(seen, words)),
            *(("miss", place) for place, miss in enumerate(misses) if _miss_fits(seen, words, miss)),
        ]

    def cells(self, seen: Watched, key: Hashable) -> Sequence[Cell]:
        """Return what it lacks, why, how far it came, its route, profit, whether it is open, and when."""
        found = _rejected(seen, key)
        judged: Judged | Miss
        if isinstance(found, OpenCycle) and found.judged is not None:
            judged = found.judged
            route, open_word = seen.route(found.opened.edges, judged.base_mint), ("open", GOOD)
        elif isinstance(found, Refusal):
            is_open = found.opening_id in seen.model.open
            return (
                "-",
                f"risk_{plain(found.reason)}",
                stage_words("after_costs"),
                seen.path([hop.mint_in for hop in found.hops] + [hop.mint_out for hop in found.hops[-1:]]),
                signed(seen.amount(found.base_mint, found.net_profit), found.net_profit),
                ("open", GOOD) if is_open else ("closed", FAINT),
                str(found.slot),
            )
        elif isinstance(found, Miss):
            judged, route, open_word = found, _miss_route(seen, found), ("miss", FAINT)
        else:
            return ("",) * len(self.columns)
        net = "-" if judged.base_mint is None else seen.amount(judged.base_mint, judged.net_profit)
        return (
            bps(judged.missing_bps),
            plain(judged.reason or "-"),
            stage_words(judged.stage),
            route,
            signed(net, judged.net_profit),
            open_word,
            str(judged.slot),
        )

    def detail(self, seen: Watched, key: Hashable) -> Detail | None:
        """Return the cycle with its verdict."""
        found = _rejected(seen, key)
        if isinstance(found, OpenCycle):
            return _cycle_detail(seen, found, None)
        if isinstance(found, Refusal):
            return attempt_detail(seen, found)
        if not isinstance(found, Miss):
            return None
        lines = Lines()
        _verdict(lines, seen, found)
        lines.pair("slot", str(found.slot))
        lines.line()
        for place, step in enumerate(found.steps, 1):
            lines.line(f"{place}. {seen.path([step.mint_in, step.mint_out])} · {seen.venue(step.pool)}")
            lines.line(f"   {step.pool}", FAINT)
        return Detail(f"Nearest miss: {_miss_route(seen, found)}", lines.text, found.steps[0].pool)


class Opportunities:
    """Cycles that pay at recorded prices after fees: open ones, then closed ones, newest first."""

    columns = (
        Column("cycle", 6),
        Column("no.", 7, right=True, rank=2),
        Column("opened", 11, right=True),
        Column("for slots", 9, right=True),
        Column("gain", 12, right=True),
        Column("route", 18, stretch=True),
        Column("last verdict", 24, rank=1),
    )
    empty = "no cycle has opened yet"

    def keys(self, seen: Watched, words: str) -> Sequence[Hashable]:
        """Return ids of openings."""
        model = seen.model
        return [
            *(
                number
                for number, cycle in reversed(model.open.items())
                if _cycle_fits(seen, words, cycle.opened.edges, cycle.judged, "open")
            ),
            *(
                cycle.opened.id
                for cycle in reversed(model.closed)
                if cycle.opened.id not in model.open
                and _cycle_fits(seen, words, cycle.opened.edges, cycle.judged, "closed")
            ),
        ]

    def cells(self, seen: Watched, key: Hashable) -> Sequence[Cell]:
        """Return whether it is open, its number, when and how long, its gain, route and verdict."""
        cycle = _cycle(seen, key)
        if cycle is None:
            return ("",) * len(self.columns)
        closed = isinstance(cycle, ClosedCycle)
        opened, judged = cycle.opened, cycle.judged
        until = cycle.closed_slot if isinstance(cycle, ClosedCycle) else seen.model.slot
        style = FAINT if closed else ""
        return (
            ("closed", FAINT) if closed else ("open", GOOD),
            (str(opened.id), style),
            (str(opened.slot), style),
            (f"{max(until - opened.slot, 0):,}", style),
            (bps(opened.gain_bps), style),
            (seen.route(opened.edges, None if judged is None else judged.base_mint), style),
            _word(judged),
        )

    def detail(self, seen: Watched, key: Hashable) -> Detail | None:
        """Return the cycle with its hops and its verdict."""
        cycle = _cycle(seen, key)
        if cycle is None:
            return None
        closed_slot = cycle.closed_slot if isinstance(cycle, ClosedCycle) else None
        return _cycle_detail(seen, OpenCycle(cycle.opened, cycle.judged), closed_slot)


def _cycle(seen: Watched, key: Hashable) -> OpenCycle | ClosedCycle | None:
    if not isinstance(key, int):
        return None
    found = seen.model.open.get(key)
    if found is not None:
        return found
    return next((cycle for cycle in reversed(seen.model.closed) if cycle.opened.id == key), None)


def _refused(seen: Watched, words: str) -> list[int]:
    """Return the openings of which risk refused a plan last, each once, newest first."""
    latest = {one.opening_id: one for one in seen.model.refusals if one.opening_id is not None}
    return [
        number
        for number, one in reversed(latest.items())
        if not words
        or fits(words, f"risk_{one.reason}")
        or any(
            fits(words, hop.pool, hop.mint_in, seen.symbol(hop.mint_in), seen.venue(hop.pool))
            for hop in one.hops
        )
    ]


def _rejected(seen: Watched, key: Hashable) -> OpenCycle | Refusal | Miss | None:
    match key:
        case ("risk", int(number)):
            return next((one for one in reversed(seen.model.refusals) if one.opening_id == number), None)
        case ("open", int(number)):
            return seen.model.open.get(number)
        case ("miss", int(place)):
            misses = () if seen.model.status is None else seen.model.status.nearest_misses
            return misses[place] if place < len(misses) else None
    return None


def _word(judged: Judged | None) -> Cell:
    if judged is None:
        return ("not judged yet", FAINT)
    return ("signal: go", GOOD) if judged.reason is None else (plain(judged.reason), WARN)


def _cycle_fits(
    seen: Watched, words: str, edges: tuple[int, ...], judged: Judged | None, state: str = "open"
) -> bool:
    if not words:
        return True
    if fits(words, state, seen.route(edges), *((judged.reason, judged.stage) if judged else ())):
        return True
    return any(fits(words, pool.pool, pool.venue, mint, out) for pool, mint, out in seen.hops(edges))


def _miss_fits(seen: Watched, words: str, miss: Miss) -> bool:
    return not words or any(
        fits(words, miss.reason, miss.stage, "miss", step.pool, step.mint_in, seen.symbol(step.mint_in))
        or fits(words, seen.venue(step.pool))
        for step in miss.steps
    )


def _miss_route(seen: Watched, miss: Miss) -> str:
    return seen.path([step.mint_in for step in miss.steps] + [step.mint_out for step in miss.steps[-1:]])


def _verdict(lines: Lines, seen: Watched, judged: Judged | Miss) -> None:
    lines.pair("came to", stage_words(judged.stage))
    if judged.reason is None:
        lines.pair("verdict", "go: it became a signal", GOOD)
    else:
        lines.pair("stopped by", judged.reason, WARN)
        meaning = reason_meaning(judged.reason)
        if meaning:
            lines.pair("which means", meaning)
        lines.pair("lacks", bps(judged.missing_bps))
    if judged.base_mint is not None:
        if isinstance(judged, Judged):
            lines.pair("best input", seen.amount(judged.base_mint, judged.amount_in))
        lines.pair("before costs", seen.amount(judged.base_mint, judged.gross_profit))
        lines.pair("after costs", seen.amount(judged.base_mint, judged.net_profit))


def _cycle_detail(seen: Watched, cycle: OpenCycle, closed_slot: int | None) -> Detail:
    opened, judged = cycle.opened, cycle.judged
    base = None if judged is None else judged.base_mint
    lines = Lines()
    if closed_slot is None:
        lines.pair("state", f"open for {count_of(max(seen.model.slot - opened.slot, 0), 'slot')}", GOOD)
    else:
        lines.pair(
            "state", f"closed in slot {closed_slot}, open for {count_of(closed_slot - opened.slot, 'slot')}"
        )
    lines.pair("opened", f"slot {opened.slot}")
    lines.pair("gains", f"{bps(opened.gain_bps)} at the margin, after the pools' fees")
    if judged is None:
        lines.pair("verdict", "not judged yet")
    else:
        _verdict(lines, seen, judged)
    lines.line()
    hops = seen.hops(opened.edges, base)
    for place, (pool, mint_in, mint_out) in enumerate(hops, 1):
        state = seen.model.states[pool.n]
        price = seen.price_ui(pool)
        if price and mint_in != pool.mint_a:
            price = 1 / price
        lines.line(f"{place}. {seen.path([mint_in, mint_out])} · {pool.venue}")
        lines.line(f"   {pool.pool}", FAINT)
        unit = f"{seen.symbol(mint_out)} for one {seen.symbol(mint_in)}"
        lines.line(f"   {price_words(price)} {unit}, before fees · slot {state.slot}")
    title = f"Cycle {opened.id}: {seen.route(opened.edges, base)}"
    return Detail(title, lines.text, hops[0][0].pool if hops else None)
