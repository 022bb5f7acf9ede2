"""What two journals have to have in common."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path


def decided(journal: Path) -> bytes:
    """Return the file without `run_summaries`: those tell wall-clock time, and who delivered what.

    Everything else of two replays is the same, byte for byte.
    """
    copy = journal.with_name(f"{journal.name}.decided")
    shutil.copyfile(journal, copy)
    with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("DELETE FROM run_summaries")
        connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode=DELETE")
    found = copy.read_bytes()
    copy.unlink()
    return found
