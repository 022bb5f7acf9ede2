"""What it costs a decision to be watched: frame to decision with and without viewers, in one run.

    python benchmarks/viewers.py [--rounds 6] [--frames 8000]

The shipped recording's frames are handed to a run at a steady rate, and the time from each frame to the
decision it led to is taken, as `phantom run` does. Conditions take turns, round by round, in an order that
turns, too, so that whatever else the machine does meets all of them alike. Viewers are processes, as in a
run: those that follow the socket decode every record; browsers are WebSockets of one dashboard, opened by one
process. They stay between the turns. Every turn is a run of its own on a fresh market: the same frames.

Printed: microseconds, and the ratio to the run with nobody there.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import cast

from phantom_arbiter.config_sources import load
from phantom_arbiter.engine import Engine, Progress, Trade
from phantom_arbiter.mints import MintBook
from phantom_arbiter.native import build_native_engine
from phantom_arbiter.session import run_session
from phantom_arbiter.sources.recorded import DEMO_RECORDING
from phantom_arbiter.summary import SourceInfo
from phantom_arbiter.telemetry.bus import Both, Bus
from phantom_arbiter.telemetry.follow import follow
from phantom_arbiter.telemetry.publisher import Publisher
from phantom_arbiter.telemetry.serving import Viewing
from phantom_core import LatencyHistogram, Record, Recording

INFO = SourceInfo("demo", "benchmark", "recorded", None, None, MintBook(), assume_plain_mints=True)
RATES = (1_000, 10_000)
NICER = 5
WAIT_S = 60.0


@dataclass
class Condition:
    """So many viewers, and what decisions took while they were there."""

    name: str
    followers: int = 0
    browsers: int = 0
    publish: bool = True
    folder: Path = Path()
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    spans: dict[int, list[array[int]]] = field(default_factory=dict)
    told: int = 0

    @property
    def viewers(self) -> int:
        """Connections that the run has: a dashboard is one."""
        return self.followers + (1 if self.browsers else 0)


class Nobody:
    """An observer that looks away."""

    def progress(self, progress: Progress) -> None:
        """Leave it."""

    def traded(self, trade: Trade) -> None:
        """Leave it."""

    def refused(self, plan: object, verdict: object) -> None:
        """Leave it."""

    def notice(self, text: str) -> None:
        """Stop: something is wrong."""
        raise SystemExit(text)


class Spans:
    """Every duration, in the place of the engine's histogram."""

    def __init__(self) -> None:
        self.all = array("q")
        self.add = self.all.append
        self._histogram = LatencyHistogram()

    def __getattr__(self, name: str) -> object:
        return getattr(self._histogram, name)


class Paced:
    """The recording's first frames at a steady rate."""

    def __init__(self, records: list[Record], rate: int, spans: Spans) -> None:
        self._records, self._rate, self._spans = records, rate, spans

    def drive(self, engine: Engine) -> None:
        """Hand them over, each when it is due."""
        engine.latency = cast(LatencyHistogram, self._spans)
        engine.run(self._due())

    def stop(self) -> None:
        """Go on to the end."""

    def _due(self) -> Iterator[Record]:
        begun_ns = time.perf_counter_ns()
        for number, record in enumerate(self._records):
            left_ns = begun_ns + number * 1_000_000_000 // self._rate - time.perf_counter_ns()
            if left_ns > 0:
                time.sleep(left_ns / 1e9)
            yield record


def turn(condition: Condition, records: list[Record], rate: int, folder: Path) -> None:
    """Run the frames once, watched as `condition` has it."""
    journal = folder / "journal.sqlite"
    journal.unlink(missing_ok=True)
    telemetry = {"publish": condition.publish, "socket_dir": condition.folder}
    effective = load({"journal": {"path": journal}, "telemetry": telemetry})
    bus, spans = Bus(), Spans()

    def begun(publisher: Publisher | None) -> None:
        deadline = time.monotonic() + WAIT_S
        while publisher is not None and publisher.greeted < condition.viewers:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{publisher.greeted} of {condition.viewers} viewers follow")
            time.sleep(0.02)
        time.sleep(0.3)

    run_session(
        effective,
        INFO,
        Paced(records, rate, spans),
        build_native_engine(effective.config, assume_plain_mints=True),
        Both(bus, Nobody()) if condition.publish else Nobody(),
        viewing=Viewing(bus, begun) if condition.publish else None,
    )
    condition.spans.setdefault(rate, []).append(spans.all)


