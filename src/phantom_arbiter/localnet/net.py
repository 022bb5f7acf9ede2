"""The local net in this process: one bank, its feed, and the endpoints in front of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.localnet.accounts import SYSTEM_PROGRAM, AccountState
from phantom_arbiter.localnet.bank import SLOT_MS, Bank
from phantom_arbiter.localnet.block_engine.auction import BlockEngine
from phantom_arbiter.localnet.block_engine.faults import EngineFaults
from phantom_arbiter.localnet.block_engine.region import Region
from phantom_arbiter.localnet.endpoint import Endpoint
from phantom_arbiter.localnet.faults.plan import FaultPlan
from phantom_arbiter.localnet.feed import Feed
from phantom_arbiter.localnet.machine import Machine
from phantom_arbiter.localnet.sources import Source, Tape, open_source, read_accounts
from phantom_arbiter.localnet.wire.connection import HOST

MAX_ENDPOINTS = 64
REGION_NAMES = ("amsterdam", "dublin", "frankfurt", "london", "ny", "slc", "singapore", "tokyo")
"""Regions of the block engine, by Jito's names."""
MAX_PREPARED = 1_000_000
"""Writes made beforehand; each takes about 3 kB."""
_PORT_TRIES = 50


@dataclass(frozen=True)
class NetSettings:
    """What a local net is made of.

    Attributes:
        endpoints: How many endpoints.
        source: `simulator`, `demo`, `empty`, or a file: a recording or a snapshot of accounts.
        rate: Account writes per second; None: as fast as clients take them.
        seed: The simulator, blockhashes and all faults follow from it.
        faults: Plan of each endpoint; those without one have no faults.
        port: HTTP port of the first endpoint; each has two, the next ones follow. 0: any free ones.
        slot_ms: Length of a slot where no source says it; None: slots begin by `advance` only.
        prepare: Make so many writes before the start, and play them again and again; 0: make them as needed.
        venues: Venues of the simulator; empty: all.
        snapshot: Snapshot with further accounts, there from the start; the source's own come before them.
        programs: Bytecode files to deploy in the virtual machine, by program id.
        autostart: Whether the feed begins at once, or with `resume`.
        regions: Regions of the block engine, each with a port after those of the endpoints; 0: there is none.
        engine_faults: Plan of each region; those without one have no faults.
        uuids: UUIDs that the block engine knows; empty: any.
    """

    endpoints: int = 1
    source: str = "simulator"
    rate: float | None = 1_000.0
    seed: int = 0
    faults: Sequence[FaultPlan] = ()
    port: int = 0
    slot_ms: float | None = SLOT_MS
    prepare: int = 0
    venues: tuple[str, ...] = ()
    snapshot: Path | None = None
    programs: dict[str, Path] = field(default_factory=dict)
    autostart: bool = True
    regions: int = 0
    engine_faults: Sequence[EngineFaults] = ()
    uuids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.endpoints <= MAX_ENDPOINTS:
            raise ConfigError(f"endpoints is {self.endpoints}, it may be 1 to {MAX_ENDPOINTS}")
        if len(self.faults) > self.endpoints:
            raise ConfigError(f"there are {len(self.faults)} fault plans for {self.endpoints} endpoints")
        if self.rate is not None and not 0 < self.rate <= 1_000_000:
            raise ConfigError(f"rate is {self.rate}, it may be above 0 up to 1,000,000 writes per second")
        if self.slot_ms is not None and not 1 <= self.slot_ms <= 60_000:
            raise ConfigError(f"slot_ms is {self.slot_ms}, it may be 1 to 60,000")
        if not 0 <= self.prepare <= MAX_PREPARED:
            raise ConfigError(f"prepare is {self.prepare}, it may be 0 to {MAX_PREPARED:,}")
        if not 0 <= self.regions <= len(REGION_NAMES):
            raise ConfigError(f"regions is {self.regions}, it may be 0 to {len(REGION_NAMES)}")
        if len(self.engine_faults) > self.regions:
            raise ConfigError(f"there are {len(self.engine_faults)} fault plans for {self.regions} regions")
        if not 0 <= self.port <= 65_535 - self.ports:
            raise ConfigError(f"port is {self.port}, it may be 0 to {65_535 - self.ports}")

    @property
    def ports(self) -> int:
        """Ports in use: two of each endpoint, one of each region."""
        return 2 * self.endpoints + self.regions

    def plan_of(self, index: int) -> FaultPlan:
        """Return what goes wrong at an endpoint."""
        return self.faults[index] if index < len(self.faults) else FaultPlan()

    @property
    def writes_per_slot(self) -> int:
        """Writes of the simulator in one slot, so that slots take `slot_ms`."""
        return max(1, round((self.rate or 50_000) * (self.slot_ms or SLOT_MS) / 1000))


