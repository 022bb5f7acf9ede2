"""Cycles as a person reads them, and the same as JSON.

The JSON's keys are stable. Amounts are base units of the cycle's base mint; `…_ui` is the same in whole
tokens as a decimal string, null if the mint's decimals are not known::

    schema          1
    source, max_hops
    pools           pools of the source; pools_set_aside: how many of them for each reason
    stages          spot, after_fees, after_sizing, after_costs, after_min_profit: cycles left after each look
    fees            network_lamports, priority_lamports, tip_lamports, total_lamports of one attempt
    cycles          rank, base {mint, symbol, decimals}, hops {pool, venue, mint_in, mint_out, amount_in,
                    amount_out}, spot_gain_bps, margin_bps, amount_in, gross_profit, cost, net_profit (each
                    with …_ui), net_lamports, is_proven_best, stop (null: worth a transaction); what is not
                    known is null
    curve           of --plot: rank, amounts_in, profits, optimum {amount_in, profit}, break_even; else null
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from phantom_arbiter.cycles import FoundCycle, Survey
from phantom_arbiter.markets import LoadedMarket
from phantom_arbiter.mints import MintBook, short
from phantom_arbiter.profit_curve import Curve
from phantom_arbiter.quotes import cure_of
from phantom_arbiter.render import plain, print_tidy
from phantom_arbiter.render_market import set_aside_reasons, standing_of

SCHEMA = 1
BPS_DIGITS = 6
"""Digits after the point; the sums of logarithms behind a gain are hardly better."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A cycle and its place in the survey, from 1."""

    rank: int
    found: FoundCycle


@dataclass(frozen=True, slots=True)
class Shown:
    """What is to be shown.

    Attributes:
        loaded: The market.
        survey: What was found there.
        ranked: The cycles to show.
        out_of: How many there were to choose from.
    """

    loaded: LoadedMarket
    survey: Survey
    ranked: Sequence[Ranked]
    out_of: int


def render_cycles(shown: Shown, console: Console) -> None:
    """Print the stages and a table of the cycles."""
    print_tidy(Group(*_cycles(shown)), console)


def _cycles(shown: Shown) -> Iterable[RenderableType]:
    stages, query = shown.survey.stages, shown.survey.query
    pools = shown.loaded.pools()
    yield Text(plain(shown.loaded.name), style="bold")
    yield Text(standing_of(pools), overflow="fold")
    for cure in dict.fromkeys(map(cure_of, set_aside_reasons(pools))):
        if cure is not None:
            yield Text(f"hint: {cure}", overflow="fold")
    hops = "2" if query.max_hops == 2 else f"2 to {query.max_hops}"
    line = (
        f"cycles of {hops} hops: {stages.spot:,} pay at spot prices, {stages.after_fees:,} after fees, "
        f"{stages.after_sizing:,} after exact sizing, {stages.after_costs:,} after costs"
    )
    if query.min_profit_lamports:
        line += f", {stages.after_min_profit:,} of at least {query.min_profit_lamports:,} lamports"
    yield Text(line)
    fees = query.fees
    yield Text(
        f"costs of each: {fees.total:,} lamports (network {fees.network:,}, priority {fees.priority:,}, "
        f"tip {fees.tip:,})"
    )
    if not shown.ranked:
        return
    yield Text()
    yield _table(shown)
    if shown.out_of > 1:
        yield Text()
        yield Text("Each is sized alone: cycles that share a pool take each other's profit.", style="dim")
    if len(shown.ranked) < shown.out_of:
        yield Text(f"{len(shown.ranked):,} of {shown.out_of:,}; --top {shown.out_of} shows all")


