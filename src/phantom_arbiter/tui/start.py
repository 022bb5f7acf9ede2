"""Starting the screen, where there is a terminal that can show it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from phantom_arbiter.errors import HintedError

PLAIN_HINT = "phantom run --ui plain writes one line per event"


def need_terminal() -> None:
    """Make sure that the screen can be drawn: it reads keys from stdin and draws on stderr.

    Raises:
        HintedError: There is no terminal, or one that cannot move its cursor.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise HintedError("the screen needs a terminal for its keys and its picture", hint=PLAIN_HINT)
    term = os.environ.get("TERM", "")
    if term in ("", "dumb", "unknown"):
        raise HintedError(f"the terminal (TERM={term or 'unset'}) cannot move its cursor", hint=PLAIN_HINT)


def show_run(socket: Path, *, stops_run: bool) -> int:
    """Show the run that listens at `socket` until the user leaves; return the exit status.

    Args:
        socket: Its Unix socket.
        stops_run: Leaving asks the run to stop.

    Raises:
        HintedError: There is no terminal that can show it.
    """
    need_terminal()
    # Late, as Textual takes a tenth of a second: nobody should wait to be told that there is no terminal.
    from phantom_arbiter.telemetry.follow import Follower
    from phantom_arbiter.tui.app import ViewerApp

    app = ViewerApp(lambda: Follower.open(socket), stops_run=stops_run)
    app.run()
    return app.return_code or 0
