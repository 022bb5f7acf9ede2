"""Durable nonces: an account's value that stands for a blockhash until a transaction advances it.

LiteSVM takes a message's own blockhash for the newest one, so the value that it stores is put right here.
"""

from __future__ import annotations

import hashlib
from typing import Final

from solders.message import Message, MessageV0

from phantom_arbiter.localnet.accounts import SYSTEM_PROGRAM, AccountState
from phantom_core import Address

NONCE_ACCOUNT_LEN: Final = 80
_ADVANCE: Final = (4).to_bytes(4, "little")
"""Tag of the system program's AdvanceNonceAccount."""
_VERSION, _STATE, _AUTHORITY, _VALUE = slice(0, 4), slice(4, 8), slice(8, 40), slice(40, 72)
_ONE: Final = (1).to_bytes(4, "little")


def next_value(blockhash: str) -> bytes:
    """Return the value that a nonce gets while `blockhash` is the newest (nonce state DurableNonce)."""
    return hashlib.sha256(b"DURABLE_NONCE" + bytes(Address(blockhash))).digest()


def value_of(state: AccountState | None) -> bytes | None:
    """Return the value that an account holds; None if it is no initialised nonce account."""
    if state is None or state.owner != SYSTEM_PROGRAM or len(state.data) != NONCE_ACCOUNT_LEN:
        return None
    if state.data[_VERSION] != _ONE or state.data[_STATE] != _ONE:
        return None
    return state.data[_VALUE]


def with_value(state: AccountState, value: bytes) -> AccountState:
    """Return a nonce account that holds another value."""
    data = state.data[: _VALUE.start] + value + state.data[_VALUE.stop :]
    return AccountState(state.owner, state.lamports, data, state.executable)


def named_nonce(message: Message | MessageV0) -> str | None:
    """Return the account that a leading AdvanceNonceAccount names, None if there is none."""
    if not message.instructions:
        return None
    first = message.instructions[0]
    keys, accounts = message.account_keys, bytes(first.accounts)
    if str(keys[first.program_id_index]) != SYSTEM_PROGRAM or not bytes(first.data).startswith(_ADVANCE):
        return None
    # It must be static and writable, or the runtime does not take it for a nonce.
    if not accounts or accounts[0] >= len(keys) or not is_writable(message, accounts[0]):
        return None
    return str(keys[accounts[0]])


def is_writable(message: Message | MessageV0, index: int) -> bool:
    """Return whether a message's header lets a static account be written."""
    header, count = message.header, len(message.account_keys)
    if index < header.num_required_signatures:
        return index < header.num_required_signatures - header.num_readonly_signed_accounts
    return index < count - header.num_readonly_unsigned_accounts


def is_usable(message: Message | MessageV0, state: AccountState | None, blockhash: str) -> bool:
    """Return whether a message may take a nonce account's value for its blockhash.

    Args:
        message: Begins with AdvanceNonceAccount.
        state: The account that it names.
        blockhash: The newest; a nonce advances once in its time.
    """
    value = value_of(state)
    if state is None or value is None or value == next_value(blockhash):
        return False
    signers = message.header.num_required_signatures
    authority = state.data[_AUTHORITY]
    return value == bytes(message.recent_blockhash) and any(
        bytes(message.account_keys[index]) == authority
        for index in bytes(message.instructions[0].accounts)
        if index < signers
    )
