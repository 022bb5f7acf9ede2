"""A trade over all pools of a source, as `phantom trade` shows it.

The JSON's keys are stable. Amounts are base units; `…_ui` is the same in whole tokens as a decimal string,
null if the mint's decimals are not known::

    schema             1
    source             its name
    input, output      mint, symbol, decimals, amount, amount_ui
    routes             amount_in, amount_out, hops: pool, venue, mint_in, mint_out, amount_in, amount_out;
                       in the order in which they are to be carried out
    best_single_route  amount, amount_ui: what one route for the whole amount gives; null if none takes it
    bound              what no division exceeds, a float in base units of the output; null if not known
    price_impact_bps   part of the output lost by size alone, in 1/10,000, a float
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phantom_arbiter.errors import ConfigError, InvalidInput
from phantom_arbiter.markets import LoadedMarket, parse_amount
from phantom_arbiter.mints import WELL_KNOWN_MINTS, MintBook, short
from phantom_core import Trade

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """What a trade may use.

    Attributes:
        max_hops: Pools a route may go through.
        max_legs: Routes that may share the amount.
        leg_cost: What each route after the first must add, in base units of the output.
        without_pools: Addresses of pools not to use.
        only_venues: Names of the only venues to use; empty for all.
    """

    max_hops: int = 3
    max_legs: int = 4
    leg_cost: int = 0
    without_pools: tuple[str, ...] = ()
    only_venues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TradeAnswer:
    """A trade with what is known of its mints and pools."""

    source: str
    trade: Trade
    book: MintBook
    venues: Mapping[str, str]


def ask_trade(loaded: LoadedMarket, mint_in: str, mint_out: str, amount: str, limits: Limits) -> TradeAnswer:
    """Return the best trade that the words mean.

    Raises:
        ConfigError: A word is wrong: which, what it may be.
        MarketDataError: Usable pools do not join the mints, or take nothing of the amount.
    """
    pools = {pool.pool: pool for pool in loaded.pools()}
    book = loaded.book_of({mint for pool in pools.values() for mint in (pool.mint_a, pool.mint_b)})
    known = sorted({mint for pool in pools.values() for mint in (pool.mint_a, pool.mint_b)})
    paid = _mint("MINT_IN", mint_in, known, book)
    wanted = _mint("MINT_OUT", mint_out, known, book)
    if paid == wanted:
        raise ConfigError(f"MINT_IN and MINT_OUT are both {mint_in}")
    units = parse_amount(amount, paid, book.mints.get(paid))
    if not 0 < units < 2**64:
        raise ConfigError(f"AMOUNT is {amount}; it may be 1 to {2**64 - 1:,} base units")
    try:
        trade = loaded.market.best_trade(
            paid,
            wanted,
            units,
            max_hops=limits.max_hops,
            max_legs=limits.max_legs,
            leg_cost=limits.leg_cost,
            without_pools=limits.without_pools,
            only_venues=list(limits.only_venues),
        )
    except InvalidInput as error:
        raise ConfigError(str(error)) from error
    venues = {hop.pool: pools[hop.pool].venue for route in trade.routes for hop in route.hops}
    return TradeAnswer(loaded.name, trade, book, venues)


def _mint(argument: str, word: str, known: list[str], book: MintBook) -> str:
    """Return the mint of the market that a word names: its address or symbol."""
    if word in known:
        return word
    # A recording may have its own word for what everybody knows by another.
    well_known = [mint for mint, info in WELL_KNOWN_MINTS.items() if info.symbol == word]
    named = [mint for mint in known if book.symbol(mint) == word or mint in well_known]
    if len(named) == 1:
        return named[0]
    if named:
        raise ConfigError(f"{argument} is {word}, which {len(named)} mints are called: {', '.join(named)}")
    raise ConfigError(f"{argument} is {word}, which no pool trades", hint="an address, or a symbol as in SOL")


def trade_to_json(answer: TradeAnswer) -> dict[str, Any]:
    """Return the answer under the keys that the module lists."""
    trade = answer.trade
    single = trade.best_single_route
    return {
        "schema": SCHEMA,
        "source": answer.source,
        "input": _amount(answer.book, trade.mint_in, trade.amount_in),
        "output": _amount(answer.book, trade.mint_out, trade.amount_out),
        "routes": [
            {
                "amount_in": route.amount_in,
                "amount_out": route.amount_out,
                "hops": [
                    {
                        "pool": hop.pool,
                        "venue": answer.venues[hop.pool],
                        "mint_in": hop.mint_in,
                        "mint_out": hop.mint_out,
                        "amount_in": hop.amount_in,
                        "amount_out": hop.amount_out,
                    }
                    for hop in route.hops
                ],
            }
            for route in trade.routes
        ],
        "best_single_route": None
        if single is None
        else {"amount": single, "amount_ui": _ui(answer.book, trade.mint_out, single)},
        "bound": trade.bound,
        "price_impact_bps": trade.price_impact_bps,
    }


def _amount(book: MintBook, mint: str, amount: int) -> dict[str, Any]:
    info = book.mints.get(mint)
    return {
        "mint": mint,
        "symbol": info.symbol if info else short(mint),
        "decimals": info.decimals if info else None,
        "amount": amount,
        "amount_ui": _ui(book, mint, amount),
    }


def _ui(book: MintBook, mint: str, amount: int) -> str | None:
    ui = book.amount_ui(mint, amount)
    return None if ui is None else f"{ui:f}"
