"""From mints and pools to every account that quotes need, and on as the price moves.

`find_pools` asks nodes for pools of the mints, venue by venue. `Follower` reads pools and, round by round,
what they turn out to depend on: the market says what it wants (`wanted`), the follower subscribes to it and
reads it. Afterwards `update` costs one comparison as long as no pool names a new account; when a price has
moved on to other tick or bin arrays it subscribes to those and reads them.

Accounts stay subscribed when the price leaves them: the market remembers what it has read, and what nobody
tells of any more would pass for current when the price comes back.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from phantom_arbiter.errors import ConfigError, EndpointError, InvalidInput
from phantom_arbiter.sources.rpc import RpcPool
from phantom_arbiter.sources.snapshots import OnProgress, ReadReport, SnapshotReader
from phantom_arbiter.sources.websocket import Feed, account
from phantom_core import Address, Want
from phantom_core._native import AccountLayout, account_layouts

CLOCK = "SysvarC1ock11111111111111111111111111111111"
MAX_ROUNDS = 64
"""How often pools may name further accounts because of those they have just been given (`market.rs`)."""

Subscribe = Callable[[Sequence[str]], Awaitable[int | None]]
"""Subscribes to accounts at the feed; returns once confirmed, with the highest slot seen, if any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveryRequest:
    """What to look for.

    Attributes:
        mints: With one mint every pool that trades it; with more, every pool between two of them.
        pools: Pools to take in any case.
        venues: Venues to search; empty: all.
        max_pools: Most pools that searching may find; more is an error of the request.
    """

    mints: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    max_pools: int = 5_000


@dataclass(frozen=True, slots=True)
class Unsearched:
    """A program whose pools no endpoint would list, and why."""

    venue: str
    program: str
    reason: str


@dataclass(frozen=True, slots=True)
class FoundPools:
    """What a search gave: the pools in order, listed ones first, and where it could not look."""

    pools: tuple[str, ...]
    unsearched: tuple[Unsearched, ...] = ()


def check_request(request: DiscoveryRequest) -> None:
    """Check a request before anybody is asked.

    Raises:
        ConfigError: An address or venue is none.
    """
    for mint in request.mints:
        _address("mint", mint)
    for pool in request.pools:
        _address("pool", pool)
    _searches(request.venues)


async def find_pools(
    pool: RpcPool, request: DiscoveryRequest, on_progress: OnProgress | None = None
) -> FoundPools:
    """Return the listed pools and those that nodes list for the mints.

    Args:
        pool: Whom to ask.
        request: What to look for.
        on_progress: Told how many of how many programs have been searched.

    Raises:
        ConfigError: An address or venue is none, or more pools than `max_pools` were found.
    """
    mints = [_address("mint", mint) for mint in request.mints]
    pools = dict.fromkeys(_address("pool", each) for each in request.pools)
    searches = _searches(request.venues) if mints else []
    unsearched: list[Unsearched] = []
    done = 0
    if on_progress is not None:
        on_progress(done, len(searches))

    async def search(layout: AccountLayout, program: str) -> list[str]:
        nonlocal done
        try:
            return await _search(pool, layout, program, mints)
        except EndpointError as error:
            unsearched.append(Unsearched(layout.venue or "", program, str(error)))
            return []
        finally:
            done += 1
            if on_progress is not None:
                on_progress(done, len(searches))

    found = await asyncio.gather(*(search(layout, program) for layout, program in searches))
    pools |= dict.fromkeys(each for part in found for each in part)
    if len(pools) > request.max_pools + len(request.pools):
        raise ConfigError(
            f"{len(pools)} pools trade these mints, at most {request.max_pools} were expected",
            hint="name two or more mints to get the pools between them, or allow more with --max-pools",
        )
    unsearched.sort(key=lambda each: (each.venue, each.program))
    return FoundPools(tuple(pools), tuple(unsearched))


def _address(what: str, text: str) -> str:
    try:
        return str.__str__(Address(text))
    except InvalidInput as error:
        raise ConfigError(f"{what}: {error}") from None


