"""Chaos on the local net: three endpoints with every fault, a live source that must end up with the truth.

    python -m benchmarks.chaos [--minutes 10] [--quorum 2] [--rate 1000] [--seed 1] [--json]

The net runs in another process. Two of its endpoints are honest but bad (loss, delay, jitter, reordering,
duplicates, conflation, garbage, cuts, half-open sockets, stalls, 429, 500, hanging answers); with a quorum of
two the third one lies as well, over WebSocket and HTTP. Every few seconds the writes stop (a quiescent
point), and what is held of every account is compared with what the net says it is. Checked all the time:

- *wrong*: states held at a quiescent point that are not the truth, once healing has had its bound;
- *missed*: writes that were delivered by enough honest connections and are neither applied nor superseded;
- *invented*: applied states that the account never had;
- connections: time from a cut or a half-open socket to the confirmed subscriptions of the next one;
- memory: resident size of this process, first against last third.

Exits with 1 if anything of that is not as promised.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

from phantom_arbiter.localnet import FaultPlan, LocalNetProcess, NetSettings
from phantom_arbiter.sources.discovery import DiscoveryRequest
from phantom_arbiter.sources.endpoints import Endpoint, SecretUrl
from phantom_arbiter.sources.healing import HealingRules
from phantom_arbiter.sources.live import LiveSettings, LiveSource
from phantom_arbiter.sources.rpc import RpcRules
from phantom_arbiter.sources.sink import AggregatorSink, EngineSink, Tee
from phantom_arbiter.sources.websocket import EventKind, FeedEvent, FeedSettings
from phantom_core import AccountUpdate, Engine, EngineConfig, Market, WssAggregator

WSOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
SECOND = 1_000_000_000
CLOCK = "SysvarC1ock11111111111111111111111111111111"
"""Changes with every slot that passes while we wait, so it is not compared."""

LOSSY = FaultPlan(
    delay_ms=1.0,
    jitter_ms=15.0,
    reorder=True,
    loss=0.03,
    duplicate=0.05,
    conflate=0.2,
    disconnect_every_s=25.0,
    http_429=0.05,
    retry_after_s=0.5,
    http_500=0.03,
    http_garbage=0.03,
)
HANGING = FaultPlan(
    delay_ms=3.0,
    jitter_ms=5.0,
    loss=0.01,
    garbage=0.02,
    lag_slots=1,
    half_open_every_s=40.0,
    stall_every_s=20.0,
    stall_s=1.5,
    refuse_connection=0.2,
    http_hang=0.02,
    http_unhealthy=0.05,
    http_delay_ms=5.0,
)
THIRD = FaultPlan(jitter_ms=8.0, loss=0.02, duplicate=0.2, disconnect_every_s=45.0)
LYING = FaultPlan(jitter_ms=8.0, loss=0.02, duplicate=0.2, disconnect_every_s=45.0, lie=0.05, http_lie=0.2)

FEED = FeedSettings(
    connect_timeout_ns=3 * SECOND,
    confirm_timeout_ns=3 * SECOND,
    idle_ns=2 * SECOND,
    pong_timeout_ns=2 * SECOND,
    stall_ns=4 * SECOND,
    backoff_cap_ns=2 * SECOND,
    stable_ns=5 * SECOND,
)
RPC = RpcRules(timeout_s=2.0, rounds=8, max_wait_s=2.0)
HEALING = HealingRules(sweep_ns=8 * SECOND)
SETTLE_BOUND_S = 20.0
"""Two sweeps and a reconnection: so long after the last write everything must be true."""


@dataclass(slots=True)
class Report:
    """What was measured. Times are seconds, sizes MB."""

    seconds: float = 0.0
    quorum: int = 1
    writes: int = 0
    frames: int = 0
    fresh: int = 0
    duplicates: int = 0
    stale: int = 0
    malformed: int = 0
    points: int = 0
    compared: int = 0
    wrong: int = 0
    missed: int = 0
    invented: int = 0
    settle_s: list[float] = field(default_factory=list)
    differing_at_once: int = 0
    cuts: int = 0
    back_s: list[float] = field(default_factory=list)
    detect_s: list[float] = field(default_factory=list)
    detect_bound_s: float = FEED.detection_bound_ns / 1e9
    back_bound_s: float = FEED.reconnect_bound_ns / 1e9
    healed_reads: int = 0
    swept_reads: int = 0
    gaps: int = 0
    worst_lag_ms: float = 0.0
    memory_mb: list[float] = field(default_factory=list)
    events: dict[str, int] = field(default_factory=dict)

    @property
    def memory_growth_mb(self) -> float:
        """Median of the last third less that of the first third after the start."""
        third = len(self.memory_mb) // 3
        if third == 0:
            return 0.0
        return statistics.median(self.memory_mb[-third:]) - statistics.median(self.memory_mb[:third])

    def failures(self) -> list[str]:
        """Return what is not as promised."""
        found = [
            f"{name} {count}" for name in ("wrong", "missed", "invented") if (count := getattr(self, name))
        ]
        if self.points == 0:
            found.append("no quiescent point")
        late = [one for one in self.back_s if one > self.back_bound_s]
        found += [f"back after {max(late):.1f} s"] if late else []
        unseen = [one for one in self.detect_s if one > self.detect_bound_s]
        found += [f"half-open unseen for {max(unseen):.1f} s"] if unseen else []
        return found


class Witness:
    """Keeps what was applied, and what honest endpoints were heard to say; in plain Python, on purpose."""

    def __init__(self, aggregator: WssAggregator, honest: Sequence[str]) -> None:
        self.sink = AggregatorSink(aggregator, self._take)
        self.applied: dict[str, AccountUpdate] = {}
        self.heard: dict[str, dict[str, tuple[int, str]]] = {name: {} for name in honest}
        self._applied_since: set[bytes] = set()
        self._said: tuple[set[bytes], set[bytes]] = (set(), set())
        self._accounts: dict[tuple[str, int], str] = {}
        self._asked: dict[tuple[str, int], Any] = {}

    def _take(self, news: tuple[Any, ...]) -> None:
        for update in news:
            if isinstance(update, AccountUpdate):
                self.applied[update.pubkey] = update
                data = update.data
                if data is not None:
                    self._applied_since.add(state(update.pubkey, base64.b64encode(data).decode()))

    def connected(self, connection: str) -> None:
        """Forget what a connection of this name has subscribed."""
        self.sink.connected(connection)
        for table in (self._accounts, self._asked):
            for key in [key for key in table if key[0] == connection]:
                del table[key]

    def sent(self, connection: str, frame: bytes) -> None:
        """Remember what is asked."""
        self.sink.sent(connection, frame)
        request = json.loads(frame)
        if request.get("method") in ("accountSubscribe", "getMultipleAccounts"):
            self._asked[connection, request["id"]] = request["params"][0]

    def received(self, connection: str, frame: bytes) -> None:
        """Take what is applied, and note what an honest endpoint says."""
        self.sink.received(connection, frame)
        if connection.partition("/")[0] in self.heard:
            with suppress(ValueError, LookupError, TypeError, AttributeError):  # garbage
                self._listen(connection, json.loads(frame))

    def _listen(self, connection: str, message: dict[str, Any]) -> None:
        if message.get("method") == "accountNotification":
            params = message["params"]
            account = self._accounts[connection, params["subscription"]]
            slot, data = params["result"]["context"]["slot"], params["result"]["value"]["data"][0]
            self._said[0].add(state(account, data))
            said = self.heard[connection.partition("/")[0]]
            if account not in said or said[account][0] <= slot:
                said[account] = (slot, data)
            return
        asked = self._asked.pop((connection, message["id"]))
        if isinstance(asked, str):
            self._accounts[connection, message["result"]] = asked
            return
        for account, value in zip(asked, message["result"]["value"], strict=True):
            if value is not None:
                self._said[0].add(state(account, value["data"][0]))

    def disconnected(self, connection: str) -> None:
        """Take what this releases."""
        self.sink.disconnected(connection)

    def invented(self) -> int:
        """Return how many states were applied since the last call that no honest endpoint has said."""
        count = len(self._applied_since - self._said[0] - self._said[1])
        self._applied_since = set()
        self._said = (set(), self._said[0])
        return count

    def missed(self, quorum: int) -> int:
        """Return of how many accounts enough honest connections said something later than what is applied.

        With a quorum of two both honest ones must end on the same word; without, one is enough.
        """
        count = 0
        for account in set().union(*self.heard.values()):
            words = [said[account] for said in self.heard.values() if account in said]
            if quorum > 1 and (len(words) < quorum or len(set(words)) > 1):
                continue
            held = self.applied.get(account)
            count += held is None or held.slot < max(slot for slot, _ in words)
        return count


def state(account: str, data: str) -> bytes:
    """Return a short name of a state."""
    return blake2b(f"{account} {data}".encode(), digest_size=12).digest()


class Watch:
    """Hears of connections, and how long they were away."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._lost: dict[str, float] = {}
        self.cut_at: dict[str, float] = {}

    def feed_event(self, event: FeedEvent) -> None:
        """Note when a connection is lost and when it is back."""
        report, now = self._report, time.monotonic()
        report.events[event.kind.value] = report.events.get(event.kind.value, 0) + 1
        if event.kind is EventKind.LOST:
            report.cuts += 1
            self._lost.setdefault(event.endpoint, now)
            if (began := self.cut_at.pop(event.endpoint, None)) is not None:
                report.detect_s.append(now - began)
        elif event.kind is EventKind.CONNECTED and event.endpoint in self._lost:
            report.back_s.append(now - self._lost.pop(event.endpoint))


