"""What real markets hold, and how fast it is found: a whole market of 2023, a recorded day of 2022.

Run with `python -m benchmarks.real_market [--rounds N]` from the project's root; prints the Markdown tables
of docs/PERFORMANCE.md ("What a real market holds"). Needs tests/data. The cycles found are compared with a
plain enumeration before anything is timed. One core: nothing here starts a thread.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reference.cycles import Hops, edges_of, profitable_cycles
from phantom_arbiter.config import Config
from phantom_arbiter.cycles import LARGEST_INPUT, Fees, FoundCycle, Query, Survey, survey
from phantom_arbiter.mints import WELL_KNOWN_MINTS, MintBook
from phantom_arbiter.native import build_native_engine, native_config
from phantom_arbiter.sources.recorded import DEMO_RECORDING
from phantom_arbiter.sources.snapshot import SnapshotAccount, read_snapshot
from phantom_core import (
    AccountUpdate,
    Engine,
    Market,
    MarketCycle,
    Record,
    Recording,
    WssAggregator,
)

SNAPSHOT = Path(__file__).resolve().parents[1] / "tests/data/whirlpools-2023-03-31/snapshot.jsonl.gz"
HOPS = (2, 3, 4)
BOOK = MintBook(WELL_KNOWN_MINTS)
LAMPORTS_PER_SOL = 10**9


@dataclass(frozen=True)
class Measured:
    """One longest cycle: what was found, and the median seconds of each stage."""

    max_hops: int
    survey: Survey
    search_s: float
    sizing_s: float
    reference_s: float


def median_s(call: Callable[[], object], rounds: int) -> float:
    """Return the median time of one call."""
    samples = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        samples.append(time.perf_counter() - started)
    return statistics.median(samples)


def loaded(accounts: Sequence[SnapshotAccount]) -> Market:
    """Return the market of a snapshot whose mints are plain."""
    market = Market(assume_plain_mints=True, complete=True)
    for account in accounts:
        if account.owner is not None and account.data is not None:
            market.apply(account.pubkey, account.owner, account.data, account.slot)
    return market


def key(cycle: MarketCycle) -> Hops:
    """Return a cycle as the plain enumeration names it."""
    hops = tuple(cycle.hops)
    first = hops.index(min(hops))
    return hops[first:] + hops[:first]


def default_query(max_hops: int) -> Query:
    """Return what `phantom cycles` asks if nobody sets anything."""
    config = Config()
    native = native_config(config, assume_plain_mints=True)
    fees = Fees(native.network_fee_lamports, native.priority_fee_lamports, native.tip_lamports)
    return Query(max_hops, fees, preferred=tuple(config.engine.base_mints))


def measure(market: Market, max_hops: int, rounds: int) -> Measured:
    """Search, compare with the enumeration, size, and time each."""
    started = time.perf_counter()
    reference = profitable_cycles(edges_of(market), max_hops)
    reference_s = time.perf_counter() - started
    for before_fees, expected in ((True, reference.before_fees), (False, reference.after_fees)):
        got = {key(cycle) for cycle in market.cycles(max_hops, before_fees=before_fees)}
        if got != expected:
            sys.exit(f"real_market: {max_hops} hops: {len(got)} cycles found, {len(expected)} by enumeration")
    surveyed = survey(market, default_query(max_hops))
    for one in surveyed.found:
        if one.sized is None:
            continue
        amount, profit = one.sized.amount_in, one.sized.gross_profit
        if market.cycle_profits(one.cycle, [amount]) != [profit]:
            sys.exit(f"real_market: {one.cycle.hops}: {profit} for {amount} is not what the hops give")

    def size_all() -> None:
        for one in surveyed.found:
            market.size(one.cycle, LARGEST_INPUT)

    return Measured(
        max_hops=max_hops,
        survey=surveyed,
        search_s=median_s(lambda: market.cycles(max_hops, before_fees=True), rounds),
        sizing_s=median_s(size_all, rounds),
        reference_s=reference_s,
    )


def disjoint(found: Sequence[FoundCycle]) -> list[FoundCycle]:
    """Return the best cycles that share no pool, best first: what can be taken without sizing anew."""
    used: set[str] = set()
    kept = []
    for one in found:
        pools = {pool for pool, _ in one.cycle.hops}
        if used.isdisjoint(pools):
            used |= pools
            kept.append(one)
    return kept


def sol(lamports: int) -> str:
    """Return lamports as SOL."""
    return f"{lamports / LAMPORTS_PER_SOL:,.4f} SOL"


def worth(found: Sequence[FoundCycle]) -> str:
    """Return the sum of net profits, valued in SOL at the price at which costs are paid."""
    return sol(sum(one.net_lamports or 0 for one in found))


def by_mint(found: Sequence[FoundCycle]) -> str:
    """Return exact net profits per base mint."""
    sums: Counter[str] = Counter()
    for one in found:
        sums[one.base_mint] += one.net_profit or 0
    return ", ".join(BOOK.amount(mint, amount) for mint, amount in sums.most_common())


def shown(seconds: float) -> str:
    """Return a time with a unit that suits it."""
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def market_table(rounds: int) -> str:
    """Return the table of the whole market."""
    accounts = read_snapshot(SNAPSHOT)
    load_s = median_s(lambda: loaded(accounts), max(3, rounds // 3))
    market = loaded(accounts)
    measured = [measure(market, max_hops, rounds) for max_hops in HOPS]

    def row(name: str, cell: Callable[[Measured], str]) -> list[str]:
        return [name, *(cell(one) for one in measured)]

    def proven(one: Measured) -> str:
        sized = [found.sized for found in one.survey.found if found.sized is not None]
        return f"{sum(each.is_proven_best for each in sized):,}"

    def per_cycle(one: Measured) -> str:
        each = one.sizing_s / max(one.survey.stages.after_fees, 1)
        return f"{shown(one.sizing_s)} ({shown(each)} a cycle)"

    rows = [
        row("pay at spot prices, before fees", lambda one: f"{one.survey.stages.spot:,}"),
        row("after the pools' fees, at the margin", lambda one: f"{one.survey.stages.after_fees:,}"),
        row("after exact sizing: gain a unit", lambda one: f"{one.survey.stages.after_sizing:,}"),
        row("of them proven best", proven),
        row("after costs", lambda one: f"{one.survey.stages.after_costs:,}"),
        row("net profit of these, each sized alone", lambda one: worth(one.survey.paying)),
        row("the best that share no pool", lambda one: f"{len(disjoint(one.survey.paying)):,}"),
        row("their net profit", lambda one: worth(disjoint(one.survey.paying))),
        row("exactly", lambda one: by_mint(disjoint(one.survey.paying))),
        row("search, before and after fees", lambda one: shown(one.search_s)),
        row("plain Python enumeration, same cycles", lambda one: shown(one.reference_s)),
        row("sizing of all that pay after fees", per_cycle),
    ]
    pools = market.pools()
    mints = {mint for pool in pools for mint in (pool.mint_a, pool.mint_b)}
    text = table(["cycles of at most", *(f"{hops} hops" for hops in HOPS)], rows)
    return (
        f"{text}\n\n{len(pools)} pools, {len(mints)} mints, {len(accounts):,} accounts, "
        f"loaded in {shown(load_s)}. Costs: {measured[0].survey.query.fees.total:,} lamports an attempt."
    )


@dataclass(frozen=True)
class Replay:
    """The engine after the day, the seconds spent in it, and how many signals there were."""

    engine: Engine
    seconds: float
    signals: int


def replayed(records: Sequence[Record], *, take: bool) -> Replay:
    """Hand the day to a fresh engine; `take` every signal at once, or none."""
    engine = build_native_engine(Config(), assume_plain_mints=True)
    told = {"connect": engine.connect, "disconnect": engine.disconnect}
    signals = 0
    started = time.perf_counter()
    for record in records:
        if record.kind == "received":
            for signal in engine.ingest(record.endpoint, record.frame):
                signals += 1
                if take:
                    engine.take(signal)
        elif record.kind == "sent":
            engine.request(record.endpoint, record.frame)
        else:
            told[record.kind](record.endpoint)
    return Replay(engine, time.perf_counter() - started, signals)


def ordered(records: Sequence[Record]) -> tuple[list[AccountUpdate], float]:
    """Return the day's account writes as the aggregator orders them, and its seconds."""
    aggregator = WssAggregator()
    updates: list[AccountUpdate] = []
    started = time.perf_counter()
    for record in records:
        if record.kind == "received":
            news = aggregator.push(record.endpoint, record.frame)
            updates += [update for update in news if isinstance(update, AccountUpdate)]
        elif record.kind == "sent":
            aggregator.request(record.endpoint, record.frame)
        elif record.kind == "connect":
            aggregator.connect(record.endpoint)
        else:
            updates += aggregator.disconnect(record.endpoint)
    return updates, time.perf_counter() - started


