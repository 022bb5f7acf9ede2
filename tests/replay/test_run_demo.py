"""`phantom run` on the shipped day, as a user starts it."""

import json
from pathlib import Path
from typing import Any

import pytest

from phantom_arbiter.cli import main
from phantom_arbiter.journal import read_journal


def run(journal: Path, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["run", "--journal", str(journal), "--json", *words]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_day_replayed_twice_gives_byte_identical_journals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(tmp_path / "one.sqlite", capsys)
    run(tmp_path / "two.sqlite", capsys, "--speed", "1000000x", "--ui", "plain")
    assert (tmp_path / "one.sqlite").read_bytes() == (tmp_path / "two.sqlite").read_bytes()
    assert first["trades"]["filled"] > 0


def test_summary_and_journal_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = run(tmp_path / "j.sqlite", capsys)
    report = read_journal(tmp_path / "j.sqlite")
    assert len(report.attempts) == summary["trades"]["attempts"]
    assert {total.mint: total.net_profit for total in report.totals} == {
        profit["mint"]: profit["net_profit"] for profit in summary["profit"]
    }
    stages = {stage["stage"]: stage["evaluations"] for stage in summary["funnel"]}
    order = ["cycles", "after_fees", "after_sizing", "after_costs", "after_risk", "taken"]
    assert [stages[name] for name in order] == sorted((stages[name] for name in order), reverse=True)
    assert stages["taken"] == summary["trades"]["filled"]


def test_frames_add_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = run(tmp_path / "j.sqlite", capsys)
    frames = summary["frames"]
    assert frames["malformed"] == sum(frames["malformed_by_reason"].values()) > 0
    assert frames["total"] == summary["frame_to_decision"]["frames"]
    assert sum(endpoint["frames"] for endpoint in summary["endpoints"]) == frames["total"]


def test_halted_run_watches_and_sends_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = run(tmp_path / "j.sqlite", capsys, "--halted")
    assert summary["trades"]["attempts"] == 0
    assert summary["opportunities"]["refused_by_reason"]["risk_kill_switch"] > 0
    assert read_journal(tmp_path / "j.sqlite").attempts == ()
