"""A trade over several routes as a person reads it."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from phantom_arbiter.mints import MintBook, short
from phantom_arbiter.render import plain, print_tidy
from phantom_arbiter.trades import TradeAnswer
from phantom_core import PlannedRoute


def render_trade(answer: TradeAnswer, console: Console) -> None:
    """Print one trade: its routes in order, what they give together, and how good that is."""
    print_tidy(Group(*_trade(answer)), console)


def _trade(answer: TradeAnswer) -> Iterable[RenderableType]:
    trade, book = answer.trade, answer.book
    paid, given = (
        _tokens(book, trade.mint_in, trade.amount_in),
        _tokens(book, trade.mint_out, trade.amount_out),
    )
    yield Text(f"{paid} for {given}", style="bold", overflow="fold")
    yield Text(f"{_routes(len(trade.routes))}, from {plain(answer.source)}")
    yield Text()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("share", justify="right")
    table.add_column("route", overflow="fold")
    table.add_column("base units in", justify="right", overflow="fold")
    table.add_column("base units out", justify="right", overflow="fold")
    for route in trade.routes:
        share = f"{route.amount_in / trade.amount_in:.2%}"
        pools = "\n".join(f"{short(hop.pool)} {answer.venues[hop.pool]}" for hop in route.hops)
        table.add_row(
            share, f"{_mints(book, route)}\n{pools}", f"{route.amount_in:,}", f"{route.amount_out:,}"
        )
    yield table
    yield Text()
    yield from (Text(line, overflow="fold") for line in _standing(answer))


def _standing(answer: TradeAnswer) -> Iterable[str]:
    trade, book = answer.trade, answer.book
    yield f"price impact       {trade.price_impact_bps / 1e4:.4%}"
    single = trade.best_single_route
    if single is None:
        yield "best single route  none takes the whole amount"
    else:
        loss = 1 - single / trade.amount_out
        yield f"best single route  {_tokens(book, trade.mint_out, single)}, {loss:.4%} less"
    if trade.bound is not None:
        room = max(trade.bound / trade.amount_out - 1, 0.0)
        yield f"bound              no division into any number of routes gives {room:.4%} more"


def _routes(count: int) -> str:
    return "one route" if count == 1 else f"{count} routes, carried out in this order"


def _mints(book: MintBook, route: PlannedRoute) -> str:
    mints = [route.hops[0].mint_in, *(hop.mint_out for hop in route.hops)]
    return " → ".join(plain(book.symbol(mint)) for mint in mints)


def _tokens(book: MintBook, mint: str, amount: int) -> str:
    return plain(book.amount(mint, amount))
