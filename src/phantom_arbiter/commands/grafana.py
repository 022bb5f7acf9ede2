"""`phantom grafana`: the dashboard for Grafana."""

from __future__ import annotations


def grafana() -> None:
    """Print the dashboard for Grafana, to be imported there: phantom grafana > dashboard.json."""
    from phantom_arbiter.metrics.grafana import dashboard_json

    print(dashboard_json(), end="")