def start(condition: Condition) -> None:
    """Start its viewers; they wait for runs."""
    condition.folder.mkdir(mode=0o700)
    for _ in range(condition.followers):
        condition.processes.append(_process("--follow", str(condition.folder)))
    if condition.browsers:
        socket = condition.folder / f"run-{os.getpid()}.sock"
        dashboard = subprocess.Popen(
            [sys.executable, "-m", "phantom_arbiter.galaxy", str(socket)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        os.setpriority(os.PRIO_PROCESS, dashboard.pid, NICER)
        assert dashboard.stdin is not None
        assert dashboard.stderr is not None
        dashboard.stdin.write(b'{"port":0}\n')
        dashboard.stdin.flush()
        url = dashboard.stderr.readline().decode().split()[-1]
        condition.processes.append(dashboard)
        condition.processes.append(_process("--browse", url, str(condition.browsers)))


def _process(*arguments: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, __file__, *arguments], stdin=subprocess.PIPE)
    os.setpriority(os.PRIO_PROCESS, process.pid, NICER)
    return process


async def follow_all(folder: Path) -> None:
    """Follow one run after the other, and fold nothing: records are decoded."""
    find = lambda: next(iter(sorted(folder.glob("run-*.sock"))), None)  # noqa: E731
    async for _ in follow(find, look_every_s=0.2):
        pass


async def browse(url: str, browsers: int) -> None:
    """Open so many WebSockets, and read them."""
    import websockets

    address = url.replace("http://", "ws://").rstrip("/") + "/ws"

    async def read() -> None:
        async with websockets.connect(
            address, origin=cast(websockets.Origin, url.rstrip("/")), compression=None, max_size=None
        ) as browser:
            async for _ in browser:
                pass

    await asyncio.gather(*(read() for _ in range(browsers)))


def quantile(spans: array[int], fraction: float) -> float:
    """Return the quantile in microseconds."""
    ordered = sorted(spans)
    return ordered[min(int(len(ordered) * fraction), len(ordered) - 1)] / 1e3


def measure(rounds: int, frames: int, rates: tuple[int, ...]) -> None:
    """Measure and print the table."""
    records = [each for each, _ in zip(Recording(DEMO_RECORDING), range(frames), strict=False)]
    conditions = [
        Condition("nobody"),
        Condition("1 viewer", followers=1),
        Condition("16 viewers", followers=16),
        Condition("100 browsers", browsers=100),
    ]
    with tempfile.TemporaryDirectory(prefix="pv-") as name:
        folder = Path(name)
        try:
            for number, condition in enumerate(conditions):
                condition.folder = folder / str(number)
                start(condition)
            for number in range(rounds):
                for rate in rates:
                    first = number % len(conditions)
                    for condition in conditions[first:] + conditions[:first]:
                        turn(condition, records, rate, folder)
        finally:
            for condition in conditions:
                for process in condition.processes:
                    process.kill()
                    process.wait()
    for rate in rates:
        _print(rate, conditions)


def _print(rate: int, conditions: list[Condition]) -> None:
    """Print each condition, with the median over the rounds of its ratio to nobody's turn in that round."""
    print(f"\n{rate:,} frames/s          p50 us   p99 us    ratio p50   ratio p99   (each round's p99 ratio)")
    base = conditions[0].spans[rate]
    for condition in conditions:
        turns = condition.spans[rate]
        together = array("q")
        for spans in turns:
            together.extend(spans)
        ratios = {
            fraction: [
                quantile(spans, fraction) / quantile(alone, fraction)
                for spans, alone in zip(turns, base, strict=True)
            ]
            for fraction in (0.5, 0.99)
        }
        each = " ".join(f"{ratio:.2f}" for ratio in ratios[0.99])
        print(
            f"{condition.name:20} {quantile(together, 0.5):9.2f} {quantile(together, 0.99):8.1f}"
            f"    {median(ratios[0.5]):9.3f}   {median(ratios[0.99]):9.3f}   ({each})"
        )


def main() -> None:
    """Measure, or be one of the viewers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--frames", type=int, default=8_000)
    parser.add_argument("--rates", type=int, nargs="*", default=RATES)
    parser.add_argument("--follow", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--browse", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        if asked.follow:
            asyncio.run(follow_all(asked.follow))
        elif asked.browse:
            asyncio.run(browse(asked.browse[0], int(asked.browse[1])))
        else:
            measure(asked.rounds, asked.frames, tuple(asked.rates))


if __name__ == "__main__":
    main()
