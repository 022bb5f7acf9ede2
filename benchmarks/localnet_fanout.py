"""How many notifications a second the local net gives to picows clients that only count them.

Needs picows besides the extra `localnet`. Server and clients share this machine's cores; the server is a
process of its own. Usage:
`python benchmarks/localnet_fanout.py [--seconds 5] [--rate max|N] [--venue orca_whirlpool]`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from typing import Any

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from phantom_arbiter.localnet import LocalNetProcess, NetSettings
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


async def measure(connections: int, arguments: argparse.Namespace) -> None:
    rate = None if arguments.rate == "max" else float(arguments.rate)
    venues = tuple(arguments.venue or ())
    settings = NetSettings(
        endpoints=connections, rate=rate, prepare=arguments.prepare, venues=venues, autostart=False
    )
    programs = {layout.programs[0] for layout in account_layouts() if layout.venue in venues or not venues}
    subscribed = sorted({*programs, *((TOKEN,) if not arguments.pools_only else ())})
    async with LocalNetProcess(settings) as net:
        counters = []
        for endpoint in net.endpoints:
            _, listener = await ws_connect(lambda: Counter(subscribed), endpoint.ws_url)
            counters.append(listener)
        await net.resume()
        await asyncio.sleep(1.0)
        start, before, cpu = time.perf_counter(), totals(counters), server_cpu_s(net.pid)
        await asyncio.sleep(arguments.seconds)
        seconds, after = time.perf_counter() - start, totals(counters)
        used = server_cpu_s(net.pid) - cpu
        frames, data = (after[each] - before[each] for each in (0, 1))
        print(
            f"{connections} connection(s), {arguments.rate}: {frames / seconds:10,.0f} frames/s "
            f"{data / seconds / 1e6:8,.1f} MB/s  {data / max(frames, 1):7,.0f} bytes each  "
            f"server {used / seconds:.2f} cores, {frames / max(used, 0.01):,.0f} frames per core second"
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
    parser.add_argument("--rate", default="max")
    parser.add_argument("--prepare", type=int, default=60_000)
    parser.add_argument("--venue", action="append")
    parser.add_argument("--pools-only", action="store_true", help="do not listen to vaults")
    arguments = parser.parse_args()
    try:
        from uvloop import run
    except ImportError:
        run = asyncio.run
    for connections in (1, 3):
        run(measure(connections, arguments))


if __name__ == "__main__":
    main()
