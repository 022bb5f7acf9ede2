"""Record what arrives: a source hands frames to a sink, the native recorder writes them in its own thread.

What has arrived is on the disk 0.4 seconds later, synced: a crash loses less than the last second and never a
file. See `phantom_core.Recorder`.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from phantom_arbiter import __version__
from phantom_arbiter.sources import sink as sinks
from phantom_arbiter.sources.endpoints import Endpoint
from phantom_arbiter.sources.sink import Receive, Sink
from phantom_arbiter.sources.websocket import Feed, Subscription
from phantom_core import Recorder, RecorderStats

REPORT_INTERVAL_S = 0.5
"""How often progress is told, and how soon a failed disk is noticed if nothing arrives."""


class FrameSource(Protocol):
    """Where frames come from."""

    @property
    def connections(self) -> Sequence[str]:
        """Names of the connections that there may be; others may still come."""
        ...

    async def run(self, sink: Sink) -> None:
        """Hand frames to `sink` until there are no more, or until it is cancelled."""
        ...


class RecorderSink(sinks.RecorderSink):
    """Hands everything to a native recorder, frames by the short way."""

    def __init__(self, recorder: Recorder, now_ns: Callable[[], int]) -> None:
        """Record with `recorder`; `now_ns` gives nanoseconds since the recording began, never going back."""
        super().__init__(recorder, now_ns)
        self._recorder = recorder
        self.open: set[str] = set()

    def connected(self, connection: str) -> None:
        """Write that a connection opened."""
        super().connected(connection)
        self.open.add(connection)

    def disconnected(self, connection: str) -> None:
        """Write that a connection ended."""
        super().disconnected(connection)
        self.open.discard(connection)

    def receiver(self, connection: str) -> Receive:
        """Return what takes the messages of `connection`: its name need not be looked up."""
        received, number = self._recorder.received, self._recorder.connection(connection)
        now_ns = self._now_ns

        def receive(frame: bytes) -> None:
            received(number, now_ns(), frame)

        return receive


class FeedSource:
    """The endpoints of the configuration."""

    def __init__(self, endpoints: Iterable[Endpoint], subscriptions: Iterable[Subscription]) -> None:
        """Prepare; nothing is opened before `run`."""
        self._endpoints = [endpoint for endpoint in endpoints if endpoint.ws_url is not None]
        self._subscriptions = list(subscriptions)

    @property
    def connections(self) -> Sequence[str]:
        """As many per endpoint as the subscriptions need, and as it allows."""
        names = []
        for endpoint in self._endpoints:
            # One subscription of each connection is for slots.
            room = endpoint.max_subscriptions_per_connection - 1
            needed = max(1, -(-len(self._subscriptions) // room))
            names += [f"{endpoint.name}/{index}" for index in range(min(needed, endpoint.max_connections))]
        return names

    async def run(self, sink: Sink) -> None:
        """Keep the subscriptions alive until it is cancelled; then close the connections in order."""
        async with Feed(self._endpoints, sink) as feed:
            feed.subscribe(self._subscriptions)
            await feed.run()


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a new file begins; None: never for that."""

    max_bytes: int | None = None
    max_ns: int | None = None


def new_recorder(
    path: Path,
    connections: Sequence[str],
    *,
    rotation: Rotation | None = None,
    description: str,
    level: int = 3,
) -> Recorder:
    """Return a recorder whose first file is there.

    Args:
        path: Names the files: `day.phrec` means `day-0001.phrec` and so on.
        connections: Those known so far.
        rotation: When a new file begins; never by default.
        description: One sentence for whoever finds the file.
        level: zstd level, 1 to 22.

    Raises:
        RecordingError: The file exists or cannot be created.
        InvalidInput: The rotation or the level is out of range.
    """
    began = datetime.now(UTC)
    metadata: dict[str, Any] = {
        "label": "as the endpoints sent it",
        "recording": uuid.uuid4().hex,
        "began_unix_ns": int(began.timestamp() * 1_000_000) * 1_000,
    }
    header = {
        "created": began.isoformat(timespec="milliseconds"),
        "source": "live",
        "description": description,
        "tool": f"phantom-arbiter {__version__}",
        "endpoints": list(connections),
        "metadata": metadata,
    }
    rotation = rotation or Rotation()
    return Recorder(path, header, level=level, max_file_bytes=rotation.max_bytes, max_file_ns=rotation.max_ns)


async def record(
    source: FrameSource,
    recorder: Recorder,
    *,
    stop: asyncio.Event,
    on_progress: Callable[[RecorderStats, int], object] = lambda stats, connections: None,
    clock_ns: Callable[[], int] = time.monotonic_ns,
) -> None:
    """Record `source` until it ends or `stop` is set; the recorder is closed however this ends.

    `on_progress` hears what was recorded and how many connections are open, twice a second.

    Raises:
        RecordingError: The disk refused; what was written before stays readable.
    """
    began_ns = clock_ns()
    sink = RecorderSink(recorder, lambda: clock_ns() - began_ns)
    running = asyncio.ensure_future(source.run(sink))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not running.done() and not stopping.done() and not recorder.has_failed:
            await asyncio.wait(
                (running, stopping), timeout=REPORT_INTERVAL_S, return_when=asyncio.FIRST_COMPLETED
            )
            on_progress(recorder.stats(), len(sink.open))
    finally:
        stopping.cancel()
        if not running.done():
            running.cancel()
        # A failed disk is told once: by the source that met it, else on closing.
        try:
            with suppress(asyncio.CancelledError):
                await running
        finally:
            await asyncio.to_thread(recorder.close)
            on_progress(recorder.stats(), len(sink.open))
