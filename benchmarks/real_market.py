"""What real markets hold, and how fast it is found: a whole market of 2023, a recorded day of 2022.

Run with `python -m benchmarks.real_market [--rounds N]` from the project's root; prints the Markdown tables
of docs/PERFORMANCE.md ("What a real market holds"). Needs tests/data. The cycles found are compared with a
plain enumeration before anything is timed. Times are processor time, so that other work on the machine
counts little; nothing here starts a thread.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import json
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
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
SYSTEM_PROGRAM = "1" * 32
"""Owner of an empty account: nothing is there."""

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
        started = time.process_time()
        call()
        samples.append(time.process_time() - started)
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
    started = time.process_time()
    reference = profitable_cycles(edges_of(market), max_hops)
    reference_s = time.process_time() - started
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
        row("net profit of these, each sized alone, valued in SOL", lambda one: worth(one.survey.paying)),
        row("the best that share no pool", lambda one: f"{len(disjoint(one.survey.paying)):,}"),
        row("their net profit, valued in SOL", lambda one: worth(disjoint(one.survey.paying))),
        row("the same by mint, exactly", lambda one: by_mint(disjoint(one.survey.paying))),
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
    """An engine at the end of a stream, the seconds spent in it, and how many signals there were."""

    engine: Engine
    seconds: float
    signals: int


def pushed(engine: Engine, frames: Iterable[tuple[str, bytes]], *, take: bool) -> Replay:
    """Hand frames to an engine; `take` every signal at once, or none."""
    ingest, take_signal = engine.ingest, engine.take
    signals = 0
    started = time.process_time()
    for endpoint, frame in frames:
        for signal in ingest(endpoint, frame):
            signals += 1
            if take:
                take_signal(signal)
    return Replay(engine, time.process_time() - started, signals)


def one_endpoint(updates: Sequence[AccountUpdate], *, take: bool) -> Replay:
    """Hand every write to a fresh engine once, in order: no duplicates, nothing late."""
    engine = build_native_engine(Config(), assume_plain_mints=True)
    asked, answered, frames = frames_of(updates)
    engine.connect("one")
    for request in asked:
        engine.request("one", request)
    for answer in answered:
        engine.ingest("one", answer)
    return pushed(engine, [("one", frame) for frame in frames], take=take)


def whole_day(records: Sequence[Record]) -> Replay:
    """Hand the shipped recording to a fresh engine as `phantom run` does, every signal taken."""
    engine = build_native_engine(Config(), assume_plain_mints=True)
    told = {"connect": engine.connect, "disconnect": engine.disconnect}
    signals, seconds = 0, 0.0
    for kind, group in itertools.groupby(records, key=lambda record: record.kind):
        if kind == "received":
            frames = [(record.endpoint, record.frame) for record in group]
            replay = pushed(engine, frames, take=True)
            signals, seconds = signals + replay.signals, seconds + replay.seconds
            continue
        for record in group:
            if kind == "sent":
                engine.request(record.endpoint, record.frame)
            else:
                told[kind](record.endpoint)
    return Replay(engine, seconds, signals)


def ordered(records: Sequence[Record]) -> list[AccountUpdate]:
    """Return the day's account writes as the aggregator orders them."""
    aggregator = WssAggregator()
    updates: list[AccountUpdate] = []
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
    return updates


def frames_of(updates: Sequence[AccountUpdate]) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Return the writes as one endpoint would push them: its subscriptions, their answers, the frames."""
    numbers = {pubkey: number for number, pubkey in enumerate({one.pubkey: None for one in updates}, 1)}
    asked, answered = [], []
    for pubkey, number in numbers.items():
        wanted = [pubkey, {"encoding": "base64", "commitment": "processed"}]
        asked.append({"jsonrpc": "2.0", "id": number, "method": "accountSubscribe", "params": wanted})
        answered.append({"jsonrpc": "2.0", "result": number, "id": number})
    frames = []
    for one in updates:
        data = one.data or b""
        value = {
            "lamports": 1,
            "data": [base64.b64encode(data).decode(), "base64"],
            "owner": one.owner or SYSTEM_PROGRAM,
            "executable": False,
            "rentEpoch": 0,
            "space": len(data),
        }
        result = {"context": {"slot": one.slot}, "value": value}
        params = {"result": result, "subscription": numbers[one.pubkey]}
        frames.append({"jsonrpc": "2.0", "method": "accountNotification", "params": params})
    asked_b, answered_b, frames_b = (
        [json.dumps(message, separators=(",", ":")).encode() for message in messages]
        for messages in (asked, answered, frames)
    )
    return asked_b, answered_b, frames_b


def applied(updates: Sequence[AccountUpdate]) -> float:
    """Return the seconds that a fresh market takes for the writes."""
    writes = [(one.pubkey, one.owner, one.data, one.slot) for one in updates]
    apply = Market(assume_plain_mints=True).apply
    started = time.process_time()
    for pubkey, owner, data, slot in writes:
        if owner is None or data is None:
            apply(pubkey, None, slot=slot)
        else:
            apply(pubkey, owner, data, slot)
    return time.process_time() - started


def day_table(rounds: int) -> str:
    """Return the table of the recorded day."""
    records = list(Recording(DEMO_RECORDING))
    updates = ordered(records)
    samples: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        day = whole_day(records)
        taken = one_endpoint(updates, take=True)
        watched = one_endpoint(updates, take=False)
        samples["day"].append(day.seconds)
        samples["taken"].append(taken.seconds)
        samples["watched"].append(watched.seconds)
        samples["market"].append(applied(updates))
    for replay in (taken, watched):
        if (found := replay.engine.stats().updates) != len(updates):
            sys.exit(f"real_market: {found} of {len(updates)} writes reached the market")
    median = {name: statistics.median(times) for name, times in samples.items()}

    def row(name: str, seconds: float, count: int) -> list[str]:
        return [name, f"{count:,}", shown(seconds), shown(seconds / count), f"{count / seconds:,.0f}"]

    frames = sum(record.kind == "received" for record in records)
    rows = [
        row("writes, `Market.apply` alone", median["market"], len(updates)),
        row("writes through the engine, every opening taken", median["taken"], len(updates)),
        row("writes through the engine, none taken", median["watched"], len(updates)),
        row("frames of the recording, three endpoints", median["day"], frames),
    ]
    text = table(["one core", "count", "time", "each", "a second"], rows)
    return (
        f"{text}\n\nThrough the engine: one frame a write (JSON and base64 parsed), market, detection, "
        f"sizing, scoring; one call from Python each. Every opening taken: {sizings(taken)}. None taken: an "
        f"open cycle is sized anew at every write of its pools, {sizings(watched)}."
    )


def sizings(replay: Replay) -> str:
    """Return how much a replay sized, in words."""
    stats = replay.engine.stats()
    reached = {stage.name: stage.evaluations for stage in stats.funnel}
    sized = reached["after_fees"] - stats.reasons.get("already_taken", 0)
    return f"{sized:,} sizings, {replay.signals:,} signals"


def main() -> None:
    """Run both and print their tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=9)
    rounds = options.parse_args().rounds
    print(f"### The whole market of 2023-03-31\n\n{market_table(rounds)}\n")
    print(f"### The day of 2022-04-06\n\n{day_table(rounds)}")


if __name__ == "__main__":
    main()
