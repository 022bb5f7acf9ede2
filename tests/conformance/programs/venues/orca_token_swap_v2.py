"""Orca Token Swap v2."""

from __future__ import annotations

import random
from typing import Any, ClassVar

from .. import layout
from ..svm import Execution
from ..tokens import (
    TOKEN,
    address,
    balance,
    derived,
    frozen,
    log_uniform,
    other_balance,
    pubkey,
    with_balance,
)
from ..vectors import Call, State, Swap
from ..venue import Parties, Side, Venue

PROGRAM = "9W959DqEETiGZocYWCQPaJ6sBmUzgfxXfqGeTEdp3aQP"
SWAP = 1
# Pool offsets.
VAULT_A, VAULT_B, POOL_MINT, MINT_A, MINT_B, FEE_ACCOUNT = 35, 67, 99, 131, 163, 195
FEES = 227  # numerator, denominator of: trade, owner trade, owner withdraw, host
CURVE_TYPE, CURVE_PARAMETER = 291, 292
CURVES = (0, 1, 2, 3)  # constant product; constant price; stable (amplification); offset
MINT_SUPPLY = 36


class OrcaTokenSwapV2(Venue):
    """Orca Token Swap v2."""

    name = "orca_token_swap_v2"
    has_transfer_fees = False
    wallets: ClassVar = {"swap": (2, 3, 6)}

    def sides(self, state: State) -> tuple[Side, Side]:
        pool = state.pool_data
        return Side(address(pool, MINT_A), address(pool, VAULT_A)), Side(
            address(pool, MINT_B), address(pool, VAULT_B)
        )

    def operations(self, state: State, exact_in: bool) -> list[tuple[str, str | None]]:
        return [("swap", None)] if exact_in else []

    def call(self, state: State, swap: Swap, parties: Parties) -> Call:
        pool = state.pool_data
        legs = list(zip(self.sides(state), (parties.wallet_a, parties.wallet_b), strict=True))
        (into, payer), (out, receiver) = legs if swap.a_to_b else reversed(legs)
        accounts = [
            (state.pool, ""),
            (derived(PROGRAM, bytes(pubkey(state.pool))), ""),
            (parties.trader, "s"),
            (payer, "w"),
            (into.vault, "w"),
            (out.vault, "w"),
            (receiver, "w"),
            (address(pool, POOL_MINT), "w"),
            (address(pool, FEE_ACCOUNT), "w"),
            (TOKEN, ""),
        ]
        data = layout.arguments((SWAP, 1), (swap.amount, 8), (swap.threshold, 8))
        return Call(PROGRAM, data, accounts)

    def details(self, state: State, swap: Swap, execution: Execution) -> dict[str, Any]:
        fee_account = address(state.pool_data, FEE_ACCOUNT)
        minted = balance(execution.accounts[fee_account]) - balance(state.data(fee_account))
        return {"fee_lp_minted": minted}

    def mutate(self, state: State, rng: random.Random) -> State:
        pool = state.pool_data
        if rng.random() < 0.6:
            for fee in range(2):
                denominator = rng.choice((10_000, 1_000, 100, 1, log_uniform(rng, 40)))
                share = rng.choice(
                    (0, 1, 25, rng.randrange(denominator + 1), rng.randrange(denominator // 20 + 1))
                )
                if share >= denominator:  # the program accepts fractions below 1, or 0/0
                    share = 0
                if share == 0 and rng.random() < 0.2:
                    denominator = 0
                pool = layout.put(pool, FEES + 16 * fee, 8, share)
                pool = layout.put(pool, FEES + 16 * fee + 8, 8, denominator)
            state = state.with_data(state.pool, pool)
        if rng.random() < 0.6:
            for side in self.sides(state):
                if rng.random() < 0.8:
                    amount = other_balance(rng) if rng.random() < 0.8 else rng.randrange(20)
                    state = with_balance(state, side.vault, amount)
        if rng.random() < 0.3:
            kind = rng.choice(CURVES)
            pool = layout.put(state.pool_data, CURVE_TYPE, 1, kind)
            parameter = log_uniform(rng, rng.choice((7, 20, 64))) if kind else 0
            state = state.with_data(state.pool, layout.put(pool, CURVE_PARAMETER, 8, parameter))
        if rng.random() < 0.3:
            mint = address(pool, POOL_MINT)
            supply = rng.choice((log_uniform(rng), 10**9, 1, 0))
            state = state.with_data(mint, layout.put(state.data(mint), MINT_SUPPLY, 8, supply))
        for side in self.sides(state):
            if rng.random() < 0.01:
                state = frozen(state, side.vault)
        return state
