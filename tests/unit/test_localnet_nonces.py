"""Durable nonces on the local net: a value stands for a blockhash until a transaction advances it, once."""

from __future__ import annotations

import base64
import hashlib

import pytest

pytest.importorskip("solders")

from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import (
    AdvanceNonceAccountParams,
    TransferParams,
    advance_nonce_account,
    create_nonce_account,
    transfer,
)
from solders.transaction import VersionedTransaction

from bundles import OTHER, PAID, TIP, Client, on_net, tipped
from bundles import pay as pay_by
from bundles import signed as signed_on
from localnet_view import PAYEE, PAYER, ask, refusal, small_view
from phantom_arbiter.localnet import LocalNet
from phantom_arbiter.localnet.accounts import AccountState, rent_exempt_minimum
from phantom_arbiter.localnet.rpc.view import View

NONCE = Keypair.from_seed(bytes([31]) * 32)
STRANGER = Keypair.from_seed(bytes([32]) * 32)
BASE64 = {"encoding": "base64"}
UNCHECKED = {**BASE64, "skipPreflight": True}
NOW = {"commitment": "processed"}


@pytest.fixture
def view() -> View:
    """Return a bank with a nonce account of the payer's, one slot old."""
    view = small_view()
    send(view, signed(view, *creation(), signers=[NONCE]))
    view.bank.advance()
    return view


def creation() -> list[Instruction]:
    payer = PAYER.pubkey()
    return list(create_nonce_account(payer, NONCE.pubkey(), payer, rent_exempt_minimum(80)))


def signed(
    view: View,
    *instructions: Instruction,
    blockhash: str | None = None,
    payer: Keypair = PAYER,
    signers: list[Keypair] | None = None,
) -> VersionedTransaction:
    recent = Hash.from_string(blockhash or view.bank.blockhash_at(view.bank.slot)[0])
    message = Message.new_with_blockhash(list(instructions), payer.pubkey(), recent)
    return VersionedTransaction(message, [payer, *(signers or [])])


def send(view: View, transaction: VersionedTransaction) -> str:
    signature: str = ask(view, "sendTransaction", base64.b64encode(bytes(transaction)).decode(), UNCHECKED)
    return signature


def value(view: View) -> str:
    found = ask(view, "getAccountInfo", str(NONCE.pubkey()), {**BASE64, **NOW})
    data = base64.b64decode(found["value"]["data"][0])
    return str(Hash.from_bytes(data[40:72]))


def advance(authority: Keypair = PAYER) -> Instruction:
    return advance_nonce_account(
        AdvanceNonceAccountParams(nonce_pubkey=NONCE.pubkey(), authorized_pubkey=authority.pubkey())
    )


def paying(lamports: int) -> Instruction:
    return transfer(TransferParams(from_pubkey=PAYER.pubkey(), to_pubkey=PAYEE, lamports=lamports))


def balance(view: View, key: Pubkey) -> int:
    lamports: int = ask(view, "getBalance", str(key), NOW)["value"]
    return lamports


def durable(blockhash: str) -> str:
    return str(
        Hash.from_bytes(hashlib.sha256(b"DURABLE_NONCE" + bytes(Hash.from_string(blockhash))).digest())
    )


def test_value_follows_from_the_blockhash_of_its_slot(view: View) -> None:
    assert value(view) == durable(view.bank.blockhash_at(view.bank.slot - 1)[0])
    view.bank.advance()
    send(view, signed(view, advance(), blockhash=value(view)))
    assert value(view) == durable(view.bank.blockhash_at(view.bank.slot)[0])


def test_nonce_transaction_lands_long_after_any_blockhash_and_only_one_of_two(view: View) -> None:
    held = value(view)
    first, second = (
        signed(view, advance(), paying(lamports), blockhash=held) for lamports in (2_000_000, 3_000_000)
    )
    for _ in range(1_000):
        view.bank.advance()
    message = base64.b64encode(bytes(first.message)).decode()
    assert ask(view, "getFeeForMessage", message, NOW)["value"] == 5_000
    signature = send(view, first)
    assert balance(view, PAYEE) == 2_000_000
    assert value(view) != held
    assert ask(view, "getFeeForMessage", message, NOW)["value"] is None
    assert send(view, first) == signature
    send(view, second)
    error = refusal(view, "sendTransaction", base64.b64encode(bytes(second)).decode(), BASE64)
    assert error["data"]["err"] == "BlockhashNotFound"
    assert ask(view, "getSignatureStatuses", [str(second.signatures[0])])["value"] == [None]
    assert balance(view, PAYEE) == 2_000_000
    assert ask(view, "isBlockhashValid", held, NOW)["value"] is False


