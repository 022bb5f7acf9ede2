"""The way of a transaction from an endpoint to the ledger: at once, late, or never."""

from __future__ import annotations

from random import Random

from solders.transaction import VersionedTransaction

from phantom_arbiter.localnet.bank import Bank
from phantom_arbiter.localnet.faults.plan import FaultPlan
from phantom_arbiter.localnet.machine import Machine


class Sender:
    """Hands an endpoint's transactions to the machine, as its fault plan lets it."""

    def __init__(self, bank: Bank, machine: Machine, random: Random) -> None:
        """Begin without faults.

        Args:
            bank: Tells when slots begin.
            machine: Carries transactions out.
            random: Draws those that are dropped.
        """
        self.plan = FaultPlan()
        self.dropped = 0
        """Transactions that were never carried out because of a fault."""
        self._bank = bank
        self._machine = machine
        self._random = random
        self._waiting: list[tuple[int, VersionedTransaction]] = []
        bank.after_advance(self._slot_began)

    def send(self, transaction: VersionedTransaction) -> None:
        """Take a transaction whose signatures are right; what cannot land is dropped without a word."""
        if self._random.random() < self.plan.send_drop:
            self.dropped += 1
        elif self.plan.send_slots:
            self._waiting.append((self._bank.slot + self.plan.send_slots, transaction))
        else:
            self._carry_out(transaction)

    def _carry_out(self, transaction: VersionedTransaction) -> None:
        if self._machine.obstacle(transaction) is None:
            self._machine.execute(transaction)

    def _slot_began(self) -> None:
        if not self._waiting:
            return
        due = [each for slot, each in self._waiting if slot <= self._bank.slot]
        self._waiting = [each for each in self._waiting if each[0] > self._bank.slot]
        for transaction in due:
            self._carry_out(transaction)