class LocalNet:
    """A local net; an asynchronous context manager that serves while it is open.

    ```python
    async with LocalNet(NetSettings(endpoints=3, seed=7)) as net:
        url = net.endpoints[0].http_url
        ...
        await net.quiesce()
        slot, owner, data = await net.truth(address)
    ```
    """

    def __init__(self, settings: NetSettings | None = None, source: Source | None = None) -> None:
        """Make the bank; ports are opened by `start`.

        Args:
            settings: What the net is made of.
            source: Moves the accounts instead of the one that `settings` name.

        Raises:
            ConfigError: The source cannot be read.
            RecordingError: The recording is corrupt.
        """
        self.settings = settings or NetSettings()
        self.source = source or open_source(
            self.settings.source,
            seed=self.settings.seed,
            writes_per_slot=self.settings.writes_per_slot,
            venues=self.settings.venues,
        )
        if self.settings.prepare:
            self.source = Tape(self.source, self.settings.prepare)
        self.bank = Bank(self.source.bank)
        further = read_accounts(self.settings.snapshot) if self.settings.snapshot else {}
        for pubkey, state in {**further, **self.source.accounts}.items():
            self.bank.load(pubkey, state)
        self.machine = Machine(self.bank, self.settings.programs)
        self.endpoints = [
            Endpoint(
                f"local-{index}", self.bank, self.machine, self.settings.plan_of(index), self.settings.seed
            )
            for index in range(self.settings.endpoints)
        ]
        is_manual = self.settings.slot_ms is None
        self.block_engine = (
            BlockEngine(self.bank, self.machine, is_manual=is_manual) if self.settings.regions else None
        )
        self.regions = [
            Region(
                name,
                self._engine,
                self.bank,
                self.machine,
                self.settings.engine_faults[index]
                if index < len(self.settings.engine_faults)
                else EngineFaults(),
                uuids=self.settings.uuids,
                seed=self.settings.seed,
                is_manual=is_manual,
            )
            for index, name in enumerate(REGION_NAMES[: self.settings.regions])
        ]
        self.feed: Feed | None = None

    # ---- life

    async def start(self) -> None:
        """Open the ports and let the feed begin.

        Raises:
            ConfigError: A port is in use.
        """
        sockets = _bind(self.settings.port, self.settings.ports)
        for index, endpoint in enumerate(self.endpoints):
            await endpoint.start(*sockets[2 * index : 2 * index + 2])
        for region, sock in zip(self.regions, sockets[2 * len(self.endpoints) :], strict=True):
            await region.start(sock)
        self.feed = Feed(
            self.bank,
            self.source,
            lambda: list(self.endpoints),
            rate=self.settings.rate,
            slot_ms=self.settings.slot_ms,
        )
        if self.settings.autostart:
            self.feed.start()

    async def stop(self) -> None:
        """Stop the feed, close all connections and ports."""
        try:
            if self.feed is not None:
                await self.feed.stop()
        finally:
            if self.block_engine is not None:
                self.block_engine.stop()
            for endpoint in self.endpoints:
                await endpoint.stop()
            for region in self.regions:
                await region.stop()

    async def __aenter__(self) -> LocalNet:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def ended(self) -> None:
        """Wait for the end of the feed, which comes with an error only.

        Raises:
            Exception: What ended it.
        """
        await self._feed.ended()

    # ---- for tests

    async def truth(self, pubkey: str) -> tuple[int, str, bytes] | None:
        """Return slot of the last write, owner and data of an account; None if there is none."""
        held = self.bank.accounts.latest(pubkey)
        if held is None or held[1] is None:
            return None
        return held[0], held[1].owner, held[1].data

    async def history(self, pubkey: str) -> list[tuple[int, str, bytes]]:
        """Return slot, owner and data of the last write of each slot, oldest first; closings are left out.

        Slots more than `AccountStore.KEPT_SLOTS` ago are forgotten.
        """
        held = self.bank.accounts.history(pubkey)
        return [(slot, state.owner, state.data) for slot, state in held if state is not None]

    async def accounts(self) -> list[str]:
        """Return the addresses of all accounts."""
        return list(self.bank.accounts)

    async def pause(self) -> None:
        """Stop writes and slots."""
        await self._feed.pause()

    async def resume(self) -> None:
        """Let writes and slots go on, or begin."""
        self._feed.start()

    async def quiesce(self, timeout_s: float = 30.0) -> None:
        """Stop the feed and let all that is on its way reach the clients.

        What faults have swallowed stays lost; half-open connections stay silent. Clients have everything in
        their sockets afterwards, they need not have read it.

        Raises:
            TimeoutError: A client does not read.
        """
        await self.pause()
        async with asyncio.timeout(timeout_s):
            for endpoint in self.endpoints:
                await endpoint.flush()

    async def advance(self, slots: int = 1) -> int:
        """Begin so many slots at once; return the present one."""
        for _ in range(slots):
            self.bank.advance()
        return self.bank.slot

    async def uncle(self, *, rebroadcast: bool = False) -> list[str]:
        """Take back every transaction of the present slot, as if its block had not been built upon.

        Args:
            rebroadcast: Begin the next slot and carry them out again there, each by itself: what may happen
                to a bundle whose block was skipped.

        Returns:
            Their signatures, in the order in which they had landed.
        """
        transactions = self.machine.undo_slot()
        if self.block_engine is not None:
            self.block_engine.forget_landing(self.bank.slot)
        if rebroadcast:
            self.bank.advance()
            for transaction in transactions:
                if self.machine.obstacle(transaction) is None:
                    self.machine.execute(transaction)
        return [str(each.signatures[0]) for each in transactions]

    async def write(self, pubkey: str, owner: str, data: bytes, lamports: int = 1_000_000_000) -> None:
        """Write an account in the present slot."""
        self.bank.write(pubkey, AccountState(owner, lamports, data))

    async def fund(self, pubkey: str, lamports: int) -> None:
        """Give an account so many lamports, without a transaction."""
        self.bank.write(pubkey, AccountState(SYSTEM_PROGRAM, lamports, b""))

    async def close_account(self, pubkey: str) -> None:
        """Close an account in the present slot."""
        self.bank.write(pubkey, None)

    async def set_faults(self, endpoint: int, plan: FaultPlan) -> None:
        """Let other things go wrong at an endpoint from now on."""
        self.endpoints[endpoint].set_plan(plan)

    async def disconnect(self, endpoint: int) -> None:
        """Cut all WebSockets of an endpoint."""
        self.endpoints[endpoint].disconnect()

    async def half_open(self, endpoint: int) -> None:
        """Let all WebSockets of an endpoint fall silent without closing them."""
        self.endpoints[endpoint].half_open()

    async def stall(self, endpoint: int, seconds: float) -> None:
        """Let an endpoint send nothing for a while, then all at once."""
        self.endpoints[endpoint].stall(seconds)

    async def set_engine_faults(self, region: int, plan: EngineFaults) -> None:
        """Let other things go wrong at a region of the block engine from now on."""
        self.regions[region].plan = plan

    async def hold_auctions(self) -> None:
        """Let bundles gather until `run_auction` or `release_auctions`."""
        self._engine.hold()

    async def release_auctions(self) -> None:
        """Let auctions take place by themselves again; one does at once."""
        self._engine.release()

    async def run_auction(self) -> None:
        """Hold one auction of all bundles that are due."""
        self._engine.run_auction()

    async def bundle(self, bundle_id: str) -> dict[str, Any] | None:
        """Return what became of a bundle, more than clients are told; None if it was never taken in."""
        found = self._engine.bundle(bundle_id)
        if found is None:
            return None
        return {
            "status": found.status.value,
            "landed_slot": found.landed_slot,
            "tip_lamports": found.tip_lamports,
            "rejections": {region: reason.value for region, reason in found.rejections.items()},
            "err": found.err,
            "transactions": found.signatures,
        }

    async def stats(self) -> dict[str, Any]:
        """Return counters."""
        return {
            "slot": self.bank.slot,
            "writes": 0 if self.feed is None else self.feed.writes,
            "transactions": self.bank.transactions,
            "endpoints": [endpoint.stats() for endpoint in self.endpoints],
            "regions": [region.stats() for region in self.regions],
            "bundles": {} if self.block_engine is None else self.block_engine.counts(),
        }

    @property
    def _engine(self) -> BlockEngine:
        if self.block_engine is None:
            raise ConfigError("this local net has no block engine", hint="regions=1 or more")
        return self.block_engine

    @property
    def _feed(self) -> Feed:
        if self.feed is None:
            raise ConfigError("the local net has not been started")
        return self.feed


def _bind(port: int, count: int) -> list[socket.socket]:
    """Return `count` sockets bound to consecutive ports."""
    for attempt in range(_PORT_TRIES):
        sockets: list[socket.socket] = []
        try:
            for offset in range(count):
                sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                sockets.append(sock)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                first = sockets[0].getsockname()[1] if offset else port
                wanted = first + offset
                if wanted > 65_535:
                    raise OSError("no such port")
                sock.bind((HOST, wanted))
                sock.listen(128)
        except OSError:
            for sock in sockets:
                sock.close()
            if port or attempt == _PORT_TRIES - 1:
                message = f"port {wanted} is in use" if port else "no free ports"
                raise ConfigError(message, hint="choose others with --port; 0 takes any free ones") from None
            continue
        return sockets
    raise AssertionError("unreachable")
