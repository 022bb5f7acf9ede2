"""The pub-sub half of an endpoint: who listens to what, and what each is told.

Subscriptions to accounts and programs at `processed` are looked up by address for every write: that is the
hot path. Everything else happens a few times a slot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from phantom_arbiter.localnet.accounts import Encoding, TooLongForBase58
from phantom_arbiter.localnet.bank import Commitment
from phantom_arbiter.localnet.notices import AccountNotice, EventNotice
from phantom_arbiter.localnet.rpc.errors import METHOD_NOT_FOUND, RpcError, invalid
from phantom_arbiter.localnet.rpc.params import Config, Filter, Params, pubkey
from phantom_arbiter.localnet.rpc.read_accounts import fits
from phantom_arbiter.localnet.wire.connection import Connection
from phantom_arbiter.localnet.wire.frames import head

FIRST_NUMBER: Final = 100_000
KINDS: Final = ("account", "program", "logs", "signature", "slot", "root")


@dataclass(slots=True, eq=False)
class Subscription:
    """One subscription of one connection; `end` is the end of its notifications."""

    number: int
    kind: str
    connection: Connection
    commitment: Commitment
    topic: str = ""
    encoding: Encoding = field(default_factory=lambda: Encoding("base64"))
    filters: list[Filter] = field(default_factory=list)
    end: bytes = b""

    def __post_init__(self) -> None:
        self.end = b"%d}}" % self.number


class Subscriptions:
    """All subscriptions of one endpoint."""

    def __init__(self) -> None:
        self.next_number = FIRST_NUMBER
        """Number of the next subscription."""
        self._all: dict[int, Subscription] = {}
        self._by_topic: dict[tuple[str, Commitment], dict[str, list[Subscription]]] = {}
        self._accounts = self._topics("account", Commitment.PROCESSED)
        self._programs = self._topics("program", Commitment.PROCESSED)
        self.sent = 0
        """Notifications sent."""

    def _topics(self, kind: str, commitment: Commitment) -> dict[str, list[Subscription]]:
        return self._by_topic.setdefault((kind, commitment), {})

    def __len__(self) -> int:
        return len(self._all)

    def of(self, connection: Connection) -> list[Subscription]:
        """Return the subscriptions of a connection."""
        return [each for each in self._all.values() if each.connection is connection]

    # ---- requests

    def subscribe(self, connection: Connection, kind: str, params: Params) -> Subscription:
        """Add a subscription.

        Raises:
            RpcError: The parameters are wrong.
        """
        topic, encoding, filters = "", Encoding("base64"), []
        commitment = Commitment.PROCESSED
        if kind in ("account", "program"):
            topic, config = params.pubkey(0), params.config(1)
            encoding, commitment = config.encoding(), config.commitment()
            filters = config.filters() if kind == "program" else []
        elif kind == "logs":
            topic, commitment = _log_filter(params), params.config(1).commitment()
        elif kind == "signature":
            topic, config = params.value(0, str, "a signature"), params.config(1)
            commitment = config.commitment()
        subscription = Subscription(self.next_number, kind, connection, commitment, topic, encoding, filters)
        self.next_number += 1
        self._all[subscription.number] = subscription
        self._topics(kind, commitment).setdefault(topic, []).append(subscription)
        return subscription

    def unsubscribe(self, connection: Connection, kind: str, params: Params) -> bool:
        """End a subscription of this connection.

        Raises:
            RpcError: There is none with this number.
        """
        number = params.value(0, int, "a subscription")
        found = self._all.get(number)
        if found is None or found.connection is not connection or found.kind != kind:
            raise RpcError(-32602, "Invalid subscription id.")
        self.remove(found)
        return True

    def remove(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        del self._all[subscription.number]
        topics = self._topics(subscription.kind, subscription.commitment)
        left = topics[subscription.topic]
        left.remove(subscription)
        if not left:
            del topics[subscription.topic]

    def drop(self, connection: Connection) -> None:
        """Forget all subscriptions of a connection."""
        for subscription in self.of(connection):
            self.remove(subscription)

    # ---- notifications

    def account(self, notice: AccountNotice, commitment: Commitment = Commitment.PROCESSED) -> None:
        """Tell of a write."""
        if commitment is Commitment.PROCESSED:
            accounts, programs = self._accounts, self._programs
        else:
            accounts, programs = self._topics("account", commitment), self._topics("program", commitment)
        listening = accounts.get(notice.pubkey)
        if listening is not None:
            for subscription in listening:
                self._send_account(subscription, notice)
        listening = programs.get(notice.state.owner)
        if listening is not None:
            for subscription in listening:
                if not subscription.filters or fits(notice.state, subscription.filters):
                    self._send_account(subscription, notice)

    def _send_account(self, subscription: Subscription, notice: AccountNotice) -> None:
        try:
            if subscription.kind == "account":
                body = notice.account_body(subscription.encoding)
            else:
                body = notice.program_body(subscription.encoding)
        except TooLongForBase58:
            return
        end = subscription.end
        subscription.connection.queue(head(len(body) + len(end)), body, end)
        self.sent += 1

    def event(self, notice: EventNotice, commitment: Commitment | None) -> None:
        """Tell of a slot, a root, a log or a signature."""
        kind = notice.method.removesuffix("Notification")
        if kind in ("slot", "root"):
            listening = self._topics(kind, Commitment.PROCESSED).get("", [])
        elif commitment is None:
            return
        elif kind == "signature":
            listening = self._topics(kind, commitment).get(notice.topic or "", [])
        else:
            topics = self._topics(kind, commitment)
            listening = [
                *topics.get("", []),
                *(each for key in notice.mentions for each in topics.get(key, [])),
            ]
        for subscription in list(listening):
            self.send_event(subscription, notice)

    def send_event(self, subscription: Subscription, notice: EventNotice) -> None:
        """Tell one subscriber; one of a signature is then done."""
        end = subscription.end
        subscription.connection.queue(head(len(notice.body) + len(end)), notice.body, end)
        self.sent += 1
        if subscription.kind == "signature":
            self.remove(subscription)


def _log_filter(params: Params) -> str:
    """Return the one account that logs must mention, empty for all."""
    if len(params) and params.value(0, object, "a filter") in ("all", "allWithVotes"):
        return ""
    mentions = Config(params.value(0, dict, "a filter")).get("mentions", list)
    if mentions is None or len(mentions) != 1:
        raise invalid("Only 1 address supported")
    return pubkey(mentions[0])


def split(method: str) -> tuple[str, bool]:
    """Return what a method is about and whether it subscribes.

    Raises:
        RpcError: There is no such method.
    """
    for ending, subscribes in (("Unsubscribe", False), ("Subscribe", True)):
        kind = method.removesuffix(ending)
        if kind != method and kind in KINDS:
            return kind, subscribes
    raise RpcError(METHOD_NOT_FOUND, "Method not found")
