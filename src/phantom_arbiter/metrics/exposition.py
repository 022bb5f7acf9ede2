"""What Prometheus reads: every metric of one run, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from phantom_arbiter.metrics.metric import Metric, Seen, book_of, label, one, seconds
from phantom_arbiter.metrics.of_market import MARKET
from phantom_arbiter.metrics.of_trading import TRADING
from phantom_arbiter.metrics.stages import BOUNDS_NS, HISTOGRAM, HISTOGRAM_HELP, STAGES, cumulative, stages_of
from phantom_arbiter.telemetry.model import RunModel

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
"""Content type of what `prometheus_text` returns by default."""

UP = "phantom_up"
UP_HELP = "Whether a run is followed and has not ended: 1 or 0; without a run there is nothing else."
INFO = "phantom_run_info"
INFO_HELP = "Which run this is; always 1."
INFO_LABELS = ("version", "mode", "source", "run")

RUN = (
    Metric(
        "phantom_run_start_time_seconds",
        "gauge",
        "When the run began, in seconds since 1970.",
        one(lambda s: s.hello.began_unix_ms / 1e3),
    ),
    Metric(
        "phantom_run_last_record_time_seconds",
        "gauge",
        "When the run last said anything, in seconds since 1970.",
        one(lambda s: s.unix_ms / 1e3),
    ),
)

METRICS = (*RUN, *MARKET, *TRADING, *STAGES)
"""All but `UP`, `INFO` and `HISTOGRAM`, which are of other kinds."""


def prometheus_text(model: RunModel | None, *, following: bool = True, openmetrics: bool = False) -> bytes:
    """Return every metric of the run in Prometheus' text format.

    Args:
        model: The run; None if there is none.
        following: Whether the run's process is still there.
        openmetrics: OpenMetrics 1.0 instead.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(RunCollector(model, following))
    if not openmetrics:
        return generate_latest(registry)
    text: bytes = generate_openmetrics(registry)  # type: ignore[no-untyped-call]
    return text


def scrape(model: RunModel | None, accept: str | None, *, following: bool = True) -> tuple[bytes, str]:
    """Return the answer to a scrape and its content type: OpenMetrics if the header `Accept` names it."""
    offered = {part.partition(";")[0].strip().lower() for part in (accept or "").split(",")}
    openmetrics = "application/openmetrics-text" in offered
    text = prometheus_text(model, following=following, openmetrics=openmetrics)
    return text, OPENMETRICS if openmetrics else PLAIN


@dataclass(frozen=True)
class RunCollector(Collector):
    """One run for a `prometheus_client` registry.

    Attributes:
        model: The run; None if there is none.
        following: Whether its process is still there.
    """

    model: RunModel | None
    following: bool = True

    def collect(self) -> Iterator[Family]:
        """Yield every family that has anything to say."""
        model = self.model
        up = model is not None and model.hello is not None and model.end is None and self.following
        yield GaugeMetricFamily(UP, UP_HELP, value=up)
        if model is None or (hello := model.hello) is None:
            return
        info = InfoMetricFamily(INFO.removesuffix("_info"), INFO_HELP, labels=[])
        values = (hello.version, hello.mode, hello.source, str(hello.run_id))
        info.add_metric([], dict(zip(INFO_LABELS, map(label, values), strict=True)))
        yield info
        if model.status is None:
            return
        seen = Seen(hello, model.status, model.unix_ms, book_of(hello))
        for metric in METRICS:
            yield _family(metric, seen)
        yield _histogram(seen)


def _family(metric: Metric, seen: Seen) -> Family:
    family: CounterMetricFamily | GaugeMetricFamily
    if metric.kind == "counter":
        family = CounterMetricFamily(metric.name.removesuffix("_total"), metric.help, labels=metric.labels)
    else:
        family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
    added: dict[tuple[str, ...], float] = {}
    for values, value in metric.read(seen):
        values = tuple(map(label, values))
        added[values] = added.get(values, 0) + value
    for values, value in added.items():
        family.add_metric(values, value)
    return family


def _histogram(seen: Seen) -> Family:
    family = HistogramMetricFamily(HISTOGRAM, HISTOGRAM_HELP, labels=["stage"])
    for latency in stages_of(seen):
        below = cumulative(latency.buckets, latency.count)
        buckets = list(zip(_LE, map(float, below), strict=True))
        family.add_metric([label(latency.stage)], buckets, seconds(latency.sum_ns))
    return family


def names() -> Iterable[tuple[str, str, tuple[str, ...], str]]:
    """Return name, kind, labels and help of every family, in the order in which they are told."""
    yield UP, "gauge", (), UP_HELP
    yield INFO, "info", INFO_LABELS, INFO_HELP
    for metric in METRICS:
        yield metric.name, metric.kind, metric.labels, metric.help
    yield HISTOGRAM, "histogram", ("stage",), HISTOGRAM_HELP


_LE = [*(repr(seconds(bound)) for bound in BOUNDS_NS), "+Inf"]
