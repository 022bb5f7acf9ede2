"""The dashboard for Grafana asks only for what there is, and says what it shows."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from phantom_arbiter.cli import main
from phantom_arbiter.metrics import prometheus_text
from phantom_arbiter.metrics.grafana import dashboard_json
from phantom_arbiter.telemetry.model import RunModel
from telemetry_samples import SampleRun

ROOT = Path(__file__).parents[2]
IS_UP = " and on (instance) phantom_up == 1"
DASHBOARD: dict[str, Any] = json.loads(dashboard_json())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
VARIABLES = {variable["name"] for variable in DASHBOARD["templating"]["list"]}


def labels_by_series() -> dict[str, set[str]]:
    """Return the labels of every series of a run to which everything has happened."""
    run, model = SampleRun(), RunModel()
    for record in (run.hello(), run.snapshot(), run.trade(), run.status()):
        model.apply(record)
    told: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(prometheus_text(model).decode()):
        told.setdefault(family.name + ("_total" if family.type == "counter" else ""), set())
        for sample in family.samples:
            told.setdefault(sample.name, set()).update(sample.labels)
    return told


@pytest.mark.parametrize(("title", "expression"), TARGETS)
def test_every_metric_and_label_asked_for_is_told(title: str, expression: str) -> None:
    told = labels_by_series()
    asked = set(re.findall(r"phantom_\w+", expression))
    assert asked
    assert asked <= told.keys()
    known = set().union({"instance"}, *(told[name] for name in asked))
    grouped = {label.strip() for by in re.findall(r"by \(([^)]*)\)", expression) for label in by.split(",")}
    # A counter that has not counted yet has no series, and none that could name its labels.
    assert grouped <= known | {"rule", "reason"}


def test_every_counter_and_stage_is_shown() -> None:
    shown = set(re.findall(r"phantom_\w+", dashboard_json()))
    left_out = {
        "phantom_records_total",
        "phantom_frames_received_total",
        "phantom_endpoint_frames_total",
        "phantom_endpoint_duplicates_total",
        "phantom_funnel_openings_total",
        "phantom_mint_trades_total",
        "phantom_unknown_outcomes_total",
    }
    counters = {name for name in labels_by_series() if name.endswith("_total")}
    assert counters - shown == left_out


def test_nothing_goes_on_when_a_run_is_over() -> None:
    """Its last values stay, so neither ages nor alerts may go on with the clock."""
    assert not [title for title, expression in TARGETS if "time()" in expression]
    alerts = re.findall(r"alert: (\w+), expr: \"([^\"]*)\"", (ROOT / "docs/METRICS.md").read_text())
    assert {name for name, expression in alerts if not expression.endswith(IS_UP)} == {"PhantomGone"}
    assert len(alerts) == 5


@pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])
def test_panel_has_unit_description_and_datasource(panel: dict[str, Any]) -> None:
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["description"].endswith(".")
    for part in (panel, *panel["targets"]):
        assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_dashboard_is_free_of_any_grafana() -> None:
    assert DASHBOARD["id"] is None
    assert "uid" not in DASHBOARD
    assert DASHBOARD["schemaVersion"] >= 41
    used = set(re.findall(r"\$\{?(\w+)", dashboard_json())) - {"__rate_interval"}
    assert used == VARIABLES


def test_panels_have_ids_and_places_of_their_own() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + i, at["y"] + j) for i in range(at["w"]) for j in range(at["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken
        taken |= cells


def test_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grafana"]) == 0
    assert json.loads(capsys.readouterr().out) == DASHBOARD


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_understands_every_expression(tmp_path: Path) -> None:
    rules = [
        {"record": f"rule:{n}", "expr": expression.replace("$__rate_interval", "1m")}
        for n, (_, expression) in enumerate(TARGETS)
    ]
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    checked = subprocess.run(["promtool", "check", "rules", file], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr
