"""`phantom programs`: from accounts on the chain to files, and what became of them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("solders")

from loop_thread import serving
from phantom_arbiter.cli import main
from phantom_arbiter.execution.programs import (
    LOADER_V2,
    LOADER_V4,
    UPGRADEABLE_LOADER,
    ProgramError,
    check_elf,
)
from phantom_arbiter.localnet import LocalNet, NetSettings
from phantom_arbiter.localnet.accounts import AccountState
from phantom_arbiter.mints import short
from phantom_core import Address, find_program_address

PROGRAM, OLD, NEWEST, STRANGER, BROKEN = (
    str(Address(bytes([number]) * 32)) for number in (21, 22, 23, 24, 25)
)
WHIRLPOOL = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"
SYSTEM = "11111111111111111111111111111111"
ELF = b"\x7fELF\x02\x01\x01" + bytes(11) + (263).to_bytes(2, "little") + bytes(3_000) + b"end"
HEADER = 45


def data_address(program: str) -> str:
    return find_program_address([bytes(Address(program))], UPGRADEABLE_LOADER)[0]


def deploy(net: LocalNet, program: str, elf: bytes, slot: int) -> None:
    """Write the two accounts of an upgradeable program."""
    at = data_address(program)
    head = (3).to_bytes(4, "little") + slot.to_bytes(8, "little") + b"\x01" + bytes(32)
    account = (2).to_bytes(4, "little") + bytes(Address(at))
    net.bank.write(program, AccountState(UPGRADEABLE_LOADER, 10**6, account, True))
    net.bank.write(at, AccountState(UPGRADEABLE_LOADER, 10**6, head + elf))
    for _ in range(3):
        net.bank.advance()


@pytest.fixture
def net() -> Iterator[LocalNet]:
    with serving(LocalNet(NetSettings(autostart=False))) as running:
        running.bank.write(OLD, AccountState(LOADER_V2, 10**6, ELF, True))
        running.bank.write(
            NEWEST, AccountState(LOADER_V4, 10**6, (77).to_bytes(8, "little") + bytes(40) + ELF)
        )
        running.bank.write(STRANGER, AccountState(SYSTEM, 10**6, b""))
        deploy(running, BROKEN, b"no ELF at all" * 10, 40)
        deploy(running, PROGRAM, ELF, 1_000)
        yield running


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path


def asked(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> dict[str, object]:
    assert main(["programs", *words, "--json"]) == status
    answer: dict[str, object] = json.loads(capsys.readouterr().out)
    return answer


def rows(answer: dict[str, object]) -> dict[str, dict[str, object]]:
    told = answer["programs"]
    assert isinstance(told, list)
    return {row["program"]: row for row in told}


def test_every_loader_is_read(capsys: pytest.CaptureFixture[str], net: LocalNet, place: Path) -> None:
    words = [word for each in (PROGRAM, OLD, NEWEST) for word in ("--program", each)]
    url = net.endpoints[0].http_url
    fetched = rows(asked(capsys, "fetch", *words, "--url", url, "--programs-dir", "kept"))
    assert [fetched[each]["deployed_slot"] for each in (PROGRAM, OLD, NEWEST)] == [1_000, None, 77]
    assert {row["endpoint"] for row in fetched.values()} == {"url-1"}
    for program in (PROGRAM, OLD, NEWEST):
        assert (place / "kept" / f"{program}.so").read_bytes() == ELF
        assert fetched[program]["sha256"] == hashlib.sha256(ELF).hexdigest()
    # Nothing half-written is left.
    assert len(list((place / "kept").iterdir())) == 4
    # Not good: none of them is a venue's.
    found = rows(asked(capsys, "check", "--url", url, "--programs-dir", "kept", status=1))
    assert {row["finding"] for row in found.values()} == {"same"}


def test_what_is_no_program_is_refused_and_the_others_are_fetched(
    capsys: pytest.CaptureFixture[str], net: LocalNet, place: Path
) -> None:
    nowhere = str(Address(bytes([99]) * 32))
    words = [word for each in (STRANGER, BROKEN, nowhere, PROGRAM) for word in ("--program", each)]
    url = net.endpoints[0].http_url
    answer = asked(capsys, "fetch", *words, "--url", url, "--programs-dir", "kept", status=1)
    assert list(rows(answer)) == [PROGRAM]
    failures = answer["failures"]
    assert isinstance(failures, dict)
    assert failures[STRANGER] == f"{STRANGER} is no program: its owner is {SYSTEM}"
    assert failures[BROKEN] == f"program {BROKEN}: its bytecode is no ELF file"
    assert failures[nowhere] == f"program {nowhere}: there is no such account"
    assert not (place / "kept" / f"{BROKEN}.so").exists()


def test_check_tells_of_new_deployments_changed_files_and_verified_ones(
    capsys: pytest.CaptureFixture[str], net: LocalNet, place: Path
) -> None:
    url, kept = net.endpoints[0].http_url, place / "kept"
    asked(capsys, "fetch", "--program", PROGRAM, "--program", OLD, "--url", url, "--programs-dir", "kept")
    (place / "config.toml").write_text(f'[market.verified_deployments]\n"{PROGRAM}" = 1000\n')
    words = ["check", "--url", url, "--programs-dir", "kept", "--config", "config.toml"]
    found = rows(asked(capsys, *words, status=1))
    assert (found[PROGRAM]["finding"], found[PROGRAM]["is_verified"]) == ("same", True)
    deploy(net, PROGRAM, ELF + b"more", 2_000)
    found = rows(asked(capsys, *words, status=1))
    assert (found[PROGRAM]["finding"], found[PROGRAM]["chain_slot"]) == ("moved", 2_000)
    asked(capsys, "fetch", "--program", PROGRAM, "--url", url, "--programs-dir", "kept")
    found = rows(asked(capsys, *words, status=1))
    assert (found[PROGRAM]["finding"], found[PROGRAM]["is_verified"]) == ("same", False)
    (kept / f"{OLD}.so").write_bytes(ELF + b"!")
    (kept / f"{NEWEST}.so").write_bytes(ELF)
    (kept / f"{PROGRAM}.so").unlink()
    found = rows(asked(capsys, "check", "--offline", "--programs-dir", "kept", status=1))
    findings = {program: row["finding"] for program, row in found.items()}
    assert findings == {OLD: "changed", NEWEST: "not_listed", PROGRAM: "no_file"}


def test_program_closed_on_the_chain_is_gone(capsys: pytest.CaptureFixture[str], net: LocalNet) -> None:
    url = net.endpoints[0].http_url
    asked(capsys, "fetch", "--program", PROGRAM, "--url", url, "--programs-dir", "kept")
    net.bank.write(data_address(PROGRAM), None)
    for _ in range(3):
        net.bank.advance()
    found = rows(asked(capsys, "check", "--url", url, "--programs-dir", "kept", status=1))
    assert found[PROGRAM]["finding"] == "gone"
    answer = asked(capsys, "fetch", "--program", PROGRAM, "--url", url, "--programs-dir", "kept", status=1)
    assert "closed, its data account" in json.dumps(answer["failures"])


def test_list_names_venue_programs_that_are_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(asked(capsys, "list", "--programs-dir", "empty"))
    assert found[WHIRLPOOL]["finding"] == "no_file"
    assert {row["venue"] for row in found.values()} >= {"orca_whirlpool", "raydium_clmm", "pumpswap"}
    assert main(["programs", "list", "--programs-dir", "empty"]) == 0
    shown = capsys.readouterr().out
    assert "not there" in shown
    assert short(WHIRLPOOL) in shown


def test_a_word_that_is_no_program_and_a_broken_manifest_are_told(
    capsys: pytest.CaptureFixture[str], place: Path
) -> None:
    assert main(["programs", "fetch", "--program", "orca", "--url", "http://127.0.0.1:1"]) == 2
    assert "--program orca: neither an address nor a venue (" in capsys.readouterr().err
    (place / "kept").mkdir()
    (place / "kept" / "manifest.json").write_text("{}")
    assert main(["programs", "list", "--programs-dir", "kept"]) == 2
    assert "not a manifest of programs" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("elf", "says"),
    [
        (b"", "no ELF"),
        (b"\x7fELF", "64 bits"),
        (b"\x7fELF\x01\x01" + bytes(100), "64 bits"),
        (b"\x7fELF\x02\x01\x01" + bytes(11) + (62).to_bytes(2, "little") + bytes(100), "machine 62"),
    ],
)
def test_bytes_that_are_no_bytecode_are_refused(elf: bytes, says: str) -> None:
    with pytest.raises(ProgramError, match=says):
        check_elf(PROGRAM, elf)


@pytest.mark.skipif(not os.environ.get("PHANTOM_PROGRAMS_DIR"), reason="needs PHANTOM_PROGRAMS_DIR")
def test_real_bytecode_passes() -> None:
    files = list(Path(os.environ["PHANTOM_PROGRAMS_DIR"]).glob("*.so"))
    assert files
    for file in files:
        check_elf(file.name, file.read_bytes())
