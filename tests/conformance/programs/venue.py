"""What the harness must know of a venue; each file under `venues/` is one."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from .svm import Execution, Program
from .tokens import U64_MAX, balance, wallet
from .vectors import Account, Call, State, Swap


@dataclass(frozen=True)
class Side:
    """One token of a pool: its mint and the pool's vault."""

    mint: str
    vault: str


@dataclass(frozen=True)
class Parties:
    """Addresses that a pool's swaps name besides the state's own accounts.

    `others` are accounts that the program wants to see and that no state tells (AMM v4's market).
    """

    trader: str
    wallet_a: str
    wallet_b: str
    others: tuple[str, ...] = ()

    @classmethod
    def directed(cls, a_to_b: bool, trader: str, source: str, target: str, *others: str) -> Parties:
        a, b = (source, target) if a_to_b else (target, source)
        return cls(trader, a, b, others)


class Venue(ABC):
    """How to call one program, read its answer and vary its accounts.

    Attributes:
        name: The venue's name in vector files.
        has_price_limit: Whether its swaps take a price limit.
        has_transfer_fees: Whether it knows Token-2022, and its results tell transfer fees.
        counts_compute: Whether swaps that run out of compute are compared.
        wallets: The positions of trader, source and target in each operation's account list.
    """

    name: str
    has_price_limit = False
    has_transfer_fees = True
    counts_compute = True
    wallets: ClassVar[Mapping[str, tuple[int, int, int]]]

    @abstractmethod
    def sides(self, state: State) -> tuple[Side, Side]:
        """Return both tokens, first token A."""

    @abstractmethod
    def operations(self, state: State, exact_in: bool) -> list[tuple[str, str | None]]:
        """Return the instructions (and modes) that can make such a swap."""

    @abstractmethod
    def call(self, state: State, swap: Swap, parties: Parties) -> Call:
        """Return the instruction as the official clients build it."""

    @abstractmethod
    def details(self, state: State, swap: Swap, execution: Execution) -> dict[str, Any]:
        """Return the result fields beyond amounts and transfer fees, of a swap that succeeded."""

    @abstractmethod
    def mutate(self, state: State, rng: random.Random) -> State:
        """Return the state with some fields rewritten within what the program accepts."""

    def price_limit(self, state: State, a_to_b: bool, rng: random.Random) -> int:
        """Return a price limit, Q64.64, mostly ahead of the price; 0 where there are none."""
        return 0

    def companions(self, state: State, parties: Parties) -> dict[str, Account]:
        """Return accounts that the program wants and vector files leave out."""
        return {}

    def settled(self, state: State) -> State:
        """Return a chained or mutated state with exactly the accounts that vector files list."""
        return state

    def parties(self, op: str, accounts: list[str], a_to_b: bool) -> Parties:
        """Return the parties of a recorded instruction."""
        trader, source, target = (accounts[i] for i in self.wallets[op])
        return Parties.directed(a_to_b, trader, source, target)

    def recorded_parties(self, line: Mapping[str, Any]) -> Parties:
        """Return the parties of a swap line."""
        accounts = [key for key, _ in line["ix"]["accounts"]]
        return self.parties(line["op"], accounts, line["args"]["a_to_b"])

    def run(
        self, program: Program, state: State, swap: Swap, parties: Parties, call: Call | None = None
    ) -> tuple[Call, Execution]:
        """Return the call of `swap` (or the one given) and what the program did with it."""
        call = call or self.call(state, swap, parties)
        accounts = {**state.accounts, **self.companions(state, parties)}
        sides = self.sides(state)
        for index, (side, key) in enumerate(zip(sides, (parties.wallet_a, parties.wallet_b), strict=True)):
            pays = swap.a_to_b == (index == 0)
            amount = U64_MAX - balance(state.data(side.vault)) if pays else 0  # all the supply there can be
            accounts[key] = wallet(side.mint, state.accounts[side.mint], parties.trader, amount)
        execution = program.run(call, parties.trader, state.clock, accounts)
        return call, replace(execution, accounts={**_data(accounts), **execution.accounts})

    def outcome(self, state: State, swap: Swap, parties: Parties, execution: Execution) -> dict[str, Any]:
        """Return the swap line's `ok` with its `result` or `error`."""
        if execution.error is not None:
            return {"ok": False, "error": execution.error}
        side_a, side_b = self.sides(state)
        legs = [(side_a, parties.wallet_a), (side_b, parties.wallet_b)]
        (into, payer), (out, receiver) = legs if swap.a_to_b else reversed(legs)

        def after(key: str) -> int:
            return balance(execution.accounts[key])

        result = {
            "user_in": U64_MAX - balance(state.data(into.vault)) - after(payer),
            "user_out": after(receiver),
            "vault_in": after(into.vault) - balance(state.data(into.vault)),
            "vault_out": balance(state.data(out.vault)) - after(out.vault),
        }
        if self.has_transfer_fees:
            result["input_transfer_fee"] = result["user_in"] - result["vault_in"]
            result["output_transfer_fee"] = result["vault_out"] - result["user_out"]
        return {"ok": True, "result": {**result, **self.details(state, swap, execution)}}

    def after(self, state: State, execution: Execution) -> State:
        """Return the state that a successful swap leaves."""
        accounts = {
            key: account.with_data(execution.accounts.get(key, account.data))
            for key, account in state.accounts.items()
        }
        return self.settled(replace(state, accounts=accounts))


def _data(accounts: Mapping[str, Account]) -> dict[str, bytes]:
    return {key: account.data for key, account in accounts.items()}
