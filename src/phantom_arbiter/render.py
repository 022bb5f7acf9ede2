"""The summary as a person reads it: Rich tables that fit 80 columns and need no colour."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from phantom_arbiter.domain import EndpointStats, FunnelStage, Hop, Miss, Step
from phantom_arbiter.mints import MintBook, short
from phantom_arbiter.summary import Summary
from phantom_arbiter.tally import Filled

LISTED_POOLS = 10
"""Set-aside pools listed by name; `--json` has all of them."""

STAGES = {
    "after_fees": "left after fees",
    "after_sizing": "after exact sizing",
    "after_costs": "after costs",
    "after_risk": "after risk",
    "after_rehearsal": "after rehearsal",
}
"""Stages of the funnel in words, where their names are no words."""

MAX_BAR = 40
"""Longest bar of the funnel, in cells."""

INDENT = (0, 0, 0, 2)


def render_summary(summary: Summary, console: Console) -> None:
    """Print the whole summary."""
    print_tidy(Group(*_sections(summary, console.width)), console)


def print_tidy(body: RenderableType, console: Console) -> None:
    """Print `body`; into a file or pipe without the blanks that fill lines up."""
    if console.is_terminal:
        console.print(body)
        return
    with console.capture() as capture:
        console.print(body)
    for line in capture.get().splitlines():
        console.file.write(f"{line.rstrip()}\n")


def plain(value: object) -> str:
    """Return text from outside with everything unprintable shown as an escape."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in str(value))


def _sections(summary: Summary, width: int) -> Iterable[RenderableType]:
    book = summary.source.mints
    yield _heading(summary)
    yield from _section("Frames", _frames(summary))
    yield from _section("Endpoints", _endpoints(summary))
    yield from _section("Pools", _pools(summary, book))
    yield from _section("Opportunities", _opportunities(summary))
    yield from _section("Strategy", _strategy(summary, book))
    yield from _section("Trades", _trades(summary, book))
    yield from _section("Funnel", _funnel(summary.funnel, width))
    yield from _section("Nearest misses", _misses(summary.stats.nearest_misses, book))
    if summary.best:
        yield from _section("Best cycles", _best(summary.best, book))
    yield from _section("Time", _time(summary))


def _section(title: str, body: RenderableType) -> Iterable[RenderableType]:
    yield Text()
    yield Text(title, style="bold cyan")
    yield Padding(body, INDENT, expand=False)


def _heading(summary: Summary) -> RenderableType:
    title = Text(f"PhantomArbiter {summary.version}", style="bold")
    title.append(f" · {summary.mode} run {summary.run_id} · {plain(summary.source.name)}", style="not bold")
    lines = [title, Text(plain(summary.source.label), style="italic")]
    if summary.stopped_early and summary.source.records is not None:
        lines.append(
            Text(f"stopped after {summary.records:,} of {summary.source.records:,} records", style="yellow")
        )
    if summary.reconciled:
        ids = ", ".join(str(attempt.attempt_id) for attempt in summary.reconciled)
        lines.append(Text(f"earlier runs left attempts without an outcome: {ids}; closed as never applied"))
    return Group(*lines)


