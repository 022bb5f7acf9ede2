"""Balances of token accounts as nodes show them beside a transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from phantom_arbiter.localnet.accounts import (
    TOKEN_2022_PROGRAM,
    TOKEN_ACCOUNT_LEN,
    TOKEN_PROGRAM,
    AccountState,
)
from phantom_core import Address

TOKEN_PROGRAMS: Final = (TOKEN_PROGRAM, TOKEN_2022_PROGRAM)
_KIND_AT, _ACCOUNT_KIND = 165, 2
"""Token-2022: the byte after the base tells accounts from mints."""
_MINT_DECIMALS_AT: Final = 44


def is_token_account(state: AccountState | None) -> bool:
    """Return whether an account holds tokens."""
    if state is None or state.owner not in TOKEN_PROGRAMS or len(state.data) < TOKEN_ACCOUNT_LEN:
        return False
    return len(state.data) == TOKEN_ACCOUNT_LEN or state.data[_KIND_AT] == _ACCOUNT_KIND


def mint_of(state: AccountState) -> str:
    """Return the mint of a token account."""
    return str(Address(state.data[:32]))


def decimals_of(mint: AccountState | None) -> int | None:
    """Return a mint's decimals; None if the account is no mint."""
    if mint is None or mint.owner not in TOKEN_PROGRAMS or len(mint.data) <= _MINT_DECIMALS_AT:
        return None
    return mint.data[_MINT_DECIMALS_AT]


def decimals_by_mint(
    states: list[AccountState | None], mint_state: Callable[[str], AccountState | None]
) -> dict[str, int]:
    """Return the decimals of all mints of which `states` hold tokens; unknown mints are left out."""
    mints = {mint_of(state) for state in states if state is not None and is_token_account(state)}
    found = {mint: decimals_of(mint_state(mint)) for mint in sorted(mints)}
    return {mint: decimals for mint, decimals in found.items() if decimals is not None}


def amount_json(amount: int, decimals: int) -> dict[str, Any]:
    """Return a token amount as nodes show it."""
    whole, rest = divmod(amount, 10**decimals)
    text = f"{whole}.{rest:0{decimals}d}".rstrip("0").rstrip(".") if decimals else str(whole)
    return {
        "amount": str(amount),
        "decimals": decimals,
        "uiAmount": amount / 10**decimals,
        "uiAmountString": text,
    }


def token_balances(
    keys: list[str], states: dict[str, AccountState | None], decimals: dict[str, int]
) -> list[dict[str, Any]]:
    """Return the balances of those accounts that hold tokens, as pre- and postTokenBalances show them.

    Accounts whose mint is not among `decimals` are left out, as nodes do with mints that they cannot read.
    """
    found = []
    for index, key in enumerate(keys):
        state = states[key]
        if state is None or not is_token_account(state) or (mint := mint_of(state)) not in decimals:
            continue
        amount = int.from_bytes(state.data[64:72], "little")
        found.append(
            {
                "accountIndex": index,
                "mint": mint,
                "owner": str(Address(state.data[32:64])),
                "programId": state.owner,
                "uiTokenAmount": amount_json(amount, decimals[mint]),
            }
        )
    return found
