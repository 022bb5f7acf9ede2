from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shipped_day
from phantom_core import InvalidInput, LatencyHistogram

DURATIONS = st.lists(st.integers(0, 2**64 - 1), min_size=1)


def histogram_of(durations: list[int]) -> LatencyHistogram:
    histogram = LatencyHistogram()
    for duration in durations:
        histogram.add(duration)
    return histogram


def test_no_durations_have_no_quantile() -> None:
    histogram = LatencyHistogram()
    assert histogram.quantile(0.5) is None
    assert (histogram.count, histogram.sum_ns, histogram.max_ns, histogram.buckets()) == (0, 0, 0, [])


def test_small_durations_are_exact() -> None:
    histogram = histogram_of(list(range(1, 101)))
    assert (histogram.quantile(0.5), histogram.quantile(0.99), histogram.quantile(1.0)) == (50, 99, 100)
    assert histogram.buckets() == [(duration, 1) for duration in range(1, 101)]


@given(DURATIONS, st.sampled_from([0.01, 0.5, 0.9, 0.99, 1.0]))
def test_quantile_is_never_below_the_true_one_and_close_above(durations: list[int], fraction: float) -> None:
    histogram = histogram_of(durations)
    rank = max(1, -(-len(durations) * round(fraction * 100) // 100))
    true = sorted(durations)[rank - 1]
    found = histogram.quantile(fraction)
    assert found is not None
    assert true <= found <= true + true // 64


@given(DURATIONS)
def test_sums_are_exact_and_steps_hold_every_duration_once(durations: list[int]) -> None:
    histogram = histogram_of(durations)
    assert (histogram.count, histogram.sum_ns, histogram.max_ns) == (
        len(durations),
        sum(durations),
        max(durations),
    )
    lower = -1
    for upper, count in histogram.buckets():
        # The step is no wider than 1/64 of what it holds.
        held = [duration for duration in durations if lower < duration <= upper]
        assert count == len(held)
        assert all(upper - duration <= duration // 64 for duration in held)
        lower = upper


@pytest.mark.parametrize("duration", [-1, 2**64, 1.5, "1"])
def test_what_is_no_duration_is_refused(duration: object) -> None:
    with pytest.raises(InvalidInput, match="duration_ns"):
        LatencyHistogram().add(duration)  # type: ignore[arg-type]


@pytest.mark.parametrize("fraction", [-0.01, 1.01, float("nan")])
def test_share_outside_of_the_whole_is_refused(fraction: float) -> None:
    with pytest.raises(InvalidInput, match="fraction"):
        LatencyHistogram().quantile(fraction)


def test_stages_of_the_engine_count_where_they_ran() -> None:
    engine = shipped_day.market()
    stages = dict(engine.latencies())
    assert list(stages) == ["parse", "dedup", "apply", "search", "size", "score"]
    assert all(histogram.count == 0 for histogram in stages.values())
    for record in shipped_day.records():
        shipped_day.feed(engine, record)
    counts = {stage: histogram.count for stage, histogram in stages.items()}
    stats = engine.stats(0)
    # One frame in sixteen is measured; which, is drawn.
    assert stats.frames / 18 < counts["dedup"] < stats.frames / 14
    assert counts["parse"] <= counts["dedup"]
    assert stats.updates / 20 < counts["apply"] <= counts["parse"]
    assert 0 < counts["score"] <= counts["size"]
    assert counts["search"] > 0
    assert all(histogram.sum_ns >= histogram.max_ns > 0 for histogram in stages.values())


def test_connections_are_those_of_the_freshness() -> None:
    engine = shipped_day.market()
    for record in shipped_day.records()[:3_000]:
        shipped_day.feed(engine, record)

    def shown() -> list[tuple[object, ...]]:
        return [
            (one.name, one.is_open, one.shown_slot, one.behind_slots, one.subscriptions, one.connections)
            for one in engine.connections()
        ]

    whole = [
        (one.name, one.is_open, one.shown_slot, one.behind_slots, one.subscriptions, one.connections)
        for one in engine.freshness().connections
    ]
    assert shown() == whole
    assert len(whole) > 1