def applied(updates: Sequence[tuple[str, str, bytes, int]]) -> float:
    """Return the seconds that a fresh market takes for the writes."""
    apply = Market(assume_plain_mints=True).apply
    started = time.perf_counter()
    for pubkey, owner, data, slot in updates:
        apply(pubkey, owner, data, slot)
    return time.perf_counter() - started


def day_table(rounds: int) -> str:
    """Return the table of the recorded day."""
    records = list(Recording(DEMO_RECORDING))
    updates, _ = ordered(records)
    writes = [
        (update.pubkey, update.owner, update.data, update.slot)
        for update in updates
        if update.owner is not None and update.data is not None
    ]
    samples: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        taken = replayed(records, take=True)
        watched = replayed(records, take=False)
        samples["taken"].append(taken.seconds)
        samples["watched"].append(watched.seconds)
        samples["aggregator"].append(ordered(records)[1])
        samples["market"].append(applied(writes))
    median = {name: statistics.median(times) for name, times in samples.items()}
    frames = sum(record.kind == "received" for record in records)
    count = len(updates)

    def row(name: str, seconds: float, count: int) -> list[str]:
        return [name, f"{count:,}", shown(seconds), shown(seconds / count), f"{count / seconds:,.0f}"]

    rows = [
        row("account writes, `Market.apply` alone", median["market"], len(writes)),
        row("frames, `WssAggregator` alone", median["aggregator"], frames),
        row("frames through the engine, every opening taken", median["taken"], frames),
        row("writes through the rest of it", median["taken"] - median["aggregator"], count),
        row("frames through the engine, none taken", median["watched"], frames),
        row("writes through the rest of it", median["watched"] - median["aggregator"], count),
    ]
    text = table(["one core", "count", "time", "each", "a second"], rows)
    return (
        f"{text}\n\nThe rest is market, detection, sizing and scoring: the engine less the aggregator. With every "
        f"opening taken there are {sizings(taken)}; with none, an open cycle is sized anew at every write of its "
        f"pools: {sizings(watched)}. One call from Python per frame or write."
    )


def sizings(replay: Replay) -> str:
    """Return how much a replay sized, in words."""
    reached = {stage.name: stage.evaluations for stage in replay.engine.stats().funnel}
    aside = replay.engine.stats().reasons.get("already_taken", 0)
    return f"{reached['after_fees'] - aside:,} sizings, {replay.signals:,} signals"


def main() -> None:
    """Run both and print their tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=9)
    rounds = options.parse_args().rounds
    print(f"### The whole market of 2023-03-31\n\n{market_table(rounds)}\n")
    print(f"### The day of 2022-04-06\n\n{day_table(rounds)}")


if __name__ == "__main__":
    main()
