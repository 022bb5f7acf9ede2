"""The very transaction, run in an SVM in this process before it is sent.

Accounts are those that the engine holds, on which it was quoted; what no quote reads (the wallet, lookup
tables, an oracle) comes from a cache of what was read over RPC. Nothing here waits: what is missing is named
in the result, and whoever may wait reads it (`AccountCache.refresh`) before the next attempt.

A quote is the program's own result to the unit, or something is wrong: the quote, a state, or a program that
was deployed anew. So every difference is an alarm, and a sink is handed both states.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol

from solders.instruction import CompiledInstruction
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, SimulatedTransactionInfo

from phantom_arbiter.execution.accounts import (
    ABSENT,
    CLOCK_SYSVAR,
    AccountBytes,
    AccountSource,
    Known,
)
from phantom_arbiter.execution.compute_model import MAX_UNITS
from phantom_arbiter.execution.rehearsed import (
    Balance,
    Expected,
    HopRun,
    InstructionRun,
    Kind,
    Rehearsed,
    is_usable,
    token_balance,
    units_of_instructions,
)
from phantom_arbiter.execution.svm import Svm, from_svm

_LOOKUP_ADDRESSES_AT: Final = 56
_COMPUTE_BUDGET: Final = "ComputeBudget111111111111111111111111111111"
_SET_UNIT_LIMIT: Final = 2

_States = dict[str, AccountBytes | None]


class DisagreementSink(Protocol):
    """Hears of rehearsals that did not do what was quoted."""

    def disagreed(self, wire: bytes, expected: Expected, rehearsed: Rehearsed) -> None:
        """Take one; `rehearsed` has the accounts before and after."""


class Rehearsal:
    """Rehearses transactions; one instance keeps one warm machine."""

    def __init__(
        self,
        sources: Sequence[AccountSource],
        programs: Mapping[str, Path] | Svm,
        *,
        alarm: DisagreementSink | None = None,
    ) -> None:
        """Load the programs, which takes some 20 ms each.

        Args:
            sources: Who is asked for accounts, the first that knows one is believed.
            programs: Bytecode files by program id, or a machine that has them.
            alarm: Who hears of disagreements.

        Raises:
            OSError: A file cannot be read.
            BytecodeError: A file is no program.
        """
        self._sources = list(sources)
        self._svm = programs if isinstance(programs, Svm) else Svm(programs)
        self._alarm = alarm

    def rehearse(
        self, wire: bytes, expected: Expected | None = None, *, sigverify: bool | None = None
    ) -> Rehearsed:
        """Run a signed transaction on the states that are known now; nothing is changed.

        Args:
            wire: The serialised transaction.
            expected: What it was quoted to do; then it is compared.
            sigverify: Whether its signatures have to be right; None: as the machine was told.

        Raises:
            ValueError: `wire` is no transaction, or of a version that is not known.
        """
        transaction = VersionedTransaction.from_bytes(wire)
        message = transaction.message
        if not isinstance(message, Message | MessageV0):
            raise ValueError("unsupported transaction version")
        states, keys, absent = self._gather(message)
        slot = _slot(states.get(CLOCK_SYSVAR))
        programs = [keys[each.program_id_index] for each in message.instructions]
        no_programs = self._absent_programs(programs, states, absent)
        absent = [key for key in absent if key not in no_programs]
        if no_programs or absent:
            kind = Kind.NO_PROGRAM if no_programs else Kind.NO_ACCOUNT
            signature = str(transaction.signatures[0])
            return Rehearsed(
                kind, signature, slot, missing_programs=no_programs, missing_accounts=tuple(absent)
            )
        for address, state in states.items():
            self._svm.put(address, ABSENT if state is None else state)
        result = self._svm.simulate(transaction, sigverify=sigverify)
        rehearsed = _result(transaction, result, states, programs, slot)
        if expected is None:
            return rehearsed
        rehearsed = self._compared(transaction, expected, rehearsed)
        if self._alarm is not None and rehearsed.agrees is False:
            self._alarm.disagreed(wire, expected, rehearsed)
        return rehearsed

    def rehearse_with_all_units(self, wire: bytes, expected: Expected | None = None) -> Rehearsed:
        """Rehearse it with the most compute units that there are, to see how many it needs."""
        transaction = with_unit_limit(VersionedTransaction.from_bytes(wire), MAX_UNITS)
        return self.rehearse(bytes(transaction), expected, sigverify=False)

    def needs(self, wire: bytes) -> tuple[str, ...]:
        """Return the accounts of which nothing is known; lookup tables first, then what they hold."""
        message = VersionedTransaction.from_bytes(wire).message
        if not isinstance(message, Message | MessageV0):
            raise ValueError("unsupported transaction version")
        return tuple(self._gather(message)[2])

    # ---- before

    def _gather(self, message: Message | MessageV0) -> tuple[_States, list[str], list[str]]:
        """Return states, all account keys in the order of their indexes, and what nothing is known of."""
        lookups = message.address_table_lookups if isinstance(message, MessageV0) else []
        tables = [str(lookup.account_key) for lookup in lookups]
        static = [str(key) for key in message.account_keys]
        # The Clock sysvar comes last: without one the machine keeps the time that it has.
        found = self._known(dict.fromkeys([*static, *tables, CLOCK_SYSVAR]))
        writable: list[str] = []
        readonly: list[str] = []
        for lookup, address in zip(lookups, tables, strict=True):
            listed = _table(found[address])
            writable += [listed[each] for each in bytes(lookup.writable_indexes) if each < len(listed)]
            readonly += [listed[each] for each in bytes(lookup.readonly_indexes) if each < len(listed)]
        looked_up = [*writable, *readonly]
        found |= self._known(dict.fromkeys(key for key in looked_up if key not in found))
        states: _States = {}
        absent: list[str] = []
        for address, known in found.items():
            if isinstance(known, AccountBytes):
                states[address] = known
            elif known is ABSENT:
                states[address] = None
            elif address != CLOCK_SYSVAR and not self._svm.brings(address):
                absent.append(address)
        return states, [*static, *looked_up], absent

    def _known(self, addresses: Iterable[str]) -> dict[str, Known | None]:
        wanted = [address for address in addresses if address not in self._svm.programs]
        found: dict[str, Known | None] = dict.fromkeys(wanted)
        for source in self._sources:
            open_ones = [address for address in wanted if found[address] is None]
            if not open_ones:
                break
            found.update(zip(open_ones, source.known(open_ones), strict=True))
        return {address: None if self._is_own(address, known) else known for address, known in found.items()}

    def _is_own(self, address: str, known: Known | None) -> bool:
        """Whether the machine's own account stands: programs that it brings are not put in as data."""
        executable = isinstance(known, AccountBytes) and known.executable
        return executable and self._svm.brings(address)

    def _absent_programs(
        self, programs: Sequence[str], states: _States, absent: Sequence[str]
    ) -> tuple[str, ...]:
        """Return programs without bytecode: those that are called, and those that accounts turn out to be."""
        called = [each for each in programs if not self._svm.brings(each)]
        named = [address for address, state in states.items() if state is not None and state.executable]
        return tuple(dict.fromkeys([*called, *(each for each in named if not self._svm.brings(each))]))

    # ---- after

    def _compared(
        self, transaction: VersionedTransaction, expected: Expected, rehearsed: Rehearsed
    ) -> Rehearsed:
        at = _hop_instructions(expected, rehearsed.instructions)
        changed = {each.account: each.after - each.before for each in rehearsed.balances}
        wanted = expected.changes()
        agrees: bool | None = (
            rehearsed.ok
            and len(at) == len(expected.hops)
            and all(changed.get(account, 0) == change for account, change in wanted.items())
        )
        if not rehearsed.ok and not (
            _blames_a_quote(expected, rehearsed, at)
            and self._usable(transaction, expected, rehearsed, rehearsed.failed_instruction or 0, at)
        ):
            agrees = None
        got: list[int | None]
        if agrees:
            got = [hop.amount_out for hop in expected.hops]
        else:
            got = [self._got(transaction, expected, rehearsed, at, hop) for hop in range(len(expected.hops))]
        hops = tuple(
            HopRun(
                hop.pool,
                hop.venue,
                hop.crossings,
                rehearsed.instructions[at[number]].units if number < len(at) else None,
                hop.amount_out,
                got[number],
            )
            for number, hop in enumerate(expected.hops)
        )
        profit = changed.get(expected.base_account, 0) if rehearsed.ok else None
        return replace(rehearsed, hops=hops, profit=profit, agrees=agrees)

    def _usable(
        self,
        transaction: VersionedTransaction,
        expected: Expected,
        rehearsed: Rehearsed,
        failed: int,
        at: Sequence[int],
    ) -> bool:
        """Whether the token accounts of the swap that failed were there for it, and not frozen."""
        hop = expected.hops[at.index(failed)]
        states = {account: rehearsed.accounts.get(account) for account in (hop.account_in, hop.account_out)}
        if None in states.values():  # perhaps the transaction itself creates it
            result = self._svm.simulate(_cut(transaction, failed), sigverify=False)
            if isinstance(result, SimulatedTransactionInfo):
                states |= {
                    str(key): from_svm(state) for key, state in result.post_accounts() if str(key) in states
                }
        return all(is_usable(state) for state in states.values())

    def _got(
        self,
        transaction: VersionedTransaction,
        expected: Expected,
        rehearsed: Rehearsed,
        at: Sequence[int],
        hop: int,
    ) -> int | None:
        """Return what a hop paid out: the transaction is run up to before it, and up to and with it."""
        failed = rehearsed.failed_instruction
        if hop >= len(at) or (not rehearsed.ok and (failed is None or at[hop] >= failed)):
            return None
        account = expected.hops[hop].account_out
        amounts = []
        for count in (at[hop], at[hop] + 1):
            result = self._svm.simulate(_cut(transaction, count), sigverify=False)
            if not isinstance(result, SimulatedTransactionInfo):
                return None
            found = [from_svm(state) for key, state in result.post_accounts() if str(key) == account]
            wallet = bytes(transaction.message.account_keys[0])
            balance = token_balance(found[0] if found else None, wallet)
            amounts.append(0 if balance is None else balance[1])
        return amounts[1] - amounts[0]


