"""Rehearsals with the programs that the machine brings: a token transfer stands for a swap."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("solders")

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from phantom_arbiter.execution import disagreements
from phantom_arbiter.execution.accounts import (
    CLOCK_SYSVAR,
    TOKEN_PROGRAM,
    AccountBytes,
    AccountCache,
    least_lamports,
)
from phantom_arbiter.execution.disagreements import DisagreementFileError, DisagreementFiles
from phantom_arbiter.execution.rehearsal import Rehearsal
from phantom_arbiter.execution.rehearsed import (
    Expected,
    ExpectedHop,
    Kind,
    Rehearsed,
    units_of_instructions,
)
from phantom_arbiter.execution.svm import BytecodeError, Svm

WALLET = Keypair.from_seed(bytes([1]) * 32)
OTHER = Keypair.from_seed(bytes([2]) * 32)
MINT, MINE, SPARE, THEIRS = (str(Pubkey.from_bytes(bytes([number]) * 32)) for number in (3, 4, 5, 6))
PROGRAM = str(Pubkey.from_bytes(bytes([9]) * 32))
SYSTEM = "11111111111111111111111111111111"
SYSVAR = "Sysvar1111111111111111111111111111111111111"
LOOKUP = "AddressLookupTab1e1111111111111111111111111"
SLOT = 300_000_000


def token_account(owner: Keypair, amount: int) -> AccountBytes:
    data = bytes(Pubkey.from_string(MINT)) + bytes(owner.pubkey()) + amount.to_bytes(8, "little") + bytes(36)
    data += b"\x01" + bytes(56)
    return AccountBytes(TOKEN_PROGRAM, least_lamports(TOKEN_PROGRAM, data), data)


def moving(source: str, target: str, amount: int, owner: Keypair = WALLET) -> Instruction:
    metas = [
        AccountMeta(Pubkey.from_string(source), False, True),
        AccountMeta(Pubkey.from_string(target), False, True),
        AccountMeta(owner.pubkey(), True, False),
    ]
    return Instruction(Pubkey.from_string(TOKEN_PROGRAM), b"\x03" + amount.to_bytes(8, "little"), metas)


def wire_of(*instructions: Instruction, tables: Sequence[AddressLookupTableAccount] = ()) -> bytes:
    message = MessageV0.try_compile(WALLET.pubkey(), list(instructions), list(tables), Hash.default())
    return bytes(VersionedTransaction(message, [WALLET]))


@pytest.fixture
def cache() -> AccountCache:
    found = AccountCache()
    clock = b"".join(word.to_bytes(8, "little") for word in (SLOT, 0, 694, 695, 1_790_000_000))
    found.put(CLOCK_SYSVAR, AccountBytes(SYSVAR, 1_169_280, clock))
    found.put(str(WALLET.pubkey()), AccountBytes(SYSTEM, 10**9, b""))
    found.put(MINE, token_account(WALLET, 1_000))
    found.put(SPARE, token_account(WALLET, 0))
    found.put(THEIRS, token_account(OTHER, 0))
    return found


def hop(amount_out: int, amount_in: int = 300, into: str = SPARE) -> ExpectedHop:
    return ExpectedHop("pool", "venue", TOKEN_PROGRAM, MINE, into, amount_in, amount_out)


def expecting(*hops: ExpectedHop, base: str = SPARE) -> Expected:
    return Expected(hops, base)


class Alarm:
    def __init__(self) -> None:
        self.heard: list[Rehearsed] = []

    def disagreed(self, wire: bytes, expected: Expected, rehearsed: Rehearsed) -> None:
        self.heard.append(rehearsed)


def test_transaction_that_does_what_was_expected_passes(cache: AccountCache) -> None:
    alarm = Alarm()
    rehearsal = Rehearsal([cache], {}, alarm=alarm)
    wire = wire_of(set_compute_unit_limit(50_000), moving(MINE, SPARE, 300))
    rehearsed = rehearsal.rehearse(wire, expecting(hop(300)))
    assert (rehearsed.kind, rehearsed.ok, rehearsed.agrees) == (Kind.PASSED, True, True)
    assert (rehearsed.slot, rehearsed.profit, alarm.heard) == (SLOT, 300, [])
    assert [(each.account, each.before, each.after) for each in rehearsed.balances] == [
        (MINE, 1_000, 700),
        (SPARE, 0, 300),
    ]
    assert {each.mint for each in rehearsed.balances} == {MINT}
    assert (rehearsed.lamports_before, rehearsed.lamports_after) == (10**9, 10**9 - 5_000)
    assert rehearsed.hops[0].units == rehearsed.instructions[1].units
    assert rehearsed.units == rehearsed.overhead_units + (rehearsed.hops[0].units or 0)
    assert 0 < rehearsed.overhead_units < rehearsed.units
    # Nothing was kept: the same again.
    assert rehearsal.rehearse(wire, expecting(hop(300))) == rehearsed


def test_one_unit_less_than_quoted_is_an_alarm_that_names_the_hop(cache: AccountCache) -> None:
    alarm = Alarm()
    wire = wire_of(moving(MINE, SPARE, 200), moving(MINE, SPARE, 300))
    expected = expecting(hop(200, amount_in=200), hop(301))
    rehearsed = Rehearsal([cache], {}, alarm=alarm).rehearse(wire, expected)
    assert (rehearsed.kind, rehearsed.agrees, rehearsed.profit) == (Kind.PASSED, False, 500)
    assert [(each.expected_out, each.got_out) for each in rehearsed.hops] == [(200, 200), (301, 300)]
    assert [each.agrees for each in rehearsed.hops] == [True, False]
    assert rehearsed.hops[1].error_ppm == pytest.approx(1e6 / 300)
    assert alarm.heard == [rehearsed]


def test_failing_transaction_says_where_and_what_came_before(cache: AccountCache) -> None:
    wire = wire_of(moving(MINE, SPARE, 300), moving(MINE, SPARE, 701))
    rehearsed = Rehearsal([cache], {}).rehearse(wire, expecting(hop(300), hop(500, amount_in=500)))
    assert (rehearsed.kind, rehearsed.error) == (Kind.FAILED, {"InstructionError": [1, {"Custom": 1}]})
    assert (rehearsed.failed_instruction, rehearsed.agrees, rehearsed.profit) == (1, False, None)
    assert [each.got_out for each in rehearsed.hops] == [300, None]
    assert any("insufficient funds" in line for line in rehearsed.logs)
    assert all(each.before == each.after for each in rehearsed.balances)
    assert rehearsed.lamports_after == 10**9 - 5_000


def test_wallet_without_funds_does_not_blame_the_quote(cache: AccountCache) -> None:
    alarm = Alarm()
    cache.put(MINE, token_account(WALLET, 299))
    wire = wire_of(moving(MINE, SPARE, 300))
    rehearsed = Rehearsal([cache], {}, alarm=alarm).rehearse(wire, expecting(hop(300)))
    assert (rehearsed.kind, rehearsed.agrees, alarm.heard) == (Kind.FAILED, None, [])


@pytest.mark.parametrize("state", [None, 0, 2], ids=["absent", "not initialised", "frozen"])
def test_own_account_that_cannot_be_used_does_not_blame_the_quote(
    cache: AccountCache, state: int | None
) -> None:
    alarm = Alarm()
    held = token_account(WALLET, 0)
    unusable = None
    if state is not None:
        unusable = replace(held, data=held.data[:108] + bytes([state]) + held.data[109:])
    cache.put(SPARE, unusable)
    wire = wire_of(moving(MINE, SPARE, 300))
    rehearsed = Rehearsal([cache], {}, alarm=alarm).rehearse(wire, expecting(hop(300)))
    assert (rehearsed.kind, rehearsed.agrees, alarm.heard) == (Kind.FAILED, None, [])


def test_too_few_compute_units_do_not_blame_the_quote(cache: AccountCache) -> None:
    alarm = Alarm()
    rehearsal = Rehearsal([cache], {}, alarm=alarm)
    for units in (160, 190, 220):
        wire = wire_of(set_compute_unit_limit(units), moving(MINE, SPARE, 300))
        rehearsed = rehearsal.rehearse(wire, expecting(hop(300)))
        assert (rehearsed.kind, rehearsed.agrees, alarm.heard) == (Kind.FAILED, None, [])
        assert rehearsed.is_out_of_units
        full = rehearsal.rehearse_with_all_units(wire, expecting(hop(300)))
        assert (full.ok, full.agrees) == (True, True)
        assert (full.hops[0].units or 0) > 50


def test_failure_besides_the_swaps_does_not_blame_the_quote(cache: AccountCache) -> None:
    alarm = Alarm()
    payment = transfer(
        TransferParams(from_pubkey=WALLET.pubkey(), to_pubkey=WALLET.pubkey(), lamports=10**12)
    )
    wire = wire_of(moving(MINE, SPARE, 300), payment)
    rehearsed = Rehearsal([cache], {}, alarm=alarm).rehearse(wire, expecting(hop(300)))
    assert (rehearsed.kind, rehearsed.agrees, alarm.heard) == (Kind.FAILED, None, [])


def test_wrong_signature_fails(cache: AccountCache) -> None:
    wire = bytearray(wire_of(moving(MINE, SPARE, 300)))
    wire[10] ^= 1
    rehearsed = Rehearsal([cache], {}).rehearse(bytes(wire), expecting(hop(300)))
    assert (rehearsed.kind, rehearsed.error) == (Kind.FAILED, "SignatureFailure")
    assert (rehearsed.lamports_after, rehearsed.agrees) == (10**9, None)


def test_absent_program_is_a_result_of_its_own(cache: AccountCache) -> None:
    swap = Instruction(Pubkey.from_string(PROGRAM), b"", [])
    rehearsed = Rehearsal([cache], {}).rehearse(wire_of(moving(MINE, SPARE, 300), swap), expecting(hop(300)))
    assert (rehearsed.kind, rehearsed.ok, rehearsed.agrees) == (Kind.NO_PROGRAM, False, None)
    assert (rehearsed.missing_programs, rehearsed.missing_accounts) == ((PROGRAM,), ())


def test_program_that_another_calls_is_missed_too(cache: AccountCache) -> None:
    cache.put(PROGRAM, AccountBytes("BPFLoader2111111111111111111111111111111111", 1, b"", True))
    called = moving(MINE, SPARE, 300)
    called = Instruction(
        called.program_id,
        called.data,
        [*called.accounts, AccountMeta(Pubkey.from_string(PROGRAM), False, False)],
    )
    rehearsed = Rehearsal([cache], {}).rehearse(wire_of(called))
    assert (rehearsed.kind, rehearsed.missing_programs) == (Kind.NO_PROGRAM, (PROGRAM,))


@pytest.mark.parametrize("bytecode", [b"", b"garbage", b"\x7fELF\x02\x01\x01" + bytes(4_000)])
def test_file_that_is_no_program_is_refused_with_its_name(tmp_path: Path, bytecode: bytes) -> None:
    (tmp_path / "broken.so").write_bytes(bytecode)
    with pytest.raises(BytecodeError, match=r"broken\.so: not the bytecode of a program"):
        Svm({PROGRAM: tmp_path / "broken.so"})


def test_unknown_account_is_named_and_a_known_absence_is_none(cache: AccountCache) -> None:
    rehearsal = Rehearsal([cache], {})
    wire = wire_of(moving(MINE, SPARE, 300))
    cache.forget([SPARE])
    rehearsed = rehearsal.rehearse(wire)
    assert (rehearsed.kind, rehearsed.missing_accounts) == (Kind.NO_ACCOUNT, (SPARE,))
    assert rehearsal.needs(wire) == (SPARE,)
    cache.put(SPARE, None)
    assert rehearsal.rehearse(wire).kind is Kind.FAILED
    cache.put(SPARE, token_account(WALLET, 5))
    assert rehearsal.rehearse(wire).balances[1].after == 305


def test_first_source_that_knows_is_believed(cache: AccountCache) -> None:
    newer = AccountCache()
    newer.put(SPARE, token_account(WALLET, 40))
    wire = wire_of(moving(MINE, SPARE, 300))
    assert Rehearsal([newer, cache], {}).rehearse(wire).balances[1].before == 40
    assert Rehearsal([cache, newer], {}).rehearse(wire).balances[1].before == 0


def test_accounts_from_a_lookup_table_are_put_in(cache: AccountCache) -> None:
    table = Pubkey.from_bytes(bytes([8]) * 32)
    listed = [Pubkey.from_string(each) for each in (THEIRS, SPARE)]
    account = AddressLookupTableAccount(table, listed)
    wire = wire_of(moving(MINE, SPARE, 300), tables=[account])
    rehearsal = Rehearsal([cache], {})
    assert rehearsal.needs(wire) == (str(table),)
    head = (1).to_bytes(4, "little") + (2**64 - 1).to_bytes(8, "little") + bytes(44)
    cache.put(str(table), AccountBytes(LOOKUP, 10**9, head + b"".join(map(bytes, listed))))
    rehearsed = rehearsal.rehearse(wire, expecting(hop(300)))
    assert (rehearsed.kind, rehearsed.error, rehearsed.agrees) == (Kind.PASSED, None, True)


def test_legacy_message_is_rehearsed_up_to_each_hop_too(cache: AccountCache) -> None:
    instructions = [moving(MINE, SPARE, 200), moving(MINE, SPARE, 300)]
    message = Message.new_with_blockhash(instructions, WALLET.pubkey(), Hash.default())
    wire = bytes(VersionedTransaction(message, [WALLET]))
    rehearsed = Rehearsal([cache], {}).rehearse(wire, expecting(hop(201, amount_in=200), hop(300)))
    assert [each.got_out for each in rehearsed.hops] == [200, 300]


def test_bytes_that_are_no_transaction_are_refused(cache: AccountCache) -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        Rehearsal([cache], {}).rehearse(b"\x01\x02")


def test_units_are_those_of_the_outermost_frame() -> None:
    logs = [
        "Program ComputeBudget111111111111111111111111111111 invoke [1]",
        "Program ComputeBudget111111111111111111111111111111 success",
        "Program A invoke [1]",
        "Program A invoke [2]",
        "Program A consumed 5 of 90 compute units",
        "Program A success",
        "Program log: Program A consumed 1 of 2 compute units",
        "Program A consumed 30 of 100 compute units",
        "Program A success",
        "Program A invoke [1]",
        "Program A consumed 7 of 70 compute units",
        "Program A failed: custom program error: 0x1",
    ]
    budget = "ComputeBudget111111111111111111111111111111"
    assert units_of_instructions(logs, [budget, "A", "A", "B"]) == [None, 30, 7, None]


# ---- files of disagreements


@pytest.fixture
def written(cache: AccountCache, tmp_path: Path) -> Path:
    notices: list[str] = []
    files = DisagreementFiles(tmp_path / "kept", {}, notice=notices.append)
    wire = wire_of(moving(MINE, SPARE, 300))
    Rehearsal([cache], {}, alarm=files).rehearse(wire, expecting(hop(299)))
    [path] = (tmp_path / "kept").iterdir()
    assert len(notices) == files.seen == 1
    assert notices[0].endswith(f"disagrees with its quote: {path}")
    return path


def test_disagreement_is_written_with_both_states_and_replays(written: Path) -> None:
    kept = disagreements.read(written)
    assert kept.expected == expecting(hop(299))
    assert kept.before[SPARE] == token_account(WALLET, 0)
    after = kept.after[SPARE]
    assert after is not None
    assert after.data[64:72] == (300).to_bytes(8, "little")
    assert THEIRS not in kept.before
    again = kept.replay({})
    assert (again.agrees, again.slot, again.units) == (False, SLOT, kept.result["units"])
    assert [each.got_out for each in again.hops] == [300]
    right = replace(kept, expected=expecting(hop(300)))
    assert right.replay({}).agrees


def test_torn_foreign_and_missing_files_are_refused(written: Path, tmp_path: Path) -> None:
    import zstandard

    cut = tmp_path / "cut.jsonl.zst"
    cut.write_bytes(written.read_bytes()[:-20])
    foreign = tmp_path / "foreign.jsonl.zst"
    foreign.write_bytes(zstandard.compress(json.dumps({"t": "meta"}).encode()))
    text = tmp_path / "text.jsonl.zst"
    text.write_text("no zstd")
    for path in (cut, foreign, text, tmp_path / "missing.jsonl.zst", tmp_path):
        with pytest.raises(DisagreementFileError, match=path.name):
            disagreements.read(path)


def test_full_folder_and_full_disk_end_nothing(cache: AccountCache, tmp_path: Path) -> None:
    notices: list[str] = []
    files = DisagreementFiles(tmp_path / "kept", {}, max_files=1, notice=notices.append)
    rehearsal = Rehearsal([cache], {}, alarm=files)
    for amount in (300, 301):
        rehearsal.rehearse(wire_of(moving(MINE, SPARE, amount)), expecting(hop(299)))
    assert files.seen == 2
    assert len(list((tmp_path / "kept").iterdir())) == 1
    assert "holds 1 files" in notices[1]
    (tmp_path / "file").write_text("")
    blocked = DisagreementFiles(tmp_path / "file" / "kept", {}, notice=notices.append)
    Rehearsal([cache], {}, alarm=blocked).rehearse(wire_of(moving(MINE, SPARE, 300)), expecting(hop(299)))
    assert "not written" in notices[2]
