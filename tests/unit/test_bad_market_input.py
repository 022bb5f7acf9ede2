"""Bad input of every venue ends in the program's error, or in the word for what is wrong with the data.

Names and numbers of errors are those of the programs' IDLs and sources, or of what they did in the vectors.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Literal

import pytest

from phantom_core import InvalidInput, MarketDataError, Pool, Quote, SwapRefused, decode_account
from phantom_core.accounts import SplTokenAccount
from vector_faults import (
    AMOUNT_AT,
    STATE_AT,
    TOKEN,
    TOKEN_2022,
    named,
    patched,
    paused,
    replaced,
    traded,
    vaults,
    without,
)
from vector_pools import attempt
from vector_states import FILES, State

U64_MAX = 2**64 - 1
Exact = Literal["in", "out"]
WAYS: list[tuple[Exact, bool]] = [("in", True), ("in", False), ("out", True), ("out", False)]
venues = pytest.mark.parametrize("file", FILES)
NO_TRADE = "Given pool token amount results in zero trading tokens"


def refused(pool: Pool, amount: int, exact: Exact = "in", a_to_b: bool = True) -> SwapRefused:
    """Return the refusal, whose message says what its attributes do."""
    with pytest.raises(SwapRefused) as caught:
        pool.quote(amount, a_to_b=a_to_b, exact=exact)
    error = caught.value
    says_what_it_holds(error, str(pool.address))
    with pytest.raises(SwapRefused, match=re.escape(str(error))):
        pool.copy().swap(amount, a_to_b=a_to_b, exact=exact)
    return error


def says_what_it_holds(error: SwapRefused, pool: str) -> None:
    """Check that the message has the pool, the program's word and number, and every value."""
    assert pool in str(error)
    assert error.name
    assert error.name in str(error)
    assert error.code is None or f"({error.code})" in str(error)
    assert error.values
    assert all(f"{name} {value}" in str(error) for name, value in error.values.items())


def unquotable(pool: Pool, reason: str) -> MarketDataError:
    """Return the error of a pool that is set aside for a reason."""
    assert pool.set_aside == reason
    with pytest.raises(MarketDataError) as caught:
        pool.quote(10**6, a_to_b=True)
    assert caught.value.reason == reason
    assert str(pool.address) in str(caught.value)
    for ask in (pool.quote, pool.swap, pool.price_impact):
        with pytest.raises(MarketDataError):
            ask(10**6, a_to_b=False)
    return caught.value


# ---- amounts

NOTHING: dict[str, dict[tuple[Exact, bool], tuple[str, int]]] = {
    "orca_whirlpool": dict.fromkeys(WAYS, ("ZeroTradableAmount", 6035)),
    "orca_whirlpool_immutable": dict.fromkeys(WAYS, ("ZeroTradableAmount", 6035)),
    "orca_token_swap_v2": dict.fromkeys(WAYS[:2], (NO_TRADE, 20)),
    "raydium_amm_v4": dict.fromkeys(WAYS, ("InvalidInput", 29)),
    "raydium_cpmm": dict.fromkeys(WAYS, ("RequireGtViolated", 2505)),
    "raydium_clmm": dict.fromkeys(WAYS, ("ZeroAmountSpecified", 6024)),
    "meteora_dlmm": dict.fromkeys(WAYS[:2], ("InvalidInput", 6002)),
    "meteora_damm_v2": dict.fromkeys(WAYS, ("AmountIsZero", 6006)),
    # A sale gives the base token, a purchase the quote token.
    "pumpswap": {
        ("in", True): ("ZeroBaseAmount", 6001),
        ("out", False): ("ZeroBaseAmount", 6001),
        ("in", False): ("ZeroQuoteAmount", 6002),
        ("out", True): ("ZeroQuoteAmount", 6002),
    },
}


@venues
@pytest.mark.parametrize(("exact", "a_to_b"), WAYS)
def test_amount_0_is_refused_in_the_programs_words(file: str, exact: Exact, a_to_b: bool) -> None:
    error = refused(traded(file).open(), 0, exact, a_to_b)
    expected = NOTHING[file.removesuffix(".jsonl.gz")]
    # Two venues have no instruction for an exact output, or refuse it later on: any word will do.
    assert (exact, a_to_b) not in expected or (error.name, error.code) == expected[exact, a_to_b]
    assert 0 in error.values.values()


