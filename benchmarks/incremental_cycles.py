"""A long stream of changes to one market: what each costs the warm finder, and beside SciPy.

Run with `python benchmarks/incremental_cycles.py [--updates N]`. Needs NumPy; SciPy if it is there.

10,000 nodes, 30,000 pools, so 60,000 edges; no change repeats. A third is noise, a third comes to
70 % of what would close a cycle, a third goes 10 % beyond it. What comes near stays for 1,000 changes,
what opens a cycle for one; both then go back to a fair weight. Each change is followed by the bounded
question (cycles of at most 4 hops through the edge). Twice: with no other cycle open, and with 20
that stay open all the time.

SciPy keeps no state, so the comparison asks both what if one edge changed, at the start of the
stream. SciPy gets potentials that somebody else computed, and is asked nothing where they refuse.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import starmap

import numpy as np
from numpy.typing import NDArray

from phantom_core import IncrementalCycleFinder, NegativeCycleFinder

NODES, POOLS, SEED = 10_000, 30_000, 20240607
FEES = (0.0005, 0.001, 0.0025, 0.003, 0.01)
KINDS = ("noise", "near miss", "opens a cycle")
STAYS = 1_000
DUST = 20


@dataclass(frozen=True)
class Market:
    """Edges with fair weights: price difference, fee, and an error smaller than the fee."""

    src: NDArray[np.int64]
    dst: NDArray[np.int64]
    weight: NDArray[np.float64]
    pool: NDArray[np.int64]

    def finder(self) -> IncrementalCycleFinder:
        return IncrementalCycleFinder(NODES, self.src, self.dst, self.weight, self.pool)


@dataclass
class Times:
    """Nanoseconds by what was asked, the clock's own cost taken off."""

    clock_ns: int
    by_kind: dict[str, list[int]] = field(default_factory=dict)

    def add(self, kind: str, started: int, ended: int) -> None:
        self.by_kind.setdefault(kind, []).append(max(0, ended - started - self.clock_ns))

    def show(self) -> None:
        for kind, times in self.by_kind.items():
            cuts = statistics.quantiles(times, n=100)
            mean, p50, p99 = (x / 1e3 for x in (statistics.fmean(times), cuts[49], cuts[98]))
            print(f"  {kind:34} {len(times):8,}  mean {mean:7.2f}  p50 {p50:6.2f}  p99 {p99:7.2f} µs")


def market(rng: random.Random) -> Market:
    """Return a connected random market without a cycle."""
    price = [rng.gauss(0, 3) for _ in range(NODES)]
    pairs = [(node, rng.randrange(node)) for node in range(1, NODES)]
    while len(pairs) < POOLS:
        a, b = rng.randrange(NODES), rng.randrange(NODES)
        if a != b:
            pairs.append((a, b))
    edges = []
    for pool, (a, b) in enumerate(pairs):
        fee = rng.choice(FEES)
        error = max(-0.9 * fee, min(0.9 * fee, rng.gauss(0, 0.0004)))
        edges.append((a, b, price[b] - price[a] + fee + error, pool))
        edges.append((b, a, price[a] - price[b] + fee - error, pool))
    src, dst, weight, pool_of = zip(*edges, strict=True)
    return Market(np.array(src), np.array(dst), np.array(weight), np.array(pool_of))


def limit(finder: IncrementalCycleFinder, edge: int, fair: float) -> float:
    """Return how far below `fair` the edge closes a cycle, to one part in a thousand."""
    near, beyond = 0.0, 1e-4
    while not finder.would_close_cycle(edge, fair - beyond):
        near, beyond = beyond, 2 * beyond
    while beyond - near > beyond / 1000:
        middle = (near + beyond) / 2
        if finder.would_close_cycle(edge, fair - middle):
            beyond = middle
        else:
            near = middle
    return beyond


def change(finder: IncrementalCycleFinder, rng: random.Random, kind: str, edge: int, fair: float) -> float:
    """Return a new weight for an edge."""
    if kind == "noise":
        return fair + rng.uniform(-0.0005, 0.0005)
    return fair - limit(finder, edge, fair) * (0.7 if kind == "near miss" else 1.1)


def clock_cost() -> int:
    return int(statistics.median(-(time.perf_counter_ns() - time.perf_counter_ns()) for _ in range(10_001)))


