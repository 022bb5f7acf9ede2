"""What the tests see in a recording: JSON read by the standard library, nothing of the generator."""

import gzip
import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phantom_core import Record, Recording

DATA = Path(__file__).resolve().parents[1] / "data" / "whirlpool-2022-04-06"
MIDNIGHT = 1_649_203_200
"""2022-04-06T00:00:00Z."""


@dataclass(frozen=True)
class Write:
    slot: int
    block_time: int
    pubkey: str
    data: str


@dataclass(frozen=True)
class Notification:
    arrival_ns: int
    slot: int
    pubkey: str
    data: str


@dataclass(frozen=True)
class Read:
    arrival_ns: int
    slot: int
    data: dict[str, str | None]


@dataclass
class Session:
    """One endpoint's side of a recording."""

    connections: int = 0
    disconnections: int = 0
    requests: list[dict[str, Any]] = field(default_factory=list)
    delivered: list[Notification | Read] = field(default_factory=list)
    subscriptions: list[dict[int, str]] = field(default_factory=list)
    """Per connection: subscription id to account."""
    truncated: int = 0
    wrong_base64: int = 0

    @property
    def notifications(self) -> list[Notification]:
        return [item for item in self.delivered if isinstance(item, Notification)]

    @property
    def reads(self) -> list[Read]:
        return [item for item in self.delivered if isinstance(item, Read)]

    def final_state(self) -> dict[str, str]:
        """The state if this endpoint were the only one: in order of delivery, never an older slot."""
        state: dict[str, tuple[int, str]] = {}
        for item in self.delivered:
            news = item.data if isinstance(item, Read) else {item.pubkey: item.data}
            for pubkey, data in news.items():
                if data is not None and item.slot >= state.get(pubkey, (0, ""))[0]:
                    state[pubkey] = item.slot, data
        return {pubkey: data for pubkey, (_, data) in state.items()}


def rows(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(DATA / name, "rt") as lines:
        yield from map(json.loads, lines)


def chain() -> list[Write]:
    return [
        Write(row["slot"], row["block_time"], row["pubkey"], row["data"]) for row in rows("updates.jsonl.gz")
    ]


def state_after(slot: int) -> dict[str, str]:
    state = {row["pubkey"]: row["data"] for row in rows("snapshot.jsonl.gz")}
    state.update((write.pubkey, write.data) for write in chain() if write.slot <= slot)
    return state


def sessions(recording: Recording) -> dict[str, Session]:
    by_endpoint: dict[str, list[Record]] = {name: [] for name in recording.endpoints}
    for record in recording:
        by_endpoint[record.endpoint].append(record)
    return {name: session(records) for name, records in by_endpoint.items()}


def session(records: Iterable[Record]) -> Session:
    found = Session()
    pending: dict[int, Any] = {}
    for record in records:
        if record.kind == "connect":
            found.connections += 1
            found.subscriptions.append({})
            pending.clear()
        elif record.kind == "disconnect":
            found.disconnections += 1
        elif record.kind == "sent":
            request = json.loads(record.frame)
            pending[request["id"]] = request["params"][0]
            found.requests.append(request)
        else:
            _receive(found, pending, record)
    return found


def _receive(session: Session, pending: dict[int, Any], record: Record) -> None:
    try:
        message = json.loads(record.frame)
    except ValueError:
        session.truncated += 1
        return
    if message.get("method") == "accountNotification":
        params = message["params"]
        pubkey = session.subscriptions[-1][params["subscription"]]
        value, slot = params["result"]["value"], params["result"]["context"]["slot"]
        try:
            assert len(b64decode(value["data"][0], validate=True)) == value["space"]
        except Base64Error:
            session.wrong_base64 += 1
            return
        session.delivered.append(Notification(record.arrival_ns, slot, pubkey, value["data"][0]))
    elif isinstance(message["result"], int):
        session.subscriptions[-1][message["result"]] = pending.pop(message["id"])
    else:
        result = message["result"]
        keys = pending.pop(message["id"])
        data = [value and value["data"][0] for value in result["value"]]
        read = Read(record.arrival_ns, result["context"]["slot"], dict(zip(keys, data, strict=True)))
        session.delivered.append(read)
