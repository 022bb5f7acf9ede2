"""What came in and what became of it: frames, pools, the funnel, endpoints."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from phantom_arbiter.metrics.metric import Metric, Sample, Seen, each, first, one, seconds
from phantom_arbiter.telemetry.records import Endpoint


def _frames(seen: Seen) -> Iterable[Sample]:
    status = seen.status
    for result in ("fresh", "duplicates", "stale", "held", "control"):
        yield (result.removesuffix("s"),), getattr(status, result)
    yield ("malformed",), sum(status.malformed.values())


def _evaluations(seen: Seen) -> Iterable[Sample]:
    return (((count.stage,), count.evaluations) for count in seen.status.funnel)


def _distinct(seen: Seen) -> Iterable[Sample]:
    return (((count.stage,), count.openings) for count in seen.status.funnel if count.openings is not None)


def _nearest(seen: Seen) -> float | None:
    missing = [miss.missing_bps for miss in seen.status.nearest_misses if miss.missing_bps is not None]
    return min(missing, default=None)


def _endpoints(seen: Seen) -> list[Endpoint]:
    return first(seen.status.endpoints, lambda endpoint: endpoint.name)


def _endpoint(value: Callable[[Endpoint], float | None]) -> Callable[[Seen], Iterable[Sample]]:
    def read(seen: Seen) -> Iterable[Sample]:
        for endpoint in _endpoints(seen):
            found = value(endpoint)
            if found is not None:
                yield (endpoint.name,), float(found)

    return read


def _lags(seen: Seen) -> Iterable[Sample]:
    for endpoint in _endpoints(seen):
        for percentile, lag_ns in (("50", endpoint.lag_p50_ns), ("99", endpoint.lag_p99_ns)):
            if lag_ns is not None:
                yield (endpoint.name, percentile), seconds(lag_ns)


_BY_ENDPOINT = ("endpoint",)

MARKET = (
    Metric(
        "phantom_slot", "gauge", "Highest slot seen, in slots since genesis.", one(lambda s: s.status.slot)
    ),
    Metric(
        "phantom_source_seconds",
        "gauge",
        "The source's own time, in seconds; of a recording since its beginning.",
        one(lambda s: seconds(s.status.at_ns)),
    ),
    Metric(
        "phantom_records_total", "counter", "Records taken from the source.", one(lambda s: s.status.records)
    ),
    Metric(
        "phantom_frames_received_total",
        "counter",
        "Frames received from all endpoints.",
        one(lambda s: s.status.frames),
    ),
    Metric(
        "phantom_frames_total",
        "counter",
        "What frames brought: fresh, duplicate, stale, held, control, malformed; one may bring several.",
        _frames,
        ("result",),
    ),
    Metric(
        "phantom_malformed_frames_total",
        "counter",
        "Frames refused, by reason.",
        each(lambda s: s.status.malformed),
        ("reason",),
    ),
    Metric(
        "phantom_decode_errors_total",
        "counter",
        "Account writes that could not be decoded, by reason.",
        each(lambda s: s.status.decode_errors),
        ("reason",),
    ),
    Metric("phantom_updates_total", "counter", "Account writes applied.", one(lambda s: s.status.updates)),
    Metric("phantom_pools", "gauge", "Pools known.", one(lambda s: s.status.pools)),
    Metric(
        "phantom_pools_set_aside",
        "gauge",
        "Pools that are known and not quoted now, by reason.",
        each(lambda s: s.status.pools_set_aside),
        ("reason",),
    ),
    Metric(
        "phantom_openings_total",
        "counter",
        "Cycles that began to pay at recorded prices after fees.",
        one(lambda s: s.status.openings),
    ),
    Metric("phantom_open_cycles", "gauge", "Cycles that pay now.", one(lambda s: s.status.open_cycles)),
    Metric(
        "phantom_funnel_evaluations_total",
        "counter",
        "Evaluations that came as far as the stage.",
        _evaluations,
        ("stage",),
    ),
    Metric(
        "phantom_funnel_openings_total",
        "counter",
        "Distinct openings that came as far as the stage.",
        _distinct,
        ("stage",),
    ),
    Metric(
        "phantom_rejections_total",
        "counter",
        "Candidates that were no signal, by reason.",
        each(lambda s: s.status.reasons),
        ("reason",),
    ),
    Metric(
        "phantom_rule_rejections_total",
        "counter",
        "Candidates refused by a rule file, by the words of the rule.",
        each(lambda s: s.status.rules),
        ("rule",),
    ),
    Metric(
        "phantom_nearest_miss_bps",
        "gauge",
        "What the nearest miss lacked, in 1/10,000 of its input.",
        one(_nearest),
    ),
    Metric(
        "phantom_endpoint_open",
        "gauge",
        "Whether the connection is open: 1 or 0.",
        _endpoint(lambda e: e.is_open),
        _BY_ENDPOINT,
    ),
    Metric(
        "phantom_endpoint_quarantined",
        "gauge",
        "Whether its provider's word does not count now: 1 or 0.",
        _endpoint(lambda e: e.is_quarantined),
        _BY_ENDPOINT,
    ),
    Metric(
        "phantom_endpoint_behind_slots",
        "gauge",
        "How far it is behind the newest slot, in slots.",
        _endpoint(lambda e: e.behind_slots),
        _BY_ENDPOINT,
    ),
    Metric(
        "phantom_endpoint_subscriptions",
        "gauge",
        "Accounts subscribed and confirmed.",
        _endpoint(lambda e: e.subscriptions),
        _BY_ENDPOINT,
    ),
    Metric(
        "phantom_endpoint_frames_total",
        "counter",
        "Frames received.",
        _endpoint(lambda e: e.frames),
        _BY_ENDPOINT,
    ),
    Metric(
        "phantom_endpoint_wins_total",
        "counter",
        "Account writes that it delivered first.",
        _endpoint(lambda e: e.wins),
        _BY_ENDPOINT,
    ),
    Metric(
        "phantom_endpoint_duplicates_total",
        "counter",
        "What had been delivered before.",
        _endpoint(lambda e: e.duplicates),
        _BY_ENDPOINT,
    ),
    Metric(
        "phantom_endpoint_stale_total",
        "counter",
        "What was older than the applied state.",
        _endpoint(lambda e: e.stale),
        _BY_ENDPOINT,
    ),
    Metric(
        "phantom_endpoint_held_total",
        "counter",
        "What was kept back as not provably newer.",
        _endpoint(lambda e: e.held),
        _BY_ENDPOINT,
    ),
    Metric(
        "phantom_endpoint_malformed_total",
        "counter",
        "Frames refused.",
        _endpoint(lambda e: e.malformed),
        _BY_ENDPOINT,
    ),
    Metric(
        "phantom_endpoint_disagreements_total",
        "counter",
        "Last writes of a slot with which it stood alone against two other providers.",
        _endpoint(lambda e: e.disagreements),
        _BY_ENDPOINT,
    ),
    Metric(
        "phantom_endpoint_lag_seconds",
        "gauge",
        "How far its duplicates came behind the first arrival since the beginning, in seconds.",
        _lags,
        ("endpoint", "percentile"),
    ),
)
"""In the order in which they are told."""
