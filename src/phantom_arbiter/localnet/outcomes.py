"""What became of a transaction, as LiteSVM tells it and as nodes show it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from solders.account import Account
from solders.message import Message, MessageV0
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata

from phantom_arbiter.localnet.accounts import AccountState, base58


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


def refused(err: str) -> Outcome:
    """Return the outcome of a transaction that cannot land at all."""
    return Outcome(err, False, [], 0, None, [], {})


@dataclass(frozen=True, slots=True)
class Landed:
    """A transaction on the ledger.

    Attributes:
        signature: Its first signature.
        slot: In which it landed.
        unix_timestamp: The Clock sysvar's time in that slot.
        transaction: As it came.
        outcome: What it did.
        fee: Lamports paid, whether it failed or not.
        keys: All accounts that it names: static ones, then looked-up ones, writable first.
        pre_balances: Their lamports before it.
        post_balances: Their lamports after it.
        pre_token_balances: Balances of the token accounts among them before it, as JSON has them.
        post_token_balances: The same after it.
    """

    signature: str
    slot: int
    unix_timestamp: int
    transaction: VersionedTransaction
    outcome: Outcome
    fee: int
    keys: list[str]
    pre_balances: list[int]
    post_balances: list[int]
    pre_token_balances: list[dict[str, Any]]
    post_token_balances: list[dict[str, Any]]


def state_of(account: Account) -> AccountState:
    """Return LiteSVM's account as the bank has it."""
    return AccountState(str(account.owner), account.lamports, bytes(account.data), account.executable)


def outcome_of(result: Any, accounts: dict[str, AccountState]) -> Outcome:
    """Return what LiteSVM answered; `accounts` are the states afterwards."""
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
