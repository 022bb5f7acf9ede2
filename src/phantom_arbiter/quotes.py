"""One quote with everything that stands beside it, as `phantom quote` shows it.

The JSON's keys are stable. Amounts are base units; `…_ui` is the same in whole tokens as a decimal string,
null if the mint's decimals are not known::

    schema          1
    ok              true; false for a refusal
    source, pool, venue, slot, exact
    input, output   mint, symbol, decimals, amount, amount_ui, transfer_fee (kept by the mint)
    fee             mint, amount, amount_ui: what the pool and its program keep
    spot_price      numerator, denominator: base units out per base unit in before any fee; ui
    price_impact    part of the output lost by size alone, a float
    error           of a refusal: name, code, values, message
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, Literal

from phantom_arbiter.errors import ConfigError, MarketDataError, SwapRefused
from phantom_arbiter.markets import LoadedMarket, parse_amount
from phantom_arbiter.mints import WELL_KNOWN_MINTS, MintBook
from phantom_core import Pool, Quote

SCHEMA = 1
PRICE_DIGITS = 12
"""Significant digits of a price for people; the exact fraction is in the JSON."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A quote, the pool it is of, and the prices around it; `slot` is that of the pool's state."""

    source: str
    pool: str
    venue: str
    slot: int
    exact: Literal["in", "out"]
    mint_in: str
    mint_out: str
    quote: Quote
    spot_price: Fraction
    price_impact: float
    book: MintBook

    @property
    def fee_mint(self) -> str:
        """The mint in which the pool keeps its fee."""
        return self.mint_in if self.quote.fee_on_input else self.mint_out

    @property
    def spot_price_ui(self) -> Decimal | None:
        """Whole tokens out per whole token in, to `PRICE_DIGITS`; None if decimals are not known."""
        known = self.book.mints
        if self.mint_in not in known or self.mint_out not in known:
            return None
        shift = known[self.mint_in].decimals - known[self.mint_out].decimals
        price = self.spot_price * Fraction(10) ** shift
        return Context(prec=PRICE_DIGITS).divide(Decimal(price.numerator), Decimal(price.denominator))


def ask(loaded: LoadedMarket, address: str, amount: str, mint: str, exact: Literal["in", "out"]) -> Answer:
    """Return the quote that the words mean.

    Raises:
        ConfigError: A word is wrong: which, what it may be.
        MarketDataError: The pool is set aside.
        SwapRefused: The program would refuse.
    """
    pool = loaded.pool(address)
    book = loaded.book_of(pool.mints)
    mint_in, mint_out = _sides(pool, mint, book)
    of = mint_in if exact == "in" else mint_out
    units = parse_amount(amount, of, book.mints.get(of))
    if units >= 2**64:
        raise ConfigError(f"AMOUNT is {amount}: more base units than fit 64 bits")
    try:
        quote = pool.quote(units, mint_in=mint_in, exact=exact)
        impact = pool.price_impact(units, mint_in=mint_in, exact=exact)
        spot = pool.spot_price(mint_in=mint_in)
    except MarketDataError as error:
        if hint := cure_of(error.reason):
            error.args = (f"{error}; hint: {hint}",)
        raise
    summary = pool.summary()
    return Answer(
        loaded.name,
        pool.address,
        pool.venue,
        summary.slot,
        exact,
        mint_in,
        mint_out,
        quote,
        spot,
        impact,
        book,
    )


def cure_of(reason: str | None) -> str | None:
    """Return which option may help a pool that is set aside for this reason, if one may."""
    if reason == "missing_mint":
        return "--assume-plain-mints if the mint is known to charge no transfer fee"
    if reason == "quarantined":
        return "phantom venues shows why; --release-venue lets it trade all the same"
    if (reason or "").startswith("missing_"):
        return "--complete if the source holds every account of the pool"
    return None


def _sides(pool: Pool, mint: str, book: MintBook) -> tuple[str, str]:
    mints: tuple[str, str] = pool.mints
    # A recording may have its own word for what everybody knows by another.
    matches = [one for one in mints if mint in (one, book.symbol(one), _well_known(one))]
    if len(matches) != 1:
        known = " and ".join(f"{one} ({book.symbol(one)})" for one in mints)
        raise ConfigError(f"--mint is {mint}, the pool trades {known}")
    mint_in = matches[0]
    return mint_in, mints[1] if mint_in == mints[0] else mints[0]


def _well_known(mint: str) -> str | None:
    info = WELL_KNOWN_MINTS.get(mint)
    return info.symbol if info else None


def to_json(answer: Answer) -> dict[str, Any]:
    """Return the answer under the keys that the module lists."""
    quote = answer.quote
    return {
        "schema": SCHEMA,
        "ok": True,
        "source": answer.source,
        "pool": answer.pool,
        "venue": answer.venue,
        "slot": answer.slot,
        "exact": answer.exact,
        "input": _amount(answer, answer.mint_in, quote.amount_in, quote.input_transfer_fee),
        "output": _amount(answer, answer.mint_out, quote.amount_out, quote.output_transfer_fee),
        "fee": {
            "mint": answer.fee_mint,
            "amount": quote.fee,
            "amount_ui": _ui(answer.book, answer.fee_mint, quote.fee),
        },
        "spot_price": {
            "numerator": answer.spot_price.numerator,
            "denominator": answer.spot_price.denominator,
            "ui": None if answer.spot_price_ui is None else str(answer.spot_price_ui),
        },
        "price_impact": answer.price_impact,
    }


def _amount(answer: Answer, mint: str, amount: int, transfer_fee: int) -> dict[str, Any]:
    info = answer.book.mints.get(mint)
    return {
        "mint": mint,
        "symbol": info.symbol if info else None,
        "decimals": info.decimals if info else None,
        "amount": amount,
        "amount_ui": _ui(answer.book, mint, amount),
        "transfer_fee": transfer_fee,
    }


def _ui(book: MintBook, mint: str, amount: int) -> str | None:
    ui = book.amount_ui(mint, amount)
    return None if ui is None else f"{ui:f}"


def refusal_to_json(source: str, pool: str, error: SwapRefused) -> dict[str, Any]:
    """Return a refusal of the program under the keys that the module lists."""
    named = {"name": error.name, "code": error.code, "values": error.values, "message": str(error)}
    return {"schema": SCHEMA, "ok": False, "source": source, "pool": pool, "error": named}
