"""Tables of what the run did: reasons, attempts, limits, latencies, log."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from datetime import UTC, datetime

from phantom_arbiter.render import plain
from phantom_arbiter.telemetry.records import (
    HopAmounts,
    LimitUse,
    Notice,
    Refusal,
    StageLatency,
    Status,
    Trade,
)
from phantom_arbiter.tui.listing import BAD, FAINT, GOOD, WARN, Cell, Column, Detail, Lines, fits, signed
from phantom_arbiter.tui.watched import Watched
from phantom_arbiter.tui.words import duration, reason_meaning, share, stage_words


class Reasons:
    """Why candidates were no signals, signals were not traded, attempts failed; each sort by count."""

    columns = (
        Column("what", 11),
        Column("reason", 26, stretch=True),
        Column("times", 12, right=True),
        Column("share", 7, right=True),
        Column("meaning", 60, rank=1),
    )
    empty = "nothing was rejected, refused or failed yet"

    def keys(self, seen: Watched, words: str) -> Sequence[Hashable]:
        """Return sort and reason."""
        return [
            (sort, reason)
            for sort, counts in _reasons(seen.model.status).items()
            for reason, _ in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
            if fits(words, sort, reason, reason_meaning(reason))
        ]

    def cells(self, seen: Watched, key: Hashable) -> Sequence[Cell]:
        """Return sort, reason, count, share of its sort, meaning."""
        sort, reason, count, of_all = _reason(seen, key)
        style = {"failed": BAD, "not traded": WARN}.get(sort, "")
        return ((sort, style), plain(reason), f"{count:,}", share(count, of_all), reason_meaning(reason))

    def detail(self, seen: Watched, key: Hashable) -> Detail | None:
        """Return what the reason means."""
        sort, reason, count, of_all = _reason(seen, key)
        lines = Lines()
        lines.pair("what", sort)
        lines.pair("times", f"{count:,}, {share(count, of_all)} of its sort")
        lines.pair("which means", reason_meaning(reason) or "see docs/SCORER.md and docs/RISK.md")
        return Detail(f"Reason {plain(reason)}", lines.text)


class Attempts:
    """Attempts with their outcome, newest first; then plans that risk refused."""

    columns = (
        Column("no.", 7, right=True),
        Column("state", 8),
        Column("net profit", 22, right=True),
        Column("in", 20, right=True, rank=1),
        Column("route", 18, stretch=True),
        Column("reason", 24, rank=1),
        Column("time", 11, right=True, rank=2),
        Column("slot", 11, right=True, rank=3),
    )
    empty = "nothing was traded or refused yet"

    def keys(self, seen: Watched, words: str) -> Sequence[Hashable]:
        """Return sequence numbers."""
        both: Iterable[Trade | Refusal] = (*reversed(seen.model.trades), *reversed(seen.model.refusals))
        return [one.seq for one in both if not words or _attempt_fits(seen, words, one)]

    def cells(self, seen: Watched, key: Hashable) -> Sequence[Cell]:
        """Return number, state, profit, input, route, reason and when."""
        one = _attempt(seen, key)
        if one is None:
            return ("",) * len(self.columns)
        route = _path(seen, one.hops)
        paid = seen.amount(_paid(one), one.amount_in, places=4)
        when = (_clock(seen, one), str(one.slot))
        if isinstance(one, Refusal):
            net = seen.amount(one.base_mint, one.net_profit)
            return ("-", ("refused", WARN), (net, FAINT), paid, route, plain(one.reason), *when)
        return (
            str(one.attempt_id),
            (plain(one.state), GOOD if one.state == "filled" else BAD),
            signed(seen.amount(one.base_mint, one.net_profit), one.net_profit),
            paid,
            route,
            plain(one.reason or ""),
            *when,
        )

    def detail(self, seen: Watched, key: Hashable) -> Detail | None:
        """Return amounts of every hop, costs, and how long each step took."""
        one = _attempt(seen, key)
        return None if one is None else attempt_detail(seen, one)


class Limits:
    """Limits of risk and how much of each is used."""

    columns = (
        Column("limit", 22, stretch=True),
        Column("for", 10),
        Column("used", 20, right=True),
        Column("at most", 20, right=True),
        Column("share", 7, right=True, rank=1),
        Column("", 22, rank=2),
    )
    empty = "no limit is set, or the run has not said"

    def keys(self, seen: Watched, words: str) -> Sequence[Hashable]:
        """Return name and subject."""
        return [
            (one.name, one.subject)
            for one in _limits(seen.model.status)
            if fits(words, one.name, one.subject, one.unit, seen.symbol(one.subject or ""))
        ]

    def cells(self, seen: Watched, key: Hashable) -> Sequence[Cell]:
        """Return name, subject, use, limit and a bar."""
        one = next((each for each in _limits(seen.model.status) if (each.name, each.subject) == key), None)
        if one is None:
            return ("",) * len(self.columns)
        used, limit = int(one.used), int(one.limit)
        part = used / limit if limit > 0 else 1.0
        cells = round(20 * min(max(part, 0.0), 1.0))
        style = BAD if part >= 1 else WARN if part >= 0.8 else ""
        return (
            plain(one.name),
            "all" if one.subject is None else plain(seen.symbol(one.subject)),
            _of_unit(seen, one.unit, used),
            _of_unit(seen, one.unit, limit),
            (share(used, limit), style),
            (f"[{'#' * cells}{'.' * (20 - cells)}]", style),
        )

    def detail(self, seen: Watched, key: Hashable) -> Detail | None:
        """Return the names in full."""
        one = next((each for each in _limits(seen.model.status) if (each.name, each.subject) == key), None)
        if one is None:
            return None
        lines = Lines()
        lines.pair("setting", f"risk.{one.name}")
        lines.pair("for", one.subject or "all together")
        lines.pair("used", _of_unit(seen, one.unit, int(one.used)))
        lines.pair("at most", _of_unit(seen, one.unit, int(one.limit)))
        return Detail(f"Limit {plain(one.name)}", lines.text, one.subject)


class Stages:
    """Stages of a frame's way, as the run names them."""

    columns = (
        Column("stage", 18, stretch=True),
        Column("count", 13, right=True),
        Column("p50", 9, right=True),
        Column("p90", 9, right=True),
        Column("p99", 9, right=True),
        Column("longest", 9, right=True),
        Column("mean", 9, right=True, rank=1),
    )
    empty = "nothing was measured yet"

    def keys(self, seen: Watched, words: str) -> Sequence[Hashable]:
        """Return names."""
        status = seen.model.status
        return [one.stage for one in (() if status is None else status.latencies) if fits(words, one.stage)]

    def cells(self, seen: Watched, key: Hashable) -> Sequence[Cell]:
        """Return count and quantiles."""
        one = latency_of(seen, key)
        if one is None:
            return ("",) * len(self.columns)
        return (
            stage_words(one.stage),
            f"{one.count:,}",
            duration(one.p50_ns),
            duration(one.p90_ns),
            duration(one.p99_ns),
            duration(one.max_ns),
            duration(one.sum_ns / one.count if one.count else None),
        )

    def detail(self, seen: Watched, key: Hashable) -> Detail | None:
        """Return every bucket."""
        one = latency_of(seen, key)
        if one is None:
            return None
        lines = Lines()
        for edge, count in one.buckets:
            lines.pair(f"≤ {duration(edge)}", f"{count:>12,}  {share(count, one.count)}")
        return Detail(f"Stage {stage_words(one.stage)}", lines.text)


