"""Accounts that are frozen, torn, of another mint or not there set a pool aside, with the word for why."""

from __future__ import annotations

from functools import partial

import pytest

from phantom_core import MarketDataError, Pool
from vector_faults import (
    STATE_AT,
    TOKEN,
    TOKEN_2022,
    WAYS,
    Exact,
    named,
    patched,
    paused,
    replaced,
    traded,
    unquotable,
    vaults,
    without,
)
from vector_pools import U64_MAX, attempt
from vector_states import FILES

venues = pytest.mark.parametrize("file", FILES)


@venues
@pytest.mark.parametrize("side", [0, 1])
def test_frozen_vault_sets_the_pool_aside(file: str, side: int) -> None:
    state = traded(file)
    vault = vaults(state)[side]
    error = unquotable(patched(state, vault, STATE_AT, b"\x02").open(), "frozen_vault")
    assert str(error.values["account"]) == vault
    assert vault in str(error)
    assert "frozen" in str(error)


@venues
@pytest.mark.parametrize("side", [0, 1])
def test_vault_of_another_mint_is_refused_with_both_named(file: str, side: int) -> None:
    state = traded(file)
    vault, other = vaults(state)[side], vaults(state)[1 - side]
    mint = state.accounts[other][1][:32]
    with pytest.raises(MarketDataError) as caught:
        patched(state, vault, 0, mint).open()
    assert caught.value.reason == "impossible_field"
    assert str(caught.value.values["account"]) == vault
    assert str(state.open().mints[1 - side]) in str(caught.value)
    pool = state.open()
    owner, data = state.accounts[vault]
    with pytest.raises(MarketDataError):
        pool.update(vault, owner, mint + data[32:])
    assert str(unquotable(pool, "impossible_field").values["account"]) == vault


# AMM v4 and token-swap know SPL Token only, which has no extensions.
@pytest.mark.parametrize(
    "file", [file for file in FILES if not file.startswith(("raydium_amm", "orca_token"))]
)
@pytest.mark.parametrize("side", [0, 1])
def test_paused_mint_sets_the_pool_aside(file: str, side: int) -> None:
    state = traded(file)
    mint = state.open().mints[side]
    plain = next(data for owner, data in state.accounts.values() if owner == TOKEN and len(data) == 82)
    pool = replaced(state, str(mint), TOKEN_2022, paused(plain)).open()
    error = unquotable(pool, "mint_paused")
    assert error.values["mint"] == mint
    assert str(mint) in str(error)
    pool.update(mint, TOKEN_2022, paused(plain)[:-1] + b"\x00")
    assert pool.set_aside is None


# ---- accounts that are not there, or in part

PARTS = {
    "meteora_damm_v2": {"vault", "mint"},
    "meteora_dlmm": {"vault", "mint", "bin_array"},
    "orca_token_swap_v2": {"vault", "mint", "pool_mint", "fee_account"},
    "orca_whirlpool": {"mint", "tick_array"},
    "orca_whirlpool_immutable": {"mint", "tick_array", "oracle"},
    "pumpswap": {"vault", "config"},
    "raydium_amm_v4": {"vault"},
    "raydium_clmm": {"config", "vault", "mint", "bitmap_extension", "tick_array"},
    "raydium_cpmm": {"config", "vault", "mint"},
}
MAY_LACK = {("raydium_clmm", "bitmap_extension")}
"""Needed only by swaps that leave what the pool's own bitmap covers."""


@venues
def test_pool_that_lacks_an_account_says_which(file: str) -> None:
    venue = file.removesuffix(".jsonl.gz")
    state = traded(file)
    seen = set()
    for address, what, _ in state.open().dependencies:
        if what not in PARTS[venue] or str(address) not in state.accounts:
            continue
        seen.add(what)
        pool = without(state, str(address))
        assert pool.missing == [address]
        if (venue, what) in MAY_LACK:
            continue
        assert pool.set_aside == f"missing_{what}"
        assert str(address) in str(pool.set_aside_detail)
        if what not in ("tick_array", "bin_array"):
            error = unquotable(pool, f"missing_{what}")
            assert error.values["account"] == address
    assert seen == PARTS[venue]


@pytest.mark.parametrize("venue", ["orca_whirlpool", "raydium_clmm", "meteora_dlmm"])
def test_swap_that_needs_a_missing_array_says_so_and_others_are_quoted(venue: str) -> None:
    state = traded(f"{venue}.jsonl.gz")
    whole = state.open()
    needed = 0
    for array in [*named(state, "tick_array"), *named(state, "bin_array")]:
        pool = without(state, array)
        for exact, a_to_b in WAYS:
            for amount in (10**3, 10**9, U64_MAX):
                answer = attempt(partial(pool.quote, amount, a_to_b=a_to_b, exact=exact))
                if isinstance(answer, MarketDataError):
                    assert answer.reason == "missing_account"
                    assert answer.values["name"] in str(answer)
                    assert {"account", "bin_array_index"} & set(answer.values)
                    needed += 1
                else:
                    assert repr(answer) == asked(whole, amount, exact, a_to_b)
    assert needed > 0


def asked(pool: Pool, amount: int, exact: Exact, a_to_b: bool) -> str:
    """Return a quote or a refusal as text."""
    return repr(attempt(partial(pool.quote, amount, a_to_b=a_to_b, exact=exact)))


@venues
def test_torn_pool_account_is_refused_at_every_length(file: str) -> None:
    state = traded(file)
    owner, data = state.accounts[state.pool]
    reasons = set()
    for length in range(len(data)):
        torn = attempt(partial(Pool, state.pool, owner, data[:length]))
        if isinstance(torn, Pool):
            # PumpSwap's pools grew: what an older one lacks is zero.
            assert file.startswith("pumpswap")
            assert length >= 211
        else:
            assert isinstance(torn, MarketDataError)
            assert str(torn.values["account"]) == state.pool
            reasons.add(torn.reason)
    # Where a type is told by its length, a torn pool can look like another type.
    assert reasons <= {"wrong_length", "unknown_discriminator", "impossible_field"}


@venues
def test_torn_account_sets_a_living_pool_aside_until_it_is_whole(file: str) -> None:
    state = traded(file)
    before = asked(state.open(), 10**6, "in", True)
    for address, (owner, data) in state.accounts.items():
        pool = state.open()
        step = max(1, len(data) // 40)
        for length in (*range(0, len(data), step), len(data) - 1):
            error = attempt(partial(pool.update, address, owner, data[:length]))
            if isinstance(error, str):
                continue
            assert isinstance(error, MarketDataError)
            assert str(error.values["account"]) == address
            assert address in str(error)
            unquotable(pool, str(error.reason))
        pool.update(address, owner, data)
        assert asked(pool, 10**6, "in", True) == before
