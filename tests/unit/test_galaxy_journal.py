"""Earlier runs and attempts over HTTP, a page at a time."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from dashboard_stage import Stage, stage
from journal_days import write_live_day
from phantom_arbiter.journal import attempts_page, latest_runs, read_journal
from phantom_arbiter.journal import connect as connect_module


def test_pages_of_a_journal_are_the_whole_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    for _ in range(3):
        write_live_day_again(path)
    report = read_journal(path)
    runs = latest_runs(path, limit=2)
    assert [run.id for run in runs] == sorted((run.id for run in report.runs), reverse=True)[:2]
    run_id = runs[0].id
    expected = [row for row in reversed(report.attempts) if row.run_id == run_id]
    found: list[Any] = []
    before = None
    while page := attempts_page(path, run_id, before=before, limit=2):
        assert len(page) <= 2
        found += page
        before = page[-1].id
    assert found == expected
    assert attempts_page(path, 99, before=None, limit=2) == []


def test_a_page_does_not_look_through_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.sqlite"
    write_live_day(path)
    asked: list[str] = []
    pragma = connect_module._pragma

    def noted(connection: Connection, statement: str) -> Any:
        asked.append(statement)
        return pragma(connection, statement)

    monkeypatch.setattr(connect_module, "_pragma", noted)
    (run,) = latest_runs(path, limit=2)
    assert attempts_page(path, run.id, before=None, limit=2)
    assert asked == ["application_id"] * 2
    read_journal(path)
    assert asked[2:] == ["application_id", "quick_check(1)"]


def test_the_journal_of_the_run_is_read(tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(tmp_path) as at:
            write_live_day(tmp_path / "journal.sqlite")
            (run,) = (await at.http.get("/api/runs")).json()
            assert (run["id"], run["mode"], run["account"]) == (1, "live", "main")
            rows = (await at.http.get("/api/runs/1/trades")).json()
            expected = read_journal(tmp_path / "journal.sqlite").attempts
            assert [row["attempt_id"] for row in rows] == [row.id for row in reversed(expected)]
            filled = next(row for row in rows if row["state"] == "filled")
            row = next(each for each in expected if each.id == filled["attempt_id"])
            assert filled["net_profit"] == str(row.realised_net_profit)
            assert filled["signature"] == "1" * 88
            assert all(isinstance(hop["amount_in"], str) for hop in filled["hops"])
            second = (await at.http.get(f"/api/runs/1/trades?before={rows[1]['attempt_id']}&limit=1")).json()
            assert second == [rows[2]]
            open_one = next(row for row in rows if row["state"] == "intent")
            assert open_one["net_profit"] is open_one["cost"] is open_one["gross_profit"] is None

    asyncio.run(test())


def test_a_journal_that_cannot_be_read_is_an_answer_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect_module, "BUSY_TIMEOUT_S", 0.01)
    path = tmp_path / "journal.sqlite"

    async def ask(at: Stage) -> str:
        answer = await at.http.get("/api/runs")
        assert answer.status_code == 503
        said: str = answer.json()["error"]
        return said

    async def test() -> None:
        async with stage(tmp_path) as at:
            assert "does not exist" in await ask(at)
            path.write_text("no journal at all, " * 100)
            assert "not an SQLite database" in await ask(at)
            path.unlink()
            write_live_day(path)
            locked = sqlite3.connect(path, isolation_level=None)
            locked.execute("PRAGMA locking_mode=EXCLUSIVE")
            locked.execute("BEGIN EXCLUSIVE")
            assert "locked by another process" in await ask(at)
            locked.close()
            assert (await at.http.get("/api/runs")).status_code == 200

    asyncio.run(test())


def test_without_a_run_the_configured_journal_is_read(tmp_path: Path) -> None:
    async def test() -> None:
        async with stage(tmp_path, starts=False) as at:
            answer = await at.http.get("/api/runs")
            assert (answer.status_code, "no journal" in answer.text) == (503, True)
        write_live_day(tmp_path / "mine.sqlite")
        async with stage(tmp_path, starts=False, journal=tmp_path / "mine.sqlite") as at:
            assert len((await at.http.get("/api/runs")).json()) == 1

    asyncio.run(test())


def write_live_day_again(path: Path) -> None:
    """Add a run whose signatures are its own."""
    if path.exists():
        with sqlite3.connect(path) as connection:
            connection.execute(
                "UPDATE attempts SET signature = signature || id || 'x' WHERE signature IS NOT NULL"
            )
        connection.close()
    write_live_day(path)
