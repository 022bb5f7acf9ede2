"""The wallet's key: read from a file, the environment or the keyring; written to a new file or entry.

A key is 64 bytes: the seed and the address that belongs to it. It is read into one buffer that is
overwritten once the signer has been made; text is taken apart byte by byte, so that no parser keeps a copy.
What Python cannot take back is the environment itself, and what the keyring library hands over. No message
repeats anything of what was read.
"""

from __future__ import annotations

import importlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from phantom_arbiter.errors import InvalidInput, MissingExtraError, WalletError
from phantom_arbiter.key_source import KeySource
from phantom_core import Address, Signer

KEY_BYTES: Final = 64
SEED_BYTES: Final = 32
_MAX_JSON_BYTES: Final = 1 + 4 * KEY_BYTES
MAX_KEY_FILE_BYTES: Final = 1_024
"""Longest key file that is read; solana-keygen's has at most 257 bytes."""

KEYRING_SERVICE: Final = "phantom-arbiter"
"""Under which name entries stand in the keyring."""

_BASE58 = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS = {letter: digit for digit, letter in enumerate(_BASE58)}
_SPACE = b" \t\r\n"


def load_signer(source: KeySource, environment: Mapping[str, str] | None = None) -> Signer:
    """Return the signer of a key.

    Args:
        source: Where the key is kept.
        environment: Instead of that of the process.

    Raises:
        WalletError: It cannot be had, is none, or others than its owner may read it.
        MissingExtraError: The keyring is asked for, and its library is not installed.
    """
    with _key_of(source, environment) as key:
        try:
            return Signer.from_bytes(key)
        except InvalidInput:
            raise WalletError(f"key {source}: its second half is not the address of its first") from None


def store_key(target: KeySource, key: bytearray) -> None:
    """Write a key of 64 bytes to a new file (mode 0600) or a new entry of the keyring.

    Raises:
        WalletError: Something is there already, or it cannot be written.
        MissingExtraError: As in `load_signer`.
    """
    # As long as it can become from the start: a buffer that grows leaves copies behind.
    text = bytearray(_MAX_JSON_BYTES)
    try:
        with memoryview(text) as view, view[: _write_numbers(key, text)] as written:
            if target.kind == "file":
                _write_file(target.path, written)
            elif target.kind == "keyring":
                _write_keyring(target, written)
            else:
                raise WalletError(f"key {target}: the environment cannot be written", hint="name a file")
    finally:
        wipe(text)


def new_key(target: KeySource) -> str:
    """Make a key from the system's randomness, store it, and return its address.

    Raises:
        WalletError: As `store_key`.
        MissingExtraError: As `load_signer`.
    """
    seed = bytearray(os.urandom(SEED_BYTES))
    key = bytearray(KEY_BYTES)
    try:
        address = Signer.from_bytes(seed).address
        with memoryview(key) as view:
            view[:SEED_BYTES] = seed
            view[SEED_BYTES:] = bytes(Address(address))
        store_key(target, key)
    finally:
        wipe(seed)
        wipe(key)
    return address


def copy_key(source: KeySource | bytearray, target: KeySource) -> str:
    """Store a key from one place at another and return its address; text of a key is overwritten.

    Raises:
        WalletError: As `load_signer` and `store_key`.
        MissingExtraError: As `load_signer`.
    """
    if isinstance(source, bytearray):
        with _parsed("what was given", source) as key:
            return _checked_copy(key, target)
    with _key_of(source, None) as key:
        return _checked_copy(key, target)


def _checked_copy(key: bytearray, target: KeySource) -> str:
    try:
        address = Signer.from_bytes(key).address
    except InvalidInput:
        raise WalletError("this is no key: its second half is not the address of its first") from None
    store_key(target, key)
    return address


def wipe(buffer: bytearray) -> None:
    """Overwrite a buffer with zeros."""
    buffer[:] = bytes(len(buffer))


