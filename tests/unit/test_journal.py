import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

import phantom_arbiter.journal
from phantom_arbiter.domain import Outcome, OutcomeState, Plan
from phantom_arbiter.errors import ConfigError, InvariantError, JournalError
from phantom_arbiter.journal import (
    Journal,
    RunIdentity,
    RunSummary,
    landing_from_journal,
    read_journal,
    read_run,
)
from phantom_arbiter.journal.connect import journal_errors
from phantom_arbiter.journal.journal import NEVER_APPLIED
from phantom_arbiter.journal.schema import MAX_AMOUNT, SCHEMA_REVISION, metadata
from phantom_arbiter.journal.texts import hops_from_text, hops_to_text
from shell_fakes import POOL_A, POOL_B, POOL_C, USDC, WSOL, opportunity, plan, promised

IDENTITY = RunIdentity("paper", "day", "cd" * 32, "0.1.0")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def filled(planned: Plan) -> Outcome:
    return Outcome(OutcomeState.FILLED, None, promised(planned), planned.opportunity.cost)


def write_day(path: Path) -> None:
    """Write a run with a fill, a failure and a three-hop fill."""
    plans = [
        plan(opportunity(1, 100, gross_profit=900, cost=100)),
        plan(opportunity(2, 105, base_mint=WSOL, gross_profit=50, cost=7)),
        plan(opportunity(3, 110, pools=(POOL_A, POOL_B, POOL_C), gross_profit=500, cost=100)),
    ]
    with Journal(path) as journal:
        journal.begin_run(IDENTITY)
        for planned in plans:
            attempt = journal.intent(planned)
            if planned.opportunity.opening_id == 2:
                journal.outcome(attempt, Outcome(OutcomeState.FAILED, "late", None, 5))
            else:
                journal.outcome(attempt, filled(planned))


def test_attempt_is_one_row_from_intent_to_outcome(path: Path) -> None:
    write_day(path)
    report = read_journal(path)
    assert [(row.id, row.state, row.realised_net_profit) for row in report.attempts] == [
        (1, "filled", 800),
        (2, "failed", -5),
        (3, "filled", 400),
    ]
    assert [len(row.hops) for row in report.attempts] == [2, 2, 3]
    assert report.attempts[0].hops == plan(opportunity(1, 100, gross_profit=900, cost=100)).opportunity.hops
    assert report.runs[0].settings_sha256 == "cd" * 32


def test_totals_are_kept_apart_by_mint(path: Path) -> None:
    write_day(path)
    totals = {total.mint: total for total in read_journal(path).totals}
    usdc, wsol = totals[USDC], totals[WSOL]
    assert (usdc.attempts, usdc.filled, usdc.gross_profit, usdc.cost, usdc.net_profit) == (
        2,
        2,
        1_400,
        200,
        1_200,
    )
    assert (wsol.attempts, wsol.failed, wsol.gross_profit, wsol.cost, wsol.net_profit) == (1, 1, 0, 5, -5)


def test_intent_is_in_the_file_before_the_outcome(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(IDENTITY)
        journal.intent(plan())
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("SELECT state, reason FROM attempts").fetchall() == [("intent", None)]


def test_intent_that_a_killed_run_left_is_closed_by_the_next_and_reported(path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from shell_fakes import plan;"
        "from test_journal import IDENTITY; from phantom_arbiter.journal import Journal;"
        "journal = Journal(Path(sys.argv[1])); journal.begin_run(IDENTITY);"
        "journal.intent(plan()); os._exit(9)"
    )
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here), str(here.parent), *sys.path])
    killed = subprocess.run(
        [sys.executable, "-c", script, str(path)], env={**os.environ, "PYTHONPATH": paths}
    )
    assert killed.returncode == 9
    with Journal(path) as journal:
        run_id, reconciled = journal.begin_run(IDENTITY)
    assert run_id == 2
    assert [(entry.attempt_id, entry.run_id, entry.slot) for entry in reconciled] == [(1, 1, 100)]
    row = read_journal(path).attempts[0]
    assert (row.state, row.reason, row.realised_net_profit) == ("unresolved", NEVER_APPLIED, 0)
    with Journal(path) as journal:
        assert journal.begin_run(IDENTITY)[1] == []


