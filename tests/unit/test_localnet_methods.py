"""Every HTTP method: the shape of its answer, and what it refuses with which code."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

pytest.importorskip("solders")

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from phantom_arbiter.localnet.accounts import (
    TOKEN_PROGRAM,
    AccountState,
    base58,
    from_base58,
    rent_exempt_minimum,
)
from phantom_arbiter.localnet.bank import Bank, BankSettings
from phantom_arbiter.localnet.machine import Machine
from phantom_arbiter.localnet.rpc import dispatch
from phantom_arbiter.localnet.rpc.view import View

FIRST = 1_000
PAYER = Keypair.from_seed(bytes([1]) * 32)
PAYEE = Keypair.from_seed(bytes([2]) * 32).pubkey()
MINT, HOLDER = (str(Pubkey.from_bytes(bytes([number]) * 32)) for number in (7, 8))
OWNER, PROGRAM = (str(Pubkey.from_bytes(bytes([number]) * 32)) for number in (9, 10))
NOBODY = str(Pubkey.from_bytes(bytes([99]) * 32))


def mint_data(decimals: int, supply: int) -> bytes:
    return bytes(36) + supply.to_bytes(8, "little") + bytes([decimals, 1]) + bytes(36)


def holder_data(amount: int) -> bytes:
    return bytes([7]) * 32 + bytes([9]) * 32 + amount.to_bytes(8, "little") + bytes(36) + b"\x01" + bytes(56)


@pytest.fixture
def view() -> View:
    bank = Bank(BankSettings(first_slot=FIRST))
    bank.load(str(PAYER.pubkey()), AccountState("1" * 32, 10**9, b""))
    bank.load(MINT, AccountState(TOKEN_PROGRAM, rent_exempt_minimum(82), mint_data(6, 10**12)))
    bank.load(HOLDER, AccountState(TOKEN_PROGRAM, rent_exempt_minimum(165), holder_data(1_500_000)))
    bank.load(OWNER, AccountState(PROGRAM, 5, bytes(range(200))))
    return View(bank, Machine(bank))


def ask(view: View, method: str, *params: Any) -> Any:
    """Return what stands in `result`."""
    answer = raw(view, {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)})
    assert "error" not in answer, answer
    assert answer["jsonrpc"] == "2.0"
    assert answer["id"] == 7
    return answer["result"]


def refusal(view: View, method: str, *params: Any) -> dict[str, Any]:
    """Return what stands in `error`."""
    error: dict[str, Any] = raw(view, {"id": 1, "method": method, "params": list(params)})["error"]
    return error


def raw(view: View, request: Any) -> Any:
    text = request if isinstance(request, str) else json.dumps(request)
    answer = dispatch.answer(text, lambda method, params: dispatch.call(view, method, params))
    return None if answer is None else json.loads(answer)


# ---- requests


def test_what_is_no_request_is_refused_with_the_code_of_its_kind(view: View) -> None:
    assert raw(view, "{nonsense")["error"]["code"] == -32700
    assert raw(view, '"text"')["error"]["code"] == -32600
    assert raw(view, {"id": 3, "method": 5}) == {
        "jsonrpc": "2.0",
        "error": {"code": -32600, "message": "Invalid request"},
        "id": 3,
    }
    assert raw(view, [])["error"]["code"] == -32600
    assert refusal(view, "getNothing")["code"] == -32601
    assert raw(view, {"id": 1, "method": "getSlot", "params": {"a": 1}})["error"]["code"] == -32602
    assert raw(view, "[" * 100_000)["error"]["code"] == -32700


def test_batches_are_answered_in_order_and_notifications_not_at_all(view: View) -> None:
    batch = [
        {"id": "a", "method": "getHealth"},
        {"method": "getHealth"},
        {"id": 2, "method": "nope"},
        7,
    ]
    answers = raw(view, batch)
    assert [each.get("id") for each in answers] == ["a", 2, None]
    assert answers[0]["result"] == "ok"
    assert [each["error"]["code"] for each in answers[1:]] == [-32601, -32600]
    assert raw(view, {"method": "ping"}) is None
    assert raw(view, [{"method": "ping"}]) is None


# ---- accounts


def test_account_info_in_every_encoding(view: View) -> None:
    data = bytes(range(200))

    def value(**config: Any) -> Any:
        return ask(view, "getAccountInfo", OWNER, config)["value"]

    shown = value(encoding="base64")
    assert shown == {
        "lamports": 5,
        "data": [base64.b64encode(data).decode(), "base64"],
        "owner": PROGRAM,
        "executable": False,
        "rentEpoch": 2**64 - 1,
        "space": 200,
    }
    assert value(encoding="jsonParsed")["data"] == shown["data"]
    import zstandard

    text, name = value(encoding="base64+zstd")["data"]
    assert name == "base64+zstd"
    assert zstandard.ZstdDecompressor().decompress(base64.b64decode(text)) == data
    part = {"offset": 10, "length": 4}
    assert value(encoding="base58", dataSlice=part)["data"] == [base58(data[10:14]), "base58"]
    assert value(dataSlice=part)["data"] == base58(data[10:14])
    assert value(encoding="base64", dataSlice={"offset": 500, "length": 4})["data"] == ["", "base64"]
    assert from_base58(base58(b"\0\0\x07")) == b"\0\0\x07"
    assert refusal(view, "getAccountInfo", OWNER)["code"] == -32600
    assert ask(view, "getAccountInfo", NOBODY, {"encoding": "base64"})["value"] is None


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"encoding": "hex"}, "encoding"),
        ({"commitment": "recent"}, "commitment"),
        ({"encoding": "base64", "dataSlice": {"offset": 1}}, "dataSlice"),
        ({"encoding": "base64", "dataSlice": {"offset": -1, "length": 2}}, "offset"),
        ({"minContextSlot": "1"}, "minContextSlot"),
        (5, "configuration"),
    ],
)
def test_wrong_configuration_is_named(view: View, config: Any, word: str) -> None:
    error = refusal(view, "getAccountInfo", OWNER, config)
    assert error["code"] == -32602
    assert word in error["message"]


def test_wrong_addresses_are_refused(view: View) -> None:
    for address in ("", "x", "1" * 31, "0" * 44, 5, None):
        assert refusal(view, "getBalance", address)["code"] == -32602
    assert refusal(view, "getBalance")["code"] == -32602


def test_min_context_slot_not_reached_says_how_far_the_node_is(view: View) -> None:
    config = {"commitment": "processed", "minContextSlot": FIRST + 1}
    assert refusal(view, "getBalance", OWNER, config) == {
        "code": -32016,
        "message": "Minimum context slot has not been reached",
        "data": {"contextSlot": FIRST},
    }
    view.bank.advance()
    assert ask(view, "getBalance", OWNER, config)["value"] == 5


def test_multiple_accounts_come_in_the_order_asked(view: View) -> None:
    result = ask(
        view, "getMultipleAccounts", [OWNER, NOBODY, MINT], {"dataSlice": {"offset": 0, "length": 2}}
    )
    assert [None if each is None else each["data"] for each in result["value"]] == [
        ["AAE=", "base64"],
        None,
        ["AAA=", "base64"],
    ]
    assert result["context"]["slot"] == FIRST
    error = refusal(view, "getMultipleAccounts", [OWNER] * 101)
    assert error == {"code": -32602, "message": "Too many inputs provided; max 100"}


def test_program_accounts_are_filtered(view: View) -> None:
    def keys(*filters: Any, **config: Any) -> list[str]:
        given = {"encoding": "base64", "filters": list(filters), **config}
        return [each["pubkey"] for each in ask(view, "getProgramAccounts", TOKEN_PROGRAM, given)]

    assert keys() == [MINT, HOLDER]
    assert keys({"dataSize": 165}) == [HOLDER]
    assert keys({"memcmp": {"offset": 32, "bytes": OWNER}}) == [HOLDER]
    owner64 = base64.b64encode(bytes([9]) * 32).decode()
    assert keys({"memcmp": {"offset": 32, "bytes": owner64, "encoding": "base64"}}) == [HOLDER]
    assert keys({"dataSize": 165}, {"memcmp": {"offset": 0, "bytes": "2"}}) == []
    assert keys({"memcmp": {"offset": 10**6, "bytes": "2"}}) == []
    assert (
        refusal(view, "getProgramAccounts", TOKEN_PROGRAM, {"filters": [{"dataSize": 1}] * 5})["code"]
        == -32602
    )
    assert refusal(view, "getProgramAccounts", TOKEN_PROGRAM, {"filters": [{"memcmp": {}}]})["code"] == -32602
    with_context = ask(view, "getProgramAccounts", PROGRAM, {"encoding": "base64", "withContext": True})
    assert with_context["context"]["slot"] == FIRST
    assert [each["pubkey"] for each in with_context["value"]] == [OWNER]


def test_token_balances(view: View) -> None:
    assert ask(view, "getTokenAccountBalance", HOLDER)["value"] == {
        "amount": "1500000",
        "decimals": 6,
        "uiAmount": 1.5,
        "uiAmountString": "1.5",
    }
    assert ask(view, "getTokenSupply", MINT)["value"]["uiAmountString"] == "1000000"
    assert refusal(view, "getTokenAccountBalance", MINT)["message"] == "Invalid params: not a Token account"
    assert (
        refusal(view, "getTokenAccountBalance", NOBODY)["message"] == "Invalid params: could not find account"
    )
    for which in ({"mint": MINT}, {"programId": TOKEN_PROGRAM}):
        found = ask(view, "getTokenAccountsByOwner", OWNER, which, {"encoding": "base64"})["value"]
        assert [each["pubkey"] for each in found] == [HOLDER]
    assert ask(view, "getTokenAccountsByOwner", NOBODY, {"mint": MINT}, {"encoding": "base64"})["value"] == []
    assert refusal(view, "getTokenAccountsByOwner", OWNER, {})["code"] == -32602


def test_rent_is_the_formula_of_the_programs(view: View) -> None:
    assert ask(view, "getMinimumBalanceForRentExemption", 165) == 2_039_280
    assert ask(view, "getMinimumBalanceForRentExemption", 82) == 1_461_600
    assert refusal(view, "getMinimumBalanceForRentExemption", -1)["code"] == -32602


def test_reads_see_the_slot_of_their_commitment_and_of_a_lagging_endpoint(view: View) -> None:
    bank = view.bank
    for number in range(1, 40):
        bank.advance()
        bank.write(OWNER, AccountState(PROGRAM, number, b""))

    def balance(commitment: str) -> tuple[int, int]:
        found = ask(view, "getBalance", OWNER, {"commitment": commitment})
        return found["context"]["slot"] - FIRST, found["value"]

    assert balance("processed") == (39, 39)
    assert balance("confirmed") == (38, 38)
    assert balance("finalized") == (7, 7)
    view.lag_slots = 3
    assert balance("processed") == (36, 36)
    assert ask(view, "getSlot", {"commitment": "processed"}) == FIRST + 36


def test_closed_accounts_are_gone(view: View) -> None:
    view.bank.advance()
    view.bank.write(OWNER, None)
    assert ask(view, "getAccountInfo", OWNER, {"commitment": "processed"})["value"] is None
    assert ask(view, "getProgramAccounts", PROGRAM, {"commitment": "processed", "encoding": "base64"}) == []


# ---- chain


def test_chain_methods(view: View) -> None:
    bank = view.bank
    assert ask(view, "getHealth") == "ok"
    assert ask(view, "getVersion") == {"solana-core": "3.0.0", "feature-set": 0}
    assert len(from_base58(ask(view, "getGenesisHash"))) == 32
    assert ask(view, "getIdentity") == {"identity": bank.genesis_hash}
    for _ in range(5):
        bank.advance()
    processed = {"commitment": "processed"}
    assert ask(view, "getSlot", processed) == FIRST + 5
    assert ask(view, "getBlockHeight", processed) == FIRST + 5
    assert ask(view, "getBlockTime", FIRST + 5) == bank.settings.first_unix + 2
    assert ask(view, "getTransactionCount") == 0
    assert ask(view, "getEpochInfo", processed) == {
        "absoluteSlot": FIRST + 5,
        "blockHeight": FIRST + 5,
        "epoch": 0,
        "slotIndex": FIRST + 5,
        "slotsInEpoch": 432_000,
        "transactionCount": 0,
    }
    fees = ask(view, "getRecentPrioritizationFees", [OWNER])
    assert fees == [{"slot": FIRST + number, "prioritizationFee": 0} for number in range(6)]
    assert refusal(view, "getRecentPrioritizationFees", [OWNER] * 129)["code"] == -32602


def test_blockhashes_expire_after_150_blocks(view: View) -> None:
    bank, processed = view.bank, {"commitment": "processed"}
    latest = ask(view, "getLatestBlockhash", processed)["value"]
    assert latest["lastValidBlockHeight"] == FIRST + 150
    for _ in range(150):
        bank.advance()
    assert ask(view, "isBlockhashValid", latest["blockhash"], processed)["value"] is True
    bank.advance()
    assert ask(view, "isBlockhashValid", latest["blockhash"], processed)["value"] is False
    assert ask(view, "isBlockhashValid", bank.genesis_hash, processed)["value"] is False


def test_an_endpoint_far_behind_calls_itself_unhealthy(view: View) -> None:
    view.lag_slots = 140
    assert refusal(view, "getHealth") == {
        "code": -32005,
        "message": "Node is behind by 140 slots",
        "data": {"numSlotsBehind": 140},
    }


# ---- transactions


def signed(view: View, *instructions: Instruction, payer: Keypair = PAYER) -> VersionedTransaction:
    blockhash = Hash.from_string(view.bank.blockhash_at(view.bank.slot)[0])
    message = Message.new_with_blockhash(list(instructions), payer.pubkey(), blockhash)
    return VersionedTransaction(message, [payer])


def paying(lamports: int) -> Instruction:
    return transfer(TransferParams(from_pubkey=PAYER.pubkey(), to_pubkey=PAYEE, lamports=lamports))


def b64(transaction: VersionedTransaction) -> str:
    return base64.b64encode(bytes(transaction)).decode()


BASE64 = {"encoding": "base64"}


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
    ask(view, "sendTransaction", b64(signed(view, move)), BASE64)
    for key, amount in ((HOLDER, "1100000"), (str(other), "400000")):
        found = ask(view, "getTokenAccountBalance", key, {"commitment": "processed"})
        assert found["value"]["amount"] == amount


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
