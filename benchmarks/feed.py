"""Live ingest over loopback WebSockets: ours beside picows + msgspec and websockets + orjson, in one run.

Three connections carry the same account notifications of 1 kB, so two thirds are duplicates. Every client
subscribes, parses each frame and keeps the first of each write. Ours orders the writes of a slot, decodes the
fresh ones and makes objects of them besides: it is the whole of `Feed` and `WssAggregator`, the others are a
loop and a set.

- flood: frames a second, from the first to the last, as fast as the client takes them; and the client's own
  processor time for each frame, which says what a free core would do while others share the machine.
- paced: time from the send of a frame to the verdict on it, at a third of 300,000 frames a second.

    python -m benchmarks.feed [--rounds 5] [--count 30000] [--rate 100000] [--peers ours,picows]

Needs picows, msgspec, websockets, orjson and uvloop.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import orjson
import picows
import uvloop
import websockets

from benchmarks import feed_server
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_arbiter.sources.sink import AggregatorSink, Receive
from phantom_arbiter.sources.websocket import Feed, account
from phantom_core import WssAggregator

CONNECTIONS = 3
ADDRESSES = feed_server.addresses()
MARK = b'"lamports":'


class Meter:
    """Counts verdicts; in a paced run it keeps the latency of each."""

    def __init__(self, total: int, *, timed: bool) -> None:
        self.total = total
        self.seen = self.fresh = 0
        self.latencies: list[int] = []
        self.done = asyncio.get_running_loop().create_future()
        self.decided = self._timed if timed else self._counted

    def _counted(self, frame: bytes, is_fresh: bool) -> None:
        if self.seen == 0:
            self.begin, self.begin_cpu = time.perf_counter(), time.process_time()
        self.seen += 1
        self.fresh += is_fresh
        if self.seen == self.total:
            self.end, self.end_cpu = time.perf_counter(), time.process_time()
            self.done.set_result(None)

    def _timed(self, frame: bytes, is_fresh: bool) -> None:
        now = time.monotonic_ns()
        at = frame.index(MARK, 90) + len(MARK)
        self.latencies.append(now - int(frame[at : at + 19]) + feed_server.NO_TIME)
        self._counted(frame, is_fresh)


Client = Callable[[int, Meter], Awaitable[None]]


class MeasuredSink(AggregatorSink):
    """The aggregator's sink, with the meter called after each verdict on a notification."""

    def __init__(self, meter: Meter) -> None:
        self.aggregator = WssAggregator()
        super().__init__(self.aggregator, lambda news: None)
        self._meter = meter

    def receiver(self, connection: str) -> Receive:
        push, number, decided = (
            self.aggregator.push,
            self.aggregator.endpoint(connection),
            self._meter.decided,
        )

        def receive(frame: bytes) -> None:
            news = push(number, frame)
            if len(frame) > 500:
                decided(frame, bool(news))

        return receive


async def ours(port: int, meter: Meter) -> None:
    """`Feed` with three endpoints and `WssAggregator`."""
    limits: dict[str, Any] = {"max_subscriptions_per_connection": len(ADDRESSES) + 1}
    url = SecretUrl(f"ws://127.0.0.1:{port}/")
    endpoints = [Endpoint(name=name, ws_url=url, **limits) for name in ("a", "b", "c")]
    async with Feed(endpoints, MeasuredSink(meter)) as feed:
        feed.subscribe(account(address) for address in ADDRESSES)
        await meter.done


class _Value(msgspec.Struct):
    data: tuple[str, str]
    lamports: int
    owner: str


class _Context(msgspec.Struct):
    slot: int


class _Result(msgspec.Struct):
    context: _Context
    value: _Value


class _Params(msgspec.Struct):
    result: _Result
    subscription: int


class _Notification(msgspec.Struct):
    params: _Params


def _subscriptions() -> list[bytes]:
    return [account(address).request(number, "processed") for number, address in enumerate(ADDRESSES, 1)]


async def picows_msgspec(port: int, meter: Meter) -> None:
    """picows, typed msgspec, a set of (subscription, slot, data)."""
    seen: set[tuple[int, int, str]] = set()
    decode = msgspec.json.Decoder(_Notification).decode

    class Listener(picows.WSListener):
        def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
            if frame.payload_size < 500:
                return
            payload = frame.get_payload_as_bytes()
            params = decode(payload).params
            key = (params.subscription, params.result.context.slot, params.result.value.data[0])
            is_fresh = key not in seen
            if is_fresh:
                seen.add(key)
            meter.decided(payload, is_fresh)

    transports = [(await picows.ws_connect(Listener, f"ws://127.0.0.1:{port}/"))[0] for _ in range(3)]
    for request in _subscriptions():
        for transport in transports:
            transport.send(picows.WSMsgType.TEXT, request)
    await meter.done
    for transport in transports:
        transport.disconnect()


