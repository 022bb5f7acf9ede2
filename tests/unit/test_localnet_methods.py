"""HTTP methods that read: the shape of each answer, and what is refused with which code."""

from __future__ import annotations

import base64
from typing import Any

import pytest

pytest.importorskip("solders")

from localnet_view import FIRST, HOLDER, MINT, NOBODY, OWNER, PROGRAM, ask, raw, refusal, small_view
from phantom_arbiter.localnet.accounts import TOKEN_PROGRAM, AccountState, base58, from_base58
from phantom_arbiter.localnet.rpc.view import View


@pytest.fixture
def view() -> View:
    return small_view()


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


def test_history_reaches_back_to_the_first_slot() -> None:
    assert ask(small_view(), "getFirstAvailableBlock") == FIRST
