"""Routes and signals as transactions, read back with `solders`."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import phantom_core as core
from phantom_arbiter.sources.recorded import DEMO_RECORDING

SNAPSHOT = Path(__file__).parents[1] / "data/whirlpools-2023-03-31/snapshot.jsonl.gz"
SOL = "So11111111111111111111111111111111111111112"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
WHIRLPOOL = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
BUDGET = "ComputeBudget111111111111111111111111111111"
SYSTEM = "11111111111111111111111111111111"
ATA = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"
TIP_ACCOUNT = "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5"
DONT_FRONT = "jitodontfront111111111111111111111111111111"
SIGNER = core.Signer.from_bytes(bytes(range(32)))
BLOCKHASH = bytes(range(100, 132))
AMOUNT = 10**9


@pytest.fixture(scope="module")
def market() -> core.Market:
    market = core.Market(assume_plain_mints=True, complete=True)
    with gzip.open(SNAPSHOT, "rt") as lines:
        for one in map(json.loads, lines):
            market.apply(one["pubkey"], WHIRLPOOL, base64.b64decode(one["data"]))
    return market


@pytest.fixture(scope="module")
def route(market: core.Market) -> list[tuple[str, str]]:
    """There and back through two pools of SOL and USDC."""
    pools = [pool.pool for pool in market.pools() if {pool.mint_a, pool.mint_b} == {SOL, USDC}]
    deep = [pool for pool in pools if _gives(market, pool)]
    return [(deep[0], SOL), (deep[1], USDC)]


def _gives(market: core.Market, pool: str) -> int:
    try:
        return market.quote(pool, SOL, AMOUNT).amount_out
    except core.PhantomError:
        return 0


def _instructions(built: core.BuiltTransaction) -> Iterator[tuple[str, list[str], bytes]]:
    """What the message says, as solders reads it: program, accounts, data."""
    names = [address for address, _, _ in built.accounts]
    for one in built.to_solders().message.instructions:
        yield names[one.program_id_index], [names[index] for index in one.accounts], bytes(one.data)


def _said(instruction: core.Instruction) -> tuple[str, list[str], bytes]:
    return instruction.program, [address for address, _, _ in instruction.accounts], instruction.data


def _options(**changed: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "blockhash": BLOCKHASH,
        "min_amount_out": 1,
        "compute_unit_limit": 300_000,
        "compute_unit_price": 7,
        "amount_in": AMOUNT,
    }
    return usual | changed


def test_route_is_chained_exactly_and_in_order(market: core.Market, route: list[tuple[str, str]]) -> None:
    nonce = core.Address(bytes([7] * 32))
    built = market.build_transaction(
        route,
        SIGNER,
        **_options(
            min_amount_out=5,
            nonce=nonce,
            create_accounts=[USDC],
            tip_lamports=12_345,
            tip_account=TIP_ACCOUNT,
            dont_front=DONT_FRONT,
            loaded_accounts_data_size=2**20,
        ),
    )
    wallet = SIGNER.address
    between = market.quote(route[0][0], SOL, AMOUNT).amount_out
    expected = [
        core.advance_nonce(nonce, wallet),
        core.set_compute_unit_limit(300_000),
        core.set_compute_unit_price(7),
        core.set_loaded_accounts_data_size(2**20),
        core.create_token_account(wallet, wallet, USDC, TOKEN),
        market.swap_instruction(route[0][0], SOL, AMOUNT, wallet=wallet, min_out=between),
        market.swap_instruction(route[1][0], USDC, between, wallet=wallet, min_out=5),
        core.pay_tip(wallet, TIP_ACCOUNT, 12_345, DONT_FRONT),
    ]
    assert list(_instructions(built)) == [_said(instruction) for instruction in expected]
    solders = built.to_solders()
    assert bytes(solders.message.recent_blockhash) == BLOCKHASH
    assert solders.verify_with_results() == [True]


def test_tables_are_chosen_from_those_offered(market: core.Market, route: list[tuple[str, str]]) -> None:
    plain = market.build_transaction(route, SIGNER, **_options())
    names = [address for address, _, _ in plain.accounts]
    useless = core.LookupTable(bytes([1] * 32), names[:1])
    useful = core.LookupTable(bytes([2] * 32), names)
    built = market.build_transaction(route, SIGNER, **_options(tables=[useless, useful]))
    assert built.tables == [useful.address]
    assert list(_instructions(built)) == list(_instructions(plain))
    moved = len(built.accounts) - built.static_accounts
    assert len(plain) - len(built) == 31 * moved - 34
    # The payer and the programs stay: compute budget and Whirlpool.
    programs = {program for program, _, _ in _instructions(plain)}
    spelled_out = {address for address, _, _ in built.accounts[: built.static_accounts]}
    assert spelled_out == programs | {SIGNER.address}


def test_token_accounts_given_are_used(market: core.Market, route: list[tuple[str, str]]) -> None:
    own = core.Address(bytes([9] * 32))
    built = market.build_transaction(route, SIGNER, **_options(token_accounts={USDC: own}))
    locked = {address for address, _, _ in built.accounts}
    assert own in locked
    assert core.associated_token_account(SIGNER.address, USDC, TOKEN) not in locked
    assert core.associated_token_account(SIGNER.address, SOL, TOKEN) in locked


def test_what_cannot_be_built_is_refused_with_reason_and_place(
    market: core.Market, route: list[tuple[str, str]]
) -> None:
    (first, _), (second, _) = route
    final = market.quote(second, USDC, market.quote(first, SOL, AMOUNT).amount_out).amount_out
    market.build_transaction(route, SIGNER, **_options(min_amount_out=final))
    cases: list[tuple[list[tuple[str, str]], dict[str, Any], str, str, Any]] = [
        (route, {"min_amount_out": final + 1}, "minimum_out_of_reach", "quoted", final),
        ([route[0], (first, USDC)], {}, "pool_twice", "pool", first),
        ([route[0], (second, SOL)], {}, "broken_route", "takes", SOL),
        ([], {}, "empty_route", "route", None),
        (route, {"max_account_locks": 10}, "too_many_account_locks", "route", (first, second)),
        (route, {"compute_unit_limit": 1_400_001}, "too_many_compute_units", "found", 1_400_001),
        (
            route,
            {"create_accounts": [bytes([at] * 32) for at in range(1, 31)], "max_account_locks": 128},
            "route_too_large",
            "route",
            (first, second),
        ),
    ]
    for hops, changed, reason, name, value in cases:
        with pytest.raises(core.TransactionError) as raised:
            market.build_transaction(hops, SIGNER, **_options(**changed))
        assert raised.value.reason == reason
        assert raised.value.values.get(name) == value


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"tip_lamports": 1}, "tip_account is missing"),
        ({"dont_front": DONT_FRONT}, "tip_lamports is 0"),
        ({"reach": "far"}, "reach is 'far'"),
        ({"max_account_locks": 129}, "1 to 128"),
        ({"max_account_locks": -1}, "max_account_locks is -1"),
        ({"min_amount_out": -1}, "min_amount_out is -1"),
        ({"amount_in": 2**64}, "amount_in is 18446744073709551616"),
        ({"compute_unit_limit": 2**32}, "compute_unit_limit is 4294967296"),
        ({"compute_unit_price": -5}, "compute_unit_price is -5"),
        ({"tip_lamports": -1}, "tip_lamports is -1"),
        ({"loaded_accounts_data_size": -1}, "loaded_accounts_data_size is -1"),
        ({"blockhash": b"short"}, "32 bytes"),
        ({"tables": [1]}, "tables"),
    ],
)
def test_malformed_argument_is_named(
    market: core.Market, route: list[tuple[str, str]], changed: dict[str, Any], says: str
) -> None:
    with pytest.raises(core.InvalidInput, match=says):
        market.build_transaction(route, SIGNER, **_options(**changed))


def _engine() -> core.Engine:
    return core.Engine(core.EngineConfig(base_mints={USDC: 10**10}, assume_plain_mints=True))


def _engine_with_signal() -> tuple[core.Engine, core.Signal]:
    engine = _engine()
    for record in core.Recording(DEMO_RECORDING):
        for signal in _feed(engine, record):
            return engine, signal
    raise AssertionError("the day has signals")


def _feed(engine: core.Engine, record: Any) -> list[core.Signal]:
    if record.kind == "connect":
        engine.connect(record.endpoint)
    elif record.kind == "sent":
        engine.request(record.endpoint, record.frame)
    elif record.kind == "received":
        return engine.ingest(record.endpoint, record.frame)
    return []


def test_signal_is_built_with_its_own_amounts_until_the_market_moves() -> None:
    engine, signal = _engine_with_signal()
    options = _options(min_amount_out=signal.amount_in + 1)
    del options["amount_in"]
    built = engine.build_transaction(signal, SIGNER, **options)
    swaps = [data for program, _, data in _instructions(built) if program == WHIRLPOOL]
    amounts = [int.from_bytes(data[8:16], "little") for data in swaps]
    thresholds = [int.from_bytes(data[16:24], "little") for data in swaps]
    assert amounts == [hop.amount_in for hop in signal.hops]
    assert thresholds == [*(hop.amount_out for hop in signal.hops[:-1]), signal.amount_in + 1]
    hops = [(hop.pool, hop.mint_in) for hop in signal.hops]
    assert engine.build_transaction(hops, SIGNER, amount_in=signal.amount_in, **options) == built

    engine.take(signal)
    with pytest.raises(core.TransactionError) as raised:
        engine.build_transaction(signal, SIGNER, **options)
    assert raised.value.reason == "moved"
    assert raised.value.values["expected"] == signal.amount_out


def test_signal_of_another_engine_and_double_amounts_are_refused() -> None:
    engine, signal = _engine_with_signal()
    options = _options()
    with pytest.raises(core.InvalidInput, match="amount_in is the signal's"):
        engine.build_transaction(signal, SIGNER, **options)
    del options["amount_in"]
    with pytest.raises(core.InvalidInput, match="amount_in is missing"):
        engine.build_transaction([], SIGNER, **options)
    other = core.Engine(core.EngineConfig(base_mints={USDC: 1}))
    with pytest.raises(core.InvalidInput, match="another engine"):
        other.build_transaction(signal, SIGNER, **options)


def test_route_that_does_not_fit_is_refused_before_it_is_ranked() -> None:
    free, bound, small = _engine(), _engine(), _engine()
    bound.set_execution(SIGNER.address)
    small.set_execution(SIGNER.address, max_account_locks=10)
    found: dict[str, list[list[str]]] = {"free": [], "bound": [], "small": []}
    for record in core.Recording(DEMO_RECORDING):
        for name, engine in (("free", free), ("bound", bound), ("small", small)):
            found[name] += [[hop.pool for hop in signal.hops] for signal in _feed(engine, record)]
        if len(found["free"]) >= 3:
            break
    assert found["bound"] == found["free"]
    assert found["small"] == []
    assert small.stats().reasons["too_many_account_locks"] >= 3
    small.set_execution(None)
    with pytest.raises(core.InvalidInput, match="max_account_locks"):
        small.set_execution(SIGNER.address, max_account_locks=0)
