"""A landed transaction as `getTransaction` tells it: what it cost and what it changed. Pure.

# Source
Agave `transaction-status`: `UiTransactionStatusMeta`; balances are listed in the order of the message's
static keys, then the writable, then the readonly ones that lookup tables gave.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phantom_arbiter.domain import OnChain
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.findings import Facts

Explain = Callable[[Any, Sequence[str], Sequence[str]], str]
"""Names a transaction error, as JSON has it, from the log lines and the programs of the instructions."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is looked for in a transaction.

    Attributes:
        submission: What was signed.
        base_mint: Mint of the base account.
        held_mint: Mint that a single swap buys; empty for a cycle.
        tip_accounts: Accounts that tips go to.
    """

    submission: Submission
    base_mint: str
    held_mint: str = ""
    tip_accounts: frozenset[str] = frozenset()


def plain_error_name(error: Any, logs: Sequence[str] = (), programs: Sequence[str] = ()) -> str:
    """Return a short name for a transaction error: the runtime's own word, or the program's number.

    >>> plain_error_name({"InstructionError": [2, {"Custom": 6001}]})
    'custom_0x1771'
    >>> plain_error_name("InsufficientFundsForFee")
    'insufficient_funds_for_fee'
    """
    if isinstance(error, dict) and "InstructionError" in error:
        detail = error["InstructionError"]
        error = detail[1] if isinstance(detail, list) and len(detail) == 2 else "InstructionError"
    if isinstance(error, dict) and isinstance(error.get("Custom"), int):
        return f"custom_{error['Custom']:#x}"
    if isinstance(error, dict) and error:
        error = next(iter(error))
    word = error if isinstance(error, str) else "UnknownError"
    kept = "".join(character for character in word[:64] if character.isascii() and character.isalnum())
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in kept).lstrip("_") or "unknown"


def read_facts(result: Any, expected: Expected, explain: Explain = plain_error_name) -> Facts:
    """Return what an answer of `getTransaction`, encoding `json`, says of the transaction that is expected.

    Raises:
        ValueError: It is none, or of another transaction.
    """
    try:
        return _facts(result, expected, explain)
    except (AttributeError, KeyError, TypeError, IndexError) as error:
        raise ValueError(f"no transaction with balances ({type(error).__name__} {error})") from None


def _facts(result: Any, expected: Expected, explain: Explain) -> Facts:
    submission, meta = expected.submission, result["meta"]
    message = result["transaction"]["message"]
    if result["transaction"]["signatures"][0] != submission.signature:
        raise ValueError("another transaction than was asked for")
    loaded = meta.get("loadedAddresses") or {}
    keys = [*message["accountKeys"], *loaded.get("writable", ()), *loaded.get("readonly", ())]
    changes = _lamport_changes(keys, meta)
    if submission.wallet not in changes:
        raise ValueError("the wallet is not in it")
    fee, failed = _whole(meta["fee"]), meta["err"] is not None
    tip, rent = (0, 0) if failed else (_tip(changes, expected), _rent(keys, meta, submission))
    wallet_change = changes[submission.wallet]
    base_change: int | None
    if failed:
        base_change = 0
    elif submission.base_account == submission.wallet:
        base_change = wallet_change + fee + tip + rent
    else:
        base_change = _token_change(keys, meta, submission, expected.base_mint, submission.base_account)
    units = meta.get("computeUnitsConsumed")
    chain = OnChain(
        slot=_whole(result["slot"]),
        unix_time=None if result.get("blockTime") is None else _whole(result["blockTime"]),
        fee_lamports=fee,
        tip_lamports=tip,
        rent_lamports=rent,
        units_consumed=None if units is None else _whole(units),
        wallet_change_lamports=wallet_change,
        base_change=base_change,
        held_change=_held_change(keys, meta, expected, failed=failed),
    )
    if not failed:
        return Facts(chain, None)
    programs = [keys[each["programIdIndex"]] for each in message["instructions"]]
    return Facts(chain, explain(meta["err"], meta.get("logMessages") or (), programs))


def _held_change(
    keys: Sequence[str], meta: Mapping[str, Any], expected: Expected, *, failed: bool
) -> int | None:
    if not expected.held_mint:
        return None
    if failed:
        return 0
    return _token_change(keys, meta, expected.submission, expected.held_mint, None)


def _lamport_changes(keys: Sequence[str], meta: Mapping[str, Any]) -> dict[str, int]:
    before, after = meta["preBalances"], meta["postBalances"]
    if len(before) != len(after) or len(before) < len(keys):
        raise ValueError(f"{len(before)} and {len(after)} balances of {len(keys)} accounts")
    # There may be more balances than keys: an endpoint that does not tell the looked-up addresses.
    pairs = zip(keys, before, after, strict=False)
    return {key: _whole(post) - _whole(pre) for key, pre, post in pairs}


def _tip(changes: Mapping[str, int], expected: Expected) -> int:
    """Return what went to tip accounts; where none is known in it, what was signed, as it succeeded whole."""
    named = [changes[account] for account in expected.tip_accounts if account in changes]
    return sum(named) if named else expected.submission.tip_lamports


def _rent(keys: Sequence[str], meta: Mapping[str, Any], submission: Submission) -> int:
    """Return the deposits of the accounts that did not exist before and do now."""
    balances = dict(zip(keys, zip(meta["preBalances"], meta["postBalances"], strict=True), strict=False))
    return sum(
        rent
        for account, rent in submission.accounts_created
        if account in balances and balances[account][0] == 0 and balances[account][1] > 0
    )


def _token_change(
    keys: Sequence[str], meta: Mapping[str, Any], submission: Submission, mint: str, account: str | None
) -> int | None:
    """Return the change of a token account, or of all of the wallet's of a mint; None if not told."""

    def is_ours(entry: Mapping[str, Any]) -> bool:
        if entry["mint"] != mint:
            return False
        at = entry["accountIndex"]
        if account is not None and at < len(keys):
            return bool(keys[at] == account)
        return entry.get("owner") == submission.wallet

    before, after = (
        [_whole(int(each["uiTokenAmount"]["amount"])) for each in meta.get(name) or () if is_ours(each)]
        for name in ("preTokenBalances", "postTokenBalances")
    )
    return sum(after) - sum(before) if before or after else None


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**64:
        raise ValueError(f"{str(value)[:40]!r} instead of an amount")
    return value
