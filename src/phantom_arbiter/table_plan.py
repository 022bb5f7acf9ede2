"""Which lookup tables a market is worth: from its pools to lists of addresses."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from phantom_arbiter.config_sources import load
from phantom_arbiter.execution.lookup_tables import (
    META_BYTES,
    PlannedTable,
    PoolAccounts,
    Table,
    additions,
    plan_tables,
)
from phantom_arbiter.markets import Request, load_market
from phantom_core import Address, InvalidInput, Market, MarketDataError, PoolInfo, SwapRefused

MOVING: Final = frozenset({"tick_array", "bin_array", "clock"})
"""What a pool reads that changes with its price, or belongs to all: not worth a place."""


_STAND_INS: Final = tuple(str(Address(bytes([number]) * 32)) for number in (1, 2, 3))
"""Wallet and token accounts where there is no wallet yet; never planned for."""


def rent_lamports(addresses: int) -> int:
    """Return the rent of a table of so many addresses at the network's rate (sdk rent)."""
    return (128 + META_BYTES + 32 * addresses) * 6_960


def plan_of_market(
    source: str, wallet: str | None, token_accounts: Mapping[str, str], max_tables: int
) -> list[PlannedTable]:
    """Return the tables that the pools of a snapshot or recording are worth, in the order of its pools.

    Args:
        source: `demo`, or the file.
        wallet: Who will sign: never looked up, but its token accounts are.
        token_accounts: The wallet's accounts by mint that are not the associated ones.
        max_tables: Most tables.

    Raises:
        ConfigError: The source is none.
        RecordingError: The recording is corrupt.
    """
    market = load_market(Request(source, assume_plain_mints=True), load().config).market
    return plan_tables(
        [
            PoolAccounts(pool.pool, swap_accounts(market, pool, wallet, token_accounts))
            for pool in market.pools()
        ],
        never={pool.program for pool in market.pools()} | ({wallet} if wallet else set()) | {*_STAND_INS},
        max_tables=max_tables,
    )


def swap_accounts(
    market: Market, pool: PoolInfo, wallet: str | None, token_accounts: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the accounts that swaps of a pool always name; of one that is set aside, those that are known.

    Token programs are among them: swaps name them as accounts, and where a transaction calls one itself it is
    spelled out anyway. What moves with the price is left out.
    """
    wants = [want for want in market.wanted() if want.pool == pool.pool]
    moving = {want.address for want in wants if want.reason in MOVING}
    found = dict.fromkeys([pool.pool, *(want.address for want in wants)])
    mints = (pool.mint_a, pool.mint_b)
    named = [token_accounts.get(mint) for mint in mints]
    ours = None if wallet else (_STAND_INS[1], _STAND_INS[2])
    if wallet and all(named):
        ours = (str(named[0]), str(named[1]))
    for mint in mints:
        try:
            swap = market.swap_instruction(
                pool.pool, mint, 1, wallet=wallet or _STAND_INS[0], min_out=0, token_accounts=ours
            )
        except (InvalidInput, MarketDataError, SwapRefused):
            continue
        found.update(dict.fromkeys(str(address) for address, is_signer, _ in swap.accounts if not is_signer))
    return tuple(address for address in found if address not in moving)


def match(
    planned: Sequence[PlannedTable], own: Collection[Table]
) -> list[tuple[Table | None, tuple[str, ...]]]:
    """Return for each planned table the one of ours to go on with, None for a new one, and what it lacks.

    A table of ours is gone on with if it holds more of the plan than of anything else: what a broken-off
    creation has left, or a plan that has grown.
    """
    free = [table for table in own if table.deactivation_slot is None]
    matched: list[tuple[Table | None, tuple[str, ...]]] = []
    for plan in planned:
        wanted = set(plan.addresses)
        fitting = [
            (sum(address in wanted for address in table.addresses), table, lacking)
            for table in free
            if (lacking := additions(plan, table)) is not None
        ]
        best = max(fitting, key=lambda each: each[0], default=None)
        if best is None or 2 * best[0] < len(best[1].addresses) or best[0] == 0:
            matched.append((None, plan.addresses))
            continue
        free.remove(best[1])
        matched.append((best[1], best[2]))
    return matched


__all__ = ["match", "plan_of_market", "rent_lamports"]
