"""What moves the local net's accounts: a snapshot (nothing), a recording, or the simulator.

A source gives the accounts at the start, and then slots and writes in order. When they happen is the feed's
business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from phantom_arbiter.localnet.accounts import AccountState, native_lamports
from phantom_arbiter.localnet.bank import BankSettings
from phantom_arbiter.sources.snapshot import is_snapshot, read_snapshot
from phantom_core import AccountUpdate, Recording, WssAggregator

Writes = Sequence[tuple[str, AccountState | None]]
Event = int | Writes
"""The number of a slot that begins, or writes of the present slot."""


class Source(Protocol):
    """Where accounts and their writes come from."""

    @property
    def bank(self) -> BankSettings:
        """How the bank has to count for this source."""

    @property
    def accounts(self) -> dict[str, AccountState]:
        """Accounts at the start."""

    def events(self) -> Iterator[Event]:
        """Return slots and writes in order."""


class SnapshotSource:
    """Accounts that nothing moves but transactions."""

    def __init__(self, path: Path | None, seed: int) -> None:
        """Read a snapshot; without one the bank is empty.

        Raises:
            SnapshotError: It is missing, unreadable or no snapshot.
        """
        entries = [] if path is None else read_snapshot(path)
        slot = max((entry.slot for entry in entries), default=0)
        self.bank = BankSettings(first_slot=slot, seed=seed) if slot else BankSettings(seed=seed)
        self.accounts = {
            entry.pubkey: AccountState(entry.owner, native_lamports(entry.owner, entry.data), entry.data)
            for entry in entries
            if entry.owner is not None and entry.data is not None
        }

    def events(self) -> Iterator[Event]:
        """Return nothing."""
        return iter(())


class RecordingSource:
    """The account writes of a recording, in the order in which an aggregator of its endpoints applies them.

    Accounts that the recording only read (answers to `getMultipleAccounts` before its first notification)
    are there from the start.
    """

    def __init__(self, path: Path, seed: int) -> None:
        """Open a recording.

        Raises:
            RecordingError: The file is missing, no recording or corrupt.
        """
        self._recording = Recording(path)
        self.accounts: dict[str, AccountState] = {}
        first = 0
        for update in _updates(self._recording):
            if update.slot != first and first:
                break
            first = update.slot
            state = _state(update)
            if state is not None:
                self.accounts[update.pubkey] = state
        self.bank = BankSettings(first_slot=first or 1, seed=seed)

    def events(self) -> Iterator[Event]:
        """Return the recorded slots and writes."""
        slot = self.bank.first_slot
        for update in _updates(self._recording):
            if update.slot <= self.bank.first_slot:
                continue
            if update.slot > slot:
                slot = update.slot
                yield slot
            yield [(update.pubkey, _state(update))]


def _updates(recording: Recording) -> Iterator[AccountUpdate]:
    aggregator = WssAggregator()
    for record in recording:
        endpoint, frame = record.endpoint, record.frame
        found: tuple[object, ...] = ()
        if record.kind == "connect":
            aggregator.connect(endpoint)
        elif record.kind == "sent":
            aggregator.request(endpoint, frame)
        elif record.kind == "received":
            found = aggregator.push(endpoint, frame)
        else:
            found = aggregator.disconnect(endpoint)
        for update in found:
            if isinstance(update, AccountUpdate):
                yield update


def _state(update: AccountUpdate) -> AccountState | None:
    if not update.exists or update.owner is None or update.data is None:
        return None
    return AccountState(str.__str__(update.owner), update.lamports or 0, update.data)


class Tape:
    """The first events of a source, made beforehand, so that making them costs nothing while they play.

    After its end it begins anew, in later slots: accounts then jump back to what they held at first.
    """

    def __init__(self, source: Source, writes: int) -> None:
        """Take events until there are `writes` writes."""
        self.bank = source.bank
        self.accounts = source.accounts
        self._slots: list[list[Writes]] = []
        taken = 0
        for event in source.events():
            if isinstance(event, int):
                if taken >= writes:
                    break
                self._slots.append([])
            else:
                self._slots[-1].append(event)
                taken += len(event)

    def events(self) -> Iterator[Event]:
        """Return the events, again and again."""
        slot = self.bank.first_slot
        while self._slots:
            for batches in self._slots:
                slot += 1
                yield slot
                yield from batches


def open_source(name: str, *, seed: int, writes_per_slot: int, venues: tuple[str, ...] = ()) -> Source:
    """Return the source that `name` means.

    Args:
        name: `demo`, `simulator`, `empty`, or a file: a recording or a snapshot.
        seed: For the simulator and for blockhashes.
        writes_per_slot: For the simulator.
        venues: For the simulator; empty: all.

    Raises:
        ConfigError: The file is missing or cannot be read.
        RecordingError: The recording is corrupt.
    """
    from phantom_arbiter.localnet.simulator import Simulator, SimulatorSettings
    from phantom_arbiter.sources.recorded import DEMO_RECORDING

    if name == "simulator":
        return Simulator(SimulatorSettings(seed=seed, writes_per_slot=writes_per_slot, venues=venues))
    if name == "empty":
        return SnapshotSource(None, seed)
    path = DEMO_RECORDING if name == "demo" else Path(name)
    if name != "demo" and is_snapshot(path):
        return SnapshotSource(path, seed)
    return RecordingSource(path, seed)
