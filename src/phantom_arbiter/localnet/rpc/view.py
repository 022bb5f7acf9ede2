"""What one endpoint sees of the bank and says of it: everything, perhaps a few slots late, perhaps false."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from solders.transaction import VersionedTransaction

from phantom_arbiter.localnet.accounts import AccountState
from phantom_arbiter.localnet.bank import Bank, Commitment
from phantom_arbiter.localnet.faults.lies import Liar
from phantom_arbiter.localnet.machine import Machine
from phantom_arbiter.localnet.rpc.errors import MIN_CONTEXT_SLOT, RpcError
from phantom_arbiter.localnet.rpc.params import Config

Found = list[tuple[str, AccountState | None]]
"""Accounts by address, None for those that do not exist."""


class View:
    """Reads of the bank as one endpoint answers them."""

    def __init__(self, bank: Bank, machine: Machine) -> None:
        self.bank = bank
        self.machine = machine
        self.lag_slots = 0
        self.send: Callable[[VersionedTransaction], object] = machine.execute
        """Takes a transaction that may land on its way to the ledger."""

    def slot(self, config: Config, default: Commitment = Commitment.FINALIZED) -> int:
        """Return the slot at which a request is to be answered.

        Raises:
            RpcError: -32016, the slot that the request wants has not been reached.
        """
        slot = self.bank.slot_at(config.commitment(default), self.lag_slots)
        wanted = config.get("minContextSlot", int)
        if wanted is not None and slot < wanted:
            message = "Minimum context slot has not been reached"
            raise RpcError(MIN_CONTEXT_SLOT, message, {"contextSlot": slot})
        return slot

    def account(self, pubkey: str, slot: int) -> AccountState | None:
        """Return what an account holds, those that the virtual machine brings included."""
        if self.bank.accounts.latest(pubkey) is None:
            return self.machine.builtin(pubkey)
        return self.bank.accounts.at(pubkey, slot)

    def shown(self, slot: int, found: Found, *, tells_slot: bool = True) -> tuple[int, Found]:
        """Return what an answer says of accounts: slot and states; here the truth.

        Args:
            slot: The slot at which they were read.
            found: What they hold.
            tells_slot: Whether the answer names the slot.
        """
        return slot, found


class LyingView(View):
    """A view that says of accounts what is not so."""

    def __init__(
        self, of: View, liar: Liar, kinds: tuple[str, ...], random: Random, on_lie: Callable[[], None]
    ) -> None:
        """Take the view that sees what is true.

        Args:
            of: Sees the bank.
            liar: Knows the lie for each state.
            kinds: What may be false: some of `FaultPlan.lie_kinds`.
            random: Draws the account that is lied about.
            on_lie: Called for each answer that is false.
        """
        super().__init__(of.bank, of.machine)
        self.lag_slots = of.lag_slots
        self.send = of.send
        self._liar = liar
        self._kinds = kinds
        self._random = random
        self._on_lie = on_lie

    def shown(self, slot: int, found: Found, *, tells_slot: bool = True) -> tuple[int, Found]:
        """Return a false slot, or one account with a false owner or data; the truth if there is none."""
        kinds = self._kinds if tells_slot else tuple(kind for kind in self._kinds if kind != "slot")
        existing = [(at, key, state) for at, (key, state) in enumerate(found) if state is not None]
        if not existing or not kinds:
            return slot, found
        at, key, state = self._random.choice(existing)
        slot, false = self._liar.version(key, slot, state, kinds)
        self._on_lie()
        return slot, [*found[:at], (key, false), *found[at + 1 :]]
