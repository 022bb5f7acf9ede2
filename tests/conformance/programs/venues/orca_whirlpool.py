"""Orca Whirlpool, either deployment."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from typing import Any, ClassVar

from .. import layout
from ..svm import Execution
from ..ticks import MAX_TICK, MIN_TICK, sqrt_price
from ..tokens import (
    MEMO,
    TOKEN,
    address,
    derived,
    frozen,
    mutate_transfer_fee,
    other_balance,
    other_liquidity,
    pubkey,
    with_balance,
)
from ..vectors import Call, State, Swap
from ..venue import Parties, Side, Venue
from .whirlpool_ticks import TICKS_PER_ARRAY, array_address, listed_starts, mutate_liquidity, sequence

SWAP = bytes.fromhex("f8c69e91e17587c8")
SWAP_V2 = bytes.fromhex("2b04ed0b1ac91e62")
NO_REMAINING_ACCOUNTS = b"\0"
TRADED = hashlib.sha256(b"event:Traded").digest()[:8]
# Pool offsets.
TICK_SPACING, FEE_TIER_INDEX, FEE_RATE, PROTOCOL_RATE = 41, 43, 45, 47
LIQUIDITY, SQRT_PRICE, TICK, MINT_A, VAULT_A, MINT_B, VAULT_B = 49, 65, 81, 101, 133, 181, 213
# Oracle offsets.
TRADE_ENABLE, FILTER, DECAY, REDUCTION, CONTROL, MAX_VOLATILITY, GROUP_SIZE, MAJOR_SWAP = (
    40,
    48,
    50,
    52,
    54,
    58,
    62,
    64,
)
VARIABLES, VOLATILITY_REFERENCE, GROUP_REFERENCE, VOLATILITY, VARIABLES_END = 82, 98, 102, 106, 110
STATE_HEAD = 5
MIN_SQRT_PRICE, MAX_SQRT_PRICE = 4_295_048_016, 79_226_673_515_401_279_992_447_579_055
POST = {
    "post_liquidity": (LIQUIDITY, 16, False),
    "post_sqrt_price": (SQRT_PRICE, 16, False),
    "post_tick": (TICK, 4, True),
    "post_protocol_fee_owed_a": (85, 8, False),
    "post_protocol_fee_owed_b": (93, 8, False),
    "post_fee_growth_global_a": (165, 16, False),
    "post_fee_growth_global_b": (245, 16, False),
}
LP_FEE, PROTOCOL_FEE = 8 + 32 + 1 + 32 + 16 + 16, 8 + 32 + 1 + 32 + 16 + 24  # in the event


class OrcaWhirlpool(Venue):
    """Orca Whirlpool."""

    name = "orca_whirlpool"
    has_price_limit = True
    wallets: ClassVar = {"swap": (1, 3, 5), "swap_v2": (3, 7, 9)}

    def parties(self, op: str, accounts: list[str], a_to_b: bool) -> Parties:
        """Return the parties; both instructions name token A's account before token B's."""
        trader, wallet_a, wallet_b = (accounts[i] for i in self.wallets[op])
        return Parties(trader, wallet_a, wallet_b)

    def sides(self, state: State) -> tuple[Side, Side]:
        pool = state.pool_data
        return Side(address(pool, MINT_A), address(pool, VAULT_A)), Side(
            address(pool, MINT_B), address(pool, VAULT_B)
        )

    def operations(self, state: State, exact_in: bool) -> list[tuple[str, str | None]]:
        plain = all(state.accounts[side.mint].owner == TOKEN for side in self.sides(state))
        return [("swap", None), ("swap_v2", None)] if plain else [("swap_v2", None)]

    def call(self, state: State, swap: Swap, parties: Parties) -> Call:
        program = state.accounts[state.pool].owner
        a, b = self.sides(state)
        starts = sequence(state.pool_data, swap.a_to_b)
        arrays = [array_address(state, start) for start in starts]
        arrays += arrays[-1:] * (3 - len(arrays))
        owned = [parties.wallet_a, a.vault, parties.wallet_b, b.vault, *arrays, oracle_address(state)]
        arguments = layout.arguments(
            (swap.amount, 8),
            (swap.threshold, 8),
            (swap.sqrt_price_limit or 0, 16),
            (swap.exact_in, 1),
            (swap.a_to_b, 1),
        )
        writable = [(key, "w") for key in owned]
        if swap.op == "swap":
            head = [(TOKEN, ""), (parties.trader, "s"), (state.pool, "w")]
            return Call(program, SWAP + arguments, head + writable)
        programs = [(state.accounts[side.mint].owner, "") for side in (a, b)]
        head = [*programs, (MEMO, ""), (parties.trader, "s"), (state.pool, "w"), (a.mint, ""), (b.mint, "")]
        return Call(program, SWAP_V2 + arguments + NO_REMAINING_ACCOUNTS, head + writable)

    def settled(self, state: State) -> State:
        """Keep the tick arrays of the offsets that vector files list; name those that do not exist."""
        listed = [array_address(state, start) for start in listed_starts(state.pool_data)]
        head = state.keys[:STATE_HEAD]
        optional = [oracle_address(state), *listed]
        keys = head + [key for key in optional if key in state.accounts]
        missing = tuple(key for key in optional if key not in state.accounts)
        return replace(state, accounts={key: state.accounts[key] for key in keys}, missing=missing)

    def details(self, state: State, swap: Swap, execution: Execution) -> dict[str, Any]:
        event = next(each for each in execution.events if each[:8] == TRADED)
        lp_fee, protocol_fee = layout.u64(event, LP_FEE), layout.u64(event, PROTOCOL_FEE)
        pool = execution.accounts[state.pool]
        result: dict[str, Any] = {
            "fee": lp_fee + protocol_fee,
            "lp_fee": lp_fee,
            "protocol_fee": protocol_fee,
        }
        result |= {name: layout.get(pool, *place) for name, place in POST.items()}
        oracle = oracle_address(state)
        if oracle in state.accounts:
            result["post_adaptive_variables_hex"] = execution.accounts[oracle][VARIABLES:VARIABLES_END].hex()
        return result

    def price_limit(self, state: State, a_to_b: bool, rng: random.Random) -> int:
        tick = layout.i32(state.pool_data, TICK)
        reach = int(2 ** rng.uniform(0, 19)) * (-1 if a_to_b else 1)
        reach *= -1 if rng.random() < 0.05 else 1
        limit = sqrt_price(max(MIN_TICK, min(MAX_TICK, tick + reach)))
        if rng.random() < 0.03:
            limit = rng.choice((MIN_SQRT_PRICE, MAX_SQRT_PRICE, layout.u128(state.pool_data, SQRT_PRICE)))
        return limit + rng.choice((-1, 0, 0, 1, rng.randrange(1_000)))

    def mutate(self, state: State, rng: random.Random) -> State:
        """Other fees, price, liquidity, clock, transfer fees or adaptive fee."""
        pool = state.pool_data
        if rng.random() < 0.4:
            pool = layout.put(
                pool, FEE_RATE, 2, rng.choice((0, 1, 100, 3_000, 60_000, rng.randrange(60_001)))
            )
            pool = layout.put(pool, PROTOCOL_RATE, 2, rng.randrange(2_501))
        if rng.random() < 0.4:
            pool = _price(pool, rng)
        if rng.random() < 0.3:
            pool = layout.put(pool, LIQUIDITY, 16, other_liquidity(layout.u128(pool, LIQUIDITY), rng))
        state = state.with_data(state.pool, pool)
        if rng.random() < 0.4:
            state = mutate_liquidity(state, rng)
        for side in self.sides(state):
            if rng.random() < 0.5:
                state = mutate_transfer_fee(state, side.mint, rng)
            if rng.random() < 0.7:  # mostly enough for whatever the liquidity promises
                amount = other_balance(rng) if rng.random() < 0.1 else 2**63
                state = with_balance(state, side.vault, amount)
            if rng.random() < 0.01:
                state = frozen(state, side.vault)
        if oracle_address(state) in state.accounts and rng.random() < 0.6:
            state = _adaptive(state, rng)
        earlier = rng.choice((1, 60, 100_000)) if rng.random() < 0.03 else 0
        clock = replace(state.clock, unix_timestamp=state.clock.unix_timestamp - earlier)
        return replace(state, clock=clock)


def oracle_address(state: State) -> str:
    return derived(state.accounts[state.pool].owner, b"oracle", bytes(pubkey(state.pool)))


def _price(pool: bytes, rng: random.Random) -> bytes:
    tick, spacing = layout.i32(pool, TICK), layout.u16(pool, TICK_SPACING)
    tick += rng.randrange(-2, 3) * spacing * rng.choice((1, 10, TICKS_PER_ARRAY))
    tick += rng.randrange(-spacing, spacing + 1)
    if rng.random() < 0.3:
        tick = tick // spacing * spacing
    tick = max(MIN_TICK, min(MAX_TICK - 1, tick))
    low, high = sqrt_price(tick), sqrt_price(tick + 1)
    price = rng.choice((low, low, rng.randrange(low, high)))
    # After a downward crossing the tick lies one below its price.
    below = price == low and tick > MIN_TICK and rng.random() < 0.3
    return layout.put(layout.put(pool, SQRT_PRICE, 16, price), TICK, 4, tick - below)


def _adaptive(state: State, rng: random.Random) -> State:
    """Adaptive fee constants as the program lets them be, and variables that could have come about."""
    key, pool = oracle_address(state), state.pool_data
    spacing, tick = layout.u16(pool, TICK_SPACING), layout.i32(pool, TICK)
    size = rng.choice([size for size in range(1, spacing + 1) if spacing % size == 0])
    decay = rng.randrange(2, 4_000)
    most = min(int(2 ** rng.uniform(1, 32)), (2**32 - 1) // size)
    reference = max(MIN_TICK, min(MAX_TICK, tick + rng.randrange(-2_000, 2_000))) // size
    fields = [
        (FILTER, 2, rng.randrange(1, decay)),
        (DECAY, 2, decay),
        (REDUCTION, 2, rng.randrange(10_000)),
        (CONTROL, 4, rng.choice((0, rng.randrange(100_000)))),
        (MAX_VOLATILITY, 4, most),
        (GROUP_SIZE, 2, size),
        (MAJOR_SWAP, 2, rng.randrange(1, TICKS_PER_ARRAY * spacing + 1) % 65_535 + 1),
        (VOLATILITY_REFERENCE, 4, rng.randrange(most + 1)),
        (GROUP_REFERENCE, 4, reference),
        (VOLATILITY, 4, rng.randrange(most + 1)),
    ]
    if rng.random() < 0.1:
        fields.append((TRADE_ENABLE, 8, state.clock.unix_timestamp + rng.randrange(-1, 100)))
    data = state.data(key)
    for field in fields:
        data = layout.put(data, *field)
    return state.with_data(key, data)
