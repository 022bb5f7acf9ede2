"""How good and how fast sizing is: beside a dense search, and beside what a Python user has.

    python -m benchmarks.sizing [--seed N] [--cycles N]

Prints Markdown. The dense search asks for 2,400 inputs: 2,000 over twice the best input known and 400
right around it; on the market also a ladder over all sizes. Peers (scipy's bounded minimiser, a ternary
search) must not find more than thorough sizing. A time is the shortest of three calls, result included.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import itertools
import json
import random
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Literal, ParamSpec, TypeVar

from phantom_core import ConstantProductHop, Market, Sized, size_cycle

Effort = Literal["quick", "thorough"]
EFFORTS: tuple[Effort, ...] = ("quick", "thorough")
T = TypeVar("T")
P = ParamSpec("P")
SNAPSHOT = Path(__file__).parents[1] / "tests/data/whirlpools-2023-03-31/snapshot.jsonl.gz"
MAX_AMOUNT_IN = 1 << 50
LADDER = sorted({int(1.02**step) + 1 for step in range(1750)})
KINDS = (("amounts over six decades", 6.0), ("amounts of one size", 0.0))


def quote(hops: Sequence[ConstantProductHop], amount: int) -> int:
    """Return what an input gives after all hops, in exact integers."""
    for hop in hops:
        net = amount * (hop.fee_denominator - hop.fee_numerator) // hop.fee_denominator
        amount = hop.reserve_out * net // (hop.reserve_in + net)
    return amount


def ternary(hops: Sequence[ConstantProductHop]) -> int:
    """Return the best profit of a ternary search over whole inputs."""
    terms = [
        (h.reserve_in, h.reserve_out, h.fee_denominator - h.fee_numerator, h.fee_denominator) for h in hops
    ]

    def profit(amount_in: int) -> int:
        amount = amount_in
        for reserve_in, reserve_out, kept, denominator in terms:
            net = amount * kept // denominator
            amount = reserve_out * net // (reserve_in + net)
        return amount - amount_in

    low, high = 1, min(MAX_AMOUNT_IN, hops[0].reserve_in)
    while high - low > 2:
        third = (high - low) // 3
        if profit(low + third) < profit(high - third):
            low += third
        else:
            high -= third
    return max(profit(amount) for amount in range(low, high + 1))


def scipy_bounded(hops: Sequence[ConstantProductHop]) -> int:
    """Return the profit at the whole input nearest to scipy's bounded minimum."""
    from scipy.optimize import minimize_scalar  # type: ignore[import-untyped]

    terms = [(h.reserve_in, h.reserve_out, 1 - h.fee_numerator / h.fee_denominator) for h in hops]

    def loss(amount_in: float) -> float:
        amount = amount_in
        for reserve_in, reserve_out, kept in terms:
            amount = reserve_out * kept * amount / (reserve_in + kept * amount)
        return amount_in - amount

    found = minimize_scalar(loss, bounds=(1, hops[0].reserve_in), method="bounded", options={"xatol": 0.5})
    amount_in = round(float(found.x))
    return quote(hops, amount_in) - amount_in


def ours(effort: str) -> Callable[[Sequence[ConstantProductHop]], int]:
    """Return our search as the peers' are."""

    def size(hops: Sequence[ConstantProductHop]) -> int:
        sized = size_cycle(hops, MAX_AMOUNT_IN, effort=effort)  # type: ignore[arg-type]
        return sized.gross_profit if sized else 0

    return size


def cycles(decades: float, count: int, seed: int) -> list[list[ConstantProductHop]]:
    """Return cycles of three hops that gain 1 to 10 % at the margin; amounts spread over `decades`."""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        values = [1.0, *(10 ** rng.uniform(-decades / 2, decades / 2) for _ in range(2))]
        values.append(rng.uniform(1.03, 1.12))
        made.append(
            [
                ConstantProductHop(int(size * value), int(size * following), fee, 10_000)
                for value, following in itertools.pairwise(values)
                for size, fee in [(1e12 * rng.uniform(0.3, 3), rng.choice([1, 5, 25, 30]))]
            ]
        )
    return made


