import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from phantom_arbiter.domain import OnChain, Outcome, OutcomeState
from phantom_arbiter.errors import InvariantError, JournalError
from phantom_arbiter.execution.answers import DispatchAnswer
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.settlement import terms_of
from phantom_arbiter.journal import NEVER_SENT, Journal, RunIdentity, landing_from_journal, read_journal
from shell_fakes import opportunity, plan, promised

LIVE = RunIdentity("live", "chain", "cd" * 32, "0.1.0", "main")
SUBMISSION = Submission(
    signature="sig-1",
    wire=b"\x01\x02\xff",
    blockhash="hash",
    last_valid_block_height=2_000,
    nonce_account=None,
    wallet="wallet",
    base_account="base",
    tip_lamports=10_000,
    compute_unit_limit=300_000,
    compute_unit_price_micro_lamports=12_345,
    accounts_created=(("ata-1", 2_039_280), ("ata-2", 2_039_281)),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal(path, unix_time=lambda: 1_790_000_123) as opened:
        opened.begin_run(LIVE)
        yield opened


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_signed_transaction_is_in_the_file_with_the_intent(path: Path, journal: Journal) -> None:
    journal.intent(plan(), submission=SUBMISSION)
    found = rows(path, "SELECT state, signature, wire, last_valid_block_height, signed_unix FROM attempts")
    assert found == [("intent", "sig-1", b"\x01\x02\xff", 2_000, 1_790_000_123)]


def test_unresolved_attempt_comes_back_as_it_was_signed(path: Path) -> None:
    nonce = replace(
        SUBMISSION, signature="sig-2", last_valid_block_height=None, nonce_account="n", accounts_created=()
    )
    planned = plan(opportunity(3, 700))
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        journal.intent(plan(), submission=SUBMISSION)
        journal.intent(planned, submission=nonce)
        journal.intent(plan(opportunity(4, 701)))
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        found = journal.unresolved("main")
        assert journal.unresolved("other") == []
    assert [each.submission for each in found] == [SUBMISSION, nonce, None]
    second = found[1]
    assert (second.booked_slot, second.terms) == (700, terms_of(planned))


def test_same_signature_twice_is_refused_before_it_could_be_sent_again(journal: Journal) -> None:
    journal.intent(plan(), submission=SUBMISSION)
    with pytest.raises(JournalError, match="UNIQUE"):
        journal.intent(plan(opportunity(2)), submission=SUBMISSION)
    assert len(journal.unresolved("main")) == 1


def test_outcome_keeps_what_the_chain_says(path: Path, journal: Journal) -> None:
    planned = plan()
    chain = OnChain(812, 1_790_000_130, 8_704, 10_000, 2_039_280, 211_000, -2_057_984, 2_999_990)
    attempt = journal.intent(planned, submission=SUBMISSION)
    fill = promised(planned)
    fill = replace(fill, amount_out=fill.amount_in + 2_999_990)
    outcome = Outcome(OutcomeState.FILLED, None, fill, 2_000, landed=True, chain=chain, sends=3)
    journal.outcome(attempt, outcome, 812)
    (row,) = rows(
        path,
        "SELECT landed_slot, landed_unix, fee_paid_lamports, tip_paid_lamports, rent_paid_lamports,"
        " units_consumed, wallet_change_lamports, base_change, sends, realised_net_profit FROM attempts",
    )
    assert row == (
        812,
        1_790_000_130,
        8_704,
        10_000,
        2_039_280,
        211_000,
        -2_057_984,
        2_999_990,
        3,
        2_997_990,
    )


def test_answers_are_written_with_the_outcome_and_at_the_end(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        attempt = journal.intent(plan(), submission=SUBMISSION)
        journal.answered("sig-1", DispatchAnswer("ny", "accepted", 812, None, "bundle"))
        journal.answered("unheard-of", DispatchAnswer("ny", "accepted", 1))
        assert rows(path, "SELECT count(*) FROM dispatches") == [(0,)]
        journal.outcome(attempt, Outcome(OutcomeState.FAILED, "expired", None, 0), 900)
        assert rows(path, "SELECT target, kind, latency_us, code FROM dispatches") == [
            ("ny", "accepted", 812, None)
        ]
        journal.answered("sig-1", DispatchAnswer("tokyo", "rate_limited", 99_000, 429))
    assert rows(path, "SELECT attempt_id, target, code FROM dispatches ORDER BY id") == [
        (1, "ny", None),
        (1, "tokyo", 429),
    ]
    assert rows(path, "SELECT bundle_id FROM attempts") == [("bundle",)]


def test_only_an_unsigned_intent_is_closed_as_never_sent(path: Path, journal: Journal) -> None:
    unsigned = journal.intent(plan())
    signed = journal.intent(plan(opportunity(2)), submission=SUBMISSION)
    journal.close_never_sent(unsigned)
    for attempt in (unsigned, signed):
        with pytest.raises(InvariantError, match="never sent"):
            journal.close_never_sent(attempt)
    first = read_journal(path).attempts[0]
    assert (first.state, first.reason, first.realised_net_profit) == ("unresolved", NEVER_SENT, 0)


def test_paper_run_leaves_the_live_attempt_of_before_open(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        journal.intent(plan(), submission=SUBMISSION)
    with Journal(path) as journal:
        journal.begin_run(replace(LIVE, mode="paper", account=None))
        assert [each.submission for each in journal.unresolved("main")] == [SUBMISSION]


def test_paper_attempt_holds_nothing_of_a_live_one(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(replace(LIVE, mode="paper", account=None))
        planned = plan()
        journal.outcome(
            journal.intent(planned), Outcome(OutcomeState.FILLED, None, promised(planned), planned.cost)
        )
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        row = connection.execute("SELECT * FROM attempts").fetchone()
    live = [name for name in row.keys() if name in LIVE_COLUMNS]  # noqa: SIM118
    assert sorted(live) == sorted(LIVE_COLUMNS)
    assert {row[name] for name in live} == {None}


LIVE_COLUMNS = [
    "signature",
    "wire",
    "blockhash",
    "last_valid_block_height",
    "nonce_account",
    "wallet",
    "base_account",
    "tip_offered_lamports",
    "compute_unit_limit",
    "compute_unit_price_micro_lamports",
    "accounts_created",
    "signed_unix",
    "bundle_id",
    "sends",
    "is_dead",
    "landed_slot",
    "landed_unix",
    "units_consumed",
    "fee_paid_lamports",
    "tip_paid_lamports",
    "rent_paid_lamports",
    "wallet_change_lamports",
    "base_change",
]


def test_landing_model_learns_from_what_was_in_the_race(path: Path) -> None:
    dead = Outcome(OutcomeState.FAILED, "expired", None, 0, is_dead=True)
    with Journal(path) as journal:
        journal.begin_run(LIVE)
        for number, kind in enumerate(("accepted", "rate_limited", "tip_below_minimum", None)):
            signed = replace(SUBMISSION, signature=f"sig-{number}")
            attempt = journal.intent(plan(opportunity(number)), submission=signed)
            if kind is not None:
                journal.answered(signed.signature, DispatchAnswer("ny", kind))
            journal.outcome(attempt, dead, 900)
        journal.outcome(journal.intent(plan(opportunity(7))), dead, 900)
    assert landing_from_journal(path).observed == 2
