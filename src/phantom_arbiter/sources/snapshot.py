"""Read a snapshot of accounts: gzip'd or plain JSON, a line per account or an answer of an RPC node.

Accepted, by what is in the file:

- JSON Lines `{"pubkey", "owner", "data" (base64), "slot"?}`;
- lines or a list of `{"pubkey", "account": {"owner", "data": [base64, "base64"]} | null}`, as
  `solana account --output json` and `getProgramAccounts` give them, the latter also as the whole answer.

An `account` of null is one that is known not to exist.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phantom_arbiter.errors import ConfigError

_GZIP = b"\x1f\x8b"


class SnapshotError(ConfigError):
    """A snapshot is missing, unreadable or no snapshot; the message says which and where."""


@dataclass(frozen=True, slots=True)
class SnapshotAccount:
    """One account; `owner` and `data` are None if it is known not to exist."""

    pubkey: str
    owner: str | None
    data: bytes | None
    slot: int


def is_snapshot(path: Path) -> bool:
    """Return whether the file begins like a snapshot: gzip, or JSON.

    Raises:
        SnapshotError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise _unreadable(path, error) from error
    return head.startswith(_GZIP) or head.lstrip()[:1] in (b"{", b"[")


def read_snapshot(path: Path) -> list[SnapshotAccount]:
    """Return the accounts of a snapshot in the order of the file.

    Raises:
        SnapshotError: It is missing, unreadable or no snapshot: which line, and what is wrong with it.
    """
    text = _text(path)
    try:
        whole = json.loads(text)
    except json.JSONDecodeError:
        entries: Iterator[tuple[str, Any]] = _lines(path, text)
    else:
        entries = _entries(path, whole)
    accounts = [_account(where, entry) for where, entry in entries]
    if not accounts:
        raise SnapshotError(f"snapshot {path} holds no account")
    return accounts


def write_snapshot(path: Path, accounts: Iterable[SnapshotAccount]) -> int:
    """Write accounts as gzip'd JSON Lines; return the bytes written. The file appears when it is complete.

    The same accounts give the same bytes.

    Raises:
        SnapshotError: The file cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with unfinished.open("xb") as file:
            with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
                for account in accounts:
                    packed.write(_line(account))
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        unfinished.replace(path)
    except OSError as error:
        raise SnapshotError(f"snapshot {path} cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return size


def _line(account: SnapshotAccount) -> bytes:
    entry: dict[str, Any] = {"pubkey": account.pubkey, "slot": account.slot}
    if account.owner is None or account.data is None:
        entry["account"] = None
    else:
        entry |= {"owner": account.owner, "data": base64.b64encode(account.data).decode()}
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if raw.startswith(_GZIP) else raw).decode("utf-8")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SnapshotError(f"snapshot {path}: the gzip data is torn or corrupt") from error
    except UnicodeDecodeError as error:
        raise SnapshotError(f"snapshot {path} is not UTF-8 text") from error
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> SnapshotError:
    if isinstance(error, FileNotFoundError):
        return SnapshotError(f"source {path} does not exist")
    return SnapshotError(f"source {path} cannot be read: {error.strerror}")


def _lines(path: Path, text: str) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        where = f"snapshot {path}, line {number}"
        try:
            yield where, json.loads(line)
        except json.JSONDecodeError as error:
            raise SnapshotError(f"{where} is not JSON ({error.msg})") from error


def _entries(path: Path, whole: Any) -> Iterator[tuple[str, Any]]:
    slot = 0
    if isinstance(whole, dict) and "result" in whole:
        whole = whole["result"]
        if isinstance(whole, dict):
            context = whole.get("context")
            slot = context.get("slot", 0) if isinstance(context, dict) else 0
            whole = whole.get("value")
    if isinstance(whole, dict):
        whole = [whole]
    if not isinstance(whole, list):
        raise SnapshotError(f"snapshot {path} is no list of accounts")
    for number, entry in enumerate(whole, start=1):
        if isinstance(entry, dict):
            entry.setdefault("slot", slot)
        yield f"snapshot {path}, account {number}", entry


def _account(where: str, entry: Any) -> SnapshotAccount:
    if not isinstance(entry, dict):
        raise SnapshotError(f"{where} is no JSON object")
    pubkey, slot = entry.get("pubkey"), entry.get("slot", 0)
    if not isinstance(pubkey, str):
        hint = (
            "an answer to getMultipleAccounts does not say whose accounts it holds; getProgramAccounts does"
        )
        raise SnapshotError(f"{where} has no pubkey", hint=hint)
    if not isinstance(slot, int) or isinstance(slot, bool) or not 0 <= slot < 2**64:
        raise SnapshotError(f"{where}: slot is {slot!r}, it may be 0 or more")
    account = entry.get("account", entry)
    if account is None:
        return SnapshotAccount(pubkey, None, None, slot)
    if not isinstance(account, dict) or not isinstance(account.get("owner"), str):
        raise SnapshotError(f"{where} has no owner")
    return SnapshotAccount(pubkey, account["owner"], _data(where, account.get("data")), slot)


def _data(where: str, data: Any) -> bytes:
    encoding = "base64"
    if isinstance(data, list) and len(data) == 2:
        data, encoding = data
    if not isinstance(data, str) or encoding != "base64":
        raise SnapshotError(f"{where}: data is not base64", hint="ask the node for encoding base64")
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise SnapshotError(f"{where}: data is not base64 ({error})") from error
