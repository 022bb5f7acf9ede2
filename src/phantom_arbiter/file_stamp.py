"""Whether a file may have changed since it was last looked at."""

from __future__ import annotations

from pathlib import Path


def stamp(file: Path) -> tuple[int, int] | None:
    """Return time and size of a file; None if it cannot be looked at."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
