"""What a run has said so far, in bounded memory, and the state at any moment of it.

Records are kept as the bytes that came. Every few megabytes or half a minute of them a keyframe, a snapshot
of all that was known, begins a new segment: a moment costs one keyframe and the records since. When the
limit is reached the oldest segment goes as a whole.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from phantom_arbiter.galaxy.series import PoolSeries
from phantom_arbiter.galaxy.snapshots import snapshot_of
from phantom_arbiter.telemetry.model import RunModel
from phantom_arbiter.telemetry.records import (
    Changes,
    Moment,
    PoolState,
    Published,
    Snapshot,
    Trade,
    WatchedPool,
)

SEGMENT_BYTES = 4 * 1024 * 1024
SEGMENT_MS = 30_000
MAX_MARKS = 2_000
SEGMENT_TRADES, SEGMENT_OPENINGS = 200, 50
"""Marks that a segment keeps once the next begins: there are hundreds of segments in a day."""
RECORD_OVERHEAD = 240
"""Bytes of a kept record besides its text: objects of Python."""
MARK_OVERHEAD = 120


class Place(NamedTuple):
    """A moment of a run; see `records.Moment`."""

    seq: int
    at_ns: int
    unix_ms: int
    slot: int


class Mark(NamedTuple):
    """Something worth a look: kind is trade or opened, id that of the attempt or the opening."""

    seq: int
    at_ns: int
    unix_ms: int
    kind: str
    id: int


@dataclass(slots=True)
class _Segment:
    """A keyframe and what was said after it."""

    place: Place
    keyframe: bytes
    size: int
    places: list[Place] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    records: list[bytes] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Scene:
    """What it takes to know the state at one moment."""

    keyframe: bytes
    records: tuple[bytes, ...]

    def snapshot(self) -> bytes:
        """Return the state as a `snapshot` record; takes its time, safe in any thread."""
        if not self.records:
            return self.keyframe
        model = RunModel()
        decoder = msgspec.json.Decoder(Published)
        model.apply(decoder.decode(self.keyframe))
        for raw in self.records:
            model.apply(decoder.decode(raw))
        return msgspec.json.encode(snapshot_of(model))


class BeforeHistory(Exception):  # noqa: N818 - says where the question lies
    """Asked for a moment that is no longer remembered; `seq` is the first that is."""

    def __init__(self, seq: int) -> None:
        super().__init__(f"the history begins at seq {seq}, what was before is no longer kept")
        self.seq = seq


class History:
    """What one run has said.

    Args:
        limit_bytes: What the records, keyframes and marks may take; pool curves are bounded by their number.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._segment_bytes = min(SEGMENT_BYTES, limit_bytes // 8)
        self.forget()

    def forget(self) -> None:
        """Begin anew, for another run."""
        self._segments: deque[_Segment] = deque()
        self._pools: dict[int, PoolSeries] = {}
        self.size = 0

    def add(self, raw: bytes, record: Published, keyframe: Callable[[], bytes]) -> None:
        """Remember a record.

        Args:
            raw: As it came.
            record: The same, decoded.
            keyframe: Gives the snapshot of all that is known, this record included.
        """
        if not isinstance(record, Moment):
            return
        place = Place(record.seq, record.at_ns, record.unix_ms, record.slot)
        self._curves(record)
        if self._segments:
            segment = self._segments[-1]
            segment.places.append(place)
            # Never falling, so that it can be searched, whatever a broken run counts.
            segment.seqs.append(max(record.seq, segment.seqs[-1] if segment.seqs else segment.place.seq))
            segment.records.append(raw)
            marks = _marks(record)
            segment.marks += marks
            grown = len(raw) + RECORD_OVERHEAD + len(marks) * MARK_OVERHEAD
            segment.size += grown
            self.size += grown
            is_full = segment.size >= self._segment_bytes
            is_long = place.unix_ms - segment.place.unix_ms >= SEGMENT_MS
            if not is_full and not is_long and not isinstance(record, Snapshot):
                return
        self._begin(place, keyframe())

    def _begin(self, place: Place, keyframe: bytes) -> None:
        size = len(keyframe) + RECORD_OVERHEAD
        if self._segments:
            place = place._replace(seq=max(place.seq, self._last_seq()))
            self._thin(self._segments[-1])
        self._segments.append(_Segment(place, keyframe, size))
        self.size += size
        while self.size > self._limit and len(self._segments) > 2:
            self.size -= self._segments.popleft().size

    def _thin(self, segment: _Segment) -> None:
        kept = _thinned(segment.marks, SEGMENT_TRADES, SEGMENT_OPENINGS)
        freed = (len(segment.marks) - len(kept)) * MARK_OVERHEAD
        segment.marks = kept
        segment.size -= freed
        self.size -= freed

    @property
    def first(self) -> Place | None:
        """The earliest moment whose state is known; None before there is any."""
        return self._segments[0].place if self._segments else None

    @property
    def last(self) -> Place | None:
        """The newest moment; None before there is any."""
        if not self._segments:
            return None
        newest = self._segments[-1]
        return newest.places[-1] if newest.places else newest.place

    def marks(self) -> list[Mark]:
        """Return trades and openings in order, thinned to `MAX_MARKS`: trades are kept before openings."""
        marks = [mark for segment in self._segments for mark in segment.marks]
        if len(marks) <= MAX_MARKS:
            return marks
        trades = min(sum(mark.kind == "trade" for mark in marks), MAX_MARKS // 2)
        return _thinned(marks, trades, MAX_MARKS - trades)

    def scene(self, seq: int) -> Scene:
        """Return what it takes to know the state at `seq`; the newest state if `seq` is still to come.

        Raises:
            BeforeHistory: It is no longer kept.
        """
        segment = self._segment(seq)
        return Scene(segment.keyframe, tuple(segment.records[: bisect_right(segment.seqs, seq)]))

    def since(self, seq: int, limit: int, max_bytes: int) -> list[bytes]:
        """Return the records after `seq`, at most so many and hardly more bytes than that.

        Raises:
            BeforeHistory: Records after `seq` are no longer kept.
        """
        found: list[bytes] = []
        size = 0
        begin = self._segments.index(self._segment(seq))
        for segment in list(self._segments)[begin:]:
            for raw in segment.records[bisect_right(segment.seqs, seq) :]:
                if len(found) >= limit or size > max_bytes:
                    return found
                found.append(raw)
                size += len(raw)
        return found

    def pool(self, n: int) -> PoolSeries | None:
        """Return the curve of a pool; None if there is no such pool."""
        return self._pools.get(n)

    def _segment(self, seq: int) -> _Segment:
        begins = [segment.place.seq for segment in self._segments]
        found = bisect_right(begins, seq) - 1
        if found < 0:
            raise BeforeHistory(begins[0] if begins else 0)
        return self._segments[found]

    def _last_seq(self) -> int:
        newest = self._segments[-1]
        return newest.seqs[-1] if newest.seqs else newest.place.seq

    def _curves(self, record: Moment) -> None:
        match record:
            case Changes(market=market):
                for pool in market.new_pools:
                    self._point(record, pool)
                for state in market.pools:
                    self._point(record, state)
            case Snapshot(market=shown):
                for pool in shown.pools:
                    self._point(record, pool)
            case _:
                pass

    def _point(self, at: Moment, pool: WatchedPool | PoolState) -> None:
        series = self._pools.get(pool.n)
        if series is None:
            series = self._pools[pool.n] = PoolSeries()
        series.add(at.at_ns, at.unix_ms, pool.price, pool.depth_a, pool.depth_b)


def _marks(record: Moment) -> list[Mark]:
    match record:
        case Trade():
            return [Mark(record.seq, record.at_ns, record.unix_ms, "trade", record.attempt_id)]
        case Changes(market=market):
            return [
                Mark(record.seq, record.at_ns, record.unix_ms, "opened", opened.id)
                for opened in market.opened
            ]
        case _:
            return []


def _thinned(marks: Sequence[Mark], trades: int, openings: int) -> list[Mark]:
    """Return at most so many trades and openings, evenly chosen, in order."""
    return sorted(
        [
            *_spread([mark for mark in marks if mark.kind == "trade"], trades),
            *_spread([mark for mark in marks if mark.kind != "trade"], openings),
        ]
    )


def _spread(marks: Sequence[Mark], most: int) -> list[Mark]:
    """Return at most so many, evenly chosen, the first and the last among them."""
    if len(marks) <= most:
        return list(marks)
    return [marks[i * (len(marks) - 1) // (most - 1)] for i in range(most)]
