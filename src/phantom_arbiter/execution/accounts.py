"""Accounts as they go into a rehearsal: what the engine holds, and what was read for it over RPC.

A source knows of an address what is there, or that nothing is there, or nothing at all. The last must never
be taken for the second: a transaction rehearsed without an account that exists proves nothing.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Protocol

from phantom_arbiter.sources.endpoints import Commitment
from phantom_arbiter.sources.rpc import RpcPool

TOKEN_PROGRAM: Final = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
TOKEN_2022_PROGRAM: Final = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
TOKEN_PROGRAMS: Final = frozenset({TOKEN_PROGRAM, TOKEN_2022_PROGRAM})
CLOCK_SYSVAR: Final = "SysvarC1ock11111111111111111111111111111111"
LAMPORTS_PER_BYTE: Final = 6_960
"""Lamports a byte for two years of rent, which exempts an account from it (sdk rent)."""
ACCOUNT_OVERHEAD: Final = 128
"""Bytes that rent counts for an account besides its data (sdk rent)."""
_TOKEN_ACCOUNT_LEN: Final = 165
_AMOUNT_AT, _NATIVE_AT, _NATIVE_RENT_AT = 64, 109, 113


class Existence(Enum):
    """What stands for an account where there is none."""

    ABSENT = "absent"
    """The account is known not to exist."""


ABSENT: Final = Existence.ABSENT


@dataclass(frozen=True, slots=True)
class AccountBytes:
    """An account as the chain holds it.

    Attributes:
        owner: The program that owns it, base58.
        lamports: Its balance.
        data: All of its data.
        executable: Whether it is a program.
        slot: Slot of the state, 0 if that is not known.
    """

    owner: str
    lamports: int
    data: bytes = field(repr=False)
    executable: bool = False
    slot: int = 0


Known = AccountBytes | Existence
"""An account, or that there is none."""


class AccountSource(Protocol):
    """Whoever knows accounts without having to ask."""

    def known(self, addresses: Sequence[str]) -> list[Known | None]:
        """Return what is known of each address, None for nothing at all."""
        ...


class AccountReader(Protocol):
    """Whoever can read accounts from the chain."""

    def read(self, addresses: Sequence[str]) -> AsyncIterator[tuple[int, dict[str, AccountBytes | None]]]:
        """Give slot and accounts of each batch as it arrives, None for one that does not exist."""
        ...


class _Held(Protocol):
    """An account as the native engine gives it."""

    @property
    def exists(self) -> bool: ...
    @property
    def owner(self) -> str: ...
    @property
    def data(self) -> bytes: ...
    @property
    def lamports(self) -> int: ...
    @property
    def slot(self) -> int: ...


class HoldsAccounts(Protocol):
    """The part of the native engine that is needed here."""

    def held_accounts(self, addresses: Sequence[str]) -> Sequence[_Held | None]:
        """Return the last applied state of each account, None for what was never applied."""
        ...


class EngineAccounts:
    """What the engine holds, exactly as its quotes see it; made with `EngineConfig(keep_accounts=True)`."""

    def __init__(self, engine: HoldsAccounts) -> None:
        self._engine = engine

    def known(self, addresses: Sequence[str]) -> list[Known | None]:
        """Return what the engine holds of each address."""
        found: list[Known | None] = []
        for held in self._engine.held_accounts(addresses):
            if held is None:
                found.append(None)
            elif not held.exists:
                found.append(ABSENT)
            else:
                found.append(AccountBytes(held.owner, held.lamports, held.data, slot=held.slot))
        return found


class AccountCache:
    """Accounts that were read over RPC: wallet, token accounts, lookup tables, what no pool's quote reads."""

    def __init__(self) -> None:
        self._accounts: dict[str, Known] = {}
        self._slots: dict[str, int] = {}

    def known(self, addresses: Sequence[str]) -> list[Known | None]:
        """Return what was read last of each address."""
        return [self._accounts.get(address) for address in addresses]

    def put(self, address: str, account: AccountBytes | None, slot: int | None = None) -> None:
        """Take a state, unless a newer one is known; None: the account does not exist.

        Args:
            address: Whose state.
            account: The state.
            slot: Slot of the state; None: that of `account`. Of a slot of 0, not known, it is always taken.
        """
        if slot is None:
            slot = 0 if account is None else account.slot
        if slot and slot < self._slots.get(address, 0):
            return
        self._slots[address] = slot
        self._accounts[address] = ABSENT if account is None else account

    def forget(self, addresses: Iterable[str]) -> None:
        """Let go of what is known of some addresses."""
        for address in addresses:
            self._accounts.pop(address, None)
            self._slots.pop(address, None)

    async def refresh(self, reader: AccountReader, addresses: Sequence[str]) -> None:
        """Read addresses anew; what arrives is known at once.

        Raises:
            EndpointError: Some could not be read; what was known of them before stays.
        """
        async for slot, found in reader.read(list(dict.fromkeys(addresses))):
            for address, account in found.items():
                self.put(address, account, slot)

    def __len__(self) -> int:
        return len(self._accounts)


class RpcAccounts:
    """Reads accounts at the best endpoints of a pool."""

    def __init__(self, pool: RpcPool, *, commitment: Commitment = "confirmed") -> None:
        self._pool, self._commitment = pool, commitment

    async def read(
        self, addresses: Sequence[str]
    ) -> AsyncIterator[tuple[int, dict[str, AccountBytes | None]]]:
        """Give slot and accounts of each batch as it arrives, None for one that does not exist.

        Raises:
            EndpointError: No endpoint gave a good answer.
        """
        async for batch, answers in self._pool.accounts(addresses, commitment=self._commitment):
            result = answers[0].result
            slot = int(result["context"]["slot"])
            yield (
                slot,
                {
                    address: None if account is None else account_of(account, slot)
                    for address, account in zip(batch, result["value"], strict=True)
                },
            )


def account_of(account: dict[str, Any], slot: int) -> AccountBytes:
    """Return an account as RPC nodes show it, in base64."""
    data = base64.b64decode(account["data"][0])
    return AccountBytes(account["owner"], account["lamports"], data, account["executable"], slot)


def least_lamports(owner: str, data: bytes) -> int:
    """Return the fewest lamports that such an account can hold: rent, and the wrapped SOL it tells of."""
    rent = (ACCOUNT_OVERHEAD + len(data)) * LAMPORTS_PER_BYTE
    if owner == TOKEN_PROGRAM and len(data) == _TOKEN_ACCOUNT_LEN and data[_NATIVE_AT] == 1:
        amount = int.from_bytes(data[_AMOUNT_AT : _AMOUNT_AT + 8], "little")
        return amount + int.from_bytes(data[_NATIVE_RENT_AT : _NATIVE_RENT_AT + 8], "little")
    return rent
