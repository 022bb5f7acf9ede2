"""Tables of what the engine sees: pools and endpoints."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from decimal import Decimal

from phantom_arbiter.render import plain
from phantom_arbiter.telemetry.records import Endpoint, PoolState, WatchedPool
from phantom_arbiter.tui.listing import BAD, FAINT, GOOD, WARN, Cell, Column, Detail, Lines, fits
from phantom_arbiter.tui.watched import Watched
from phantom_arbiter.tui.words import compact, count_of, duration, price_words, share


class Pools:
    """Pools in the order in which they appeared; those set aside come last."""

    columns = (
        Column("pair", 18, stretch=True),
        Column("venue", 14),
        Column("depth a", 7, right=True),
        Column("depth b", 7, right=True),
        Column("price b/a", 10, right=True),
        Column("fee", 9, right=True, rank=2),
        Column("pool", 11, rank=1),
        Column("slots ago", 9, right=True, rank=3),
        Column("quoted?", 16, stretch=True),
    )
    empty = "no pool is known yet"

    def keys(self, seen: Watched, words: str) -> Sequence[Hashable]:
        """Return numbers of pools."""
        states = seen.model.states
        quoted: list[int] = []
        aside: list[int] = []
        for n, pool in seen.model.pools.items():
            why = states[n].set_aside
            if words and not fits(
                words,
                pool.pool,
                pool.venue,
                pool.mint_a,
                pool.mint_b,
                seen.pair(pool),
                "quoted" if why is None else f"set aside: {why}",
            ):
                continue
            (quoted if why is None else aside).append(n)
        return quoted + aside

    def cells(self, seen: Watched, key: Hashable) -> Sequence[Cell]:
        """Return pair, venue, depths and price in whole tokens, fee, address, age and state."""
        found = _pool(seen, key)
        if found is None:
            return ("",) * len(self.columns)
        pool, state = found
        style = "" if state.set_aside is None else FAINT
        return (
            (seen.pair(pool), style),
            (plain(pool.venue), style),
            (_depth(seen, pool.mint_a, state.depth_a), style),
            (_depth(seen, pool.mint_b, state.depth_b), style),
            (price_words(seen.price_ui(pool)), style),
            (_fee(pool), style),
            (f"{pool.pool[:4]}…{pool.pool[-4:]}", style),
            (f"{max(seen.model.slot - state.slot, 0):,}", style),
            ("quoted", GOOD) if state.set_aside is None else (f"no: {plain(state.set_aside)}", WARN),
        )

    def detail(self, seen: Watched, key: Hashable) -> Detail | None:
        """Return the facts of a pool and the cycles through it that are open."""
        found = _pool(seen, key)
        if found is None:
            return None
        pool, state = found
        lines = Lines()
        lines.pair("pool", pool.pool)
        lines.pair("venue", pool.venue)
        if state.set_aside is None:
            lines.pair("state", "quoted", GOOD)
        else:
            lines.pair("state", f"set aside, not quoted: {state.set_aside}", WARN)
        lines.pair(
            "written", f"slot {state.slot}, {count_of(max(seen.model.slot - state.slot, 0), 'slot')} ago"
        )
        for side, mint, depth in (("a", pool.mint_a, state.depth_a), ("b", pool.mint_b, state.depth_b)):
            lines.pair(f"mint {side}", f"{seen.symbol(mint)}  {mint}")
            lines.pair(f"depth {side}", seen.amount(mint, depth))
        a, b = seen.symbol(pool.mint_a), seen.symbol(pool.mint_b)
        lines.pair("price", f"{price_words(seen.price_ui(pool))} {b} for one {a}, before fees")
        if pool.fee_e9 is not None:
            there, back = (f"{fee / 1e5:,.4g} bps" for fee in pool.fee_e9)
            lines.pair("fee", f"{there} from a to b, {back} from b to a")
        through = [
            cycle for cycle in seen.model.open.values() if any(e // 2 == pool.n for e in cycle.opened.edges)
        ]
        lines.line()
        lines.line(f"{count_of(len(through), 'open cycle')} through it")
        for cycle in through[:20]:
            lines.line(f"  {cycle.opened.id}  {seen.route(cycle.opened.edges)}")
        return Detail(f"Pool {seen.pair(pool)}", lines.text, pool.pool)


class Endpoints:
    """Connections in the order in which the engine names them."""

    columns = (
        Column("endpoint", 16, stretch=True),
        Column("state", 12),
        Column("behind", 7, right=True),
        Column("first", 7, right=True),
        Column("lag p50", 8, right=True),
        Column("lag p99", 8, right=True),
        Column("frames", 12, right=True),
        Column("duplicates", 12, right=True, rank=1),
        Column("stale", 9, right=True, rank=2),
        Column("held", 9, right=True, rank=2),
        Column("malformed", 9, right=True, rank=1),
        Column("stood alone", 11, right=True, rank=3),
        Column("accounts", 8, right=True, rank=3),
    )
    empty = "no endpoint has been heard yet"

    def keys(self, seen: Watched, words: str) -> Sequence[Hashable]:
        """Return names."""
        status = seen.model.status
        return [
            one.name
            for one in (() if status is None else status.endpoints)
            if fits(words, one.name, _state(one)[0])
        ]

    def cells(self, seen: Watched, key: Hashable) -> Sequence[Cell]:
        """Return state, how far behind, share of news it brought first, lag and counters."""
        one, wins = _endpoint(seen, key)
        if one is None:
            return ("",) * len(self.columns)
        return (
            plain(one.name),
            _state(one),
            "-" if one.behind_slots is None else f"{one.behind_slots} sl",
            share(one.wins, wins),
            duration(one.lag_p50_ns),
            duration(one.lag_p99_ns),
            f"{one.frames:,}",
            f"{one.duplicates:,}",
            f"{one.stale:,}",
            f"{one.held:,}",
            (f"{one.malformed:,}", WARN if one.malformed else ""),
            (f"{one.disagreements:,}", WARN if one.disagreements else ""),
            f"{one.subscriptions:,}",
        )

    def detail(self, seen: Watched, key: Hashable) -> Detail | None:
        """Return everything that is counted of a connection."""
        one, wins = _endpoint(seen, key)
        if one is None:
            return None
        lines = Lines()
        word, style = _state(one)
        lines.pair("state", word, style)
        behind = "has shown no slot yet" if one.behind_slots is None else count_of(one.behind_slots, "slot")
        lines.pair("behind", behind)
        lines.pair("subscriptions", f"{one.subscriptions:,} confirmed")
        lines.pair("frames", f"{one.frames:,}")
        lines.pair("first", f"{one.wins:,}: {share(one.wins, wins)} of all news")
        lines.pair("duplicates", f"{one.duplicates:,}")
        lines.pair("lag", f"half within {duration(one.lag_p50_ns)}, 99 % within {duration(one.lag_p99_ns)}")
        lines.pair("stale", f"{one.stale:,}: older than what was applied")
        lines.pair("held", f"{one.held:,}: not provably newer within their slot")
        lines.pair("malformed", f"{one.malformed:,}", WARN if one.malformed else "")
        lines.pair("stood alone", f"{one.disagreements:,} times, against two other providers")
        return Detail(f"Endpoint {plain(one.name)}", lines.text)


def _pool(seen: Watched, key: Hashable) -> tuple[WatchedPool, PoolState] | None:
    pool = seen.model.pools.get(key) if isinstance(key, int) else None
    return None if pool is None else (pool, seen.model.states[pool.n])


def _depth(seen: Watched, mint: str, depth: str) -> str:
    ui = seen.book.amount_ui(mint, int(depth))
    return f"{compact(Decimal(int(depth)))}*" if ui is None else compact(ui)


def _fee(pool: WatchedPool) -> str:
    return "-" if pool.fee_e9 is None else f"{pool.fee_e9[0] / 1e5:.4g} bps"


def _endpoint(seen: Watched, key: Hashable) -> tuple[Endpoint | None, int]:
    status = seen.model.status
    endpoints = () if status is None else status.endpoints
    return next((one for one in endpoints if one.name == key), None), sum(one.wins for one in endpoints)


def _state(one: Endpoint) -> tuple[str, str]:
    if not one.is_open:
        return "disconnected", BAD
    return ("quarantined", WARN) if one.is_quarantined else ("connected", GOOD)
