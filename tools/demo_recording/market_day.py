"""One recorded day of a market: accounts at its start, every write in chain order, chain time."""

import gzip
import json
from base64 import b64decode
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from solders.pubkey import Pubkey

from phantom_core import Market, find_program_address

POOL_BYTES = 653
TICKS_PER_ARRAY = 88
MAX_TICK = 443_636
"""Tick indices run from -MAX_TICK to MAX_TICK; whirlpool program, state/tick.rs."""
ARRAYS_IN_REACH = range(-2, 4)
"""Offsets of the arrays that the program's three-array sequences of both directions can touch."""
SECOND_NS = 1_000_000_000
SLOT_NS = 400_000_000
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Account:
    """An account's owner and base64 data; lamports are the rent-exempt minimum."""

    owner: str
    data: str

    @property
    def space(self) -> int:
        """Length of the data in bytes."""
        return len(self.data) // 4 * 3 - self.data[-2:].count("=")

    @property
    def lamports(self) -> int:
        """(128 + bytes) x 6960: two years of rent at 3480 lamports per byte-year."""
        return (128 + self.space) * 6960


@dataclass(frozen=True, slots=True)
class Write:
    """One account write; `at_ns` is chain time since the day's midnight (UTC)."""

    slot: int
    at_ns: int
    pubkey: str
    account: Account
    is_last_in_slot: bool
    is_only_in_slot: bool
    is_last_of_day: bool


class MarketDay:
    """The day's data in memory."""

    def __init__(self, accounts: dict[str, Account], writes: list[Write]) -> None:
        self.accounts = accounts
        self.writes = writes
        self._arrivals = [write.at_ns for write in writes]

    @cached_property
    def keys(self) -> list[str]:
        """Every account to watch: the existing ones, then tick arrays that swaps could touch."""
        return [*self.accounts, *self._absent_tick_arrays()]

    @cached_property
    def start_slot(self) -> int:
        """Slot of the state at midnight: as far before the first write as its time says."""
        first = self.writes[0]
        return first.slot - first.at_ns // SLOT_NS - 1

    @cached_property
    def mints(self) -> set[str]:
        """Mints of the day's pools."""
        market = Market()
        for pubkey, account in self.accounts.items():
            if data := _pool(account):
                market.apply(pubkey, account.owner, data)
        return {mint for pool in market.pools() for mint in (pool.mint_a, pool.mint_b)}

    def complete_slot_at(self, at_ns: int) -> int:
        """Return the newest slot of which every write has happened at `at_ns`.

        Slots without writes are taken to be spread evenly between those with writes.
        """
        done = bisect_right(self._arrivals, at_ns)
        if done == 0:
            return self.start_slot
        before = self.writes[done - 1]
        if done == len(self.writes):
            return before.slot + (at_ns - before.at_ns) // SLOT_NS
        after = self.writes[done]
        elapsed, gap = at_ns - before.at_ns, after.at_ns - before.at_ns
        slot = before.slot + (after.slot - before.slot) * elapsed // max(gap, 1)
        return min(slot, after.slot - 1)

    def writes_before(self, at_ns: int) -> int:
        """Return how many writes happened before `at_ns`."""
        return bisect_left(self._arrivals, at_ns)

    def _absent_tick_arrays(self) -> list[str]:
        starts: set[tuple[str, int]] = set()
        states = [*self.accounts.items(), *((write.pubkey, write.account) for write in self.writes)]
        for pubkey, account in states:
            if data := _pool(account):
                starts.update((pubkey, start) for start in _starts_in_reach(data))
        owner = {pubkey: account.owner for pubkey, account in self.accounts.items()}
        keys = (tick_array_address(pool, start, owner[pool]) for pool, start in sorted(starts))
        return [key for key in keys if key not in self.accounts]


def tick_array_address(pool: str, start: int, program: str) -> str:
    """Return the address of a pool's tick array; the start is written in decimal."""
    address, _ = find_program_address(
        [b"tick_array", bytes(Pubkey.from_string(pool)), str(start).encode()], program
    )
    return address


def _pool(account: Account) -> bytes | None:
    return b64decode(account.data) if account.space == POOL_BYTES else None


def _starts_in_reach(pool: bytes) -> list[int]:
    ticks = TICKS_PER_ARRAY * int.from_bytes(pool[41:43], "little")
    current = int.from_bytes(pool[81:85], "little", signed=True) // ticks
    starts = [(current + offset) * ticks for offset in ARRAYS_IN_REACH]
    return [start for start in starts if -MAX_TICK - ticks < start <= MAX_TICK]


def load(folder: Path) -> MarketDay:
    """Read a day from `folder`, which holds snapshot, updates and their checksums.

    Raises:
        ValueError: A file is not the one that `metadata.json` describes.
    """
    expected = json.loads((folder / "metadata.json").read_text())["files"]
    rows: dict[str, list[dict[str, Any]]] = {}
    for name in ("snapshot.jsonl.gz", "updates.jsonl.gz"):
        content = (folder / name).read_bytes()
        if sha256(content).hexdigest() != expected[name]["sha256"]:
            raise ValueError(f"{folder / name} is not the file that metadata.json describes")
        rows[name] = [json.loads(line) for line in gzip.decompress(content).splitlines()]
    accounts = {row["pubkey"]: Account(row["owner"], row["data"]) for row in rows["snapshot.jsonl.gz"]}
    return MarketDay(accounts, _writes(rows["updates.jsonl.gz"]))


def _writes(rows: list[dict[str, Any]]) -> list[Write]:
    in_slot = Counter((row["slot"], row["pubkey"]) for row in rows)
    left_in_slot, left_of_day = in_slot.copy(), Counter(row["pubkey"] for row in rows)
    writes = []
    for row, at_ns in zip(rows, _chain_times(rows), strict=True):
        key = row["slot"], row["pubkey"]
        left_in_slot[key] -= 1
        left_of_day[row["pubkey"]] -= 1
        writes.append(
            Write(
                slot=row["slot"],
                at_ns=at_ns,
                pubkey=row["pubkey"],
                account=Account(row["owner"], row["data"]),
                is_last_in_slot=left_in_slot[key] == 0,
                is_only_in_slot=in_slot[key] == 1,
                is_last_of_day=left_of_day[row["pubkey"]] == 0,
            )
        )
    return writes


def _chain_times(rows: list[dict[str, Any]]) -> list[int]:
    """Return each write's chain time in nanoseconds since midnight.

    A block time has whole seconds: the slots of one second are spread evenly over it, and the
    writes of one slot over the slot, 0.4 s or what fits.
    """
    midnight = rows[0]["block_time"] // DAY_S * DAY_S
    slots_of_second: dict[int, list[int]] = {}
    writes_of_slot = Counter(row["slot"] for row in rows)
    for row in rows:
        slots = slots_of_second.setdefault(row["block_time"], [])
        if row["slot"] not in slots:
            slots.append(row["slot"])
    times = []
    place: Counter[int] = Counter()
    for row in rows:
        slots, slot = slots_of_second[row["block_time"]], row["slot"]
        share = SECOND_NS // len(slots)
        inside = min(share, SLOT_NS) * place[slot] // writes_of_slot[slot]
        place[slot] += 1
        second = (row["block_time"] - midnight) * SECOND_NS
        times.append(second + share * slots.index(slot) + inside)
    return times
