"""Address lookup tables: what one holds, whether it may be used, and which addresses are worth one.

A table lets a transaction name an account with one byte instead of 32. Signers, programs that are invoked and
the tip accounts of block engines cannot or should not be named so; they are never planned for.

# Source
address-lookup-table interface, `state.rs`: 56 bytes, then up to 256 addresses.
"""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

from phantom_arbiter.errors import EndpointError
from phantom_arbiter.execution.chain import ChainAccount, Rpc, read_accounts
from phantom_core import TIP_ACCOUNTS, Address

LOOKUP_TABLE_PROGRAM: Final = "AddressLookupTab1e1111111111111111111111111"
MAX_TABLE_ADDRESSES: Final = 256
META_BYTES: Final = 56
NEVER: Final = 2**64 - 1
"""Slot of deactivation of a table in use."""

SAVED_BYTES: Final = 31
"""Bytes of a transaction that each looked-up account saves; each table costs 34."""

MIN_TABLE_ADDRESSES: Final = 3
"""Addresses below which a table is not worth its rent: two save less than the table costs."""

_META = struct.Struct("<IQQBB32s2x")

Fault = Literal["missing", "no_table", "deactivated", "foreign"]


@dataclass(frozen=True, slots=True)
class Table:
    """A lookup table as a node tells of it.

    Attributes:
        address: Its address.
        authority: Who may extend and close it; None: nobody ever (frozen).
        deactivation_slot: In which it was put out of use; None: it is in use.
        last_extended_slot: In which addresses were added last; they are usable from the slot after.
        warm: How many addresses were there before that.
        addresses: What it holds, in order.
        lamports: Its balance, which closing returns.
        slot: At which that was so.
    """

    address: str
    authority: str | None
    deactivation_slot: int | None
    last_extended_slot: int
    warm: int
    addresses: tuple[str, ...] = field(repr=False)
    lamports: int
    slot: int

    def usable(self, slot: int) -> tuple[str, ...]:
        """Return the addresses that a transaction of `slot` may look up."""
        return self.addresses if slot > self.last_extended_slot else self.addresses[: self.warm]


@dataclass(frozen=True, slots=True)
class TableFault:
    """Why a table may not be used.

    Attributes:
        address: Its address.
        fault: `missing`, `no_table`, `deactivated`, or `foreign`: somebody else may close it at any time.
        detail: The same in words.
    """

    address: str
    fault: Fault
    detail: str


def decode_table(account: ChainAccount) -> Table:
    """Return the table that an account holds.

    Raises:
        ValueError: It is none.
    """
    if account.owner != LOOKUP_TABLE_PROGRAM:
        raise ValueError(f"it belongs to {account.owner}, not to the program of lookup tables")
    data = account.data
    extra = len(data) - META_BYTES
    if extra < 0 or extra % 32 or extra > 32 * MAX_TABLE_ADDRESSES:
        raise ValueError(f"it has {len(data)} bytes, a table has 56 and 32 for each of up to 256 addresses")
    kind, deactivated, extended, warm, has_authority, authority = _META.unpack_from(data)
    if kind != 1 or has_authority > 1 or warm > extra // 32:
        raise ValueError("it is no initialised table")
    addresses = tuple(str(Address(data[at : at + 32])) for at in range(META_BYTES, META_BYTES + extra, 32))
    return Table(
        account.address,
        str(Address(authority)) if has_authority else None,
        None if deactivated == NEVER else deactivated,
        extended,
        warm,
        addresses,
        account.lamports,
        account.slot,
    )


def judge_table(address: str, account: ChainAccount | None, trusted: Collection[str]) -> Table | TableFault:
    """Return the table at an address if transactions may use it, else why not.

    Args:
        address: Whose account it is.
        account: The account; None if there is none.
        trusted: Authorities that do not close it under our hands: our own.
    """
    if account is None:
        return TableFault(address, "missing", f"lookup table {address} does not exist")
    try:
        table = decode_table(account)
    except ValueError as error:
        return TableFault(address, "no_table", f"{address} is no lookup table: {error}")
    if table.deactivation_slot is not None:
        detail = f"lookup table {address} was put out of use in slot {table.deactivation_slot}"
        return TableFault(address, "deactivated", detail)
    if table.authority is not None and table.authority not in trusted:
        detail = f"lookup table {address} belongs to {table.authority}, who may close it at any time"
        return TableFault(address, "foreign", detail)
    return table


async def read_tables(
    rpc: Rpc, addresses: Sequence[str], trusted: Collection[str]
) -> list[Table | TableFault]:
    """Return tables in the order of their addresses, or why each may not be used.

    Raises:
        EndpointError: No endpoint gave a good answer.
    """
    found = await read_accounts(rpc, addresses)
    return [judge_table(address, found[address], trusted) for address in addresses]


# ---- planning


@dataclass(frozen=True, slots=True)
class PoolAccounts:
    """The accounts that swaps of a pool always name, whatever the price."""

    pool: str
    accounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedTable:
    """One table that is worth having.

    Attributes:
        addresses: What it should hold, at most 256.
        pools: Whose accounts those are: all of each.
    """

    addresses: tuple[str, ...]
    pools: tuple[str, ...]


