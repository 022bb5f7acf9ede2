"""Scrubbing back: the state at any moment is the fold of all records up to it."""

import math
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.galaxy.history import (
    MARK_OVERHEAD,
    MAX_MARKS,
    RECORD_OVERHEAD,
    SEGMENT_OPENINGS,
    BeforeHistory,
    History,
)
from phantom_arbiter.galaxy.series import MAX_POINTS, PoolSeries
from phantom_arbiter.galaxy.snapshots import snapshot_of
from phantom_arbiter.telemetry.model import RunModel
from phantom_arbiter.telemetry.records import Changes, MarketChanges, Moment, Opened, Published, Snapshot
from telemetry_samples import SampleRun

STEPS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 20_000_000_000), st.integers(0, 12)), min_size=1, max_size=30
)


def said(steps: list[tuple[int, int, int]], seed: int, pools: int) -> list[Published]:
    run = SampleRun(pools, seed)
    records: list[Published] = [run.hello(), run.snapshot()]
    for updates, nanoseconds, also in steps:
        records += run.step(updates, nanoseconds)
        if also == 0:
            records.append(run.snapshot())  # it was too slow for the run
        elif also < 4:
            records.append(run.status())
        elif also == 4:
            records.append(run.trade())
    return records


def remembered(records: list[Published], limit: int, segment_bytes: int = 20_000) -> History:
    history, model = History(limit), RunModel()
    history._segment_bytes = segment_bytes
    for record in records:
        model.apply(record)
        history.add(msgspec.json.encode(record), record, lambda: msgspec.json.encode(snapshot_of(model)))
    return history


@given(STEPS, st.integers(0, 2**32), st.integers(3, 12), st.sampled_from([100_000, 10**9]))
def test_any_moment_is_the_fold_from_the_beginning(
    steps: list[tuple[int, int, int]], seed: int, pools: int, limit: int
) -> None:
    records = said(steps, seed, pools)
    history = remembered(records, limit)
    first, last = history.first, history.last
    assert first is not None
    assert last is not None
    seqs = sorted({record.seq for record in records if isinstance(record, Moment)})
    assert last.seq == seqs[-1]
    for seq in seqs:
        if seq < first.seq:
            with pytest.raises(BeforeHistory, match=f"begins at seq {first.seq}"):
                history.scene(seq)
            continue
        model = RunModel()
        for record in records:
            if not isinstance(record, Moment) or record.seq <= seq:
                model.apply(record)
        shown = history.scene(seq).snapshot()
        assert shown == msgspec.json.encode(snapshot_of(model))


@given(STEPS, st.integers(0, 2**32))
def test_playing_on_from_a_moment_leads_to_the_present(steps: list[tuple[int, int, int]], seed: int) -> None:
    records = said(steps, seed, 6)
    history = remembered(records, 60_000)
    first, last = history.first, history.last
    assert first is not None
    assert last is not None
    model = RunModel()
    decoder = msgspec.json.Decoder(Published)
    model.apply(decoder.decode(history.scene(first.seq).snapshot()))
    while batch := history.since(model.seq, 3, 10**9):
        assert len(batch) <= 3
        for raw in batch:
            record = decoder.decode(raw)
            before = model.seq
            model.apply(record)
            assert model.seq > before or isinstance(record, Snapshot)
    assert model.seq == last.seq
    assert msgspec.json.encode(snapshot_of(model)) == history.scene(last.seq).snapshot()


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    run, limit = SampleRun(50), 6_000_000
    history, model = History(limit), RunModel()
    firsts = []
    model.apply(run.hello())
    model.apply(run.snapshot())
    for _ in range(2_500):
        for record in run.step(50, 50_000_000):
            model.apply(record)
            history.add(msgspec.json.encode(record), record, lambda: msgspec.json.encode(snapshot_of(model)))
        assert history.size <= limit + 1_000_000
        assert history.first is not None
        firsts.append(history.first.seq)
    assert firsts[-1] > firsts[0]
    assert all(before <= after for before, after in pairwise(firsts))
    marks = history.marks()
    assert len(marks) <= MAX_MARKS
    assert marks == sorted(marks)
    assert marks[0].seq >= firsts[-1]
    assert {mark.kind for mark in marks} == {"trade", "opened"}


def test_marks_of_what_is_long_past_are_few() -> None:
    """Their number is bounded by segments, so that finding them takes no time of those who watch."""
    history = History(256 * 1024 * 1024)
    begin = SampleRun(2).snapshot()
    history.add(b"{}", begin, lambda: b"{}")
    opened = 0
    for seq in range(2, 3_000):
        openings = tuple(Opened(opened + i, (2, 5, 9), 12.3, 100) for i in range(5))
        opened += len(openings)
        market = MarketChanges(opened=openings)
        unix_ms = begin.unix_ms + seq * 100
        record = Changes(seq=seq, at_ns=seq * 10**8, unix_ms=unix_ms, slot=seq, market=market)
        history.add(b"{}", record, lambda: b"{}")
    *closed, newest = history._segments
    assert len(closed) >= 9
    assert {len(segment.marks) for segment in closed[1:]} == {SEGMENT_OPENINGS}
    assert all(segment.marks[-1].id % 5 == 4 for segment in closed[1:]), "the last opening is kept"
    assert len(history.marks()) == sum(len(segment.marks) for segment in history._segments) <= MAX_MARKS
    assert history.size == sum(segment.size for segment in history._segments)
    assert newest.size >= len(newest.records) * RECORD_OVERHEAD + len(newest.marks) * MARK_OVERHEAD


def test_a_fragment_of_garbage_does_not_stop_it() -> None:
    """A run that counts backwards is broken, yet can be looked at."""
    run = SampleRun(6)
    history, model = History(10**6), RunModel()
    for record in (run.snapshot(), *run.step(3, 10), msgspec.structs.replace(run.status(), seq=0)):
        model.apply(record)
        history.add(msgspec.json.encode(record), record, lambda: msgspec.json.encode(snapshot_of(model)))
    assert history.last is not None
    assert msgspec.json.decode(history.scene(10**9).snapshot(), type=Snapshot).seq == 0


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e30)), min_size=1, max_size=3 * MAX_POINTS))
def test_a_curve_keeps_its_extremes_its_ends_and_its_order(prices: list[float | None]) -> None:
    series = PoolSeries()
    for i, price in enumerate(prices):
        series.add(i, i, price, str(i), "18446744073709551615")
    shown = series.since(0)
    assert len(shown["price"]) <= MAX_POINTS
    assert shown["at_ns"] == sorted(set(shown["at_ns"]))
    assert (shown["at_ns"][0], shown["at_ns"][-1]) == (0, len(prices) - 1)
    known = [price for price in prices if price is not None]
    kept = [price for price in shown["price"] if price is not None]
    if known:
        assert (min(kept), max(kept)) == (min(known), max(known))
    assert all(prices[at] == price for at, price in zip(shown["at_ns"], shown["price"], strict=True))
    assert all(math.isclose(depth, 2**64 - 1) for depth in shown["depth_b"])
    assert series.since(len(prices))["price"] == []