def _searches(venues: Sequence[str]) -> list[tuple[AccountLayout, str]]:
    layouts = [layout for layout in account_layouts() if layout.mints_at is not None]
    known = {layout.venue for layout in layouts}
    for venue in venues:
        if venue not in known:
            raise ConfigError(
                f"there is no venue {venue}", hint=f"known are {', '.join(sorted(map(str, known)))}"
            )
    wanted = [layout for layout in layouts if not venues or layout.venue in venues]
    return [(layout, program) for layout in wanted for program in layout.programs]


def pool_filters(layout: AccountLayout, mint: str, mint_at: int) -> list[dict[str, Any]]:
    """Return the filters of `getProgramAccounts` for the pools whose mint at an offset is this one."""
    filters: list[dict[str, Any]] = []
    if len(layout.lengths) == 1:
        filters.append({"dataSize": layout.lengths[0]})
    if layout.discriminator is not None:
        kind = base64.b64encode(bytes.fromhex(layout.discriminator)).decode()
        filters.append({"memcmp": {"offset": 0, "bytes": kind, "encoding": "base64"}})
    filters.append({"memcmp": {"offset": mint_at, "bytes": mint}})
    return filters


async def _search(pool: RpcPool, layout: AccountLayout, program: str, mints: Sequence[str]) -> list[str]:
    """Return the pools of a program that trade the mints, sorted."""
    assert layout.mints_at is not None
    first_at, second_at = layout.mints_at
    data_slice = (min(layout.mints_at), abs(second_at - first_at) + 32)
    # Between given mints it is enough to look for each as the first one, and to compare the second here.
    places = (first_at,) if len(mints) > 1 else (first_at, second_at)
    wanted = {bytes(Address(mint)) for mint in mints}
    found = set()
    for mint in mints:
        for mint_at in places:
            filters = pool_filters(layout, mint, mint_at)
            for each in await pool.program_accounts(program, filters, data_slice=data_slice):
                both = {each.data[at - data_slice[0] :][:32] for at in layout.mints_at}
                if len(mints) == 1 or both <= wanted:
                    found.add(each.address)
    return sorted(found)


class WantingMarket(Protocol):
    """What the follower needs of a market; `phantom_core.Market` and `phantom_core.Engine` have it."""

    def wanted(self) -> list[Want]:
        """Return every account that pools read."""
        ...

    @property
    def wants_changes(self) -> int:
        """Return a number that grows with new wants."""
        ...

    def take_new_wants(self) -> list[str]:
        """Return the addresses that pools have begun to read."""
        ...


@dataclass(slots=True)
class FollowReport:
    """What the follower has done so far.

    Attributes:
        reads: Accounts read, by endpoint and slots.
        rounds: Rounds of reading.
    """

    reads: ReadReport = field(default_factory=ReadReport)
    rounds: int = 0


