"""Meteora DAMM v2 (cp-amm)."""

from __future__ import annotations

import random
from typing import Any, ClassVar

from .. import layout
from ..svm import Execution
from ..tokens import (
    address,
    balance,
    derived,
    frozen,
    log_uniform,
    mutate_transfer_fee,
    other_balance,
    with_balance,
)
from ..vectors import Call, State, Swap
from ..venue import Parties, Side, Venue

PROGRAM = "cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG"
SWAP = bytes.fromhex("f8c69e91e17587c8")
SWAP2 = bytes.fromhex("414b3f4ceb5b5b88")
EVT_SWAP2 = bytes.fromhex("bd4233a826507599")
INSTRUCTIONS_SYSVAR = "Sysvar1nstructions1111111111111111111111111"
MODES = ("exact_in", "partial_fill", "exact_out")
# Pool offsets.
CLIFF_FEE, BASE_FEE_MODE, BASE_FEE_22, BASE_FEE_24, BASE_FEE_28, BASE_FEE_32 = 8, 16, 22, 24, 28, 32
PROTOCOL_PERCENT, COMPOUNDING_BPS = 48, 54
DYNAMIC_INITIALIZED, MAX_VOLATILITY, VARIABLE_CONTROL, BIN_STEP = 56, 64, 68, 72
FILTER, DECAY, REDUCTION, LAST_UPDATE, BIN_STEP_U128, PRICE_REFERENCE = 74, 76, 78, 80, 88, 104
VOLATILITY, VOLATILITY_REFERENCE, INIT_SQRT_PRICE = 120, 136, 152
MINT_A, MINT_B, VAULT_A, VAULT_B, LIQUIDITY = 168, 200, 232, 264, 360
MIN_PRICE, MAX_PRICE, SQRT_PRICE = 424, 440, 456
ACTIVATION_POINT, ACTIVATION_TYPE, STATUS, COLLECT_FEE_MODE, FEE_VERSION = 472, 480, 481, 484, 486
AMOUNT_A, AMOUNT_B = 680, 688
LINEAR, EXPONENTIAL, RATE_LIMITER, MARKET_CAP_LINEAR, MARKET_CAP_EXPONENTIAL = range(5)
COMPOUNDING = 2
MIN_FEE, MAX_FEE = 100_000, (500_000_000, 990_000_000)  # of 1e9; the maximum by fee_version
U24_MAX = 2**24 - 1
BIN_STEP_1_BPS = 1_844_674_407_370_955
POST = {
    "post_liquidity": (LIQUIDITY, 16),
    "post_sqrt_price": (SQRT_PRICE, 16),
    "post_protocol_a_fee": (392, 8),
    "post_protocol_b_fee": (400, 8),
    "post_token_a_amount": (AMOUNT_A, 8),
    "post_token_b_amount": (AMOUNT_B, 8),
    "post_dynamic_fee_last_update_timestamp": (LAST_UPDATE, 8),
    "post_sqrt_price_reference": (PRICE_REFERENCE, 16),
    "post_volatility_accumulator": (VOLATILITY, 16),
    "post_volatility_reference": (VOLATILITY_REFERENCE, 16),
}
EVENT = {
    "included_fee_input_amount": (60, 8),
    "excluded_fee_input_amount": (68, 8),
    "amount_left": (76, 8),
    "output_amount": (84, 8),
    "next_sqrt_price": (92, 16),
    "claiming_fee": (108, 8),
    "protocol_fee": (116, 8),
    "compounding_fee": (124, 8),
    "referral_fee": (132, 8),
    "included_transfer_fee_amount_in": (140, 8),
    "included_transfer_fee_amount_out": (148, 8),
    "excluded_transfer_fee_amount_out": (156, 8),
}
FEES = ("claiming_fee", "protocol_fee", "compounding_fee", "referral_fee")


