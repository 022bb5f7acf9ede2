"""Sizing beside what a Python user has: scipy's bounded minimiser and a ternary search, exact quotes.

    python -m benchmarks.sizing

Profits are compared before anything is timed: ours must not be below any of theirs.
"""

from __future__ import annotations

import itertools
import random
import statistics
import time
from collections.abc import Callable, Sequence

from phantom_core import ConstantProductHop, size_cycle

CYCLES = 400
MAX_AMOUNT_IN = 1 << 50


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


def cycles(decades: float) -> list[list[ConstantProductHop]]:
    """Return cycles of three hops that gain 1 to 10 % at the margin; amounts spread over `decades`."""
    rng = random.Random(20220406)
    made = []
    for _ in range(CYCLES):
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


def main() -> None:
    """Compare profits, then print medians and means."""
    searches: dict[str, Callable[[Sequence[ConstantProductHop]], int]] = {
        "size_cycle, quick": ours("quick"),
        "size_cycle, thorough": ours("thorough"),
        "plain Python ternary search": ternary,
    }
    try:
        import scipy  # type: ignore[import-untyped]  # noqa: F401
    except ImportError:
        print("scipy is not installed: left out")
    else:
        searches["scipy minimize_scalar, bounded"] = scipy_bounded
    for name, decades in (("amounts over six decades", 6.0), ("amounts of one size", 0.0)):
        made = cycles(decades)
        best = [ours("thorough")(hops) for hops in made]
        print(f"\n{name}: {len(made)} cycles of 3 constant products")
        medians: dict[str, float] = {}
        for label, search in searches.items():
            times, below = [], 0
            for hops, found in zip(made, best, strict=True):
                shortest = float("inf")
                for _ in range(3):
                    start = time.perf_counter()
                    profit = search(hops)
                    shortest = min(shortest, time.perf_counter() - start)
                times.append(shortest * 1e6)
                assert profit <= found, (label, profit, found)
                below += profit < found
            medians[label] = statistics.median(times)
            ratio = medians[label] / medians["size_cycle, quick"]
            print(
                f"  {label:32} median {medians[label]:8.2f} us  mean {statistics.fmean(times):8.2f} us"
                f"  {ratio:7.1f}x of quick  profit below ours in {below} of {len(made)}"
            )


if __name__ == "__main__":
    main()
