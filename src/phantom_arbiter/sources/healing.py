"""What keeps a live market true: accounts whose state is in doubt are read again, and all now and then.

Subscriptions tell of changes, so silence has two meanings. The market knows which accounts no connection
vouches for (`stale_accounts`: after a reconnection, a gap between heartbeats, a contradiction); they are read
at once. An account that is still in doubt after that, because no endpoint takes its subscription for
instance, is read every few seconds: slower than a subscription, but never wrong unnoticed.

A write that every endpoint has lost although its heartbeats are complete shows nowhere. So each account is
read once in a while in any case, a batch at a time (`sweep_ns`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from phantom_arbiter.sources.discovery import Follower, WantingMarket
from phantom_arbiter.sources.rpc import MAX_ACCOUNTS
from phantom_arbiter.sources.snapshots import SnapshotReader
from phantom_core import EngineStats, MarketFreshness, StaleAccount

MS = 1_000_000
SECOND = 1_000_000_000


class FreshMarket(WantingMarket, Protocol):
    """A market that knows what it may not believe; `phantom_core.Engine` is one."""

    def freshness(self) -> MarketFreshness:
        """Return how fresh it is."""
        ...

    def stale_accounts(self) -> list[StaleAccount]:
        """Return the accounts to read again."""
        ...

    def stats(self, misses: int = 8) -> EngineStats:
        """Return counters, those of its connections among them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HealingRules:
    """How often to look and to read.

    Attributes:
        follow_ns: Between two looks at what pools have begun to need.
        look_ns: Between two looks at what is in doubt; it goes through all pools.
        again_ns: Least time between two readings of one account that stays in doubt.
        sweep_ns: Each account is read once in this time, in doubt or not; None: never. A provider may charge
            for it: 5,000 accounts are 50 calls of `getMultipleAccounts`.
    """

    follow_ns: int = 50 * MS
    look_ns: int = 400 * MS
    again_ns: int = 2 * SECOND
    sweep_ns: int | None = 60 * SECOND


class Healer:
    """Reads again what the market does not vouch for."""

    def __init__(
        self,
        market: FreshMarket,
        follower: Follower,
        reader: SnapshotReader,
        rules: HealingRules,
        now_ns: Callable[[], int],
    ) -> None:
        """Heal what `follower` follows, with what `reader` delivers to the market."""
        self._market = market
        self._follower = follower
        self._reader = reader
        self._rules = rules
        self._now_ns = now_ns
        self._read_ns: dict[str, int] = {}
        self._swept = 0
        self.healed_reads = 0
        """Accounts read because they were in doubt."""
        self.swept_reads = 0
        """Accounts read because their turn had come."""

    async def look(self) -> int:
        """Read what is in doubt and was not read just now; return how many accounts that were.

        Raises:
            EndpointError: Something could not be read; a later call tries it again.
        """
        now_ns = self._now_ns()
        doubtful = self._market.stale_accounts()
        names = {each.pubkey for each in doubtful}
        self._read_ns = {pubkey: ns for pubkey, ns in self._read_ns.items() if pubkey in names}
        due = [each for each in doubtful if self._is_due(each.pubkey, now_ns)]
        if not due:
            return 0
        self._read_ns |= {each.pubkey: now_ns for each in due}
        # `refresh` reads after the slot it is given, `read_from` is the first that will do.
        seen_slot = max((each.read_from - 1 for each in due if each.read_from), default=None)
        await self._follower.refresh((each.pubkey for each in due), seen_slot=seen_slot)
        self.healed_reads += len(due)
        return len(due)

    def _is_due(self, pubkey: str, now_ns: int) -> bool:
        read_ns = self._read_ns.get(pubkey)
        return read_ns is None or now_ns - read_ns >= self._rules.again_ns

    def sweep_pause_ns(self) -> int | None:
        """Return how long to wait between two batches, so that all have their turn in `sweep_ns`."""
        if self._rules.sweep_ns is None:
            return None
        batches = -(-len(self._follower.followed) // MAX_ACCOUNTS)
        return self._rules.sweep_ns // max(1, batches)

    async def sweep(self) -> int:
        """Read the batch whose turn it is; return how many accounts that were.

        Raises:
            EndpointError: It could not be read; its turn comes again.
        """
        followed = self._follower.followed
        if self._swept >= len(followed):
            self._swept = 0
        batch = followed[self._swept : self._swept + MAX_ACCOUNTS]
        if batch:
            self._swept += len(batch)
            await self._reader.read(batch)
            self.swept_reads += len(batch)
        return len(batch)