class MeteoraDammV2(Venue):
    """Meteora DAMM v2."""

    name = "meteora_damm_v2"
    wallets: ClassVar = {"swap": (8, 2, 3), "swap2": (8, 2, 3)}

    def sides(self, state: State) -> tuple[Side, Side]:
        pool = state.pool_data
        return Side(address(pool, MINT_A), address(pool, VAULT_A)), Side(
            address(pool, MINT_B), address(pool, VAULT_B)
        )

    def operations(self, state: State, exact_in: bool) -> list[tuple[str, str | None]]:
        if exact_in:
            return [("swap", "exact_in"), ("swap2", "exact_in"), ("swap2", "partial_fill")]
        return [("swap2", "exact_out")]

    def call(self, state: State, swap: Swap, parties: Parties) -> Call:
        a, b = self.sides(state)
        payer, receiver = parties.wallet_a, parties.wallet_b
        if not swap.a_to_b:
            payer, receiver = receiver, payer
        data = SWAP if swap.op == "swap" else SWAP2
        data += layout.arguments((swap.amount, 8), (swap.threshold, 8))
        if swap.op == "swap2":
            data += bytes([MODES.index(str(swap.mode))])
        accounts = [
            (derived(PROGRAM, b"pool_authority"), ""),
            (state.pool, "w"),
            (payer, "w"),
            (receiver, "w"),
            (a.vault, "w"),
            (b.vault, "w"),
            (a.mint, ""),
            (b.mint, ""),
            (parties.trader, "s"),
            (state.accounts[a.mint].owner, ""),
            (state.accounts[b.mint].owner, ""),
            (PROGRAM, ""),  # no referral
            (derived(PROGRAM, b"__event_authority"), ""),
            (PROGRAM, ""),
        ]
        if state.pool_data[BASE_FEE_MODE] == RATE_LIMITER:
            accounts.append((INSTRUCTIONS_SYSVAR, ""))
        return Call(PROGRAM, data, accounts)

    def details(self, state: State, swap: Swap, execution: Execution) -> dict[str, Any]:
        event = next(each for each in execution.events if each[:8] == EVT_SWAP2)
        pool = execution.accounts[state.pool]
        told = {name: layout.get(event, *place) for name, place in EVENT.items()}
        posts = {name: layout.get(pool, *place) for name, place in POST.items()}
        return {"fee": sum(told[name] for name in FEES), **told, **posts}

    def mutate(self, state: State, rng: random.Random) -> State:
        pool = state.pool_data
        for rewrite, share in (
            (_base_fee, 0.5),
            (_dynamic_fee, 0.5),
            (_volatility, 0.4),
            (_shares, 0.3),
            (_price, 0.3),
            (_activation, 0.2),
        ):
            if rng.random() < share:
                pool = rewrite(pool, state, rng)
        state = state.with_data(state.pool, pool)
        if rng.random() < 0.2:
            state = _reserves(state, rng)
        for side in self.sides(state):
            if rng.random() < 0.6:
                state = mutate_transfer_fee(state, side.mint, rng)
            if rng.random() < 0.01:
                state = frozen(state, side.vault)
        return state


def _put(pool: bytes, *fields: tuple[int, int, int]) -> bytes:
    for offset, size, value in fields:
        pool = layout.put(pool, offset, size, value)
    return pool


