"""Methods that read slots, blockhashes and fees."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from solders.message import Message, MessageV0, from_bytes_versioned

from phantom_arbiter.localnet.bank import SLOTS_PER_EPOCH
from phantom_arbiter.localnet.fees import transaction_fee
from phantom_arbiter.localnet.rpc.errors import invalid, unhealthy
from phantom_arbiter.localnet.rpc.params import Params, pubkey
from phantom_arbiter.localnet.rpc.view import View

VERSION = {"solana-core": "3.0.0", "feature-set": 0}
HEALTHY_SLOTS_BEHIND = 128
"""Slots that a node may be behind and still call itself healthy (DELINQUENT_VALIDATOR_SLOT_DISTANCE)."""
MAX_PRIORITIZATION_KEYS = 128
FEE_SLOTS = 150


def get_health(view: View, params: Params) -> str:
    """Answer getHealth."""
    if view.lag_slots > HEALTHY_SLOTS_BEHIND:
        raise unhealthy(view.lag_slots)
    return "ok"


def get_version(view: View, params: Params) -> dict[str, Any]:
    """Answer getVersion."""
    return VERSION


def get_genesis_hash(view: View, params: Params) -> str:
    """Answer getGenesisHash."""
    return view.bank.genesis_hash


def get_identity(view: View, params: Params) -> dict[str, str]:
    """Answer getIdentity; the node's key is the genesis hash."""
    return {"identity": view.bank.genesis_hash}


def get_slot(view: View, params: Params) -> int:
    """Answer getSlot."""
    return view.slot(params.config(0))


def get_block_height(view: View, params: Params) -> int:
    """Answer getBlockHeight."""
    return view.bank.height_of(view.slot(params.config(0)))


def get_first_available_block(view: View, params: Params) -> int:
    """Answer getFirstAvailableBlock: nothing is ever cleaned up."""
    return view.bank.settings.first_slot


def get_block_time(view: View, params: Params) -> int:
    """Answer getBlockTime."""
    return view.bank.settings.unix_timestamp(params.value(0, int, "a slot"))


def get_transaction_count(view: View, params: Params) -> int:
    """Answer getTransactionCount."""
    view.slot(params.config(0))
    return view.bank.transactions


def get_epoch_info(view: View, params: Params) -> dict[str, Any]:
    """Answer getEpochInfo."""
    slot = view.slot(params.config(0))
    return {
        "absoluteSlot": slot,
        "blockHeight": view.bank.height_of(slot),
        "epoch": slot // SLOTS_PER_EPOCH,
        "slotIndex": slot % SLOTS_PER_EPOCH,
        "slotsInEpoch": SLOTS_PER_EPOCH,
        "transactionCount": view.bank.transactions,
    }


def get_latest_blockhash(view: View, params: Params) -> dict[str, Any]:
    """Answer getLatestBlockhash."""
    slot = view.slot(params.config(0))
    blockhash, height = view.bank.blockhash_at(slot)
    return {"context": {"slot": slot}, "value": {"blockhash": blockhash, "lastValidBlockHeight": height}}


def is_blockhash_valid(view: View, params: Params) -> dict[str, Any]:
    """Answer isBlockhashValid."""
    blockhash = pubkey(params.value(0, str, "a blockhash"))
    slot = view.slot(params.config(1))
    height = view.bank.height_of(slot)
    return {"context": {"slot": slot}, "value": view.bank.is_blockhash_valid(blockhash, height)}


def get_recent_prioritization_fees(view: View, params: Params) -> list[dict[str, int]]:
    """Answer getRecentPrioritizationFees: the least price that landed in each slot, 0 where none did.

    Which accounts the transactions locked is not looked at.
    """
    keys = params.value(0, list, "addresses") if len(params) else []
    if len(keys) > MAX_PRIORITIZATION_KEYS:
        raise invalid(f"Too many inputs provided; max {MAX_PRIORITIZATION_KEYS}")
    for key in keys:
        pubkey(key)
    last = view.bank.slot - view.lag_slots
    first = max(view.bank.settings.first_slot, last - FEE_SLOTS + 1)
    fees = view.machine.fees
    return [{"slot": slot, "prioritizationFee": fees.get(slot, 0)} for slot in range(first, last + 1)]


def get_fee_for_message(view: View, params: Params) -> dict[str, Any]:
    """Answer getFeeForMessage; null once its blockhash has expired or its nonce has advanced."""
    message = _message(params.value(0, str, "a message in base64"))
    slot = view.slot(params.config(1))
    is_valid = view.machine.is_current(message, view.bank.height_of(slot))
    return {"context": {"slot": slot}, "value": transaction_fee(message) if is_valid else None}


def _message(text: str) -> Message | MessageV0:
    try:
        raw = base64.b64decode(text, validate=True)
        message = from_bytes_versioned(raw)
    except (binascii.Error, ValueError) as error:
        raise invalid(f"the message cannot be decoded: {error}") from None
    if not isinstance(message, Message | MessageV0):
        raise invalid("the message has a version that is not known")
    return message


METHODS = {
    "getHealth": get_health,
    "getVersion": get_version,
    "getGenesisHash": get_genesis_hash,
    "getIdentity": get_identity,
    "getSlot": get_slot,
    "getBlockHeight": get_block_height,
    "getBlockTime": get_block_time,
    "getFirstAvailableBlock": get_first_available_block,
    "getTransactionCount": get_transaction_count,
    "getEpochInfo": get_epoch_info,
    "getLatestBlockhash": get_latest_blockhash,
    "isBlockhashValid": is_blockhash_valid,
    "getRecentPrioritizationFees": get_recent_prioritization_fees,
    "getFeeForMessage": get_fee_for_message,
}
