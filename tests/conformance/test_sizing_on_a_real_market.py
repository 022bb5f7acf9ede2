"""Sizing on a whole recorded market against a dense search over inputs, both by exact quotes."""

from __future__ import annotations

import base64
import gzip
import json
import math
from pathlib import Path

import pytest

from phantom_core import Market, MarketCycle

SNAPSHOT = Path(__file__).parents[1] / "data/whirlpools-2023-03-31/snapshot.jsonl.gz"
MAX_AMOUNT_IN = 10**15
EXHAUSTIVE = 4096


@pytest.fixture(scope="module")
def market() -> Market:
    market = Market(assume_plain_mints=True, complete=True)
    with gzip.open(SNAPSHOT, "rt") as lines:
        for line in lines:
            account = json.loads(line)
            market.apply(account["pubkey"], account["owner"], base64.b64decode(account["data"]))
    return market


def dense_inputs(around: int) -> list[int]:
    """Every input up to a few thousand, a ladder over all sizes, and a fine grid around the answer."""
    inputs = set(range(1, EXHAUSTIVE + 1))
    inputs.update(int(1.01**k) + 1 for k in range(int(math.log(MAX_AMOUNT_IN) / math.log(1.01))))
    if around:
        step = max(1, around // 2000)
        inputs.update(range(max(1, around - 1000 * step), around + 1000 * step, step))
        inputs.update(range(max(1, around - 1000), around + 1000))
    return sorted(amount for amount in inputs if amount <= MAX_AMOUNT_IN)


def best_of(market: Market, cycle: MarketCycle, inputs: list[int]) -> tuple[int, int]:
    profits = market.cycle_profits(cycle, inputs)
    gains = ((profit, -amount) for profit, amount in zip(profits, inputs, strict=True) if profit is not None)
    return max(gains, default=(0, 0))


def test_whole_market_is_loaded(market: Market) -> None:
    pools = market.pools()
    assert len(pools) == 407
    assert {pool.set_aside_reason for pool in pools} <= {None, "no_liquidity"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("max_hops", [2, 3])
def test_sizing_never_loses_to_a_dense_search(market: Market, max_hops: int) -> None:
    cycles = [cycle for cycle in market.cycles(max_hops) if len(cycle.hops) == max_hops]
    assert len(cycles) > 20
    lost = []
    for cycle in cycles:
        sized = market.size(cycle, MAX_AMOUNT_IN)
        found = sized.gross_profit if sized else 0
        best, amount = best_of(market, cycle, dense_inputs(sized.amount_in if sized else 0))
        if best > max(found, 0):
            lost.append((cycle.hops, found, best, -amount, sized.amount_in if sized else None))
        if sized:
            assert market.cycle_profits(cycle, [sized.amount_in]) == [sized.gross_profit]
            assert sized.amounts[-1] - sized.amounts[0] == sized.gross_profit
    assert not lost, f"{len(lost)} of {len(cycles)} lost, the first: {lost[:3]}"
