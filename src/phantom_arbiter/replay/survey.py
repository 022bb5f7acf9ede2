"""What is in a recording: endpoints, slots, accounts, duration; and whether it is whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from phantom_arbiter.errors import RecordingError
from phantom_arbiter.replay.deliveries import deliveries
from phantom_arbiter.replay.parts import Part, part_of
from phantom_core import AccountUpdate, Recording, RootUpdate, WssAggregator

REPORT_EVERY = 5_000
"""Records between two reports of progress."""


@dataclass(slots=True)
class EndpointSurvey:
    """What one connection brought; arrivals are nanoseconds since the file began."""

    name: str
    frames: int = 0
    frame_bytes: int = 0
    connects: int = 0
    disconnects: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    wins: int = 0
    malformed: int = 0


@dataclass(slots=True)
class Survey:
    """What a file holds.

    Attributes:
        path: The file.
        description: What it says of itself.
        created: When the recording began, as it says.
        part: Which part of a recording it is; None if it is whole.
        file_bytes: Its length.
        records: In whole blocks.
        frames: Incoming ones among them.
        frame_bytes: Their bytes.
        duration_ns: Arrival of the last record.
        first_slot: Lowest slot of what was news; None if nothing was.
        last_slot: Highest slot of what was news.
        accounts: Accounts of which a state arrived.
        writes: States of accounts that were news.
        torn_at: Where the whole blocks of a file end that was never closed; None if it was.
        damage: What is corrupt; counters then end there. None if nothing is.
        endpoints: One entry per connection that did something.
    """

    path: Path
    description: str
    created: str
    part: Part | None
    file_bytes: int
    records: int
    duration_ns: int
    torn_at: int | None
    frames: int = 0
    frame_bytes: int = 0
    first_slot: int | None = None
    last_slot: int | None = None
    accounts: int = 0
    writes: int = 0
    damage: str | None = None
    endpoints: list[EndpointSurvey] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """True if it was closed and every block of it can be read."""
        return self.torn_at is None and self.damage is None

    def to_json(self) -> dict[str, Any]:
        """Return it for `json.dumps`."""
        return {**asdict(self), "path": str(self.path), "whole": self.is_whole}


def survey(path: Path, on_progress: Callable[[int, int], None] = lambda done, total: None) -> Survey:
    """Read a whole file and return what it holds; damage inside it is reported, not raised.

    Raises:
        RecordingError: It is missing, or no recording.
    """
    recording = Recording(path)
    header = recording.header
    found = Survey(
        path=path,
        description=str(header.get("description", "")),
        created=str(header.get("created", "")),
        part=part_of(header),
        file_bytes=path.stat().st_size,
        records=recording.records,
        duration_ns=recording.duration_ns,
        torn_at=recording.torn_at,
    )
    aggregator = WssAggregator()
    try:
        _read(recording, aggregator, found, on_progress)
    except RecordingError as error:
        found.damage = str(error)
    counted = {stats.name: stats for stats in aggregator.stats().endpoints}
    for endpoint in found.endpoints:
        if endpoint.name in counted:
            endpoint.wins = counted[endpoint.name].wins
            endpoint.malformed = sum(counted[endpoint.name].malformed.values())
    return found


def _read(
    recording: Recording, aggregator: WssAggregator, found: Survey, on_progress: Callable[[int, int], None]
) -> None:
    endpoints: dict[str, EndpointSurvey] = {}
    accounts: set[str] = set()
    for done, (record, news) in enumerate(deliveries(recording, aggregator), start=1):
        endpoint = endpoints.get(record.endpoint)
        if endpoint is None:
            endpoint = endpoints[record.endpoint] = EndpointSurvey(record.endpoint)
            found.endpoints.append(endpoint)
        if record.kind == "received":
            size = len(record.frame)
            endpoint.frames += 1
            endpoint.frame_bytes += size
            found.frames += 1
            found.frame_bytes += size
            endpoint.last_ns = record.arrival_ns
            if endpoint.first_ns is None:
                endpoint.first_ns = record.arrival_ns
        elif record.kind == "connect":
            endpoint.connects += 1
        elif record.kind == "disconnect":
            endpoint.disconnects += 1
        for update in news:
            if isinstance(update, RootUpdate):
                # Names a slot of long before, of which nothing else need have arrived.
                continue
            slot = update.slot
            found.first_slot = slot if found.first_slot is None else min(slot, found.first_slot)
            found.last_slot = slot if found.last_slot is None else max(slot, found.last_slot)
            if isinstance(update, AccountUpdate):
                accounts.add(update.pubkey)
                found.accounts = len(accounts)
                found.writes += 1
        if done % REPORT_EVERY == 0:
            on_progress(done, recording.records)
    on_progress(recording.records, recording.records)
