"""A made-up run, for viewers: the same seed gives the same records.

As a program it is a run that publishes on a Unix socket, as `phantom run` does:
`python tests/telemetry_samples.py SOCKET --pools 2000 --rate 1000`. `--print hello|snapshot|changes|...`
prints one record as JSON instead.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import random
import struct
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import get_args

import msgspec

from phantom_arbiter.telemetry import records as r

SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
VENUES = ("orca_whirlpool", "raydium_clmm", "raydium_amm_v4", "raydium_cpmm", "meteora_dlmm", "pumpswap")
REASONS = ("no_gain", "costs_exceed_profit", "below_min_net_profit", "too_old", "token_denied", None)
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
STAGES: tuple[r.Stage, ...] = get_args(r.Stage)
BEGAN_UNIX_MS = 1_763_870_400_000


class SampleRun:
    """One run: `hello`, then `snapshot` at any time, and `step` for what happens next.

    Args:
        pools: How many pools; a third as many tokens.
        seed: Which market.
        began_unix_ms: When it began.
    """

    def __init__(self, pools: int = 12, seed: int = 1, began_unix_ms: int = BEGAN_UNIX_MS) -> None:
        self.began_unix_ms = began_unix_ms
        self._random = random.Random(seed)
        self._tokens = [SOL, USDC, *(self._address() for _ in range(max(1, pools // 3)))]
        self.seq = 0
        self.at_ns = 0
        self.slot = 300_000_000
        self.halted = False
        self._next_id = 1
        self._updates = 0
        self._attempts = 0
        self._filled = 0
        self._net = 0
        self._trades: list[r.Trade] = []
        self._refusals: list[r.Refusal] = []
        self._notices: list[r.Notice] = []
        self._open: dict[int, r.Opened] = {}
        self._judged: dict[int, r.Judged] = {}
        self._pools = [self._pool(n) for n in range(pools)]

    def hello(self) -> r.Hello:
        """Return who speaks."""
        return r.Hello(
            version="0.1.0",
            pid=4242,
            run_id=7,
            journal="/tmp/phantom-sample/journal.sqlite",
            mode="paper",
            source="sample",
            description="a made-up market",
            label="nothing in it is real",
            total_records=None,
            began_unix_ms=self.began_unix_ms,
            mints={SOL: r.Mint(symbol="SOL", decimals=9), USDC: r.Mint(symbol="USDC", decimals=6)},
            settings={
                "mode": ("paper", "default"),
                "engine.max_hops": (3, "default"),
                "endpoints.0.http_url": ("https://rpc.example/***", "live.toml"),
                "risk.max_trades_per_day": (500, "environment"),
            },
            controls=("halt", "resume", "stop"),
        )

    def snapshot(self) -> r.Snapshot:
        """Return all that is known, up to and with the last record."""
        status = msgspec.structs.replace(self.status(), seq=self.seq)
        return r.Snapshot(
            seq=self.seq,
            at_ns=self.at_ns,
            unix_ms=self.began_unix_ms + self.at_ns // 1_000_000,
            slot=self.slot,
            market=r.MarketSnapshot(
                pools=tuple(self._pools),
                open=tuple(self._open.values()),
                judged=tuple(self._judged.values()),
            ),
            status=status,
            trades=tuple(self._trades[-500:]),
            refusals=tuple(self._refusals[-500:]),
            notices=tuple(self._notices[-500:]),
        )

    def changes(self, updates: int) -> r.Changes:
        """Return so many account writes, and the cycles that they open and close."""
        touched: dict[int, r.PoolState] = {}
        opened: list[r.Opened] = []
        judged: list[r.Judged] = []
        closed: list[r.Closed] = []
        self._updates += updates
        self.slot += self._random.random() < 0.1
        for _ in range(updates):
            n = self._random.randrange(len(self._pools))
            touched[n] = self._move(n)
            chance = self._random.random()
            if chance < 0.08:
                cycle = self._cycle()
                self._open[cycle.id] = cycle
                opened.append(cycle)
                verdict = self._verdict(cycle.id)
                self._judged[cycle.id] = verdict
                judged.append(verdict)
            elif chance < 0.16 and self._open:
                gone = self._random.choice(sorted(self._open))
                del self._open[gone]
                self._judged.pop(gone, None)
                judged = [each for each in judged if each.id != gone]
                closed.append(r.Closed(gone, self.slot))
        market = r.MarketChanges(
            pools=tuple(touched.values()), opened=tuple(opened), judged=tuple(judged), closed=tuple(closed)
        )
        return r.Changes(**self._moment(), market=market)

    def trade(self) -> r.Trade:
        """Return an attempt, three of four of them filled."""
        self._attempts += 1
        filled = self._random.random() < 0.75
        amount = self._random.randrange(10**6, 10**10)
        gain = self._random.randrange(1_000, 100_000)
        cycle = self._cycle()
        mints = self._mints_of(cycle)
        amounts = [amount, *(self._random.randrange(10**6, 10**12) for _ in mints[1:-1]), amount + gain]
        hops = tuple(
            r.HopAmounts(
                pool=self._pools[edge // 2].pool,
                mint_in=mints[i],
                mint_out=mints[i + 1],
                amount_in=str(amounts[i]),
                amount_out=str(amounts[i + 1]),
            )
            for i, edge in enumerate(cycle.edges)
        )
        cost = 350 if filled else 50
        net = gain - cost if filled else -cost
        self._filled += filled
        self._net += net
        begin = self.began_unix_ms * 1_000_000 + self.at_ns
        spans = []
        for stage, duration in (
            ("ingest", 3_000),
            ("decide", 40_000),
            ("prepare", 600_000),
            ("journal", 200_000),
            ("submit", 20_000),
        ):
            spans.append(r.Span(stage=stage, began_unix_ns=begin, duration_ns=duration))
            begin += duration
        trade = r.Trade(
            **self._moment(),
            attempt_id=self._attempts,
            opening_id=cycle.id,
            strategy="cyclic_arbitrage",
            state="filled" if filled else "failed",
            reason=None if filled else "rehearsal: slippage",
            is_dead=not filled,
            signature=None,
            base_mint=mints[0],
            hops=hops,
            venues=tuple(self._pools[edge // 2].venue for edge in cycle.edges),
            amount_in=str(amount),
            amount_out=str(amount + gain if filled else 0),
            gross_profit=str(gain if filled else 0),
            cost=str(cost),
            net_profit=str(net),
            spans=tuple(spans),
        )
        self._trades.append(trade)
        return trade

    def refusal(self) -> r.Refusal:
        """Return a plan that risk did not let through."""
        cycle = self._cycle()
        mints = self._mints_of(cycle)
        hops = tuple(
            r.HopAmounts(
                pool=self._pools[edge // 2].pool,
                mint_in=mints[i],
                mint_out=mints[i + 1],
                amount_in="1000000",
                amount_out="1001000",
            )
            for i, edge in enumerate(cycle.edges)
        )
        refusal = r.Refusal(
            **self._moment(),
            opening_id=cycle.id,
            strategy="cyclic_arbitrage",
            base_mint=mints[0],
            amount_in="1000000",
            net_profit="1000",
            hops=hops,
            reason=self._random.choice(("price_deviation", "max_exposure", "route_cooldown")),
            limit="500",
            value="812",
        )
        self._refusals.append(refusal)
        return refusal

    def notice(self, text: str, kind: str = "notice") -> r.Notice:
        """Return one line."""
        notice = r.Notice(**self._moment(), kind=kind, text=text)
        self._notices.append(notice)
        return notice

    def end(self) -> r.End:
        """Return the end."""
        return r.End(**self._moment(), summary={"schema": 1}, error=None)

    def status(self) -> r.Status:
        """Return where the run stands."""
        updates = self._updates
        counts = [updates, updates * 3, updates // 4, updates // 20, updates // 60, updates // 200]
        funnel = tuple(
            r.FunnelCount(stage=stage, evaluations=count, openings=None if stage == "updates" else count // 2)
            for stage, count in zip(STAGES, [*counts, *[self._attempts] * 2, self._filled], strict=True)
        )
        return r.Status(
            **self._moment(),
            records=updates + 40,
            frames=updates * 3,
            fresh=updates,
            duplicates=updates * 2 - updates // 50,
            stale=updates // 100,
            held=updates // 200,
            control=20,
            malformed={"not_json": 2},
            decode_errors={},
            updates=updates,
            pools=len(self._pools),
            pools_set_aside={"missing_vault": sum(pool.set_aside is not None for pool in self._pools)},
            openings=self._next_id,
            open_cycles=len(self._open),
            signals=counts[4],
            attempts=self._attempts,
            filled=self._filled,
            unknown=0,
            under_way=0,
            funnel=funnel,
            reasons={"costs_exceed_profit": counts[3], "no_gain": counts[2], "too_old": 3},
            rules={},
            refusals={"risk_price_deviation": len(self._refusals), "quoted_before_a_fill": 2},
            failures={"rehearsal": self._attempts - self._filled},
            nearest_misses=(self._miss(),),
            endpoints=tuple(
                r.Endpoint(
                    name=name,
                    is_open=name != "triton/0" or updates % 2 == 0,
                    behind_slots=behind,
                    subscriptions=len(self._pools),
                    frames=updates,
                    wins=round(updates * share),
                    duplicates=updates - round(updates * share),
                    stale=updates // 300,
                    held=0,
                    malformed=0,
                    disagreements=0,
                    lag_p50_ns=round(4e6 * (1 - share)),
                    lag_p99_ns=round(6e7 * (1 - share)),
                    is_quarantined=False,
                )
                for name, share, behind in (("helius/0", 0.6, 0), ("triton/0", 0.3, 1), ("own/0", 0.1, 0))
            ),
            profit=(
                r.ProfitSum(
                    mint=USDC,
                    attempts=self._attempts,
                    filled=self._filled,
                    gross_profit=str(self._net + 350 * self._attempts),
                    cost=str(350 * self._attempts),
                    net_profit=str(self._net),
                ),
            )
            if self._attempts
            else (),
            latencies=tuple(
                _latency(stage, median, updates)
                for stage, median in (
                    ("aggregator", 180),
                    ("market", 90),
                    ("search", 120),
                    ("size", 2_400),
                    ("score", 60),
                    ("frame_to_decision", 450),
                )
            ),
            fees=r.FeeState(
                mode="adaptive",
                percentile=75.0,
                compute_unit_price_micro_lamports=50_000,
                compute_unit_limit=400_000,
                tip_lamports=10_000,
                congestion=0.42,
            ),
            risk=r.RiskState(
                halted=self.halted,
                switches=("dashboard",) if self.halted else (),
                limits=(
                    r.LimitUse(
                        name="max_trades_per_day",
                        subject=None,
                        unit="attempts",
                        used=str(self._attempts),
                        limit="500",
                    ),
                    r.LimitUse(
                        name="mints.max_exposure",
                        subject=USDC,
                        unit=USDC,
                        used="4200000000",
                        limit="10000000000",
                    ),
                ),
            ),
            strategy=r.StrategyState(
                name="cyclic_arbitrage",
                calls=counts[4],
                plans=counts[5],
                overruns=0,
                exceptions=0,
                suspended=None,
            ),
            viewers=1,
            lost=0,
        )

    def step(self, updates: int, nanoseconds: int) -> list[r.Published]:
        """Return what happens in the next so many nanoseconds."""
        self.at_ns += nanoseconds
        happened: list[r.Published] = [self.changes(updates)] if updates else []
        chance = self._random.random()
        if chance < 0.05 and not self.halted:
            happened.append(self.trade())
        elif chance < 0.15:
            happened.append(self.refusal())
        elif chance < 0.16:
            happened.append(self.notice("triton/0: connected again after 0.4 s", "connected"))
        return happened

    def curve(self, ask: r.AskCurve) -> r.Curve:
        """Return a hill."""
        amounts = [(i + 1) * 10**8 for i in range(ask.points)]
        peak = amounts[len(amounts) // 2]
        profits = [str(round(10**6 * (1 - ((x - peak) / peak) ** 2))) for x in amounts]
        return r.Curve(
            id=ask.id, base_mint=USDC, amounts_in=tuple(map(str, amounts)), gross_profits=tuple(profits)
        )

    def _moment(self) -> dict[str, int]:
        self.seq += 1
        return {
            "seq": self.seq,
            "at_ns": self.at_ns,
            "unix_ms": self.began_unix_ms + self.at_ns // 1_000_000,
            "slot": self.slot,
        }

    def _address(self) -> str:
        return "".join(self._random.choice(BASE58) for _ in range(44))

    def _pool(self, n: int) -> r.WatchedPool:
        # A spanning tree first, so that everything hangs together; hubs are likelier than others.
        a = self._tokens[n + 1] if n + 1 < len(self._tokens) else self._random.choice(self._tokens)
        hubs = self._tokens[: n + 1][:8] if n + 1 < len(self._tokens) else self._tokens[:40]
        b = self._random.choice([token for token in hubs if token != a])
        broken = n > 2 and self._random.random() < 0.05
        depth = self._random.randrange(10**9, 10**15)
        return r.WatchedPool(
            n=n,
            pool=self._address(),
            venue=self._random.choice(VENUES),
            mint_a=a,
            mint_b=b,
            decimals_a=6 if a == USDC else 9,
            decimals_b=6 if b == USDC else 9,
            fee_e9=None if broken else (3_000_000, 3_000_000),
            depth_a=str(depth),
            depth_b=str(round(depth * self._random.uniform(0.1, 10))),
            price=None if broken else math.exp(self._random.uniform(-3, 3)),
            slot=self.slot,
            set_aside="missing_vault" if broken else None,
        )

    def _move(self, n: int) -> r.PoolState:
        pool = self._pools[n]
        price = None if pool.price is None else pool.price * math.exp(self._random.gauss(0, 0.001))
        moved = r.PoolState(n, pool.depth_a, pool.depth_b, price, self.slot, pool.set_aside)
        self._pools[n] = msgspec.structs.replace(pool, price=price, slot=self.slot)
        return moved

    def _cycle(self) -> r.Opened:
        self._next_id += 1
        for _ in range(100):
            first = self._random.choice(self._pools)
            ends = {first.mint_a, first.mint_b}
            back = [p for p in self._pools if {p.mint_a, p.mint_b} == ends and p.n != first.n]
            if back:
                second = self._random.choice(back)
                edges = (2 * first.n, 2 * second.n + (0 if second.mint_a == first.mint_b else 1))
                return r.Opened(self._next_id, edges, round(self._random.uniform(0.1, 40), 2), self.slot)
        return r.Opened(self._next_id, (0, 1), 1.0, self.slot)

    def _mints_of(self, cycle: r.Opened) -> list[str]:
        pool = self._pools[cycle.edges[0] // 2]
        mints = [pool.mint_a if cycle.edges[0] % 2 == 0 else pool.mint_b]
        for edge in cycle.edges:
            pool = self._pools[edge // 2]
            mints.append(pool.mint_b if edge % 2 == 0 else pool.mint_a)
        return mints

    def _verdict(self, opening: int) -> r.Judged:
        reason = self._random.choice(REASONS)
        sized = reason not in ("no_gain", "token_denied")
        missing = None if reason in (None, "token_denied") else round(self._random.uniform(0.01, 30), 3)
        return r.Judged(
            id=opening,
            stage="after_costs" if reason is None else "after_sizing" if sized else "after_fees",
            reason=reason,
            missing_bps=missing,
            base_mint=USDC if sized else None,
            amount_in=str(self._random.randrange(10**6, 10**9)) if sized else None,
            gross_profit="4200" if sized else None,
            net_profit="-1200" if sized else None,
            slot=self.slot,
        )

    def _miss(self) -> r.Miss:
        pool = self._pools[0]
        return r.Miss(
            steps=(
                r.Step(pool=pool.pool, mint_in=pool.mint_a, mint_out=pool.mint_b),
                r.Step(pool=pool.pool, mint_in=pool.mint_b, mint_out=pool.mint_a),
            ),
            base_mint=pool.mint_a,
            stage="after_sizing",
            reason="costs_exceed_profit",
            missing_bps=0.37,
            gross_profit="900",
            net_profit="-350",
            slot=self.slot,
        )


def _latency(stage: str, median_ns: int, count: int) -> r.StageLatency:
    if count == 0:
        return r.StageLatency(
            stage=stage, count=0, sum_ns=0, p50_ns=None, p90_ns=None, p99_ns=None, max_ns=None, buckets=()
        )
    shares = ((0.5, 0.25), (1.0, 0.3), (2.0, 0.3), (4.0, 0.1), (16.0, 0.04), (64.0, 0.01))
    return r.StageLatency(
        stage=stage,
        count=count,
        sum_ns=count * median_ns * 2,
        p50_ns=median_ns,
        p90_ns=median_ns * 4,
        p99_ns=median_ns * 16,
        max_ns=median_ns * 64,
        buckets=tuple((round(median_ns * factor), round(count * share)) for factor, share in shares),
    )


def framed(record: r.Published | r.Asked) -> bytes:
    """Return the record as it goes over the socket."""
    body = msgspec.json.encode(record)
    return struct.pack("<I", len(body)) + body


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """Return the next frame's JSON.

    Raises:
        asyncio.IncompleteReadError: The other side has gone.
    """
    (length,) = struct.unpack("<I", await reader.readexactly(4))
    return await reader.readexactly(length)


async def serve(
    path: Path,
    run: SampleRun,
    *,
    rate: int = 1_000,
    ticks_per_s: int = 20,
    stop: asyncio.Event | None = None,
    listening: Callable[[], None] = lambda: None,
) -> None:
    """Be a run on the Unix socket at `path` until `stop`: for every viewer hello, snapshot, what happens."""
    stop = stop or asyncio.Event()
    writers: set[asyncio.StreamWriter] = set()

    def tell(happened: Iterable[r.Published]) -> None:
        data = b"".join(map(framed, happened))
        for writer in writers:
            if writer.transport.get_write_buffer_size() < 8_000_000:
                writer.write(data)

    async def viewer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(framed(run.hello()) + framed(run.snapshot()))
        writers.add(writer)
        decoder = msgspec.json.Decoder(r.Asked)
        try:
            while True:
                match decoder.decode(await read_frame(reader)):
                    case r.AskCurve() as ask:
                        writer.write(framed(run.curve(ask)))
                    case r.Control() as control:
                        writer.write(framed(r.Done(id=control.id)))
                        run.halted = control.action == "halt"
                        tell([run.notice(f"{control.action} by {control.by}"), run.status()])
                        if control.action == "stop":
                            stop.set()
        except (asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            pass  # a task of `start_unix_server` has nobody else to tell
        finally:
            writers.discard(writer)
            writer.close()

    server = await asyncio.start_unix_server(viewer, path)
    path.chmod(0o600)
    listening()
    tick = 0
    async with server:
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1 / ticks_per_s)
            tick += 1
            happened = run.step(rate // ticks_per_s, 1_000_000_000 // ticks_per_s)
            if tick % (ticks_per_s // 4 or 1) == 0:
                happened.append(run.status())
            tell(happened)
        tell([run.end()])
        for writer in list(writers):
            with contextlib.suppress(ConnectionError, TimeoutError):
                await asyncio.wait_for(writer.drain(), 1)
            writer.close()


def main() -> None:
    """Be a run, or print one record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("socket", type=Path, nargs="?")
    parser.add_argument("--pools", type=int, default=120)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--for", dest="seconds", type=float, default=math.inf)
    parser.add_argument("--print", dest="record")
    arguments = parser.parse_args()
    began = BEGAN_UNIX_MS if arguments.record else int(time.time() * 1_000)
    run = SampleRun(arguments.pools, arguments.seed, began)
    if arguments.record is not None:
        made = {
            "hello": run.hello,
            "snapshot": run.snapshot,
            "changes": lambda: run.changes(50),
            "status": run.status,
            "trade": run.trade,
            "refusal": run.refusal,
            "notice": lambda: run.notice("a notice"),
            "end": run.end,
        }
        print(msgspec.json.encode(made[arguments.record]()).decode())
        return
    if arguments.socket is None:
        parser.error("name the SOCKET, or a record with --print")

    async def until_stopped() -> None:
        stop = asyncio.Event()
        if math.isfinite(arguments.seconds):
            asyncio.get_running_loop().call_later(arguments.seconds, stop.set)
        await serve(arguments.socket, run, rate=arguments.rate, stop=stop)

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(until_stopped())
    arguments.socket.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