def plan_tables(
    pools: Iterable[PoolAccounts],
    common: Sequence[str] = (),
    never: Collection[str] = (),
    max_tables: int = 8,
) -> list[PlannedTable]:
    """Return tables such that each pool is in one table as a whole.

    A route then needs at most one table per hop. Pools that share accounts are put together, so that most
    routes need one; an account that pools of several tables share is in each of them.

    Args:
        pools: In order of preference: what does not fit `max_tables` is left out from the end.
        common: Accounts that every transaction may name, such as one's own token accounts; in each table.
        never: Programs, signers and whatever else is not to be looked up, besides Jito's tip accounts.
        max_tables: Most tables.
    """
    banned = {*never, *TIP_ACCOUNTS}
    shared = [address for address in dict.fromkeys(common) if address not in banned]
    waiting = {
        each.pool: [address for address in dict.fromkeys(each.accounts) if address not in banned]
        for each in pools
    }
    popularity = Counter(address for accounts in waiting.values() for address in accounts)
    planned: list[PlannedTable] = []
    while waiting and len(planned) < max_tables:
        held: dict[str, None] = dict.fromkeys(shared[:MAX_TABLE_ADDRESSES])
        inside: list[str] = []
        while waiting:
            best = _best_fit(waiting, held, popularity)
            if best is None:
                break
            held.update(dict.fromkeys(waiting.pop(best)))
            inside.append(best)
        if not inside:
            break  # what is left does not fit any table
        if len(held) >= MIN_TABLE_ADDRESSES:
            planned.append(PlannedTable(tuple(held), tuple(inside)))
    return planned


def _best_fit(
    waiting: Mapping[str, list[str]], held: Mapping[str, None], popularity: Mapping[str, int]
) -> str | None:
    """Return the pool that adds least to a table; of equals the one that others resemble, then the first."""
    best: tuple[tuple[int, int], str] | None = None
    for pool, accounts in waiting.items():
        new = sum(address not in held for address in accounts)
        if len(held) + new > MAX_TABLE_ADDRESSES:
            continue
        rank = (new - (len(accounts) - new), -sum(popularity[address] for address in accounts))
        if best is None or rank < best[0]:
            best = (rank, pool)
    return None if best is None else best[1]


def additions(plan: PlannedTable, table: Table) -> tuple[str, ...] | None:
    """Return what `table` lacks of a plan, None if that does not fit it any more."""
    have = set(table.addresses)
    lacking = tuple(address for address in plan.addresses if address not in have)
    return lacking if len(table.addresses) + len(lacking) <= MAX_TABLE_ADDRESSES else None


# ---- keeping them fresh


class TableFollower:
    """Keeps known tables at hand for whoever builds transactions."""

    def __init__(
        self,
        rpc: Rpc,
        addresses: Sequence[str],
        trusted: Collection[str],
        *,
        refresh_s: float = 30.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        changed: Callable[[Mapping[str, tuple[str, ...]]], None] = lambda tables: None,
        notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Prepare.

        Args:
            rpc: Whom to ask.
            addresses: Of the tables.
            trusted: Authorities whose tables may be used.
            refresh_s: Seconds between two looks.
            sleep: Waits between looks.
            changed: Told of the usable addresses by table whenever they change.
            notice: Told once of each table that may not be used, and of endpoints that fail.
        """
        self._rpc, self._addresses, self._trusted = rpc, tuple(addresses), frozenset(trusted)
        self._refresh_s, self._sleep = refresh_s, sleep
        self._changed, self._notice = changed, notice
        self._told: set[str] = set()
        self.tables: Mapping[str, tuple[str, ...]] = MappingProxyType({})
        """Usable addresses by table; a table that may not be used is not in it."""
        self.faults: Sequence[TableFault] = ()

    async def run(self) -> None:
        """Look again and again until it is cancelled."""
        while True:
            await self.look()
            await self._sleep(self._refresh_s)

    async def look(self) -> None:
        """Read all tables once; where nobody answers, those that are known stay."""
        if not self._addresses:
            return
        try:
            found = await read_tables(self._rpc, self._addresses, self._trusted)
        except EndpointError as error:
            self._tell(f"lookup tables: {error}")
            return
        self.faults = [each for each in found if isinstance(each, TableFault)]
        for fault in self.faults:
            self._tell(fault.detail)
        # Read at `confirmed`, used in a later slot: what was extended in the slot read itself waits a look.
        tables = {each.address: each.usable(each.slot) for each in found if isinstance(each, Table)}
        if tables != self.tables:
            self.tables = MappingProxyType(tables)
            self._changed(self.tables)

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._notice(text)


__all__ = [
    "MAX_TABLE_ADDRESSES",
    "PlannedTable",
    "PoolAccounts",
    "Table",
    "TableFault",
    "TableFollower",
    "additions",
    "decode_table",
    "judge_table",
    "plan_tables",
    "read_tables",
]
