"""How long the stages took: the run's fine histograms, put into buckets that Prometheus can add up.

The run counts durations in steps of at most 1.6 %, with edges at `m * 2^k - 1` ns. Prometheus wants the same
few bounds always: `2^k` and `1.5 * 2^k` ns, 128 ns to 12.9 s. A bound's cumulative count is that of the
durations *below* it, exactly, as every bound stands at such an edge; a duration of just the bound counts into
the next bucket, though Prometheus' `le` says "or equal": wrong by 1 ns. (Edges of another kind would be
counted into the bucket that holds them whole, so never too early.)
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate

from phantom_arbiter.metrics.metric import Metric, Sample, Seen, first, seconds
from phantom_arbiter.telemetry.records import StageLatency

BOUNDS_NS = tuple(bound for k in range(7, 34) for bound in (1 << k, 3 << (k - 1)))
"""Upper bounds, in nanoseconds, without the infinite one."""

HISTOGRAM = "phantom_stage_seconds"
HISTOGRAM_HELP = "How long the stage took, in seconds; frame_to_decision is the whole."


def stages_of(seen: Seen) -> list[StageLatency]:
    """Return the stages that get series."""
    return first(seen.status.latencies, lambda latency: latency.stage)


def cumulative(buckets: Sequence[tuple[int, int]], count: int) -> list[int]:
    """Return how many durations were below each bound, and at last how many there were.

    Args:
        buckets: Upper edge in ns, and how many were in that step, as in `StageLatency.buckets`.
        count: How many there were in all; more than the steps hold if it was read a little later.
    """
    within = [0] * (len(BOUNDS_NS) + 1)
    for upper_ns, steps in buckets:
        within[bisect_left(BOUNDS_NS, upper_ns)] += steps
    below = list(accumulate(within))
    below[-1] = max(below[-1], count)
    return below


def _percentiles(seen: Seen) -> Iterable[Sample]:
    for latency in stages_of(seen):
        for percentile, value_ns in (
            ("50", latency.p50_ns),
            ("90", latency.p90_ns),
            ("99", latency.p99_ns),
            ("100", latency.max_ns),
        ):
            if value_ns is not None:
                yield (latency.stage, percentile), seconds(value_ns)


STAGES = (
    Metric(
        "phantom_stage_percentile_seconds",
        "gauge",
        "What so many percent of the durations since the beginning did not exceed, in seconds; at "
        "most 1.6 % too long; 100 is the longest.",
        _percentiles,
        ("stage", "percentile"),
    ),
)
