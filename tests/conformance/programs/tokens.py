"""SPL Token and Token-2022 accounts and mints: the fields that swaps read, and their mutations."""

from __future__ import annotations

import random
from functools import lru_cache

from solders.pubkey import Pubkey

from . import layout
from .vectors import Account, State

TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
TOKEN_2022 = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
MEMO = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"
SYSTEM = "11111111111111111111111111111111"
U64_MAX = 2**64 - 1
AMOUNT = 64  # offset in a token account
STATE = 108  # offset in a token account: 1 initialized, 2 frozen
FROZEN = 2
# A mint's first extension starts after the base padded to 165 bytes, the account type and the TLV header.
FIRST_EXTENSION = 166
TRANSFER_FEE_CONFIG = 1
TRANSFER_FEE_AMOUNT = 2
OLDER, NEWER = FIRST_EXTENSION + 4 + 72, FIRST_EXTENSION + 4 + 90


@lru_cache(maxsize=65536)
def pubkey(address: str) -> Pubkey:
    return Pubkey.from_string(address)


def address(data: bytes, offset: int) -> str:
    """Return the address stored at `offset`."""
    return str(Pubkey.from_bytes(data[offset : offset + 32]))


@lru_cache(maxsize=65536)
def derived(program: str, *seeds: bytes) -> str:
    """Return the program-derived address of `seeds`."""
    return str(Pubkey.find_program_address(list(seeds), pubkey(program))[0])


def balance(data: bytes) -> int:
    return layout.u64(data, AMOUNT)


def with_balance(state: State, key: str, amount: int) -> State:
    return state.with_data(key, layout.put(state.data(key), AMOUNT, 8, amount))


def has_transfer_fee(mint: bytes) -> bool:
    return len(mint) > NEWER and layout.u16(mint, FIRST_EXTENSION) == TRANSFER_FEE_CONFIG


def wallet(mint_key: str, mint: Account, owner: str, amount: int) -> Account:
    """Return a trader's token account."""
    data = bytes(pubkey(mint_key)) + bytes(pubkey(owner)) + amount.to_bytes(8, "little") + bytes(36)
    data += bytes([1]) + bytes(56)
    if has_transfer_fee(mint.data):  # the account carries what is withheld
        data += bytes([2]) + layout.arguments((TRANSFER_FEE_AMOUNT, 2), (8, 2), (0, 8))
    return Account(mint.owner, 10_000_000, data)


def log_uniform(rng: random.Random, bits: float = 64) -> int:
    """Return an integer in [1, 2^bits), its logarithm uniform and its low bits random."""
    value = int(2 ** rng.uniform(0, bits))
    value += rng.randrange(max(1, value >> 40))  # a float's own precision ends at 53 bits
    return min(value, int(2**bits) - 1) or 1


def other_balance(rng: random.Random) -> int:
    """Return a vault's balance: any, seldom nothing or all there can be (the trader then has none to pay)."""
    kind = rng.random()
    if kind < 0.03:
        return 0
    if kind < 0.06:
        return U64_MAX
    return log_uniform(rng, rng.choice((44, 63, 64)))


def other_liquidity(liquidity: int, rng: random.Random) -> int:
    """Return more liquidity, as a position over every tick adds; at times any, which ticks may contradict."""
    bits = rng.choice((40, 64, 90, 110, 126))
    added = log_uniform(rng, bits)
    return added if rng.random() < 0.15 else min(liquidity + added, 2**127)


def mutate_transfer_fee(state: State, mint_key: str, rng: random.Random) -> State:
    """Return the state with other transfer fees at `mint_key`, if it has any; the newer may be to come."""
    data = state.data(mint_key)
    if not has_transfer_fee(data):
        return state
    epoch = rng.choice((0, state.clock.epoch, state.clock.epoch + 1))
    for offset, since in ((OLDER, 0), (NEWER, epoch)):
        maximum = rng.choice((0, 1, rng.randrange(10_000), log_uniform(rng), U64_MAX))
        bps = rng.choice((0, 1, rng.randrange(10_001), rng.randrange(300), 9_999, 10_000))
        for size, value, at in ((8, since, 0), (8, maximum, 8), (2, bps, 16)):
            data = layout.put(data, offset + at, size, value)
    return state.with_data(mint_key, data)


def frozen(state: State, key: str) -> State:
    """Return the state with the token account at `key` frozen."""
    return state.with_data(key, layout.put(state.data(key), STATE, 1, FROZEN))