def _write_numbers(key: bytearray, text: bytearray) -> int:
    """Write `[1,2,…]` into a buffer and return its length."""
    at = 0
    for number, byte in enumerate(key):
        text[at] = ord(",") if number else ord("[")
        at += 1
        for power in (100, 10, 1):
            if byte >= power or power == 1:
                text[at] = ord("0") + byte // power % 10
                at += 1
    text[at] = ord("]")
    return at + 1


# ---- reading


@contextmanager
def _key_of(source: KeySource, environment: Mapping[str, str] | None) -> Iterator[bytearray]:
    if source.kind == "file":
        text = _read_file(source.path)
    elif source.kind == "env":
        text = _read_environment(source, environment)
    else:
        text = _read_keyring(source)
    with _parsed(f"key {source}", text) as key:
        yield key


@contextmanager
def _parsed(what: str, text: bytearray) -> Iterator[bytearray]:
    """Give the 64 bytes that a text says; text and bytes are overwritten afterwards."""
    key = bytearray(KEY_BYTES)
    try:
        _parse(what, text, key)
        yield key
    finally:
        wipe(text)
        wipe(key)


def _parse(what: str, text: bytearray, key: bytearray) -> None:
    start, end = 0, len(text)
    while end > start and text[end - 1] in _SPACE:
        end -= 1
    while start < end and text[start] in _SPACE:
        start += 1
    if start == end:
        raise WalletError(f"{what} is empty")
    fits = (
        _from_json(text, start, end, key) if text[start] == ord("[") else _from_base58(text, start, end, key)
    )
    if not fits:
        raise WalletError(
            f"{what} is no key",
            hint="it may be a JSON array of 64 numbers, as solana-keygen writes it, or 64 bytes in base58",
        )


def _from_json(text: bytearray, start: int, end: int, key: bytearray) -> bool:
    """Read `[1,2,…]`; a parser of JSON would leave a copy of the text behind."""
    if text[end - 1] != ord("]"):
        return False
    count, number, has_digits, is_over = 0, 0, False, False
    for at in range(start + 1, end):
        letter = text[at]
        if ord("0") <= letter <= ord("9"):
            if is_over:
                return False
            number, has_digits = number * 10 + letter - ord("0"), True
            if number > 255:
                return False
        elif letter in _SPACE:
            is_over = has_digits
        elif (letter == ord(",") or at == end - 1) and has_digits and count < KEY_BYTES:
            key[count] = number
            count += 1
            number, has_digits, is_over = 0, False, False
        else:
            return False
    return count == KEY_BYTES


def _from_base58(text: bytearray, start: int, end: int, key: bytearray) -> bool:
    if end - start > 90:
        return False
    for at in range(start, end):
        carry = _DIGITS.get(text[at], -1)
        if carry < 0:
            return False
        for place in range(KEY_BYTES - 1, -1, -1):
            carry += 58 * key[place]
            key[place] = carry & 255
            carry >>= 8
        if carry:
            return False
    # As many leading ones as zero bytes, and no letter less than 64 bytes have.
    zeros = next((place for place in range(KEY_BYTES) if key[place]), KEY_BYTES)
    ones = next((at for at in range(end - start) if text[start + at] != ord("1")), end - start)
    return zeros == ones


def _read_file(path: Path) -> bytearray:
    """Return what a key file holds, after looking at the open file itself, not at its name."""
    try:
        _check_link(path)
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except OSError as error:
        hint = "phantom wallet new FILE makes one" if isinstance(error, FileNotFoundError) else None
        raise WalletError(f"key file {path} cannot be read: {error.strerror}", hint=hint) from None
    except RuntimeError:  # what Path.resolve raises for a loop
        raise WalletError(f"key file {path} is a link that leads to itself") from None
    try:
        _check_file(path, os.fstat(descriptor))
    except BaseException:
        os.close(descriptor)
        raise
    buffer = bytearray(MAX_KEY_FILE_BYTES + 1)
    try:
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            length = file.readinto(buffer) or 0
    except OSError as error:
        wipe(buffer)
        raise WalletError(f"key file {path} cannot be read: {error.strerror}") from None
    if length > MAX_KEY_FILE_BYTES:
        wipe(buffer)
        raise WalletError(f"key file {path} is longer than {MAX_KEY_FILE_BYTES} bytes: it is no key")
    text = buffer[:length]
    wipe(buffer)
    return text


