"""Curves, drawings, words and the kept summary: what a report is made of."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.journal import AttemptRow, LiveRow
from phantom_arbiter.report import words
from phantom_arbiter.report.curves import Point, ProfitCurve, profit_curves, thin
from phantom_arbiter.report.gather import LISTED_TRADES, _extremes_of
from phantom_arbiter.report.shapes import Ended, read_ended
from phantom_arbiter.report.svg import NARROW, WIDE, Labels, bar, nice_ticks, profit_chart, time_ticks
from phantom_arbiter.summary import to_json, to_record
from shell_fakes import USDC, WSOL
from shell_summaries import busy

ROOT = Path(__file__).parents[2]
UNIX = 1_795_391_990


def attempt(
    number: int, slot: int, gain: int | None, mint: str = USDC, time: int | None = None
) -> AttemptRow:
    live = None
    if time is not None:
        live = LiveRow("s", "b", 1, None, "w", "b", 0, 0, 0, time, None, 1, None, *[None] * 7)
    return AttemptRow(
        id=number,
        run_id=1,
        state="intent" if gain is None else "filled",
        kind="cycle",
        slot=slot,
        opening_id=number,
        strategy="s",
        base_mint=mint,
        hops=(),
        amount_in=1,
        amount_out=1,
        cost=0,
        net_profit=0,
        reason=None,
        charged_cost=0,
        realised_net_profit=gain,
        live=live,
    )


# ---- curves


@given(st.lists(st.integers(-(2**70), 2**70), min_size=1, max_size=40))
def test_curve_and_drawdown_are_those_of_a_plain_search(gains: list[int]) -> None:
    (curve,) = profit_curves([attempt(at, 100 + at, gain) for at, gain in enumerate(gains)])
    sums = [sum(gains[: end + 1]) for end in range(len(gains))]
    assert [point.profit for point in curve.points] == sums
    assert curve.final == sum(gains)
    # Every height against every later depth; nothing was gained before the first.
    falls = [
        (high - low, from_, to)
        for from_, high in [(0, 0), *enumerate(sums)]
        for to, low in enumerate(sums)
        if to >= from_
    ]
    deepest = max(amount for amount, _, _ in falls)
    if deepest <= 0:
        assert curve.drawdown is None
    else:
        assert curve.drawdown is not None
        assert curve.drawdown.amount == deepest
        assert (deepest, curve.drawdown.peak_at - 100, curve.drawdown.trough_at - 100) in falls


@given(
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(-1000, 1000)), min_size=1, max_size=600),
    st.integers(1, 20),
)
def test_thinning_keeps_ends_extremes_and_peaks(moves: list[tuple[int, int]], columns: int) -> None:
    points = [Point(at, profit, 0) for at, profit in sorted(moves)]
    kept = thin(points, columns)
    assert len(kept) <= max(4 * columns, 4)
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    heights = [point.profit for point in points]
    assert {min(heights), max(heights)} <= {point.profit for point in kept}
    left = iter(points)
    assert all(point in left for point in kept), "in order, and none made up"


def test_each_base_mint_has_a_curve_and_what_is_not_known_has_none() -> None:
    rows = [attempt(1, 5, 10), attempt(2, 3, -4), attempt(3, 9, None), attempt(4, 7, 1, WSOL)]
    curves = profit_curves(rows)
    assert [(curve.mint, curve.by_time, curve.outcomes) for curve in curves] == [
        (USDC, False, 2),
        (WSOL, False, 1),
    ]
    assert [(point.at, point.profit, point.peak) for point in curves[0].points] == [(3, -4, 0), (5, 6, 6)]
    assert profit_curves([attempt(3, 9, None)]) == ()


def test_live_curve_is_over_time_unless_a_gain_has_none() -> None:
    rows = [attempt(1, 5, 10, time=UNIX), attempt(2, 6, 0), attempt(3, 7, 5, time=UNIX - 1)]
    (curve,) = profit_curves(rows)
    assert (curve.by_time, [point.at for point in curve.points]) == (True, [UNIX - 1, UNIX])
    (curve,) = profit_curves([*rows, attempt(4, 8, 1)])
    assert (curve.by_time, curve.outcomes) == (False, 4)


# ---- drawings


@given(st.integers(-(2**64), 2**64), st.integers(0, 2**65), st.integers(2, 8))
def test_ticks_are_round_inside_and_few(low: int, span: int, most: int) -> None:
    ticks = nice_ticks(low, low + span, most)
    assert len(ticks) <= most
    assert all(low <= tick <= low + span for tick in ticks)
    steps = {later - earlier for earlier, later in pairwise(ticks)}
    assert len(steps) <= 1
    for step in steps:
        assert str(step).rstrip("0") in ("1", "2", "5")
        assert ticks[0] % step == 0


def test_ticks_of_a_known_range() -> None:
    assert nice_ticks(0, 1_081_638) == [0, 200_000, 400_000, 600_000, 800_000, 1_000_000]
    assert nice_ticks(-3, 3) == [-2, 0, 2]
    assert nice_ticks(7, 7) == [7]


@given(st.integers(0, 2**33), st.integers(0, 2**33), st.integers(2, 8))
def test_times_are_round_inside_and_few(low: int, span: int, most: int) -> None:
    ticks = time_ticks(low, low + span, most)
    assert len(ticks) <= most + 1
    assert all(low <= tick <= low + span for tick in ticks)
    for earlier, later in pairwise(ticks):
        step = later - earlier
        assert 86_400 % step == 0 or step % 86_400 == 0


def labels(title: str = "profit") -> Labels:
    return Labels(title, "it rose", str, lambda amounts: [str(amount) for amount in amounts], 1)


@given(st.lists(st.integers(-(2**65), 2**65), min_size=1, max_size=30), st.booleans())
def test_drawing_is_sound_and_stays_inside(gains: list[int], by_time: bool) -> None:
    rows = [attempt(at, 1_000 + 7 * at, gain) for at, gain in enumerate(gains)]
    (curve,) = profit_curves(rows)
    for size in (WIDE, NARROW):
        text = str(profit_chart(replace(curve, by_time=by_time), labels(), size))
        tree = ElementTree.fromstring(text)
        assert [child.tag for child in tree][:2] == ["title", "desc"]
        assert tree.attrib["aria-labelledby"].split() == [tree[0].attrib["id"], tree[1].attrib["id"]]
        for path in tree.iter("path"):
            for x in re.findall(r"H(-?[\d.]+)", path.attrib["d"]):
                assert 0 <= float(x) <= size.width
            for y in re.findall(r"V(-?[\d.]+)", path.attrib["d"]):
                assert 0 <= float(y) <= size.height


@pytest.mark.parametrize("length", [1, 9, 16, 40])
def test_labels_below_do_not_touch(length: int) -> None:
    points = tuple(Point(at, at, at) for at in range(0, 1_000, 50))
    words_at = replace(labels(), at=lambda _: "8" * length)
    for size in (WIDE, NARROW):
        tree = ElementTree.fromstring(
            str(profit_chart(ProfitCurve(USDC, False, points, 20, None), words_at, size))
        )
        below = [text for text in tree.iter("text") if text.attrib["class"] == "middle"]
        middles = [float(text.attrib["x"]) for text in below]
        assert middles
        assert all(later - earlier >= 7 * length for earlier, later in pairwise(middles))


def test_curve_ends_as_high_as_it_says() -> None:
    curve = ProfitCurve(USDC, False, (Point(0, 50, 50), Point(100, 100, 100)), 2, None)
    tree = ElementTree.fromstring(str(profit_chart(curve, labels())))
    circle = next(tree.iter("circle"))
    assert float(circle.attrib["cy"]) == 10, "the top of the drawing"
    assert ElementTree.fromstring(str(profit_chart(curve, labels("<script>")))).find("script") is None


@pytest.mark.parametrize(
    ("value", "most", "log", "width"),
    [
        (50, 100, False, "50"),
        (-50, 100, False, "50"),
        (0, 100, False, "0"),
        (1, 10**9, False, "0.4"),
        (9, 99, True, "50"),
        (5, 0, False, "0"),
        (7, 3, False, "100"),
    ],
)
def test_bar_is_the_share(value: int, most: int, log: bool, width: str) -> None:
    drawn = str(bar(value, most, log=log))
    assert f'width="{width}"' in drawn
    assert ("loss" in drawn) is (value < 0)


# ---- words


def test_every_reason_of_the_scorer_has_a_sentence() -> None:
    source = (ROOT / "src_rust/src/scorer/reason.rs").read_text()
    assert set(words.NOT_SIGNALLED) == {"pool_fees", *re.findall(r'=> "([a-z_]+)"', source)}


def test_every_reason_of_strategy_and_risk_has_a_sentence() -> None:
    source = ROOT / "src/phantom_arbiter"
    risk = "".join(path.read_text() for path in (source / "risk").glob("*.py"))
    named = {f"risk_{name}" for name in re.findall(r'reason="([a-z_]+)"', risk)}
    # Limits that are looked at in a loop stand in tables.
    table = (ROOT / "docs/RISK.md").read_text().split("## Why a plan is refused")[1].split("\n\n")[1]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    named |= {f"risk_{name}" for cell in cells for name in re.findall(r"`([a-z_]+)`", cell)}
    runner = (source / "strategy_runner.py").read_text()
    named |= set(re.findall(r'^[A-Z_]+ = "([a-z_]+)"', runner, flags=re.MULTILINE))
    engine = (source / "engine.py").read_text()
    named |= set(re.findall(r'passed_over\("([a-z_]+)"\)', engine))
    view = (source / "market_view.py").read_text()
    named |= set(re.findall(r'return "([a-z_]+)"', view))
    assert len(named) > 40
    assert named - set(words.NOT_TAKEN) == set()


def test_what_failed_on_the_chain_is_explained_by_the_dictionary() -> None:
    told = words.failed("landed_failed:amount_out_below_minimum")
    assert told.startswith("It landed and failed: only its fees were paid. The price moved")
    assert words.failed("expired") == "It did not land before its blockhash expired."
    assert words.failed("landed_failed:<script>") == "It landed and failed: only its fees were paid."
    assert words.failed("never heard of") == ""


@given(st.lists(st.tuples(st.sampled_from(["filled", "failed"]), st.integers(-3, 3)), max_size=20))
def test_best_gained_something_and_worst_lose_nothing_to_them(outcomes: list[tuple[str, int]]) -> None:
    rows = [
        replace(attempt(number, 1, gain), state=state) for number, (state, gain) in enumerate(outcomes, 1)
    ]
    each = _extremes_of(USDC, rows)
    gains = sorted(row.realised_net_profit or 0 for row in rows if row.state == "filled")
    assert [row.realised_net_profit for row in each.best] == [gain for gain in reversed(gains) if gain > 0][
        :LISTED_TRADES
    ]
    lost = sorted(gain for _, gain in outcomes if gain < 0)[:LISTED_TRADES]
    assert [row.realised_net_profit for row in each.worst][: len(lost)] == lost
    assert not {row.id for row in each.best} & {row.id for row in each.worst}


# ---- the kept summary


def test_every_key_that_a_report_reads_is_one_that_a_summary_has() -> None:
    written = json.loads(to_record(busy()))
    read = read_ended(to_record(busy()))
    assert isinstance(read, Ended)
    assert read.mints[USDC] == {"symbol": "USDC", "decimals": 6}

    def agree(told: Any, kept: Any, path: str) -> None:
        for name in told.__struct_fields__:
            if path == "" and name == "latencies":
                continue
            assert name in kept, f"{path}.{name}"
            found, value = getattr(told, name), kept[name]
            if hasattr(found, "__struct_fields__"):
                agree(found, value, f"{path}.{name}")
            elif isinstance(found, tuple) and found and hasattr(found[0], "__struct_fields__"):
                for one, other in zip(found, value, strict=True):
                    agree(one, other, f"{path}.{name}[]")
            elif not isinstance(found, tuple):
                assert found == value, f"{path}.{name}"

    agree(read, written, "")


def test_names_that_are_not_utf_8_are_kept_with_escapes() -> None:
    summary = busy()
    source = replace(summary.source, label="s\udcff")
    read = read_ended(to_record(replace(summary, source=source, failures={"r\udcff": 1})))
    assert isinstance(read, Ended)
    assert (read.source.label, read.trades.failed_by_reason) == ("s\\udcff", {"r\\udcff": 1})


def test_stage_latencies_are_read_where_they_are_kept() -> None:
    kept = to_json(busy()) | {
        "latencies": [{"stage": "search", "count": 3, "p50_ns": 5, "buckets": [[5, 3]]}]
    }
    read = read_ended(json.dumps(kept))
    assert isinstance(read, Ended)
    assert [(stage.stage, stage.p50_ns, stage.p99_ns) for stage in read.latencies] == [("search", 5, None)]


@given(st.text().filter(lambda text: "{" not in text) | st.lists(st.integers()).map(json.dumps))
def test_summary_that_is_none_is_said_to_be_so(text: str) -> None:
    assert isinstance(read_ended(text), str)


def test_summary_of_another_version_gives_what_it_has() -> None:
    assert read_ended("{}") == Ended()
    assert read_ended('{"unknown": [1], "state_digest": "ab"}') == Ended(state_digest="ab")
    assert isinstance(read_ended('{"funnel": 7}'), str)
    assert isinstance(read_ended("[" * 100_000), str)