def resident_mb() -> float:
    """Return the resident size of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def run_chaos(
    seconds: float,
    *,
    quorum: int = 1,
    rate: float = 1_000.0,
    seed: int = 1,
    point_every_s: float = 10.0,
    progress: bool = False,
) -> Report:
    """Run for `seconds`, with a quiescent point every `point_every_s`, and return what was measured."""
    report = Report(quorum=quorum)
    faults = (LOSSY, HANGING, LYING if quorum > 1 else THIRD)
    async with LocalNetProcess(NetSettings(endpoints=3, rate=rate, seed=seed, faults=faults)) as net:
        endpoints = [
            Endpoint(name=one.name, http_url=SecretUrl(one.http_url), ws_url=SecretUrl(one.ws_url))
            for one in net.endpoints
        ]
        bases = {WSOL: 10**11, USDC: 10**10}
        engine = Engine(EngineConfig(base_mints=bases, quorum=quorum))
        names = [one.name for one in endpoints]
        witness = Witness(WssAggregator(quorum=quorum), names[:2] if quorum > 1 else names)
        watch = Watch(report)
        settings = LiveSettings(
            request=DiscoveryRequest(mints=(WSOL,)), feed=FEED, rpc=RPC, healing=HEALING, quorum=quorum
        )
        source = LiveSource(endpoints, settings, observer=watch, random=Random(seed))
        stop = asyncio.Event()
        sink = Tee(EngineSink(engine, lambda signals: None), witness)
        running = asyncio.ensure_future(source.run(engine, sink, stop))
        began = time.monotonic()
        try:
            await first_of(running, source.ready.wait())
            ends = time.monotonic() + seconds
            turn = 0
            while time.monotonic() < ends:
                turn += 1
                if turn % 3 == 0 and "local-1" not in watch.cut_at:
                    watch.cut_at["local-1"] = time.monotonic()
                    await net.half_open(1)
                await first_of(running, asyncio.sleep(min(point_every_s, max(1.0, ends - time.monotonic()))))
                await point(net, engine, witness, report)
                report.memory_mb.append(resident_mb())
                if progress:
                    print(
                        f"{time.monotonic() - began:6.0f} s  points {report.points}  wrong {report.wrong}  "
                        f"missed {report.missed}  settled in {report.settle_s[-1]:.2f} s  "
                        f"memory {report.memory_mb[-1]:.0f} MB",
                        file=sys.stderr,
                        flush=True,
                    )
            stats = await net.stats()
        finally:
            stop.set()
            await asyncio.gather(running, return_exceptions=True)
        finish(report, engine, source, stats["writes"], time.monotonic() - began)
    return report


async def first_of(running: asyncio.Future[None], work: Any) -> None:
    """Wait for `work`; end with an exception if the source has ended before."""
    task = asyncio.ensure_future(work)
    await asyncio.wait((running, task), return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        task.cancel()
        running.result()
        raise RuntimeError("the source has ended")
    await task


async def point(net: LocalNetProcess, engine: Engine, witness: Witness, report: Report) -> None:
    """Stop the writes, compare, and let slots pass until all is true or the bound is reached."""
    await net.quiesce()
    await asyncio.sleep(0.3)  # what lies in our sockets
    report.missed += witness.missed(report.quorum)
    truth = {
        pubkey: found
        for pubkey in await net.accounts()
        if pubkey in witness.applied and pubkey != CLOCK and (found := await net.truth(pubkey)) is not None
    }
    began = time.monotonic()
    first = True
    while wrong := differing(truth, witness):
        if first:
            report.differing_at_once += len(wrong)
            first = False
        if time.monotonic() - began > SETTLE_BOUND_S:
            break
        await net.advance(1)
        await asyncio.sleep(0.1)
    for pubkey in wrong:
        said = {name: heard[pubkey][0] for name, heard in witness.heard.items() if pubkey in heard}
        print(
            f"wrong: {pubkey} is held as of slot {witness.applied[pubkey].slot}, it was written in "
            f"{truth[pubkey][0]}; heard up to {said}",
            file=sys.stderr,
        )
    report.settle_s.append(time.monotonic() - began)
    report.compared += len(truth)
    report.wrong += len(wrong)
    market = Market()
    for pubkey in witness.applied:
        held = witness.applied[pubkey]
        if pubkey in truth:
            slot, owner, data = truth[pubkey]
            market.apply(pubkey, owner, data, slot)
        elif pubkey == CLOCK and held.owner is not None and held.data is not None:
            market.apply(pubkey, held.owner, held.data, held.slot)
        else:
            market.apply(pubkey, None, slot=held.slot)
    if not wrong and market.state_digest() != engine.state_digest():
        report.wrong += 1
    report.invented += witness.invented()
    report.points += 1
    await net.resume()


def differing(truth: dict[str, tuple[int, str, bytes]], witness: Witness) -> list[str]:
    """Return the accounts that are not held as they are."""
    return [
        pubkey
        for pubkey, (_, owner, data) in truth.items()
        if (held := witness.applied[pubkey]).owner != owner or held.data != data
    ]


def finish(report: Report, engine: Engine, source: LiveSource, writes: int, seconds: float) -> None:
    """Take the counters."""
    stats, freshness = engine.stats(), engine.freshness()
    report.seconds, report.writes = seconds, writes
    report.frames, report.fresh = stats.frames, stats.fresh
    report.duplicates, report.stale = stats.duplicates, stats.stale
    report.malformed = sum(stats.malformed.values())
    report.gaps = sum(one.gaps for one in freshness.connections)
    if source.healer is not None:
        report.healed_reads, report.swept_reads = source.healer.healed_reads, source.healer.swept_reads
    if source.feed is not None:
        report.worst_lag_ms = source.feed.stats().worst_lag_ns / 1e6


def show(report: Report) -> str:
    """Return the report as text."""
    settle = sorted(report.settle_s) or [0.0]
    back = sorted(report.back_s) or [0.0]
    detect = sorted(report.detect_s) or [0.0]
    lines = [
        f"{report.seconds:.0f} s, quorum {report.quorum}: {report.writes:,} writes, "
        f"{report.frames:,} frames, {report.fresh:,} fresh, {report.duplicates:,} duplicates, "
        f"{report.stale:,} stale, {report.malformed:,} malformed",
        f"{report.points} quiescent points, {report.compared:,} accounts compared: wrong {report.wrong}, "
        f"missed {report.missed}, invented {report.invented}",
        f"{report.differing_at_once} accounts differed at first; all true after {settle[-1]:.2f} s at most, "
        f"{statistics.median(settle):.2f} s (median)",
        f"connections lost {report.cuts}, back after {statistics.median(back):.2f} s (median), "
        f"{back[-1]:.2f} s (most; bound {report.back_bound_s:.0f} s)",
        f"half-open ones seen after {detect[-1]:.2f} s at most (bound {report.detect_bound_s:.1f} s)",
        f"accounts read again in doubt {report.healed_reads:,}, in turn {report.swept_reads:,}; "
        f"gaps {report.gaps}",
        f"memory {report.memory_mb[0]:.0f} to {report.memory_mb[-1]:.0f} MB, last third against first "
        f"{report.memory_growth_mb:+.1f} MB; longest delay of the loop {report.worst_lag_ms:.0f} ms",
    ]
    return "\n".join(lines)


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--quorum", type=int, default=2, choices=(1, 2))
    parser.add_argument("--rate", type=float, default=1_000.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report = asyncio.run(
        run_chaos(
            arguments.minutes * 60,
            quorum=arguments.quorum,
            rate=arguments.rate,
            seed=arguments.seed,
            progress=True,
        )
    )
    print(json.dumps(asdict(report)) if arguments.json else show(report))
    for failure in report.failures():
        print(f"not as promised: {failure}", file=sys.stderr)
    return 1 if report.failures() else 0


if __name__ == "__main__":
    sys.exit(main())