def _check_link(path: Path) -> None:
    """Refuse a link that somebody else made, and a folder in which others may replace the file."""
    if not hasattr(os, "geteuid"):
        return
    ours = (os.geteuid(), 0)
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode) and found.st_uid not in ours:
        raise WalletError(
            f"key file {path} is a link that another user made", hint="name the file it leads to"
        )
    for folder in {path.absolute().parent, path.resolve().parent}:
        mode = folder.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise WalletError(f"key file {path}: anybody may replace it", hint=f"chmod o-w {folder}")


def _check_file(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise WalletError(f"key file {path} is no regular file")
    if not hasattr(os, "geteuid"):
        return
    if found.st_uid != os.geteuid():
        raise WalletError(
            f"key file {path} belongs to user {found.st_uid}, we are {os.geteuid()}",
            hint=f"copy it to a file of your own: phantom wallet import {path} NEW",
        )
    if found.st_mode & 0o077:
        raise WalletError(
            f"key file {path} has mode {stat.S_IMODE(found.st_mode):04o}: others than its owner may use it",
            hint=f"chmod 600 {path}",
        )


def _read_environment(source: KeySource, environment: Mapping[str, str] | None) -> bytearray:
    # No frame of ours holds the environment or the text: a traceback with local variables would show them.
    text = bytearray(
        (os.environ if environment is None else environment)
        .get(source.name, "")
        .encode(errors="surrogateescape")
    )
    if not text:
        raise WalletError(f"key {source}: the environment variable {source.name} is not set")
    return _bounded(f"key {source}", text)


def _bounded(what: str, text: bytearray) -> bytearray:
    if len(text) > MAX_KEY_FILE_BYTES:
        wipe(text)
        raise WalletError(f"{what} is longer than {MAX_KEY_FILE_BYTES} bytes: it is no key")
    return text


def _keyring() -> Any:
    try:
        return importlib.import_module("keyring")
    except ImportError:
        raise MissingExtraError(
            "the keyring needs the package keyring", hint="pip install 'phantom-arbiter[keyring]'"
        ) from None


def _read_keyring(source: KeySource) -> bytearray:
    keyring = _keyring()
    try:
        text = bytearray(
            (keyring.get_password(KEYRING_SERVICE, source.name) or "").encode(errors="surrogateescape")
        )
    except Exception as error:  # every backend has its own
        raise WalletError(f"key {source}: the keyring refuses: {type(error).__name__}") from None
    if not text:
        raise WalletError(
            f"key {source}: the keyring has no entry {source.name} of {KEYRING_SERVICE}",
            hint=f"phantom wallet new {source}, or phantom wallet import FILE {source}",
        )
    return _bounded(f"key {source}", text)


# ---- writing


def _write_file(path: Path, text: memoryview) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError:
        raise WalletError(
            f"key file {path} exists, it is not overwritten", hint="choose another name"
        ) from None
    except OSError as error:
        raise WalletError(f"key file {path} cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            written = file.write(text)
            if written != len(text):
                raise OSError(0, "only a part was written")
            os.fsync(descriptor)
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise WalletError(f"key file {path} cannot be written: {error.strerror}") from None


def _write_keyring(target: KeySource, text: memoryview) -> None:
    keyring = _keyring()
    try:
        has_one = bool(keyring.get_password(KEYRING_SERVICE, target.name))
        if not has_one:
            keyring.set_password(KEYRING_SERVICE, target.name, str(text, "ascii"))
    except Exception as error:
        raise WalletError(f"key {target}: the keyring refuses: {type(error).__name__}") from None
    if has_one:
        raise WalletError(f"key {target}: there is such an entry, it is not overwritten")


__all__ = ["KEY_BYTES", "copy_key", "load_signer", "new_key", "store_key", "wipe"]
