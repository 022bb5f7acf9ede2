"""The dashboard for Grafana: a file beside this one, as Grafana imports it."""

from __future__ import annotations

from importlib.resources import files


def dashboard_json() -> str:
    """Return the dashboard; Grafana asks on import which Prometheus it is to read."""
    return files("phantom_arbiter.metrics").joinpath("grafana.json").read_text(encoding="utf-8")
