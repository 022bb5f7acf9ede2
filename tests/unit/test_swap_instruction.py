"""`Pool.swap_instruction` and `Market.swap_instruction` from Python: defaults, bounds and bad arguments.

That instructions are the programs' own is `phantom conformance`'s business.
"""

from __future__ import annotations

import base64
import gzip
import json
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from phantom_core import (
    Instruction,
    InvalidInput,
    Market,
    MarketDataError,
    Pool,
    SwapRefused,
    associated_token_account,
)

VECTORS = Path(__file__).parents[1] / "data" / "vectors"
WALLET = "HcLSxpHCJo6RHoAXh6wwB5Hfa717qv8pETJ2BWaDtmhW"
OTHER = "BY6yKjL2KvG5QFgnYjNp7u4hGSAhu96vrJUDedn5t5i2"
TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"


@cache
def first_state(name: str) -> SimpleNamespace:
    accounts: dict[int, dict[str, Any]] = {}
    with gzip.open(VECTORS / f"{name}.jsonl.gz", "rt") as stream:
        for text in stream:
            line = json.loads(text)
            if line["t"] == "account":
                accounts[line["id"]] = line
            if line["t"] == "state":
                members = {
                    accounts[i]["key"]: (accounts[i]["owner"], base64.b64decode(accounts[i]["data"]))
                    for i in line["accounts"]
                }
                clock = SimpleNamespace(**line["clock"])
                return SimpleNamespace(pool=line["pool"], accounts=members, clock=clock)
    raise AssertionError(f"{name} has no state")


def pool_of(name: str, *, without: str | None = None, **options: Any) -> Pool:
    state = first_state(name)
    owner, data = state.accounts[state.pool]
    accounts = {key: account for key, account in state.accounts.items() if key != without}
    options.setdefault("complete", True)
    return Pool(state.pool, owner, data, accounts=accounts, clock=state.clock, **options)


def addresses(instruction: Instruction) -> list[str]:
    return [str(address) for address, _, _ in instruction.accounts]


@pytest.mark.parametrize(
    "name",
    ["meteora_damm_v2", "meteora_dlmm", "orca_whirlpool", "raydium_amm_v4", "raydium_clmm", "raydium_cpmm"],
)
def test_token_accounts_are_the_associated_ones_unless_given(name: str) -> None:
    pool = pool_of(name)
    state = first_state(name)
    own = []
    for mint in pool.mints:
        own.append(str(associated_token_account(WALLET, mint, state.accounts[str(mint)][0])))
    built = pool.swap_instruction(1_000, wallet=WALLET, a_to_b=True, min_out=1)
    assert set(own) <= set(addresses(built))
    assert [key for key, is_signer, _ in built.accounts if is_signer] == [WALLET]
    given = pool.swap_instruction(
        1_000, wallet=WALLET, a_to_b=True, min_out=1, token_accounts=(OTHER, own[1])
    )
    expected = [OTHER if key == own[0] else key for key in addresses(built)]
    assert addresses(given) == expected
    assert given.data == built.data


def test_instruction_is_as_solders_has_it() -> None:
    instruction = pytest.importorskip("solders.instruction")
    built = pool_of("raydium_cpmm").swap_instruction(7, wallet=WALLET, a_to_b=False, min_out=3)
    theirs = built.to_solders()
    assert isinstance(theirs, instruction.Instruction)
    assert (str(theirs.program_id), bytes(theirs.data)) == (str(built.program), built.data)
    flags = [(str(meta.pubkey), meta.is_signer, meta.is_writable) for meta in theirs.accounts]
    assert flags == [(str(key), is_signer, is_writable) for key, is_signer, is_writable in built.accounts]


@pytest.mark.parametrize("reach", ["official", "needed"])
@pytest.mark.parametrize("name", ["orca_whirlpool", "raydium_amm_v4", "raydium_clmm"])
def test_market_and_pool_build_the_same(name: str, reach: Any) -> None:
    state = first_state(name)
    market = Market(complete=True)
    for key, (owner, data) in state.accounts.items():
        market.apply(key, owner, data)
    pool = pool_of(name)
    for side, mint in enumerate(pool.mints):
        ours = pool.swap_instruction(100, wallet=WALLET, a_to_b=side == 0, min_out=0, reach=reach)
        theirs = market.swap_instruction(state.pool, mint, 100, wallet=WALLET, min_out=0, reach=reach)
        assert ours == theirs
        ours = pool.swap_instruction(
            1, wallet=WALLET, a_to_b=side == 0, exact="out", max_in=2**63, reach=reach
        )
        theirs = market.swap_instruction(
            state.pool, mint, 1, wallet=WALLET, exact="out", max_in=2**63, reach=reach
        )
        assert ours == theirs


