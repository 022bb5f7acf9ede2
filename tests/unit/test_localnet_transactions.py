"""HTTP methods that send, try and look up transactions: what lands, what is refused and with which code."""

from __future__ import annotations

import base64
from typing import Any

import pytest

pytest.importorskip("solders")

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from localnet_view import FIRST, HOLDER, MINT, OWNER, PAYEE, PAYER, ask, holder_data, refusal, small_view
from phantom_arbiter.localnet.accounts import (
    TOKEN_2022_PROGRAM,
    TOKEN_PROGRAM,
    AccountState,
    base58,
    rent_exempt_minimum,
)
from phantom_arbiter.localnet.rpc.view import View
from phantom_arbiter.localnet.token_balances import is_token_account


@pytest.fixture
def view() -> View:
    return small_view()


def signed(view: View, *instructions: Instruction, payer: Keypair = PAYER) -> VersionedTransaction:
    blockhash = Hash.from_string(view.bank.blockhash_at(view.bank.slot)[0])
    message = Message.new_with_blockhash(list(instructions), payer.pubkey(), blockhash)
    return VersionedTransaction(message, [payer])


def paying(lamports: int) -> Instruction:
    return transfer(TransferParams(from_pubkey=PAYER.pubkey(), to_pubkey=PAYEE, lamports=lamports))


def b64(transaction: VersionedTransaction) -> str:
    return base64.b64encode(bytes(transaction)).decode()


BASE64 = {"encoding": "base64"}
ASSOCIATED = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")


def test_send_executes_and_a_second_time_is_refused(view: View) -> None:
    transaction = signed(view, paying(2_000_000))
    signature = ask(view, "sendTransaction", b64(transaction), BASE64)
    assert signature == str(transaction.signatures[0])
    assert ask(view, "getBalance", str(PAYEE), {"commitment": "processed"})["value"] == 2_000_000
    assert ask(view, "sendTransaction", base58(bytes(transaction)), {"skipPreflight": True}) == signature
    assert view.bank.transactions == 1
    error = refusal(view, "sendTransaction", b64(transaction), BASE64)
    assert (error["code"], error["data"]["err"]) == (-32002, "AlreadyProcessed")


