"""`SignalScorer` with context, `LandingModel` and `TickRule` as Python users meet them."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phantom_arbiter.domain import Outcome, OutcomeState
from phantom_arbiter.journal import Journal, RunIdentity, landing_from_journal
from phantom_arbiter.risk import booked
from phantom_core import InvalidInput, LandingModel, Prospect, SignalScorer, Tick, TickRule
from shell_fakes import POOL_A, POOL_B, POOL_C, opportunity, plan, promised

TYPES: dict[str, Any] = {
    "amount_in": np.uint64,
    "gross_profit": np.uint64,
    "cost": np.uint64,
    "min_net_profit": np.uint64,
    "age_slots": np.uint64,
    "gross_profit_lamports": np.uint64,
    "tip_lamports": np.uint64,
    "fee_lamports": np.uint64,
    "failure_lamports": np.uint64,
    "depth_bps": np.uint32,
    "volatility_bps": np.uint32,
    "competition_e4": np.uint16,
    "agreement_e4": np.uint16,
    "landing_e4": np.uint16,
    "token_flags": np.uint8,
}
THRESHOLDS: dict[str, Any] = {
    "max_depth_bps": 5_000,
    "max_volatility_bps": 300,
    "max_competition_e4": 8_000,
    "min_agreement_e4": 2_000,
    "refused_flags": 1,
    "min_landing_e4": 1_000,
    "min_expected_value_lamports": 0,
}


def rows(count: int) -> list[dict[str, int]]:
    rng = random.Random(7)
    shares = ("competition_e4", "agreement_e4", "landing_e4")
    small = {"age_slots": 12, "token_flags": 8, "volatility_bps": 400, "depth_bps": 6_000}
    small |= {"cost": 5_000, "min_net_profit": 5_000, "tip_lamports": 100, "fee_lamports": 100}
    small |= {"failure_lamports": 100}
    small |= dict.fromkeys(shares, 10_001)
    return [{name: 1 + rng.randrange(small.get(name, 90_000) - 1) for name in TYPES} for _ in range(count)]


def test_worked_example_of_expected_value() -> None:
    scorer = SignalScorer(min_expected_value_lamports=27_001)
    prospect = Prospect(
        1_000_000,
        100_000,
        35_000,
        tip_lamports=10_000,
        fee_lamports=25_000,
        failure_lamports=5_000,
        landing_e4=6_000,
    )
    found = scorer.assess(prospect)
    # 90,000 x 0.6 - 25,000 - 5,000 x 0.4
    assert found.expected_value_lamports == 27_000
    assert (found.is_go, found.reasons) == (False, ["below_min_expected_value"])
    assert found.score == pytest.approx(650.0)
    assert dict(scorer.reasons)["below_min_expected_value"] == 1


@pytest.mark.parametrize("form", ["mapping", "structured", "packed", "strided"])
def test_columns_equal_rows(form: str) -> None:
    given = rows(700)
    columns: Any = {name: np.array([row[name] for row in given], dtype=TYPES[name]) for name in TYPES}
    if form in ("structured", "packed"):
        # One byte first: packed, every wider field is misaligned.
        fields = sorted(TYPES.items(), key=lambda field: np.dtype(field[1]).itemsize)
        table = np.zeros(len(given), dtype=np.dtype(fields, align=form == "structured"))
        for name, column in columns.items():
            table[name] = column
        columns = table
    elif form == "strided":
        columns = {name: np.repeat(column, 2)[::2] for name, column in columns.items()}
    alone, together = SignalScorer(**THRESHOLDS), SignalScorer(**THRESHOLDS)
    bits, scores, values = together.assess_batch(columns)
    expected = [alone.assess(Prospect(**row)) for row in given]
    assert bits.tolist() == [one.reason_bits for one in expected]
    assert scores.tolist() == [one.score for one in expected]
    assert values.tolist() == [one.expected_value_lamports for one in expected]
    assert (together.go, together.reasons) == (alone.go, alone.reasons)
    assert 0 < together.go < len(given)


def test_columns_left_out_are_neutral_and_a_number_stands_for_all_rows() -> None:
    scorer = SignalScorer()
    amounts = np.array([1_000_000, 2_000_000], dtype=np.uint64)
    bits, _, values = scorer.assess_batch({"amount_in": amounts, "gross_profit": 50_000, "cost": 20_000})
    assert bits.tolist() == [0, 0]
    assert values.tolist() == [30_000, 30_000]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"amount_in": np.zeros(2, np.uint64)}, "amount_in is 0 in row 0"),
        ({"cost": np.ones(3, np.uint64)}, "column cost has 3 rows"),
        ({"cost": np.ones(2)}, "cost must be a one-dimensional array of uint64"),
        ({"cost": -1}, "cost is -1"),
        ({"landing_e4": 10_001}, "landing_e4 is 10001"),
        ({"tip_lamports": 5}, "fee_lamports is missing"),
        ({"profit": 5}, "there is no column"),
    ],
)
def test_wrong_columns_are_refused_and_nothing_is_counted(change: dict[str, Any], message: str) -> None:
    scorer = SignalScorer()
    ones = np.ones(2, dtype=np.uint64)
    with pytest.raises(InvalidInput, match=message):
        scorer.assess_batch({"amount_in": ones, "gross_profit": ones, "cost": ones} | change)
    assert scorer.go == 0
    assert not any(count for _, count in scorer.reasons)


def test_wrong_prospects_and_thresholds_are_refused() -> None:
    with pytest.raises(InvalidInput, match="amount_in"):
        Prospect(0, 1, 1)
    with pytest.raises(InvalidInput, match="landing_e4 is 10001"):
        Prospect(1, 1, 1, landing_e4=10_001)
    with pytest.raises(InvalidInput, match="refused_flags is 8"):
        SignalScorer(refused_flags=8)


def test_landing_model_learns_per_kind_of_attempt() -> None:
    model = LandingModel()
    assert model.estimate_e4(["orca_whirlpool"], 2, 0) == 5_000
    for _ in range(100):
        model.observe(["orca_whirlpool"], 2, 0, True)
        model.observe(["orca_whirlpool", "raydium_clmm"], 3, 0, False)
    assert model.estimate_e4(["orca_whirlpool"], 2, 0) > 9_000
    assert model.estimate_e4(["raydium_clmm", "orca_whirlpool"], 3, 0) < 1_000
    assert 4_000 < model.estimate_e4(["meteora_dlmm"], 2, 0) < 6_000
    assert model.observed == 200
    with pytest.raises(InvalidInput, match="no venue"):
        model.observe(["no such venue"], 2, 0, True)
    with pytest.raises(InvalidInput, match="memory"):
        LandingModel(memory=0)


def test_tick_columns_equal_single_ticks() -> None:
    rng = np.random.default_rng(5)
    most = [60, 50, 10, 5e6, 0.02, 1e7, 500, 800, 100, 1]
    columns = [rng.uniform(0.0, bound, 1_000) for bound in most]
    columns[0][3] = np.nan
    rule = TickRule()
    scores = rule.score_batch(columns)
    assert scores.tolist() == [rule.score(Tick(*row)) for row in zip(*columns, strict=True)]
    assert scores[3] == -1.0
    assert (scores > 0).any()


def test_landing_from_journal_is_what_observing_its_attempts_gives(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    pools = [(POOL_A, POOL_B), (POOL_A, POOL_B), (POOL_A, POOL_B, POOL_C), (POOL_A, POOL_B)]
    with Journal(path) as journal:
        journal.begin_run(RunIdentity("paper", "day", "cd" * 32, "0.1.0"))
        for number, route in enumerate(pools, start=1):
            planned = plan(opportunity(number, 100 + number, pools=route, gross_profit=900, cost=100))
            attempt = journal.intent(planned)
            if number == 2:
                journal.outcome(attempt, Outcome(OutcomeState.FAILED, "late", None, 5))
            elif number < 4:  # the last one's end is not known
                landed = Outcome(OutcomeState.FILLED, None, promised(planned), planned.opportunity.cost)
                journal.outcome(attempt, landed)
    venues = {POOL_A: "orca_whirlpool", POOL_B: "raydium_clmm", POOL_C: "orca_whirlpool"}
    learned, expected = landing_from_journal(path, venues), LandingModel()
    both = ["orca_whirlpool", "raydium_clmm"]
    for hops, landed_here in ((2, True), (2, False), (3, True)):
        expected.observe(both, hops, 0, landed_here)
    assert learned.observed == 3
    for hops in (2, 3, 4):
        assert learned.estimate_e4(both, hops, 0) == expected.estimate_e4(both, hops, 0)


def test_landing_from_journal_takes_age_venues_mode_and_account_and_the_order_of_outcomes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "journal.sqlite"
    expected = LandingModel()
    with Journal(path) as journal:
        for mode, account in (("paper", None), ("paper", "mine"), ("live", "mine")):
            journal.begin_run(RunIdentity(mode, "day", "cd" * 32, "0.1.0", account))
            opened = []
            for number, age in enumerate((0, 5), start=1):
                planned = plan(replace(opportunity(number), age_slots=age))
                entry = booked(planned, ("raydium_clmm", "a_venue_of_yesterday"), 100)
                opened.append((journal.intent(planned, entry), planned))
            for attempt, planned in reversed(opened):  # the later one is known first
                failed = attempt % 2 == 0
                outcome = Outcome(OutcomeState.FILLED, None, promised(planned), planned.cost)
                journal.outcome(attempt, Outcome(OutcomeState.FAILED, "late", None, 5) if failed else outcome)
    for age, landed_here in ((5, False), (0, True)):
        expected.observe(["raydium_clmm"], 2, age, landed_here)
    learned = landing_from_journal(path, mode="paper", account="mine")
    assert learned.observed == 2
    for age in (0, 5, 100):
        assert learned.estimate_e4(["raydium_clmm"], 2, age) == expected.estimate_e4(["raydium_clmm"], 2, age)
    assert landing_from_journal(path, mode="paper").observed == 4
    # The live run's failure names no slot and nobody who took it: it was in no race.
    assert landing_from_journal(path).observed == 5
