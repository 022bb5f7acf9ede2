"""Instructions and messages against those of `solders`."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from random import Random

import pytest
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import (
    set_compute_unit_limit,
    set_compute_unit_price,
    set_loaded_accounts_data_size_limit,
)
from solders.hash import Hash
from solders.instruction import AccountMeta
from solders.instruction import Instruction as SoldersInstruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import (
    AdvanceNonceAccountParams,
    CloseLookupTableParams,
    CreateLookupTableParams,
    DeactivateLookupTableParams,
    ExtendLookupTableParams,
    TransferParams,
    WithdrawNonceAccountParams,
    advance_nonce_account,
    close_lookup_table,
    create_lookup_table,
    create_nonce_account,
    deactivate_lookup_table,
    extend_lookup_table,
    transfer,
    withdraw_nonce_account,
)
from solders.token.associated import get_associated_token_address
from solders.transaction import VersionedTransaction

import phantom_core as core

TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
TOKEN_2022 = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
TIP_ACCOUNT = "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5"


def _key(number: int) -> Pubkey:
    return Pubkey.from_bytes(Random(number).randbytes(32))


A, B, C, D = (_key(number) for number in range(4))


def _pair(number: int) -> tuple[Keypair, core.Signer]:
    pair = Keypair.from_seed(Random(number).randbytes(32))
    return pair, core.Signer.from_bytes(bytes(pair))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (core.set_compute_unit_limit(1_400_000), set_compute_unit_limit(1_400_000)),
        (core.set_compute_unit_price(2**64 - 1), set_compute_unit_price(2**64 - 1)),
        (core.set_loaded_accounts_data_size(70_000), set_loaded_accounts_data_size_limit(70_000)),
        (
            core.transfer_lamports(A, B, 5),
            transfer(TransferParams(from_pubkey=A, to_pubkey=B, lamports=5)),
        ),
        (core.pay_tip(A, B, 5), transfer(TransferParams(from_pubkey=A, to_pubkey=B, lamports=5))),
        (
            core.advance_nonce(A, B),
            advance_nonce_account(AdvanceNonceAccountParams(nonce_pubkey=A, authorized_pubkey=B)),
        ),
        (
            core.withdraw_nonce(A, B, C, 9),
            withdraw_nonce_account(
                WithdrawNonceAccountParams(nonce_pubkey=A, authorized_pubkey=B, to_pubkey=C, lamports=9)
            ),
        ),
        (
            core.create_lookup_table(A, B, 77)[0],
            create_lookup_table(
                CreateLookupTableParams(authority_address=A, payer_address=B, recent_slot=77)
            )[0],
        ),
        (
            core.extend_lookup_table(A, B, C, [D, A]),
            extend_lookup_table(
                ExtendLookupTableParams(
                    lookup_table_address=A, authority_address=B, payer_address=C, new_addresses=[D, A]
                )
            ),
        ),
        (
            core.deactivate_lookup_table(A, B),
            deactivate_lookup_table(DeactivateLookupTableParams(lookup_table_address=A, authority_address=B)),
        ),
        (
            core.close_lookup_table(A, B, C),
            close_lookup_table(
                CloseLookupTableParams(lookup_table_address=A, authority_address=B, recipient_address=C)
            ),
        ),
    ],
)
def test_instruction_equals_that_of_solders(ours: core.Instruction, theirs: SoldersInstruction) -> None:
    assert ours.to_solders() == theirs
    assert core.Instruction.from_solders(theirs) == ours


def test_nonce_account_is_created_as_solders_does() -> None:
    theirs = create_nonce_account(A, B, C, 1_447_680)
    assert [one.to_solders() for one in core.create_nonce_account(A, B, C, 1_447_680)] == list(theirs)


def test_lookup_table_address_is_derived() -> None:
    theirs = create_lookup_table(
        CreateLookupTableParams(authority_address=A, payer_address=B, recent_slot=77)
    )[1]
    assert core.create_lookup_table(A, B, 77)[1] == str(theirs)


@pytest.mark.parametrize("program", [TOKEN, TOKEN_2022])
def test_token_instructions_are_those_of_the_token_programs(program: str) -> None:
    # Layouts: spl-token `instruction.rs`, spl-associated-token-account `instruction.rs`.
    account = get_associated_token_address(A, B, Pubkey.from_string(program))
    assert core.associated_token_account(A, B, program) == str(account)
    create = core.create_token_account(C, A, B, program)
    assert create.program == "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"
    assert create.data == b"\x01"
    expected = [(C, True, True), (account, False, True), (A, False, False), (B, False, False)]
    system = Pubkey.default()
    expected += [(system, False, False), (Pubkey.from_string(program), False, False)]
    assert create.accounts == [(str(key), signs, writes) for key, signs, writes in expected]
    pay, sync = core.wrap_sol(A, account, 7, program)
    assert pay == core.transfer_lamports(A, account, 7)
    assert (sync.program, sync.data, sync.accounts) == (program, b"\x11", [(str(account), False, True)])
    close = core.close_token_account(account, A, A, program)
    assert (close.program, close.data) == (program, b"\x09")
    assert close.accounts == [(str(account), False, True), (str(A), False, True), (str(A), True, False)]


def test_tip_names_the_account_that_nobody_may_front() -> None:
    tip = core.pay_tip(A, TIP_ACCOUNT, 1_000, "jitodontfront111111111111111111111111111111")
    assert tip.accounts[2] == ("jitodontfront111111111111111111111111111111", False, False)


def _random_case(
    random: Random,
) -> tuple[list[SoldersInstruction], list[AddressLookupTableAccount], list[Keypair]]:
    signers = [Keypair.from_seed(random.randbytes(32)) for _ in range(random.randint(1, 3))]
    others = [Pubkey.from_bytes(random.randbytes(32)) for _ in range(random.randint(1, 24))]
    programs = [Pubkey.from_bytes(random.randbytes(32)) for _ in range(random.randint(1, 3))]

    def account() -> AccountMeta:
        pair = random.choice(signers)
        if random.random() < 0.2:
            return AccountMeta(pair.pubkey(), random.random() < 0.7, random.random() < 0.5)
        return AccountMeta(random.choice(others + programs), False, random.random() < 0.5)

    instructions = [
        SoldersInstruction(
            random.choice(programs),
            random.randbytes(random.choice([0, 1, 17, 130])),
            [account() for _ in range(random.randint(0, 17))],
        )
        for _ in range(random.randint(1, 4))
    ]
    tables = [
        AddressLookupTableAccount(
            Pubkey.from_bytes(random.randbytes(32)),
            random.choices([*others, *programs, signers[0].pubkey()], k=random.randint(0, 20)),
        )
        for _ in range(random.randint(0, 3))
    ]
    return instructions, tables, signers


def test_transaction_equals_that_of_solders_to_the_byte() -> None:
    random, fitting = Random(7), 0
    for _ in range(300):
        instructions, tables, pairs = _random_case(random)
        blockhash = Hash(random.randbytes(32))
        message = MessageV0.try_compile(pairs[0].pubkey(), instructions, tables, blockhash)
        needed = list(message.account_keys[: message.header.num_required_signatures])
        pairs = [pair for pair in pairs if pair.pubkey() in needed]
        theirs = bytes(VersionedTransaction(message, pairs))
        signers = [core.Signer.from_bytes(bytes(pair)) for pair in pairs]
        ours = [core.Instruction.from_solders(one) for one in instructions]
        lookups = [core.LookupTable(table.key, table.addresses) for table in tables]

        def build(
            ours: list[core.Instruction] = ours,
            signers: list[core.Signer] = signers,
            blockhash: Hash = blockhash,
            lookups: list[core.LookupTable] = lookups,
        ) -> core.BuiltTransaction:
            return core.compile_transaction(ours, signers[0], blockhash, lookups, signers=signers[1:])

        if len(theirs) > 1232:
            with pytest.raises(core.TransactionError) as raised:
                build()
            assert raised.value.reason == "route_too_large"
            assert raised.value.values["bytes"] == len(theirs)
            continue
        fitting += 1
        built = build()
        assert built.wire == theirs
        assert bytes(built.to_solders()) == theirs
        assert built.signature == str(VersionedTransaction.from_bytes(theirs).signatures[0])
        assert built.tables == [str(lookup.account_key) for lookup in message.address_table_lookups]
    assert fitting > 100


def test_tip_account_and_nonce_never_stand_in_a_table() -> None:
    pair, signer = _pair(1)
    nonce = _key(9)
    instructions = [
        core.advance_nonce(nonce, pair.pubkey()),
        core.pay_tip(pair.pubkey(), TIP_ACCOUNT, 1_000),
        core.transfer_lamports(pair.pubkey(), A, 1),
    ]
    table = core.LookupTable(B, [nonce, TIP_ACCOUNT, A])
    built = core.compile_transaction(instructions, signer, bytes(32), [table])
    spelled_out = [address for address, _, _ in built.accounts[: built.static_accounts]]
    assert str(nonce) in spelled_out
    assert TIP_ACCOUNT in spelled_out
    assert built.accounts[built.static_accounts :] == [(str(A), False, True)]
    assert core.choose_tables(instructions, pair.pubkey(), [table]) == []


@pytest.mark.parametrize(
    ("instructions", "reason"),
    [
        ([core.set_compute_unit_limit(1_400_001)], "too_many_compute_units"),
        ([core.set_compute_unit_limit(1), core.set_compute_unit_limit(1)], "duplicate_compute_budget"),
        ([core.transfer_lamports(A, B, 1)], "missing_signer"),
        ([core.set_compute_unit_price(1)] * 65, "too_many_instructions"),
        (
            [core.Instruction(A, [(_key(at), False, False) for at in range(70)], b"")],
            "too_many_account_locks",
        ),
        ([core.Instruction(A, [(_key(at), False, False) for at in range(50)], b"")], "route_too_large"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_a_reason(
    instructions: list[core.Instruction], reason: str
) -> None:
    _, signer = _pair(1)
    with pytest.raises(core.TransactionError) as raised:
        core.compile_transaction(instructions, signer, bytes(32))
    assert raised.value.reason == reason


def test_key_that_signs_nothing_is_refused() -> None:
    (_, payer), (_, other) = _pair(1), _pair(2)
    with pytest.raises(core.TransactionError) as raised:
        core.compile_transaction([core.set_compute_unit_price(1)], payer, bytes(32), signers=[other])
    assert raised.value.reason == "needless_signer"
    assert raised.value.values == {"account": other.address}


def test_table_chosen_makes_the_transaction_fit() -> None:
    pair, signer = _pair(1)
    keys = [_key(number) for number in range(100, 148)]
    instruction = core.Instruction(A, [(key, False, True) for key in keys], b"")
    tables = [core.LookupTable(B, keys[:1]), core.LookupTable(C, keys), core.LookupTable(D, keys[:30])]
    chosen = core.choose_tables([instruction], pair.pubkey(), tables)
    assert [table.address for table in chosen] == [str(C)]
    built = core.compile_transaction([instruction], signer, bytes(32), chosen)
    assert len(built) == 1 + 64 + 4 + 1 + 2 * 32 + 32 + 1 + 2 + 48 + 1 + 1 + 32 + 2 + 48


def test_signer_shows_its_address_and_nothing_else() -> None:
    pair, signer = _pair(3)
    assert signer.address == str(pair.pubkey())
    assert signer.sign(b"message") == bytes(pair.sign_message(b"message"))
    assert repr(signer) == f"Signer(address='{pair.pubkey()}')"
    assert [name for name in dir(signer) if not name.startswith("_")] == ["address", "from_bytes", "sign"]
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            attempt(signer)
    wrong = bytes(32) + bytes(pair)[32:]
    with pytest.raises(core.InvalidInput, match="not the public key"):
        core.Signer.from_bytes(wrong)
    with pytest.raises(core.InvalidInput, match="not 31"):
        core.Signer.from_bytes(bytes(31))


def test_lookup_table_is_read_from_its_account() -> None:
    head = (
        (1).to_bytes(4, "little")
        + b"\xff" * 8
        + (9).to_bytes(8, "little")
        + b"\x01\x01"
        + bytes(A)
        + bytes(2)
    )
    table = core.LookupTable.from_account(B, head + bytes(C) + bytes(D))
    assert (table.address, table.addresses, len(table), C in table) == (str(B), [str(C), str(D)], 2, True)
    assert core.LookupTable.from_account(B, head + bytes(C) + bytes(D), slot=9).addresses == [str(C)]
    with pytest.raises(core.MarketDataError) as raised:
        core.LookupTable.from_account(B, head[:4] + bytes(8) + head[12:])
    assert raised.value.reason == "lookup_table_deactivated"
    with pytest.raises(core.InvalidInput, match="257"):
        core.LookupTable(B, [_key(number) for number in range(257)])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: core.set_compute_unit_limit(-1), "units is -1; it may be 0 to 4294967295"),
        (lambda: core.set_compute_unit_limit(2**32), "units is 4294967296"),
        (lambda: core.set_compute_unit_price(2**64), "micro_lamports is 18446744073709551616"),
        (lambda: core.set_loaded_accounts_data_size(-1), "size is -1"),
        (lambda: core.transfer_lamports(bytes(32), bytes(32), -1), "lamports is -1"),
        (lambda: core.create_lookup_table(bytes(32), bytes(32), -1), "recent_slot is -1"),
        (lambda: core.compile_transaction(7, _pair(1)[1], bytes(32)), "instructions: a sequence expected"),  # type: ignore[arg-type]
        (
            lambda: core.compile_transaction([], _pair(1)[1], bytes(32), max_account_locks=-1),
            "max_account_locks is -1",
        ),
        (lambda: core.Instruction(bytes(32), 7, b""), "accounts: a sequence expected"),  # type: ignore[arg-type]
        (lambda: core.AddressBook()["abc"], "a tuple of bytes expected"),  # type: ignore[index]
        (lambda: core.AddressBook().prefetch([("a", b"b")]), "a tuple of bytes expected"),  # type: ignore[list-item]
    ],
)
def test_what_cannot_be_is_refused_by_name(call: Callable[[], object], said: str) -> None:
    with pytest.raises(core.InvalidInput, match=said):
        call()