class Follower:
    """Keeps every account subscribed and read that the pools of a market need."""

    def __init__(
        self,
        market: WantingMarket,
        reader: SnapshotReader,
        subscribe: Subscribe | None = None,
        on_progress: OnProgress | None = None,
    ) -> None:
        """Follow a market.

        Args:
            market: Takes what the reader delivers.
            reader: Reads accounts.
            subscribe: Subscribes to accounts; None to read them once only.
            on_progress: Told how many of all accounts known to be needed have been read.
        """
        self.report = FollowReport()
        self._market = market
        self._reader = reader
        self._subscribe = subscribe
        self.on_progress = on_progress
        self._changes: int | None = None
        self._followed: dict[str, None] = {}
        self._pending: dict[str, None] = {}

    @property
    def followed(self) -> list[str]:
        """Accounts that are subscribed to and have been read, in the order in which they came."""
        return list(self._followed)

    async def start(self, pools: Iterable[str]) -> None:
        """Take in pools with all that they depend on.

        Raises:
            EndpointError: Something could not be read; `update` tries it again.
        """
        self._pending |= dict.fromkeys([CLOCK, *pools])
        await self.update()

    async def update(self) -> int:
        """Subscribe to and read what pools have begun to need; return how many accounts that were.

        Costs one comparison if there is nothing.

        Raises:
            EndpointError: Something could not be read; the next call tries it again.
        """
        count = 0
        for _ in range(MAX_ROUNDS):
            self._take()
            if not self._pending:
                break
            count += await self._round(list(self._pending))
        return count

    def _take(self) -> None:
        changes = self._market.wants_changes
        if changes == self._changes:
            return
        self._changes = changes
        new = self._market.take_new_wants()
        self._pending |= dict.fromkeys(each for each in new if each not in self._followed)

    async def _round(self, addresses: list[str]) -> int:
        floor = None
        if self._subscribe is not None:
            floor = await self._reader.floor(await self._subscribe(addresses))
        done, total = len(self._followed), len(self._followed) + len(addresses)
        tell = self.on_progress
        read = await self._reader.read(
            addresses,
            min_slot=floor,
            on_progress=None if tell is None else lambda part, _: tell(done + part, total),
        )
        for address in addresses:
            self._followed[address] = None
            self._pending.pop(address, None)
        self._count(read)
        return len(addresses)

    async def refresh(
        self, addresses: Iterable[str] | None = None, *, seen_slot: int | None = None
    ) -> ReadReport:
        """Read accounts once more, those of one pool together: what heals a gap after a reconnection.

        Args:
            addresses: Whose accounts; None for all that are followed.
            seen_slot: Highest slot that the connections have shown since they were subscribed anew.

        Raises:
            EndpointError: Something could not be read.
        """
        wanted = self.followed if addresses is None else list(addresses)
        floor = None if self._subscribe is None else await self._reader.floor(seen_slot)
        read = await self._reader.read(
            wanted, min_slot=floor, together=by_pool(self._market.wanted()), on_progress=self.on_progress
        )
        self._count(read)
        return read

    async def run(
        self, wait: Callable[[], Awaitable[object]], on_error: Callable[[EndpointError], object]
    ) -> None:
        """Update after every `wait`, until cancelled; an endpoint's failure is told and tried again.

        Args:
            wait: Lets time pass: some 50 ms, more after an error if it is to be gentle.
            on_error: Told what could not be read.
        """
        while True:
            await wait()
            try:
                await self.update()
            except EndpointError as error:
                on_error(error)

    def _count(self, read: ReadReport) -> None:
        self.report.rounds += 1
        reads = self.report.reads
        reads.accounts += read.accounts
        for endpoint, count in read.by_endpoint.items():
            reads.by_endpoint[endpoint] = reads.by_endpoint.get(endpoint, 0) + count
        slots = [each for each in (reads.first_slot, read.first_slot) if each is not None]
        reads.first_slot = min(slots, default=None)
        reads.last_slot = max(
            (each for each in (reads.last_slot, read.last_slot) if each is not None), default=None
        )


def subscribe_on(feed: Feed, seen_slot: Callable[[], int | None], patience_s: float = 2.0) -> Subscribe:
    """Return what subscribes to accounts on every endpoint of a feed, for a `Follower`.

    It waits for one endpoint and for all others that are connected, but not for long: one that hangs must not
    keep the others' accounts unread. What it confirms later is news of a new connection, and healed as such.

    Args:
        feed: Where to subscribe.
        seen_slot: Gives the highest slot that its connections have shown; None before the first.
        patience_s: Longest wait for confirmations.
    """

    async def subscribe(addresses: Sequence[str]) -> int | None:
        feed.subscribe(account(address) for address in addresses)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await feed.confirmed()
        return seen_slot()

    return subscribe


def by_pool(wants: Iterable[Want]) -> list[list[str]]:
    """Return the accounts of each pool, in the order of the pools."""
    groups: dict[str | None, list[str]] = {}
    for want in wants:
        groups.setdefault(want.pool, []).append(want.address)
    return list(groups.values())


def nothing_found(unsearched: Sequence[Unsearched]) -> ConfigError:
    """Return the error for a search without result."""
    if unsearched:
        first = unsearched[0]
        return ConfigError(
            f"no pool was found; {len(unsearched)} programs could not be searched: {first.reason}",
            hint="name the pools with --pool, or use an endpoint that allows getProgramAccounts",
        )
    return ConfigError("no pool trades these mints", hint="one mint finds every pool that trades it")


def missing(wants: Iterable[Want]) -> Mapping[str, int]:
    """Return how many accounts pools still lack, by what they are."""
    counts: dict[str, int] = {}
    for want in wants:
        if not want.is_known:
            counts[want.reason] = counts.get(want.reason, 0) + 1
    return counts
