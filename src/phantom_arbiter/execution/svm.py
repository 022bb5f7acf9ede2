"""An SVM in this process with some programs in it.

A program is read, verified and compiled once; accounts are put in before every run, which costs a few
microseconds each, so nothing of an earlier run can show through: see `Svm.put`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from solders.account import Account
from solders.clock import Clock
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import (
    FailedTransactionMetadata,
    SimulatedTransactionInfo,
    TransactionMetadata,
)

from phantom_arbiter import float_unit
from phantom_arbiter.errors import ConfigError
from phantom_arbiter.execution.accounts import ABSENT, CLOCK_SYSVAR, AccountBytes, Known

_CLOCK: Final = struct.Struct("<QqQQq")
_NOTHING: Final = Account(0, b"", Pubkey.default())


class BytecodeError(ConfigError):
    """A file is no program that the machine can run."""


class Svm:
    """LiteSVM with programs; signatures are verified unless told otherwise, blockhashes never."""

    def __init__(self, programs: Mapping[str, Path], *, sigverify: bool = True) -> None:
        """Load the programs.

        Args:
            programs: Bytecode files by program id, besides those that the machine brings.
            sigverify: Whether a transaction with a wrong signature fails.

        Raises:
            OSError: A file cannot be read.
            BytecodeError: A file is no program.
        """
        svm = LiteSVM().with_sigverify(sigverify).with_blockhash_check(False).with_transaction_history(0)
        self._svm, self._sigverify = svm, sigverify
        self._builtin: dict[str, bool] = {}
        self._put: set[str] = set()
        self.programs: dict[str, Path] = {}
        for program, path in programs.items():
            self.load(program, path)

    def load(self, program: str, path: Path) -> None:
        """Load a program, in place of the one that was there.

        Raises:
            OSError: The file cannot be read.
            BytecodeError: It is no program.
        """
        bytecode = path.read_bytes()
        try:
            self._svm.add_program(Pubkey.from_string(program), bytecode)
        except Exception as error:  # solders does not export the class that it raises
            reason = f"{path}: not the bytecode of a program ({error})"
            raise BytecodeError(reason, hint="fetch it anew: phantom programs fetch") from None
        self.programs[program] = path

    def brings(self, address: str) -> bool:
        """Return whether the machine itself has this account: a program loaded or built in, a sysvar."""
        if address in self.programs:
            return True
        known = self._builtin.get(address)
        if known is None:
            if address in self._put:
                return False
            account = self._svm.get_account(Pubkey.from_string(address))
            known = self._builtin[address] = account is not None and account.lamports > 0
        return known

    def put(self, address: str, account: Known) -> None:
        """Make an account what it is to be, or absent; the Clock sysvar sets the machine's time."""
        if address == CLOCK_SYSVAR and account is not ABSENT:
            self._svm.set_clock(Clock(*_CLOCK.unpack_from(account.data)))
            return
        self._put.add(address)
        self._svm.set_account(Pubkey.from_string(address), _account(account))

    def get(self, address: str) -> Known:
        """Return an account as it is now."""
        account = self._svm.get_account(Pubkey.from_string(address))
        return ABSENT if account is None or account.lamports == 0 else from_svm(account)

    def simulate(
        self, transaction: VersionedTransaction, *, sigverify: bool | None = None
    ) -> SimulatedTransactionInfo | FailedTransactionMetadata:
        """Run a transaction and change nothing."""
        is_other = sigverify is not None and sigverify != self._sigverify
        if is_other:
            self._svm.with_sigverify(bool(sigverify))
        try:
            return self._svm.simulate_transaction(transaction)
        finally:
            float_unit.settle()
            if is_other:
                self._svm.with_sigverify(self._sigverify)

    def execute(self, transaction: VersionedTransaction) -> TransactionMetadata | FailedTransactionMetadata:
        """Run a transaction and keep what it did."""
        try:
            return self._svm.send_transaction(transaction)
        finally:
            float_unit.settle()


def from_svm(account: Account) -> AccountBytes:
    """Return an account of the machine as ours."""
    return AccountBytes(str(account.owner), account.lamports, bytes(account.data), account.executable)


def _account(account: Known) -> Account:
    if account is ABSENT:
        return _NOTHING
    owner = Pubkey.from_string(account.owner)
    return Account(account.lamports, account.data, owner, account.executable)
