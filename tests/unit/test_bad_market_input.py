"""Bad input of every venue ends in the program's error, as a typed exception with the values that matter.

Names and numbers of errors are those of the programs' IDLs and sources, or of what they did in the vectors.
"""

from __future__ import annotations

from functools import partial

import pytest

from phantom_core import InvalidInput, Quote, SwapRefused, decode_account
from phantom_core.accounts import SplTokenAccount
from vector_faults import (
    AMOUNT_AT,
    WAYS,
    Exact,
    named,
    patched,
    refused,
    replaced,
    says_what_it_holds,
    traded,
    vaults,
)
from vector_pools import U64_MAX, attempt
from vector_states import FILES, State

venues = pytest.mark.parametrize("file", FILES)
NO_TRADE = "Given pool token amount results in zero trading tokens"


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