def _grid() -> Table:
    """Return a table of right-aligned figures and what they are."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for name, justify in columns:
        table.add_column(name, justify="right" if justify == "right" else "left", overflow="fold")
    return table


def _frames(summary: Summary) -> RenderableType:
    stats = summary.stats
    grid = _grid()
    for count, meaning in (
        (stats.frames, "received"),
        (stats.fresh, "fresh: delivered a write first"),
        (stats.duplicates, "duplicates"),
        (stats.stale, "stale: older than what was applied"),
        (stats.held, "held: not provably newer within their slot"),
        (stats.control, "control: confirmations, answers, other methods"),
    ):
        grid.add_row(f"{count:,}", meaning)
    grid.add_row(f"{sum(stats.malformed.values()):,}", _with_reasons("malformed", stats.malformed))
    grid.add_row(f"{stats.updates:,}", "account writes applied")
    if stats.decode_errors:
        count = sum(stats.decode_errors.values())
        grid.add_row(f"{count:,}", _with_reasons("accounts that do not decode", stats.decode_errors))
    return grid


def _with_reasons(what: str, reasons: Mapping[str, int]) -> str:
    if not reasons:
        return what
    return f"{what}: " + ", ".join(f"{plain(name)} {count:,}" for name, count in _by_count(reasons))


def _by_count(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _endpoints(summary: Summary) -> RenderableType:
    table = _table(
        ("endpoint", "left"),
        *(
            (name, "right")
            for name in ("frames", "first", "share", "duplicates", "stale", "held", "malformed")
        ),
    )
    wins = sum(endpoint.wins for endpoint in summary.stats.endpoints)
    for endpoint in summary.stats.endpoints:
        share = f"{endpoint.wins / wins:.1%}" if wins else "-"
        counts = (endpoint.duplicates, endpoint.stale, endpoint.held, endpoint.malformed)
        table.add_row(
            plain(endpoint.name),
            f"{endpoint.frames:,}",
            f"{endpoint.wins:,}",
            share,
            *(f"{n:,}" for n in counts),
        )
    if len(summary.stats.endpoints) < 2:
        return table
    return Group(table, Text(), _compared(summary.stats.endpoints))


def _compared(endpoints: Sequence[EndpointStats]) -> RenderableType:
    """Return how endpoints do against each other."""
    table = _table(
        ("endpoint", "left"),
        ("stood alone", "right"),
        ("median lag", "right"),
        ("99th percentile", "right"),
        ("", "left"),
    )
    for endpoint in endpoints:
        lags = (endpoint.lag_p50_ns, endpoint.lag_p99_ns)
        table.add_row(
            plain(endpoint.name),
            f"{endpoint.disagreements:,}",
            *("-" if lag is None else duration(lag) for lag in lags),
            Text("under quarantine", style="yellow") if endpoint.is_quarantined else "",
        )
    return table


def _pools(summary: Summary, book: MintBook) -> RenderableType:
    set_aside = sum(summary.stats.pools_set_aside.values())
    grid = _grid()
    grid.add_row(f"{summary.stats.pools:,}", "known")
    grid.add_row(f"{set_aside:,}", _with_reasons("set aside", summary.stats.pools_set_aside))
    for pool in summary.set_aside[:LISTED_POOLS]:
        pair = f"{book.symbol(pool.mint_a)}/{book.symbol(pool.mint_b)}"
        grid.add_row("", f"{short(pool.pool)} {plain(pair)}: {plain(pool.reason)}")
    if len(summary.set_aside) > LISTED_POOLS:
        grid.add_row("", f"and {len(summary.set_aside) - LISTED_POOLS:,} more")
    return grid


def _opportunities(summary: Summary) -> RenderableType:
    grid = _grid()
    grid.add_row(f"{summary.stats.openings:,}", "distinct openings")
    grid.add_row(f"{summary.signals:,}", "signals: go")
    for name, count in _by_count(summary.stats.reasons):
        grid.add_row(f"{count:,}", f"no-go: {plain(name)}")
        if name == "refused_by_rule":
            for rule, times in _by_count(summary.stats.rules):
                grid.add_row("", f"{times:,} by rule: {plain(rule)}")
    for name, count in _by_count(summary.refusals):
        grid.add_row(f"{count:,}", f"not taken: {plain(name)}")
    return grid


def _strategy(summary: Summary, book: MintBook) -> RenderableType:
    report = summary.strategy
    lines = [
        f"{plain(report.name)}: {report.calls:,} calls, {report.plans:,} plans, "
        f"longest {duration(report.longest_ns)}"
    ]
    if report.overruns or report.exceptions:
        lines.append(f"{report.overruns:,} calls over their time, {report.exceptions:,} failed")
    if report.last_error is not None:
        lines.append(f"last error: {plain(report.last_error)}")
    if report.suspended is not None:
        lines.append(f"suspended: {plain(report.suspended)}")
    for position in summary.positions:
        held = plain(book.amount(position.mint, position.amount))
        lines.append(f"holds {held}, which cost {plain(book.amount(position.base_mint, position.basis))}")
    return Group(*(Text(line, overflow="fold") for line in lines))


def _trades(summary: Summary, book: MintBook) -> RenderableType:
    failed = summary.attempts - summary.filled
    line = Text(f"{summary.attempts:,} attempts, {summary.filled:,} filled, {failed:,} failed")
    if summary.failures:
        line.append(
            f" ({', '.join(f'{plain(name)} {count:,}' for name, count in _by_count(summary.failures))})"
        )
    if summary.unknown:
        line.append(f"; {summary.unknown:,} without a known outcome at once")
    if not summary.profit:
        return line
    table = _table(
        ("mint", "left"),
        ("filled", "right"),
        ("gross", "right"),
        ("costs", "right"),
        ("net", "right"),
        ("", "left"),
    )
    for profit in summary.profit:
        known = profit.mint in book.mints
        amounts = (profit.gross_profit, profit.cost, profit.net_profit)
        if known:
            table.add_row(
                Text(plain(book.symbol(profit.mint)), style="bold"),
                f"{profit.filled:,}",
                *(f"{book.amount_ui(profit.mint, amount):,f}" for amount in amounts),
            )
        table.add_row(
            "" if known else short(profit.mint),
            "" if known else f"{profit.filled:,}",
            *(f"{amount:,}" for amount in amounts),
            "base units",
            style="dim" if known else "",
        )
    return Group(line, Text(), table)


def _funnel(stages: Sequence[FunnelStage], width: int) -> RenderableType:
    table = _table(("stage", "left"), ("evaluations", "right"), ("openings", "right"), ("log scale", "left"))
    table.columns[0].no_wrap = True
    most = max((stage.evaluations for stage in stages), default=0)
    names = max((len(_stage(stage.name)) for stage in stages), default=0)
    room = min(max(width - names - 30, 8), MAX_BAR)
    for stage in stages:
        length = _bar_length(stage.evaluations, most, room)
        openings = "-" if stage.openings is None else f"{stage.openings:,}"
        table.add_row(
            _stage(stage.name),
            f"{stage.evaluations:,}",
            openings,
            Text("█" * length, style="cyan", no_wrap=True),
        )
    return table


def _stage(name: str) -> str:
    return STAGES.get(name, plain(name))


def _bar_length(value: int, most: int, room: int) -> int:
    """Return a bar of at most `room` cells, logarithmic: none for 0, at least one for 1."""
    if value <= 0:
        return 0
    return max(1, round(room * math.log1p(value) / math.log1p(most)))


def _mint_path(steps: Sequence[Step] | Sequence[Hop], book: MintBook) -> str:
    mints = [steps[0].mint_in, *(step.mint_out for step in steps)]
    return plain(" → ".join(book.symbol(mint) for mint in mints))


def _misses(misses: Sequence[Miss], book: MintBook) -> RenderableType:
    if not misses:
        return Text("none: no cycle came near without being taken")
    table = _table(
        ("missing", "right"), ("route", "left"), ("came to: what stopped it", "left"), ("slot", "right")
    )
    for miss in misses:
        route = f"{_mint_path(miss.steps, book)}\n{' · '.join(short(step.pool) for step in miss.steps)}"
        lacks = f"{_stage(miss.stage)}: {plain(miss.reason)}"
        best = (("net", miss.net_profit), ("gross", miss.gross_profit))
        shown = next(((name, amount) for name, amount in best if amount is not None), None)
        if shown is not None:
            lacks += f"\nbest {shown[0]} {plain(book.amount(miss.base_mint, shown[1]))}"
        missing = "-" if miss.missing_bps is None else f"{miss.missing_bps:,.2f} bps"
        table.add_row(missing, route, lacks, f"{miss.slot}")
    return table


def _best(best: Sequence[Filled], book: MintBook) -> RenderableType:
    rows: list[RenderableType] = []
    for rank, filled in enumerate(best, start=1):
        opportunity, outcome = filled.plan.opportunity, filled.outcome
        hops = outcome.fill.hops if outcome.fill else opportunity.hops
        mint = opportunity.base_mint
        line = Text(f"{rank}. {plain(book.amount(mint, outcome.net_profit))} net", style="bold")
        line.append(f", slot {opportunity.slot}", style="not bold")
        sum_line = Text(
            f"{plain(book.amount(mint, outcome.gross_profit))} gross"
            f" - {plain(book.amount(mint, outcome.cost))} costs"
        )
        rows += [line, Padding(Group(sum_line, _hops(hops, book)), (0, 0, 0, 3), expand=False)]
    return Group(*rows)


def _hops(hops: Sequence[Hop], book: MintBook) -> Table:
    table = Table.grid(padding=(0, 1))
    for justify in ("right", "left", "right", "left"):
        table.add_column(justify="right" if justify == "right" else "left", no_wrap=True)
    for hop in hops:
        table.add_row(
            plain(book.amount(hop.mint_in, hop.amount_in)),
            "→",
            plain(book.amount(hop.mint_out, hop.amount_out)),
            f"in {short(hop.pool)}",
        )
    return table


def _time(summary: Summary) -> RenderableType:
    latency = summary.latency
    lines = []
    if latency.median_ns is not None and latency.p99_ns is not None and latency.max_ns is not None:
        lines.append(
            f"frame to decision: median {duration(latency.median_ns)}, "
            f"99th percentile {duration(latency.p99_ns)}, longest {duration(latency.max_ns)}"
        )
    lines.append(
        f"{summary.records:,} records in {duration(summary.wall_ns)}"
        if summary.source.records is None
        else f"{summary.records:,} records, {duration(summary.recorded_ns)} of recorded time "
        f"in {duration(summary.wall_ns)}"
    )
    lines.append(f"journal: {plain(summary.journal)}")
    return Group(*(Text(line, overflow="fold") for line in lines))


def duration(ns: int) -> str:
    """Return a duration with three significant figures and its unit."""
    if ns < 1_000:
        return f"{ns} ns"
    for limit, divisor, unit in (
        (1_000_000, 1e3, "µs"),
        (1_000_000_000, 1e6, "ms"),
        (60_000_000_000, 1e9, "s"),
    ):
        if ns < limit:
            value = ns / divisor
            return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"
    minutes, seconds = divmod(ns // 1_000_000_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
