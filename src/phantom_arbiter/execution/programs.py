"""The folder of programs' bytecode: where it comes from, and whether it is still what the chain runs.

A program's account says how it is loaded. With the upgradeable loader the bytecode lies in an account of its
own behind 45 bytes that name the slot of the deployment; with loader v4 in the program's account behind 48;
with the older ones the account is the bytecode.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

from phantom_arbiter.errors import BadAnswer, ConfigError, RpcRefused
from phantom_arbiter.execution.accounts import AccountBytes, account_of
from phantom_arbiter.sources.endpoints import Commitment
from phantom_arbiter.sources.rpc import RpcPool
from phantom_core import Address, InvalidInput

LOADER_V1: Final = "BPFLoader1111111111111111111111111111111111"
LOADER_V2: Final = "BPFLoader2111111111111111111111111111111111"
UPGRADEABLE_LOADER: Final = "BPFLoaderUpgradeab1e11111111111111111111111"
LOADER_V4: Final = "LoaderV411111111111111111111111111111111111"
MANIFEST: Final = "manifest.json"
SUFFIX: Final = ".so"
_PROGRAM_TAG, _PROGRAM_DATA_TAG = 2, 3  # UpgradeableLoaderState
_PROGRAM_DATA_HEADER: Final = 45  # tag u32, slot u64, option and authority
_LOADER_V4_HEADER: Final = 48  # slot u64, authority, status u64
_ELF_HEADER: Final = 64
_MACHINES: Final = {247: "eBPF", 263: "SBPF"}  # e_machine


class ProgramError(ConfigError):
    """A program cannot be had, or what there is is none; the message says which and why."""


class ReadsAccount(Protocol):
    """Whoever can read one account from the chain, or the beginning of it."""

    async def read_account(self, address: str, length: int | None = None) -> tuple[AccountBytes | None, str]:
        """Return the account, its data cut to `length`, and the name of the endpoint that gave it."""
        ...


class RpcAccount:
    """Reads single accounts at the best endpoint of a pool."""

    def __init__(self, pool: RpcPool, *, commitment: Commitment = "confirmed") -> None:
        self._pool, self._commitment = pool, commitment

    async def read_account(self, address: str, length: int | None = None) -> tuple[AccountBytes | None, str]:
        """Return the account, its data cut to `length`, and the name of the endpoint that gave it.

        Raises:
            EndpointError: No endpoint gave a good answer.
        """
        config: dict[str, Any] = {"encoding": "base64", "commitment": self._commitment}
        if length is not None:
            config["dataSlice"] = {"offset": 0, "length": length}
        answer = await self._pool.call("getAccountInfo", [address, config], check=_check_account)
        value = answer.result["value"]
        slot = answer.result["context"]["slot"]
        return (None if value is None else account_of(value, slot)), answer.endpoint


@dataclass(frozen=True, slots=True)
class Bytecode:
    """A program as it was read.

    Attributes:
        program: Its id.
        elf: The bytecode, without what the account has behind it.
        loader: The loader that owns the program.
        deployed_slot: Slot of its deployment; None with the older loaders, which do not tell.
        endpoint: Who gave it.
    """

    program: str
    elf: bytes
    loader: str
    deployed_slot: int | None
    endpoint: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What the manifest says of one file.

    Attributes:
        program: The program's id.
        sha256: Of the file, hexadecimal.
        size: Bytes.
        loader: The loader that owned the program.
        deployed_slot: Slot of the deployment; None if the loader does not tell.
        fetched_at: When it was read, ISO 8601 in UTC.
        endpoint: Who gave it.
    """

    program: str
    sha256: str
    size: int
    loader: str
    deployed_slot: int | None
    fetched_at: str
    endpoint: str


