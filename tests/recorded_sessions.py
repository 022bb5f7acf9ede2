"""Recordings in parts for tests: the shipped day, cut anew."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from phantom_arbiter.sources.recorded import DEMO_RECORDING
from phantom_core import Record, Recorder, Recording

HEADER: dict[str, Any] = {
    "created": "2022-04-06T00:00:00Z",
    "source": "test",
    "description": "a few frames",
    "tool": "test",
    "endpoints": ["rpc/0"],
    "metadata": {"recording": "abc", "began_unix_ns": 1_649_203_200_000_000_000},
}


def write_parts(
    path: Path, records: Iterable[Record], header: dict[str, Any] = HEADER, **options: int
) -> list[Path]:
    """Write `records` with a `Recorder` and return its files in order."""
    with Recorder(path, header, **options) as recorder:
        for record in records:
            recorder.append(record.kind, record.endpoint, record.arrival_ns, record.frame)
    return sorted(path.parent.glob(f"{path.stem}-*{path.suffix}"))


def demo_header() -> dict[str, Any]:
    """Return the shipped recording's header, as one that can be cut into parts."""
    header = Recording(DEMO_RECORDING).header
    return header | {"metadata": header.get("metadata", {}) | {"recording": "demo", "began_unix_ns": 7}}


def demo_records(count: int | None = None) -> list[Record]:
    """Return the first records of the shipped recording."""
    return list(islice(Recording(DEMO_RECORDING), count))
