"""Whether a result has the shape that its method promises."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from phantom_arbiter.errors import InvalidInput
from phantom_arbiter.sources.rpc_pool.wire import context_slot, is_slot
from phantom_core._native import address_bytes


@dataclass(frozen=True, slots=True)
class ProgramAccount:
    """An account that `getProgramAccounts` found, with the part of its data that was asked for."""

    address: str
    data: bytes


def check_slot(result: Any) -> None:
    """Check an answer to `getSlot`.

    Raises:
        ValueError: It is none.
    """
    if not is_slot(result):
        raise ValueError("no slot")


def check_accounts(result: Any, count: int) -> None:
    """Check an answer to `getMultipleAccounts`.

    Raises:
        ValueError: It is none, or of another number of accounts.
    """
    if context_slot(result) is None:
        raise ValueError("no slot")
    value = result.get("value")
    if not isinstance(value, list) or len(value) != count:
        found = len(value) if isinstance(value, list) else "no"
        raise ValueError(f"{found} accounts instead of {count}")
    for account in value:
        if account is not None:
            _account(account)


def program_accounts(result: Any) -> list[ProgramAccount]:
    """Return what an answer to `getProgramAccounts` holds, with or without context.

    Raises:
        ValueError: It is none.
    """
    value = result.get("value") if isinstance(result, dict) else result
    if not isinstance(value, list):
        raise ValueError("no list")
    found = []
    for entry in value:
        if not isinstance(entry, dict):
            raise ValueError("an account that is none")
        check_address(entry.get("pubkey"), "address")
        found.append(ProgramAccount(entry["pubkey"], _account(entry.get("account"))))
    return found


def check_address(text: Any, what: str) -> None:
    """Check an address: what the native side would refuse must not pass for an answer here.

    Raises:
        ValueError: It is none.
    """
    try:
        if isinstance(text, str) and address_bytes(text):
            return
    except InvalidInput:
        pass
    raise ValueError(f"an account without {what}")


def _account(account: Any) -> bytes:
    if not isinstance(account, dict):
        raise ValueError("an account that is none")
    check_address(account.get("owner"), "owner")
    lamports = account.get("lamports")
    if not isinstance(lamports, int) or isinstance(lamports, bool) or not 0 <= lamports < 2**64:
        raise ValueError("an account without balance")
    data = account.get("data")
    if not isinstance(data, list) or len(data) != 2 or data[1] != "base64" or not isinstance(data[0], str):
        raise ValueError("an account whose data is not base64")
    try:
        return base64.b64decode(data[0], validate=True)
    except binascii.Error:
        raise ValueError("an account whose data is not base64") from None
