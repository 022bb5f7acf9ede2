"""`phantom dashboard`: a run, watched in a browser."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from phantom_arbiter.commands.run import ConfigOption
from phantom_arbiter.errors import HintedError

if TYPE_CHECKING:
    from phantom_arbiter.galaxy.server import Dashboard


def dashboard(
    run_pid: Annotated[
        int | None, typer.Option("--run", metavar="PID", help="The run of this process; else the newest.")
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Where to listen; any but 127.0.0.1 asks for a token."),
    ] = None,
    port: Annotated[int | None, typer.Option(metavar="N", help="Port; 0 for any that is free.")] = None,
    control: Annotated[
        bool, typer.Option("--control", help="Let browsers halt, resume and stop the run.")
    ] = False,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the browser; not with a token.")] = False,
    config: ConfigOption = None,
) -> None:
    """Watch a run in the browser: the newest one, or the next that begins."""
    from phantom_arbiter.commands.run import given
    from phantom_arbiter.config_sources import load
    from phantom_arbiter.galaxy.server import Dashboard
    from phantom_arbiter.telemetry.sockets import default_socket_dir, find_run

    if not hasattr(socket, "AF_UNIX"):
        raise HintedError(
            "runs are followed over a Unix socket, which this system lacks", hint="run --ui rich"
        )
    flags = {"dashboard": {"host": host, "port": port, "control": True if control else None}}
    settings = load(given(flags), config).config

    def find() -> Path | None:
        return find_run(settings.telemetry.socket_dir, run_pid)

    served = Dashboard(settings.dashboard, find, journal=settings.journal.path)
    _say("\n".join(served.greeting()))
    if find() is None:
        which = "run" if run_pid is None else f"run of process {run_pid}"
        folder = settings.telemetry.socket_dir or default_socket_dir()
        _say(f"dashboard: no {which} publishes yet in {folder}, waiting for one; Ctrl-C ends")
    asyncio.run(_until_interrupted(served, open_browser=open_browser))


async def _until_interrupted(served: Dashboard, *, open_browser: bool) -> None:
    import webbrowser

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    def opened() -> None:
        if served.entry != served.url:
            _say("dashboard: open it by hand: its address bears a token, which all users would see")
            return
        # A text browser would take the terminal: it may, but neither this event loop nor our end.
        Thread(target=webbrowser.open, args=(served.url,), daemon=True).start()

    await served.serve(stop, started=opened if open_browser else lambda: None)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
