"""Transactions: carried out by LiteSVM on the bank's accounts, and what became of them.

The virtual machine holds only what transactions named so far. Before a run it gets the present state of
every account that the message names; afterwards what changed is written to the bank. A feed that writes
50,000 accounts a second therefore costs the machine nothing.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from solders.account import Account
from solders.clock import Clock
from solders.litesvm import LiteSVM
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, SimulatedTransactionInfo

from phantom_arbiter.localnet.accounts import AccountState, base58
from phantom_arbiter.localnet.bank import SLOTS_PER_EPOCH, Bank
from phantom_arbiter.localnet.notices import EventNotice

LAMPORTS_PER_SIGNATURE: Final = 5_000
MAX_TRANSACTION_BYTES: Final = 1_232
_LOOKUP_ADDRESSES_AT: Final = 56
_COMPUTE_BUDGET: Final = "ComputeBudget111111111111111111111111111111"
_DEFAULT_COMPUTE_UNITS: Final = 200_000
_MAX_COMPUTE_UNITS: Final = 1_400_000
_KEPT_TRANSACTIONS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a transaction did or would do.

    Attributes:
        err: The transaction error as JSON has it, None for success.
        landed: Whether it reached the ledger: an instruction that fails still pays the fee.
        logs: Log lines.
        units: Compute units consumed.
        return_data: `{programId, data}`, None if there is none.
        inner: Inner instructions as JSON has them.
        accounts: States afterwards of all accounts that the message names; empty if it failed.
    """

    err: Any
    landed: bool
    logs: list[str]
    units: int
    return_data: dict[str, Any] | None
    inner: list[dict[str, Any]]
    accounts: dict[str, AccountState]


@dataclass(frozen=True, slots=True)
class Landed:
    """A transaction on the ledger."""

    signature: str
    slot: int
    unix_timestamp: int
    transaction: VersionedTransaction
    outcome: Outcome
    fee: int
    pre_balances: list[int]
    post_balances: list[int]


class Machine:
    """LiteSVM in front of a bank."""

    def __init__(self, bank: Bank, programs: dict[str, Path] | None = None) -> None:
        """Start the virtual machine.

        Args:
            bank: Whose accounts it works on.
            programs: Bytecode files to deploy, by program id, besides the token programs.
        """
        self._bank = bank
        # Signatures, blockhashes and repeats are checked here: the machine would check them against its own.
        self._svm = LiteSVM().with_sigverify(False).with_blockhash_check(False).with_transaction_history(0)
        for program, path in (programs or {}).items():
            self._svm.add_program_from_file(Pubkey.from_string(program), path)
        self._loaded: dict[str, AccountState | None] = {}
        self.landed: dict[str, Landed] = {}
        self._order: deque[str] = deque()
        self.fees: dict[int, int] = {}
        """Least micro-lamports per compute unit that landed in a slot."""

    def builtin(self, pubkey: str) -> AccountState | None:
        """Return an account that the machine itself brings: programs, sysvars."""
        account = self._svm.get_account(Pubkey.from_string(pubkey))
        return None if account is None or account.lamports == 0 else _state(account)

    def simulate(self, transaction: VersionedTransaction) -> Outcome:
        """Return what the transaction would do now; nothing changes."""
        keys = self._load(transaction)
        result = self._svm.simulate_transaction(transaction)
        accounts: dict[str, AccountState] = {}
        if isinstance(result, SimulatedTransactionInfo):
            accounts = {str(key): _state(account) for key, account in result.post_accounts()}
        return _outcome(result, accounts, keys)

    def execute(self, transaction: VersionedTransaction) -> Outcome:
        """Carry the transaction out in the present slot; tell subscribers of logs and signature."""
        keys = self._load(transaction)
        before = {key: self._state_now(key) for key in keys}
        result = self._svm.send_transaction(transaction)
        after = {key: self._state_now(key) for key in keys}
        outcome = _outcome(result, {key: state for key, state in after.items() if state is not None}, keys)
        signature = str(transaction.signatures[0])
        if outcome.landed:
            for key, state in after.items():
                if state != before[key]:
                    self._loaded[key] = state
                    self._bank.write(key, state)
            self._remember(signature, transaction, outcome, before, after)
            self._tell(signature, keys, outcome)
        return outcome

    def slot_of(self, signature: str) -> int | None:
        """Return the slot in which a transaction landed."""
        landed = self.landed.get(signature)
        return None if landed is None else landed.slot

    def account_keys(self, message: Message | MessageV0) -> list[str]:
        """Return all accounts that a message names: static ones, then looked-up ones, writable first."""
        keys = [str(key) for key in message.account_keys]
        if isinstance(message, MessageV0):
            writable, readonly = [], []
            for lookup in message.address_table_lookups:
                table = self._bank.accounts.latest(str(lookup.account_key))
                data = b"" if table is None or table[1] is None else table[1].data[_LOOKUP_ADDRESSES_AT:]
                found = [str(Pubkey.from_bytes(data[at : at + 32])) for at in range(0, len(data) - 31, 32)]
                writable += [found[each] for each in lookup.writable_indexes if each < len(found)]
                readonly += [found[each] for each in lookup.readonly_indexes if each < len(found)]
            keys += writable + readonly
        return keys

    # ---- between bank and machine

    def _load(self, transaction: VersionedTransaction) -> list[str]:
        message = message_of(transaction)
        keys = self.account_keys(message)
        tables = (
            [str(lookup.account_key) for lookup in message.address_table_lookups]
            if isinstance(message, MessageV0)
            else []
        )
        for key in dict.fromkeys([*keys, *tables]):
            held = self._bank.accounts.latest(key)
            if held is None or self._loaded.get(key) is held[1]:
                continue
            state = held[1]
            account = (
                Account(0, b"", Pubkey.default())
                if state is None
                else Account(state.lamports, state.data, Pubkey.from_string(state.owner), state.executable)
            )
            self._svm.set_account(Pubkey.from_string(key), account)
            self._loaded[key] = state
        slot, epoch = self._bank.slot, self._bank.slot // SLOTS_PER_EPOCH
        self._svm.set_clock(Clock(slot, 0, epoch, epoch + 1, self._bank.unix_timestamp()))
        return keys

    def _state_now(self, key: str) -> AccountState | None:
        account = self._svm.get_account(Pubkey.from_string(key))
        return None if account is None or account.lamports == 0 else _state(account)

    def _remember(
        self,
        signature: str,
        transaction: VersionedTransaction,
        outcome: Outcome,
        before: dict[str, AccountState | None],
        after: dict[str, AccountState | None],
    ) -> None:
        bank = self._bank
        bank.transactions += 1
        price = compute_unit_price(message_of(transaction))
        self.fees[bank.slot] = min(price, self.fees.get(bank.slot, price))
        for old in [slot for slot in self.fees if slot < bank.slot - 150]:
            del self.fees[old]
        self.landed[signature] = Landed(
            signature,
            bank.slot,
            bank.unix_timestamp(),
            transaction,
            outcome,
            transaction_fee(message_of(transaction)),
            [0 if state is None else state.lamports for state in before.values()],
            [0 if state is None else state.lamports for state in after.values()],
        )
        self._order.append(signature)
        if len(self._order) > _KEPT_TRANSACTIONS:
            del self.landed[self._order.popleft()]

    def _tell(self, signature: str, keys: list[str], outcome: Outcome) -> None:
        slot = self._bank.slot
        value = {"signature": signature, "err": outcome.err, "logs": outcome.logs}
        log = {"context": {"slot": slot}, "value": value}
        self._bank.record(
            EventNotice("logsNotification", slot, log, topic=signature, mentions=frozenset(keys))
        )
        self._bank.record(signature_notice(signature, slot, outcome.err))


