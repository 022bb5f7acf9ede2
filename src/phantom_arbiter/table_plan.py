"""Which lookup tables a market is worth: from its pools to lists of addresses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
from phantom_core import Market, PoolInfo

MOVING: Final = frozenset({"tick_array", "bin_array", "clock"})
"""What a pool reads that changes with its price, or belongs to all: not worth a place."""


def rent_lamports(addresses: int) -> int:
    """Return the rent of a table of so many addresses at the network's rate (sdk rent)."""
    return (128 + META_BYTES + 32 * addresses) * 6_960


def plan_of_market(
    source: str, wallet: str | None, token_accounts: Mapping[str, str], max_tables: int
) -> list[PlannedTable]:
    """Return the tables that the pools of a snapshot or recording are worth, deepest pools first.

    Args:
        source: `demo`, or the file.
        wallet: Who will sign: never looked up.
        token_accounts: The wallet's accounts by mint that are not the associated ones; in each table.
        max_tables: Most tables.

    Raises:
        ConfigError: The source is none.
        RecordingError: The recording is corrupt.
    """
    market = load_market(Request(source, assume_plain_mints=True), load().config).market
    pools = market.pools()
    never = {pool.program for pool in pools} | ({wallet} if wallet else set())
    return plan_tables(_accounts(market, pools), list(token_accounts.values()), never, max_tables)


def _accounts(market: Market, pools: Iterable[PoolInfo]) -> list[PoolAccounts]:
    by_pool: dict[str, dict[str, None]] = {pool.pool: {pool.pool: None} for pool in pools}
    for want in market.wanted():
        if want.pool in by_pool and want.reason not in MOVING:
            by_pool[want.pool][want.address] = None
    return [PoolAccounts(pool, tuple(accounts)) for pool, accounts in by_pool.items()]


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
