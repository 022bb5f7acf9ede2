"""What one endpoint sees of the bank: everything, perhaps a few slots late."""

from __future__ import annotations

from phantom_arbiter.localnet.accounts import AccountState
from phantom_arbiter.localnet.bank import Bank, Commitment
from phantom_arbiter.localnet.machine import Machine
from phantom_arbiter.localnet.rpc.errors import MIN_CONTEXT_SLOT, RpcError
from phantom_arbiter.localnet.rpc.params import Config


class View:
    """Reads of the bank as one endpoint answers them."""

    def __init__(self, bank: Bank, machine: Machine) -> None:
        self.bank = bank
        self.machine = machine
        self.lag_slots = 0

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
