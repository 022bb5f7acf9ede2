"""Methods that send, try and look up transactions."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from solders.compute_budget import set_compute_unit_limit
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from phantom_arbiter.localnet.accounts import SYSTEM_PROGRAM, AccountState, base58, from_base58
from phantom_arbiter.localnet.admission import Unreadable, is_signed, read_transaction
from phantom_arbiter.localnet.bank import Commitment
from phantom_arbiter.localnet.fees import transaction_fee
from phantom_arbiter.localnet.notices import received_notice
from phantom_arbiter.localnet.outcomes import Landed, Outcome, message_of, refused
from phantom_arbiter.localnet.rpc.errors import (
    PREFLIGHT_FAILURE,
    SIGNATURE_VERIFICATION,
    UNSUPPORTED_TRANSACTION_VERSION,
    RpcError,
    invalid,
)
from phantom_arbiter.localnet.rpc.params import Config, Params, pubkey
from phantom_arbiter.localnet.rpc.read_accounts import account_json
from phantom_arbiter.localnet.rpc.view import View

MAX_STATUSES = 256
RECENT_STATUS_SLOTS = 300
"""Slots whose signatures nodes know without a search of the ledger (MAX_RECENT_BLOCKHASHES)."""
FAUCET = Keypair.from_seed(hashlib.sha256(b"phantom localnet faucet").digest())
_FAUCET_LAMPORTS = 10**17
_AIRDROP_UNITS = 10_000


def send_transaction(view: View, params: Params) -> str:
    """Answer sendTransaction: check signatures, try it unless told not to, and carry it out."""
    config = params.config(1)
    transaction = _transaction(params.value(0, str, "a transaction"), config)
    view.slot(config)
    signature = str(transaction.signatures[0])
    if not config.get("skipPreflight", bool, False):
        if not is_signed(transaction):
            raise RpcError(SIGNATURE_VERIFICATION, "Transaction signature verification failure")
        outcome = _try(view, transaction, check_blockhash=True)
        if outcome.err is not None:
            raise _preflight_failure(outcome)
    view.bank.tell(received_notice(signature, view.bank.slot))
    # As on a real node, what cannot land is dropped without a word.
    if is_signed(transaction) and view.machine.obstacle(transaction) is None:
        view.send(transaction)
    return signature


def simulate_transaction(view: View, params: Params) -> dict[str, Any]:
    """Answer simulateTransaction."""
    config = params.config(1)
    transaction = _transaction(params.value(0, str, "a transaction"), config)
    verify, replace = config.get("sigVerify", bool, False), config.get("replaceRecentBlockhash", bool, False)
    if verify and replace:
        raise invalid("sigVerify may not be used with replaceRecentBlockhash")
    slot = view.slot(config)
    if verify and not is_signed(transaction):
        raise RpcError(SIGNATURE_VERIFICATION, "Transaction signature verification failure")
    outcome = _try(view, transaction, check_blockhash=not replace)
    value = _failure_data(outcome)
    value["innerInstructions"] = outcome.inner if config.get("innerInstructions", bool, False) else None
    value["accounts"] = _wanted_accounts(view, config, outcome, slot)
    value["fee"] = transaction_fee(message_of(transaction))
    value["loadedAccountsDataSize"] = None
    if replace:
        blockhash, height = view.bank.blockhash_at(slot)
        value["replacementBlockhash"] = {"blockhash": blockhash, "lastValidBlockHeight": height}
    return {"context": {"slot": slot}, "value": value}


def _wanted_accounts(view: View, config: Config, outcome: Outcome, slot: int) -> list[Any] | None:
    wanted = config.get("accounts", dict)
    if wanted is None:
        return None
    inner = Config(wanted)
    encoding = inner.encoding("base64")
    if encoding.name in ("binary", "base58"):
        raise invalid("base58 encoding not supported")
    keys = [pubkey(key) for key in inner.get("addresses", list, [])]
    if outcome.err is not None:
        return [None] * len(keys)
    return [
        json.loads(account_json(outcome.accounts.get(key) or view.account(key, slot), encoding))
        for key in keys
    ]


def request_airdrop(view: View, params: Params) -> str:
    """Answer requestAirdrop: a transfer from the faucet."""
    key, lamports = params.pubkey(0), params.value(1, int, "lamports")
    if lamports < 0:
        raise invalid(f"{lamports} lamports")
    bank, faucet = view.bank, str(FAUCET.pubkey())
    if bank.accounts.latest(faucet) is None:
        bank.load(faucet, AccountState(SYSTEM_PROGRAM, _FAUCET_LAMPORTS, b""))
    blockhash, _ = bank.blockhash_at(bank.slot)
    # The limit tells two airdrops of one slot apart, which would else have the same signature.
    instructions = [
        set_compute_unit_limit(_AIRDROP_UNITS + bank.transactions),
        transfer(
            TransferParams(from_pubkey=FAUCET.pubkey(), to_pubkey=Pubkey.from_string(key), lamports=lamports)
        ),
    ]
    message = Message.new_with_blockhash(instructions, FAUCET.pubkey(), Hash.from_string(blockhash))
    transaction = VersionedTransaction(message, [FAUCET])
    outcome = view.machine.execute(transaction)
    if outcome.err is not None:
        raise _preflight_failure(outcome)
    return str(transaction.signatures[0])


def get_signature_statuses(view: View, params: Params) -> dict[str, Any]:
    """Answer getSignatureStatuses; older ones only with `searchTransactionHistory`."""
    signatures = params.value(0, list, "signatures")
    if len(signatures) > MAX_STATUSES:
        raise RpcError(-32602, f"Too many inputs provided; max {MAX_STATUSES}")
    slot = view.bank.slot_at(Commitment.PROCESSED, view.lag_slots)
    is_deep = params.config(1).get("searchTransactionHistory", bool, False)
    oldest = 0 if is_deep else slot - RECENT_STATUS_SLOTS
    return {
        "context": {"slot": slot},
        "value": [_status(view, _signature(each), slot, oldest) for each in signatures],
    }


def _status(view: View, signature: str, slot: int, oldest: int) -> dict[str, Any] | None:
    landed = view.machine.landed.get(signature)
    if landed is None or not oldest <= landed.slot <= slot:
        return None
    reached = reached_commitment(view, landed.slot, slot)
    is_final = reached is Commitment.FINALIZED
    return {
        "slot": landed.slot,
        "confirmations": None if is_final else slot - landed.slot,
        "err": landed.outcome.err,
        "status": {"Ok": None} if landed.outcome.err is None else {"Err": landed.outcome.err},
        "confirmationStatus": reached.label,
    }


def reached_commitment(view: View, landed_slot: int, slot: int) -> Commitment:
    """Return how sure it is in `slot` that what landed in `landed_slot` stays."""
    age = slot - landed_slot
    reached = [each for each in Commitment if age >= view.bank.lag(each)]
    return max(reached)


def get_transaction(view: View, params: Params) -> dict[str, Any] | None:
    """Answer getTransaction, in base64, base58 or as JSON; rewards are left empty."""
    signature, config = _signature(params.value(0, str, "a signature")), params.config(1)
    landed = view.machine.landed.get(signature)
    if landed is None or landed.slot > view.slot(config):
        return None
    is_legacy = isinstance(landed.transaction.message, Message)
    if not is_legacy and config.get("maxSupportedTransactionVersion", int) is None:
        raise RpcError(
            UNSUPPORTED_TRANSACTION_VERSION,
            "Transaction version (0) is not supported by the requesting client. "
            "Please try the request again with the following configuration parameter: "
            '"maxSupportedTransactionVersion": 0',
        )
    answer: dict[str, Any] = {
        "slot": landed.slot,
        "blockTime": landed.unix_timestamp,
        "transaction": _shown(landed.transaction, config.get("encoding", str, "json")),
        "meta": _meta(landed),
    }
    if config.get("maxSupportedTransactionVersion", int) is not None:
        answer["version"] = "legacy" if is_legacy else 0
    return answer


def _meta(landed: Landed) -> dict[str, Any]:
    outcome, message = landed.outcome, message_of(landed.transaction)
    looked_up = landed.keys[len(message.account_keys) :]
    lookups = [] if isinstance(message, Message) else message.address_table_lookups
    writable = sum(len(bytes(each.writable_indexes)) for each in lookups)
    return {
        "err": outcome.err,
        "status": {"Ok": None} if outcome.err is None else {"Err": outcome.err},
        "fee": landed.fee,
        "preBalances": landed.pre_balances,
        "postBalances": landed.post_balances,
        "innerInstructions": outcome.inner,
        "logMessages": outcome.logs,
        "preTokenBalances": landed.pre_token_balances,
        "postTokenBalances": landed.post_token_balances,
        "rewards": [],
        "loadedAddresses": {"writable": looked_up[:writable], "readonly": looked_up[writable:]},
        "returnData": outcome.return_data,
        "computeUnitsConsumed": outcome.units,
    }


def _shown(transaction: VersionedTransaction, encoding: str) -> Any:
    if encoding == "base64":
        return [base64.b64encode(bytes(transaction)).decode(), "base64"]
    if encoding in ("base58", "binary"):
        return [base58(bytes(transaction)), "base58"]
    message = message_of(transaction)
    header = message.header
    shown: dict[str, Any] = {
        "accountKeys": [str(key) for key in message.account_keys],
        "header": {
            "numRequiredSignatures": header.num_required_signatures,
            "numReadonlySignedAccounts": header.num_readonly_signed_accounts,
            "numReadonlyUnsignedAccounts": header.num_readonly_unsigned_accounts,
        },
        "recentBlockhash": str(message.recent_blockhash),
        "instructions": [
            {
                "programIdIndex": each.program_id_index,
                "accounts": list(bytes(each.accounts)),
                "data": base58(bytes(each.data)),
                "stackHeight": None,
            }
            for each in message.instructions
        ],
    }
    if not isinstance(message, Message):
        shown["addressTableLookups"] = [
            {
                "accountKey": str(each.account_key),
                "writableIndexes": list(bytes(each.writable_indexes)),
                "readonlyIndexes": list(bytes(each.readonly_indexes)),
            }
            for each in message.address_table_lookups
        ]
    return {"signatures": [str(each) for each in transaction.signatures], "message": shown}


def _transaction(text: str, config: Config) -> VersionedTransaction:
    try:
        return read_transaction(text, config.get("encoding", str, "base58"))
    except Unreadable as error:
        raise invalid(str(error)) from None


def _try(view: View, transaction: VersionedTransaction, *, check_blockhash: bool) -> Outcome:
    obstacle = view.machine.obstacle(transaction)
    if obstacle is not None and (check_blockhash or obstacle != "BlockhashNotFound"):
        return refused(obstacle)
    return view.machine.simulate(transaction)


def _preflight_failure(outcome: Outcome) -> RpcError:
    message = f"Transaction simulation failed: {_sentence(outcome.err)}"
    return RpcError(PREFLIGHT_FAILURE, message, _failure_data(outcome))


def _failure_data(outcome: Outcome) -> dict[str, Any]:
    return {
        "accounts": None,
        "err": outcome.err,
        "innerInstructions": None,
        "logs": outcome.logs,
        "replacementBlockhash": None,
        "returnData": outcome.return_data,
        "unitsConsumed": outcome.units,
    }


_SENTENCES = {
    "BlockhashNotFound": "Blockhash not found",
    "AlreadyProcessed": "This transaction has already been processed",
    "AccountNotFound": "Attempt to debit an account but found no record of a prior credit.",
    "InsufficientFundsForFee": "Insufficient funds for fee",
}


def _sentence(err: Any) -> str:
    if isinstance(err, dict) and "InstructionError" in err:
        index, what = err["InstructionError"]
        if isinstance(what, dict) and "Custom" in what:
            return f"Error processing Instruction {index}: custom program error: {what['Custom']:#x}"
        return f"Error processing Instruction {index}: {what}"
    return _SENTENCES.get(err, str(err))


def _signature(text: Any) -> str:
    try:
        raw = from_base58(text) if isinstance(text, str) and len(text) <= 88 else b""
    except ValueError:
        raw = b""
    if len(raw) != 64:
        raise RpcError(-32602, "Invalid param: WrongSize")
    return base58(raw)


METHODS = {
    "sendTransaction": send_transaction,
    "simulateTransaction": simulate_transaction,
    "requestAirdrop": request_airdrop,
    "getSignatureStatuses": get_signature_statuses,
    "getTransaction": get_transaction,
}
