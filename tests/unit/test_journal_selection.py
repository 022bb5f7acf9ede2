import csv
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from journal_days import SLOT, VENUES, write_live_day
from phantom_arbiter.errors import ConfigError, MissingExtraError
from phantom_arbiter.journal import (
    AttemptRow,
    GroupBy,
    JournalReport,
    Selection,
    grouped,
    read_journal,
    select_attempts,
)
from phantom_arbiter.journal_export import COLUMNS, export_journal
from shell_fakes import USDC, WSOL


@pytest.fixture
def report(tmp_path: Path) -> JournalReport:
    path = tmp_path / "journal.sqlite"
    write_live_day(path)
    return read_journal(path)


@pytest.mark.parametrize(
    ("selection", "ids"),
    [
        (Selection(), [1, 2, 3, 4, 5]),
        (Selection(since=SLOT + 200, until=SLOT + 400), [2, 3, 4]),
        (Selection(since=date(2026, 11, 23)), [1, 2]),
        (Selection(until=date(2026, 11, 22)), [3, 4]),
        (Selection(since=date(2026, 11, 22), until=date(2026, 11, 23)), [1, 2, 3, 4]),
        (Selection(since=date(2026, 11, 22), until=SLOT + 200), [1, 2]),
        (Selection(mint=USDC), [4]),
        (Selection(venue="raydium_clmm"), [1, 3, 5]),
        (Selection(venue="raydium"), []),
        (Selection(state="failed"), [2, 3]),
        (Selection(reason="landed_failed"), [2]),
        (Selection(reason="landed_failed:slippage"), [2]),
        (Selection(reason="landed"), []),
        (Selection(strategy="test", mode="live"), [1, 2, 3, 4, 5]),
        (Selection(strategy="other"), []),
        (Selection(mode="paper"), []),
    ],
)
def test_selection_takes_what_is_asked_for(
    report: JournalReport, selection: Selection, ids: list[int]
) -> None:
    chosen = select_attempts(report, selection)
    assert [row.id for row in chosen.attempts] == ids
    assert [run.id for run in chosen.runs] == ([1] if ids else [])
    assert sum(total.attempts for total in chosen.totals) == len(ids)


def sums(report: JournalReport, by: GroupBy) -> list[tuple[str, str, int, int, int]]:
    return [
        (each.name, each.total.mint, each.total.attempts, each.landed, each.total.net_profit)
        for each in grouped(report.attempts, by)
    ]


NET = 2_999_412 - 19_001


def test_sums_by_each_word(report: JournalReport) -> None:
    assert sums(report, GroupBy.MINT) == [(USDC, USDC, 1, 0, 0), (WSOL, WSOL, 4, 2, NET - 9_001)]
    assert sums(report, GroupBy.DAY) == [
        ("2026-11-22", USDC, 1, 0, 0),
        ("2026-11-22", WSOL, 1, 0, 0),
        ("2026-11-23", WSOL, 2, 2, NET - 9_001),
        ("slots 401,976,000 on", WSOL, 1, 0, 0),
    ]
    assert sums(report, GroupBy.REASON) == [
        ("filled", WSOL, 1, 1, NET),
        ("landed_failed:slippage", WSOL, 1, 1, -9_001),
        ("never_sent", WSOL, 1, 0, 0),
        ("nonce_advanced", WSOL, 1, 0, 0),
        ("none yet", USDC, 1, 0, 0),
    ]
    assert sums(report, GroupBy.STRATEGY) == [("test", USDC, 1, 0, 0), ("test", WSOL, 4, 2, NET - 9_001)]
    assert [(name, attempts) for name, mint, attempts, *_ in sums(report, GroupBy.VENUE) if mint == WSOL] == [
        (VENUES[0], 4),
        (VENUES[1], 3),
    ]


def test_group_knows_what_was_paid_on_the_chain(report: JournalReport) -> None:
    (group,) = [each for each in grouped(report.attempts, GroupBy.MINT) if each.name == WSOL]
    assert (group.fee_paid_lamports, group.tip_paid_lamports) == (18_002, 10_000)


def test_reason_that_holds_values_is_grouped_without_them(report: JournalReport) -> None:
    def failed(reason: str) -> AttemptRow:
        return replace(report.attempts[1], reason=reason)

    rows = [failed("below_minimum_out:12<13"), failed("below_minimum_out:5<6"), failed("swap_refused:empty")]
    assert [group.name for group in grouped(rows, GroupBy.REASON)] == [
        "below_minimum_out",
        "swap_refused:empty",
    ]


def test_csv_has_a_row_per_attempt_and_every_amount_in_full(report: JournalReport, tmp_path: Path) -> None:
    out = tmp_path / "day.csv"
    assert export_journal(report, out) == 5
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert (rows[0]["mode"], rows[0]["day"], rows[0]["venues"]) == ("live", "2026-11-23", " ".join(VENUES))
    assert (rows[0]["base_change"], rows[0]["landed_slot"]) == ("2999412", str(SLOT + 5))
    assert (rows[4]["signature"], rows[4]["landed_slot"]) == ("", "")
    assert "wire" not in rows[0]
    assert list(tmp_path.glob(".day*")) == []


def test_parquet_holds_the_same(report: JournalReport, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    export_journal(report, tmp_path / "day.csv")
    export_journal(report, tmp_path / "day.parquet")
    table = parquet.read_table(tmp_path / "day.parquet").to_pylist()
    with (tmp_path / "day.csv").open(newline="") as file:
        same = list(csv.DictReader(file))
    assert [
        {name: "" if value is None else str(value) for name, value in row.items()} for row in table
    ] == same
    assert isinstance(table[0]["realised_net_profit"], int)


def test_empty_selection_is_a_table_without_rows(report: JournalReport, tmp_path: Path) -> None:
    nothing = select_attempts(report, Selection(mode="paper"))
    for name in ("none.csv", "none.parquet"):
        assert export_journal(nothing, tmp_path / name) == 0


def test_export_that_cannot_be_written_is_refused(report: JournalReport, tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("mine")
    for name, said in (
        ("day.xlsx", r"may end in .csv or .parquet"),
        ("there.csv", "already exists"),
        ("gone/day.csv", "does not exist"),
    ):
        with pytest.raises(ConfigError, match=said):
            export_journal(report, tmp_path / name)
    assert (tmp_path / "there.csv").read_text() == "mine"


def test_parquet_without_pyarrow_says_how_to_get_it(
    report: JournalReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"phantom-arbiter\[parquet\]"):
        export_journal(report, tmp_path / "day.parquet")
    assert list(tmp_path.glob("*.parquet")) == []
