"""How many notifications a second the local net gives to picows clients that only count them.

First the simulator alone, in this process: writes it can make. Then the net in a process of its own, which
shares the machine's cores with the clients: nobody listening, one client, three clients at an endpoint each.
Every client listens to all programs of the venues and to the token program, so it is told of every write.

`--rate N` writes that many a second as the simulator makes them, `--rate max` as fast as clients take them,
`--prepare N` plays writes made beforehand over and over, which leaves out what making them costs. Needs
picows besides the extra `localnet`. Usage:
`python benchmarks/localnet_fanout.py [--seconds 5] [--rate N|max] [--prepare N] [--venue orca_whirlpool]`.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import time
from typing import Any

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from phantom_arbiter.localnet import LocalNetProcess, NetSettings
from phantom_arbiter.localnet.simulator import Simulator, SimulatorSettings
from phantom_core._native import account_layouts

TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"


class Counter(WSListener):
    """Subscribes, and counts what comes."""

    def __init__(self, programs: list[str]) -> None:
        self.frames = 0
        self.bytes = 0
        self._programs = programs

    def on_ws_connected(self, transport: WSTransport) -> None:
        config = {"encoding": "base64", "commitment": "processed"}
        for number, program in enumerate(self._programs):
            request = {"jsonrpc": "2.0", "id": number, "method": "programSubscribe"}
            transport.send(WSMsgType.TEXT, json.dumps({**request, "params": [program, config]}).encode())

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        self.frames += 1
        self.bytes += len(frame.get_payload_as_memoryview())


def simulate(arguments: argparse.Namespace) -> None:
    """Print how fast the simulator makes writes, in processor time: others may use the machine."""
    simulator = Simulator(SimulatorSettings(writes_per_slot=20_000, venues=tuple(arguments.venue or ())))
    events = simulator.events()
    writes = swaps = 0
    start = time.process_time()
    while (used := time.process_time() - start) < arguments.seconds:
        for event in itertools.islice(events, 1_000):
            if not isinstance(event, int):
                writes += len(event)
                swaps += 1
    print(
        f"simulator alone: {writes / used:,.0f} writes per core second, {swaps / used:,.0f} swaps "
        f"in {len(simulator.pools)} pools"
    )


async def measure(connections: int, arguments: argparse.Namespace) -> None:
    rate = None if arguments.rate == "max" else float(arguments.rate)
    venues = tuple(arguments.venue or ())
    settings = NetSettings(
        endpoints=max(connections, 1), rate=rate, prepare=arguments.prepare, venues=venues, autostart=False
    )
    programs = {layout.programs[0] for layout in account_layouts() if layout.venue in venues or not venues}
    subscribed = sorted({*programs, *((TOKEN,) if not arguments.pools_only else ())})
    async with LocalNetProcess(settings) as net:
        counters = []
        for endpoint in net.endpoints[:connections]:
            _, listener = await ws_connect(lambda: Counter(subscribed), endpoint.ws_url)
            counters.append(listener)
        await net.resume()
        await asyncio.sleep(1.0)
        start, before, cpu = time.perf_counter(), totals(counters), server_cpu_s(net.pid)
        written = (await net.stats())["writes"]
        await asyncio.sleep(arguments.seconds)
        written = (await net.stats())["writes"] - written
        seconds, after = time.perf_counter() - start, totals(counters)
        used = server_cpu_s(net.pid) - cpu
        frames, data = (after[each] - before[each] for each in (0, 1))
        print(
            f"{connections} client(s), rate {arguments.rate}: {written / seconds:9,.0f} writes/s, "
            f"{frames / seconds:9,.0f} frames/s, {data / seconds / 1e6:6,.1f} MB/s, "
            f"{data / max(frames, 1):6,.0f} bytes each; server {used / seconds:.2f} cores"
        )


def totals(counters: list[Any]) -> tuple[int, int]:
    return sum(each.frames for each in counters), sum(each.bytes for each in counters)


def server_cpu_s(pid: int) -> float:
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", default="50000")
    parser.add_argument("--prepare", type=int, default=0)
    parser.add_argument("--venue", action="append")
    parser.add_argument("--pools-only", action="store_true", help="do not listen to vaults")
    arguments = parser.parse_args()
    try:
        from uvloop import run
    except ImportError:
        run = asyncio.run
    simulate(arguments)
    for connections in (0, 1, 3):
        run(measure(connections, arguments))
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, nice {os.nice(0)}")


if __name__ == "__main__":
    main()
