"""Raydium CLMM (before limit orders and dynamic fees)."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any, ClassVar

from .. import layout
from ..svm import Execution
from ..tokens import (
    MEMO,
    TOKEN,
    TOKEN_2022,
    address,
    frozen,
    mutate_transfer_fee,
    other_balance,
    other_liquidity,
    pubkey,
    with_balance,
)
from ..vectors import Account, Call, State, Swap
from ..venue import Parties, Side, Venue
from .clmm_ticks import MAX_TICK, MIN_TICK, STATE_HEAD, in_reach, mutate_liquidity

PROGRAM = "CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK"
SWAP = bytes.fromhex("f8c69e91e17587c8")
SWAP_V2 = bytes.fromhex("2b04ed0b1ac91e62")
OBSERVATION_STATE = bytes.fromhex("7aaec5358109a584")
# Pool offsets.
CONFIG, MINT_0, MINT_1, VAULT_0, VAULT_1, OBSERVATION = 9, 73, 105, 137, 169, 201
TICK_SPACING, LIQUIDITY, SQRT_PRICE, TICK, STATUS, OPEN_TIME = 235, 237, 253, 269, 389, 1080
# Config offsets.
PROTOCOL_RATE, TRADE_RATE, FUND_RATE = 43, 47, 53
RATES = 1_000_000
SWAP_OFF = 1 << 4
MIN_SQRT_PRICE, MAX_SQRT_PRICE = 4_295_048_016, 79_226_673_521_066_979_257_578_248_091
POST = {
    "post_liquidity": (LIQUIDITY, 16, False),
    "post_sqrt_price": (SQRT_PRICE, 16, False),
    "post_tick": (TICK, 4, True),
    "post_fee_growth_global_0": (277, 16, False),
    "post_fee_growth_global_1": (293, 16, False),
    "post_protocol_fees_token_0": (309, 8, False),
    "post_protocol_fees_token_1": (317, 8, False),
    "post_fund_fees_token_0": (1064, 8, False),
    "post_fund_fees_token_1": (1072, 8, False),
}


class RaydiumClmm(Venue):
    """Raydium CLMM."""

    name = "raydium_clmm"
    has_price_limit = True
    counts_compute = False
    wallets: ClassVar = {"swap": (0, 3, 4), "swap_v2": (0, 3, 4)}

    def sides(self, state: State) -> tuple[Side, Side]:
        pool = state.pool_data
        return Side(address(pool, MINT_0), address(pool, VAULT_0)), Side(
            address(pool, MINT_1), address(pool, VAULT_1)
        )

    def operations(self, state: State, exact_in: bool) -> list[tuple[str, str | None]]:
        plain = all(state.accounts[side.mint].owner == TOKEN for side in self.sides(state))
        # `swap` names its first tick array among the fixed accounts: there must be one each way.
        first = all(in_reach(state, a_to_b) for a_to_b in (True, False))
        return [("swap_v2", None), ("swap", None)] if plain and first else [("swap_v2", None)]

    def call(self, state: State, swap: Swap, parties: Parties) -> Call:
        pool = state.pool_data
        legs = list(zip(self.sides(state), (parties.wallet_a, parties.wallet_b), strict=True))
        (into, payer), (out, receiver) = legs if swap.a_to_b else reversed(legs)
        arguments = layout.arguments(
            (swap.amount, 8), (swap.threshold, 8), (swap.sqrt_price_limit or 0, 16), (swap.exact_in, 1)
        )
        accounts = [
            (parties.trader, "s"),
            (address(pool, CONFIG), ""),
            (state.pool, "w"),
            (payer, "w"),
            (receiver, "w"),
            (into.vault, "w"),
            (out.vault, "w"),
            (address(pool, OBSERVATION), "w"),
            (TOKEN, ""),
        ]
        extension = (state.keys[STATE_HEAD - 1], "w")
        arrays = [(key, "w") for key in in_reach(state, swap.a_to_b)]
        if swap.op == "swap":
            return Call(PROGRAM, SWAP + arguments, [*accounts, *arrays[:1], extension, *arrays[1:]])
        accounts += [(TOKEN_2022, ""), (MEMO, ""), (into.mint, ""), (out.mint, ""), extension]
        return Call(PROGRAM, SWAP_V2 + arguments, accounts + arrays)

    def companions(self, state: State, parties: Parties) -> dict[str, Account]:
        data = OBSERVATION_STATE + bytes(11) + bytes(pubkey(state.pool))
        return {address(state.pool_data, OBSERVATION): Account(PROGRAM, 10**9, data.ljust(4483, b"\0"))}

    def settled(self, state: State) -> State:
        arrays = list(dict.fromkeys((*in_reach(state, True), *in_reach(state, False))))
        keys = [*state.keys[:STATE_HEAD], *arrays]
        return replace(state, accounts={key: state.accounts[key] for key in keys})

    def details(self, state: State, swap: Swap, execution: Execution) -> dict[str, Any]:
        pool = execution.accounts[state.pool]
        return {name: layout.get(pool, *place) for name, place in POST.items()}

    def price_limit(self, state: State, a_to_b: bool, rng: random.Random) -> int:
        price = layout.u128(state.pool_data, SQRT_PRICE)
        return nearby_price(price, a_to_b, rng, (MIN_SQRT_PRICE, MAX_SQRT_PRICE))

    def mutate(self, state: State, rng: random.Random) -> State:
        if rng.random() < 0.5:
            state = _rates(state, rng)
        pool = state.pool_data
        if rng.random() < 0.4:
            pool = layout.put(pool, LIQUIDITY, 16, other_liquidity(layout.u128(pool, LIQUIDITY), rng))
        if rng.random() < 0.4:
            pool = _price(pool, rng)
        if rng.random() < 0.1:
            pool = layout.put(pool, STATUS, 1, rng.choice((0, 1, 2, 15, SWAP_OFF, 31)))
        if rng.random() < 0.1:
            opens = state.clock.unix_timestamp + rng.choice((-1, 0, 0, 1, 60, 10**6))
            pool = layout.put(pool, OPEN_TIME, 8, opens)
        state = state.with_data(state.pool, pool)
        if rng.random() < 0.4:
            state = mutate_liquidity(state, rng)
        for side in self.sides(state):
            if rng.random() < 0.1:
                state = with_balance(state, side.vault, other_balance(rng))
            if rng.random() < 0.6:
                state = mutate_transfer_fee(state, side.mint, rng)
            if rng.random() < 0.01:
                state = frozen(state, side.vault)
        return state


def nearby_price(price: int, a_to_b: bool, rng: random.Random, bounds: tuple[int, int]) -> int:
    """Return a price limit at a log-uniform distance ahead; now and then equal, behind or out of bounds."""
    ticks = 2 ** rng.uniform(-10, 18)
    ahead = rng.random() > 0.05
    ratio = 1.00005**ticks
    limit = int(price / ratio) if a_to_b == ahead else int(price * ratio)
    kind = rng.random()
    if kind < 0.04:
        limit = rng.choice((price - 1, price, price + 1))
    elif kind < 0.08:
        limit = rng.choice(bounds) + rng.choice((-1, 0, 1))
    return max(1, min(limit, 2**128 - 1))


def _rates(state: State, rng: random.Random) -> State:
    """Rates as `update_amm_config` lets them be: trade < 100 %, protocol + fund <= 100 %."""
    config = address(state.pool_data, CONFIG)
    protocol = rng.choice((0, 120_000, rng.randrange(RATES + 1), RATES))
    fund = rng.choice((0, 40_000, rng.randrange(RATES + 1), RATES)) % (RATES - protocol + 1)
    trade = rng.choice((0, 1, 100, 2_500, 10_000, rng.randrange(100_000), rng.randrange(RATES), RATES - 1))
    data = state.data(config)
    for offset, value in ((PROTOCOL_RATE, protocol), (TRADE_RATE, trade), (FUND_RATE, fund)):
        data = layout.put(data, offset, 4, value)
    return state.with_data(config, data)


def _price(pool: bytes, rng: random.Random) -> bytes:
    """A price up to a few arrays away, well inside its tick: at the edge the program's own tables decide."""
    spacing = layout.u16(pool, TICK_SPACING)
    tick = layout.i32(pool, TICK) + rng.choice((0, rng.randrange(-3, 4), rng.randrange(-90, 91))) * spacing
    tick = min(max(tick + rng.randrange(-spacing, spacing + 1), MIN_TICK + 1), MAX_TICK - 2)
    price = int(2**64 * 1.0001 ** ((tick + rng.uniform(0.05, 0.95)) / 2))
    return layout.put(layout.put(pool, SQRT_PRICE, 16, price), TICK, 4, tick)
