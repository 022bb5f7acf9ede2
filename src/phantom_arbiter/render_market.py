"""Pools, venues and quotes as a person reads them, and the same as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from phantom_arbiter.markets import LoadedMarket
from phantom_arbiter.mints import MintBook, short
from phantom_arbiter.quotes import Answer
from phantom_arbiter.render import plain, print_tidy
from phantom_core import PoolInfo, VenueInfo

SCHEMA = 1


def render_quote(answer: Answer, console: Console) -> None:
    """Print one quote."""
    print_tidy(Group(*_quote(answer)), console)


def _quote(answer: Answer) -> Iterable[RenderableType]:
    quote, book = answer.quote, answer.book
    title = Text(answer.pool, style="bold", overflow="fold")
    yield title
    slot = f", slot {answer.slot}" if answer.slot else ""
    yield Text(f"{answer.venue}{slot}, from {plain(answer.source)}")
    yield Text()
    table = _table(("", "left"), ("", "right"), ("base units", "right"))
    rows = [
        ("in" if answer.exact == "out" else "in (exact)", answer.mint_in, quote.amount_in),
        ("out" if answer.exact == "in" else "out (exact)", answer.mint_out, quote.amount_out),
        ("pool fee", answer.fee_mint, quote.fee),
    ]
    if quote.input_transfer_fee:
        rows.append(("transfer fee in", answer.mint_in, quote.input_transfer_fee))
    if quote.output_transfer_fee:
        rows.append(("transfer fee out", answer.mint_out, quote.output_transfer_fee))
    for name, mint, amount in rows:
        table.add_row(name, _tokens(book, mint, amount), f"{amount:,}")
    price = answer.spot_price_ui
    pair = f"{plain(book.symbol(answer.mint_out))} per {plain(book.symbol(answer.mint_in))}"
    if price is None:
        table.add_row("price before fees", f"{float(answer.spot_price):.12g}", "out per in")
    else:
        table.add_row("price before fees", f"{price:f} {pair}", "")
    table.add_row("price impact", f"{answer.price_impact:.4%}", "")
    yield table


def _tokens(book: MintBook, mint: str, amount: int) -> str:
    ui = book.amount_ui(mint, amount)
    symbol = plain(book.symbol(mint))
    return symbol if ui is None else f"{ui:,f} {symbol}"


def render_pools(
    loaded: LoadedMarket, shown: Sequence[PoolInfo], known: Sequence[PoolInfo], console: Console
) -> None:
    """Print the pools in `shown`, two lines each, those set aside last within their venue."""
    print_tidy(Group(*_pools(loaded, shown, known)), console)


def _pools(
    loaded: LoadedMarket, shown: Sequence[PoolInfo], known: Sequence[PoolInfo]
) -> Iterable[RenderableType]:
    yield Text(plain(loaded.name), style="bold")
    yield Text(standing_of(known), overflow="fold")
    if not shown:
        return
    yield Text()
    table = _table(("pool", "left"), ("pair", "left"), ("depth", "right"))
    table.columns[0].no_wrap = True
    for pool in sorted(shown, key=lambda pool: (pool.venue, pool.set_aside_reason is not None)):
        book = loaded.book_of((pool.mint_a, pool.mint_b))
        first, second = plain(book.symbol(pool.mint_a)), plain(book.symbol(pool.mint_b))
        slot = f", slot {pool.slot}" if pool.slot else ""
        why = f"\n{pool.set_aside_reason}" if pool.set_aside_reason else ""
        table.add_row(
            f"{pool.pool}\n{pool.venue}{slot}{why}",
            f"{first}/{second}\n{_fee(pool)}",
            f"{_depth(book, pool.mint_a, pool.depth[0])}\n{_depth(book, pool.mint_b, pool.depth[1])}",
            style="" if pool.set_aside_reason is None else "dim",
        )
    yield table


def set_aside_reasons(known: Iterable[PoolInfo]) -> dict[str, int]:
    """Return how many pools are set aside for each reason."""
    reasons = Counter(pool.set_aside_reason for pool in known if pool.set_aside_reason is not None)
    return dict(sorted(reasons.items()))


def standing_of(known: Sequence[PoolInfo]) -> str:
    """Return in words how many pools there are, and how many are set aside why."""
    reasons = set_aside_reasons(known)
    words = ", ".join(f"{reason} {count:,}" for reason, count in reasons.items())
    return f"{len(known):,} pools, {sum(reasons.values()):,} set aside{f': {words}' if words else ''}"


def _fee(pool: PoolInfo) -> str:
    sides = [f"{rate / 1e7:.4f}".rstrip("0").rstrip(".") for rate in pool.fee_rate_e9]
    return f"{sides[0]} %" if sides[0] == sides[1] else f"{sides[0]} / {sides[1]} %"


def _depth(book: MintBook, mint: str, amount: int) -> str:
    ui = book.amount_ui(mint, amount)
    return f"{_compact(Decimal(amount))} units" if ui is None else _compact(ui)


def _compact(amount: Decimal) -> str:
    """Return an amount short enough for a column; `--json` has all digits."""
    for power, suffix in ((15, "P"), (12, "T"), (9, "G"), (6, "M")):
        if amount >= Decimal(10) ** power:
            return f"{amount.scaleb(-power):,.2f}{suffix}"
    return f"{amount:,.2f}" if amount.as_tuple().exponent else f"{amount:,}"


def pools_to_json(loaded: LoadedMarket, shown: Sequence[PoolInfo]) -> dict[str, Any]:
    """Return pools for machines: fees in 1e-9 of the amount, depth in base units, for token A and B."""
    return {"schema": SCHEMA, "source": loaded.name, "pools": [_pool_json(loaded, pool) for pool in shown]}


def _pool_json(loaded: LoadedMarket, pool: PoolInfo) -> dict[str, Any]:
    return {
        "pool": pool.pool,
        "venue": pool.venue,
        "program": pool.program,
        "mints": [_mint_json(loaded, mint) for mint in (pool.mint_a, pool.mint_b)],
        "fee_rate_e9": list(pool.fee_rate_e9),
        "depth": list(pool.depth),
        "liquidity": pool.liquidity,
        "slot": pool.slot,
        "details": pool.details,
        "set_aside_reason": pool.set_aside_reason,
        "set_aside_detail": pool.set_aside_detail,
    }


def _mint_json(loaded: LoadedMarket, mint: str) -> dict[str, Any]:
    info = loaded.info(mint)
    return {
        "mint": mint,
        "symbol": info.symbol if info else None,
        "decimals": info.decimals if info else None,
    }


def render_venues(loaded: LoadedMarket, console: Console) -> None:
    """Print every venue, and what to do about one in quarantine."""
    print_tidy(Group(*_venues(loaded)), console)


def _venues(loaded: LoadedMarket) -> Iterable[RenderableType]:
    venues = loaded.venues()
    yield Text(plain(loaded.name), style="bold")
    yield Text()
    table = _table(("venue", "left"), ("pools", "right"), ("standing", "left"), ("programs", "left"))
    for venue in venues:
        table.add_row(
            venue.venue,
            f"{venue.pools:,}",
            _standing(venue),
            ", ".join(short(each) for each in venue.programs),
        )
    yield table
    for venue in venues:
        for sign in venue.signs:
            yield Text(f"{venue.venue}: {plain(sign)}", overflow="fold")
    quarantined = [venue.venue for venue in venues if venue.is_quarantined]
    if quarantined:
        yield Text()
        yield Text(
            f"Pools of {', '.join(quarantined)} are set aside: the program may have changed since its "
            "code here was verified. Compare quotes with the chain; then release it with --release-venue or "
            "with release_venues under [market] in the settings.",
            overflow="fold",
        )


def _standing(venue: VenueInfo) -> str:
    if venue.is_quarantined:
        return "quarantined"
    return "released" if venue.is_released else "sound"


def venues_to_json(loaded: LoadedMarket) -> dict[str, Any]:
    """Return venues for machines."""
    rows = [
        {
            "venue": venue.venue,
            "programs": venue.programs,
            "pools": venue.pools,
            "is_quarantined": venue.is_quarantined,
            "is_released": venue.is_released,
            "signs": venue.signs,
        }
        for venue in loaded.venues()
    ]
    return {"schema": SCHEMA, "source": loaded.name, "venues": rows}


def _table(*columns: tuple[str, str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for name, justify in columns:
        table.add_column(name, justify="right" if justify == "right" else "left", overflow="fold")
    return table