def _result(
    transaction: VersionedTransaction,
    result: SimulatedTransactionInfo | FailedTransactionMetadata,
    states: _States,
    programs: Sequence[str],
    slot: int,
) -> Rehearsed:
    meta = result.meta()
    logs = meta.logs()
    payer = transaction.message.account_keys[0]
    before = states.get(str(payer))
    lamports = 0 if before is None else before.lamports
    after: _States = {}
    error: Any = None
    if isinstance(result, FailedTransactionMetadata):
        error = json.loads(result.to_json())["err"]
        # Whatever an instruction did is undone; the fee is not.
        lamports_after = lamports - meta.fee() if isinstance(error, dict) else lamports
    else:
        for key, account in result.post_accounts():
            address = str(key)
            if address in states:
                now = from_svm(account)
                held = states[address]
                if held is None or (now.lamports, now.data, now.owner) != (
                    held.lamports,
                    held.data,
                    held.owner,
                ):
                    after[address] = None if now.lamports == 0 else now
        paid = after.get(str(payer), before)
        lamports_after = 0 if paid is None else paid.lamports
    units = units_of_instructions(logs, programs)
    return Rehearsed(
        Kind.PASSED if error is None else Kind.FAILED,
        str(transaction.signatures[0]),
        slot,
        error,
        tuple(logs),
        meta.compute_units_consumed(),
        tuple(InstructionRun(program, used) for program, used in zip(programs, units, strict=True)),
        (),
        _balances(states, after, bytes(payer)),
        lamports,
        lamports_after,
        accounts=states,
        after=after,
    )


