"""Opening the file: pragmas, migrations, one writer, and every way it can go wrong as one sentence."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from phantom_arbiter.errors import JournalError
from phantom_arbiter.journal.schema import APPLICATION_ID, SCHEMA_REVISION

BUSY_TIMEOUT_S = 2.0
"""How long SQLite waits for another process before it gives up."""


@contextmanager
def journal_errors(path: Path) -> Iterator[None]:
    """Turn what the database raises inside the block into a `JournalError` that names `path`."""
    try:
        yield
    except DBAPIError as error:
        raise _explain(path, error.orig) from error
    except (sqlite3.Error, OSError) as error:
        raise _explain(path, error) from error


def _explain(path: Path, error: BaseException | None) -> JournalError:
    name = getattr(error, "sqlite_errorname", "") or ""
    elsewhere = "choose another file with --journal"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return JournalError(
            f"journal {path} is locked by another process", hint=f"wait for it to finish, or {elsewhere}"
        )
    if name.startswith("SQLITE_NOTADB"):
        return JournalError(f"journal {path} is not an SQLite database", hint=elsewhere)
    if name.startswith("SQLITE_CORRUPT"):
        return JournalError(f"journal {path} is corrupt: {error}", hint=f"restore a copy, or {elsewhere}")
    if name.startswith("SQLITE_FULL"):
        return JournalError(f"journal {path} cannot grow: the disk is full", hint="free some space")
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM")) or isinstance(error, PermissionError):
        return JournalError(
            f"journal {path} cannot be written", hint=f"check its permissions, or {elsewhere}"
        )
    if name.startswith("SQLITE_CANTOPEN") or isinstance(error, OSError):
        why = getattr(error, "strerror", None) or "the file cannot be opened"
        return JournalError(f"journal {path} cannot be opened: {why}", hint=elsewhere)
    return JournalError(f"journal {path}: {error}")


def _sqlite_engine(path: Path, *, read_only: bool) -> Engine:
    def open_file() -> sqlite3.Connection:
        mode = "ro" if read_only else "rwc"
        if read_only and not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists():
            # SQLite wants a file beside a WAL database; a finished one on a read-only place needs none.
            mode = "ro&immutable=1"
        # isolation_level None: transactions are ours (BEGIN below), not the driver's guesses.
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None
        )

    engine = create_engine("sqlite://", creator=open_file, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def open_for_writing(path: Path) -> Connection:
    """Return a connection to the journal at `path`, created or brought to the newest schema.

    WAL, so that a reader never waits; `synchronous=FULL`, so that a committed intent survives a power cut.

    Raises:
        JournalError: Locked, corrupt, not a journal, written by a newer version, or not writable.
    """
    with journal_errors(path):
        if path.is_dir():
            raise JournalError(f"journal {path} is a directory", hint="name a file, such as journal.sqlite")
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = _sqlite_engine(path, read_only=False).connect()
        try:
            _prepare(path, connection)
        except BaseException:
            connection.close()
            raise
        return connection


def open_for_reading(path: Path, *, check: bool = True) -> Connection:
    """Return a read-only connection to the journal at `path`.

    Args:
        path: The journal.
        check: Whether to look through the whole file for damage first, which takes time as it grows; what is
            damaged is otherwise told where it is read.

    Raises:
        JournalError: Missing, locked, corrupt, not a journal, or of another schema.
    """
    if not path.is_file():
        raise JournalError(
            f"journal {path} does not exist",
            hint="`phantom run` writes it; name another with `phantom journal PATH`",
        )
    with journal_errors(path):
        connection = _sqlite_engine(path, read_only=True).connect()
        try:
            _require_ours(path, connection, check=check)
            revision = _revision(connection)
            if revision != SCHEMA_REVISION:
                raise _other_schema(path, revision)
        except BaseException:
            connection.close()
            raise
        return connection


def close_writer(path: Path, connection: Connection) -> None:
    """Fold the write-ahead log into the file and close: what remains is one file."""
    with journal_errors(path):
        try:
            _pragma(connection, "wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()


def _pragma(connection: Connection, statement: str) -> Any:
    """Return the pragma's first value; run outside of any transaction, where SQLite wants it."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError(f"expected an SQLite connection, found {type(driver).__name__}")
    row = driver.execute(f"PRAGMA {statement}").fetchone()
    return row[0] if row else None


def _tables(connection: Connection) -> set[str]:
    with connection.begin():
        return set(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars())


def _revision(connection: Connection) -> str | None:
    if "alembic_version" not in _tables(connection):
        return None
    with connection.begin():
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _require_ours(path: Path, connection: Connection, *, check: bool = True) -> None:
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise JournalError(
            f"{path} is an SQLite database but not a PhantomArbiter journal",
            hint="choose another file with --journal",
        )
    damage = _pragma(connection, "quick_check(1)") if check else "ok"
    if damage != "ok":
        raise JournalError(
            f"journal {path} is corrupt: {damage}",
            hint="restore a copy, or choose another file with --journal",
        )


def _other_schema(path: Path, revision: str | None) -> JournalError:
    hint = "install the version of phantom-arbiter that wrote it, or choose another file with --journal"
    if revision is not None and revision < SCHEMA_REVISION:
        hint = "the next `phantom run` that writes it brings it up to date"
    return JournalError(
        f"journal {path} has schema {revision or 'unknown'}, this version knows {SCHEMA_REVISION}", hint=hint
    )


def _prepare(path: Path, connection: Connection) -> None:
    if _tables(connection):
        _require_ours(path, connection)
    _pragma(connection, "journal_mode=WAL")
    _pragma(connection, "synchronous=FULL")
    _pragma(connection, "foreign_keys=ON")
    revision = _revision(connection)
    if revision == SCHEMA_REVISION:
        return
    if revision is not None and revision > SCHEMA_REVISION:
        raise _other_schema(path, revision)
    with connection.begin():
        connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
        migrate(connection)


def migrate(connection: Connection) -> None:
    """Bring the database of `connection` to the newest schema, inside the caller's transaction."""
    # Alembic takes a third of a second to import: only a new or an older journal pays for it.
    from alembic import command
    from alembic.config import Config

    with as_file(files("phantom_arbiter.journal") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
