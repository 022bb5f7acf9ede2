"""Reads of the chain that execution needs, each checked for its shape, over anything that calls nodes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Protocol

from phantom_arbiter.errors import InvalidInput
from phantom_arbiter.sources.rpc_pool.checks import check_accounts, check_address
from phantom_arbiter.sources.rpc_pool.wire import context_slot, is_slot
from phantom_core import Address

MAX_ACCOUNTS = 100
"""Addresses in one `getMultipleAccounts`; rpc.rs `MAX_MULTIPLE_ACCOUNTS`."""

SYSTEM_PROGRAM = "11111111111111111111111111111111"
TOKEN_PROGRAM = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
TOKEN_2022_PROGRAM = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"

Commitment = Literal["processed", "confirmed", "finalized"]


class Answered(Protocol):
    """A good answer, as `RpcPool` gives it."""

    @property
    def endpoint(self) -> str:
        """Who gave it."""
        ...

    @property
    def result(self) -> Any:
        """What it holds."""
        ...

    @property
    def slot(self) -> int | None:
        """Slot at which it held; None if the method does not say."""
        ...


class Rpc(Protocol):
    """Calls methods of nodes, as `RpcPool` does."""

    async def call(
        self,
        method: str,
        params: Sequence[Any] = (),
        *,
        wanted_slot: int | None = None,
        check: Callable[[Any], None] = ...,
        endpoint: str | None = None,
        hedge: bool = True,
        timeout_s: float | None = None,
    ) -> Answered:
        """Return the answer to a call that may be sent twice, of one endpoint if it is named."""
        ...


@dataclass(frozen=True, slots=True)
class ChainAccount:
    """An account as a node tells of it.

    Attributes:
        address: Its address.
        owner: The program that owns it.
        lamports: Its balance.
        data: What it holds.
        slot: At which that was so.
    """

    address: str
    owner: str
    lamports: int
    data: bytes = field(repr=False)
    slot: int


@dataclass(frozen=True, slots=True)
class Blockhash:
    """A recent blockhash as one endpoint tells of it.

    Attributes:
        blockhash: Base58.
        last_valid_block_height: Above this block height nothing that is signed with it can land.
        slot: At which it was the newest.
        endpoint: Who told.
    """

    blockhash: str
    last_valid_block_height: int
    slot: int
    endpoint: str


async def read_accounts(
    rpc: Rpc,
    addresses: Iterable[str],
    *,
    commitment: Commitment = "confirmed",
    min_slot: int | None = None,
    endpoint: str | None = None,
) -> dict[str, ChainAccount | None]:
    """Return accounts by address, None for those that do not exist; batches may hold at different slots.

    Raises:
        EndpointError: No endpoint gave a good answer.
    """
    wanted = list(dict.fromkeys(addresses))
    config: dict[str, Any] = {"encoding": "base64", "commitment": commitment}
    if min_slot is not None:
        config["minContextSlot"] = min_slot
    found: dict[str, ChainAccount | None] = {}
    for start in range(0, len(wanted), MAX_ACCOUNTS):
        batch = wanted[start : start + MAX_ACCOUNTS]
        answer = await rpc.call(
            "getMultipleAccounts",
            [batch, config],
            wanted_slot=min_slot,
            check=partial(check_accounts, count=len(batch)),
            endpoint=endpoint,
        )
        for address, value in zip(batch, answer.result["value"], strict=True):
            found[address] = None if value is None else _account(address, value, answer.slot or 0)
    return found


def _account(address: str, value: Mapping[str, Any], slot: int) -> ChainAccount:
    data = base64.b64decode(value["data"][0])
    return ChainAccount(address, value["owner"], value["lamports"], data, slot)


async def read_token_accounts(
    rpc: Rpc, owner: str, *, commitment: Commitment = "confirmed"
) -> list[ChainAccount]:
    """Return all token accounts of an owner, of both token programs.

    Raises:
        EndpointError: No endpoint gave a good answer.
    """
    found = []
    for program in (TOKEN_PROGRAM, TOKEN_2022_PROGRAM):
        config = {"encoding": "base64", "commitment": commitment}
        answer = await rpc.call(
            "getTokenAccountsByOwner", [owner, {"programId": program}, config], check=_check_keyed
        )
        found += [
            _account(entry["pubkey"], entry["account"], answer.slot or 0) for entry in answer.result["value"]
        ]
    return found


def _check_keyed(result: Any) -> None:
    value = result.get("value") if isinstance(result, dict) else None
    if context_slot(result) is None or not isinstance(value, list):
        raise ValueError("no list of accounts")
    for entry in value:
        if not isinstance(entry, dict):
            raise ValueError("an account that is none")
        check_address(entry.get("pubkey"), "address")
    check_accounts({**result, "value": [entry.get("account") for entry in value]}, len(value))
    if any(entry.get("account") is None for entry in value):
        raise ValueError("an account that is none")


async def read_blockhash(
    rpc: Rpc, commitment: Commitment = "confirmed", *, endpoint: str | None = None
) -> Blockhash:
    """Return the newest blockhash at a commitment.

    Raises:
        EndpointError: No endpoint gave a good answer.
    """
    answer = await rpc.call(
        "getLatestBlockhash", [{"commitment": commitment}], check=_check_blockhash, endpoint=endpoint
    )
    value = answer.result["value"]
    slot = answer.slot or 0
    return Blockhash(value["blockhash"], value["lastValidBlockHeight"], slot, answer.endpoint)


def _check_blockhash(result: Any) -> None:
    value = result.get("value") if isinstance(result, dict) else None
    if context_slot(result) is None or not isinstance(value, dict):
        raise ValueError("no blockhash")
    if not is_slot(value.get("lastValidBlockHeight")):
        raise ValueError("a blockhash without last valid block height")
    try:
        Address(str(value.get("blockhash")))
    except InvalidInput:
        raise ValueError("a blockhash that is none") from None


async def read_number(rpc: Rpc, method: str, params: Sequence[Any], *, endpoint: str | None = None) -> int:
    """Return what a method answers with one number: heights, balances of rent, times.

    Raises:
        EndpointError: No endpoint gave a good answer.
    """
    answer = await rpc.call(method, params, check=_check_number, endpoint=endpoint)
    return int(answer.result)


def _check_number(result: Any) -> None:
    if not is_slot(result):
        raise ValueError("no number")


async def read_block_height(
    rpc: Rpc, commitment: Commitment = "confirmed", *, endpoint: str | None = None
) -> int:
    """Return the block height at a commitment.

    Raises:
        EndpointError: No endpoint gave a good answer.
    """
    return await read_number(rpc, "getBlockHeight", [{"commitment": commitment}], endpoint=endpoint)


async def read_rent(rpc: Rpc, length: int) -> int:
    """Return the lamports that exempt an account of `length` bytes from rent.

    Raises:
        EndpointError: No endpoint gave a good answer.
    """
    return await read_number(rpc, "getMinimumBalanceForRentExemption", [length])


__all__ = [
    "MAX_ACCOUNTS",
    "SYSTEM_PROGRAM",
    "TOKEN_2022_PROGRAM",
    "TOKEN_PROGRAM",
    "Answered",
    "Blockhash",
    "ChainAccount",
    "Commitment",
    "Rpc",
    "read_accounts",
    "read_block_height",
    "read_blockhash",
    "read_number",
    "read_rent",
    "read_token_accounts",
]
