"""Delivers notifications as a fault plan says: late, twice, never, or not what they were.

Every notification draws the same random numbers whoever listens and whenever it comes, so one seed gives
one sequence of faults. Order within one account is kept unless the plan asks otherwise.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from phantom_arbiter.localnet.bank import Commitment
from phantom_arbiter.localnet.faults.lies import Liar
from phantom_arbiter.localnet.faults.plan import FaultPlan
from phantom_arbiter.localnet.notices import AccountNotice, Notice, RawNotice

Emit = Callable[[Notice, "Commitment | None"], None]


@dataclass
class Counts:
    """What was done to notifications."""

    lost: int = 0
    duplicated: int = 0
    conflated: int = 0
    garbage: int = 0
    lies: int = 0
    disconnects: int = 0
    half_opened: int = 0
    stalls: int = 0
    refused: int = 0
    idle_closed: int = 0
    http_faults: dict[str, int] = field(default_factory=dict)


_Item = tuple[Notice, "Commitment | None"]


class Delivery:
    """The way of notifications from the bank to the connections of one endpoint."""

    def __init__(self, plan: FaultPlan, random: Random, liar: Liar, emit: Emit, counts: Counts) -> None:
        self.plan = plan
        self._random = random
        self._liar = liar
        self._emit = emit
        self._counts = counts
        self._queue: list[tuple[float, int, _Item]] = []
        self._numbers = itertools.count()
        self._due: dict[str, float] = {}
        self._latest_due = 0.0
        self._kept: dict[tuple[str, Commitment | None], _Item] = {}
        self._lagging: deque[_Item] = deque()
        self._stalled_until = 0.0
        # A handle of uvloop does not always know when it is due.
        self._timer: tuple[float, asyncio.Handle] | None = None

    def push(self, notice: Notice, commitment: Commitment | None) -> None:
        """Take a notification."""
        if self.plan.lag_slots:
            self._lagging.append((notice, commitment))
        else:
            self._take((notice, commitment))

    def slot_began(self, slot: int) -> None:
        """Send what was kept back until the end of the slot before, and what is late enough."""
        self._release_kept()
        lagging = self._lagging
        while lagging and lagging[0][0].slot + self.plan.lag_slots <= slot:
            self._take(lagging.popleft())

    def stall(self, seconds: float) -> None:
        """Send nothing for a while, then all at once."""
        self._counts.stalls += 1
        self._stalled_until = _now() + seconds

    def flush(self) -> None:
        """Send all that is on its way, at once."""
        while self._lagging:
            self._take(self._lagging.popleft())
        self._release_kept()
        self._stalled_until = 0.0
        while self._queue:
            self._emit(*heapq.heappop(self._queue)[2])
        self._due.clear()
        self._latest_due = 0.0
        if self._timer is not None:
            self._timer[1].cancel()
            self._timer = None

    def __len__(self) -> int:
        return len(self._queue) + len(self._kept) + len(self._lagging)

    # ---- faults of one notification

    def _take(self, item: _Item) -> None:
        plan, random = self.plan, self._random
        notice, commitment = item
        # Always the same number of draws, so that a fault does not shift all that come after it.
        keep, lose, lie, garbage, double = (random.random() for _ in range(5))
        if isinstance(notice, AccountNotice):
            key = (notice.pubkey, commitment)
            if self._kept.pop(key, None) is not None:
                self._counts.conflated += 1
            if keep < plan.conflate:
                self._kept[key] = item
                return
        self._send(item, lose=lose, lie=lie, garbage=garbage, double=double)

    def _release_kept(self) -> None:
        kept, self._kept = self._kept, {}
        for item in kept.values():
            lose, lie, garbage, double = (self._random.random() for _ in range(4))
            self._send(item, lose=lose, lie=lie, garbage=garbage, double=double)

    def _send(self, item: _Item, *, lose: float, lie: float, garbage: float, double: float) -> None:
        plan, counts = self.plan, self._counts
        notice, commitment = item
        if garbage < plan.garbage:
            counts.garbage += 1
            self._schedule((RawNotice(_garbage(self._random), notice.slot), None))
        if lie < plan.lie and isinstance(notice, AccountNotice):
            counts.lies += 1
            false = self._liar.version(notice.pubkey, notice.slot, notice.state, plan.lie_kinds)
            self._schedule((AccountNotice(notice.pubkey, *false), commitment))
            if plan.lie_replaces:
                return
        if lose < plan.loss:
            counts.lost += 1
            return
        self._schedule(item)
        if double < plan.duplicate:
            counts.duplicated += 1
            self._schedule(item)

    # ---- when

    def _schedule(self, item: _Item) -> None:
        plan = self.plan
        delay = plan.delay_ms
        if plan.jitter_ms:
            delay += plan.jitter_ms * self._random.random()
        if not delay and not self._queue and not self._stalled_until:
            self._emit(*item)
            return
        now = _now()
        due = max(now + delay / 1000, self._stalled_until)
        key = item[0].order_key
        if not plan.reorder_within_account:
            due = max(due, self._due.get(key, 0.0))
            self._due[key] = due
        if not plan.reorder and not plan.reorder_within_account:
            due = max(due, self._latest_due)
        self._latest_due = max(due, self._latest_due)
        heapq.heappush(self._queue, (due, next(self._numbers), item))
        self._arm()

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        due = self._queue[0][0]
        if self._timer is not None:
            if self._timer[0] <= due:
                return
            self._timer[1].cancel()
        self._timer = (due, loop.call_at(due, self._on_time))

    def _on_time(self) -> None:
        self._timer = None
        now = _now()
        if self._stalled_until <= now:
            self._stalled_until = 0.0
        while self._queue and self._queue[0][0] <= now:
            self._emit(*heapq.heappop(self._queue)[2])
        if self._queue:
            self._arm()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _garbage(random: Random) -> bytes:
    return random.choice(
        (
            b"",
            b"{",
            b"null",
            b"[]",
            b'{"jsonrpc":"2.0","method":"accountNotification","params":{}}',
            b'{"jsonrpc":"2.0","method":"accountNotification","params":{"result":{"context":{"slot":-1}}}}',
            b'{"jsonrpc":"2.0","method":"accountNotification","params":{"result":{"context":{"slot":1},"value":'
            b'{"data":["%%%","base64"],"owner":"x","lamports":1}},"subscription":100000}}',
            b"\xff\xfe" + random.randbytes(16),
            random.randbytes(64),
            b"[" * 200,
        )
    )
