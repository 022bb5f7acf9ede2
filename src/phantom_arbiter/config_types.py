"""The kinds of values that settings hold, and the table they stand in."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

WSOL = "So11111111111111111111111111111111111111112"
"""The native mint of SPL Token: wrapped SOL, 9 decimals."""

USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
"""Circle's USD Coin on Solana mainnet, 6 decimals."""

MAX_AMOUNT = 2**63 - 1
"""The largest amount the journal holds (`journal/schema.py`)."""


def _plain_address(address: str, of: str) -> str:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    if not 32 <= len(address) <= 44 or set(address) - set(alphabet):
        raise ValueError(f"{of}, 32 to 44 base58 characters")
    return address


def _plain_mint(address: str) -> str:
    return _plain_address(address, "a mint address")


def _plain_pool(address: str) -> str:
    return _plain_address(address, "a pool address")


def _plain_program(address: str) -> str:
    return _plain_address(address, "a program address")


def _plain_account(address: str) -> str:
    return _plain_address(address, "an account address")


def share_e4(share: float) -> int:
    """Return a share of 0 to 1 in the 1/10,000 that the native engine counts in.

    Raises:
        ValueError: It is no whole number of them.
    """
    e4 = Decimal(repr(share)) * 10_000
    if e4 != int(e4) or not 0 <= e4 <= 10_000:
        raise ValueError("a share from 0 to 1 with at most four decimals")
    return int(e4)


def _whole_share(share: float) -> float:
    share_e4(share)
    return share


Mint = Annotated[str, AfterValidator(_plain_mint)]
Pool = Annotated[str, AfterValidator(_plain_pool)]
Account = Annotated[str, AfterValidator(_plain_account)]
Program = Annotated[str, AfterValidator(_plain_program)]
Amount = Annotated[int, Field(ge=0, le=MAX_AMOUNT, strict=True)]
PositiveAmount = Annotated[int, Field(ge=1, le=MAX_AMOUNT, strict=True)]
SlotNumber = Annotated[int, Field(ge=0, le=2**64 - 1, strict=True)]
Count = Annotated[int, Field(ge=0, le=2**32 - 1)]
Lamports = Annotated[int, Field(ge=0, le=MAX_AMOUNT)]
SignedLamports = Annotated[int, Field(ge=-MAX_AMOUNT, le=MAX_AMOUNT)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), AfterValidator(_whole_share)]
FilePath = Annotated[Path, PlainSerializer(str, return_type=str)]


class Section(BaseModel):
    """A table of settings: frozen, unknown keys refused."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True
    )