@venues
def test_more_than_there_is_cannot_be_bought(file: str) -> None:
    pool = traded(file).open()
    for a_to_b in (True, False):
        assert refused(pool, U64_MAX, "out", a_to_b).values


@venues
@pytest.mark.parametrize("amount", [U64_MAX, U64_MAX - 1, 2**63])
def test_greatest_input_is_quoted_exactly_or_refused(file: str, amount: int) -> None:
    state = traded(file)
    pool = state.open()
    for a_to_b in (True, False):
        quote = attempt(partial(pool.quote, amount, a_to_b=a_to_b))
        if isinstance(quote, SwapRefused):
            says_what_it_holds(quote, str(pool.address))
        else:
            assert isinstance(quote, Quote)
            assert quote.amount_in == amount
            owed = decode_account(*state.accounts[vaults(state)[a_to_b]])
            assert isinstance(owed, SplTokenAccount)
            assert 0 < quote.vault_out <= owed.amount


@pytest.mark.parametrize("amount", [-1, 2**64, 2**200])
def test_amount_that_no_instruction_can_hold_is_the_callers_error(amount: int) -> None:
    with pytest.raises(InvalidInput, match=f"amount is {amount}; it may be 0 to {U64_MAX}"):
        traded(FILES[0]).open().quote(amount, a_to_b=True)


# ---- status and time

SWAPS_OFF: dict[str, tuple[int, bytes, str, int]] = {
    # Offset of the status, what forbids swaps, the program's error.
    "raydium_amm_v4": (0, (2).to_bytes(8, "little"), "InvalidStatus", 22),
    "raydium_cpmm": (329, b"\x04", "NotApproved", 6000),
    "raydium_clmm": (389, b"\x10", "NotApproved", 6001),
    "meteora_dlmm": (82, b"\x01", "PoolDisabled", 6042),
    "meteora_damm_v2": (481, b"\x01", "PoolDisabled", 6003),
}


@pytest.mark.parametrize("venue", SWAPS_OFF)
def test_disabled_pool_is_set_aside_and_answers_with_the_programs_error(venue: str) -> None:
    offset, status, name, code = SWAPS_OFF[venue]
    state = traded(f"{venue}.jsonl.gz")
    pool = patched(state, state.pool, offset, status).open()
    assert pool.set_aside == "disabled"
    assert str(int.from_bytes(status, "little")) in str(pool.set_aside_detail)
    for exact, a_to_b in WAYS:
        error = refused(pool, 10**6, exact, a_to_b)
        assert (error.name, error.code) == (name, code)


def test_switched_off_directions_of_pumpswap_answer_each_with_its_own_error() -> None:
    state = traded("pumpswap.jsonl.gz")
    settings = named(state, "config")[0]
    assert type(decode_account(*state.accounts[settings])).__name__ == "PumpswapGlobalConfig"
    pool = patched(state, settings, 56, bytes([0b11000])).open()
    assert pool.set_aside == "disabled"
    assert (refused(pool, 10**6).name, refused(pool, 10**6).code) == ("DisabledSell", 6021)
    assert refused(pool, 10**6, a_to_b=False).code == 6020
    no_sales = patched(state, settings, 56, bytes([0b10000])).open()
    assert refused(no_sales, 10**6).code == 6021
    assert no_sales.quote(10**6, a_to_b=False).amount_in == 10**6


OPENS: dict[str, tuple[list[tuple[int, bytes]], int, str, int]] = {
    # Other bytes, offset of the time, the program's error.
    "raydium_amm_v4": ([(0, (7).to_bytes(8, "little"))], 224, "InvalidStatus", 22),
    "raydium_cpmm": ([], 373, "NotApproved", 6000),
    "raydium_clmm": ([], 1080, "RequireGtViolated", 2505),
    # A permissioned pair, in seconds.
    "meteora_dlmm": ([(75, b"\x01"), (86, b"\x01")], 816, "PoolDisabled", 6042),
    "meteora_damm_v2": ([(480, b"\x01")], 472, "PoolDisabled", 6003),
}


