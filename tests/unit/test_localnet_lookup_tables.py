"""Lookup tables on the local net, by the program itself: created, extended, used, deactivated, closed."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import pytest

pytest.importorskip("solders")

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from localnet_view import PAYEE, PAYER, ask, refusal, small_view
from phantom_arbiter.localnet.rpc.view import View

PROGRAM = Pubkey.from_string("AddressLookupTab1e1111111111111111111111111")
SIGNER = AccountMeta(PAYER.pubkey(), True, True)
BASE64 = {"encoding": "base64"}
NOW = {"commitment": "processed"}
FINAL_SLOTS = 32


@pytest.fixture
def view() -> View:
    view = small_view()
    for _ in range(FINAL_SLOTS + 2):
        view.bank.advance()
    return view


def tag(number: int, data: bytes = b"") -> bytes:
    return number.to_bytes(4, "little") + data


def create(recent_slot: int) -> tuple[Pubkey, Instruction]:
    slot = recent_slot.to_bytes(8, "little")
    table, bump = Pubkey.find_program_address([bytes(PAYER.pubkey()), slot], PROGRAM)
    metas = [AccountMeta(table, False, True), SIGNER, SIGNER, AccountMeta(SYSTEM, False, False)]
    return table, Instruction(PROGRAM, tag(0, slot + bytes([bump])), metas)


def extend(table: Pubkey, *keys: Pubkey) -> Instruction:
    data = tag(2, len(keys).to_bytes(8, "little") + b"".join(bytes(key) for key in keys))
    metas = [AccountMeta(table, False, True), SIGNER, SIGNER, AccountMeta(SYSTEM, False, False)]
    return Instruction(PROGRAM, data, metas)


def deactivate(table: Pubkey) -> Instruction:
    return Instruction(PROGRAM, tag(3), [AccountMeta(table, False, True), SIGNER])


def close(table: Pubkey) -> Instruction:
    metas = [AccountMeta(table, False, True), SIGNER, SIGNER]
    return Instruction(PROGRAM, tag(4), metas)


def signed(
    view: View,
    *instructions: Instruction,
    table: Pubkey | None = None,
    addresses: Sequence[Pubkey] = (PAYEE,),
) -> str:
    blockhash = Hash.from_string(view.bank.blockhash_at(view.bank.slot)[0])
    tables = [] if table is None else [AddressLookupTableAccount(table, list(addresses))]
    message = MessageV0.try_compile(PAYER.pubkey(), list(instructions), tables, blockhash)
    assert bool(message.address_table_lookups) is (table is not None)
    return base64.b64encode(bytes(VersionedTransaction(message, [PAYER]))).decode()


def send(
    view: View,
    *instructions: Instruction,
    table: Pubkey | None = None,
    addresses: Sequence[Pubkey] = (PAYEE,),
) -> str:
    text = signed(view, *instructions, table=table, addresses=addresses)
    signature: str = ask(view, "sendTransaction", text, BASE64)
    return signature


def error_of(view: View, *instructions: Instruction, table: Pubkey | None = None) -> object:
    return refusal(view, "sendTransaction", signed(view, *instructions, table=table), BASE64)["data"]["err"]


def paying(lamports: int) -> Instruction:
    return transfer(TransferParams(from_pubkey=PAYER.pubkey(), to_pubkey=PAYEE, lamports=lamports))


def made(view: View) -> Pubkey:
    """Return a table with one address, which may be used from now on."""
    table, instruction = create(ask(view, "getSlot"))
    send(view, instruction, extend(table, PAYEE))
    view.bank.advance()
    return table


def test_a_table_is_usable_from_the_slot_after(view: View) -> None:
    table, instruction = create(ask(view, "getSlot"))
    before = ask(view, "getBalance", str(PAYER.pubkey()), NOW)["value"]
    send(view, instruction, extend(table, PAYEE))
    rent = ask(view, "getMinimumBalanceForRentExemption", 56 + 32)
    assert before - ask(view, "getBalance", str(PAYER.pubkey()), NOW)["value"] == rent + 5_000
    assert error_of(view, paying(2_000_000), table=table) == "InvalidAddressLookupTableIndex"
    view.bank.advance()
    send(view, paying(2_000_000), table=table)
    assert ask(view, "getBalance", str(PAYEE), NOW)["value"] == 2_000_000
    value = ask(view, "getAccountInfo", str(table), {**BASE64, **NOW})["value"]
    decoded = base64.b64decode(value["data"][0])
    assert value["owner"] == str(PROGRAM)
    assert decoded[56:] == bytes(PAYEE)


@pytest.mark.parametrize("ahead", [0, 1])
def test_a_table_needs_a_slot_that_is_over(view: View, ahead: int) -> None:
    _, instruction = create(view.bank.slot + ahead)
    assert error_of(view, instruction) == {"InstructionError": [0, "InvalidInstructionData"]}


def test_what_is_looked_up_is_shown_with_the_transaction(view: View) -> None:
    table = made(view)
    signature = send(view, paying(2_000_000), table=table)
    config = {**NOW, "maxSupportedTransactionVersion": 0}
    found = ask(view, "getTransaction", signature, config)
    meta, message = found["meta"], found["transaction"]["message"]
    assert meta["loadedAddresses"] == {"writable": [str(PAYEE)], "readonly": []}
    assert message["accountKeys"] == [str(PAYER.pubkey()), str(SYSTEM)]
    assert message["addressTableLookups"] == [
        {"accountKey": str(table), "writableIndexes": [0], "readonlyIndexes": []}
    ]
    assert len(meta["preBalances"]) == len(meta["postBalances"]) == 3
    assert (meta["preBalances"][2], meta["postBalances"][2]) == (0, 2_000_000)


def test_looked_up_accounts_are_shown_writable_ones_first(view: View) -> None:
    table, instruction = create(ask(view, "getSlot"))
    reader = Pubkey.from_bytes(bytes([44]) * 32)
    send(view, instruction, extend(table, reader, PAYEE))
    view.bank.advance()
    plain = paying(2_000_000)
    reads = Instruction(plain.program_id, plain.data, [*plain.accounts, AccountMeta(reader, False, False)])
    signature = send(view, reads, table=table, addresses=[reader, PAYEE])
    found = ask(view, "getTransaction", signature, {**NOW, "maxSupportedTransactionVersion": 0})
    assert found["meta"]["loadedAddresses"] == {"writable": [str(PAYEE)], "readonly": [str(reader)]}
    assert found["meta"]["postBalances"][2:] == [2_000_000, 0]


def test_a_deactivated_table_holds_for_513_slots_and_is_then_closed(view: View) -> None:
    table = made(view)
    send(view, deactivate(table))
    view.bank.advance()
    send(view, paying(2_000_000), table=table)
    assert error_of(view, close(table)) == {"InstructionError": [0, "InvalidArgument"]}
    for _ in range(511):
        view.bank.advance()
    send(view, paying(1), table=table)
    assert error_of(view, close(table)) == {"InstructionError": [0, "InvalidArgument"]}
    view.bank.advance()
    assert error_of(view, paying(1), table=table) == "AddressLookupTableNotFound"
    held, before = (ask(view, "getBalance", str(key), NOW)["value"] for key in (table, PAYER.pubkey()))
    send(view, close(table))
    assert ask(view, "getAccountInfo", str(table), NOW)["value"] is None
    assert ask(view, "getBalance", str(PAYER.pubkey()), NOW)["value"] == before + held - 5_000
