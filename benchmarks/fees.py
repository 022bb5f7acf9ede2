"""Back-test of the fee engine on recorded fees; also draws docs/images/fee-backtest.png.

    python -m benchmarks.fees [--history FILE] [--plot FILE] [--no-plot]

The same as `phantom fees --history FILE`, on the data of the tests, followed by what a call costs.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from phantom_arbiter.draw_fees import draw_backtest
from phantom_arbiter.fee_backtest import LEVELS, backtest, read_history
from phantom_arbiter.render_fees import render_backtest
from phantom_core import FeeEngine

ROOT = Path(__file__).parents[1]
HISTORY = ROOT / "tests/data/slot-fees-2024-10/slot-fees.csv"
PLOT = ROOT / "docs/images/fee-backtest.png"
SHOWN = ("mid", "high")
CALLS = 20_000
ROUNDS = 7


def nanoseconds(call: Callable[[], object]) -> float:
    """Return the median over rounds of the time of one call."""

    def one_round() -> float:
        started = time.perf_counter_ns()
        for _ in itertools.repeat(None, CALLS):
            call()
        return (time.perf_counter_ns() - started) / CALLS

    return statistics.median(one_round() for _ in range(ROUNDS))


def print_times() -> None:
    """Print what calls cost from Python, conversion of arguments and results included."""
    engine = FeeEngine()
    engine.advance(1_000)
    accounts = [bytes([number]) * 32 for number in range(1, 9)]
    for account in accounts:
        engine.observe_account(account, [(slot, slot * 7_919 % 100_003) for slot in range(851, 1_001)])
    engine.observe_tip_floor(1_000, (5e-6, 1e-5, 4e-5, 1e-3, 1e-2))
    for _ in range(200):
        engine.observe_hop("orca_whirlpool", 0, 60_000)
        engine.observe_hop("orca_whirlpool", 1, 80_000)
        engine.observe_overhead(1_000)
    slots = itertools.count(1_001)

    def update() -> None:
        slot = next(slots)
        engine.advance(slot)
        engine.observe_block(slot, slot * 7_919 % 100_003, 0.8)

    hops = [("orca_whirlpool", 0), ("orca_whirlpool", 1), ("orca_whirlpool", 0)]
    rows: list[tuple[str, Callable[[], object]]] = [
        ("price, 1 account", lambda: engine.price(accounts[:1], 75)),
        ("price, 8 accounts", lambda: engine.price(accounts, 75)),
        ("compute_unit_limit, 3 hops", lambda: engine.compute_unit_limit(hops)),
        ("tip", lambda: engine.tip(1_000_000, 0)),
        ("observe_tip", lambda: engine.observe_tip(slot=1_000, tip_lamports=20_000, landed=True)),
        ("advance and observe_block", update),
    ]
    print("\n| from Python | ns |\n|---|---:|")
    for name, call in rows:
        print(f"| {name} | {nanoseconds(call):,.0f} |")


def main() -> None:
    """Print and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--history", type=Path, default=HISTORY)
    parser.add_argument("--plot", type=Path, default=PLOT)
    parser.add_argument("--no-plot", action="store_true")
    options = parser.parse_args()
    history = read_history(options.history)
    runs = [backtest(history, level) for level in LEVELS if level in SHOWN]
    shown = options.history.resolve()
    render_backtest(
        shown.relative_to(ROOT) if shown.is_relative_to(ROOT) else shown, runs, Console(width=110)
    )
    if not options.no_plot:
        draw_backtest(runs, options.plot)
    print_times()


if __name__ == "__main__":
    main()