def test_failed_transaction_advances_its_nonce_and_pays(view: View) -> None:
    held, before = value(view), balance(view, PAYER.pubkey())
    failing = signed(view, advance(), paying(10**15), blockhash=held)
    signature = send(view, failing)
    assert ask(view, "getSignatureStatuses", [signature])["value"][0]["err"] == {
        "InstructionError": [1, {"Custom": 1}]
    }
    assert balance(view, PAYER.pubkey()) == before - 5_000
    assert value(view) == durable(view.bank.blockhash_at(view.bank.slot)[0]) != held


def test_failed_transaction_with_a_blockhash_leaves_the_nonce(view: View) -> None:
    held = value(view)
    send(view, signed(view, advance(), paying(10**15)))
    assert value(view) == held


def test_nonce_advances_once_in_a_slot(view: View) -> None:
    send(view, signed(view, advance(), paying(2_000_000), blockhash=value(view)))
    again = signed(view, advance(), paying(2_000_001), blockhash=value(view))
    send(view, again)
    assert balance(view, PAYEE) == 2_000_000
    view.bank.advance()
    send(view, again)
    assert balance(view, PAYEE) == 4_000_001


@pytest.mark.parametrize("what", ["stale", "late", "stranger", "unsigned", "no nonce", "read only"])
def test_what_is_no_nonce_transaction_does_not_land(view: View, what: str) -> None:
    held = value(view)
    view.bank.load(str(STRANGER.pubkey()), AccountState("1" * 32, 10**9, b""))
    instructions, payer = [advance(), paying(2_000_000)], PAYER
    if what == "stale":
        send(view, signed(view, advance(), blockhash=held))
        view.bank.advance()
    elif what == "late":
        instructions.reverse()
    elif what == "stranger":
        instructions, payer = [advance(STRANGER)], STRANGER
    elif what == "unsigned":
        key, *rest = advance().accounts
        metas = [key, *(type(key)(each.pubkey, False, False) for each in rest)]
        instructions = [Instruction(advance().program_id, bytes(advance().data), metas)]
        payer = STRANGER
    elif what == "no nonce":
        view.bank.write(str(NONCE.pubkey()), AccountState("1" * 32, 10**9, bytes(80)))
    else:
        metas = [type(each)(each.pubkey, each.is_signer, False) for each in instructions[0].accounts]
        instructions[0] = Instruction(instructions[0].program_id, bytes(instructions[0].data), metas)
    before = balance(view, payer.pubkey())
    transaction = signed(view, *instructions, blockhash=held, payer=payer)
    send(view, transaction)
    assert balance(view, payer.pubkey()) == before
    assert ask(view, "getSignatureStatuses", [str(transaction.signatures[0])])["value"] == [None]


def test_simulation_takes_a_nonce_and_changes_nothing(view: View) -> None:
    held = value(view)
    for _ in range(200):
        view.bank.advance()
    transaction = signed(view, advance(), paying(2_000_000), blockhash=held)
    text = base64.b64encode(bytes(transaction)).decode()
    found = ask(view, "simulateTransaction", text, BASE64)
    assert found["value"]["err"] is None
    assert value(view) == held


def test_of_copies_over_rpc_and_block_engine_one_lands() -> None:
    async def test(net: LocalNet, client: Client) -> None:
        view = net.endpoints[0].view
        send(view, signed_on(net, *creation(), signers=[NONCE]))
        await net.advance(300)
        held = value(view)
        by_rpc = signed(view, advance(), pay_by(PAID), blockhash=held)
        by_bundle = signed(view, advance(), pay_by(PAID + 1), pay_by(1_000, TIP), blockhash=held)
        await net.hold_auctions()
        identity = await client.send(by_bundle)
        send(view, by_rpc)
        await net.release_auctions()
        assert await client.inflight(identity) == [("Failed", None)]
        assert balance(view, PAYEE) == PAID
        # A bundle that fails does not use the nonce up; nor do two of one nonce land.
        await net.advance()
        held = value(view)
        failing = signed(view, advance(), pay_by(10**15), pay_by(1_000, TIP), blockhash=held)
        two = [
            signed(view, advance(), pay_by(lamports), pay_by(1_000, TIP), blockhash=held)
            for lamports in (1, 2)
        ]
        for bundle in ([failing], two):
            assert await client.inflight(await client.send(*bundle)) == [("Failed", None)]
            assert value(view) == held
        assert await client.inflight(await client.send(two[0], tipped(net, payer=OTHER))) == [
            ("Landed", net.bank.slot)
        ]
        assert value(view) != held

    on_net(test)
