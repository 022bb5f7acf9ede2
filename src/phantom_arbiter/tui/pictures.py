"""What stands above and below the tables: the funnel, profit, fees, histograms. Text from what is known."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from rich.text import Text

from phantom_arbiter.render import plain
from phantom_arbiter.telemetry.records import FunnelCount, StageLatency
from phantom_arbiter.tui.listing import BAD, FAINT, GOOD, WARN, signed
from phantom_arbiter.tui.watched import Watched
from phantom_arbiter.tui.words import STAGES, compact, count_of, duration, share

SPARKS = "▁▂▃▄▅▆▇█"
WAITING = "waiting for the run's first report"


def funnel(seen: Watched, width: int) -> Text:
    """Return the funnel per minute and in all, with the share that passes and bars on a log scale."""
    status = seen.model.status
    per_minute = seen.model.per_minute()
    counts: dict[str, FunnelCount] = {} if status is None else {one.stage: one for one in status.funnel}
    most = max((one.evaluations for one in counts.values()), default=0)
    text = Text()
    wide = width >= 100
    has_distinct = width >= 66
    head = f"{'stage':<15} {'per minute':>12} {'in all':>14} {'distinct':>11}"[
        : None if has_distinct else -12
    ]
    text.append(f"{head} {'passes':>8}  {'log scale' if width >= 76 else ''}\n", "bold")
    before = None
    room = max(min(width - len(head) - 12, 60), 0) if wide or width >= 76 else 0
    for stage, words in STAGES.items():
        one = counts.get(stage)
        rate = per_minute.get(stage)
        text.append(f"{words:<15} {'-' if rate is None else f'{rate:,.0f}':>12} ")
        if one is None:
            text.append(f"{'-':>14}\n", FAINT)
            continue
        text.append(f"{one.evaluations:>14,}", "bold")
        if has_distinct:
            text.append(f" {'-' if one.openings is None else f'{one.openings:,}':>11}")
        text.append(f" {'-' if before is None else share(one.evaluations, before):>8}  ", FAINT)
        text.append(f"{_log_bar(one.evaluations, most, room)}\n", "cyan")
        before = one.evaluations
    text.right_crop(1)
    return text


def opportunities(seen: Watched, width: int) -> Text:
    """Return how many cycles are open and were."""
    status = seen.model.status
    text = Text(f"{len(seen.model.open):,} open now", "bold")
    if status is not None:
        text.append(f" · {count_of(status.openings, 'opening')} in all", "not bold")
        text.append(f" · {count_of(status.signals, 'signal')}", "not bold")
    if seen.model.closed and width >= 90:
        text.append(f" · the last {len(seen.model.closed):,} closed ones are listed", "not bold dim")
    return text


def market(seen: Watched, width: int) -> Text:
    """Return how many pools are quoted, and why the others are set aside."""
    why: dict[str, int] = defaultdict(int)
    for state in seen.model.states.values():
        if state.set_aside is not None:
            why[state.set_aside] += 1
    known, aside = len(seen.model.pools), sum(why.values())
    text = Text(f"{count_of(known, 'pool')}: {known - aside:,} quoted", "bold")
    if aside:
        reasons = sorted(why.items(), key=lambda each: (-each[1], each[0]))
        words = ", ".join(f"{plain(reason)} {count:,}" for reason, count in reasons)
        text.append(f", {aside:,} set aside ({words})", f"not bold {WARN}")
    text.append("\ndepths and prices in whole tokens; * in base units, decimals unknown", "not bold dim")
    return text


def endpoints(seen: Watched, width: int) -> Text:
    """Return what became of all frames."""
    status = seen.model.status
    if status is None:
        return Text(WAITING, FAINT)
    connected = sum(one.is_open for one in status.endpoints)
    text = Text(f"{connected} of {len(status.endpoints)} connected", "bold")
    text.append(
        f" · {status.frames:,} frames: {status.fresh:,} fresh, {status.duplicates:,} duplicates, "
        f"{status.stale:,} stale",
        "not bold",
    )
    malformed, undecoded = sum(status.malformed.values()), sum(status.decode_errors.values())
    if malformed or undecoded:
        words = ", ".join(
            f"{plain(name)} {n:,}" for name, n in (status.malformed | status.decode_errors).items()
        )
        text.append(f"\n{malformed + undecoded:,} unreadable: {words}", f"not bold {WARN}")
    return text


def signals(seen: Watched, width: int) -> Text:
    """Return how many signals there were and what came of them, and the state of the strategy."""
    status = seen.model.status
    if status is None:
        return Text(WAITING, FAINT)
    text = Text(count_of(status.signals, "signal"), "bold")
    text.append(
        f" · {count_of(status.attempts, 'attempt')}: {status.filled:,} filled, "
        f"{sum(status.failures.values()):,} failed, {status.under_way:,} under way, "
        f"{status.unknown:,} unknown at once",
        "not bold",
    )
    one = status.strategy
    text.append(f"\nstrategy {plain(one.name)}: {one.calls:,} calls, {one.plans:,} plans", "not bold")
    if one.overruns or one.exceptions:
        text.append(f", {one.overruns:,} over their time, {one.exceptions:,} failed", f"not bold {WARN}")
    if one.suspended is not None:
        text.append(f"\nstrategy suspended: {plain(one.suspended)}", f"bold {BAD}")
    return text


def trades(seen: Watched, width: int) -> Text:
    """Return profit by base mint with the course of the last attempts."""
    status = seen.model.status
    if status is None:
        return Text(WAITING, FAINT)
    if not status.profit:
        return Text("no attempt yet, so no profit and no loss", FAINT)
    text = Text()
    for one in status.profit:
        line = Text(f"{seen.symbol(one.mint):<9} ", "bold")
        net = signed(seen.amount(one.mint, one.net_profit), one.net_profit)
        line.append(*(net if isinstance(net, tuple) else (net, "")))
        line.append(
            f" net = {seen.amount(one.mint, one.gross_profit)} gross - "
            f"{seen.amount(one.mint, one.cost)} costs"
            f" · {one.filled:,} of {count_of(one.attempts, 'attempt')} filled",
            "not bold",
        )
        line.truncate(max(width, 1), overflow="ellipsis")
        text.append_text(line).append("\n")
    course = _course(seen, max(min(width - 26, 120), 8))
    text.append("course    ", "bold")
    text.append(course or "begins with the second attempt", "cyan" if course else FAINT)
    return text


def _course(seen: Watched, width: int) -> str:
    """Return the net profit after each of the last attempts, of the mint that most of them were in."""
    mints = Counter(one.base_mint for one in seen.model.trades)
    if not mints:
        return ""
    ((mint, _),) = mints.most_common(1)
    nets = [int(one.net_profit) for one in seen.model.trades if one.base_mint == mint][-width:]
    total, course = 0, []
    for net in nets:
        total += net
        course.append(float(total))
    return f"{sparkline(course)} {seen.symbol(mint)}" if len(course) > 1 else ""


def fees(seen: Watched, width: int) -> Text:
    """Return what a transaction is to offer, how congested the chain is, and what holds trading."""
    status = seen.model.status
    if status is None:
        return Text(WAITING, FAINT)
    one, text = status.fees, Text()
    how = "fixed" if one.percentile is None else f"{one.mode}, enough in {one.percentile:g} % of recent slots"
    priority = -(-one.compute_unit_limit * one.compute_unit_price_micro_lamports // 1_000_000)
    room = max(min(width - 40, 60), 8)
    for name, value, series in (
        ("mode", how, []),
        (
            "price",
            f"{one.compute_unit_price_micro_lamports:,} µlamports per unit",
            [float(point.compute_unit_price_micro_lamports) for point in seen.fees],
        ),
        ("limit", f"{one.compute_unit_limit:,} units: {priority:,} lamports", []),
        (
            "tip",
            f"{one.tip_lamports:,} lamports",
            [float(point.tip_lamports) for point in seen.fees],
        ),
        (
            "congestion",
            "not known" if one.congestion is None else f"blocks {one.congestion:.0%} full",
            [point.congestion for point in seen.fees if point.congestion is not None],
        ),
    ):
        text.append(f"{name:<11}", "bold")
        text.append(f"{value:<29}")
        text.append(f"{sparkline(series[-room:])}\n", "cyan")
    text.append("trading    ", "bold")
    risk = status.risk
    if risk.halted:
        text.append(f"HALTED by {', '.join(map(plain, risk.switches)) or 'the settings'}", f"bold {BAD}")
    else:
        text.append("not halted", GOOD)
    return text


def histogram(one: StageLatency | None, width: int, height: int) -> Text:
    """Return a stage's histogram, a line for each doubling, or for more where there is no room."""
    if one is None or not one.count:
        return Text("no durations to draw", FAINT)
    text = Text(f"{plain(one.stage).replace('_', ' ')}: {count_of(one.count, 'duration')}\n", "bold")
    doublings: dict[int, int] = defaultdict(int)
    for edge, count in one.buckets:
        doublings[max(edge - 1, 0).bit_length()] += count
    first, last = min(doublings), max(doublings)
    step = max(1, -(-(last - first + 1) // max(height - 1, 1)))
    bands = [
        (low, sum(doublings.get(bit, 0) for bit in range(low, low + step)))
        for low in range(first, last + 1, step)
    ]
    most = max(count for _, count in bands)
    room = max(min(width - 38, 80), 4)
    for low, count in bands:
        text.append(f"≤ {duration(2 ** (low + step - 1)):>8} {count:>13,} {share(count, one.count):>8}  ")
        text.append(f"{_bar(count / most, room)}\n", "cyan")
    text.right_crop(1)
    return text


def latency(seen: Watched, width: int) -> Text:
    """Return what is measured."""
    return Text("time per stage; the arrow keys choose the histogram, Enter shows every bucket", FAINT)


def log(seen: Watched, width: int) -> Text:
    """Return what got lost on the way to viewers."""
    status = seen.model.status
    text = Text(count_of(len(seen.model.notices), "notice"), "bold")
    gaps = max(seen.model.gaps - 1, 0)
    if gaps:
        text.append(f" · this viewer was too slow {count_of(gaps, 'time')}", f"not bold {WARN}")
    if status is not None:
        text.append(f" · {count_of(status.viewers, 'viewer')}", "not bold")
        if status.lost:
            text.append(f", {count_of(status.lost, 'record')} lost by slow ones", f"not bold {WARN}")
    return text


def sparkline(values: Sequence[float]) -> str:
    """Return one block per value between the least and the greatest; nothing for fewer than two."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    if high <= low:
        return SPARKS[0] * len(values)
    return "".join(SPARKS[min(int((value - low) / (high - low) * 8), 7)] for value in values)


def profits(seen: Watched) -> list[tuple[str, str]]:
    """Return the net profit of every base mint, short, with a style."""
    status = seen.model.status
    shown = []
    for one in () if status is None else status.profit:
        ui = seen.book.amount_ui(one.mint, int(one.net_profit))
        figure = f"{compact(int(one.net_profit))} units" if ui is None else f"{ui:,.6f}"[:14].rstrip(".")
        sign = "+" if int(one.net_profit) > 0 else ""
        style = GOOD if int(one.net_profit) > 0 else BAD if int(one.net_profit) < 0 else ""
        shown.append((f"{sign}{figure} {seen.symbol(one.mint)}", style))
    return shown


def _log_bar(value: int, most: int, room: int) -> str:
    return "" if value <= 0 or most <= 1 else _bar(math.log1p(value) / math.log1p(most), room)


def _bar(part: float, room: int) -> str:
    cells = part * room
    return "" if cells <= 0 else "█" * int(cells) or "▏"
