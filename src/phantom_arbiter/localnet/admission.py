"""From the text of a transaction to a transaction: what JSON-RPC accepts as one."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from solders.transaction import VersionedTransaction

from phantom_arbiter.localnet.accounts import from_base58
from phantom_arbiter.localnet.outcomes import message_of

MAX_TRANSACTION_BYTES: Final = 1_232
"""Bytes of a transaction on the wire (sdk PACKET_DATA_SIZE)."""


class Unreadable(Exception):  # noqa: N818
    """A text is no transaction; says why."""


def read_transaction(text: str, encoding: str) -> VersionedTransaction:
    """Return the transaction that `text` says.

    Raises:
        Unreadable: The encoding is unknown, or what it says is no transaction.
    """
    try:
        if encoding == "base64":
            raw = base64.b64decode(text, validate=True)
        elif encoding == "base58":
            raw = from_base58(text)
        else:
            raise Unreadable(f"unsupported encoding: {encoding}. Supported encodings: base58, base64")
    except (binascii.Error, ValueError):
        raise Unreadable(f"invalid {encoding} encoding") from None
    if len(raw) > MAX_TRANSACTION_BYTES:
        raise Unreadable(
            f"decoded transaction too large: {len(raw)} bytes (max: {MAX_TRANSACTION_BYTES} bytes)"
        )
    try:
        transaction = VersionedTransaction.from_bytes(raw)
        transaction.sanitize()
        message_of(transaction)
    except Exception as error:  # solders has an exception class for each layer
        raise Unreadable(f"failed to deserialize transaction: {error}") from None
    return transaction


def is_signed(transaction: VersionedTransaction) -> bool:
    """Return whether every signature is right."""
    return all(transaction.verify_with_results())
