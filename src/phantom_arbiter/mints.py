"""How mints and amounts are shown: symbols where they are known, base units where they are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any

MAX_DECIMALS = 255
"""The mint account stores its decimals in one byte."""


@dataclass(frozen=True, slots=True)
class MintInfo:
    """Display facts of one mint: they change nothing but how numbers look."""

    symbol: str
    decimals: int


@dataclass(frozen=True, slots=True)
class MintBook:
    """Display facts by mint address."""

    mints: Mapping[str, MintInfo] = field(default_factory=lambda: MappingProxyType({}))

    def symbol(self, mint: str) -> str:
        """Return the symbol, or the shortened address of an unknown mint."""
        info = self.mints.get(mint)
        return info.symbol if info else short(mint)

    def amount_ui(self, mint: str, amount: int) -> Decimal | None:
        """Return `amount` base units in whole tokens, exactly; `None` if the decimals are not known."""
        info = self.mints.get(mint)
        if info is None:
            return None
        sign, digits, _ = Decimal(amount).as_tuple()
        return Decimal((sign, digits, -info.decimals))

    def amount(self, mint: str, amount: int, *, places: int | None = None) -> str:
        """Return the amount in words: `1,234.567890 USDC`, or `1,234 units of 7qbR…9fKz`.

        Args:
            mint: What the amount is of.
            amount: Base units.
            places: Digits after the point; all of them if `None`. Rounds half to even, for display only.
        """
        ui = self.amount_ui(mint, amount)
        if ui is None:
            return f"{amount:,} units of {short(mint)}"
        digits = self.mints[mint].decimals if places is None else min(places, self.mints[mint].decimals)
        return f"{ui:,.{digits}f} {self.symbol(mint)}"


WELL_KNOWN_MINTS: Mapping[str, MintInfo] = MappingProxyType(
    {
        "So11111111111111111111111111111111111111112": MintInfo("SOL", 9),
        "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v": MintInfo("USDC", 6),
        "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB": MintInfo("USDT", 6),
        "mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So": MintInfo("mSOL", 9),
        "7dHbWXmci3dT8UFYWYZweBLXgycu7Y3iL6trKn1Y7ARj": MintInfo("stSOL", 9),
        "J1toso1uCk3RLmjorhTtrVwY9HJ7X8V9yYac6Y7kGCPn": MintInfo("JitoSOL", 9),
        "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263": MintInfo("BONK", 5),
        "4k3Dyjzvzp8eMZWUXbBCjEvwSkkk59S5iCNLY3QrkX6R": MintInfo("RAY", 6),
        "orcaEKTdK7LKz57vaAYr9QeNsVEPfiu6QeMU1kektZE": MintInfo("ORCA", 6),
        "7vfCXTUXx5WJV5JADk17DUJ4ksgau7utNKj4b963voxs": MintInfo("ETH", 8),
        "3NZ9JMVBmGAqocybic2c7LQCJScmgsAZ6vQqTDzcqmJh": MintInfo("WBTC", 8),
    }
)
"""Mints that a person knows by name; a mint's decimals never change. Source: the public Solana token list
(`tests/data/whirlpools-2023-03-31/tokens.csv`)."""


def short(address: str) -> str:
    """Return an address as its first and last four characters."""
    return address if len(address) <= 11 else f"{address[:4]}…{address[-4:]}"


def mint_book(metadata: object) -> MintBook:
    """Return the mints of a recording's header, `{address: {symbol, decimals}}`; unfit ones are left out."""
    if not isinstance(metadata, Mapping):
        return MintBook()
    return MintBook(
        MappingProxyType(
            {str(mint): info for mint, entry in metadata.items() if (info := _info(entry)) is not None}
        )
    )


def _info(entry: Any) -> MintInfo | None:
    if not isinstance(entry, Mapping):
        return None
    symbol, decimals = entry.get("symbol"), entry.get("decimals")
    if not isinstance(symbol, str) or not symbol.isprintable() or not 0 < len(symbol) <= 16:
        return None
    if not isinstance(decimals, int) or isinstance(decimals, bool) or not 0 <= decimals <= MAX_DECIMALS:
        return None
    return MintInfo(symbol, decimals)