class Log:
    """What the operator should know, newest first."""

    columns = (
        Column("time", 11),
        Column("kind", 12),
        Column("what happened", 30, stretch=True),
        Column("slot", 11, right=True, rank=1),
    )
    empty = "nothing was said yet"

    def keys(self, seen: Watched, words: str) -> Sequence[Hashable]:
        """Return sequence numbers."""
        return [one.seq for one in reversed(seen.model.notices) if fits(words, one.kind, one.text)]

    def cells(self, seen: Watched, key: Hashable) -> Sequence[Cell]:
        """Return when, what sort, the line."""
        one = _notice(seen, key)
        if one is None:
            return ("",) * len(self.columns)
        style = FAINT if one.kind == "connected" else WARN
        return (_clock(seen, one), (plain(one.kind), style), plain(one.text), str(one.slot))

    def detail(self, seen: Watched, key: Hashable) -> Detail | None:
        """Return the whole line."""
        one = _notice(seen, key)
        if one is None:
            return None
        lines = Lines()
        lines.pair("when", f"{_clock(seen, one)} UTC, slot {one.slot}")
        lines.pair("kind", one.kind)
        lines.line()
        lines.line(one.text)
        return Detail("Notice", lines.text)


def attempt_detail(seen: Watched, one: Trade | Refusal) -> Detail:
    """Return all that is known of an attempt, or of a plan that risk refused."""
    lines = Lines()
    base = one.base_mint
    if isinstance(one, Refusal):
        title = "Refused plan"
        lines.pair("refused by", f"risk: {one.reason}", WARN)
        lines.pair("which means", reason_meaning(one.reason) or "see docs/RISK.md")
        if one.limit is not None:
            lines.pair("limit", f"{one.limit}, would have been {one.value}")
        lines.pair("promised", seen.amount(base, one.net_profit))
    else:
        title = f"Attempt {one.attempt_id}"
        lines.pair("state", one.state, GOOD if one.state == "filled" else BAD)
        if one.reason:
            lines.pair("reason", one.reason)
        if one.is_dead:
            lines.pair("", "it never left, or is proven never to land")
        lines.pair("gross", seen.amount(base, one.gross_profit))
        lines.pair("costs", seen.amount(base, one.cost))
        lines.pair("net", *_pair(signed(seen.amount(base, one.net_profit), one.net_profit)))
        lines.pair("signature", one.signature or "none: on paper")
    lines.pair("strategy", one.strategy)
    lines.pair("opening", "none: a single swap" if one.opening_id is None else str(one.opening_id))
    lines.pair("when", f"{_clock(seen, one)} UTC, slot {one.slot}")
    lines.line()
    for place, hop in enumerate(one.hops, 1):
        paid = seen.amount(hop.mint_in, hop.amount_in)
        lines.line(f"{place}. {paid} → {seen.amount(hop.mint_out, hop.amount_out)}")
        lines.line(f"   {seen.venue(hop.pool)} {hop.pool}", FAINT)
    if isinstance(one, Trade) and one.spans:
        lines.line()
        for span in one.spans:
            lines.pair(span.stage, duration(span.duration_ns))
    address = one.hops[0].pool if one.hops else None
    return Detail(title, lines.text, (one.signature if isinstance(one, Trade) else None) or address)


