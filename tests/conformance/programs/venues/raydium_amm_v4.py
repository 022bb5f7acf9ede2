"""Raydium AMM v4 without its order book: the accounts of one are named and must not be looked at."""

from __future__ import annotations

import base64
import random
from typing import Any, ClassVar

from .. import layout
from ..svm import Execution
from ..tokens import TOKEN, U64_MAX, address, balance, frozen, log_uniform, other_balance, with_balance
from ..vectors import Call, State, Swap
from ..venue import Parties, Side, Venue

PROGRAM = "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"
SWAP_BASE_IN, SWAP_BASE_OUT = 9, 11
# Pool offsets.
STATUS, SWAP_FEE_NUMERATOR, SWAP_FEE_DENOMINATOR = 0, 176, 184
NEED_TAKE_PNL_COIN, NEED_TAKE_PNL_PC, OPEN_TIME = 192, 200, 224
COIN_VAULT, PC_VAULT, COIN_MINT, PC_MINT = 336, 368, 400, 432
RAY_LOG = "Program log: ray_log: "
# 1 and 5 need an order book.
STATUSES_WITHOUT_ORDER_BOOK = (0, 2, 3, 4, 6, 7)
WAITING_TRADE = 7


class RaydiumAmmV4(Venue):
    """Raydium AMM v4."""

    name = "raydium_amm_v4"
    has_transfer_fees = False
    wallets: ClassVar = {"swap_base_in": (-1, -3, -2), "swap_base_out": (-1, -3, -2)}

    def parties(self, op: str, accounts: list[str], a_to_b: bool) -> Parties:
        """Return the parties; others: authority, open orders, target orders, the market and its signer."""
        trader, source, target = (accounts[i] for i in self.wallets[op])
        targeted = len(accounts) == 18
        target_orders = (accounts[4],) if targeted else ()
        market = accounts[7 if targeted else 6 : -3]
        return Parties.directed(a_to_b, trader, source, target, *accounts[2:4], *target_orders, *market)

    def sides(self, state: State) -> tuple[Side, Side]:
        pool = state.pool_data
        return Side(address(pool, COIN_MINT), address(pool, COIN_VAULT)), Side(
            address(pool, PC_MINT), address(pool, PC_VAULT)
        )

    def operations(self, state: State, exact_in: bool) -> list[tuple[str, str | None]]:
        return [("swap_base_in" if exact_in else "swap_base_out", None)]

    def call(self, state: State, swap: Swap, parties: Parties) -> Call:
        coin, pc = self.sides(state)
        payer, receiver = parties.wallet_a, parties.wallet_b
        if not swap.a_to_b:
            payer, receiver = receiver, payer
        authority, open_orders, *rest = parties.others
        target_orders, market = rest[:-8], rest[-8:]
        if swap.op == "swap_base_in":
            data = layout.arguments((SWAP_BASE_IN, 1), (swap.amount, 8), (swap.threshold, 8))
        else:
            data = layout.arguments((SWAP_BASE_OUT, 1), (swap.threshold, 8), (swap.amount, 8))
        readonly = {TOKEN, authority, market[0], market[-1]}
        keys = [TOKEN, state.pool, authority, open_orders, *target_orders, coin.vault, pc.vault, *market]
        accounts = [(key, "" if key in readonly else "w") for key in [*keys, payer, receiver]]
        return Call(PROGRAM, data, [*accounts, (parties.trader, "s")])

    def details(self, state: State, swap: Swap, execution: Execution) -> dict[str, Any]:
        line = next(line for line in execution.logs if line.startswith(RAY_LOG))
        log = base64.b64decode(line.removeprefix(RAY_LOG))
        direction, _, pool_coin, pool_pc, amount = (layout.u64(log, 17 + 8 * i) for i in range(5))
        pools = {"direction": direction, "pool_coin": pool_coin, "pool_pc": pool_pc}
        return {"log": swap.op, **pools, ("out_amount" if swap.exact_in else "deduct_in"): amount}

    def mutate(self, state: State, rng: random.Random) -> State:
        pool = state.pool_data
        if rng.random() < 0.5:
            denominator = rng.choice((10_000, 1_000, 1_000_000, 1, log_uniform(rng, 40)))
            numerator = rng.choice(
                (0, 1, 25, rng.randrange(denominator + 1), rng.randrange(denominator // 20 + 1))
            )
            pool = layout.put(pool, SWAP_FEE_NUMERATOR, 8, min(numerator, denominator))
            pool = layout.put(pool, SWAP_FEE_DENOMINATOR, 8, denominator)
        if rng.random() < 0.6:
            for vault, pnl in (
                (address(pool, COIN_VAULT), NEED_TAKE_PNL_COIN),
                (address(pool, PC_VAULT), NEED_TAKE_PNL_PC),
            ):
                if rng.random() < 0.7:
                    amount = other_balance(rng) if rng.random() < 0.8 else rng.randrange(20)
                    state = with_balance(state, vault, amount)
                amount = balance(state.data(vault))
                taken = rng.choice((0, min(amount, log_uniform(rng)), rng.randrange(amount // 2 + 1), amount))
                if rng.random() < 0.03:
                    taken = min(U64_MAX, amount + log_uniform(rng, 20))
                pool = layout.put(pool, pnl, 8, taken)
        if rng.random() < 0.2:
            pool = layout.put(pool, STATUS, 8, rng.choice((*STATUSES_WITHOUT_ORDER_BOOK, WAITING_TRADE)))
        if rng.random() < 0.2:
            opens = state.clock.unix_timestamp + rng.choice((-1, 0, 0, 1, 60, 10**6))
            pool = layout.put(pool, OPEN_TIME, 8, opens)
        state = state.with_data(state.pool, pool)
        for side in self.sides(state):
            if rng.random() < 0.01:
                state = frozen(state, side.vault)
        return state
