"""Take a snapshot of a market: find its pools, read all that quotes need, write it to a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phantom_arbiter.errors import ConfigError, MarketDataError, TransientError
from phantom_arbiter.sources.discovery import (
    DiscoveryRequest,
    Follower,
    Unsearched,
    check_request,
    find_pools,
    missing,
    nothing_found,
)
from phantom_arbiter.sources.endpoints import Endpoint
from phantom_arbiter.sources.rpc import Meter, RpcPool, RpcRules
from phantom_arbiter.sources.sink import AggregatorSink
from phantom_arbiter.sources.snapshot import SnapshotAccount, write_snapshot
from phantom_arbiter.sources.snapshots import OnStage, SnapshotReader
from phantom_core import AccountUpdate, Market, PoolInfo, WssAggregator


@dataclass(frozen=True, slots=True)
class TakenSnapshot:
    """What was found and written.

    Attributes:
        path: The file.
        size: Its bytes.
        accounts: Accounts in it that exist.
        absent: Accounts in it that are known not to exist.
        first_slot: Lowest slot of an account.
        last_slot: Highest slot of an account.
        pools: The pools, as they can be quoted from the file.
        no_pools: Addresses that were listed or found, but make no pool.
        missing: Accounts that pools still lack, by what they are.
        unreadable: Accounts that do not decode, by reason.
        unsearched: Programs whose pools no endpoint would list.
        failures: What endpoints failed to give, though the rest was written.
        meter: What endpoints were asked.
    """

    path: Path
    size: int
    accounts: int
    absent: int
    first_slot: int
    last_slot: int
    pools: Sequence[PoolInfo]
    no_pools: Sequence[str]
    missing: Mapping[str, int]
    unreadable: Mapping[str, int]
    unsearched: Sequence[Unsearched]
    failures: Sequence[str]
    meter: Meter


@dataclass(slots=True)
class _Kept:
    """Takes news into a market and keeps every account as it was written last."""

    market: Market = field(default_factory=Market)
    accounts: dict[str, SnapshotAccount] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

    def take(self, news: Sequence[Any]) -> None:
        for update in news:
            if not isinstance(update, AccountUpdate):
                continue
            key = update.pubkey
            entry = SnapshotAccount(key, update.owner, update.data, update.slot)
            self.accounts[key] = entry
            self.unreadable.pop(key, None)
            try:
                if entry.owner is None or entry.data is None:
                    self.market.apply(key, None, slot=entry.slot)
                else:
                    self.market.apply(key, entry.owner, entry.data, entry.slot)
            except MarketDataError as error:
                self.unreadable[key] = error.reason or "unknown"


async def take_snapshot(
    endpoints: Sequence[Endpoint],
    request: DiscoveryRequest,
    path: Path,
    on_stage: OnStage,
    rules: RpcRules | None = None,
) -> TakenSnapshot:
    """Find pools, read what they depend on until nothing is missing, read all once more, and write it.

    The last reading asks for the accounts of one pool in one request, so that each pool holds at one slot.

    Args:
        endpoints: Whom to ask; those without `http_url` are left out.
        request: Which pools.
        path: The file, replaced if it exists.
        on_stage: Told of each stage of the work.
        rules: How hard to try.

    Raises:
        ConfigError: The request is wrong, or no pool was found.
        EndpointError: The pools' accounts could not be read anywhere.
        SnapshotError: The file cannot be written.
    """
    check_request(request)
    kept = _Kept()
    failures: list[str] = []
    async with RpcPool(endpoints, rules) as pool:
        await pool.slot()  # says what is wrong if no endpoint answers at all
        await pool.probe()
        found = await find_pools(pool, request, on_stage("searching programs"))
        if not found.pools:
            raise nothing_found(found.unsearched)
        reader = SnapshotReader(pool, AggregatorSink(WssAggregator(), kept.take))
        follower = Follower(kept.market, reader, on_progress=on_stage("reading accounts"))
        await follower.start(found.pools)
        if not kept.market.pools():
            raise ConfigError(
                f"none of {len(found.pools)} addresses is a pool of a known venue",
                hint="phantom venues names those that are known",
            )
        follower.on_progress = on_stage("reading once more")
        try:
            await follower.refresh()
        except TransientError as error:
            failures.append(str(error))
        await follower.update()
    order = [each for each in follower.followed if each in kept.accounts]
    size = write_snapshot(path, (kept.accounts[each] for each in order))
    pools = kept.market.pools()
    known = {each.pool for each in pools}
    slots = [entry.slot for entry in kept.accounts.values()]
    return TakenSnapshot(
        path=path,
        size=size,
        accounts=sum(entry.owner is not None for entry in kept.accounts.values()),
        absent=sum(entry.owner is None for entry in kept.accounts.values()),
        first_slot=min(slots),
        last_slot=max(slots),
        pools=pools,
        no_pools=[each for each in found.pools if each not in known],
        missing=missing(kept.market.wanted()),
        unreadable=Counter(kept.unreadable.values()),
        unsearched=found.unsearched,
        failures=failures,
        meter=pool.meter,
    )


def snapshot_to_json(taken: TakenSnapshot) -> dict[str, Any]:
    """Return the summary for machines."""
    return {
        "schema": 1,
        "file": str(taken.path),
        "bytes": taken.size,
        "accounts": taken.accounts,
        "absent": taken.absent,
        "slots": [taken.first_slot, taken.last_slot],
        "pools": [
            {"pool": each.pool, "venue": each.venue, "set_aside": each.set_aside_reason}
            for each in taken.pools
        ],
        "no_pools": list(taken.no_pools),
        "missing": dict(taken.missing),
        "unreadable": dict(taken.unreadable),
        "unsearched": [
            {"venue": each.venue, "program": each.program, "reason": each.reason} for each in taken.unsearched
        ],
        "failures": list(taken.failures),
        "endpoints": [
            {
                "endpoint": endpoint,
                "method": method,
                "calls": usage.calls,
                "answered": usage.answered,
                "overtaken": usage.overtaken,
                "failed": dict(usage.failed),
                "credits": usage.credits,
                "bytes": usage.bytes_received,
            }
            for endpoint, method, usage in taken.meter.rows()
        ],
    }
