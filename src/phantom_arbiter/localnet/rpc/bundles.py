"""simulateBundle, as nodes that run Jito's client answer it."""

from __future__ import annotations

import json
from typing import Any, Final

from phantom_arbiter.localnet.accounts import AccountState
from phantom_arbiter.localnet.admission import Unreadable, is_signed, read_transaction
from phantom_arbiter.localnet.outcomes import Outcome
from phantom_arbiter.localnet.rpc.errors import SIGNATURE_VERIFICATION, RpcError, invalid
from phantom_arbiter.localnet.rpc.params import Config, Params, pubkey
from phantom_arbiter.localnet.rpc.read_accounts import account_json
from phantom_arbiter.localnet.rpc.view import View

MAX_TRANSACTIONS: Final = 5


def simulate_bundle(view: View, params: Params) -> dict[str, Any]:
    """Answer simulateBundle: what the transactions would do one after the other; nothing changes.

    Blockhashes are never replaced, and accounts are shown after each transaction, not before it.
    """
    given = Config(params.value(0, dict, "encodedTransactions"))
    config = params.config(1)
    texts = given.get("encodedTransactions", list, [])
    if not 1 <= len(texts) <= MAX_TRANSACTIONS:
        raise invalid(f"a bundle has 1 to {MAX_TRANSACTIONS} transactions, this one {len(texts)}")
    encoding = config.get("transactionEncoding", str, "base64")
    try:
        transactions = [read_transaction(text, encoding) for text in texts]
    except (Unreadable, TypeError) as error:
        raise invalid(str(error)) from None
    if not config.get("skipSigVerify", bool, False) and not all(is_signed(each) for each in transactions):
        raise RpcError(SIGNATURE_VERIFICATION, "Transaction signature verification failure")
    wanted = config.get("postExecutionAccountsConfigs", list, [None] * len(transactions))
    if len(wanted) != len(transactions):
        raise invalid("pre/post_execution_accounts_configs must be the same length as the bundle")
    outcomes = view.machine.try_all(transactions)
    last = outcomes[-1]
    summary: Any = "succeeded"
    if last.err is not None:
        signature = str(transactions[len(outcomes) - 1].signatures[0])
        summary = {"failed": {"error": last.err, "tx_signature": signature}}
    results = [_result(view, outcome, each) for outcome, each in zip(outcomes, wanted, strict=False)]
    return {
        "context": {"slot": view.bank.slot},
        "value": {"summary": summary, "transactionResults": results},
    }


def _result(view: View, outcome: Outcome, wanted: Any) -> dict[str, Any]:
    shown = None
    if wanted is not None:
        config = Config(wanted)
        encoding = config.encoding("base64")
        shown = [
            json.loads(account_json(_after(view, outcome, pubkey(key)), encoding))
            for key in config.get("addresses", list, [])
        ]
    return {
        "err": outcome.err,
        "logs": outcome.logs,
        "unitsConsumed": outcome.units,
        "returnData": outcome.return_data,
        "preExecutionAccounts": None,
        "postExecutionAccounts": shown,
    }


def _after(view: View, outcome: Outcome, key: str) -> AccountState | None:
    return outcome.accounts.get(key) or view.account(key, view.bank.slot)


METHODS = {"simulateBundle": simulate_bundle}
