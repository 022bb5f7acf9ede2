"""Runs one swap by the program's own bytecode in LiteSVM."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solders.account import Account as SvmAccount
from solders.clock import Clock as SvmClock
from solders.compute_budget import ComputeBudget
from solders.instruction import AccountMeta, Instruction
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import Transaction
from solders.transaction_metadata import SimulatedTransactionInfo

from .errors import failure
from .tokens import SYSTEM, pubkey
from .vectors import Account, Call, Clock

COMPUTE_UNIT_LIMIT = 1_400_000
EVENT_BY_CALL = bytes.fromhex("e445a52e51cb9a1d")  # sha256("anchor:event")[:8], reversed
_PROGRAM_DATA = "Program data: "


class WrongProgramError(Exception):
    """The bytecode is not the one that the vectors were made with."""


@dataclass(frozen=True)
class Execution:
    """What the program did.

    Attributes:
        error: The vector's `error` object; None if the swap succeeded.
        units: Compute units consumed.
        accounts: Data after the swap of every account that the instruction named, by address.
        logs: Log lines.
        events: Anchor events, logged or by call, discriminator first.
    """

    error: dict[str, Any] | None
    units: int
    accounts: dict[str, bytes]
    logs: list[str]
    events: list[bytes]


class Program:
    """One program, loaded into LiteSVM."""

    def __init__(
        self, elf: Path, program_id: str, sha256: str, compute_unit_limit: int = COMPUTE_UNIT_LIMIT
    ) -> None:
        found = hashlib.sha256(elf.read_bytes()).hexdigest()
        if found != sha256:
            raise WrongProgramError(f"{elf}: sha256 is {found}, expected {sha256}")
        budget = ComputeBudget(simd_0268_active=True)
        budget.compute_unit_limit = compute_unit_limit
        svm = LiteSVM().with_lamports(10**18).with_compute_budget(budget).with_sigverify(False)
        self._svm = svm.with_blockhash_check(False).with_transaction_history(0)
        self._svm.add_program_from_file(pubkey(program_id), elf)
        self._loaded: dict[str, Account] = {}
        self._clock: Clock | None = None

    def run(self, call: Call, signer: str, clock: Clock, accounts: dict[str, Account]) -> Execution:
        """Return what `call` does where only `accounts` (and the built-in programs) exist."""
        self._load(signer, clock, accounts)
        metas = [AccountMeta(pubkey(key), "s" in flags, "w" in flags) for key, flags in call.accounts]
        instruction = Instruction(pubkey(call.program_id), call.data, metas)
        message = Message.new_with_blockhash([instruction], pubkey(signer), self._svm.latest_blockhash())
        signatures = [Signature.default()] * message.header.num_required_signatures
        outcome = self._svm.simulate_transaction(Transaction.populate(message, signatures))
        meta = outcome.meta()
        logs = meta.logs()
        if not isinstance(outcome, SimulatedTransactionInfo):
            error = failure(logs, outcome.err())
            return Execution(error, meta.compute_units_consumed(), {}, logs, [])
        events = [
            base64.b64decode(line[len(_PROGRAM_DATA) :]) for line in logs if line.startswith(_PROGRAM_DATA)
        ]
        for inner in meta.inner_instructions():
            for each in inner:
                data = bytes(each.instruction().data)
                if data[:8] == EVENT_BY_CALL:
                    events.append(data[8:])
        after = {str(key): bytes(account.data) for key, account in outcome.post_accounts()}
        return Execution(None, meta.compute_units_consumed(), after, logs, events)

    def _load(self, signer: str, clock: Clock, accounts: dict[str, Account]) -> None:
        wanted = {**accounts, signer: Account(SYSTEM, 10**15, b"")}
        for key in self._loaded.keys() - wanted.keys():
            self._svm.set_account(pubkey(key), SvmAccount(0, b"", Pubkey.default()))
        for key, account in wanted.items():
            if self._loaded.get(key) != account:
                loaded = SvmAccount(max(account.lamports, 10**10), account.data, pubkey(account.owner))
                self._svm.set_account(pubkey(key), loaded)
        self._loaded = wanted
        if clock != self._clock:
            self._svm.set_clock(SvmClock(clock.slot, 0, clock.epoch, 0, clock.unix_timestamp))
            self._clock = clock