@pytest.mark.parametrize("venue", OPENS)
def test_pool_that_is_not_yet_open_says_when_it_opens(venue: str) -> None:
    others, offset, name, code = OPENS[venue]
    state = traded(f"{venue}.jsonl.gz")
    for place, data in others:
        state = patched(state, state.pool, place, data)
    now = state.clock.unix_timestamp
    pool = patched(state, state.pool, offset, (now + 60).to_bytes(8, "little")).open()
    assert pool.set_aside == "not_yet_open"
    assert str(now + 60) in str(pool.set_aside_detail)
    error = refused(pool, 10**6)
    assert (error.name, error.code) == (name, code)
    opened = patched(state, state.pool, offset, (now - 60).to_bytes(8, "little")).open()
    assert opened.set_aside is None


# ---- reserves

LIQUIDITY_AT = {
    "orca_whirlpool": 49,
    "orca_whirlpool_immutable": 49,
    "raydium_clmm": 237,
    "meteora_damm_v2": 360,
}


@venues
def test_pool_without_liquidity_is_set_aside_and_refuses(file: str) -> None:
    venue = file.removesuffix(".jsonl.gz")
    state = traded(file, "plain" if venue == "meteora_dlmm" else None)
    if venue in LIQUIDITY_AT:
        state = patched(state, state.pool, LIQUIDITY_AT[venue], bytes(16))
        for address in named(state, "tick_array"):
            del state.accounts[address]
    elif venue == "meteora_dlmm":
        for address in named(state, "bin_array"):
            owner, data = state.accounts[address]
            # 70 bins of 144 bytes from byte 56 on: what they hold of both tokens, and orders.
            bins = b"".join(bytes(16) + data[at + 16 : at + 144] for at in range(56, 56 + 70 * 144, 144))
            state = replaced(state, address, owner, data[:56] + bins + data[56 + 70 * 144 :])
    else:
        for vault in vaults(state):
            state = patched(state, vault, AMOUNT_AT, bytes(8))
    pool = state.open()
    assert pool.set_aside == "no_liquidity"
    for exact, a_to_b in WAYS:
        refused(pool, 10**6, exact, a_to_b)


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


# ---- price limits

MIN_SQRT_PRICE = 4_295_048_016


@pytest.mark.parametrize("venue", ["orca_whirlpool", "orca_whirlpool_immutable"])
def test_whirlpools_price_limit_that_cannot_be_reached(venue: str) -> None:
    state = traded(f"{venue}.jsonl.gz")
    price = int.from_bytes(state.accounts[state.pool][1][65:81], "little")
    for a_to_b, limit, name, code in [
        (True, price + 1, "InvalidSqrtPriceLimitDirection", 6034),
        (False, price - 1, "InvalidSqrtPriceLimitDirection", 6034),
        (True, MIN_SQRT_PRICE - 1, "SqrtPriceOutOfBounds", 6011),
        (False, 2**128 - 1, "SqrtPriceOutOfBounds", 6011),
    ]:
        limited(state, a_to_b, limit, (name, code))


def test_clmms_price_limit_that_cannot_be_reached() -> None:
    state = traded("raydium_clmm.jsonl.gz")
    price = int.from_bytes(state.accounts[state.pool][1][253:269], "little")
    for a_to_b, limit in [
        (True, price),
        (True, price + 1),
        (True, MIN_SQRT_PRICE),
        (False, price),
        (False, 2**127),
    ]:
        limited(state, a_to_b, limit, ("SqrtPriceLimitOverflow", 6013))


def limited(state: State, a_to_b: bool, limit: int, expected: tuple[str, int]) -> None:
    """Check that a swap with this limit is refused, and that the refusal says by what."""
    with pytest.raises(SwapRefused) as caught:
        state.open().quote(10**6, a_to_b=a_to_b, sqrt_price_limit=limit)
    assert (caught.value.name, caught.value.code) == expected
    says_what_it_holds(caught.value, state.pool)
    assert limit in caught.value.values.values(), caught.value.values