def latency_of(seen: Watched, key: Hashable) -> StageLatency | None:
    """Return the histogram of a stage."""
    status = seen.model.status
    return next((one for one in (() if status is None else status.latencies) if one.stage == key), None)


def _reasons(status: Status | None) -> dict[str, dict[str, int]]:
    if status is None:
        return {}
    return {
        "no signal": status.reasons,
        "by rule": status.rules,
        "not traded": status.refusals,
        "failed": status.failures,
    }


def _reason(seen: Watched, key: Hashable) -> tuple[str, str, int, int]:
    match key:
        case (str(sort), str(reason)):
            counts = _reasons(seen.model.status).get(sort, {})
            return sort, reason, counts.get(reason, 0), sum(counts.values())
    raise TypeError(f"{key!r} is no sort and reason")


def _attempt(seen: Watched, key: Hashable) -> Trade | Refusal | None:
    both: Iterable[Trade | Refusal] = (*seen.model.trades, *seen.model.refusals)
    return next((one for one in both if one.seq == key), None)


def _attempt_fits(seen: Watched, words: str, one: Trade | Refusal) -> bool:
    state = one.state if isinstance(one, Trade) else "refused"
    if fits(words, state, one.reason, one.strategy, _path(seen, one.hops)):
        return True
    return any(fits(words, hop.pool, hop.mint_in, hop.mint_out, seen.venue(hop.pool)) for hop in one.hops)


def _path(seen: Watched, hops: Sequence[HopAmounts]) -> str:
    return seen.path([hop.mint_in for hop in hops] + [hop.mint_out for hop in hops[-1:]])


def _paid(one: Trade | Refusal) -> str:
    return one.hops[0].mint_in if one.hops else one.base_mint


def _pair(cell: Cell) -> tuple[str, str]:
    return (cell, "") if isinstance(cell, str) else cell


def _notice(seen: Watched, key: Hashable) -> Notice | None:
    return next((one for one in seen.model.notices if one.seq == key), None)


def _limits(status: Status | None) -> tuple[LimitUse, ...]:
    return () if status is None else status.risk.limits


def _of_unit(seen: Watched, unit: str, amount: int) -> str:
    if unit == "lamports":
        return f"{amount / 1e9:,.9f} SOL"
    return f"{amount:,} {unit}" if unit == "attempts" else seen.book.amount(unit, amount, places=4)


def _clock(seen: Watched, one: Trade | Refusal | Notice) -> str:
    return datetime.fromtimestamp(one.unix_ms / 1_000, UTC).strftime("%H:%M:%S")
