"""Checks of the folder of programs: what is not there, and what cannot be read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from phantom_arbiter.cli import main
from phantom_arbiter.errors import RpcRefused
from phantom_arbiter.execution.accounts import AccountBytes
from phantom_arbiter.execution.programs import LOADER_V2, Bytecode, Finding, ProgramFolder
from phantom_core import Address

ELF = b"\x7fELF"
ONE, TWO, THREE = (str(Address(bytes([number]) * 32)) for number in (1, 2, 3))
WHIRLPOOL = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"


class Chain:
    async def read_account(self, address: str, length: int | None = None) -> tuple[AccountBytes | None, str]:
        if address == ONE:
            raise RpcRefused("a", "will not say", code=-32000)
        owner = LOADER_V2 if address == THREE else "BPFLoaderUpgradeab1e11111111111111111111111"
        return AccountBytes(owner, 1, b"", True), "a"


def folder_of(path: Path, *programs: str) -> ProgramFolder:
    folder = ProgramFolder(path)
    for program in programs:
        folder.store(Bytecode(program, ELF, LOADER_V2, None, "a"), "now")
    return folder


def test_a_program_that_cannot_be_read_does_not_keep_others_from_being_checked(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, ONE, TWO, THREE)
    found = asyncio.run(folder.check(Chain(), {}))
    assert {each.program: each.finding for each in found} == {
        ONE: Finding.UNREAD,
        TWO: Finding.UNREAD,
        THREE: Finding.SAME,
    }
    assert [each.is_good for each in found].count(True) == 1


def test_a_folder_without_programs_of_venues_is_not_good(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["programs", "check", "--offline", "--programs-dir", str(tmp_path)]
    assert main(words) == 1
    assert "no program of any venue is there" in capsys.readouterr().err
    folder_of(tmp_path, ONE)
    assert main(words) == 1
    assert "no program of any venue is there" in capsys.readouterr().err
    folder_of(tmp_path, WHIRLPOOL)
    assert main(words) == 0
    assert capsys.readouterr().err == ""
