"""The one bank behind all endpoints: slots, blockhashes, commitment and accounts.

The one idea: the bank knows nothing of connections. It tells listeners what happened, in order; endpoints
are listeners. Time enters as slots only: whoever drives the bank says when the next slot begins.
"""

from __future__ import annotations

import hashlib
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

from phantom_arbiter.localnet.accounts import AccountState, AccountStore, base58, rent_exempt_minimum
from phantom_arbiter.localnet.notices import AccountNotice, EventNotice

CLOCK_SYSVAR: Final = "SysvarC1ock11111111111111111111111111111111"
SYSVAR_PROGRAM: Final = "Sysvar1111111111111111111111111111111111111"
SLOTS_PER_EPOCH: Final = 432_000
MAX_PROCESSING_AGE: Final = 150
"""Blocks for which a blockhash is good (sdk clock)."""
MAX_SLOT_HASHES: Final = 512
"""Slots that the SlotHashes sysvar remembers (sdk slot-hashes)."""
SLOT_MS: Final = 400
_CLOCK = struct.Struct("<QqQQq")


class Commitment(IntEnum):
    """How sure a read or notification is to stay."""

    PROCESSED = 0
    CONFIRMED = 1
    FINALIZED = 2

    @property
    def label(self) -> str:
        """Its name in JSON."""
        return self.name.lower()


COMMITMENTS: Final = {each.label: each for each in Commitment}


@dataclass(frozen=True, slots=True)
class BankSettings:
    """How a bank counts.

    Attributes:
        first_slot: Slot at the start.
        first_unix: Unix seconds at the start of that slot, as the Clock sysvar tells them.
        confirmed_lag: Slots after which a slot is confirmed.
        finalized_lag: Slots after which a slot is final.
        seed: Blockhashes and the genesis hash follow from it.
    """

    first_slot: int = 401_000_000
    first_unix: int = 1_790_000_000
    confirmed_lag: int = 1
    finalized_lag: int = 32
    seed: int = 0

    def unix_timestamp(self, slot: int) -> int:
        """Return the Clock sysvar's time in `slot`: slots of 400 ms."""
        return self.first_unix + (slot - self.first_slot) * SLOT_MS // 1_000


class Listener(Protocol):
    """Hears of everything that happens, in order."""

    def account_written(self, notice: AccountNotice) -> None:
        """Take a write at `processed`."""

    def account_committed(self, commitment: Commitment, notice: AccountNotice) -> None:
        """Take the last write of an account in a slot that reached `commitment`."""

    def happened(self, notice: EventNotice, commitment: Commitment | None) -> None:
        """Take an event; a commitment of None concerns subscribers at every commitment."""

    def slot_began(self, slot: int) -> None:
        """Take notice of a new slot, after everything of the one before."""


