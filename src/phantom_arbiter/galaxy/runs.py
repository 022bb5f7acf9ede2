"""Which run the dashboard follows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_runtime_path


def one_run(path: Path) -> Callable[[], Path | None]:
    """Return a search that finds the run at `path`, as long as it is there."""
    return lambda: path if path.is_socket() else None


def newest_run(folder: Path | None = None, pid: int | None = None) -> Path | None:
    """Return where the newest run listens, or that of one process; None if there is none."""
    folder = user_runtime_path("phantom-arbiter") if folder is None else folder
    found = []
    for path in folder.glob("run-*.sock"):
        number = path.stem.split("-")[1]
        if number.isdigit() and (pid is None or int(number) == pid) and _is_alive(int(number)):
            found.append((path.stat().st_mtime_ns, path))
    return max(found)[1] if found else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