def test_preflight_failure_carries_error_logs_and_units(view: View) -> None:
    error = refusal(view, "sendTransaction", b64(signed(view, paying(10**15))), BASE64)
    assert error["code"] == -32002
    assert error["message"] == (
        "Transaction simulation failed: Error processing Instruction 0: custom program error: 0x1"
    )
    assert error["data"]["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert error["data"]["unitsConsumed"] == 150
    assert any("insufficient lamports" in line for line in error["data"]["logs"])


def test_without_preflight_a_failing_transaction_lands_and_pays(view: View) -> None:
    transaction = signed(view, paying(10**15))
    signature = ask(view, "sendTransaction", b64(transaction), {**BASE64, "skipPreflight": True})
    status = ask(view, "getSignatureStatuses", [signature])["value"][0]
    assert status["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert status["status"] == {"Err": status["err"]}
    assert ask(view, "getBalance", str(PAYER.pubkey()), {"commitment": "processed"})["value"] == 10**9 - 5_000


def test_expired_and_unsigned_transactions_do_not_land(view: View) -> None:
    expired = signed(view, paying(1_000_000))
    for _ in range(151):
        view.bank.advance()
    error = refusal(view, "sendTransaction", b64(expired), BASE64)
    assert error["data"]["err"] == "BlockhashNotFound"
    ask(view, "sendTransaction", b64(expired), {**BASE64, "skipPreflight": True})
    unsigned = VersionedTransaction.populate(signed(view, paying(1)).message, [expired.signatures[0]])
    assert refusal(view, "sendTransaction", b64(unsigned), BASE64)["code"] == -32003
    ask(view, "sendTransaction", b64(unsigned), {**BASE64, "skipPreflight": True})
    assert view.bank.transactions == 0
    unknown = base58(bytes(64))
    assert ask(view, "getSignatureStatuses", [str(expired.signatures[0]), unknown])["value"] == [None, None]


@pytest.mark.parametrize(
    ("text", "config"),
    [("???", BASE64), ("AAAA", BASE64), ("0OIl", {}), ("A" * 4_000, BASE64), ("AAAA", {"encoding": "hex"})],
)
def test_what_is_no_transaction_is_refused(view: View, text: str, config: dict[str, str]) -> None:
    assert refusal(view, "sendTransaction", text, config)["code"] == -32602


def test_simulation_changes_nothing_and_shows_accounts(view: View) -> None:
    transaction = signed(view, paying(2_000_000))
    config = {**BASE64, "accounts": {"encoding": "base64", "addresses": [str(PAYEE), OWNER]}}
    value = ask(view, "simulateTransaction", b64(transaction), {**config, "innerInstructions": True})["value"]
    assert value["err"] is None
    assert value["unitsConsumed"] == 150
    assert [each["lamports"] for each in value["accounts"]] == [2_000_000, 5]
    assert value["innerInstructions"] == []
    assert ask(view, "getBalance", str(PAYEE), {"commitment": "processed"})["value"] == 0
    for _ in range(200):
        view.bank.advance()
    assert ask(view, "simulateTransaction", b64(transaction), BASE64)["value"]["err"] == "BlockhashNotFound"
    replaced = ask(view, "simulateTransaction", b64(transaction), {**BASE64, "replaceRecentBlockhash": True})
    assert replaced["value"]["err"] is None
    assert view.bank.is_blockhash_valid(replaced["value"]["replacementBlockhash"]["blockhash"])
    both = {**BASE64, "replaceRecentBlockhash": True, "sigVerify": True}
    assert refusal(view, "simulateTransaction", b64(transaction), both)["code"] == -32602


def test_fees_of_messages(view: View) -> None:
    budget = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
    limit = Instruction(budget, b"\x02" + (100_000).to_bytes(4, "little"), [])
    price = Instruction(budget, b"\x03" + (50_001).to_bytes(8, "little"), [])
    transaction = signed(view, limit, price, paying(1_000_000))
    message = base64.b64encode(bytes(transaction.message)).decode()
    assert ask(view, "getFeeForMessage", message, {"commitment": "processed"})["value"] == 5_000 + 5_001
    ask(view, "sendTransaction", b64(transaction), BASE64)
    assert ask(view, "getRecentPrioritizationFees")[-1] == {"slot": FIRST, "prioritizationFee": 50_001}
    landed = ask(view, "getTransaction", str(transaction.signatures[0]), {"commitment": "processed"})
    assert landed["meta"]["fee"] == 10_001
    before, after = (landed["meta"][which][0] for which in ("preBalances", "postBalances"))
    assert before - after == 10_001 + 1_000_000
    assert landed["transaction"]["message"]["accountKeys"][0] == str(PAYER.pubkey())
    for _ in range(151):
        view.bank.advance()
    assert ask(view, "getFeeForMessage", message, {"commitment": "processed"})["value"] is None
    assert refusal(view, "getFeeForMessage", "AAAA")["code"] == -32602


def test_transactions_with_lookup_tables(view: View) -> None:
    table_key = Pubkey.from_bytes(bytes([50]) * 32)
    meta = (1).to_bytes(4, "little") + b"\xff" * 8 + (1).to_bytes(8, "little") + bytes(36)
    program = "AddressLookupTab1e1111111111111111111111111"
    view.bank.load(str(table_key), AccountState(program, 10**9, meta + bytes(PAYEE)))
    table = AddressLookupTableAccount(table_key, [PAYEE])
    blockhash = Hash.from_string(view.bank.blockhash_at(view.bank.slot)[0])
    message = MessageV0.try_compile(PAYER.pubkey(), [paying(3_000_000)], [table], blockhash)
    assert len(message.address_table_lookups) == 1
    transaction = VersionedTransaction(message, [PAYER])
    signature = ask(view, "sendTransaction", b64(transaction), BASE64)
    assert ask(view, "getBalance", str(PAYEE), {"commitment": "processed"})["value"] == 3_000_000
    assert refusal(view, "getTransaction", signature, {"commitment": "processed"})["code"] == -32015
    config = {"commitment": "processed", "maxSupportedTransactionVersion": 0, "encoding": "base64"}
    found = ask(view, "getTransaction", signature, config)
    assert found["version"] == 0
    assert base64.b64decode(found["transaction"][0]) == bytes(transaction)


def test_token_transfers_run_in_the_virtual_machine(view: View) -> None:
    bank = view.bank
    other = Pubkey.from_bytes(bytes([60]) * 32)
    authority = bytes(PAYER.pubkey())
    mine = holder_data(1_500_000)
    bank.load(
        HOLDER, AccountState(TOKEN_PROGRAM, rent_exempt_minimum(165), mine[:32] + authority + mine[64:])
    )
    bank.load(str(other), AccountState(TOKEN_PROGRAM, rent_exempt_minimum(165), holder_data(0)))
    move = Instruction(
        Pubkey.from_string(TOKEN_PROGRAM),
        b"\x03" + (400_000).to_bytes(8, "little"),
        [
            AccountMeta(Pubkey.from_string(HOLDER), False, True),
            AccountMeta(other, False, True),
            AccountMeta(PAYER.pubkey(), True, False),
        ],
    )
    signature = ask(view, "sendTransaction", b64(signed(view, move)), BASE64)
    for key, amount in ((HOLDER, "1100000"), (str(other), "400000")):
        found = ask(view, "getTokenAccountBalance", key, {"commitment": "processed"})
        assert found["value"]["amount"] == amount
    shown = ask(view, "getTransaction", signature, {"commitment": "processed"})
    keys, meta = shown["transaction"]["message"]["accountKeys"], shown["meta"]
    owners = {HOLDER: str(PAYER.pubkey()), str(other): OWNER}
    for which, amounts in (
        ("preTokenBalances", {HOLDER: "1500000", str(other): "0"}),
        ("postTokenBalances", {HOLDER: "1100000", str(other): "400000"}),
    ):
        assert {
            keys[each["accountIndex"]]: each["uiTokenAmount"]["amount"] for each in meta[which]
        } == amounts
        for each in meta[which]:
            assert (each["mint"], each["programId"]) == (MINT, TOKEN_PROGRAM)
            assert each["owner"] == owners[keys[each["accountIndex"]]]
            assert each["uiTokenAmount"]["decimals"] == 6
    owned = ask(view, "getTokenAccountsByOwner", OWNER, {"mint": MINT}, {**BASE64, "commitment": "processed"})
    assert [each["pubkey"] for each in owned["value"]] == [str(other)]


def test_calls_within_are_shown_and_a_new_account_has_no_balance_before(view: View) -> None:
    account, _ = Pubkey.find_program_address(
        [bytes(PAYEE), bytes(Pubkey.from_string(TOKEN_PROGRAM)), bytes(Pubkey.from_string(MINT))],
        ASSOCIATED,
    )
    keys = [PAYEE, Pubkey.from_string(MINT), SYSTEM, Pubkey.from_string(TOKEN_PROGRAM)]
    metas = [
        AccountMeta(PAYER.pubkey(), True, True),
        AccountMeta(account, False, True),
        *(AccountMeta(key, False, False) for key in keys),
    ]
    transaction = signed(view, Instruction(ASSOCIATED, b"\x01", metas))
    signature = ask(view, "sendTransaction", b64(transaction), BASE64)
    shown = ask(view, "getTransaction", signature, {"commitment": "processed"})
    meta, keys_shown = shown["meta"], shown["transaction"]["message"]["accountKeys"]
    assert meta["preTokenBalances"] == []
    [balance] = meta["postTokenBalances"]
    assert (balance["owner"], balance["uiTokenAmount"]["amount"]) == (str(PAYEE), "0")
    assert keys_shown[balance["accountIndex"]] == str(account)
    [inner] = meta["innerInstructions"]
    programs = {keys_shown[each["programIdIndex"]] for each in inner["instructions"]}
    assert (inner["index"], programs) == (0, {str(SYSTEM), TOKEN_PROGRAM})


@pytest.mark.parametrize(
    ("program", "data", "holds"),
    [
        (TOKEN_PROGRAM, bytes(165), True),
        (TOKEN_PROGRAM, bytes(82), False),
        (TOKEN_2022_PROGRAM, bytes(165), True),
        (TOKEN_2022_PROGRAM, bytes(165) + b"\x02" + bytes(5), True),
        (TOKEN_2022_PROGRAM, bytes(165) + b"\x01" + bytes(60), False),  # a mint with extensions
        (str(SYSTEM), bytes(165), False),
    ],
)
def test_token_accounts_are_told_from_mints(program: str, data: bytes, holds: bool) -> None:
    assert is_token_account(AccountState(program, 1, data)) is holds


def test_old_signatures_are_found_by_a_search_only(view: View) -> None:
    transaction = signed(view, paying(2_000_000))
    signature = ask(view, "sendTransaction", b64(transaction), BASE64)
    for _ in range(301):
        assert ask(view, "getSignatureStatuses", [signature])["value"] != [None]
        view.bank.advance()
    assert ask(view, "getSignatureStatuses", [signature])["value"] == [None]
    config = {"searchTransactionHistory": True}
    [status] = ask(view, "getSignatureStatuses", [signature], config)["value"]
    assert (status["slot"], status["confirmationStatus"]) == (FIRST, "finalized")


def test_bundles_are_tried_one_after_the_other(view: View) -> None:
    other = Keypair.from_seed(bytes([5]) * 32)
    back = transfer(TransferParams(from_pubkey=other.pubkey(), to_pubkey=PAYEE, lamports=1_000_000))
    there = transfer(TransferParams(from_pubkey=PAYER.pubkey(), to_pubkey=other.pubkey(), lamports=5_000_000))
    bundle = [signed(view, there), signed(view, back, payer=other)]
    wanted = [None, {"addresses": [str(PAYEE)], "encoding": "base64"}]

    def tried(*transactions: VersionedTransaction, **config: object) -> dict[str, Any]:
        found = ask(
            view, "simulateBundle", {"encodedTransactions": [b64(each) for each in transactions]}, config
        )
        value: dict[str, Any] = found["value"]
        return value

    value = tried(*bundle, postExecutionAccountsConfigs=wanted)
    assert value["summary"] == "succeeded"
    assert [each["unitsConsumed"] for each in value["transactionResults"]] == [150, 150]
    assert value["transactionResults"][1]["postExecutionAccounts"][0]["lamports"] == 1_000_000
    failed = tried(bundle[1], bundle[0])["summary"]["failed"]
    assert failed == {"error": "AccountNotFound", "tx_signature": str(bundle[1].signatures[0])}
    assert ask(view, "getBalance", str(other.pubkey()), {"commitment": "processed"})["value"] == 0
    assert view.bank.transactions == 0
    assert refusal(view, "simulateBundle", {"encodedTransactions": []})["code"] == -32602
    assert refusal(view, "simulateBundle", {"encodedTransactions": ["?"]})["code"] == -32602


def test_the_machine_sees_what_a_feed_wrote(view: View) -> None:
    view.bank.write(str(PAYER.pubkey()), AccountState("1" * 32, 6_000, b""))
    error = refusal(view, "sendTransaction", b64(signed(view, paying(2_000_000))), BASE64)
    assert error["data"]["err"] == {"InstructionError": [0, {"Custom": 1}]}
    view.bank.write(str(PAYER.pubkey()), None)
    error = refusal(view, "sendTransaction", b64(signed(view, paying(2_000_001))), BASE64)
    assert error["data"]["err"] == "AccountNotFound"


def test_airdrops_of_one_slot_are_told_apart(view: View) -> None:
    first, second = (ask(view, "requestAirdrop", str(PAYEE), 10**9) for _ in range(2))
    assert first != second
    assert ask(view, "getBalance", str(PAYEE), {"commitment": "processed"})["value"] == 2 * 10**9


def test_bounds_on_lists(view: View) -> None:
    assert refusal(view, "getSignatureStatuses", [base58(bytes(64))] * 257)["code"] == -32602
    assert refusal(view, "getSignatureStatuses", ["x"])["code"] == -32602
