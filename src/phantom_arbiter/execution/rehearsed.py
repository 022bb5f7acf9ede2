"""What a transaction was to do, and what it did when it was rehearsed: plain values.

A rehearsal that lacked a program or an account has not been held. That is a result of its own kind, so that
nobody can take it for a pass.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from phantom_arbiter.execution.accounts import TOKEN_PROGRAMS, AccountBytes

_INVOKE: Final = re.compile(r"Program (\w+) invoke \[(\d+)\]")
_CONSUMED: Final = re.compile(r"Program (\w+) consumed (\d+) of (\d+) compute units")
_EXHAUSTED: Final = re.compile(r"Program \w+ failed: .*exceeded CUs meter")
_LEFT: Final = re.compile(r"Program (\w+) (?:success|failed)")
_STATE_AT, _INITIALISED = 108, 1
_MINT_AT, _OWNER_AT, _AMOUNT_AT, _TOKEN_ACCOUNT_LEN = 0, 32, 64, 165


class Kind(StrEnum):
    """How a rehearsal ended."""

    PASSED = "passed"
    """The transaction succeeds."""
    FAILED = "failed"
    """It fails; `error` says how."""
    NO_PROGRAM = "no_program"
    """It was not run: a program's bytecode is not there."""
    NO_ACCOUNT = "no_account"
    """It was not run: of an account nothing is known."""


@dataclass(frozen=True, slots=True)
class ExpectedHop:
    """One swap as it was quoted.

    Attributes:
        pool: The pool.
        venue: Its venue, as `phantom venues` names it.
        program: The venue's program.
        account_in: The wallet's token account that pays.
        account_out: The wallet's token account that is paid.
        amount_in: Base units that leave `account_in`.
        amount_out: Base units that arrive in `account_out`.
        crossings: Initialised ticks or bins that the quote crosses; 0 where there are none, or not known.
    """

    pool: str
    venue: str
    program: str
    account_in: str
    account_out: str
    amount_in: int
    amount_out: int
    crossings: int = 0


@dataclass(frozen=True, slots=True)
class Expected:
    """What a transaction is to do.

    Attributes:
        hops: The swaps, in the order of their instructions.
        base_account: The wallet's token account whose gain is the profit.
    """

    hops: tuple[ExpectedHop, ...]
    base_account: str

    @property
    def profit(self) -> int:
        """Base units by which `base_account` is to grow."""
        return self.changes().get(self.base_account, 0)

    def changes(self, hops: int | None = None) -> dict[str, int]:
        """Return by how much each token account is to change after the first `hops`, all by default."""
        changes: dict[str, int] = {}
        for hop in self.hops[:hops]:
            changes[hop.account_in] = changes.get(hop.account_in, 0) - hop.amount_in
            changes[hop.account_out] = changes.get(hop.account_out, 0) + hop.amount_out
        return changes


@dataclass(frozen=True, slots=True)
class InstructionRun:
    """One instruction of the transaction: its program, and the compute units that it used with its calls.

    `units` is None where the program does not tell, as some built-in ones, or was not reached.
    """

    program: str
    units: int | None


@dataclass(frozen=True, slots=True)
class HopRun:
    """One swap: what was expected and what came.

    Attributes:
        pool: The pool.
        venue: Its venue.
        crossings: As expected.
        units: Compute units; None if it was not reached.
        expected_out: Base units as quoted.
        got_out: Base units that arrived; None if it was not reached or failed.
    """

    pool: str
    venue: str
    crossings: int
    units: int | None
    expected_out: int
    got_out: int | None

    @property
    def agrees(self) -> bool:
        """Whether it gave what was quoted, to the unit."""
        return self.got_out == self.expected_out

    @property
    def error_ppm(self) -> float | None:
        """How far the quote was off, in millionths of what came; None if nothing came."""
        if self.got_out is None:
            return None
        return abs(self.expected_out - self.got_out) / max(self.got_out, 1) * 1e6