def test_outcome_without_open_intent_is_our_bug(path: Path) -> None:
    planned = plan()
    with Journal(path) as journal:
        journal.begin_run(IDENTITY)
        attempt = journal.intent(planned)
        journal.outcome(attempt, filled(planned))
        with pytest.raises(InvariantError, match="without an open intent"):
            journal.outcome(attempt, filled(planned))


def test_same_sequence_gives_the_same_file_byte_for_byte(tmp_path: Path) -> None:
    first, second = tmp_path / "one" / "a.sqlite", tmp_path / "two" / "b.sqlite"
    write_day(first)
    write_day(second)
    assert first.read_bytes() == second.read_bytes()
    write_day(first)
    assert first.read_bytes() != second.read_bytes()
    write_day(second)
    assert first.read_bytes() == second.read_bytes()


def test_nothing_but_the_file_and_its_lock_is_left(path: Path) -> None:
    write_day(path)
    assert sorted(file.name for file in path.parent.iterdir() if file.is_file()) == [
        "journal.sqlite",
        "journal.sqlite-lock",
    ]


def test_second_run_appends(path: Path) -> None:
    write_day(path)
    write_day(path)
    report = read_journal(path)
    assert [run.id for run in report.runs] == [1, 2]
    assert [row.run_id for row in report.attempts] == [1, 1, 1, 2, 2, 2]
    assert [row.id for row in read_journal(path, run_id=2).attempts] == [4, 5, 6]


def test_amounts_up_to_the_integers_of_sqlite_are_exact(path: Path) -> None:
    planned = plan(opportunity(amount_in=MAX_AMOUNT - 10, gross_profit=10, cost=1))
    with Journal(path) as journal:
        journal.begin_run(IDENTITY)
        journal.outcome(journal.intent(planned), filled(planned))
    row = read_journal(path).attempts[0]
    assert (row.amount_in, row.amount_out) == (MAX_AMOUNT - 10, MAX_AMOUNT)
    assert row.hops == planned.opportunity.hops
    assert row.hops[0].amount_out > 2**64