def _table(shown: Shown) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("cycle", overflow="fold")
    table.add_column("bps: spot,\nfees off", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("tokens", justify="right", no_wrap=True)
    table.add_column("base units", justify="right", no_wrap=True)
    venues = {pool.pool: pool.venue for pool in shown.loaded.pools()}
    for ranked in shown.ranked:
        found = ranked.found
        book = shown.loaded.book_of(found.cycle.mints)
        amounts = [(name, amount) for name, amount in _amounts(found) if amount is not None]
        table.add_row(
            f"{ranked.rank}",
            f"{route(found, book)}\n{_where(found, venues)}\n{_standing(found)}",
            f"{_bps(found.spot_gain_bps)}\n{_bps(found.margin_bps)}",
            "\n".join(name for name, _ in amounts),
            "\n".join(_tokens(book, found.base_mint, amount) for _, amount in amounts),
            "\n".join(f"{amount:,}" for _, amount in amounts),
            style="" if found.stop is None else "dim",
        )
    return table


def _amounts(found: FoundCycle) -> tuple[tuple[str, int | None], ...]:
    return (
        ("in", found.sized.amount_in if found.sized else None),
        ("profit", found.sized.gross_profit if found.sized else None),
        ("costs", found.cost),
        ("net", found.net_profit),
    )


def route(found: FoundCycle, book: MintBook) -> str:
    """Return the mints of a cycle in order, the first once more at the end."""
    return plain(" → ".join(book.symbol(mint) for mint in (*found.cycle.mints, found.base_mint)))


def _where(found: FoundCycle, venues: Mapping[str, str]) -> str:
    """Return the number of hops, the venues in order, and the pools."""
    names = [
        name if (count := len(list(same))) == 1 else f"{name} x{count}"
        for name, same in groupby(venues[pool] for pool, _ in found.cycle.hops)
    ]
    pools = " ".join(short(pool) for pool, _ in found.cycle.hops)
    return f"{len(found.cycle.hops)} hops, {', '.join(names)}\n{pools}"


def _standing(found: FoundCycle) -> str:
    if found.sized is None:
        return f"{found.stop}"
    proven = "proven best" if found.sized.is_proven_best else "best of those tried"
    return proven if found.stop is None else f"{proven}, {found.stop}"


def _bps(bps: float) -> str:
    return f"{bps:,.2f}" if bps < 1e7 else f"{bps:.2e}"


def _tokens(book: MintBook, mint: str, amount: int) -> str:
    ui = book.amount_ui(mint, amount)
    return "?" if ui is None else f"{ui:,f}"


def cycles_to_json(shown: Shown, curve: tuple[int, Curve] | None) -> dict[str, Any]:
    """Return the cycles under the keys that the module lists; `curve` comes with its cycle's rank."""
    stages, query = shown.survey.stages, shown.survey.query
    venues = {pool.pool: pool.venue for pool in shown.loaded.pools()}
    return {
        "schema": SCHEMA,
        "source": shown.loaded.name,
        "max_hops": query.max_hops,
        "pools": len(venues),
        "pools_set_aside": set_aside_reasons(shown.loaded.pools()),
        "stages": {
            "spot": stages.spot,
            "after_fees": stages.after_fees,
            "after_sizing": stages.after_sizing,
            "after_costs": stages.after_costs,
            "after_min_profit": stages.after_min_profit,
        },
        "fees": {
            "network_lamports": query.fees.network,
            "priority_lamports": query.fees.priority,
            "tip_lamports": query.fees.tip,
            "total_lamports": query.fees.total,
        },
        "cycles": [_cycle_json(shown.loaded, ranked, venues) for ranked in shown.ranked],
        "curve": None if curve is None else _curve_json(*curve),
    }


def _cycle_json(loaded: LoadedMarket, ranked: Ranked, venues: Mapping[str, str]) -> dict[str, Any]:
    found = ranked.found
    mints = found.cycle.mints
    book = loaded.book_of(mints)
    info = book.mints.get(found.base_mint)
    amounts = found.sized.amounts if found.sized else [None] * (len(mints) + 1)
    answer: dict[str, Any] = {
        "rank": ranked.rank,
        "base": {
            "mint": found.base_mint,
            "symbol": info.symbol if info else None,
            "decimals": info.decimals if info else None,
        },
        "hops": [
            {
                "pool": pool,
                "venue": venues[pool],
                "mint_in": mints[place],
                "mint_out": mints[(place + 1) % len(mints)],
                "amount_in": amounts[place],
                "amount_out": amounts[place + 1],
            }
            for place, (pool, _) in enumerate(found.cycle.hops)
        ],
        "spot_gain_bps": round(found.spot_gain_bps, BPS_DIGITS),
        "margin_bps": round(found.margin_bps, BPS_DIGITS),
    }
    names = ("amount_in", "gross_profit", "cost", "net_profit")
    for name, (_, amount) in zip(names, _amounts(found), strict=True):
        ui = None if amount is None else book.amount_ui(found.base_mint, amount)
        answer |= {name: amount, f"{name}_ui": None if ui is None else f"{ui:f}"}
    return answer | {
        "net_lamports": found.net_lamports,
        "is_proven_best": found.sized.is_proven_best if found.sized else None,
        "stop": found.stop,
    }


def _curve_json(rank: int, curve: Curve) -> dict[str, Any]:
    return {
        "rank": rank,
        "amounts_in": list(curve.amounts_in),
        "profits": list(curve.profits),
        "optimum": {"amount_in": curve.optimum[0], "profit": curve.optimum[1]},
        "break_even": curve.break_even,
    }
