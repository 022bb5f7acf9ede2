"""What Prometheus reads of a run."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from phantom_arbiter.metrics import prometheus_text, scrape
from phantom_arbiter.metrics.metric import MAX_CHARS, MAX_VALUES
from phantom_arbiter.metrics.stages import BOUNDS_NS, cumulative
from phantom_arbiter.metrics.table import metric_table
from phantom_arbiter.telemetry import records as r
from phantom_arbiter.telemetry.model import RunModel
from telemetry_samples import USDC, SampleRun

ROOT = Path(__file__).parents[2]
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture(scope="module")
def model() -> RunModel:
    return followed(SampleRun(), ticks=60)


def followed(run: SampleRun, ticks: int) -> RunModel:
    model = RunModel()
    model.apply(run.hello())
    model.apply(run.snapshot())
    for _ in range(ticks):
        for record in run.step(50, 50_000_000):
            model.apply(record)
    for _ in range(3):
        model.apply(run.trade())
    run.halted = True
    model.apply(run.status())
    return model


def with_status(model: RunModel, status: r.Status) -> RunModel:
    changed = RunModel()
    assert model.hello is not None
    changed.apply(model.hello)
    changed.apply(status)
    return changed


def status_of(model: RunModel) -> r.Status:
    assert model.status is not None
    return model.status


def series(text: bytes, parse: Any = parse_plain) -> Series:
    found: Series = {}
    for family in parse(text.decode()):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, "no series twice"
            found[key] = sample.value
    return found


def value(found: Series, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def test_values_are_those_of_the_status(model: RunModel) -> None:
    found, status = series(prometheus_text(model)), status_of(model)
    assert value(found, "phantom_up") == 1
    assert value(found, "phantom_frames_total", result="fresh") == status.fresh
    assert value(found, "phantom_frames_total", result="malformed") == 2
    assert (
        value(found, "phantom_funnel_evaluations_total", stage="after_fees") == status.funnel[2].evaluations
    )
    assert value(found, "phantom_endpoint_wins_total", endpoint="helius/0") == status.endpoints[0].wins
    assert value(found, "phantom_endpoint_lag_seconds", endpoint="helius/0", percentile="99") == 0.024
    assert value(found, "phantom_refusals_total", reason="quoted_before_a_fill") == 2
    assert value(found, "phantom_trades_total", state="failed") == sum(status.failures.values())
    assert value(found, "phantom_halt_switch", switch="dashboard") == 1
    net = int(status.profit[0].net_profit)
    assert value(found, "phantom_profit_base_units", mint=USDC, symbol="USDC") == net
    assert value(found, "phantom_profit_ui", mint=USDC, symbol="USDC") == net / 10**6
    risk = {"limit": "mints.max_exposure", "subject": USDC, "symbol": "USDC", "unit": "base_units"}
    assert value(found, "phantom_risk_limit", **risk) == 10**10
    run = {"version": "0.1.0", "mode": "paper", "source": "sample", "run": "7"}
    assert value(found, "phantom_run_info", **run) == 1


def test_failed_do_not_go_back_while_an_attempt_is_counted(model: RunModel) -> None:
    status = status_of(model)
    failed = sum(status.failures.values())
    for one_more in (
        {"attempts": status.attempts + 1},
        {"attempts": status.attempts + 1, "filled": status.filled + 1},
        {"filled": status.filled + 1},
    ):
        found = series(prometheus_text(with_status(model, msgspec.structs.replace(status, **one_more))))
        assert value(found, "phantom_trades_total", state="failed") == failed


def test_openmetrics_is_answered_to_who_asks_for_it_and_says_the_same(model: RunModel) -> None:
    plain, of_plain = scrape(model, "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")
    asked = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3"
    openmetrics, of_openmetrics = scrape(model, asked)
    assert of_plain == "text/plain; version=0.0.4; charset=utf-8"
    assert of_openmetrics.startswith("application/openmetrics-text; version=1.0.0")
    assert series(openmetrics, parse_openmetrics) == series(plain)
    assert openmetrics.endswith(b"# EOF\n")


@pytest.mark.parametrize(
    "accept", [None, "", ";;;", ",", "application/openmetrics-texts", "text/plain;version=x", "\xff\x00"]
)
def test_any_other_wish_gets_plain_text(accept: str | None) -> None:
    assert scrape(None, accept)[1].startswith("text/plain")


def test_without_a_run_there_is_only_up() -> None:
    nothing = {("phantom_up", frozenset[tuple[str, str]]()): 0.0}
    assert series(prometheus_text(None)) == nothing
    assert series(prometheus_text(RunModel())) == nothing


def test_up_falls_when_the_run_has_gone_or_ended(model: RunModel) -> None:
    away = series(prometheus_text(model, following=False))
    assert value(away, "phantom_up") == 0
    assert value(away, "phantom_updates_total") == status_of(model).updates
    ended = with_status(model, status_of(model))
    ended.apply(r.End(seq=9, at_ns=1, unix_ms=1, slot=1, summary=None, error="it broke"))
    assert value(series(prometheus_text(ended)), "phantom_up") == 0


def numbers_within(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to every number of plain values, decimal strings among them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers_within(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from numbers_within(inner, (*path, index))
    elif isinstance(value, bool | int | float) or (isinstance(value, str) and value.lstrip("-").isdigit()):
        yield path


def another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return str(int(value) + 1) if isinstance(value, str) else value + 1


def test_every_number_of_a_status_is_told(model: RunModel) -> None:
    before = prometheus_text(with_status(model, status_of(model)))
    plain = msgspec.json.decode(msgspec.json.encode(status_of(model)))
    untold = set()
    for path in numbers_within(plain):
        changed = msgspec.json.decode(msgspec.json.encode(plain))
        at = changed
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = another(at[path[-1]])
        told = prometheus_text(with_status(model, msgspec.convert(changed, r.Status)))
        if told == before:
            untold.add(
                ".".join("*" if isinstance(step, int) else step for step in path[:-1]) + f".{path[-1]}"
            )
    # The sum of what is told by state, which miss it was, and a step's edge moved by 1 ns.
    assert untold == {
        ".attempts",
        ".seq",
        "latencies.*.buckets.*.0",
        "nearest_misses.*.gross_profit",
        "nearest_misses.*.net_profit",
        "nearest_misses.*.slot",
    }


def test_no_more_than_so_many_series_however_many_names_there_are(model: RunModel) -> None:
    status = status_of(model)
    many = {f"reason {n:04} {'x' * 200}": 1 for n in range(1_000)}
    endpoint, limit, profit = status.endpoints[0], status.risk.limits[0], status.profit[0]
    flooded = msgspec.structs.replace(
        status,
        reasons=many,
        refusals=many,
        rules=many,
        endpoints=tuple(msgspec.structs.replace(endpoint, name=f"e{n}") for n in range(1_000)),
        profit=tuple(msgspec.structs.replace(profit, mint=f"mint {n}") for n in range(1_000)),
        risk=msgspec.structs.replace(
            status.risk,
            switches=tuple(map(str, range(1_000))),
            limits=tuple(msgspec.structs.replace(limit, subject=str(n)) for n in range(1_000)),
        ),
    )
    found = series(prometheus_text(with_status(model, flooded)))
    by_name = Counter(name for name, _ in found)
    assert max(by_name.values()) <= 2 * (MAX_VALUES + 1) or by_name.most_common(1)[0][0].endswith("_bucket")
    assert max(len(text) for _, labels in found for _, text in labels) <= MAX_CHARS
    rejected = [count for (name, _), count in found.items() if name == "phantom_rejections_total"]
    assert sum(rejected) == 1_000, "nothing is left out of the sum"


NAMES = st.text(max_size=80)


@given(st.dictionaries(NAMES, st.integers(0, 2**63), max_size=4), NAMES, NAMES)
@settings(max_examples=40, deadline=None)
def test_no_name_breaks_the_text(model: RunModel, counts: dict[str, int], name: str, amount: str) -> None:
    status = status_of(model)
    changed = msgspec.structs.replace(
        status,
        reasons=counts,
        pools_set_aside=counts,
        endpoints=tuple(msgspec.structs.replace(status.endpoints[0], name=each) for each in (name, amount)),
        profit=(msgspec.structs.replace(status.profit[0], net_profit=amount, gross_profit="9" * 5_000),),
    )
    hostile = with_status(model, changed)
    text = prometheus_text(hostile)
    assert len(series(text)) == len(series(prometheus_text(hostile, openmetrics=True), parse_openmetrics))


def long_name(n: int) -> str:
    """Return one of two names that are cut to the same label."""
    return f"{n // 2:04}{'x' * MAX_CHARS}{n % 2}"


@given(
    st.lists(
        st.dictionaries(
            st.integers(0, 3 * MAX_VALUES).map(str) | st.integers(0, 3 * MAX_VALUES).map(long_name),
            st.integers(0, 9),
            max_size=2 * MAX_VALUES,
        ),
        max_size=6,
    ),
    st.lists(st.integers(0, 2**40), max_size=40),
)
@example([{long_name(2 + n): 1 for n in range(MAX_VALUES)}, {long_name(0): 1}], [])
@settings(max_examples=30, deadline=None)
def test_counters_never_go_back(model: RunModel, growth: list[dict[str, int]], durations: list[int]) -> None:
    status, total, before = status_of(model), Counter[str](), Series()
    for turn, more in enumerate(growth):
        total.update(more)
        status = msgspec.structs.replace(
            status,
            updates=status.updates + sum(more.values()),
            reasons={name: count for name, count in total.items() if count},
            latencies=(histogram_of(durations[: 8 * turn]),),
        )
        after = series(prometheus_text(with_status(model, status)))
        for key, count in after.items():
            if key[0].endswith(("_total", "_bucket", "_count", "_sum")):
                assert count >= before.get(key, 0), key
        before = after


def test_of_names_that_are_cut_to_one_label_the_first_is_told(model: RunModel) -> None:
    status = status_of(model)
    endpoint, limit = status.endpoints[0], status.risk.limits[0]
    pair = tuple(msgspec.structs.replace(endpoint, name=long_name(n), is_open=True, wins=n) for n in (1, 0))
    limits = tuple(msgspec.structs.replace(limit, name=long_name(n), subject=long_name(2)) for n in (1, 0))
    risk = msgspec.structs.replace(status.risk, switches=(long_name(0), long_name(1)), limits=limits)
    told = with_status(model, msgspec.structs.replace(status, endpoints=pair, risk=risk))
    found, name = series(prometheus_text(told)), long_name(0)[: MAX_CHARS - 1] + "…"
    assert value(found, "phantom_endpoint_open", endpoint=name) == 1
    assert value(found, "phantom_endpoint_wins_total", endpoint=name) == 1
    assert value(found, "phantom_halt_switch", switch=name) == 1
    assert [count for (metric, _), count in found.items() if metric == "phantom_risk_limit"] == [
        float(limit.limit)
    ]


def step_edge(duration_ns: int) -> int:
    """Return the longest duration that the run's histogram counts together with this one."""
    shift = max(duration_ns.bit_length() - 7, 0)
    return ((duration_ns >> shift) + 1 << shift) - 1


