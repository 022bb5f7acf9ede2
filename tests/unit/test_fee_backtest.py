"""The back-test of the fee engine: no look ahead, and what it says of the recorded slots."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.fee_backtest import WARM_UP, FeeSlot, MethodResult, backtest, read_history
from phantom_core import priority_fee_lamports

DATA = Path(__file__).parents[1] / "data/slot-fees-2024-10"
HEADER = "slot,compute_units_consumed,level_low,level_mid,level_high\n"


def flat(count: int, price: int) -> list[FeeSlot]:
    return [FeeSlot(slot, {"low": price, "mid": price, "high": price}, 0.5) for slot in range(1, count + 1)]


def of(results: list[MethodResult] | tuple[MethodResult, ...], method: str) -> MethodResult:
    return next(each for each in results if each.method == method)


def test_the_data_are_what_their_metadata_say() -> None:
    metadata = json.loads((DATA / "metadata.json").read_text())
    text = (DATA / "slot-fees.csv").read_bytes()
    assert hashlib.sha256(text).hexdigest() == metadata["files"]["slot-fees.csv"]["sha256"]
    slots = [each.slot for each in read_history(DATA / "slot-fees.csv")]
    assert (len(slots), [slots[0], slots[-1]]) == (148, metadata["slots"])


def test_a_constant_market_is_always_landed_in_at_its_price() -> None:
    run = backtest(flat(60, 10_000), "mid", percentiles=[50.0, 95.0], compute_unit_limit=200_000)
    for result in (*run.engine, of(list(run.baselines), "last slot")):
        assert (result.tried, result.landed, result.reached.value) == (40, 40, 1.0)
        assert result.cost_lamports is not None
        assert result.cost_lamports.value == priority_fee_lamports(10_000, 200_000) + 5_000


def test_no_method_looks_ahead() -> None:
    calm, jump = flat(WARM_UP + 1, 10), flat(WARM_UP + 1, 10)
    jump[-1] = FeeSlot(jump[-1].slot, {"low": 10**6, "mid": 10**6, "high": 10**6}, 1.0)
    # Of the one slot that is tried only the outcome may differ, never the price.
    before, after = backtest(calm, "mid"), backtest(jump, "mid")
    for one, other in zip(before.engine, after.engine, strict=True):
        assert (one.landed, other.landed) == (1, 0)
        assert other.cost_lamports is None
    assert of(list(after.baselines), "last slot").landed == 0
    assert of(list(after.baselines), "constant 50,000").landed == 0


@pytest.mark.parametrize("level", ["mid", "high"])
def test_on_recorded_slots_what_is_asked_lies_in_the_interval_of_what_is_reached(level: str) -> None:
    run = backtest(read_history(DATA / "slot-fees.csv"), level)  # type: ignore[arg-type]
    for result in (*run.engine, *run.learning):
        assert result.asked is not None
        assert result.tried == 128
        interval = result.reached
        assert interval.low - 0.02 <= result.asked / 100 <= interval.high + 0.02, result
    shares = [result.reached.value for result in run.engine]
    assert shares == sorted(shares)


def test_the_back_test_is_repeatable() -> None:
    history = read_history(DATA / "slot-fees.csv")
    assert backtest(history, "mid") == backtest(history, "mid")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "has 0 slots"),
        ("1,5,1,1,1\n1,5,1,1,1\n", "line 3: slot 1 comes after 1"),
        ("1,5,1,nan,1\n", "line 2: level_mid is 'nan'"),
        ("1,5,1,-1,1\n", "line 2: level_mid is '-1'"),
        ("1,5,1,18446744073709551616,1\n", "a whole number expected"),
        ("1,5,1\n", "line 2: there is no column level_mid"),
    ],
)
def test_a_bad_history_names_file_line_and_column(tmp_path: Path, rows: str, message: str) -> None:
    path = tmp_path / "slots.csv"
    path.write_text(HEADER + rows)
    with pytest.raises(ConfigError, match=message):
        read_history(path)
    with pytest.raises(ConfigError, match="absent"):
        read_history(tmp_path / "absent.csv")
