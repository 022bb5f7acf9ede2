"""One writer at a time: two runs on one journal would close each other's open intents.

SQLite locks only while it writes, so the run holds a lock of its own on `<journal>-lock` for as long as it
lives. The operating system lets go of it when the process ends, however it ends; the empty file stays.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from phantom_arbiter.errors import JournalError


class WriterLock:
    """An exclusive, advisory lock on the journal at `path`, taken without waiting."""

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            JournalError: Another run holds it.
            OSError: The lock file cannot be created.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor: int | None = os.open(f"{path}-lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(self._descriptor)
        except OSError as error:
            self.release()
            raise JournalError(
                f"journal {path} is in use by another run",
                hint="wait for it to finish, or choose another file with --journal",
            ) from error

    def release(self) -> None:
        """Let the next writer in; harmless when repeated."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