def _balances(states: _States, after: _States, wallet: bytes) -> tuple[Balance, ...]:
    found = []
    for address, state in states.items():
        old = token_balance(state, wallet)
        new = token_balance(after.get(address, state), wallet)
        known = old or new
        if known is not None:
            mint = str(Pubkey.from_bytes(known[0]))
            found.append(Balance(address, mint, 0 if old is None else old[1], 0 if new is None else new[1]))
    return tuple(found)


def _hop_instructions(expected: Expected, instructions: Sequence[InstructionRun]) -> list[int]:
    """Return the index of each hop's instruction: the next one of its program, as far as there is one."""
    found: list[int] = []
    at = 0
    for hop in expected.hops:
        while at < len(instructions) and instructions[at].program != hop.program:
            at += 1
        if at == len(instructions):
            return found
        found.append(at)
        at += 1
    return found


def _blames_a_quote(expected: Expected, rehearsed: Rehearsed, at: Sequence[int]) -> bool:
    """Return whether it was a swap that failed, and not for want of compute units or of what it pays with."""
    failed = rehearsed.failed_instruction
    if failed is None or failed not in at or rehearsed.is_out_of_units:
        return False
    hop = at.index(failed)
    paying = expected.hops[hop]
    held = next((each.before for each in rehearsed.balances if each.account == paying.account_in), 0)
    return held + expected.changes(hop).get(paying.account_in, 0) >= paying.amount_in


def _cut(transaction: VersionedTransaction, count: int) -> VersionedTransaction:
    """Return the transaction with its first `count` instructions only, its signatures no longer right."""
    return _with_instructions(transaction, transaction.message.instructions[:count])


def with_unit_limit(transaction: VersionedTransaction, units: int) -> VersionedTransaction:
    """Return the transaction with another compute unit limit, its signatures no longer right.

    One that names no limit stays as it is.
    """
    message = transaction.message
    data = bytes([_SET_UNIT_LIMIT]) + units.to_bytes(4, "little")

    def is_limit(each: CompiledInstruction) -> bool:
        program = str(message.account_keys[each.program_id_index])
        return program == _COMPUTE_BUDGET and bytes(each.data)[:1] == data[:1]

    instructions = [
        CompiledInstruction(each.program_id_index, data, each.accounts) if is_limit(each) else each
        for each in message.instructions
    ]
    return _with_instructions(transaction, instructions)


def _with_instructions(
    transaction: VersionedTransaction, instructions: list[CompiledInstruction]
) -> VersionedTransaction:
    message = transaction.message
    if isinstance(message, MessageV0):
        cut: Message | MessageV0 = MessageV0(
            message.header,
            message.account_keys,
            message.recent_blockhash,
            instructions,
            message.address_table_lookups,
        )
    else:
        header = message.header
        cut = Message.new_with_compiled_instructions(
            header.num_required_signatures,
            header.num_readonly_signed_accounts,
            header.num_readonly_unsigned_accounts,
            message.account_keys,
            message.recent_blockhash,
            instructions,
        )
    return VersionedTransaction.populate(cut, transaction.signatures)


def _table(known: Known | None) -> list[str]:
    data = known.data[_LOOKUP_ADDRESSES_AT:] if isinstance(known, AccountBytes) else b""
    return [str(Pubkey.from_bytes(data[at : at + 32])) for at in range(0, len(data) - 31, 32)]


def _slot(clock: AccountBytes | None) -> int:
    return 0 if clock is None else int.from_bytes(clock.data[:8], "little")
