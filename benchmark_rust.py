"""Python reference against Rust, per hot path: same inputs, answers compared first, then timed side by side.

Run with `make bench`, or `python benchmark_rust.py [--json] [--rounds N]`. Needs the project's tests/data.
The stronger peers (libraries, Numba) are compared through `benchmarks/peers`, see CONTRIBUTING.md.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.reference import detection, whirlpool
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from solders.pubkey import Pubkey

from phantom_core import (
    DuplicateFilter,
    Market,
    NegativeCycleFinder,
    Recording,
    SignalScorer,
    SwapRefused,
    quote_constant_product,
)

ROOT = Path(__file__).resolve().parent
DAY = ROOT / "src/phantom_arbiter/data/whirlpool-2022-04-06.phrec"
SNAPSHOT = ROOT / "tests/data/whirlpools-2023-03-31/snapshot.jsonl.gz"
SEED = 20220406


@dataclass(frozen=True)
class Row:
    """One hot path: median seconds per unit of work, and the unit."""

    path: str
    unit: str
    python_s: float
    rust_s: float

    @property
    def speedup(self) -> float:
        """Python time over Rust time."""
        return self.python_s / self.rust_s


def timed(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return each call's median seconds; rounds are interleaved so that noise falls on all alike."""
    samples: dict[str, list[float]] = {name: [] for name in calls}
    repeats = {}
    for name, call in calls.items():
        started = time.perf_counter()
        call()
        repeats[name] = max(1, min(10_000, int(0.002 / max(time.perf_counter() - started, 1e-7))))
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            for _ in range(repeats[name]):
                call()
            samples[name].append((time.perf_counter() - started) / repeats[name])
    return {name: statistics.median(values) for name, values in samples.items()}


def compare(
    path: str, unit: str, work: int, python: Callable[[], Any], rust: Callable[[], Any], rounds: int
) -> Row:
    """Check that both give the same answer, time both, return a row per `work` units."""
    expected, got = python(), rust()
    if expected != got:
        sys.exit(
            f"benchmark_rust: {path}: answers differ: Python {str(expected)[:200]}, Rust {str(got)[:200]}"
        )
    median = timed({"python": python, "rust": rust}, rounds)
    return Row(path, unit, median["python"] / work, median["rust"] / work)


def dedup(rounds: int) -> Row:
    """1000 notifications of three endpoints: parse, and tell news from duplicates."""
    messages: list[tuple[int, bytes]] = []
    names: dict[str, int] = {}
    pubkeys: dict[tuple[int, int], str] = {}
    asked: dict[tuple[int, int], str] = {}
    for record in Recording(DAY):
        endpoint = names.setdefault(record.endpoint, len(names))
        if record.kind == "sent":
            request = json.loads(record.frame)
            if request["method"] == "accountSubscribe":
                asked[endpoint, request["id"]] = request["params"][0]
        elif record.kind == "received":
            try:
                frame = json.loads(record.frame)
            except ValueError:
                continue
            if frame.get("method") == "accountNotification":
                messages.append((endpoint, record.frame))
            elif isinstance(frame.get("result"), int):
                pubkeys[endpoint, frame["result"]] = asked[endpoint, frame["id"]]
        if len(messages) == 1000:
            break
    filter_ = DuplicateFilter()
    for name in names:
        filter_.endpoint(name)
    for (endpoint, subscription), pubkey in pubkeys.items():
        filter_.subscribed(endpoint, subscription, pubkey)
    push, forget = filter_.push, filter_.forget

    def rust() -> list[int]:
        forget()
        return [i for i, (endpoint, frame) in enumerate(messages) if push(endpoint, frame)]

    return compare(
        "deduplicate 1000 notifications",
        "1000 messages",
        1,
        lambda: detection.fresh_frames(messages, pubkeys),
        rust,
        rounds,
    )


def cycle_detection(rounds: int) -> Row:
    """Bellman-Ford over 100 mints and 200 pools without a profitable cycle: the dear case."""
    rng = random.Random(SEED)
    nodes, pools = 100, 200
    value = [rng.gauss(0, 3) for _ in range(nodes)]
    edges = []
    for k in range(pools):
        a = k + 1 if k + 1 < nodes else rng.randrange(nodes)
        b = rng.randrange(a) if k + 1 < nodes else (a + rng.randrange(1, nodes)) % nodes
        fee, drift = rng.choice((0.0005, 0.0025, 0.003)), rng.gauss(0, 0.0002)
        drift = max(-0.9 * fee, min(0.9 * fee, drift))
        edges.append((a, b, value[b] - value[a] + fee + drift))
        edges.append((b, a, value[a] - value[b] + fee - drift))
    src, dst, weight = (np.array(column) for column in zip(*edges, strict=True))
    finder = NegativeCycleFinder(nodes, src.astype(np.int32), dst.astype(np.int32), weight)
    return compare(
        "negative cycle, 100 mints, 400 edges",
        "search",
        1,
        lambda: detection.negative_cycle(nodes, edges),
        finder.find,
        rounds,
    )


