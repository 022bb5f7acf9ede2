"""What a viewer has seen of a run, and how it names mints, pools and routes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from phantom_arbiter.mints import MintBook, MintInfo, short
from phantom_arbiter.render import plain
from phantom_arbiter.telemetry.model import RunModel
from phantom_arbiter.telemetry.records import Changes, Hello, Published, Snapshot, Status, WatchedPool

KEPT_FEES = 600
"""How many figures of fees are remembered: one a second."""

MAX_SYMBOL = 16


@dataclass(frozen=True, slots=True)
class FeePoint:
    """What was to be offered at one moment."""

    unix_ms: int
    compute_unit_price_micro_lamports: int
    tip_lamports: int
    congestion: float | None


@dataclass(slots=True)
class Watched:
    """One run as its records tell it.

    Attributes:
        model: The records, folded.
        book: Symbols and decimals, also of mints of which only the pools tell the decimals.
        fees: What was to be offered in the last minutes, newest last.
        taken: How many records were taken.
        by_address: Numbers of the pools.
    """

    model: RunModel = field(default_factory=RunModel)
    book: MintBook = field(default_factory=MintBook)
    fees: deque[FeePoint] = field(default_factory=lambda: deque(maxlen=KEPT_FEES))
    taken: int = 0
    by_address: dict[str, int] = field(default_factory=dict)

    def take(self, record: Published) -> None:
        """Take notice of a record."""
        self.model.apply(record)
        self.taken += 1
        match record:
            case Hello():
                known = {
                    address: MintInfo(plain(mint.symbol)[:MAX_SYMBOL], mint.decimals)
                    for address, mint in record.mints.items()
                }
                self.book, self.by_address = MintBook(known), {}
                self.fees.clear()
            case Snapshot():
                self._know(record.market.pools)
            case Changes() if record.market.new_pools:
                self._know(record.market.new_pools)
            case Status():
                self._offered(record)
            case _:
                pass

    def still(self) -> Watched:
        """Return what is known now; what is taken later does not change it."""
        return Watched(self.model.copy(), self.book, self.fees.copy(), self.taken, self.by_address.copy())

    def symbol(self, mint: str) -> str:
        """Return what a mint is called."""
        return self.book.symbol(mint)

    def amount(self, mint: str, amount: str | None, *, places: int | None = None) -> str:
        """Return base units in words; a dash if there are none."""
        return "-" if amount is None else self.book.amount(mint, int(amount), places=places)

    def pair(self, pool: WatchedPool) -> str:
        """Return the symbols of a pool's mints."""
        return f"{self.symbol(pool.mint_a)}/{self.symbol(pool.mint_b)}"

    def price_ui(self, pool: WatchedPool) -> float | None:
        """Return tokens of b for one of a before fees, or base units where decimals are not known."""
        price = self.model.states[pool.n].price
        a, b = self.book.mints.get(pool.mint_a), self.book.mints.get(pool.mint_b)
        if price is None or a is None or b is None:
            return price
        power: float = 10.0 ** (a.decimals - b.decimals)
        return price * power

    def hops(
        self, edges: tuple[int, ...], base_mint: str | None = None
    ) -> list[tuple[WatchedPool, str, str]]:
        """Return pool, mint in and mint out of every hop, from `base_mint` on if the cycle has it.

        Pools that are not known are left out.
        """
        hops = []
        for edge in edges:
            pool = self.model.pools.get(edge // 2)
            if pool is not None:
                a, b = pool.mint_a, pool.mint_b
                hops.append((pool, b, a) if edge % 2 else (pool, a, b))
        first = next((i for i, hop in enumerate(hops) if hop[1] == base_mint), 0)
        return hops[first:] + hops[:first]

    def route(self, edges: tuple[int, ...], base_mint: str | None = None) -> str:
        """Return the symbols that a cycle goes through."""
        hops = self.hops(edges, base_mint)
        return self.path([hop[1] for hop in hops] + [hop[2] for hop in hops[-1:]])

    def path(self, mints: list[str]) -> str:
        """Return symbols with arrows between them."""
        return "→".join(map(self.symbol, mints))

    def venue(self, address: str) -> str:
        """Return the venue of a pool; a dash if the pool is not known."""
        n = self.by_address.get(address)
        return "-" if n is None else plain(self.model.pools[n].venue)

    def _know(self, pools: tuple[WatchedPool, ...]) -> None:
        known = dict(self.book.mints)
        for pool in pools:
            self.by_address[pool.pool] = pool.n
            for mint, decimals in ((pool.mint_a, pool.decimals_a), (pool.mint_b, pool.decimals_b)):
                if mint not in known and decimals is not None:
                    known[mint] = MintInfo(short(mint), decimals)
        self.book = MintBook(known)

    def _offered(self, status: Status) -> None:
        if self.fees and status.unix_ms - self.fees[-1].unix_ms < 1_000:
            return
        fees = status.fees
        self.fees.append(
            FeePoint(
                status.unix_ms, fees.compute_unit_price_micro_lamports, fees.tip_lamports, fees.congestion
            )
        )
