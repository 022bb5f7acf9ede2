"""JSON-RPC texts as a client sends them and as a Solana RPC node answers.

Key order is the node's: notifications are written field by field (lamports, data, owner …), HTTP
answers pass through a sorted map (data, executable, lamports …).
"""

import json
from collections.abc import Sequence

from demo_recording.market_day import Account

RENT_EPOCH = 2**64 - 1
"""What a node writes for a rent-exempt account."""


def account_subscribe(request_id: int, pubkey: str) -> bytes:
    """Return the request to be told of every write of an account."""
    config = {"encoding": "base64", "commitment": "processed"}
    return _request(request_id, "accountSubscribe", [pubkey, config])


def get_multiple_accounts(request_id: int, pubkeys: Sequence[str], min_context_slot: int) -> bytes:
    """Return the request to read up to 100 accounts at `min_context_slot` or later."""
    config = {"encoding": "base64", "commitment": "processed", "minContextSlot": min_context_slot}
    return _request(request_id, "getMultipleAccounts", [list(pubkeys), config])


def subscribed(request_id: int, subscription: int) -> bytes:
    """Return the node's confirmation of a subscription."""
    return f'{{"jsonrpc":"2.0","result":{subscription},"id":{request_id}}}'.encode()


def accounts_read(
    request_id: int, slot: int, accounts: Sequence[Account | None], api_version: str | None
) -> bytes:
    """Return the answer to `get_multiple_accounts`: the state at the end of `slot`."""
    context: dict[str, object] = {"apiVersion": api_version} if api_version else {}
    context["slot"] = slot
    value = [
        account
        and {
            "data": [account.data, "base64"],
            "executable": False,
            "lamports": account.lamports,
            "owner": account.owner,
            "rentEpoch": RENT_EPOCH,
            "space": account.space,
        }
        for account in accounts
    ]
    result = {"context": context, "value": value}
    return _text({"jsonrpc": "2.0", "result": result, "id": request_id})


def account_notification(subscription: int, slot: int, account: Account) -> bytes:
    """Return the notification of one write."""
    value = {
        "lamports": account.lamports,
        "data": [account.data, "base64"],
        "owner": account.owner,
        "executable": False,
        "rentEpoch": RENT_EPOCH,
        "space": account.space,
    }
    params = {"result": {"context": {"slot": slot}, "value": value}, "subscription": subscription}
    return _text({"jsonrpc": "2.0", "method": "accountNotification", "params": params})


def truncated(frame: bytes, share: float) -> bytes:
    """Return the first `share` of a frame, at least one byte and never all of it."""
    return frame[: 1 + int((len(frame) - 2) * share)]


def with_wrong_base64(frame: bytes, account: Account, share: float) -> bytes:
    """Return the frame with one character of its data replaced by one that base64 lacks."""
    at = frame.index(account.data.encode()) + int((len(account.data) - 3) * share)
    return frame[:at] + b"!" + frame[at + 1 :]


def _request(request_id: int, method: str, params: list[object]) -> bytes:
    return _text({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})


def _text(message: dict[str, object]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()