def histogram_of(durations: list[int]) -> r.StageLatency:
    steps = Counter(map(step_edge, durations))
    longest = max(durations, default=None)
    return r.StageLatency(
        stage="search",
        count=len(durations),
        sum_ns=sum(durations),
        p50_ns=longest,
        p90_ns=longest,
        p99_ns=longest,
        max_ns=longest,
        buckets=tuple(sorted(steps.items())),
    )


@given(st.lists(st.integers(0, 2**40) | st.sampled_from(BOUNDS_NS).map(lambda bound: bound - 1)))
def test_bounds_count_exactly_what_was_below_them(durations: list[int]) -> None:
    latency = histogram_of(durations)
    below = cumulative(latency.buckets, latency.count)
    assert below[:-1] == [sum(each < bound for each in durations) for bound in BOUNDS_NS]
    assert below[-1] == len(durations)


def test_histogram_is_told_with_sum_and_count(model: RunModel) -> None:
    status = msgspec.structs.replace(status_of(model), latencies=(histogram_of([100, 200, 10**12]),))
    found = series(prometheus_text(with_status(model, status)))
    assert value(found, "phantom_stage_seconds_bucket", stage="search", le="1.28e-07") == 1
    assert value(found, "phantom_stage_seconds_bucket", stage="search", le="2.56e-07") == 2
    assert value(found, "phantom_stage_seconds_bucket", stage="search", le="+Inf") == 3
    assert value(found, "phantom_stage_seconds_count", stage="search") == 3
    assert value(found, "phantom_stage_seconds_sum", stage="search") == pytest.approx(1_000.0000003)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_has_nothing_to_say(model: RunModel) -> None:
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=prometheus_text(model), capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, b"")


def test_documented_table_is_current() -> None:
    text = (ROOT / "docs" / "METRICS.md").read_text(encoding="utf-8")
    assert metric_table() in text, "put what phantom_arbiter.metrics.table.metric_table() returns there"
