"""`phantom run` on the shipped day, as a user starts it."""

import json
from pathlib import Path
from typing import Any

import pytest

from journal_bytes import decided
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
    assert decided(tmp_path / "one.sqlite") == decided(tmp_path / "two.sqlite")
    assert first["trades"]["filled"] > 0


def test_summary_and_journal_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = run(tmp_path / "j.sqlite", capsys)
    report = read_journal(tmp_path / "j.sqlite")
    assert len(report.attempts) == summary["trades"]["attempts"]
    assert {total.mint: total.net_profit for total in report.totals} == {
        profit["mint"]: profit["net_profit"] for profit in summary["profit"]
    }
    stages = {stage["stage"]: stage["evaluations"] for stage in summary["funnel"]}
    order = ["cycles", "after_fees", "after_sizing", "after_costs", "after_risk"]
    order += ["after_rehearsal", "sent", "taken"]
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


USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
WSOL = "So11111111111111111111111111111111111111112"
ORCA = "orcaEKTdK7LKz57vaAYr9QeNsVEPfiu6QeMU1kektZE"
ORCA_USDC = "FSBDeuLQ19Hse2jzhHfDwTvEoeRWD7UKK4BM1zgbV7pY"


def test_gains_that_no_other_pool_confirms_are_refused_unless_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "outside.toml").write_text('[risk]\nprice_reference = "outside"\n')
    careful = run(tmp_path / "a.sqlite", capsys)
    careless = run(tmp_path / "b.sqlite", capsys, "--config", str(tmp_path / "outside.toml"))
    assert "risk_price_deviation" not in careless["opportunities"]["refused_by_reason"]
    assert careful["opportunities"]["refused_by_reason"]["risk_price_deviation"] > 0
    assert careful["trades"]["filled"] > 0
    # Hops are at most 10 % from each other's pool, fees put back: no cycle of two gains much more.
    for row in read_journal(tmp_path / "a.sqlite").attempts:
        assert row.amount_out is not None
        assert row.amount_out <= row.amount_in * 1.12
    assert max(row.amount_out / row.amount_in for row in read_journal(tmp_path / "b.sqlite").attempts) > 1_000


@pytest.mark.parametrize(
    ("allow", "deny", "reason"),
    [
        ([USDC, WSOL, ORCA], [], None),
        ([USDC, WSOL], [], "token_atomic_only"),
        ([USDC, WSOL], [ORCA], "token_denied"),
    ],
    ids=["allowed", "unknown", "denied"],
)
def test_mint_that_only_cycles_may_pass_through_is_not_bought_by_a_single_swap(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    allow: list[str],
    deny: list[str],
    reason: str | None,
) -> None:
    (tmp_path / "c.toml").write_text(
        f"[tokens]\nallow = {json.dumps(allow)}\ndeny = {json.dumps(deny)}\n"
        '[strategy]\nuse = "mean_reversion"\nbudget_us = 1000000\n'
        f'[strategy.settings]\npool = "{ORCA_USDC}"\nbase_mint = "{USDC}"\namount_in = 5000000\n'
    )
    summary = run(tmp_path / "j.sqlite", capsys, "--config", str(tmp_path / "c.toml"))
    refused = summary["opportunities"]["refused_by_reason"]
    tokens = {name: count for name, count in refused.items() if name.startswith("token_")}
    assert (summary["trades"]["attempts"] > 0) is (reason is None)
    if reason is None:
        assert "token_atomic_only" not in tokens
        assert {row.kind for row in read_journal(tmp_path / "j.sqlite").attempts} == {"swap"}
    else:
        assert tokens[reason] > 0


def test_cycles_pass_through_mints_that_are_not_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in ([], ["--strategy", "spatial_arbitrage"]):
        journal = tmp_path / f"{len(words)}.sqlite"
        run(journal, capsys, *words)
        mints = {hop.mint_out for row in read_journal(journal).attempts for hop in row.hops}
        assert ORCA in mints
