"""What the dashboard's server takes with many browsers: processor, memory, and whether all hear everything.

`python benchmarks/dashboard.py` starts a made-up run (2,000 pools, 1,000 updates/s), the server, and raw
WebSocket clients, of which a sixth never reads; prints a line for each number of them.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
SHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Reader(asyncio.Protocol):
    """A browser that counts bytes."""

    def __init__(self) -> None:
        self.size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(SHAKE)

    def data_received(self, data: bytes) -> None:
        self.size += len(data)


async def be_a_run(path: Path, pools: int, rate: int) -> None:
    """Say the same ten seconds again and again, 20 times a second, on the Unix socket at `path`."""
    from telemetry_samples import SampleRun, framed

    run = SampleRun(pools)
    hello = framed(run.hello()) + framed(run.snapshot())
    ticks = []
    for tick in range(200):
        happened = run.step(rate // 20, 50_000_000)
        if tick % 5 == 0:
            happened.append(run.status())
        ticks.append(b"".join(map(framed, happened)))
    writers: set[asyncio.StreamWriter] = set()

    async def viewer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(hello)
        writers.add(writer)

    await asyncio.start_unix_server(viewer, path)
    loop = asyncio.get_running_loop()
    due = loop.time()
    for tick in itertools.count():
        due += 0.05
        await asyncio.sleep(due - loop.time())
        for writer in [each for each in writers if not each.is_closing()]:
            writer.write(ticks[tick % len(ticks)])


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def measure(pid: int, port: int, viewers: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    sleepers, readers, transports = [], [], []
    for n in range(viewers):
        if n % 6 == 5:
            sleeper = socket.socket()
            sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
            sleeper.connect(("127.0.0.1", port))
            sleeper.send(SHAKE)
            sleepers.append(sleeper)
        else:
            transport, reader = await loop.create_connection(Reader, "127.0.0.1", port)
            transports.append(transport)
            readers.append(reader)
    await asyncio.sleep(5)
    began, before, sizes = time.monotonic(), cpu_s(pid), [reader.size for reader in readers]
    await asyncio.sleep(seconds)
    took = time.monotonic() - began
    heard = sorted((reader.size - size) / took / 1_000 for reader, size in zip(readers, sizes, strict=True))
    share = (cpu_s(pid) - before) / took
    spread = f"{heard[0]:8.1f} {heard[-1]:8.1f}" if heard else f"{'-':>8} {'-':>8}"
    print(f"{viewers:7} {len(sleepers):8} {share:8.1%} {rss_mb(pid):8.0f} {spread}", flush=True)
    for each in (*transports, *sleepers):
        each.close()
    await asyncio.sleep(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, nargs="+", default=[0, 1, 100, 300])
    parser.add_argument("--pools", type=int, default=2_000)
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--be-a-run", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    if arguments.be_a_run is not None:
        asyncio.run(be_a_run(arguments.be_a_run, arguments.pools, arguments.rate))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.sock"
        words = [__file__, "--be-a-run", path, "--pools", arguments.pools, "--rate", arguments.rate]
        run = subprocess.Popen([sys.executable, *map(str, words)])
        while not path.exists():
            time.sleep(0.05)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = subprocess.Popen(
            [sys.executable, "-m", "phantom_arbiter.galaxy", path], stdin=subprocess.PIPE
        )
        assert server.stdin is not None
        server.stdin.write(b'{"port": %d}\n' % port)
        server.stdin.flush()
        time.sleep(3)
        try:
            print("viewers sleeping      cpu   rss MB  kB/s min  kB/s max", flush=True)
            for viewers in arguments.viewers:
                asyncio.run(measure(server.pid, port, viewers, arguments.seconds))
        finally:
            server.stdin.close()
            server.wait()
            run.terminate()
            run.wait()


if __name__ == "__main__":
    main()
