"""Files of rehearsals that did not do what was quoted: everything needed to run them again.

One file each, JSON Lines compressed with zstd: a line `disagreement` with the transaction, what was expected
and what came, then a line `account` for every state, `before` or `after`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import zstandard

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.execution.accounts import AccountBytes, AccountCache
from phantom_arbiter.execution.rehearsal import Rehearsal
from phantom_arbiter.execution.rehearsed import Expected, ExpectedHop, Rehearsed
from phantom_arbiter.execution.svm import Svm

SUFFIX: Final = ".jsonl.zst"
MAX_FILES: Final = 1_000
"""Files kept in one folder; a quote that is wrong is wrong many times."""
MAX_BYTES: Final = 256 << 20
"""Longest file that is read, uncompressed: a transaction names at most 64 accounts of at most 10 MiB."""


class DisagreementFileError(ConfigError):
    """A file is missing, unreadable or none of ours; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What one file holds.

    Attributes:
        wire: The serialised transaction.
        expected: What it was quoted to do.
        slot: Slot of the clock it was rehearsed at.
        result: What came: kind, error, profit, units, and per hop what was expected and what came.
        programs: sha256 of the bytecode it ran with, hexadecimal, by program id.
        before: States of the accounts before it; None: it does not exist.
        after: States of those that it left otherwise.
    """

    wire: bytes
    expected: Expected
    slot: int
    result: Mapping[str, Any]
    programs: Mapping[str, str]
    before: Mapping[str, AccountBytes | None]
    after: Mapping[str, AccountBytes | None]

    def replay(self, programs: Mapping[str, Path] | Svm) -> Rehearsed:
        """Rehearse it again on the states that it had."""
        cache = AccountCache()
        for address, account in self.before.items():
            cache.put(address, account)
        return Rehearsal([cache], programs).rehearse(self.wire, self.expected)


class DisagreementFiles:
    """Writes disagreements into a folder, one file each; a disk that refuses is told of and ends nothing."""

    def __init__(
        self,
        folder: Path,
        programs: Mapping[str, Path],
        *,
        max_files: int = MAX_FILES,
        notice: Callable[[str], None] | None = None,
    ) -> None:
        """Name the folder; it is made when the first file is written.

        Args:
            folder: Where files go.
            programs: Bytecode files by program id; their sha256 goes into every file.
            max_files: When so many are there, nothing more is written.
            notice: Hears one line per disagreement.
        """
        self._folder, self._max_files, self._notice = folder, max_files, notice
        self._programs = {
            program: hashlib.sha256(path.read_bytes()).hexdigest() for program, path in programs.items()
        }
        self.seen = 0
        """Disagreements since the start, written or not."""

    def disagreed(self, wire: bytes, expected: Expected, rehearsed: Rehearsed) -> None:
        """Write one."""
        self.seen += 1
        path = self._folder / f"{rehearsed.slot}-{rehearsed.signature[:16]}{SUFFIX}"
        told = f"rehearsal of {rehearsed.signature} disagrees with its quote"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if sum(1 for _ in self._folder.glob(f"*{SUFFIX}")) >= self._max_files:
                told += f"; not written, {self._folder} holds {self._max_files} files"
            else:
                write(path, wire, expected, rehearsed, self._programs)
                told += f": {path}"
        except OSError as error:
            told += f"; not written: {error.strerror or error}"
        if self._notice is not None:
            self._notice(told)


def write(
    path: Path, wire: bytes, expected: Expected, rehearsed: Rehearsed, programs: Mapping[str, str]
) -> None:
    """Write a file; it is there whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    result = {
        "kind": rehearsed.kind.value,
        "error": rehearsed.error,
        "units": rehearsed.units,
        "profit": rehearsed.profit,
        "hops": [asdict(hop) for hop in rehearsed.hops],
        "logs": list(rehearsed.logs),
    }
    head = {
        "t": "disagreement",
        "wire": base64.b64encode(wire).decode(),
        "slot": rehearsed.slot,
        "expected": asdict(expected),
        "result": result,
        "programs": dict(programs),
    }
    lines = [head]
    for when, states in (("before", rehearsed.accounts), ("after", rehearsed.after)):
        lines += [_line(when, address, account) for address, account in states.items()]
    text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(zstandard.ZstdCompressor(level=3).compress(text.encode()))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def read(path: Path) -> Disagreement:
    """Return what a file holds.

    Raises:
        DisagreementFileError: It is missing, unreadable, torn or none of ours.
    """
    try:
        head, *rest = _lines(path)
        if head["t"] != "disagreement":
            raise DisagreementFileError(f"{path}: not a file of a disagreement")
        states: dict[str, dict[str, AccountBytes | None]] = {"before": {}, "after": {}}
        for line in rest:
            states[line["when"]][line["address"]] = _account(line)
        expected = head["expected"]
        hops = tuple(ExpectedHop(**hop) for hop in expected["hops"])
        return Disagreement(
            base64.b64decode(head["wire"]),
            Expected(hops, expected["base_account"]),
            head["slot"],
            head["result"],
            head["programs"],
            states["before"],
            states["after"],
        )
    except OSError as error:
        raise DisagreementFileError(f"{path}: {error.strerror or error}") from None
    except zstandard.ZstdError as error:
        raise DisagreementFileError(f"{path}: torn or not compressed with zstd ({error})") from None
    except (ValueError, KeyError, TypeError) as error:
        raise DisagreementFileError(f"{path}: not a file of a disagreement ({error})") from None


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
        data = reader.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise DisagreementFileError(f"{path}: longer than {MAX_BYTES:,} bytes")
    for text in data.decode().splitlines():
        yield json.loads(text)


def _line(when: str, address: str, account: AccountBytes | None) -> dict[str, Any]:
    line: dict[str, Any] = {"t": "account", "when": when, "address": address}
    if account is None:
        return line
    data = base64.b64encode(account.data).decode()
    return line | {
        "owner": account.owner,
        "lamports": account.lamports,
        "data": data,
        "executable": account.executable,
        "slot": account.slot,
    }


def _account(line: Mapping[str, Any]) -> AccountBytes | None:
    if "owner" not in line:
        return None
    data = base64.b64decode(line["data"])
    return AccountBytes(line["owner"], line["lamports"], data, line["executable"], line["slot"])


__all__ = ["Disagreement", "DisagreementFileError", "DisagreementFiles", "read", "write"]