def timed(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> tuple[float, T]:
    """Return the shortest of three times in microseconds, and the last answer."""
    shortest = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        answer = call(*args, **kwargs)
        shortest = min(shortest, time.perf_counter() - start)
    return shortest * 1e6, answer


def dense_inputs(around: int) -> Iterable[int]:
    """Return inputs over twice `around`, and right beside it."""
    yield from (max(1, 2 * around * place // 2000) for place in range(1, 2001))
    yield from range(max(1, around - 200), around + 201)


def dense_search(
    label: str,
    cycles: Sequence[T],
    size: Callable[[T, Effort], Sized | None],
    profits: Callable[[T, Iterable[int]], Iterable[int | None]],
    further: Sequence[int],
) -> None:
    """Print one line for each effort. `further`: inputs that are tried in every cycle."""
    for effort in EFFORTS:
        times, missed, proven, gaining = [], [], 0, 0
        for cycle in cycles:
            elapsed, sized = timed(size, cycle, effort)
            times.append(elapsed)
            found = sized.gross_profit if sized else 0
            inputs = itertools.chain(dense_inputs(sized.amount_in) if sized else (), further)
            best = max((profit for profit in profits(cycle, inputs) if profit is not None), default=0)
            gaining += sized is not None
            proven += sized is not None and sized.is_proven_best
            if best > found:
                missed.append(best - found)
        at = statistics.quantiles(times, n=100)
        print(
            f"| {label} | {effort} | {at[49]:.1f} µs | {statistics.fmean(times):.1f} µs | {at[98]:.0f} µs "
            f"| {100 * proven / max(gaining, 1):.0f} % | {len(missed)} of {len(cycles)}"
            + (f", by {statistics.median(missed):.0f} units (at most {max(missed)}) |" if missed else " |")
        )


def product_profits(hops: Sequence[ConstantProductHop], inputs: Iterable[int]) -> Iterable[int]:
    """Return the exact profit of each input."""
    return (quote(hops, amount) - amount for amount in inputs)


def beside_dense_search(count: int, seed: int) -> None:
    """Print how often a dense search finds more, on products and on the real market."""
    print("| cycles | effort | median | mean | p99 | proven best | a dense search finds more |")
    print("|---|---|---|---|---|---|---|")
    for name, decades in KINDS:

        def size(hops: Sequence[ConstantProductHop], effort: Effort) -> Sized | None:
            return size_cycle(hops, MAX_AMOUNT_IN, effort=effort)

        dense_search(f"3 products, {name}", cycles(decades, count, seed), size, product_profits, ())
    market = Market(assume_plain_mints=True, complete=True)
    with gzip.open(SNAPSHOT, "rt") as lines:
        for line in lines:
            account = json.loads(line)
            market.apply(account["pubkey"], account["owner"], base64.b64decode(account["data"]))
    for hops in (2, 3):
        found = [cycle for cycle in market.cycles(hops) if len(cycle.hops) == hops]
        dense_search(
            f"{hops} Whirlpools, 2023-03-31",
            found,
            lambda cycle, effort: market.size(cycle, MAX_AMOUNT_IN, effort=effort),
            lambda cycle, inputs: market.cycle_profits(cycle, list(inputs)),
            LADDER,
        )


def beside_peers(count: int, seed: int) -> None:
    """Print what others find and how long they take."""
    searches: dict[str, Callable[[Sequence[ConstantProductHop]], int]] = {
        "size_cycle, quick": ours("quick"),
        "size_cycle, thorough": ours("thorough"),
        "ternary search, plain Python integers": ternary,
    }
    try:
        import scipy  # type: ignore[import-untyped]  # noqa: F401
    except ImportError:
        print("scipy is not installed: left out\n")
    else:
        searches["scipy `minimize_scalar`, bounded"] = scipy_bounded
    print("| search | cycles | median | mean | of quick's | profit below thorough |")
    print("|---|---|---|---|---|---|")
    for name, decades in KINDS:
        made = cycles(decades, count, seed)
        best = [ours("thorough")(hops) for hops in made]
        quick = 0.0
        for label, search in searches.items():
            times, below = [], 0
            for hops, found in zip(made, best, strict=True):
                elapsed, profit = timed(search, hops)
                times.append(elapsed)
                assert profit <= found, (label, profit, found)
                below += profit < found
            median = statistics.median(times)
            quick = quick or median
            mean = statistics.fmean(times)
            print(
                f"| {label} | {name} | {median:.1f} µs | {mean:.1f} µs | {median / quick:.0f}x "
                f"| {below} of {count} |"
            )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description="How good and how fast sizing is.")
    parser.add_argument("--seed", type=int, default=20220406)
    parser.add_argument("--cycles", type=int, default=400)
    arguments = parser.parse_args()
    beside_dense_search(arguments.cycles, arguments.seed)
    print()
    beside_peers(arguments.cycles, arguments.seed)


if __name__ == "__main__":
    main()
