"""What subscribers are told: the bytes of every notification but the subscription's number.

The one idea: a notification is the same for all who listen, up to that number, which stands at its end. Its
bytes are built once for each encoding, whatever the number of endpoints and subscribers.
"""

from __future__ import annotations

import json
from typing import Any, Final

from phantom_arbiter.localnet.accounts import AccountState, Encoding
from phantom_arbiter.localnet.wire.frames import head

_ACCOUNT = (
    b'{"jsonrpc":"2.0","method":"accountNotification","params":{"result":{"context":{"slot":%d},"value":%b},'
    b'"subscription":'
)
_PROGRAM = (
    b'{"jsonrpc":"2.0","method":"programNotification","params":{"result":{"context":{"slot":%d},'
    b'"value":{"pubkey":"%b","account":%b}},"subscription":'
)
Parts = tuple[int, bytes, bytes]
"""Length of the end that belongs to it, head of the WebSocket frame, and all up to the end."""
_CLOSED: Final = AccountState("11111111111111111111111111111111", 0, b"")
"""What subscribers are shown of an account that has been closed."""


class AccountNotice:
    """A write of an account. `order_key` names the stream within which notices keep their order."""

    __slots__ = ("_of_account", "_of_program", "order_key", "pubkey", "slot", "state")

    def __init__(self, pubkey: str, slot: int, state: AccountState | None) -> None:
        self.pubkey = pubkey
        self.order_key = pubkey
        self.slot = slot
        self.state = _CLOSED if state is None else state
        self._of_account: dict[Encoding, Parts] = {}
        self._of_program: dict[Encoding, Parts] = {}

    def account_parts(self, encoding: Encoding, end_length: int) -> Parts:
        """Return an `accountNotification` for an end of this length."""
        parts = self._of_account.get(encoding)
        if parts is None or parts[0] != end_length:
            body = _ACCOUNT % (self.slot, self.state.to_json(encoding))
            parts = self._of_account[encoding] = (end_length, head(len(body) + end_length), body)
        return parts

    def program_parts(self, encoding: Encoding, end_length: int) -> Parts:
        """Return a `programNotification` for an end of this length."""
        parts = self._of_program.get(encoding)
        if parts is None or parts[0] != end_length:
            body = _PROGRAM % (self.slot, self.pubkey.encode(), self.state.to_json(encoding))
            parts = self._of_program[encoding] = (end_length, head(len(body) + end_length), body)
        return parts


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


def signature_notice(signature: str, slot: int, err: Any) -> EventNotice:
    """Return what subscribers of a signature are told of its transaction."""
    result = {"context": {"slot": slot}, "value": {"err": err}}
    return EventNotice("signatureNotification", slot, result, topic=signature)


def received_notice(signature: str, slot: int) -> EventNotice:
    """Return what subscribers of a signature may be told when its transaction is received."""
    result = {"context": {"slot": slot}, "value": "receivedSignature"}
    return EventNotice("signatureNotification", slot, result, topic=signature)


class RawNotice:
    """Bytes that an endpoint sends on every connection as they are: garbage."""

    __slots__ = ("frame", "order_key", "slot")

    def __init__(self, frame: bytes, slot: int) -> None:
        self.frame = frame
        self.slot = slot
        self.order_key = ""


Notice = AccountNotice | EventNotice | RawNotice