def _base_fee(pool: bytes, state: State, rng: random.Random) -> bytes:
    """A base fee of the same mode (the mode decides which accounts are passed), as at creation."""
    mode, most = pool[BASE_FEE_MODE], MAX_FEE[pool[FEE_VERSION] > 0]
    cliff = rng.choice((MIN_FEE, 2_500_000, 10_000_000, most, rng.randrange(MIN_FEE, most + 1)))
    pool = layout.put(pool, CLIFF_FEE, 8, cliff)
    if mode == RATE_LIMITER:
        longest = (108_000, 43_200)[pool[ACTIVATION_TYPE]]
        return _put(
            pool,
            (BASE_FEE_22, 2, rng.choice((1, rng.randrange(1, 200), rng.randrange(1, 9_900)))),
            (BASE_FEE_24, 4, rng.randrange(1, longest + 1)),
            (BASE_FEE_28, 4, rng.randrange(cliff // 100_000, most // 100_000 + 1)),
            (BASE_FEE_32, 8, log_uniform(rng, rng.choice((20, 40, 63)))),
        )
    periods = rng.choice((0, 1, rng.randrange(1, 1_000), 0xFFFF))
    if mode in (LINEAR, MARKET_CAP_LINEAR):
        reduction = rng.randrange((cliff - MIN_FEE) // max(1, periods) + 1)
    else:
        reduction = rng.choice((0, rng.randrange(10_000), rng.randrange(300)))
    if mode in (LINEAR, EXPONENTIAL):
        frequency = rng.choice((1, rng.randrange(1, 10_000))) if periods else 0
        if periods == 0:
            reduction = 0
        return _put(pool, (BASE_FEE_22, 2, periods), (BASE_FEE_24, 8, frequency), (BASE_FEE_32, 8, reduction))
    return _put(
        pool,
        (BASE_FEE_22, 2, max(1, periods)),
        (BASE_FEE_24, 4, rng.choice((1, rng.randrange(1, 1_000), rng.randrange(1, 20_000)))),
        (BASE_FEE_28, 4, rng.choice((1, rng.randrange(1, 10**6), 2**32 - 1))),
        (BASE_FEE_32, 8, reduction),
    )


def _dynamic_fee(pool: bytes, state: State, rng: random.Random) -> bytes:
    decay = rng.randrange(1, 0x10000)
    return _put(
        pool,
        (DYNAMIC_INITIALIZED, 1, rng.choice((0, 1, 1))),
        (MAX_VOLATILITY, 4, rng.choice((0, U24_MAX, log_uniform(rng, 24)))),
        (VARIABLE_CONTROL, 4, rng.choice((0, 1, U24_MAX, log_uniform(rng, 24)))),
        (BIN_STEP, 2, 1),
        (BIN_STEP_U128, 16, BIN_STEP_1_BPS),
        (FILTER, 2, rng.randrange(decay)),
        (DECAY, 2, decay),
        (REDUCTION, 2, rng.choice((0, 5_000, rng.randrange(10_001), 10_000))),
    )


def _volatility(pool: bytes, state: State, rng: random.Random) -> bytes:
    most = layout.u32(pool, MAX_VOLATILITY)
    low, high = layout.u128(pool, MIN_PRICE), layout.u128(pool, MAX_PRICE)
    price = layout.u128(pool, SQRT_PRICE)
    near = int(price * rng.uniform(0.9, 1.1))
    reference = min(max(rng.choice((price, near, 0)), low), high) if rng.random() < 0.95 else 0
    return _put(
        pool,
        (
            LAST_UPDATE,
            8,
            state.clock.unix_timestamp - rng.choice((0, 1, rng.randrange(100), rng.randrange(70_000))),
        ),
        (PRICE_REFERENCE, 16, reference),
        (VOLATILITY, 16, rng.randrange(most + 1)),
        (VOLATILITY_REFERENCE, 16, rng.randrange(most + 1)),
    )


def _shares(pool: bytes, state: State, rng: random.Random) -> bytes:
    pool = layout.put(pool, PROTOCOL_PERCENT, 1, rng.choice((0, 20, rng.randrange(51))))
    if pool[COLLECT_FEE_MODE] == COMPOUNDING:
        return layout.put(pool, COMPOUNDING_BPS, 2, rng.choice((0, 1, 10_000, rng.randrange(10_001))))
    pool = layout.put(pool, COLLECT_FEE_MODE, 1, rng.randrange(2))
    return layout.put(pool, FEE_VERSION, 1, rng.randrange(2))


def _price(pool: bytes, state: State, rng: random.Random) -> bytes:
    """Another price inside the range and another liquidity; compounding pools have no use for either."""
    low, high = layout.u128(pool, MIN_PRICE), layout.u128(pool, MAX_PRICE)
    price = layout.u128(pool, SQRT_PRICE)
    near = int(price * 2 ** rng.uniform(-3, 3))
    price = min(max(rng.choice((price, near, near, rng.randrange(low, high + 1), low, high)), low), high)
    if rng.random() < 0.5:
        pool = layout.put(pool, LIQUIDITY, 16, log_uniform(rng, rng.choice((64, 90, 110, 127))))
    return _put(
        pool,
        (SQRT_PRICE, 16, price),
        (INIT_SQRT_PRICE, 16, rng.choice((price, max(low, int(price * rng.random()))))),
    )


def _activation(pool: bytes, state: State, rng: random.Random) -> bytes:
    if pool[BASE_FEE_MODE] != RATE_LIMITER:
        pool = layout.put(pool, ACTIVATION_TYPE, 1, rng.randrange(2))
    now = (state.clock.slot, state.clock.unix_timestamp)[pool[ACTIVATION_TYPE]]
    ago = rng.choice((-1, 0, 1, -rng.randrange(1, 10_000), rng.randrange(10_000), rng.randrange(10**6), now))
    status = int(rng.random() < 0.1)
    return _put(pool, (ACTIVATION_POINT, 8, now - ago), (STATUS, 1, status))


def _reserves(state: State, rng: random.Random) -> State:
    """Other vault balances, in compounding pools with the reserves that the pool counts inside them."""
    pool = state.pool_data
    for vault, amount_at in ((address(pool, VAULT_A), AMOUNT_A), (address(pool, VAULT_B), AMOUNT_B)):
        amount = other_balance(rng) if rng.random() < 0.7 else balance(state.data(vault))
        state = with_balance(state, vault, amount)
        counted = amount - min(amount, rng.choice((0, 1, log_uniform(rng, 30))))
        pool = layout.put(pool, amount_at, 8, counted)
    return state.with_data(state.pool, pool)