def test_bound_must_be_given_and_fit_the_side() -> None:
    pool = pool_of("raydium_cpmm")
    wrong: list[dict[str, Any]] = [
        {"exact": "in"},
        {"exact": "in", "max_in": 1},
        {"exact": "in", "min_out": 1, "max_in": 1},
        {"exact": "out"},
        {"exact": "out", "min_out": 1},
    ]
    for bounds in wrong:
        with pytest.raises(InvalidInput, match="must be given"):
            pool.swap_instruction(1, wallet=WALLET, a_to_b=True, **bounds)
    with pytest.raises(InvalidInput, match="min_out"):
        pool.swap_instruction(1, wallet=WALLET, a_to_b=True, min_out=2**64)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"wallet": "nobody"}, "wallet"),
        ({"token_accounts": (OTHER,)}, "token_accounts"),
        ({"token_accounts": (OTHER, "x")}, "token_accounts"),
        ({"reach": "far"}, "'official' or 'needed'"),
        ({"instruction": "swap_v3"}, "'swap', 'swap_v2'"),
        ({"mint_in": WALLET, "a_to_b": None}, WALLET),
        ({"a_to_b": None}, "exactly one of mint_in and a_to_b"),
    ],
)
def test_malformed_arguments_are_named(options: dict[str, Any], says: str) -> None:
    arguments: dict[str, Any] = {"wallet": WALLET, "a_to_b": True, "min_out": 0, **options}
    with pytest.raises(InvalidInput, match=says):
        pool_of("orca_whirlpool").swap_instruction(1, **arguments)


def test_unknown_pool_is_named_and_one_that_lacks_accounts_builds_nothing() -> None:
    market = Market()
    state = first_state("raydium_cpmm")
    owner, data = state.accounts[state.pool]
    market.apply(state.pool, owner, data)
    mint = pool_of("raydium_cpmm").mints[0]
    with pytest.raises(InvalidInput, match=OTHER):
        market.swap_instruction(OTHER, WALLET, 1, wallet=WALLET, min_out=0)
    with pytest.raises(MarketDataError):
        market.swap_instruction(state.pool, mint, 1, wallet=WALLET, min_out=0)


def test_mint_that_was_never_seen_is_missing_unless_the_token_accounts_are_given() -> None:
    state = first_state("raydium_amm_v4")
    pool = pool_of("raydium_amm_v4", without=str(pool_of("raydium_amm_v4").mints[0]))
    with pytest.raises(MarketDataError, match="give both token accounts") as raised:
        pool.swap_instruction(1, wallet=WALLET, a_to_b=True, min_out=0)
    assert raised.value.reason == "missing_mint"
    built = pool.swap_instruction(1, wallet=WALLET, a_to_b=True, min_out=0, token_accounts=(OTHER, WALLET))
    assert addresses(built)[:2] == [TOKEN, state.pool]


def test_needed_reach_asks_for_a_quote_and_says_what_the_program_would() -> None:
    pool = pool_of("orca_whirlpool")
    built = pool.swap_instruction(0, wallet=WALLET, a_to_b=True, min_out=0)
    assert len(built.accounts) == 15
    with pytest.raises(SwapRefused) as raised:
        pool.swap_instruction(0, wallet=WALLET, a_to_b=True, min_out=0, reach="needed")
    assert raised.value.name == "ZeroTradableAmount"


def test_older_instruction_has_its_own_accounts() -> None:
    pool = pool_of("orca_whirlpool")
    newest = pool.swap_instruction(1_000, wallet=WALLET, a_to_b=True, min_out=0)
    older = pool.swap_instruction(1_000, wallet=WALLET, a_to_b=True, min_out=0, instruction="swap")
    assert (len(newest.accounts), len(older.accounts)) == (15, 11)
    assert (newest.data[:8].hex(), older.data[:8].hex()) == ("2b04ed0b1ac91e62", "f8c69e91e17587c8")
