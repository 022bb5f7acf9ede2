"""How a snapshot that has been taken is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from phantom_arbiter.market_snapshot import TakenSnapshot
from phantom_arbiter.render import plain


def render_snapshot(taken: TakenSnapshot, console: Console, notes: Console) -> None:
    """Print pools by venue and the file on `console`, what is lacking on `notes`."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("venue", "pools", "quoted", "set aside because"):
        table.add_column(name, justify="right" if name in ("pools", "quoted") else "left")
    for venue in sorted({each.venue for each in taken.pools}):
        reasons = Counter(each.set_aside_reason for each in taken.pools if each.venue == venue)
        total, quoted = reasons.total(), reasons.pop(None, 0)
        words = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items(), key=str))
        table.add_row(venue, f"{total:,}", f"{quoted:,}", plain(words))
    console.print(table)
    slots = f"{taken.first_slot:,}"
    if taken.last_slot != taken.first_slot:
        slots += f" to {taken.last_slot:,}"
    console.print(
        f"{plain(str(taken.path))}: {taken.accounts:,} accounts, {taken.absent:,} that do not exist, "
        f"slot {slots}, {taken.size:,} bytes",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    for line in _notes(taken):
        notes.print(plain(line), highlight=False, markup=False, soft_wrap=True)


def _notes(taken: TakenSnapshot) -> list[str]:
    lines = [f"not searched: {each.venue} ({each.program}): {each.reason}" for each in taken.unsearched]
    lines += [f"no pool of a known venue: {address}" for address in taken.no_pools]
    if taken.missing:
        lines.append(f"still missing: {_counts(taken.missing.items())}")
    if taken.unreadable:
        lines.append(f"accounts that do not decode: {_counts(taken.unreadable.items())}")
    lines += [f"not read once more: {failure}" for failure in taken.failures]
    for endpoint in dict.fromkeys(name for name, _, _ in taken.meter.rows()):
        usages = [usage for name, _, usage in taken.meter.rows() if name == endpoint]
        calls, spent = sum(usage.calls for usage in usages), taken.meter.credits(endpoint)
        failed = sum((usage.failed for usage in usages), Counter[str]())
        trouble = f", failed: {_counts(failed.items())}" if failed else ""
        lines.append(f"endpoint {endpoint}: {calls:,} calls, {spent:,} credits{trouble}")
    return lines


def _counts(items: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(items))
