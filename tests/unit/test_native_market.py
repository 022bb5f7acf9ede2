"""`phantom_core.Market`, `SignalScorer` and `Engine` as Python users meet them: answers and refusals."""

from __future__ import annotations

import base64
import gzip
import json
import random
from pathlib import Path

import pytest
from benchmarks.reference import whirlpool
from solders.pubkey import Pubkey

from phantom_arbiter.sources.recorded import DEMO_RECORDING
from phantom_core import (
    Engine,
    EngineConfig,
    InvalidInput,
    Market,
    MarketDataError,
    PhantomError,
    Signal,
    SignalScorer,
    SwapRefused,
)
from phantom_core import Recording as NativeRecording

SNAPSHOT = Path(__file__).parents[1] / "data/whirlpools-2023-03-31/snapshot.jsonl.gz"
SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
SOL_USDC = "HJPjoWUrhoZzkNfRpHuieeFk9WcZWjwy6PBjZ81ngndJ"
WHIRLPOOL = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"


@pytest.fixture(scope="module")
def accounts() -> dict[str, bytes]:
    with gzip.open(SNAPSHOT, "rt") as lines:
        return {one["pubkey"]: base64.b64decode(one["data"]) for one in map(json.loads, lines)}


@pytest.fixture(scope="module")
def market(accounts: dict[str, bytes]) -> Market:
    market = Market(assume_plain_mints=True, complete=True)
    for pubkey, data in accounts.items():
        market.apply(pubkey, WHIRLPOOL, data)
    return market


def test_quotes_of_a_whole_market_equal_plain_python(market: Market, accounts: dict[str, bytes]) -> None:
    pools = {key: whirlpool.Pool.decode(data) for key, data in accounts.items() if len(data) == 653}
    by_bytes = {bytes(Pubkey.from_string(key)): pool for key, pool in pools.items()}
    for data in accounts.values():
        if len(data) == 9988:
            by_bytes[data[9956:9988]].add_array(data)
    rng = random.Random(7)
    quoted = refused = 0
    for info in market.pools():
        if info.set_aside_reason is not None:
            continue
        for a_to_b, mint_in in ((True, info.mint_a), (False, info.mint_b)):
            for _ in range(3):
                amount = int(10 ** rng.uniform(1, 13))
                expected = whirlpool.quote_exact_in(pools[info.pool], a_to_b, amount)
                try:
                    assert market.quote(info.pool, mint_in, amount).amount_out == expected
                    quoted += 1
                except SwapRefused:
                    assert expected is None
                    refused += 1
    assert quoted > 1000
    assert refused > 50


def test_exact_out_quote_is_met_by_its_input(market: Market) -> None:
    quote = market.quote(SOL_USDC, SOL, 1_000_000, exact="out")
    assert quote.amount_out == 1_000_000
    assert market.quote(SOL_USDC, SOL, quote.amount_in).amount_out >= 1_000_000


def test_refusal_carries_the_programs_own_name_and_code(market: Market) -> None:
    with pytest.raises(SwapRefused) as caught:
        market.quote(SOL_USDC, SOL, 0)
    assert (caught.value.name, caught.value.code) == ("ZeroTradableAmount", 6035)


