"""Where runs listen for viewers: one Unix socket for each, in a folder that only the user may enter.

The folder's mode is 0700 and a socket's 0600, so whoever can connect could as well send the run a signal.
A socket whose process is gone is removed by whoever looks next.
"""

from __future__ import annotations

import os
import re
import socket
import stat
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_state_path

from phantom_arbiter.errors import ConfigError

MAX_PATH_BYTES = 107 if sys.platform == "linux" else 103
"""Longest path of a Unix socket: the 108 bytes of `sun_path` on Linux (unix(7)), elsewhere 104, but one."""

BACKLOG = 16
"""Viewers that may wait to be accepted."""

_NAME = re.compile(r"run-([0-9]{1,10})(?:-([0-9]{1,4}))?\.sock")


@dataclass(frozen=True, slots=True)
class RunSocket:
    """Where one run listens.

    Attributes:
        path: Of the socket.
        pid: Of the run's process.
        began_unix_s: When it began to listen.
    """

    path: Path
    pid: int
    began_unix_s: float


def default_socket_dir() -> Path:
    """Return where runs listen if the settings name no folder: below the user's runtime or state folder."""
    if sys.platform != "win32":
        given = os.environ.get("XDG_RUNTIME_DIR", "")
        runtime = Path(given) if given.startswith("/") else Path(f"/run/user/{os.getuid()}")
        if os.access(runtime, os.W_OK):
            return runtime / "phantom-arbiter"
    return user_state_path("phantom-arbiter") / "run"


def listen(folder: Path | None = None) -> tuple[socket.socket, Path]:
    """Return a socket on which viewers of this process's run are heard, and its path.

    Raises:
        ConfigError: The path is longer than that of a socket may be, or there are no such sockets here.
        OSError: The folder or the socket cannot be made.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise ConfigError(
            "viewers follow over a Unix socket, which this system lacks", hint="telemetry.publish = false"
        )
    folder = default_socket_dir() if folder is None else folder
    pid = os.getpid()
    _fits(folder / f"run-{pid}-9999.sock", folder)
    _make_private(folder)
    running(folder)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    unready = folder / f".{pid}-{threading.get_native_id()}"
    try:
        unready.unlink(missing_ok=True)
        listener.bind(str(unready))
        unready.chmod(0o600)
        listener.listen(BACKLOG)
        listener.setblocking(False)
        # It appears once it listens: whoever finds it and is refused knows that its process is gone.
        path = _free_name(folder, pid)
        unready.rename(path)
    except OSError:
        listener.close()
        unready.unlink(missing_ok=True)
        raise
    return listener, path


def running(folder: Path | None = None, *, alive: Callable[[int], bool] | None = None) -> list[RunSocket]:
    """Return where runs listen now, newest first; what dead ones have left is removed.

    Args:
        folder: As the settings have it; None for the default.
        alive: Says whether a process exists.
    """
    folder = default_socket_dir() if folder is None else folder
    alive = alive or _is_alive
    found = []
    try:
        paths = list(folder.iterdir())
    except OSError:
        return []
    for path in paths:
        match = _NAME.fullmatch(path.name)
        if match is None:
            continue
        try:
            facts = path.lstat()
            if not stat.S_ISSOCK(facts.st_mode) or facts.st_uid != os.getuid():
                continue
            if not alive(int(match[1])):
                path.unlink(missing_ok=True)
                continue
        except OSError:
            continue
        found.append(RunSocket(path, int(match[1]), facts.st_mtime))
    found.sort(key=lambda each: (-each.began_unix_s, each.path.name))
    return found


def find_run(folder: Path | None = None, pid: int | None = None) -> Path | None:
    """Return where the newest run listens, or that of one process; None if there is none."""
    return next((each.path for each in running(folder) if pid is None or each.pid == pid), None)


def _free_name(folder: Path, pid: int) -> Path:
    for number in range(1, 10_000):
        path = folder / (f"run-{pid}.sock" if number == 1 else f"run-{pid}-{number}.sock")
        if not path.exists() or _is_stale(path):
            return path
    raise FileExistsError(f"{folder} holds 9,999 sockets of this process")


def _fits(path: Path, folder: Path) -> None:
    length = len(os.fsencode(path))
    if length > MAX_PATH_BYTES:
        raise ConfigError(
            f"telemetry.socket_dir = {folder}: a socket in it has a path of {length} bytes, more than "
            f"{MAX_PATH_BYTES} are not possible",
            hint="name a shorter folder",
        )


def _make_private(folder: Path) -> None:
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode):
        raise NotADirectoryError(f"{folder} is no folder")
    if facts.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else")
    if folder.parent.stat().st_uid not in (0, os.getuid()):
        raise PermissionError(f"{folder.parent} belongs to somebody else, who could put another folder there")
    if stat.S_IMODE(facts.st_mode) & 0o077:
        # Somebody may be using it: its mode is not ours to change.
        raise PermissionError(
            f"{folder} is open to others (mode {stat.S_IMODE(facts.st_mode):04o}); give it mode 0700, "
            "or name a folder that does not exist yet"
        )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _is_stale(path: Path) -> bool:
    """Return whether nobody listens on the socket."""
    asker = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    asker.setblocking(False)
    try:
        asker.connect(str(path))
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    finally:
        asker.close()
    return False
