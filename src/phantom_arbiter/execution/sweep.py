"""Empty token accounts and those with dust: whose rent can come back, and what closes them."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from phantom_arbiter.config_types import WSOL
from phantom_arbiter.execution.admin import Operator
from phantom_arbiter.execution.chain import (
    TOKEN_2022_PROGRAM,
    ChainAccount,
    read_accounts,
    read_token_accounts,
)
from phantom_arbiter.execution.instructions import burn_tokens
from phantom_arbiter.execution.token_accounts import TOKEN_ACCOUNT_BYTES, account_bytes, extensions
from phantom_core import Address, Instruction, close_token_account

PER_TRANSACTION: Final = 8
"""Accounts closed by one transaction; with a burn each takes some 85 of its 1,232 bytes."""

MIN_DECIMALS: Final = 3
"""Of mints with fewer nothing is dust: a base unit may be a whole piece."""

_TRANSFER_FEE_AMOUNT: Final = 2
_CONFIDENTIAL: Final = 5

Kind = Literal["empty", "dust", "held", "kept", "stuck"]


@dataclass(frozen=True, slots=True)
class Holding:
    """One token account of the wallet.

    Attributes:
        address: The account.
        mint: Of which it is.
        program: Its token program.
        amount: Base units.
        lamports: What closing it returns; of wrapped SOL the amount with it.
        kind: `empty`; `dust`: no more than the bound; `held`; `kept`: of a mint that is traded; `stuck`: it
            cannot be closed by us.
        why: Of `stuck`, in words.
    """

    address: str
    mint: str
    program: str
    amount: int
    lamports: int
    kind: Kind
    why: str = ""


def judge(
    account: ChainAccount,
    wallet: str,
    *,
    max_dust: int,
    keep: Collection[str],
    decimals: int | None = None,
) -> Holding | None:
    """Return what a token account of the wallet is worth keeping for; None if it is none.

    Args:
        account: The account.
        wallet: Whose it should be.
        max_dust: Greatest amount that counts as dust, base units; never of wrapped SOL.
        keep: Mints whose accounts stay, such as those that cycles begin with, and single accounts.
        decimals: Of its mint; None: not known. Of a mint with few, one base unit may be worth much.
    """
    data = account.data
    if len(data) < TOKEN_ACCOUNT_BYTES or data[32:64] != bytes(Address(wallet)) or data[108] == 0:
        return None
    mint = str(Address(data[:32]))
    amount = int.from_bytes(data[64:72], "little")

    def holding(kind: Kind, why: str = "") -> Holding:
        return Holding(account.address, mint, account.owner, amount, account.lamports, kind, why)

    if mint in keep or account.address in keep:
        return holding("kept")
    if data[129:133] != bytes(4) and data[133:165] != bytes(Address(wallet)):
        return holding("stuck", "somebody else may close it")
    if account.owner == TOKEN_2022_PROGRAM:
        why = _stuck(data)
        if why:
            return holding("stuck", why)
    if amount == 0:
        return holding("empty")
    if mint == WSOL or amount > max_dust:
        return holding("held")
    if data[108] == 2:
        return holding("stuck", "it is frozen")
    return holding("held" if decimals is None or decimals < MIN_DECIMALS else "dust")


def _stuck(data: bytes) -> str:
    try:
        found = extensions(data)
    except ValueError as error:
        return str(error)
    for kind, value in found:
        if kind == _TRANSFER_FEE_AMOUNT and any(value):
            return "it holds transfer fees that the mint's owner has not collected"
        if kind == _CONFIDENTIAL:
            return "it may hold a confidential balance"
    return ""


async def holdings(operator: Operator, *, max_dust: int = 0, keep: Collection[str] = ()) -> list[Holding]:
    """Return the wallet's token accounts, those that can be closed first.

    Raises:
        EndpointError: No endpoint gave a good answer.
    """
    accounts = await read_token_accounts(operator.rpc, operator.address)
    decimals = await _decimals(operator, accounts, max_dust)
    found = [
        judge(
            each,
            operator.address,
            max_dust=max_dust,
            keep=keep,
            decimals=decimals.get(bytes(each.data[:32])),
        )
        for each in accounts
    ]
    order = ("empty", "dust", "stuck", "kept", "held")
    return sorted(
        (each for each in found if each is not None),
        key=lambda each: (order.index(each.kind), each.mint, each.address),
    )


async def _decimals(operator: Operator, accounts: Sequence[ChainAccount], max_dust: int) -> dict[bytes, int]:
    """Return the decimals of the mints of which there may be dust, of those that can be read."""
    whole = [each.data for each in accounts if len(each.data) >= TOKEN_ACCOUNT_BYTES]
    dust = [data for data in whole if 0 < int.from_bytes(data[64:72], "little") <= max_dust]
    asked = [str(Address(data[:32])) for data in dust]
    found = {}
    for mint, account in (await read_accounts(operator.rpc, asked)).items():
        if account is None:
            continue
        with contextlib.suppress(ValueError):
            account_bytes(account)  # it is a mint
            found[bytes(Address(mint))] = account.data[44]
    return found


def closing(holding: Holding, wallet: str) -> list[Instruction]:
    """Return what closes an account; dust is burned before."""
    made = []
    if holding.kind == "dust":
        made.append(burn_tokens(holding.address, holding.mint, wallet, holding.program, holding.amount))
    return [*made, close_token_account(holding.address, wallet, wallet, holding.program)]


def batches(chosen: Sequence[Holding]) -> list[Sequence[Holding]]:
    """Return the accounts by transaction."""
    return [chosen[start : start + PER_TRANSACTION] for start in range(0, len(chosen), PER_TRANSACTION)]


async def sweep(operator: Operator, chosen: Sequence[Holding]) -> int:
    """Close accounts and return the lamports that came back.

    An account is looked at once more before it is closed: one that has filled since stays.

    Raises:
        TransactionFailed: A transaction failed; those before it are done.
        EndpointError: No endpoint answers.
    """
    back = 0
    groups = batches(chosen)
    for number, group in enumerate(groups, start=1):
        now = await read_accounts(operator.rpc, [each.address for each in group])
        same = [each for each in group if _unchanged(each, now[each.address])]
        if not same:
            continue
        made = [one for each in same for one in closing(each, operator.address)]
        await operator.carry_out(made, f"closing {len(same)} token accounts, {number} of {len(groups)}")
        back += sum(each.lamports for each in same)
    return back


def _unchanged(holding: Holding, account: ChainAccount | None) -> bool:
    return account is not None and int.from_bytes(account.data[64:72], "little") == holding.amount


__all__ = ["Holding", "batches", "closing", "holdings", "judge", "sweep"]
