"""What a run counts, for other programs: Prometheus (`prometheus_text`), Grafana, OpenTelemetry (`traces`).

Everything here reads a `RunModel` or the records of a run, in a viewer's process; the engine knows nothing
of it.
"""

from phantom_arbiter.metrics.exposition import PLAIN, prometheus_text, scrape

__all__ = ["PLAIN", "prometheus_text", "scrape"]
