"""Meteora DLMM (lb_clmm)."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from typing import Any, ClassVar

from solders.pubkey import Pubkey

from .. import layout
from ..svm import Execution
from ..tokens import (
    MEMO,
    address,
    derived,
    frozen,
    log_uniform,
    mutate_transfer_fee,
    other_balance,
    pubkey,
    with_balance,
)
from ..vectors import Account, Call, State, Swap
from ..venue import Parties, Side, Venue

PROGRAM = "LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo"
DISCRIMINATORS = {
    "swap": bytes.fromhex("f8c69e91e17587c8"),
    "swap2": bytes.fromhex("414b3f4ceb5b5b88"),
    "swap_exact_out": bytes.fromhex("fa49652126cf4bb8"),
    "swap_exact_out2": bytes.fromhex("2bd7f784893cf351"),
}
# RemainingAccountsInfo: two slices, transfer hook X and Y, both empty.
NO_HOOKS = bytes.fromhex("0200000000000100")
SWAP2_EVT = bytes.fromhex("2e7452d7941b544d")
ORACLE = hashlib.sha256(b"account:Oracle").digest()[:8]
ORACLE_LENGTH = 100
# Pair offsets.
BASE_FACTOR, FILTER, DECAY, REDUCTION, VARIABLE_CONTROL, MAX_VOLATILITY = 8, 10, 12, 14, 16, 20
PROTOCOL_SHARE, POWER_FACTOR, FUNCTION_TYPE, COLLECT_FEE_MODE = 32, 34, 35, 36
VOLATILITY, VOLATILITY_REFERENCE, INDEX_REFERENCE, LAST_UPDATE = 40, 44, 48, 56
BUMP, PAIR_TYPE, ACTIVE_ID, BIN_STEP, STATUS, ACTIVATION_TYPE = 72, 75, 76, 80, 82, 86
MINT_X, MINT_Y, RESERVE_X, RESERVE_Y, ORACLE_KEY = 88, 120, 152, 184, 552
BASE_KEY, ACTIVATION_POINT = 784, 816
# Bin arrays.
BINS_PER_ARRAY, FIRST_BIN, BIN_SIZE = 70, 56, 144
ARRAYS_EACH_WAY = 4
LIQUIDITY_SUPPLY, ORDERS, ASK_SIDE = 32, 112, 140  # orders: open, total in process, remaining of it
ARRAY_PAIR = 24
STATE_HEAD = 5
CUSTOMIZABLE, CUSTOMIZABLE_BASE = 2, "MFGQxwAmB91SwuYX36okv2Qmdc9aMuHTwWGUrp4AtB1"
TOKEN_OWNER = 32
POST = {
    "post_volatility_accumulator": (VOLATILITY, 4, False),
    "post_volatility_reference": (VOLATILITY_REFERENCE, 4, False),
    "post_index_reference": (INDEX_REFERENCE, 4, True),
    "post_last_update_timestamp": (LAST_UPDATE, 8, True),
    "post_active_id": (ACTIVE_ID, 4, True),
    "post_protocol_fee_x": (216, 8, False),
    "post_protocol_fee_y": (224, 8, False),
}
EVENT = {  # after discriminator, pair, trader, both bins and the direction
    "fee_rate": (81, 16),
    "amount_left": (105, 8),
    "mm_fee": (121, 8),
    "protocol_fee": (129, 8),
    "limit_order_fee": (137, 8),
}
FEES_ON_INPUT = 153


class MeteoraDlmm(Venue):
    """Meteora DLMM."""

    name = "meteora_dlmm"
    wallets: ClassVar = dict.fromkeys(DISCRIMINATORS, (10, 4, 5))

    def sides(self, state: State) -> tuple[Side, Side]:
        pool = state.pool_data
        return Side(address(pool, MINT_X), address(pool, RESERVE_X)), Side(
            address(pool, MINT_Y), address(pool, RESERVE_Y)
        )

    def operations(self, state: State, exact_in: bool) -> list[tuple[str, str | None]]:
        x, y = self.sides(state)
        same = state.accounts[x.mint].owner == state.accounts[y.mint].owner
        plain = same and state.accounts[x.mint].owner.startswith("Tokenkeg")
        base = "swap" if exact_in else "swap_exact_out"
        return [(base, None), (f"{base}2", None)] if plain else [(f"{base}2", None)]

    def call(self, state: State, swap: Swap, parties: Parties) -> Call:
        x, y = self.sides(state)
        payer, receiver = parties.wallet_a, parties.wallet_b
        if not swap.a_to_b:
            payer, receiver = receiver, payer
        amounts = [swap.amount, swap.threshold] if swap.exact_in else [swap.threshold, swap.amount]
        data = DISCRIMINATORS[swap.op] + layout.arguments(*((amount, 8) for amount in amounts))
        second = swap.op.endswith("2")
        accounts = [
            (state.pool, "w"),
            (PROGRAM, ""),  # no bitmap extension
            (x.vault, "w"),
            (y.vault, "w"),
            (payer, "w"),
            (receiver, "w"),
            (x.mint, ""),
            (y.mint, ""),
            (address(state.pool_data, ORACLE_KEY), "w"),
            (PROGRAM, ""),  # no host fee account
            (parties.trader, "s"),
            (state.accounts[x.mint].owner, ""),
            (state.accounts[y.mint].owner, ""),
            *([(MEMO, "")] if second else []),
            (derived(PROGRAM, b"__event_authority"), ""),
            (PROGRAM, ""),
            *((key, "w") for key in in_reach(state, swap.a_to_b)),
        ]
        return Call(PROGRAM, data + (NO_HOOKS if second else b""), accounts)

    def companions(self, state: State, parties: Parties) -> dict[str, Account]:
        header = ORACLE + layout.arguments((0, 8), (0, 8), (ORACLE_LENGTH, 8))
        oracle = Account(PROGRAM, 10**9, header + bytes(32 * ORACLE_LENGTH))
        return {address(state.pool_data, ORACLE_KEY): oracle}

    def settled(self, state: State) -> State:
        arrays = list(dict.fromkeys((*in_reach(state, True), *in_reach(state, False))))
        keys = [*state.keys[:STATE_HEAD], *arrays]
        return replace(state, accounts={key: state.accounts[key] for key in keys})

    def details(self, state: State, swap: Swap, execution: Execution) -> dict[str, Any]:
        event = next(each for each in execution.events if each[:8] == SWAP2_EVT)
        told = {name: layout.get(event, *place) for name, place in EVENT.items()}
        pair = execution.accounts[state.pool]
        return {
            "fee": told["mm_fee"] + told["protocol_fee"] + told["limit_order_fee"],
            **told,
            "fees_on_input": bool(event[FEES_ON_INPUT]),
            **{name: layout.get(pair, *place) for name, place in POST.items()},
        }

    def mutate(self, state: State, rng: random.Random) -> State:
        if rng.random() < 0.1 and state.pool_data[PAIR_TYPE] != CUSTOMIZABLE:
            state = _customizable(state, rng)
        pair = state.pool_data
        for rewrite, share in ((_parameters, 0.5), (_volatility, 0.5), (_modes, 0.25), (_status, 0.1)):
            if rng.random() < share:
                pair = rewrite(pair, state, rng)
        state = state.with_data(state.pool, pair)
        if rng.random() < 0.4:
            state = _bins(state, rng)
        if rng.random() < 0.3:
            state = _active_bin(state, rng)
        for side in self.sides(state):
            if rng.random() < 0.1:
                state = with_balance(state, side.vault, other_balance(rng))
            if rng.random() < 0.6:
                state = mutate_transfer_fee(state, side.mint, rng)
            if rng.random() < 0.01:
                state = frozen(state, side.vault)
        return state


def in_reach(state: State, a_to_b: bool) -> list[str]:
    """Return the bin arrays that a client passes: from the active bin on, nearest first."""
    active = layout.i32(state.pool_data, ACTIVE_ID) // BINS_PER_ARRAY
    known = sorted((array_index(state.data(key)), key) for key in state.keys[STATE_HEAD:])
    ahead = [key for index, key in reversed(known) if index <= active]
    if not a_to_b:
        ahead = [key for index, key in known if index >= active]
    return ahead[:ARRAYS_EACH_WAY]


def array_index(data: bytes | bytearray) -> int:
    return layout.get(data, 8, 8, signed=True)


def _put(pair: bytes, *fields: tuple[int, int, int]) -> bytes:
    for offset, size, value in fields:
        pair = layout.put(pair, offset, size, value)
    return pair


def _parameters(pair: bytes, state: State, rng: random.Random) -> bytes:
    """Fee parameters of any size that their fields hold; rates above 10 % are capped by the program."""
    decay = rng.randrange(1, 0x10000)
    if rng.random() < 0.2:  # prices are read as stored: the step only enters the rates
        pair = layout.put(pair, BIN_STEP, 2, rng.randrange(1, 401))
    return _put(
        pair,
        (BASE_FACTOR, 2, rng.choice((0, 1, 10_000, rng.randrange(0x10000)))),
        (POWER_FACTOR, 1, rng.choice((0, 0, 0, 1, 2, 3))),
        (FILTER, 2, rng.randrange(decay)),
        (DECAY, 2, decay),
        (REDUCTION, 2, rng.choice((0, 5_000, rng.randrange(10_001), 10_000))),
        (VARIABLE_CONTROL, 4, rng.choice((0, 1, 40_000, log_uniform(rng, 24)))),
        (MAX_VOLATILITY, 4, rng.choice((0, 350_000, log_uniform(rng, 24)))),
        (PROTOCOL_SHARE, 2, rng.choice((0, 500, 1_000, rng.randrange(10_001)))),
    )


def _volatility(pair: bytes, state: State, rng: random.Random) -> bytes:
    most = layout.u32(pair, MAX_VOLATILITY)
    ago = rng.choice((0, 1, rng.randrange(100), rng.randrange(70_000), state.clock.unix_timestamp))
    return _put(
        pair,
        (VOLATILITY, 4, rng.randrange(most + 1)),
        (VOLATILITY_REFERENCE, 4, rng.randrange(most + 1)),
        (
            INDEX_REFERENCE,
            4,
            layout.i32(pair, ACTIVE_ID)
            + rng.choice((0, rng.randrange(-50, 51), rng.randrange(-5_000, 5_001))),
        ),
        (LAST_UPDATE, 8, state.clock.unix_timestamp - ago),
    )


def _modes(pair: bytes, state: State, rng: random.Random) -> bytes:
    return _put(pair, (COLLECT_FEE_MODE, 1, rng.randrange(2)), (FUNCTION_TYPE, 1, rng.randrange(3)))


def _customizable(state: State, rng: random.Random) -> State:
    """The pair as a customizable one, which opens at a time of its own: its type decides its address."""
    x, y = (
        bytes(pubkey(side)) for side in (address(state.pool_data, MINT_X), address(state.pool_data, MINT_Y))
    )
    seeds = [bytes(pubkey(CUSTOMIZABLE_BASE)), min(x, y), max(x, y)]
    key, bump = Pubkey.find_program_address(seeds, pubkey(PROGRAM))
    kind = rng.randrange(2)
    now = (state.clock.slot, state.clock.unix_timestamp)[kind]
    pair = _put(
        state.pool_data,
        (BUMP, 1, bump),
        (PAIR_TYPE, 1, CUSTOMIZABLE),
        (ACTIVATION_TYPE, 1, kind),
        (ACTIVATION_POINT, 8, now + rng.choice((-1, 0, 1, 2, 1_000, -1_000))),
    )
    pair = pair[:BASE_KEY] + seeds[0] + pair[BASE_KEY + 32 :]
    accounts = {str(key): state.accounts[state.pool].with_data(pair)}
    for old in state.keys[1:]:
        data = bytearray(state.data(old))
        if old in state.keys[1:3]:
            data[TOKEN_OWNER : TOKEN_OWNER + 32] = bytes(key)
        new = old
        if old in state.keys[STATE_HEAD:]:
            data[ARRAY_PAIR : ARRAY_PAIR + 32] = bytes(key)
            new = derived(PROGRAM, b"bin_array", bytes(key), bytes(data[8:16]))
        accounts[new] = state.accounts[old].with_data(bytes(data))
    return replace(state, pool=str(key), accounts=accounts)


def _status(pair: bytes, state: State, rng: random.Random) -> bytes:
    """A disabled pair."""
    return layout.put(pair, STATUS, 1, rng.randrange(2))


def _bins(state: State, rng: random.Random) -> State:
    """Other amounts in bins (Y up to the active bin, X from it on) and other limit orders."""
    active = layout.i32(state.pool_data, ACTIVE_ID)
    bits, density, orders = rng.choice((3, 20, 40, 60)), rng.choice((0.1, 0.5, 0.9)), rng.choice((0, 0, 0.3))
    for key in state.keys[STATE_HEAD:]:
        data = bytearray(state.data(key))
        first = array_index(data) * BINS_PER_ARRAY
        for index in range(BINS_PER_ARRAY):
            at, bin_id = FIRST_BIN + index * BIN_SIZE, first + index
            supplied = layout.u128(data, at + LIQUIDITY_SUPPLY) > 0
            if rng.random() < density and (supplied or rng.random() < 0.1):
                x = log_uniform(rng, bits) if bin_id >= active and rng.random() < 0.8 else 0
                y = log_uniform(rng, bits) if bin_id <= active and rng.random() < 0.8 else 0
                data[at : at + 16] = layout.arguments((x, 8), (y, 8))
            if rng.random() < orders:
                _orders(data, at, bin_id > active, bits, rng)
        state = state.with_data(key, bytes(data))
    return state


def _orders(data: bytearray, at: int, ask_side: bool, bits: int, rng: random.Random) -> None:
    """Open orders, and older ones that swaps have partly filled."""
    total = log_uniform(rng, bits) if rng.random() < 0.5 else 0
    opened = log_uniform(rng, bits) if total == 0 or rng.random() < 0.5 else 0
    remaining = rng.choice((total, rng.randrange(total + 1), 0))
    data[at + ORDERS : at + ORDERS + 24] = layout.arguments((opened, 8), (total, 8), (remaining, 8))
    data[at + ASK_SIDE] = ask_side


def _active_bin(state: State, rng: random.Random) -> State:
    """The active bin elsewhere within the arrays at hand; bins passed over keep the wrong token."""
    indexes = [array_index(state.data(key)) for key in state.keys[STATE_HEAD:]]
    if not indexes:
        return state
    pair = state.pool_data
    low, high = min(indexes) * BINS_PER_ARRAY, max(indexes) * BINS_PER_ARRAY + BINS_PER_ARRAY - 1
    active = layout.i32(pair, ACTIVE_ID) + rng.choice((-1, 1, rng.randrange(-20, 21)))
    active = min(max(active, low), high)
    return state.with_data(state.pool, layout.put(pair, ACTIVE_ID, 4, active))
