"""`size_cycle` and `Market.size` as Python users meet them: answers, limits and refusals."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

import pytest

from phantom_core import ConstantProductHop, InvalidInput, Market, MarketDataError, Sized, size_cycle

SNAPSHOT = Path(__file__).parents[1] / "data/whirlpools-2023-03-31/snapshot.jsonl.gz"
WHIRLPOOL = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"

# Two pools of one pair, the second 5 % dearer.
SMALL = [ConstantProductHop(20_000, 30_000, 3, 1000), ConstantProductHop(28_000, 20_000, 25, 10_000)]
LARGE = [
    ConstantProductHop(40_000_000_000_000, 6_000_000_000_000, 25, 10_000),
    ConstantProductHop(900_000_000_000, 123_000_000_000, 25, 10_000),
    ConstantProductHop(55_000_000_000, 2_800_000_000_000, 25, 10_000),
]


def amounts_of(hops: list[ConstantProductHop], amount_in: int) -> list[int]:
    """The formula as it is written: fee rounded up, output rounded down."""
    amounts = [amount_in]
    for hop in hops:
        fee = -(-amounts[-1] * hop.fee_numerator // hop.fee_denominator)
        net = amounts[-1] - fee
        amounts.append(hop.reserve_out * net // (hop.reserve_in + net))
    return amounts


def profit(hops: list[ConstantProductHop], amount_in: int) -> int:
    return amounts_of(hops, amount_in)[-1] - amount_in


def size(hops: list[ConstantProductHop], max_amount_in: int = 10**15, **limits: int) -> Sized:
    sized = size_cycle(hops, max_amount_in, min_amount_in=limits.get("least"), balance=limits.get("balance"))
    assert sized is not None
    assert sized.amounts == amounts_of(hops, sized.amount_in)
    assert sized.gross_profit == sized.amount_out - sized.amount_in == profit(hops, sized.amount_in)
    return sized


def test_small_cycle_equals_every_input_tried_by_plain_python() -> None:
    sized = size(SMALL)
    assert sized.gross_profit == max(profit(SMALL, amount) for amount in range(1, 5000))
    assert sized.is_proven_best
    assert sized.gap == 0
    assert sized.limited_by is None


def test_no_neighbour_gains_more_in_a_large_cycle() -> None:
    sized = size(LARGE)
    best = max(profit(LARGE, sized.amount_in + offset) for offset in range(-3000, 3000))
    assert best == sized.gross_profit
    quick = size_cycle(LARGE, 10**15, effort="quick")
    assert quick is not None
    assert quick.gross_profit <= sized.gross_profit <= quick.gross_profit + quick.gap
    assert size_cycle(LARGE, 10**15, effort="exhaustive") is not None


def test_limits_that_bind_are_named() -> None:
    peak = size(LARGE)
    by_risk = size(LARGE, 10**9)
    assert by_risk.limited_by == "max_amount_in"
    assert by_risk.amount_in <= 10**9
    by_wallet = size(LARGE, 10**12, balance=5 * 10**8)
    assert by_wallet.limited_by == "balance"
    assert by_wallet.amount_in <= 5 * 10**8
    assert by_wallet.gross_profit < by_risk.gross_profit < peak.gross_profit
    at_least = size(LARGE, 10**15, least=peak.amount_in + 10**9)
    assert at_least.limited_by == "min_amount_in"
    assert at_least.amount_in >= peak.amount_in + 10**9
    assert size_cycle(LARGE, 10**15, min_amount_in=10**14) is None
    assert size_cycle(LARGE, 0) is None
    assert size_cycle(LARGE, 10, min_amount_in=11) is None


def test_a_cycle_that_loses_gives_nothing() -> None:
    assert size_cycle([SMALL[0], SMALL[0]], 10**9) is not None
    loses = [ConstantProductHop(20_000, 30_000, 3, 1000), ConstantProductHop(30_000, 20_000, 3, 1000)]
    assert size_cycle(loses, 10**9) is None


def test_bad_arguments_are_named() -> None:
    for reserves in ((0, 5), (5, 0)):
        with pytest.raises(InvalidInput, match="both must be above zero"):
            ConstantProductHop(*reserves, 3, 1000)
    with pytest.raises(InvalidInput, match="fee 5/5 is not below one"):
        ConstantProductHop(5, 5, 5, 5)
    with pytest.raises(InvalidInput, match="reserve_in"):
        ConstantProductHop(1 << 64, 5, 3, 1000)
    with pytest.raises(InvalidInput, match="1 to 8 hops, these are 0"):
        size_cycle([], 5)
    with pytest.raises(InvalidInput, match="1 to 8 hops, these are 9"):
        size_cycle([SMALL[0]] * 9, 5)
    with pytest.raises(InvalidInput, match=r"hops\[1\]: a ConstantProductHop or a \(Pool, mint_in\) pair"):
        size_cycle([SMALL[0], 5], 5)  # type: ignore[list-item]
    with pytest.raises(InvalidInput, match="max_amount_in is -1"):
        size_cycle(SMALL, -1)
    with pytest.raises(InvalidInput, match="effort is 'best'; it may be quick, thorough, exhaustive"):
        size_cycle(SMALL, 5, effort="best")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def accounts() -> list[tuple[str, str, bytes]]:
    with gzip.open(SNAPSHOT, "rt") as lines:
        decoded = map(json.loads, lines)
        return [(one["pubkey"], one["owner"], base64.b64decode(one["data"])) for one in decoded]


@pytest.fixture
def market(accounts: list[tuple[str, str, bytes]]) -> Market:
    market = Market(assume_plain_mints=True, complete=True)
    for account in accounts:
        market.apply(*account)
    return market


def test_pools_by_themselves_size_as_their_market_does(market: Market) -> None:
    compared = 0
    for cycle in market.cycles(3)[:40]:
        hops = [(market.pool(pool), mint) for (pool, _), mint in zip(cycle.hops, cycle.mints, strict=True)]
        alone, inside = size_cycle(hops, 10**12), market.size(cycle, 10**12)
        assert (alone is None) == (inside is None)
        if alone is not None and inside is not None:
            assert alone.amounts == inside.amounts
            compared += 1
    assert compared > 5


def test_hops_that_are_no_cycle_are_refused(market: Market) -> None:
    cycle = next(cycle for cycle in market.cycles(3) if len(cycle.hops) == 3)
    hops = [(market.pool(pool), mint) for (pool, _), mint in zip(cycle.hops, cycle.mints, strict=True)]
    with pytest.raises(InvalidInput, match=r"hop 1: pool .* is in the cycle already"):
        size_cycle([hops[0], (hops[0][0], cycle.mints[1])], 10**9)
    with pytest.raises(InvalidInput, match=r"hop 0 takes mint .*, the hop before it gives"):
        size_cycle([hops[0], hops[2], hops[1]], 10**9)
    with pytest.raises(InvalidInput, match="is not traded by pool"):
        size_cycle([(hops[0][0], WHIRLPOOL), hops[1], hops[2]], 10**9)


def test_a_pool_that_vanished_or_was_set_aside_since_is_an_error(market: Market) -> None:
    cycle = market.cycles(2)[0]
    pool, _ = cycle.hops[0]
    with pytest.raises(MarketDataError):
        market.apply(pool, WHIRLPOOL, b"\x3f\x95\xd1\x0c\xe1\x80\x63\x09torn")
    with pytest.raises(MarketDataError) as caught:
        market.size(cycle, 10**12)
    assert caught.value.reason == "wrong_length"
    market.apply(pool, None)
    with pytest.raises(MarketDataError) as caught:
        market.size(cycle, 10**12)
    assert caught.value.reason == "closed"
    gone = market.pool(pool)
    mint = cycle.mints[0]
    with pytest.raises(MarketDataError):
        size_cycle([(gone, mint), (market.pool(cycle.hops[1][0]), cycle.mints[1])], 10**12)