class Finding(StrEnum):
    """What a check finds."""

    SAME = "same"
    """File, manifest and chain agree."""
    ON_DISK = "on_disk"
    """File and manifest agree; the chain was not asked."""
    NO_FILE = "no_file"
    """The file is not there."""
    NOT_LISTED = "not_listed"
    """The manifest does not know the file: nobody can say what it is."""
    CHANGED = "changed"
    """The file is not what was fetched."""
    MOVED = "moved"
    """The chain runs a later deployment: fetch it, and look before you trade."""
    GONE = "gone"
    """The program is no longer on the chain."""
    UNREAD = "unread"
    """Its file, or what the chain has of it, cannot be read."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One program of the folder after a check.

    Attributes:
        program: Its id.
        finding: What was found.
        entry: What the manifest says, if it knows it.
        chain_slot: Slot of the deployment that the chain runs; None if it was not asked or does not tell.
        verified_slot: Slot of the deployment that the settings call verified, if they name one.
    """

    program: str
    finding: Finding
    entry: Entry | None = None
    chain_slot: int | None = None
    verified_slot: int | None = None

    @property
    def is_verified(self) -> bool | None:
        """Whether the deployment in the folder is the verified one; None if the settings name none."""
        if self.verified_slot is None:
            return None
        return self.entry is not None and self.entry.deployed_slot == self.verified_slot

    @property
    def is_good(self) -> bool:
        """Whether the file may be rehearsed with."""
        return self.finding in (Finding.SAME, Finding.ON_DISK) and self.is_verified is not False


