"""Makes, extends and closes lookup tables; every step leaves the chain in a state to go on from."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from phantom_arbiter.errors import ConfigError, HintedError
from phantom_arbiter.execution.admin import Operator
from phantom_arbiter.execution.chain import Rpc, read_accounts, read_blockhash, read_number, read_rent
from phantom_arbiter.execution.lookup_tables import (
    LOOKUP_TABLE_PROGRAM,
    MAX_TABLE_ADDRESSES,
    META_BYTES,
    Table,
    decode_table,
)
from phantom_arbiter.sources.rpc_pool.checks import check_address
from phantom_arbiter.sources.rpc_pool.wire import context_slot
from phantom_core import (
    close_lookup_table,
    create_lookup_table,
    deactivate_lookup_table,
    extend_lookup_table,
)

EXTEND_WITH: Final = 24
"""Addresses added by one transaction: 24 take 768 of its 1,232 bytes."""

COOL_SLOTS: Final = 513
"""Slots after its deactivation in which a table cannot be closed yet: those that SlotHashes holds."""

_AUTHORITY_AT: Final = 22
POLL_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class TableCost:
    """What a table will cost.

    Attributes:
        rent_lamports: Comes back when it is closed.
        fee_lamports: Does not.
        transactions: How many it takes.
    """

    rent_lamports: int
    fee_lamports: int
    transactions: int


async def cost_of(operator: Operator, held: Table | None, adding: int) -> TableCost:
    """Return what adding so many addresses costs; to a new table if `held` is None.

    Raises:
        EndpointError: No endpoint gave a good answer.
    """
    have = 0 if held is None else len(held.addresses)
    rent = await read_rent(operator.rpc, META_BYTES + 32 * (have + adding))
    count = -(-adding // EXTEND_WITH) + (held is None and adding == 0)
    return TableCost(rent - (0 if held is None else held.lamports), count * operator.fee_lamports, count)


async def create(operator: Operator, addresses: Sequence[str]) -> Table:
    """Create a table with these addresses, wait until they can be used, and return it.

    The table and its first addresses come in one transaction. If the rest does not come to an end,
    `extend` goes on.

    Raises:
        TransactionFailed: A transaction failed.
        EndpointError: No endpoint answers.
    """
    # A slot that is final has a block, and stays among the recent ones for some three minutes.
    recent = await read_blockhash(operator.rpc, "finalized")
    creation, made_at = create_lookup_table(operator.address, operator.address, recent.slot)
    address = str(made_at)
    operator.told(f"creating lookup table {address}")
    first = list(dict.fromkeys(addresses))[:EXTEND_WITH]
    made = [creation]
    if first:
        made.append(extend_lookup_table(address, operator.address, operator.address, first))
    await operator.carry_out(made, f"lookup table {address} with {len(first)} addresses")
    return await extend(operator, address, addresses)


async def extend(operator: Operator, address: str, addresses: Sequence[str]) -> Table:
    """Add what a table lacks of these addresses, wait until they can be used, and return it.

    Raises:
        ConfigError: It is no table of ours, is out of use, or they do not fit.
        TransactionFailed: A transaction failed.
        EndpointError: No endpoint answers.
    """
    table = await read_own(operator, address)
    if table.deactivation_slot is not None:
        raise ConfigError(f"lookup table {address} is out of use", hint="create another one")
    have = set(table.addresses)
    lacking = [each for each in dict.fromkeys(addresses) if each not in have]
    if len(have) + len(lacking) > MAX_TABLE_ADDRESSES:
        raise ConfigError(
            f"lookup table {address} has {len(have)} addresses, {len(lacking)} more do not fit in 256",
            hint="create another one",
        )
    for start in range(0, len(lacking), EXTEND_WITH):
        batch = lacking[start : start + EXTEND_WITH]
        what = f"lookup table {address}, addresses {start + 1} to {start + len(batch)} of {len(lacking)}"
        adding = extend_lookup_table(address, operator.address, operator.address, batch)
        await operator.carry_out([adding], what)
    return await _warmed(operator, address)


async def _warmed(operator: Operator, address: str) -> Table:
    table = await read_own(operator, address)
    while await _slot(operator) <= table.last_extended_slot:
        await operator.sleep(POLL_S)
    return await read_own(operator, address)


async def deactivate(operator: Operator, address: str) -> Table:
    """Put a table out of use, unless it is, and return it.

    Raises:
        ConfigError: It is no table of ours.
        TransactionFailed: The transaction failed.
        EndpointError: No endpoint answers.
    """
    table = await read_own(operator, address)
    if table.deactivation_slot is not None:
        return table
    await operator.carry_out(
        [deactivate_lookup_table(address, operator.address)], f"putting lookup table {address} out of use"
    )
    return await read_own(operator, address)


async def close(
    operator: Operator, address: str, waiting: Callable[[int, int], None] = lambda done, total: None
) -> int:
    """Put a table out of use, wait until it may be closed, close it, and return the lamports that came back.

    Interrupted, it goes on where it was when called again.

    Args:
        operator: Whose table.
        address: The table.
        waiting: Told how many slots of how many have passed.

    Raises:
        ConfigError: It is no table of ours.
        TransactionFailed: A transaction failed.
        EndpointError: No endpoint answers.
    """
    table = await deactivate(operator, address)
    since = table.deactivation_slot
    if since is None:
        raise HintedError(f"lookup table {address} is still in use", hint="try again")
    while (passed := await _slot(operator) - since) <= COOL_SLOTS:
        waiting(max(0, passed), COOL_SLOTS + 1)
        await operator.sleep(POLL_S)
    closing = close_lookup_table(address, operator.address, operator.address)
    await operator.carry_out([closing], f"closing lookup table {address}")
    return table.lamports


async def read_own(operator: Operator, address: str) -> Table:
    """Return a table of the operator's, in use or not.

    Raises:
        ConfigError: It is none.
        EndpointError: No endpoint answers.
    """
    account = (await read_accounts(operator.rpc, [address]))[address]
    if account is None:
        raise ConfigError(f"lookup table {address} does not exist")
    try:
        table = decode_table(account)
    except ValueError as error:
        raise ConfigError(f"{address} is no lookup table: {error}") from None
    if table.authority != operator.address:
        owner = table.authority or "nobody"
        raise ConfigError(f"lookup table {address} belongs to {owner}, the wallet is {operator.address}")
    return table


async def find_own(rpc: Rpc, authority: str) -> list[Table]:
    """Return all tables of an authority; many public endpoints refuse to search.

    Raises:
        EndpointError: No endpoint searches.
    """
    filters = [{"memcmp": {"offset": _AUTHORITY_AT, "bytes": authority}}]
    config = {"encoding": "base64", "commitment": "confirmed", "filters": filters, "withContext": True}
    answer = await rpc.call(
        "getProgramAccounts", [LOOKUP_TABLE_PROGRAM, config], check=_check_found, hedge=False
    )
    addresses = [entry["pubkey"] for entry in answer.result["value"]]
    found = await read_accounts(rpc, addresses)
    tables = [decode_table(account) for account in found.values() if account is not None]
    return sorted(
        (table for table in tables if table.authority == authority),
        key=lambda table: (-len(table.addresses), table.address),
    )


def _check_found(result: Any) -> None:
    if context_slot(result) is None or not isinstance(result.get("value"), list):
        raise ValueError("no list of accounts")
    for entry in result["value"]:
        if not isinstance(entry, dict):
            raise ValueError("an account that is none")
        check_address(entry.get("pubkey"), "address")
        base64.b64decode(entry.get("account", {}).get("data", [""])[0])


async def _slot(operator: Operator) -> int:
    return await read_number(operator.rpc, "getSlot", [{"commitment": "confirmed"}])


__all__ = ["TableCost", "close", "cost_of", "create", "deactivate", "extend", "find_own", "read_own"]
