"""Moves pools by swaps so that their prices wander, drift apart and come together again.

Every pair of mints has a price that walks at random around its start. A swap either pushes a pool away from
it, as traders do, or towards it, as arbitrageurs do: between pools of a pair, cycles open and close.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from pathlib import Path
from random import Random

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.localnet.accounts import AccountState, native_lamports
from phantom_arbiter.localnet.bank import CLOCK_SYSVAR, SLOTS_PER_EPOCH, SYSVAR_PROGRAM, BankSettings
from phantom_arbiter.localnet.simulator.pools import SimulatedPool, Writes
from phantom_arbiter.sources.snapshot import read_snapshot
from phantom_core import Clock, Market, MarketDataError, Pool, SwapRefused

SHIPPED_MARKET = Path(__file__).resolve().parents[2] / "data" / "localnet-market.jsonl.gz"
"""Pools of all eight venues; made by tools/make_localnet_market.py."""
_STEP = 0.01
"""Relative price move to which swap sizes are measured."""


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """How a simulated market behaves.

    Attributes:
        seed: All choices follow from it.
        writes_per_slot: Account writes after which the next slot begins.
        venues: Venues whose pools trade; empty: all.
        walk: Standard deviation of a pair's price per slot, relative.
        noise: Standard deviation of the move by which a trader pushes a pool, relative.
        reversion: Part of the swaps that push a pool towards its pair's price.
        band: Pools further than this from their pair's price are pushed back; relative.
    """

    seed: int = 0
    writes_per_slot: int = 400
    venues: tuple[str, ...] = ()
    walk: float = 0.0004
    noise: float = 0.002
    reversion: float = 0.5
    band: float = 0.015


class Simulator:
    """A market of real account bytes, moved by swaps that are exact."""

    def __init__(self, settings: SimulatorSettings | None = None, market: Path = SHIPPED_MARKET) -> None:
        """Load a market.

        Args:
            settings: How it behaves.
            market: A snapshot that holds every account of its pools.

        Raises:
            ConfigError: The snapshot cannot be read, or holds no pool that trades.
        """
        self.settings = settings or SimulatorSettings()
        self.bank = BankSettings(seed=self.settings.seed)
        self._random = Random(f"simulator {self.settings.seed}")
        self.accounts = {
            entry.pubkey: AccountState(entry.owner, native_lamports(entry.owner, entry.data), entry.data)
            for entry in read_snapshot(market)
            if entry.owner is not None and entry.data is not None
        }
        wanted = set(self.settings.venues)
        self.pools = [
            SimulatedPool(pool, self.accounts) for pool in self._load() if not wanted or pool.venue in wanted
        ]
        if not self.pools:
            raise ConfigError(
                f"market {market.name} has no pool of {', '.join(sorted(wanted)) or 'any venue'}"
            )
        self._set_clock(self.bank.first_slot)
        self._units = [{side: _unit(each.pool, a_to_b=side) for side in (True, False)} for each in self.pools]
        self._start: dict[tuple[str, ...], float] = {}
        self._pairs: list[tuple[tuple[str, ...], float]] = []
        for each in self.pools:
            mints = tuple(str(mint) for mint in each.pool.mints)
            key = tuple(sorted(mints))
            sign = 1.0 if mints == key else -1.0
            self._pairs.append((key, sign))
            self._start.setdefault(key, sign * _log_price(each.pool))
        self._walk = dict.fromkeys(self._start, 0.0)
        self.refused = 0
        """Swaps that the program would have refused; another was tried instead."""

    def _load(self) -> list[Pool]:
        market = Market(complete=True)
        slot = self.bank.first_slot
        for key, state in self.accounts.items():
            market.apply(key, state.owner, state.data, slot)
        clock = struct.pack("<QqQQq", slot, 0, slot // SLOTS_PER_EPOCH, 0, self.bank.first_unix)
        market.apply(CLOCK_SYSVAR, SYSVAR_PROGRAM, clock, slot)
        return [market.pool(info.pool) for info in market.pools() if info.set_aside_reason is None]

    def events(self) -> Iterator[int | Writes]:
        """Return, without end, the number of each slot followed by the writes of each swap in it."""
        slot = self.bank.first_slot
        while True:
            slot += 1
            yield slot
            self._set_clock(slot)
            self._move_prices()
            written = 0
            while written < self.settings.writes_per_slot:
                writes = self.step()
                written += len(writes)
                yield writes

    def _set_clock(self, slot: int) -> None:
        now = self.bank.unix_timestamp(slot)
        clock = Clock(slot=slot, epoch=slot // SLOTS_PER_EPOCH, unix_timestamp=now)
        for each in self.pools:
            each.pool.set_clock(clock)

    def _move_prices(self) -> None:
        settings, gauss = self.settings, self._random.gauss
        for key, offset in self._walk.items():
            self._walk[key] = 0.98 * offset + gauss(0.0, settings.walk)

    def step(self) -> Writes:
        """Carry one swap out and return its writes."""
        random, settings = self._random, self.settings
        while True:
            place = int(random.random() * len(self.pools))
            each = self.pools[place]
            key, sign = self._pairs[place]
            apart = sign * _log_price(each.pool) - self._start[key] - self._walk[key]
            if random.random() < settings.reversion or abs(apart) > settings.band:
                move = -apart * (0.3 + 0.7 * random.random())
            else:
                move = random.gauss(0.0, settings.noise)
            # A rising price of the first mint means that it is bought.
            a_to_b = move * sign < 0
            share = min(abs(move), _STEP) / _STEP
            amount = int(self._units[place][a_to_b] * max(share, 0.001)) + 1
            try:
                return each.swap(amount, a_to_b=a_to_b)
            except (SwapRefused, MarketDataError):
                self.refused += 1


def _log_price(pool: Pool) -> float:
    return log(pool.spot_price_float(a_to_b=True, decimals=False))


def _unit(pool: Pool, *, a_to_b: bool) -> int:
    """Return an input that moves the price by about a hundredth."""
    start, amount = _log_price(pool), 1
    for _ in range(63):
        tried = pool.copy()
        try:
            tried.swap(amount, a_to_b=a_to_b)
        except (SwapRefused, MarketDataError):
            if amount > 10**6:
                break
        else:
            if abs(_log_price(tried) - start) >= _STEP:
                break
        amount *= 2
    return amount
