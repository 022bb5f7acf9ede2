"""Bundles: up to five transactions that land in their order in one slot, or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from solders.message import Message, MessageV0
from solders.transaction import VersionedTransaction

from phantom_arbiter.localnet.admission import is_signed
from phantom_arbiter.localnet.block_engine import errors
from phantom_arbiter.localnet.nonces import is_writable
from phantom_arbiter.localnet.outcomes import message_of

MAX_TRANSACTIONS: Final = 5
MIN_TIP_LAMPORTS: Final = 1_000
DONT_FRONT_PREFIX: Final = "jitodontfront"
TIP_ACCOUNTS: Final = (
    "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5",
    "HFqU5x63VTqvQss8hp11i4wVV8bD44PvwucfZ2bU7gRe",
    "Cw8CFyM9FkoMi7K7Crf6HNQqf4uEMzpKw6QNghXLvLkY",
    "ADaUMid9yfUytqMBgopwjb2DTLSokTSzL1zt6iGPaS49",
    "DfXygSm4jCyNCybVYYK6DwvWqjKee8pbDmJGcLWNDXjh",
    "ADuUkR4vqLUMWXxW9gh6D6L8pMSawimctcNZ5pGwDcEt",
    "DttWaMuVvTiduZRnguLF7jNxTgiMBZ1hyAumKUiL2KRL",
    "3AVi9Tg9Uo68tJfuvoKvqKNWKkC5wPdSSdeBnizKZ6jT",
)
"""Mainnet's tip accounts (jito-docs)."""


class Status(Enum):
    """What getInflightBundleStatuses says."""

    INVALID = "Invalid"
    PENDING = "Pending"
    FAILED = "Failed"
    LANDED = "Landed"


class Rejection(Enum):
    """Why a bundle that was taken in did not land; the names are those of Jito's gRPC interface."""

    AUCTION_LOST = "StateAuctionBidRejected"
    SIMULATION_FAILURE = "SimulationFailure"
    INTERNAL_ERROR = "InternalError"
    DROPPED = "DroppedBundle"
    BLOCKHASH_EXPIRED = "BlockhashExpired"


@dataclass(slots=True)
class Bundle:
    """A bundle that a region has taken in.

    Attributes:
        id: SHA-256 of its signatures, as Jito's clients compute it.
        transactions: In their order.
        received_slot: Slot in which the first region took it in.
        pending: Regions that have not decided yet.
        rejections: Why each of the others refused it.
        decided_slot: Slot in which a region decided last.
        landed_slot: Slot in which it landed.
        tip_lamports: What it pays to tip accounts, as it was last carried out.
        err: Error of the transaction that failed, as JSON has it.
    """

    id: str
    transactions: tuple[VersionedTransaction, ...]
    received_slot: int
    pending: set[str] = field(default_factory=set)
    rejections: dict[str, Rejection] = field(default_factory=dict)
    decided_slot: int | None = None
    landed_slot: int | None = None
    tip_lamports: int = 0
    err: Any = None

    @property
    def status(self) -> Status:
        """What its clients are told."""
        if self.landed_slot is not None:
            return Status.LANDED
        # A dropped bundle is one of which nothing is heard any more.
        if self.pending or Rejection.DROPPED in self.rejections.values():
            return Status.PENDING
        return Status.FAILED

    @property
    def signatures(self) -> list[str]:
        """First signature of each transaction."""
        return [str(each.signatures[0]) for each in self.transactions]


def bundle_id(transactions: Sequence[VersionedTransaction]) -> str:
    """Return the id of a bundle: SHA-256 of its signatures in base58, with commas between them."""
    text = ",".join(str(each.signatures[0]) for each in transactions)
    return hashlib.sha256(text.encode()).hexdigest()


def check_transactions(transactions: Sequence[VersionedTransaction]) -> None:
    """Refuse transactions that are no bundle, whatever the state of the chain.

    Raises:
        EngineError: Their number, a signature, a repetition, no tip, or the order that one demands.
    """
    if not transactions:
        raise errors.refusal(errors.NO_TRANSACTIONS)
    if len(transactions) > MAX_TRANSACTIONS:
        raise errors.refusal(errors.TOO_MANY_TRANSACTIONS)
    signatures = {each.signatures[0] for each in transactions}
    if len(signatures) != len(transactions) or not all(is_signed(each) for each in transactions):
        raise errors.refusal(errors.NOT_SIGNED_OR_TWICE)
    messages = [message_of(each) for each in transactions]
    if not any(_locks_tip(message) for message in messages):
        raise errors.refusal(errors.NO_TIP_LOCK)
    for index, message in enumerate(messages):
        if _is_not_to_be_fronted(message) and not _shares_signer(messages[: index + 1]):
            raise errors.refusal(errors.DONT_FRONT)


def _locks_tip(message: Message | MessageV0) -> bool:
    """Return whether a message names a tip account to be written. Those in lookup tables do not count."""
    keys = message.account_keys
    return any(str(key) in TIP_ACCOUNTS and is_writable(message, index) for index, key in enumerate(keys))


def _is_not_to_be_fronted(message: Message | MessageV0) -> bool:
    return any(str(key).startswith(DONT_FRONT_PREFIX) for key in message.account_keys)


def _shares_signer(messages: Sequence[Message | MessageV0]) -> bool:
    """Return whether one signer signed all of these; true of a first transaction alone."""
    signers = [set(each.account_keys[: each.header.num_required_signatures]) for each in messages]
    return bool(set.intersection(*signers))
