"""The viewer that tells a run's attempts to an OpenTelemetry collector, as its own process.

`python -m phantom_arbiter.metrics.traces SOCKET` follows one run; `phantom traces` also waits for one, and
goes on with the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from phantom_arbiter.errors import HintedError, MissingExtraError, PhantomError, exit_code
from phantom_arbiter.telemetry.follow import Away, Back, Follower, follow
from phantom_arbiter.telemetry.records import Hello

if TYPE_CHECKING:
    from phantom_arbiter.metrics.spans import RunTraces

Say = Callable[[str], None]
Listen = Callable[["RunTraces"], Coroutine[None, None, None]]


def export_one(path: Path, endpoint: str | None, say: Say) -> None:
    """Tell the attempts of the run that listens at `path`, until it ends or the process is interrupted.

    Raises:
        MissingExtraError: OpenTelemetry is not installed.
        ConfigError: `endpoint` or the environment names no collector.
        RunGoneError: No run listens there.
    """

    async def one(traces: RunTraces) -> None:
        async with await Follower.open(path) as follower:
            async for _, record in follower:
                traces.hear(record)
                if isinstance(record, Hello):
                    say(f"following run {record.run_id}, process {record.pid}")

    _export(one, endpoint, say)


def export_all(find_socket: Callable[[], Path | None], endpoint: str | None, say: Say) -> None:
    """Tell the attempts of one run after the other, until the process is interrupted.

    Args:
        find_socket: Returns where a run listens, or None.
        endpoint: URL of the collector; None: as the `OTEL_*` variables say.
        say: Takes a line for the operator.

    Raises:
        MissingExtraError: OpenTelemetry is not installed.
        ConfigError: `endpoint` or the environment names no collector.
    """

    async def all_of_them(traces: RunTraces) -> None:
        async for item in follow(find_socket):
            match item:
                case Away():
                    traces.close()
                    say("waiting for a run; Ctrl-C ends")
                case Back():
                    pass
                case (_, record):
                    traces.hear(record)
                    if isinstance(record, Hello):
                        say(f"following run {record.run_id}, process {record.pid}")

    _export(all_of_them, endpoint, say)


def _export(listen: Listen, endpoint: str | None, say: Say) -> None:
    try:
        from phantom_arbiter.metrics.collector import open_collector
        from phantom_arbiter.metrics.spans import RunTraces
    except ImportError as error:
        raise MissingExtraError(
            "traces need OpenTelemetry, which is not installed", hint="pip install 'phantom-arbiter[otel]'"
        ) from error
    collector = open_collector(endpoint, say)
    traces = RunTraces(collector)
    try:
        asyncio.run(_until_stopped(listen, traces))
    except msgspec.MsgspecError as error:
        hint = "follow it with the version that runs it"
        raise HintedError(f"the run says what this version cannot read: {error}", hint=hint) from error
    finally:
        traces.close()
        collector.close()
        say(
            f"{traces.attempts} attempts as {collector.ended} spans: {collector.sent} sent, "
            f"{collector.ended - collector.sent} lost"
        )


async def _until_stopped(listen: Listen, traces: RunTraces) -> None:
    """Listen until the end, Ctrl-C or SIGTERM."""
    task = asyncio.ensure_future(listen(traces))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def say_on_stderr(line: str) -> None:
    """Print a line for the operator."""
    print(f"phantom traces: {line}", file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    """Follow the run of one socket; return the exit status."""
    if len(arguments) != 1:
        print("usage: python -m phantom_arbiter.metrics.traces SOCKET", file=sys.stderr)
        return 2
    try:
        export_one(Path(arguments[0]), None, say_on_stderr)
    except PhantomError as error:
        print(f"phantom traces: error: {error}", file=sys.stderr)
        return exit_code(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
