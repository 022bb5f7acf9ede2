"""Recording beside what a Python user would write: frames of 1 kB of three connections, to disk.

Every contender takes the same frames with their times of arrival from one Python loop, compresses them, and
has them on the disk at most half a second later, so that a crash loses no more. The clock stops when the
file is closed and synced. Ours writes in a thread of its own and keeps an index; the others write a stream.
Two thirds of the frames differ from one just before only in the number of the subscription.

    python -m benchmarks.recording [--count 900000] [--rounds 3] [--directory /somewhere/on/a/disk]

Needs zstandard and msgpack for the peers; those that are not installed are left out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks import feed_server
from phantom_arbiter.replay.recorder import RecorderSink
from phantom_core import Recorder

CONNECTIONS = 3
UNIQUE = 30_000
"""Writes before they come again: 30 MB of them, many times what a compressor looks back."""
LEVEL = 3
MOST_WAITING = 32 << 20
SYNC_NS = 400_000_000

Contender = Callable[[list[tuple[int, bytes]], int, Path], str]


def make_frames() -> list[tuple[int, bytes]]:
    """Return frames and their connections: each write from all, from the later ones some writes behind."""
    texts = [head[4:] + feed_server.STAMP + tail for head, tail in feed_server.writes(UNIQUE)]
    frames = []
    for index in range(UNIQUE):
        for connection in range(CONNECTIONS):
            text = texts[(index - 3 * connection) % UNIQUE]
            frames.append(
                (connection, text.replace(b'"subscription":', b'"subscription":%d' % (connection + 1)))
            )
    return frames


def ours(frames: list[tuple[int, bytes]], count: int, folder: Path) -> str:
    """`Recorder` behind the sink that `phantom record` uses."""
    names = [f"{name}/0" for name in "abc"]
    header = {"created": "", "source": "", "description": "", "tool": "", "endpoints": names, "metadata": {}}
    begin = time.monotonic_ns()
    with Recorder(folder / "ours.phrec", header, level=LEVEL) as recorder:
        sink = RecorderSink(recorder, lambda: time.monotonic_ns() - begin)
        receive = [sink.receiver(name) for name in names]
        for index, (connection, frame) in enumerate(islice(cycle(frames), count)):
            receive[connection](frame)
            if index % 1_000 == 0:
                # A feed comes no faster than it is written, over time; here the loop has to wait.
                while recorder.stats().waiting_bytes > MOST_WAITING:
                    time.sleep(0.002)
        given = time.monotonic_ns()
    stats = recorder.stats()
    if stats.frames + stats.lost != count:
        raise SystemExit(f"ours: {stats.frames} frames kept and {stats.lost} left out of {count}")
    return f"lost {stats.lost}, loop {(given - begin) / 1e9:.2f} s"


def streamed(pack: Callable[[int, int, bytes], bytes], zstandard: Any) -> Contender:
    """zstandard's stream writer with the same level and window, flushed and synced as often as ours."""

    def run(frames: list[tuple[int, bytes]], count: int, folder: Path) -> str:
        parameters = zstandard.ZstdCompressionParameters.from_level(LEVEL, window_log=23)
        compressor = zstandard.ZstdCompressor(compression_params=parameters)
        begin = synced = time.monotonic_ns()
        with (folder / "stream.zst").open("wb") as file, compressor.stream_writer(file) as writer:
            for connection, frame in islice(cycle(frames), count):
                now = time.monotonic_ns()
                writer.write(pack(connection, now - begin, frame))
                if now - synced > SYNC_NS:
                    writer.flush(zstandard.FLUSH_BLOCK)
                    os.fdatasync(file.fileno())
                    synced = now
            writer.flush(zstandard.FLUSH_FRAME)
            file.flush()
            os.fsync(file.fileno())
        return ""

    return run


def contenders() -> Iterator[tuple[str, Contender]]:
    """Yield every contender there is, ours first."""
    yield "Recorder", ours
    try:
        zstandard = import_module("zstandard")
    except ImportError:
        print("zstandard is not installed: its rows are left out", file=sys.stderr)
        return
    head = struct.Struct("<IQI").pack
    yield "zstandard + struct", streamed(lambda c, at, frame: head(c, at, len(frame)) + frame, zstandard)
    try:
        pack = import_module("msgpack").Packer().pack
    except ImportError:
        print("msgpack is not installed: its row is left out", file=sys.stderr)
        return
    yield "zstandard + msgpack", streamed(lambda c, at, frame: pack((c, at, frame)), zstandard)


def main() -> None:
    """Print a row for each contender."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=900_000, help="frames of a run (default 900,000)")
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds (default 3)")
    parser.add_argument("--directory", type=Path, help="where to write (default: the system's temporary one)")
    parser.add_argument("--peers", default="", help="comma list: only those whose name contains one")
    options = parser.parse_args()
    frames = make_frames()
    size = sum(len(frame) for _, frame in frames) / len(frames)
    named = [row for row in contenders() if any(part in row[0] for part in options.peers.split(","))]
    seconds: dict[str, list[float]] = {name: [] for name, _ in named}
    processor: dict[str, list[float]] = {name: [] for name, _ in named}
    written: dict[str, int] = {}
    notes: dict[str, str] = {}
    for _ in range(options.rounds):
        for name, run in named:
            with tempfile.TemporaryDirectory(dir=options.directory) as folder:
                start, start_cpu = time.perf_counter(), time.process_time()
                notes[name] = run(frames, options.count, Path(folder))
                seconds[name].append(time.perf_counter() - start)
                processor[name].append(time.process_time() - start_cpu)
                written[name] = sum(path.stat().st_size for path in Path(folder).iterdir())
    raw = options.count * size
    print(f"{options.count:,} frames of {size:,.0f} bytes, {options.rounds} rounds, level {LEVEL}")
    print("| recorder | frames/s | MB/s | ns of processor a frame | file, % of the frames | |")
    print("|---|---|---|---|---|---|")
    for name, all_ in seconds.items():
        middle = statistics.median(all_)
        cost = statistics.median(processor[name]) / options.count * 1e9
        row = [f"{options.count / middle:,.0f}", f"{raw / middle / 1e6:,.0f}", f"{cost:,.0f}"]
        print(f"| {name} | {' | '.join(row)} | {written[name] / raw:.1%} | {notes[name]} |")


if __name__ == "__main__":
    main()