async def websockets_ours(port: int, meter: Meter) -> None:
    """`websockets` instead of picows, in front of `WssAggregator`: what the choice of the library is worth."""
    sink = MeasuredSink(meter)

    async def one(name: str) -> None:
        async with websockets.connect(f"ws://127.0.0.1:{port}/", compression=None, max_queue=None) as socket:
            sink.connected(name)
            receive = sink.receiver(name)
            for request in _subscriptions():
                sink.sent(name, request)
                await socket.send(request, text=True)
            while not meter.done.done():
                receive(await socket.recv(decode=False))

    tasks = [asyncio.ensure_future(one(name)) for name in ("a", "b", "c")]
    await meter.done
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def websockets_orjson(port: int, meter: Meter) -> None:
    """`websockets`, orjson, a set of (subscription, slot, data)."""
    seen: set[tuple[int, int, str]] = set()

    async def one() -> None:
        async with websockets.connect(f"ws://127.0.0.1:{port}/", compression=None, max_queue=None) as socket:
            for request in _subscriptions():
                await socket.send(request, text=True)
            count = meter.total // CONNECTIONS
            while count:
                payload = await socket.recv(decode=False)
                if len(payload) < 500:
                    continue
                count -= 1
                params = orjson.loads(payload)["params"]
                result = params["result"]
                key = (params["subscription"], result["context"]["slot"], result["value"]["data"][0])
                is_fresh = key not in seen
                if is_fresh:
                    seen.add(key)
                meter.decided(payload, is_fresh)

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))


PEERS: dict[str, tuple[Client, bool]] = {
    "ours": (ours, False),
    "ours + uvloop": (ours, True),
    "picows + msgspec typed + set": (picows_msgspec, False),
    "picows + msgspec typed + set + uvloop": (picows_msgspec, True),
    "websockets + WssAggregator": (websockets_ours, False),
    "websockets + WssAggregator + uvloop": (websockets_ours, True),
    "websockets + orjson + set": (websockets_orjson, False),
    "websockets + orjson + set + uvloop": (websockets_orjson, True),
}


def measure(name: str, port: int, count: int, *, timed: bool) -> Meter:
    client, uv = PEERS[name]

    async def once() -> Meter:
        meter = Meter(count * CONNECTIONS, timed=timed)
        async with asyncio.timeout(60):
            await client(port, meter)
        if meter.fresh != count:
            raise SystemExit(f"{name}: {meter.fresh} of {count} writes were fresh")
        return meter

    with asyncio.Runner(loop_factory=uvloop.new_event_loop if uv else None) as runner:
        return runner.run(once())


def quantile(values: list[int], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=30_000, help="writes, each sent on every connection")
    parser.add_argument(
        "--rate", type=float, default=100_000.0, help="frames a second of a paced run, in all"
    )
    parser.add_argument("--peers", default="", help="comma list: only those whose name contains one")
    arguments = parser.parse_args()
    names = [name for name in PEERS if any(part in name for part in arguments.peers.split(","))]
    rates: dict[str, list[float]] = {name: [] for name in names}
    costs: dict[str, list[float]] = {name: [] for name in names}
    latencies: dict[str, list[int]] = {name: [] for name in names}
    for rate, timed in ((0.0, False), (arguments.rate, True)):
        server, port = feed_server.start(CONNECTIONS, arguments.count, rate)
        try:
            for _ in range(arguments.rounds if not timed else max(1, arguments.rounds // 2)):
                for name in names:
                    meter = measure(name, port, arguments.count, timed=timed)
                    if timed:
                        latencies[name].extend(meter.latencies)
                    else:
                        rates[name].append(meter.total / (meter.end - meter.begin))
                        costs[name].append((meter.end_cpu - meter.begin_cpu) / meter.total)
        finally:
            feed_server.stop(server)
    at = f"at {arguments.rate:,.0f}/s"
    print(f"| client | frames/s, flood | ns of processor a frame | p50 µs {at} | p99 µs |")
    print("|---|---|---|---|---|")
    for name in names:
        late = latencies[name]
        row = [f"{statistics.median(rates[name]):,.0f}", f"{statistics.median(costs[name]) * 1e9:,.0f}"]
        row += [f"{quantile(late, part) / 1e3:,.0f}" for part in (0.5, 0.99)]
        print(f"| {name} | {' | '.join(row)} |")


if __name__ == "__main__":
    main()
