"""`python -m phantom_arbiter.galaxy SOCKET`: the dashboard of one run, started by that run.

Settings come as one JSON line on stdin (`DashboardSettings`; an empty line or none for the defaults). When
stdin closes, the run's process has gone or wants no dashboard any more: then this one ends too. Ctrl-C is
for the run, which decides when the dashboard ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from pathlib import Path

from pydantic import ValidationError

from phantom_arbiter.config_dashboard import DashboardSettings
from phantom_arbiter.errors import EXIT_DONE, EXIT_USAGE, PhantomError, exit_code
from phantom_arbiter.galaxy.server import Dashboard


def main() -> int:
    """Serve until stdin closes; return the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if len(sys.argv) != 2:
        print("dashboard: usage: python -m phantom_arbiter.galaxy SOCKET", file=sys.stderr)
        return EXIT_USAGE
    line = sys.stdin.readline().strip()
    try:
        settings = DashboardSettings.model_validate_json(line or "{}")
        path = Path(sys.argv[1])
        dashboard = Dashboard(settings, lambda: path if path.is_socket() else None)
    except ValidationError:
        print("dashboard: the settings on stdin are none", file=sys.stderr)
        return EXIT_USAGE
    except PhantomError as error:
        print(f"dashboard: {error}", file=sys.stderr)
        return exit_code(error)
    print("\n".join(dashboard.greeting()), file=sys.stderr, flush=True)
    asyncio.run(_until_stdin_closes(dashboard))
    return EXIT_DONE


async def _until_stdin_closes(dashboard: Dashboard) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)

    def wait() -> None:
        # Not through sys.stdin: its lock, held by this thread, would not let the interpreter end.
        while os.read(sys.stdin.fileno(), 4_096):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait, daemon=True).start()
    await dashboard.serve(stop)


if __name__ == "__main__":
    sys.exit(main())
