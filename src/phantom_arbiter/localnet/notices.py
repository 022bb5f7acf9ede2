"""What subscribers are told: the bytes of every notification but the subscription's number.

The one idea: a notification is the same for all who listen, up to that number, which stands at its end. Its
bytes are built once for each encoding, whatever the number of endpoints and subscribers.
"""

from __future__ import annotations

import json
from typing import Any, Final

from phantom_arbiter.localnet.accounts import AccountState, Encoding

_ACCOUNT = (
    b'{"jsonrpc":"2.0","method":"accountNotification","params":{"result":{"context":{"slot":%d},"value":%b},'
    b'"subscription":'
)
_PROGRAM = (
    b'{"jsonrpc":"2.0","method":"programNotification","params":{"result":{"context":{"slot":%d},'
    b'"value":{"pubkey":"%b","account":%b}},"subscription":'
)
_CLOSED: Final = AccountState("11111111111111111111111111111111", 0, b"")
"""What subscribers are shown of an account that has been closed."""


class AccountNotice:
    """A write of an account. `order_key` names the stream within which notices keep their order."""

    __slots__ = ("_bodies", "order_key", "pubkey", "slot", "state")

    def __init__(self, pubkey: str, slot: int, state: AccountState | None) -> None:
        self.pubkey = pubkey
        self.order_key = pubkey
        self.slot = slot
        self.state = _CLOSED if state is None else state
        self._bodies: dict[tuple[bool, Encoding], bytes] = {}

    def account_body(self, encoding: Encoding) -> bytes:
        """Return an `accountNotification` up to the subscription's number."""
        key = (False, encoding)
        body = self._bodies.get(key)
        if body is None:
            body = self._bodies[key] = _ACCOUNT % (self.slot, self.state.to_json(encoding))
        return body

    def program_body(self, encoding: Encoding) -> bytes:
        """Return a `programNotification` up to the subscription's number."""
        key = (True, encoding)
        body = self._bodies.get(key)
        if body is None:
            account = self.state.to_json(encoding)
            body = self._bodies[key] = _PROGRAM % (self.slot, self.pubkey.encode(), account)
        return body


class EventNotice:
    """Anything else that happens: a slot, a root, the log of a transaction, the fate of a signature."""

    __slots__ = ("body", "mentions", "method", "order_key", "slot", "topic")

    def __init__(
        self,
        method: str,
        slot: int,
        result: Any,
        *,
        topic: str | None = None,
        mentions: frozenset[str] = frozenset(),
    ) -> None:
        """Build the notification.

        Args:
            method: `slotNotification`, `logsNotification`, …
            slot: Slot in which it happened.
            result: What stands in `params.result`.
            topic: The signature that it is about.
            mentions: Accounts that a log mentions.
        """
        self.method = method
        self.slot = slot
        self.topic = topic
        self.mentions = mentions
        self.order_key = method
        text = json.dumps(result, separators=(",", ":"))
        self.body = (
            f'{{"jsonrpc":"2.0","method":"{method}","params":{{"result":{text},"subscription":'.encode()
        )


class RawNotice:
    """Bytes that an endpoint sends on every connection as they are: garbage."""

    __slots__ = ("frame", "order_key", "slot")

    def __init__(self, frame: bytes, slot: int) -> None:
        self.frame = frame
        self.slot = slot
        self.order_key = ""


Notice = AccountNotice | EventNotice | RawNotice