def stream(given: Market, updates: int, dust: int) -> None:
    """Apply a stream of changes and print what they cost."""
    rng = random.Random(SEED + dust)
    finder, times = given.finder(), Times(clock_cost())
    cold = NegativeCycleFinder(NODES, given.src, given.dst, given.weight)
    fair: list[float] = given.weight.tolist()
    busy = set()
    while len(finder.open_cycles()) < dust:
        edge = rng.randrange(len(fair))
        weight = fair[edge] - limit(finder, edge, fair[edge]) * 1.01
        finder.update(edge, weight)
        cold.update(edge, weight)
        busy.add(edge)
    away: deque[tuple[int, int]] = deque()
    opened = bounded = 0
    clock = time.perf_counter_ns
    for number in range(updates):
        kind = KINDS[number % 3]
        edge = rng.randrange(len(fair))
        while edge in busy:
            edge = rng.randrange(len(fair))
        weight = change(finder, rng, kind, edge, fair[edge])
        started = clock()
        update = finder.update(edge, weight)
        ended = clock()
        times.add(kind, started, ended)
        started = clock()
        cycles = finder.cycles_through(edge, 4)
        ended = clock()
        times.add(f"cycles of <= 4 hops: {kind}", started, ended)
        opened += update is not None
        bounded += len(cycles)
        if number % (updates // 20) == 0:
            cold.update(edge, weight)
            if finder.has_cycle != (cold.find() is not None):
                raise SystemExit(f"warm and cold disagree after {number + 1} changes")
        back = edge
        if kind == "near miss":
            busy.add(edge)
            away.append((number, edge))
            cold.update(edge, weight)
            if number - away[0][0] < STAYS:
                continue
            back = away.popleft()[1]
            busy.discard(back)
        cold.update(back, fair[back])
        started = clock()
        finder.update(back, fair[back])
        ended = clock()
        times.add(f"back from {kind}", started, ended)
    print(f"{updates:,} changes, {dust} cycles open all the time; {opened:,} opened or closed a cycle, ")
    print(f"  {bounded:,} cycles of at most 4 hops met")
    times.show()
    asked = [ns for kind in KINDS for ns in times.by_kind[kind]]
    short = [ns for kind in KINDS for ns in times.by_kind[f"cycles of <= 4 hops: {kind}"]]
    print(f"  mean of all changes {statistics.fmean(asked) / 1e3:.2f} µs (target 10)")
    print(f"  mean of all bounded questions {statistics.fmean(short) / 1e3:.2f} µs (target 2)")


def refusals(given: Market) -> None:
    """Print what a change costs that leaves its edge's reduced cost at 0 or more."""
    finder, rng = given.finder(), random.Random(SEED)
    changes = []
    for _ in range(20_000):
        edge = rng.randrange(len(given.weight))
        changes.append((edge, float(given.weight[edge]) + rng.uniform(0, 0.0003)))

    def through(call: Callable[[int, float], object]) -> float:
        def once() -> int:
            started = time.perf_counter_ns()
            deque(starmap(call, changes), maxlen=0)
            return time.perf_counter_ns() - started

        return statistics.median(once() for _ in range(25)) / len(changes)

    whole, empty = through(finder.update), through(Nothing().update)
    print(f"refusals: {whole:.0f} ns a call from Python (target 200); an empty Python method {empty:.0f} ns")


class Nothing:
    """The least a Python class can do."""

    def update(self, edge: int, weight: float) -> None:
        return None


def beside_scipy(given: Market, count: int) -> None:
    """Ask both the same what-if questions and print the ratio."""
    try:
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import dijkstra
    except ImportError:
        print("SciPy is not installed: no comparison")
        return
    finder, rng = given.finder(), random.Random(SEED + 1)
    potential = np.zeros(NODES)
    while True:
        through = potential[given.src] + given.weight
        lower = potential.copy()
        np.minimum.at(lower, given.dst, through)
        if np.all(lower >= potential - 1e-12):
            break
        potential = lower
    reduced = given.weight + potential[given.src] - potential[given.dst]
    order = np.lexsort((-reduced, given.dst, given.src))  # the cheapest of parallel edges comes last
    ends = np.stack((given.src[order], given.dst[order]))
    last = np.append(np.any(ends[:, 1:] != ends[:, :-1], axis=0), True)
    kept = order[last]
    costs = np.maximum(reduced[kept], 1e-15)
    graph = csr_matrix((costs, (given.src[kept], given.dst[kept])), shape=(NODES, NODES))
    src, dst = given.src.tolist(), given.dst.tolist()

    def scipy(edge: int, weight: float) -> bool:
        u, v = src[edge], dst[edge]
        need = -(weight + float(potential[u]) - float(potential[v]))
        return need > 0 and bool(dijkstra(graph, indices=v, limit=need)[u] < need)

    fair: list[float] = given.weight.tolist()
    questions = []
    for number in range(count):
        edge = rng.randrange(len(fair))
        questions.append((edge, change(finder, rng, KINDS[number % 3], edge, fair[edge])))
    calls: dict[str, Callable[[int, float], bool]] = {"ours": finder.would_close_cycle, "SciPy": scipy}
    answers = {name: list(starmap(call, questions)) for name, call in calls.items()}
    if answers["ours"] != answers["SciPy"]:
        raise SystemExit("answers differ from SciPy's")
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(7):
        for name, call in calls.items():
            started = time.perf_counter()
            deque(starmap(call, questions), maxlen=0)
            spent[name].append((time.perf_counter() - started) / len(questions))
    ours, theirs = (statistics.median(spent[name]) for name in calls)
    yes = sum(answers["ours"])
    print(f"what if, {count} questions, {yes} cycles, equal answers: ours {ours * 1e6:.2f} µs, ", end="")
    print(f"SciPy's bounded Dijkstra {theirs * 1e6:.0f} µs: {theirs / ours:.0f}x (target 20x)")


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--updates", type=int, default=200_000, help="changes a stream (default 200,000)")
    updates = max(20, parser.parse_args().updates)
    given = market(random.Random(SEED))
    started = time.perf_counter()
    given.finder()
    print(f"{NODES:,} nodes, {2 * POOLS:,} edges; built in {(time.perf_counter() - started) * 1e3:.0f} ms")
    beside_scipy(given, 300)
    refusals(given)
    for dust in (0, DUST):
        stream(given, updates, dust)


if __name__ == "__main__":
    main()