def signature_notice(signature: str, slot: int, err: Any) -> EventNotice:
    """Return what subscribers of a signature are told of its transaction."""
    result = {"context": {"slot": slot}, "value": {"err": err}}
    return EventNotice("signatureNotification", slot, result, topic=signature)


def _state(account: Account) -> AccountState:
    return AccountState(str(account.owner), account.lamports, bytes(account.data), account.executable)


def _outcome(result: Any, accounts: dict[str, AccountState], keys: list[str]) -> Outcome:
    err = json.loads(result.to_json())["err"] if isinstance(result, FailedTransactionMetadata) else None
    meta = result.meta() if not hasattr(result, "compute_units_consumed") else result
    returned = meta.return_data()
    data = bytes(returned.data)
    inner = []
    for index, instructions in enumerate(meta.inner_instructions()):
        shown = [_inner(each) for each in instructions]
        if shown:
            inner.append({"index": index, "instructions": shown})
    landed = err is None or (isinstance(err, dict) and "InstructionError" in err)
    return_data = None
    if data:
        program = str(returned.program_id)
        return_data = {"programId": program, "data": [base64.b64encode(data).decode(), "base64"]}
    return Outcome(
        err,
        landed,
        list(meta.logs()),
        meta.compute_units_consumed(),
        return_data,
        inner,
        accounts if err is None else {},
    )


def _inner(inner: Any) -> dict[str, Any]:
    compiled = inner.instruction()
    return {
        "programIdIndex": compiled.program_id_index,
        "accounts": list(bytes(compiled.accounts)),
        "data": base58(bytes(compiled.data)),
        "stackHeight": inner.stack_height(),
    }


def message_of(transaction: VersionedTransaction) -> Message | MessageV0:
    """Return a transaction's message.

    Raises:
        ValueError: Its version is not known to mainnet yet.
    """
    message = transaction.message
    if not isinstance(message, Message | MessageV0):
        raise ValueError("unsupported transaction version")
    return message


def compute_unit_price(message: Message | MessageV0) -> int:
    """Return the micro-lamports per compute unit that a message offers."""
    return _budget(message)[1]


def transaction_fee(message: Message | MessageV0) -> int:
    """Return what a transaction pays: per signature, and the priority fee on the units asked for."""
    limit, price = _budget(message)
    return message.header.num_required_signatures * LAMPORTS_PER_SIGNATURE + -(-limit * price // 1_000_000)


def _budget(message: Message | MessageV0) -> tuple[int, int]:
    limit, price, others = None, 0, 0
    for instruction in message.instructions:
        if str(message.account_keys[instruction.program_id_index]) != _COMPUTE_BUDGET:
            others += 1
            continue
        data = bytes(instruction.data)
        if data[:1] == b"\x02":
            limit = int.from_bytes(data[1:5], "little")
        elif data[:1] == b"\x03":
            price = int.from_bytes(data[1:9], "little")
    default = min(others * _DEFAULT_COMPUTE_UNITS, _MAX_COMPUTE_UNITS)
    return (default if limit is None else limit), price


__all__ = [
    "Landed",
    "Machine",
    "Outcome",
    "compute_unit_price",
    "message_of",
    "signature_notice",
    "transaction_fee",
]