@pytest.mark.parametrize(
    ("pool", "mint", "exact", "says"),
    [
        ("nonsense", SOL, "in", "pool"),
        (SOL_USDC, "0" * 44, "in", "mint_in"),
        (SOL, SOL, "in", "is not in the market"),
        (SOL_USDC, SOL_USDC, "in", "is not traded"),
        (SOL_USDC, SOL, "around", "'in' or 'out'"),
    ],
)
def test_wrong_arguments_are_named(market: Market, pool: str, mint: str, exact: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        market.quote(pool, mint, 1000, exact=exact)  # type: ignore[arg-type]


def test_unreadable_account_is_refused_and_its_pool_set_aside(accounts: dict[str, bytes]) -> None:
    market = Market(assume_plain_mints=True, complete=True)
    data = accounts[SOL_USDC]
    assert market.apply(SOL_USDC, WHIRLPOOL, data) == "applied"
    assert market.apply(SOL_USDC, WHIRLPOOL, data) == "unchanged"
    with pytest.raises(MarketDataError, match="at least 653"):
        market.apply(SOL_USDC, WHIRLPOOL, data[:100])
    assert [pool.set_aside_reason for pool in market.pools()] == ["wrong_length"]
    with pytest.raises(MarketDataError, match="set aside"):
        market.quote(SOL_USDC, SOL, 1000)
    assert market.apply(SOL_USDC, WHIRLPOOL, data) == "applied"
    assert market.quote(SOL_USDC, SOL, 1_000_000).amount_out > 0


def test_market_that_was_not_told_of_mints_sets_pools_aside(accounts: dict[str, bytes]) -> None:
    market = Market(complete=True)
    market.apply(SOL_USDC, WHIRLPOOL, accounts[SOL_USDC])
    assert [pool.set_aside_reason for pool in market.pools()] == ["missing_mint"]


def test_cycle_of_another_market_is_refused(market: Market) -> None:
    cycle = market.cycles(2)[0]
    other = Market(assume_plain_mints=True, complete=True)
    with pytest.raises(InvalidInput, match="another market"):
        other.size(cycle, 1000)
    with pytest.raises(InvalidInput, match="another market"):
        other.cycle_profits(cycle, [1])


@pytest.mark.parametrize("max_hops", [0, 1, 5])
def test_cycle_lengths_that_are_not_offered_are_refused(market: Market, max_hops: int) -> None:
    with pytest.raises(InvalidInput, match="max_hops"):
        market.cycles(max_hops)
    with pytest.raises(InvalidInput, match="max_hops"):
        Engine(EngineConfig(base_mints={SOL: 1}, max_hops=max_hops))


def demo_signal() -> Signal:
    config = EngineConfig(base_mints={USDC: 10**10}, assume_plain_mints=True)
    engine = Engine(config)
    for record in NativeRecording(DEMO_RECORDING):
        if record.kind == "connect":
            engine.connect(record.endpoint)
        elif record.kind == "sent":
            engine.request(record.endpoint, record.frame)
        elif record.kind == "received" and (signals := engine.ingest(record.endpoint, record.frame)):
            with pytest.raises(InvalidInput, match="another engine"):
                Engine(config).take(signals[0])
            assert engine.take(signals[0]).amount_out == signals[0].amount_out
            with pytest.raises(MarketDataError, match="taken already"):
                engine.take(signals[0])
            return signals[0]
    raise AssertionError("the day has signals")


def test_signal_is_taken_once_and_by_its_own_engine() -> None:
    signal = demo_signal()
    assert signal.net_profit == signal.gross_profit - signal.cost > 0
    assert signal.hops[0].amount_in == signal.amount_in
    assert signal.hops[-1].amount_out == signal.amount_out


@pytest.mark.parametrize("frame", [b"", b"{", b"[]", b"null", b"\xff" * 100, b'{"jsonrpc":"2.0"}' * 2])
def test_engine_counts_what_is_no_frame(frame: bytes) -> None:
    engine = Engine(EngineConfig(base_mints={SOL: 1}))
    assert engine.ingest("rpc-a", frame) == []
    stats = engine.stats()
    assert (stats.frames, stats.fresh) == (1, 0)
    assert sum(stats.malformed.values()) + stats.control == 1


def test_scorer_refuses_what_it_cannot_judge() -> None:
    scorer = SignalScorer()
    with pytest.raises(InvalidInput, match="amount_in"):
        scorer.score(0, 1, 1, 1)
    with pytest.raises(InvalidInput, match="finite"):
        SignalScorer(min_net_bps=float("nan"))
    assert issubclass(InvalidInput, PhantomError)
