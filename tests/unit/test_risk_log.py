"""What the journal keeps of risk, and what it leads to after a restart."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from landing_fakes import submission
from phantom_arbiter.config import Config, risk_rules
from phantom_arbiter.domain import Fill, Hop, Outcome, OutcomeState, Verdict
from phantom_arbiter.execution.live import not_sent
from phantom_arbiter.journal import ChangeRow, Journal, RiskChange, RunIdentity, read_journal
from phantom_arbiter.journal.risk_log import BATCH, KEPT_REFUSALS
from phantom_arbiter.journal.schema import APPLICATION_ID
from phantom_arbiter.risk import RiskState, assess, recall, settle
from phantom_arbiter.swaps import AnyPlan, SwapOrder, SwapPlan
from shell_fakes import POOL_A, USDC, WSOL, opportunity, plan, promised

PAPER = RunIdentity("paper", "day", "cd" * 32, "0.1.0", account="main")
LIVE = replace(PAPER, mode="live")
RULES = risk_rules(Config().risk)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def test_verdicts_are_counted_with_the_first_and_the_last(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(PAPER)
        for number in range(1, 8):
            planned = plan(opportunity(number, 100 + number))
            journal.verdict(planned, Verdict(False, "per_day", 2**70, 2**70 + number))
        journal.verdict(plan(opportunity(9, 200)), Verdict(ok=True))
    per_day, go = read_journal(path).verdicts
    assert (per_day.reason, per_day.count, per_day.first_slot, per_day.last_slot) == ("per_day", 7, 101, 107)
    assert (per_day.first_value, per_day.last_value) == (2**70 + 1, 2**70 + 7)
    assert (go.reason, go.count, go.last_limit) == ("go", 1, None)


def test_refusals_are_kept_up_to_a_cap_and_counted_beyond(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(PAPER)
        for number in range(KEPT_REFUSALS + 50):
            journal.verdict(plan(opportunity(number)), Verdict(False, "exposure", 5, 6 + number))
    report = read_journal(path)
    assert len(report.refusals) == KEPT_REFUSALS
    assert report.verdicts[0].count == KEPT_REFUSALS + 50
    last = report.refusals[-1]
    assert (last.key, last.reason, last.limit, last.value) == (
        f"opening {KEPT_REFUSALS - 1}",
        "exposure",
        5,
        5 + KEPT_REFUSALS,
    )


def test_killed_run_leaves_counts_that_are_at_most_half_too_low(path: Path) -> None:
    journal = Journal(path)
    journal.begin_run(PAPER)
    for number in range(100):
        journal.verdict(plan(opportunity(number)), Verdict(False, "exposure", 5, 6))
    journal._connection.close()
    journal._lock.release()
    report = read_journal(path)
    assert report.verdicts[0].count == 64
    assert len(report.refusals) == 100 - 100 % BATCH


def test_changes_are_committed_at_once(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(PAPER)
        journal.changed(RiskChange(7, "rules", "risk.halted", "false", "true"))
        (row,) = read_journal(path).changes
    assert row == ChangeRow(1, 1, 7, "rules", "risk.halted", "false", "true")


def outcome(planned: AnyPlan, *, fails: bool = False) -> Outcome:
    if isinstance(planned, SwapPlan):
        fill = Fill(planned.hops, planned.amount_in, planned.quoted_amount_out)
        return Outcome(OutcomeState.FILLED, None, fill, planned.cost, realised=planned.gross_profit)
    if fails:
        return Outcome(OutcomeState.FAILED, "late", None, planned.cost)
    return Outcome(OutcomeState.FILLED, None, promised(planned), planned.cost)


def traded(journal: Journal, state: RiskState, planned: AnyPlan, *, fails: bool = False) -> RiskState:
    verdict, state = assess(RULES, state, planned)
    assert verdict.ok, verdict
    attempt = journal.intent(planned, state.limits.at_risk[planned.key])
    ended = outcome(planned, fails=fails)
    journal.outcome(attempt, ended, state.slot + 1)
    return settle(RULES, state, planned, ended, state.slot + 1)


def test_state_survives_a_restart(path: Path) -> None:
    buy = SwapPlan(
        1, 120, SwapOrder("mr", POOL_A, USDC, WSOL, 10_000, 1, USDC), 70_000, 0, 10, 5_000, 4_000, 10_000
    )
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        state = traded(journal, RiskState(), plan(opportunity(1, 100)))
        state = traded(journal, state, plan(opportunity(2, 110)), fails=True)
        state = traded(journal, state, buy)
        open_one = plan(opportunity(3, 130))
        _, state = assess(RULES, state, open_one)
        journal.intent(open_one, state.limits.at_risk[open_one.key])
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        again = recall(RULES, *journal.recalled("main", "live"))
        assert recall(RULES, *journal.recalled("other", "live")) == RiskState()
    assert again.slot == state.slot
    assert again.breakers == state.breakers
    assert again.positions == state.positions
    assert list(again.limits.at_risk) == ["attempt 4"]
    assert again.limits.exposure(USDC) == open_one.amount_in == state.limits.exposure(USDC)
    assert again.limits.amounts == state.limits.amounts
    assert again.limits.fee_lamports == state.limits.fee_lamports


def test_attempt_that_a_paper_run_left_open_is_dead_and_still_counts_towards_its_day(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(PAPER)
        journal.intent(plan(opportunity(1, 100)))
    with Journal(path) as journal:
        _, reconciled = journal.begin_run(PAPER)
        again = recall(RULES, *journal.recalled("main", "paper"))
    assert [entry.attempt_id for entry in reconciled] == [1]
    assert not again.limits.at_risk
    assert again.limits.amount_in_today(USDC) == 1_000_000_000


def test_attempt_that_a_live_run_left_open_stays_open(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        attempt = journal.intent(plan(opportunity(1, 100)))
    with Journal(path) as journal:
        assert journal.begin_run(LIVE)[1] == []
        assert read_journal(path).attempts[0].state == "intent"
        journal.outcome(attempt, outcome(plan(opportunity(1, 100))), 140)
    assert read_journal(path).attempts[0].state == "filled"


def test_what_was_never_signed_uses_up_no_day_after_a_restart(path: Path) -> None:
    expired = Outcome(OutcomeState.FAILED, "expired", None, 0, is_dead=True, sends=1)
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        for number in range(20):
            journal.outcome(journal.intent(plan(opportunity(number, 100))), not_sent("dry_run"), 100)
        sent = journal.intent(plan(opportunity(20, 100, base_mint=WSOL)), submission=submission())
        journal.outcome(sent, expired, 400)
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        again = recall(RULES, *journal.recalled("main", "live"))
    assert [entry.key for entry in again.limits.day] == ["attempt 21"]
    assert again.limits.amount_in_today(USDC) == 0
    assert not again.limits.at_risk


def test_paper_runs_and_live_runs_share_no_limits(path: Path) -> None:
    for mode in (PAPER, LIVE):
        with Journal(path) as journal:
            journal.begin_run(mode)
            traded(journal, RiskState(), plan(opportunity(1, 100)), fails=mode is PAPER)
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        live, paper = (recall(RULES, *journal.recalled("main", mode)) for mode in ("live", "paper"))
    assert [entry.key for entry in live.limits.day] == ["attempt 2"]
    assert (live.breakers.lost_today(USDC), live.breakers.failures) == (0, 0)
    assert (paper.breakers.lost_today(USDC), paper.breakers.failures) == (2_000, 1)


def test_replays_leave_nothing_to_recall(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(replace(PAPER, account=None))
        planned = plan(opportunity(1, 100))
        journal.outcome(journal.intent(planned), outcome(planned))
        assert recall(RULES, *journal.recalled("main", "paper")) == RiskState()


def test_single_swap_is_one_row_of_its_kind(path: Path) -> None:
    hop = Hop(POOL_A, USDC, WSOL, 10_000, 70_000)
    order = SwapOrder("mr", POOL_A, USDC, WSOL, 10_000, 60_000, USDC)
    buy = SwapPlan(4, 120, order, 70_000, 0, 10, 5_000, 4_000, 10_000)
    with Journal(path) as journal:
        journal.begin_run(PAPER)
        journal.outcome(journal.intent(buy), outcome(buy))
    (row,) = read_journal(path).attempts
    assert (row.kind, row.hops, row.amount_in, row.amount_out) == ("swap", (hop,), 10_000, 70_000)
    assert (row.net_profit, row.realised_net_profit) == (-10, -10)


def test_journal_of_the_first_schema_is_brought_up_and_kept(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.begin() as connection:
        from alembic import command
        from alembic.config import Config as AlembicConfig

        import phantom_arbiter.journal as package

        config = AlembicConfig()
        config.set_main_option("script_location", str(Path(package.__file__).parent / "migrations"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text("INSERT INTO runs VALUES (1, 'paper', 'day', 'ab', '0.1.0')"))
        connection.execute(
            text(
                "INSERT INTO attempts VALUES (1, 1, 'filled', 5, 100, 's', :mint, '[]', 10, 12, 11, 2, 1, 1,"
                " 5, 4, 10, NULL, '[]', 10, 12, 1, 1)"
            ),
            {"mint": USDC},
        )
    with Journal(path) as journal:
        journal.begin_run(PAPER)
        assert recall(RULES, *journal.recalled("main", "paper")) == RiskState()
    report = read_journal(path)
    assert (report.attempts[0].kind, report.attempts[0].realised_net_profit) == ("cycle", 1)
    assert [run.account for run in report.runs] == [None, "main"]