def scoring(rounds: int) -> list[Row]:
    """10,000 candidates against the thresholds, one call each and one call for all."""
    rng = random.Random(SEED)
    rows = [
        (
            rng.randrange(1, 10**11),
            rng.randrange(10**6),
            rng.randrange(10**5),
            rng.randrange(10**5),
            rng.randrange(12),
        )
        for _ in range(10_000)
    ]
    scorer = SignalScorer(min_net_bps=0.1)
    names = SignalScorer.reason_names()
    named = ("amount_in", "gross_profit", "cost", "min_net_profit", "age_slots")
    columns = {
        name: np.array(column, np.uint64) for name, column in zip(named, zip(*rows, strict=True), strict=True)
    }

    def reference() -> list[list[str]]:
        return [detection.score(*row, min_net_bps=0.1) for row in rows]

    def one_by_one() -> list[list[str]]:
        score = scorer.score
        return [score(*row) for row in rows]

    expected = reference()
    bits, _, _ = scorer.assess_batch(columns)
    got = [[name for i, name in enumerate(names) if row >> i & 1] for row in bits.tolist()]
    if expected != got:
        sys.exit("benchmark_rust: assess_batch: answers differ")
    single = compare(
        "score a candidate, one call each", "candidate", len(rows), reference, one_by_one, rounds
    )
    batch = timed({"rust": lambda: scorer.assess_batch(columns)}, rounds)["rust"]
    return [
        single,
        Row("score candidates, one call for 10,000", "candidate", single.python_s, batch / len(rows)),
    ]


def quotes(rounds: int) -> Row:
    """Exact-in quotes, both directions, on the 60 deepest pools of a whole recorded market."""
    market = Market(assume_plain_mints=True, complete=True)
    pools: dict[str, whirlpool.Pool] = {}
    arrays: list[bytes] = []
    with gzip.open(SNAPSHOT, "rt") as lines:
        for line in lines:
            account = json.loads(line)
            data = base64.b64decode(account["data"])
            market.apply(account["pubkey"], account["owner"], data)
            if len(data) == 653:
                pools[account["pubkey"]] = whirlpool.Pool.decode(data)
            else:
                arrays.append(data)
    infos = {info.pool: info for info in market.pools() if info.set_aside_reason is None}
    address = {bytes(Pubkey.from_string(pool)): pool for pool in pools}
    for data in arrays:
        if (owner := address.get(data[9956:9988])) is not None:
            pools[owner].add_array(data)
    rng = random.Random(SEED)
    chosen = sorted(infos, key=lambda pool: -(infos[pool].liquidity or 0))[:60]
    work = []
    for pool in chosen:
        for a_to_b in (True, False):
            mint_in = infos[pool].mint_a if a_to_b else infos[pool].mint_b
            work += [(pool, mint_in, a_to_b, int(10 ** rng.uniform(2, 10))) for _ in range(5)]

    def reference() -> list[int | None]:
        return [whirlpool.quote_exact_in(pools[pool], a_to_b, amount) for pool, _, a_to_b, amount in work]

    def rust() -> list[int | None]:
        out: list[int | None] = []
        for pool, mint_in, _, amount in work:
            try:
                out.append(market.quote(pool, mint_in, amount).amount_out)
            except SwapRefused:
                out.append(None)
        return out

    return compare("exact Whirlpool quote", "quote", len(work), reference, rust, rounds)


def constant_product(rounds: int) -> Row:
    """A column of constant-product quotes, the fee rounded up as on chain."""
    generator = np.random.default_rng(SEED)
    rows = 100_000
    reserve_in = generator.integers(10**9, 10**15, rows, dtype=np.uint64)
    reserve_out = generator.integers(10**9, 10**15, rows, dtype=np.uint64)
    amount_in = generator.integers(10**5, 10**11, rows, dtype=np.uint64)
    pools = list(zip(reserve_in.tolist(), reserve_out.tolist(), amount_in.tolist(), strict=True))

    def reference() -> list[int]:
        out = []
        for x, y, amount in pools:
            net = amount - (amount * 25 + 9_999) // 10_000
            out.append(y * net // (x + net))
        return out

    def rust() -> NDArray[np.uint64]:
        return quote_constant_product(reserve_in, reserve_out, amount_in, 25, 10_000)

    if reference() != rust().tolist():
        sys.exit("benchmark_rust: constant product: answers differ")
    median = timed({"python": reference, "rust": rust}, rounds)
    return Row(
        "exact constant-product quotes, one call", "quote", median["python"] / rows, median["rust"] / rows
    )


def shown(seconds: float) -> str:
    """Return a time with a unit that suits it."""
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def main() -> None:
    """Run every path and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--json", action="store_true", help="print JSON lines")
    options.add_argument("--rounds", type=int, default=15)
    given = options.parse_args()
    console = Console(stderr=True)
    rows: list[Row] = []
    steps: list[tuple[str, Callable[[int], Row | list[Row]]]] = [
        ("deduplication", dedup),
        ("cycle detection", cycle_detection),
        ("scoring", scoring),
        ("quotes", quotes),
        ("constant product", constant_product),
    ]
    with console.status("") as status:
        for name, step in steps:
            status.update(f"measuring {name}")
            result = step(given.rounds)
            rows += result if isinstance(result, list) else [result]
    if given.json:
        for row in rows:
            print(json.dumps({**asdict(row), "speedup": row.speedup}))
        return
    table = Table(title=f"CPython {platform.python_version()} against Rust, medians of {given.rounds} rounds")
    for heading in ("path", "per", "Python", "Rust", "speedup"):
        table.add_column(heading, justify="left" if heading in ("path", "per") else "right")
    for row in rows:
        table.add_row(row.path, row.unit, shown(row.python_s), shown(row.rust_s), f"{row.speedup:.1f}x")
    Console().print(table)


if __name__ == "__main__":
    main()