class ProgramFolder:
    """Bytecode files `<program id>.so` with a manifest that says where each came from."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self) -> dict[str, Path]:
        """Return the files by program id; a file whose name is no address is passed over."""
        if not self.path.is_dir():
            return {}
        found = sorted(self.path.glob(f"*{SUFFIX}"))
        return {each.stem: each for each in found if _is_address(each.stem) and each.is_file()}

    def entries(self) -> dict[str, Entry]:
        """Return what the manifest says, by program id.

        Raises:
            ProgramError: The manifest cannot be read.
        """
        path = self.path / MANIFEST
        try:
            told = json.loads(path.read_text())["programs"]
            return {each["program"]: Entry(**each) for each in told}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ProgramError(f"{path}: {error.strerror or error}") from None
        except (ValueError, KeyError, TypeError) as error:
            raise ProgramError(
                f"{path}: not a manifest of programs ({error})",
                hint="`phantom programs fetch` writes it anew",
            ) from None

    def store(self, bytecode: Bytecode, fetched_at: str) -> Entry:
        """Write a program and its line in the manifest, each of them whole or not at all.

        Raises:
            ProgramError: The folder cannot be written.
        """
        entry = Entry(
            bytecode.program,
            hashlib.sha256(bytecode.elf).hexdigest(),
            len(bytecode.elf),
            bytecode.loader,
            bytecode.deployed_slot,
            fetched_at,
            bytecode.endpoint,
        )
        try:
            entries = self.entries()
        except ProgramError:
            entries = {}
        entries[bytecode.program] = entry
        told = {"programs": [asdict(entries[program]) for program in sorted(entries)]}
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            _replace(self.path / f"{bytecode.program}{SUFFIX}", bytecode.elf)
            _replace(self.path / MANIFEST, json.dumps(told, indent=2).encode() + b"\n")
        except OSError as error:
            raise ProgramError(f"{self.path}: {error.strerror or error}") from None
        return entry

    async def check(
        self,
        chain: ReadsAccount | None,
        verified: dict[str, int],
        programs: Sequence[str] = (),
    ) -> list[Checked]:
        """Compare files, manifest and chain.

        Args:
            chain: Who tells of present deployments; None: nobody is asked.
            verified: Slots of verified deployments, by program (`market.verified_deployments`).
            programs: Programs that ought to be there, besides those that are.

        Raises:
            ProgramError: The manifest cannot be read.
            EndpointError: The chain cannot be asked.
        """
        files, entries = self.files(), self.entries()
        found = []
        for program in dict.fromkeys([*programs, *files, *entries]):
            entry, slot = entries.get(program), None
            if program not in files:
                finding = Finding.NO_FILE
            elif entry is None:
                finding = Finding.NOT_LISTED
            elif (held := _sha256(files[program])) is None:
                finding = Finding.UNREAD
            elif held != entry.sha256:
                finding = Finding.CHANGED
            elif chain is None:
                finding = Finding.ON_DISK
            else:
                try:
                    there, slot = await deployment(chain, program)
                except (ProgramError, RpcRefused, BadAnswer):
                    finding = Finding.UNREAD
                else:
                    finding = Finding.SAME if slot == entry.deployed_slot else Finding.MOVED
                    finding = finding if there else Finding.GONE
            found.append(Checked(program, finding, entry, slot, verified.get(program)))
        return found


async def fetch(chain: ReadsAccount, program: str) -> Bytecode:
    """Read a program from the chain.

    Raises:
        ProgramError: It does not exist, is no program, or its bytecode is no ELF file for Solana.
        EndpointError: The chain cannot be asked.
    """
    account, endpoint = await chain.read_account(program)
    if account is None:
        raise ProgramError(f"program {program}: there is no such account")
    slot: int | None = None
    elf = account.data
    if account.owner == UPGRADEABLE_LOADER:
        at = _program_data_address(program, account)
        held, endpoint = await chain.read_account(at)
        if held is None or held.owner != UPGRADEABLE_LOADER:
            raise ProgramError(f"program {program}: closed, its data account {at} is gone")
        slot = _deployment_slot(program, held.data)
        elf = held.data[_PROGRAM_DATA_HEADER:]
    elif account.owner == LOADER_V4:
        slot = int.from_bytes(account.data[:8], "little")
        elf = account.data[_LOADER_V4_HEADER:]
    elif account.owner not in (LOADER_V1, LOADER_V2):
        raise ProgramError(f"{program} is no program: its owner is {account.owner}")
    check_elf(program, elf)
    return Bytecode(program, elf, account.owner, slot, endpoint)


async def deployment(chain: ReadsAccount, program: str) -> tuple[bool, int | None]:
    """Return whether the program is on the chain, and in which slot it was deployed if its loader tells.

    Raises:
        ProgramError: It is no program.
        EndpointError: The chain cannot be asked.
    """
    account, _ = await chain.read_account(program, _LOADER_V4_HEADER)
    if account is None:
        return False, None
    if account.owner == LOADER_V4:
        return True, int.from_bytes(account.data[:8], "little")
    if account.owner != UPGRADEABLE_LOADER:
        return True, None
    held, _ = await chain.read_account(_program_data_address(program, account), _PROGRAM_DATA_HEADER)
    return (False, None) if held is None else (True, _deployment_slot(program, held.data))


def check_elf(program: str, elf: bytes) -> None:
    """Check that bytes are an ELF file for Solana's machine.

    Raises:
        ProgramError: They are not.
    """
    reason = None
    if elf[:4] != b"\x7fELF":
        reason = "its bytecode is no ELF file"
    elif len(elf) < _ELF_HEADER or elf[4:6] != b"\x02\x01":
        reason = "its ELF file is not of 64 bits, little-endian"
    elif (machine := int.from_bytes(elf[18:20], "little")) not in _MACHINES:
        reason = f"its ELF file is for machine {machine}, not {' or '.join(_MACHINES.values())}"
    if reason is not None:
        raise ProgramError(f"program {program}: {reason}")


def _program_data_address(program: str, account: AccountBytes) -> str:
    data = account.data
    if len(data) < 36 or int.from_bytes(data[:4], "little") != _PROGRAM_TAG:
        raise ProgramError(f"{program} is no program: an account of the loader, but not a program's")
    return str(Address(data[4:36]))


def _deployment_slot(program: str, data: bytes) -> int:
    if len(data) < _PROGRAM_DATA_HEADER or int.from_bytes(data[:4], "little") != _PROGRAM_DATA_TAG:
        raise ProgramError(f"program {program}: its data account is none")
    return int.from_bytes(data[4:12], "little")


def _check_account(result: Any) -> None:
    if not isinstance(result, dict) or "value" not in result or "slot" not in result.get("context", {}):
        raise ValueError("no account")
    if result["value"] is not None:
        account_of(result["value"], result["context"]["slot"])


def _sha256(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _is_address(text: str) -> bool:
    try:
        Address(text)
    except (InvalidInput, ValueError):
        return False
    return True


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def venue_programs(venues: Iterable[Any]) -> dict[str, str]:
    """Return the venue of every venue program, from `Engine.venues()` or `Market.venues()`."""
    return {program: each.venue for each in venues for program in each.programs}