@dataclass(frozen=True, slots=True)
class Balance:
    """A token account of the wallet, before and after, in base units; 0 where it does not exist."""

    account: str
    mint: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of a rehearsal.

    Attributes:
        kind: How it ended.
        signature: First signature of the transaction, base58.
        slot: Slot of the clock it ran at.
        error: The transaction error as RPC has it in JSON; None unless it failed.
        logs: Log lines.
        units: Compute units of the whole transaction.
        instructions: Its instructions in order.
        hops: The swaps, if something was expected.
        balances: The wallet's token accounts among the transaction's accounts.
        lamports_before: The wallet's.
        lamports_after: The wallet's; the fee is paid even if it fails.
        profit: Base units by which `Expected.base_account` grew; None if nothing was expected or it did not
            pass.
        missing_programs: Programs whose bytecode is not there.
        missing_accounts: Accounts of which nothing is known.
        agrees: Whether every token account changed as quoted, to the unit; None if nothing was expected or it
            was not run.
        accounts: States of the transaction's accounts before it, as they were put in.
        after: States of those that it leaves otherwise.
    """

    kind: Kind
    signature: str
    slot: int
    error: Any = None
    logs: tuple[str, ...] = field(default=(), repr=False)
    units: int = 0
    instructions: tuple[InstructionRun, ...] = ()
    hops: tuple[HopRun, ...] = ()
    balances: tuple[Balance, ...] = ()
    lamports_before: int = 0
    lamports_after: int = 0
    profit: int | None = None
    missing_programs: tuple[str, ...] = ()
    missing_accounts: tuple[str, ...] = ()
    agrees: bool | None = None
    accounts: Mapping[str, AccountBytes | None] = field(default_factory=dict, repr=False)
    after: Mapping[str, AccountBytes | None] = field(default_factory=dict, repr=False)

    @property
    def ok(self) -> bool:
        """Whether the transaction was run and succeeds."""
        return self.kind is Kind.PASSED

    @property
    def failed_instruction(self) -> int | None:
        """Index of the instruction that failed."""
        if isinstance(self.error, dict) and "InstructionError" in self.error:
            return int(self.error["InstructionError"][0])
        return None

    @property
    def is_out_of_units(self) -> bool:
        """Whether it failed because the transaction did not ask for enough compute units."""
        error = self.error
        if isinstance(error, dict) and "InstructionError" in error:
            error = error["InstructionError"][1]
        return error == "ComputationalBudgetExceeded" or (
            self.error is not None and any(_EXHAUSTED.match(line) for line in self.logs)
        )

    @property
    def overhead_units(self) -> int:
        """Compute units of everything that is no swap."""
        return max(0, self.units - sum(hop.units or 0 for hop in self.hops))


def units_of_instructions(logs: Sequence[str], programs: Sequence[str]) -> list[int | None]:
    """Return the compute units that each top-level instruction told, None for what told none.

    Args:
        logs: All log lines; truncated logs tell of the first instructions only.
        programs: The instructions' programs, in order.
    """
    units: list[int | None] = [None] * len(programs)
    at, depth = -1, 0
    for line in logs:
        if found := _INVOKE.match(line):
            depth = int(found[2])
            if depth == 1:
                at += 1
        elif found := _CONSUMED.match(line):
            if depth == 1 and 0 <= at < len(programs) and programs[at] == found[1]:
                units[at] = int(found[2])
        elif _LEFT.match(line):
            depth -= 1
    return units


def is_usable(account: AccountBytes | None) -> bool:
    """Return whether this is a token account that is initialised and not frozen."""
    return (
        account is not None
        and account.owner in TOKEN_PROGRAMS
        and len(account.data) >= _TOKEN_ACCOUNT_LEN
        and account.data[_STATE_AT] == _INITIALISED
    )


def token_balance(account: AccountBytes | None, wallet: bytes) -> tuple[bytes, int] | None:
    """Return mint and amount if this is a token account of the wallet."""
    if account is None or account.owner not in TOKEN_PROGRAMS or len(account.data) < _TOKEN_ACCOUNT_LEN:
        return None
    data = account.data
    if data[_OWNER_AT : _OWNER_AT + 32] != wallet:
        return None
    return data[_MINT_AT : _MINT_AT + 32], int.from_bytes(data[_AMOUNT_AT : _AMOUNT_AT + 8], "little")