def test_amount_that_does_not_fit_is_refused_before_anything_is_written(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(IDENTITY)
        with pytest.raises(JournalError, match=f"amount_out {2**63} does not fit.*{MAX_AMOUNT}"):
            journal.intent(plan(opportunity(amount_in=MAX_AMOUNT, gross_profit=1, cost=0)))
    assert read_journal(path).attempts == ()


def test_hops_survive_the_round_trip() -> None:
    hops = plan(opportunity(amount_in=2**64 - 1, pools=(POOL_A, POOL_B, POOL_C))).opportunity.hops
    assert hops_from_text(hops_to_text(hops)) == hops


def test_migrations_end_in_the_schema_that_the_code_uses(path: Path) -> None:
    write_day(path)
    folder = Path(phantom_arbiter.journal.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == SCHEMA_REVISION
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_schema_of_before_is_brought_up_and_can_be_gone_back_to(path: Path) -> None:
    write_day(path)
    before = [(row.age_slots, row.expected_value_lamports) for row in read_journal(path).attempts]
    assert all(None not in row for row in before)
    folder = Path(phantom_arbiter.journal.__file__).parent / "migrations"
    alembic = Config()
    alembic.set_main_option("script_location", str(folder))
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)
    with engine.connect() as connection, connection.begin():
        alembic.attributes["connection"] = connection
        command.downgrade(alembic, "0002")
        columns = {column["name"] for column in inspect(connection).get_columns("attempts")}
        assert not {"age_slots", "expected_value_lamports"} & columns
    with pytest.raises(JournalError, match="has schema 0002, this version knows 0005"):
        read_journal(path)
    Journal(path).close()
    after = read_journal(path).attempts
    assert [(row.age_slots, row.expected_value_lamports) for row in after] == [(None, None)] * len(before)
    assert landing_from_journal(path).observed == sum(row.state in ("filled", "failed") for row in after)


def test_journal_without_summaries_gets_room_for_them_and_keeps_its_runs(path: Path) -> None:
    write_day(path)
    folder = Path(phantom_arbiter.journal.__file__).parent / "migrations"
    alembic = Config()
    alembic.set_main_option("script_location", str(folder))
    with create_engine(f"sqlite:///{path}", poolclass=NullPool).begin() as connection:
        alembic.attributes["connection"] = connection
        command.downgrade(alembic, "0004")
    with pytest.raises(JournalError, match="knows 0005; hint: the next `phantom run`"):
        read_run(path)
    with Journal(path) as journal:
        with pytest.raises(InvariantError, match="before begin_run"):
            journal.end_run("{}", 1)
        journal.begin_run(IDENTITY)
        journal.end_run("{}", 1_795_391_990)
    assert [read_run(path, run).summary for run in (1, 2)] == [None, RunSummary(1_795_391_990, "{}")]
    assert read_run(path).report.runs[0].id == 1, "the newest run that tried something"
    with pytest.raises(ConfigError, match="holds no run 3; hint: the newest is 2"):
        read_run(path, 3)


# ---- bad files


def corrupt(path: Path) -> None:
    write_day(path)
    data = bytearray(path.read_bytes())
    for page in range(1, len(data) // 4096):
        data[page * 4096 : page * 4096 + 64] = b"\xa5" * 64
    path.write_bytes(data)


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE photos (id INTEGER)")


def newer(path: Path) -> None:
    write_day(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")


def text_file(path: Path) -> None:
    path.write_text("this is no database, " * 100)


def folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (corrupt, "is corrupt"),
        (foreign, "is an SQLite database but not a PhantomArbiter journal"),
        (newer, "has schema 0999, this version knows 0005"),
        (text_file, "is not an SQLite database"),
    ],
)
def test_file_that_is_no_sound_journal_is_named_and_left_alone(path: Path, spoil: object, said: str) -> None:
    assert callable(spoil)
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(JournalError, match=said) as writing:
        Journal(path)
    with pytest.raises(JournalError, match=said):
        read_journal(path)
    assert str(path) in str(writing.value)
    assert "; hint: " in str(writing.value)
    assert path.read_bytes() == before


def test_folder_instead_of_a_file_is_refused(path: Path) -> None:
    folder(path)
    with pytest.raises(JournalError, match="is a directory"):
        Journal(path)


def test_missing_journal_cannot_be_read(path: Path) -> None:
    with pytest.raises(JournalError, match="does not exist"):
        read_journal(path)
    assert not path.exists()


def test_parent_that_is_a_file_cannot_hold_a_journal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal(tmp_path / "file" / "journal.sqlite")


def test_permission_that_is_missing_is_named(path: Path) -> None:
    with (
        pytest.raises(JournalError, match="cannot be written; hint: check its permissions"),
        journal_errors(path),
    ):
        raise PermissionError(13, "Permission denied")


@pytest.fixture
def read_only_folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "fixed"
    folder.mkdir()
    folder.chmod(0o500)
    yield folder
    folder.chmod(0o700)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_folder_that_cannot_be_written_is_named(read_only_folder: Path) -> None:
    with pytest.raises(JournalError, match="cannot be written"):
        Journal(read_only_folder / "journal.sqlite")


def test_second_writer_is_turned_away_and_the_first_goes_on(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(IDENTITY)
        with pytest.raises(JournalError, match="in use by another run"):
            Journal(path)
        journal.intent(plan())
        assert len(read_journal(path).attempts) == 1
    Journal(path).close()


def test_journal_that_another_program_locks_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_day(path)
    monkeypatch.setattr("phantom_arbiter.journal.connect.BUSY_TIMEOUT_S", 0.0)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(JournalError, match="locked by another process"):
            Journal(path)
        other.execute("ROLLBACK")


def test_identity_of_a_run_is_what_was_given(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin_run(replace(IDENTITY, source="other"))
    assert read_journal(path).runs[0].source == "other"
