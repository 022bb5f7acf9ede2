"""States of the golden vectors with something wrong, and what must come of it."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Literal

import pytest

from phantom_core import MarketDataError, Pool, SwapRefused
from vector_states import State, states

TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
TOKEN_2022 = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"

Exact = Literal["in", "out"]
WAYS: list[tuple[Exact, bool]] = [("in", True), ("in", False), ("out", True), ("out", False)]
"""Exact side and direction of every kind of swap."""

AMOUNT_AT = 64
"""Where a token account has its balance."""
STATE_AT = 108
"""Where a token account says that it is frozen: 2."""


@cache
def traded(file: str, kind: str | None = None) -> State:
    """Return the first state of a file (of a kind) on which the program carried out a swap."""
    return next(
        state
        for state in states(file)
        if kind in (None, state.kind)
        and any(swap["ok"] and swap["result"]["user_out"] for swap in state.swaps)
    )


def named(state: State, what: str) -> list[str]:
    """Return the addresses of the pool's accounts of a kind that exist."""
    known = state.open().dependencies
    return [str(address) for address, kind, _ in known if kind == what and str(address) in state.accounts]


def is_token_account(data: bytes) -> bool:
    """Return whether an account of a token program is one that holds tokens, not a mint."""
    return len(data) == 165 or (len(data) > 165 and data[165] == 2)


def vaults(state: State) -> tuple[str, str]:
    """Return the two token accounts that hold the pool's reserves."""
    data = state.accounts[state.pool][1]
    listed = named(state, "vault") or [
        # A Whirlpool is quoted without them: they count only where they do not suffice.
        address
        for address, (owner, account) in state.accounts.items()
        if owner in (TOKEN, TOKEN_2022)
        and account[:32] in data
        and len(account) != 82
        and address != state.pool
    ]
    first, second = listed[:2]
    return first, second


def patched(state: State, address: str, offset: int, data: bytes) -> State:
    """Return the state with other bytes in one account."""
    owner, before = state.accounts[address]
    after = before[:offset] + data + before[offset + len(data) :]
    assert len(after) == len(before)
    return replaced(state, address, owner, after)


def replaced(state: State, address: str, owner: str, data: bytes) -> State:
    """Return the state with another account at an address."""
    return replace(state, accounts={**state.accounts, address: (owner, data)})


def without(state: State, address: str) -> Pool:
    """Return the pool as it is while nothing is known of one account."""
    accounts = {key: account for key, account in state.accounts.items() if key != address}
    pool = Pool(
        state.pool,
        *state.accounts[state.pool],
        accounts=accounts,
        clock=state.clock,
        assume_plain_mints=state.lacks_mints,
    )
    # What the vectors lack does not exist, but for that account.
    while others := [key for key in pool.missing if str(key) != address]:
        for key in others:
            pool.update(key, None)
    return pool


def paused(mint: bytes) -> bytes:
    """Return a mint of Token-2022 whose transfers are paused: extension 26, an authority and a flag."""
    extension = (26).to_bytes(2, "little") + (33).to_bytes(2, "little") + bytes(32) + b"\x01"
    return mint[:82] + bytes(165 - 82) + b"\x01" + extension


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