class Bank:
    """Accounts and time of the local net."""

    def __init__(self, settings: BankSettings | None = None) -> None:
        self.settings = settings or BankSettings()
        self.accounts = AccountStore()
        self.slot = self.settings.first_slot
        self.block_height = self.slot
        self.transactions = 0
        self._listeners: list[Listener] = []
        self._written: dict[int, dict[str, None]] = {}
        self._recorded: dict[int, list[EventNotice]] = {}
        self._blockhashes: dict[str, int] = {}
        self._recent: deque[tuple[int, int, str]] = deque()
        self._slot_hashes: deque[tuple[int, str]] = deque(maxlen=MAX_SLOT_HASHES)
        self._slot_callbacks: list[Callable[[], None]] = []
        self._committed = {
            commitment: self.slot - self.lag(commitment)
            for commitment in (Commitment.CONFIRMED, Commitment.FINALIZED)
        }
        self.genesis_hash = self._hash(b"genesis", 0)
        self._make_blockhash()
        self._write_clock()

    # ---- time

    def lag(self, commitment: Commitment) -> int:
        """Return how many slots behind the newest a commitment is."""
        if commitment is Commitment.PROCESSED:
            return 0
        if commitment is Commitment.CONFIRMED:
            return self.settings.confirmed_lag
        return self.settings.finalized_lag

    def slot_at(self, commitment: Commitment, lag_slots: int = 0) -> int:
        """Return the newest slot at a commitment, for an endpoint that lags by `lag_slots`."""
        return max(self.settings.first_slot, self.slot - self.lag(commitment) - lag_slots)

    def height_of(self, slot: int) -> int:
        """Return the block height of a slot; no slot of the local net is skipped once it is under way."""
        return self.block_height - (self.slot - slot)

    def unix_timestamp(self) -> int:
        """Return the Clock sysvar's time."""
        return self.settings.unix_timestamp(self.slot)

    def advance(self, slot: int | None = None) -> int:
        """Begin the next slot, or `slot` if it is later; return the new slot."""
        parent = self.slot
        self.slot = parent + 1 if slot is None else max(slot, parent)
        if self.slot == parent:
            return parent
        self.block_height += 1
        for commitment in self._committed:
            self._commit(commitment)
        root = self.slot_at(Commitment.FINALIZED)
        settled = self._committed[Commitment.FINALIZED]
        for by_slot in (self._written, self._recorded):
            for old in [each for each in by_slot if each <= settled]:
                del by_slot[old]
        for listener in self._listeners:
            listener.slot_began(self.slot)
        self.tell(
            EventNotice("slotNotification", self.slot, {"slot": self.slot, "parent": parent, "root": root})
        )
        self.tell(EventNotice("rootNotification", self.slot, root))
        self._slot_hashes.appendleft((parent, self.blockhash_at(parent)[0]))
        self._make_blockhash()
        self._write_clock()
        for callback in self._slot_callbacks:
            callback()
        return self.slot

    def _commit(self, commitment: Commitment) -> None:
        """Tell of the slots that reached a commitment."""
        reached = self.slot - self.lag(commitment)
        for slot in [each for each in self._written if self._committed[commitment] < each <= reached]:
            for pubkey in self._written[slot]:
                notice = AccountNotice(pubkey, slot, self.accounts.at(pubkey, slot))
                for listener in self._listeners:
                    listener.account_committed(commitment, notice)
        for slot in [each for each in self._recorded if self._committed[commitment] < each <= reached]:
            for event in self._recorded[slot]:
                self.tell(event, commitment)
        self._committed[commitment] = reached

    def _write_clock(self) -> None:
        epoch = self.slot // SLOTS_PER_EPOCH
        begun = self.settings.unix_timestamp(max(self.settings.first_slot, epoch * SLOTS_PER_EPOCH))
        data = _CLOCK.pack(self.slot, begun, epoch, epoch + 1, self.unix_timestamp())
        self.write(CLOCK_SYSVAR, AccountState(SYSVAR_PROGRAM, rent_exempt_minimum(len(data)), data))

    # ---- blockhashes

    def _hash(self, what: bytes, number: int) -> str:
        text = b"phantom localnet %b %d %d" % (what, self.settings.seed, number)
        return base58(hashlib.sha256(text).digest())

    def _make_blockhash(self) -> None:
        blockhash = self._hash(b"block", self.slot)
        self._blockhashes[blockhash] = self.block_height
        self._recent.append((self.slot, self.block_height, blockhash))
        while self._recent[0][1] < self.block_height - 2 * MAX_PROCESSING_AGE:
            del self._blockhashes[self._recent.popleft()[2]]

    def blockhash_at(self, slot: int) -> tuple[str, int]:
        """Return the blockhash of `slot` or of the last before it, and the last height at which it holds."""
        for at, height, blockhash in reversed(self._recent):
            if at <= slot:
                return blockhash, height + MAX_PROCESSING_AGE
        _, height, blockhash = self._recent[0]
        return blockhash, height + MAX_PROCESSING_AGE

    def slot_hashes(self) -> list[tuple[int, str]]:
        """Return the last completed slots with their hashes, newest first (sysvar SlotHashes)."""
        return list(self._slot_hashes)

    def is_blockhash_valid(self, blockhash: str, height: int | None = None) -> bool:
        """Return whether a transaction with this blockhash may still be processed."""
        born = self._blockhashes.get(blockhash)
        return born is not None and (height or self.block_height) - born <= MAX_PROCESSING_AGE

    # ---- accounts

    def write(self, pubkey: str, state: AccountState | None) -> None:
        """Write an account in the present slot; None closes it."""
        slot = self.slot
        self.accounts.put(pubkey, slot, state)
        written = self._written.get(slot)
        if written is None:
            written = self._written[slot] = {}
        written[pubkey] = None
        if self._listeners:
            notice = AccountNotice(pubkey, slot, state)
            for listener in self._listeners:
                listener.account_written(notice)

    def load(self, pubkey: str, state: AccountState) -> None:
        """Put an account there as if it had always been: nobody is told."""
        self.accounts.put(pubkey, self.settings.first_slot, state)

    # ---- listeners

    def listen(self, listener: Listener) -> None:
        """Tell `listener` of everything from now on."""
        self._listeners.append(listener)

    def after_advance(self, callback: Callable[[], None]) -> None:
        """Call back whenever a slot has begun and everything of it is in place."""
        self._slot_callbacks.append(callback)

    def record(self, notice: EventNotice) -> None:
        """Tell of an event of the present slot now, and again when the slot is confirmed and final."""
        self._recorded.setdefault(self.slot, []).append(notice)
        self.tell(notice, Commitment.PROCESSED)

    def unrecord(self, topic: str) -> None:
        """Tell nothing more of the present slot's events that are about this signature."""
        events = self._recorded.get(self.slot, [])
        self._recorded[self.slot] = [each for each in events if each.topic != topic]

    def tell(self, notice: EventNotice, commitment: Commitment | None = None) -> None:
        """Tell all listeners of an event."""
        for listener in self._listeners:
            listener.happened(notice, commitment)
