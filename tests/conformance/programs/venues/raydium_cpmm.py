"""Raydium CPMM."""

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
    pubkey,
    with_balance,
)
from ..vectors import Account, Call, State, Swap
from ..venue import Parties, Side, Venue

PROGRAM = "CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C"
SWAP_BASE_INPUT = bytes.fromhex("8fbe5adac41e33de")
SWAP_BASE_OUTPUT = bytes.fromhex("37d96256a34ab4ad")
OBSERVATION_STATE = bytes.fromhex("7aaec5358109a584")
SWAP_EVENT = bytes.fromhex("40c6cde8260871e2")  # sha256("event:SwapEvent")[:8]
# Pool offsets.
CONFIG, VAULT_0, VAULT_1, MINT_0, MINT_1, OBSERVATION = 8, 72, 104, 168, 200, 296
STATUS, OPEN_TIME, CREATOR_FEE_ON, ENABLE_CREATOR_FEE = 329, 373, 389, 390
ACCRUED = {
    "post_protocol_fees_token_0": 341,
    "post_protocol_fees_token_1": 349,
    "post_fund_fees_token_0": 357,
    "post_fund_fees_token_1": 365,
    "post_creator_fees_token_0": 397,
    "post_creator_fees_token_1": 405,
}
# Config offsets.
TRADE_RATE, PROTOCOL_RATE, FUND_RATE, CREATOR_RATE = 12, 20, 28, 108
RATES = 1_000_000
SWAP_OFF = 1 << 2


class RaydiumCpmm(Venue):
    """Raydium CPMM."""

    name = "raydium_cpmm"
    wallets: ClassVar = {"swap_base_input": (0, 4, 5), "swap_base_output": (0, 4, 5)}

    def sides(self, state: State) -> tuple[Side, Side]:
        pool = state.pool_data
        return Side(address(pool, MINT_0), address(pool, VAULT_0)), Side(
            address(pool, MINT_1), address(pool, VAULT_1)
        )

    def operations(self, state: State, exact_in: bool) -> list[tuple[str, str | None]]:
        return [("swap_base_input" if exact_in else "swap_base_output", None)]

    def call(self, state: State, swap: Swap, parties: Parties) -> Call:
        pool = state.pool_data
        legs = list(zip(self.sides(state), (parties.wallet_a, parties.wallet_b), strict=True))
        (into, payer), (out, receiver) = legs if swap.a_to_b else reversed(legs)
        if swap.op == "swap_base_input":
            data = SWAP_BASE_INPUT + layout.arguments((swap.amount, 8), (swap.threshold, 8))
        else:
            data = SWAP_BASE_OUTPUT + layout.arguments((swap.threshold, 8), (swap.amount, 8))
        accounts = [
            (parties.trader, "s"),
            (derived(PROGRAM, b"vault_and_lp_mint_auth_seed"), ""),
            (address(pool, CONFIG), ""),
            (state.pool, "w"),
            (payer, "w"),
            (receiver, "w"),
            (into.vault, "w"),
            (out.vault, "w"),
            (state.accounts[into.mint].owner, ""),
            (state.accounts[out.mint].owner, ""),
            (into.mint, ""),
            (out.mint, ""),
            (address(pool, OBSERVATION), "w"),
        ]
        return Call(PROGRAM, data, accounts)

    def companions(self, state: State, parties: Parties) -> dict[str, Account]:
        key = address(state.pool_data, OBSERVATION)
        data = OBSERVATION_STATE + bytes(3) + bytes(pubkey(state.pool))
        return {key: Account(PROGRAM, 10**9, data.ljust(4075, b"\0"))}

    def details(self, state: State, swap: Swap, execution: Execution) -> dict[str, Any]:
        event = next(each for each in execution.events if each[:8] == SWAP_EVENT)
        trade_fee = layout.u64(event, 8 + 32 + 6 * 8 + 1 + 64)
        pool = execution.accounts[state.pool]
        return {
            "trade_fee": trade_fee,
            "creator_fee": layout.u64(event, 8 + 32 + 6 * 8 + 1 + 64 + 8),
            "creator_fee_on_input": bool(event[8 + 32 + 6 * 8 + 1 + 64 + 16]),
            "fee": trade_fee,
            **{name: layout.u64(pool, offset) for name, offset in ACCRUED.items()},
        }

    def mutate(self, state: State, rng: random.Random) -> State:
        if rng.random() < 0.6:
            state = _mutate_rates(state, rng)
        if rng.random() < 0.6:
            state = _mutate_reserves(state, rng)
        pool = state.pool_data
        if rng.random() < 0.4:
            pool = layout.put(pool, CREATOR_FEE_ON, 1, rng.randrange(3))
            pool = layout.put(pool, ENABLE_CREATOR_FEE, 1, rng.randrange(2))
        if rng.random() < 0.08:
            pool = layout.put(pool, STATUS, 1, rng.choice((0, 1, 2, 3, SWAP_OFF, 7, 8)))
        if rng.random() < 0.15:
            opens = state.clock.unix_timestamp + rng.choice((-1, 0, 0, 1, 60, 10**6))
            pool = layout.put(pool, OPEN_TIME, 8, opens)
        state = state.with_data(state.pool, pool)
        for side in self.sides(state):
            if rng.random() < 0.6:
                state = mutate_transfer_fee(state, side.mint, rng)
            if rng.random() < 0.01:
                state = frozen(state, side.vault)
        return state


def _mutate_rates(state: State, rng: random.Random) -> State:
    """Rates as `update_amm_config` lets them be: trade + creator < 100 %, protocol + fund <= 100 %."""
    config = address(state.pool_data, CONFIG)
    trade = rng.choice((0, 1, 25, 100, 2_500, 10_000, rng.randrange(200_000), rng.randrange(RATES)))
    creator = rng.choice((0, 1, 500, rng.randrange(20_000), rng.randrange(RATES))) % (RATES - trade)
    protocol = rng.choice((0, 120_000, rng.randrange(RATES + 1), RATES))
    fund = rng.choice((0, 40_000, rng.randrange(RATES + 1), RATES)) % (RATES - protocol + 1)
    data = state.data(config)
    for offset, value in (
        (TRADE_RATE, trade),
        (CREATOR_RATE, creator),
        (PROTOCOL_RATE, protocol),
        (FUND_RATE, fund),
    ):
        data = layout.put(data, offset, 8, value)
    return state.with_data(config, data)


def _mutate_reserves(state: State, rng: random.Random) -> State:
    """Vault balances of any size, and accrued fees that they cover."""
    pool = state.pool_data
    for token, vault in enumerate((address(pool, VAULT_0), address(pool, VAULT_1))):
        amount = balance(state.data(vault))
        if rng.random() < 0.7:
            amount = other_balance(rng) if rng.random() < 0.9 else rng.randrange(20)
            state = with_balance(state, vault, amount)
        left = amount
        for kind in ("protocol", "fund", "creator"):
            fee = min(left, log_uniform(rng, 63)) if rng.random() < 0.5 else 0
            if left == fee and rng.random() < 0.97:  # emptied reserves only now and then
                fee = left // 2
            left -= fee
            pool = layout.put(pool, ACCRUED[f"post_{kind}_fees_token_{token}"], 8, fee)
    return state.with_data(state.pool, pool)
