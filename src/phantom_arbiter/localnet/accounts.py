"""Accounts of the local net: one state each, and who held what in which slot.

A state never changes; a write replaces it. States of the slots that are not final yet are kept, so that a
read at `confirmed` or `finalized`, or through an endpoint that lags, sees what it would have seen then.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Final

from phantom_core import Address

SYSTEM_PROGRAM: Final = "11111111111111111111111111111111"
TOKEN_PROGRAM: Final = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
TOKEN_2022_PROGRAM: Final = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"
TOKEN_ACCOUNT_LEN: Final = 165
_NATIVE_AT, _AMOUNT_AT, _NATIVE_RENT_AT = 109, 64, 113

LAMPORTS_PER_BYTE: Final = 6_960
"""Lamports a byte for two years of rent, which exempts an account from it (sdk rent)."""
ACCOUNT_OVERHEAD: Final = 128
"""Bytes that rent counts for an account besides its data (sdk rent)."""
RENT_EPOCH: Final = 2**64 - 1
"""Rent epoch of an account that pays none."""
MAX_BASE58_BYTES: Final = 128
"""Longest data that nodes give in base58 (rpc MAX_BASE58_BYTES)."""


def rent_exempt_minimum(length: int) -> int:
    """Return the lamports that exempt an account of `length` bytes from rent."""
    return (ACCOUNT_OVERHEAD + length) * LAMPORTS_PER_BYTE


class TooLongForBase58(Exception):  # noqa: N818
    """Data in base58 was asked for and is longer than nodes give."""


class AccountState:
    """What an account holds after a write. Must not be changed: its encodings are remembered."""

    __slots__ = ("_encoded", "data", "executable", "lamports", "owner")

    def __init__(self, owner: str, lamports: int, data: bytes, executable: bool = False) -> None:
        self.owner = owner
        self.lamports = lamports
        self.data = data
        self.executable = executable
        self._encoded: dict[Encoding, bytes] = {}

    def to_json(self, encoding: Encoding) -> bytes:
        """Return the account as nodes show it, in JSON.

        Raises:
            TooLongForBase58: The encoding is base58 and the data longer than 128 bytes.
        """
        encoded = self._encoded.get(encoding)
        if encoded is None:
            encoded = b'{"lamports":%d,"data":%b,"owner":"%b","executable":%b,"rentEpoch":%d,"space":%d}' % (
                self.lamports,
                encoding.data_json(self.data),
                self.owner.encode(),
                b"true" if self.executable else b"false",
                RENT_EPOCH,
                len(self.data),
            )
            self._encoded[encoding] = encoded
        return encoded

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, AccountState):
            return NotImplemented
        return (self.owner, self.lamports, self.executable, self.data) == (
            other.owner,
            other.lamports,
            other.executable,
            other.data,
        )

    def __hash__(self) -> int:
        return hash((self.owner, self.lamports, self.data))


class Encoding:
    """How account data is shown: an encoding and, if wanted, a slice. Equal ones are the same key."""

    __slots__ = ("_key", "length", "name", "offset")

    def __init__(self, name: str, offset: int = 0, length: int | None = None) -> None:
        self.name = name
        self.offset = offset
        self.length = length
        self._key = (name, offset, length)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Encoding) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def data_json(self, data: bytes) -> bytes:
        """Return the JSON of the data: a pair of text and encoding; for `binary` the bare text."""
        if self.length is not None:
            data = data[self.offset : self.offset + self.length]
        if self.name == "base64+zstd":
            return b'["%b","base64+zstd"]' % base64.b64encode(_zstd(data))
        if self.name in ("base58", "binary"):
            if len(data) > MAX_BASE58_BYTES:
                raise TooLongForBase58
            text = base58(data).encode()
            return b'"%b"' % text if self.name == "binary" else b'["%b","base58"]' % text
        # jsonParsed falls back to base64, as nodes do for programs without a parser.
        return b'["%b","base64"]' % base64.b64encode(data)


def native_lamports(owner: str, data: bytes) -> int:
    """Return the lamports of an account of which only data is known: rent, and wrapped SOL it may hold."""
    if owner == TOKEN_PROGRAM and len(data) == TOKEN_ACCOUNT_LEN and data[_NATIVE_AT] == 1:
        amount = int.from_bytes(data[_AMOUNT_AT : _AMOUNT_AT + 8], "little")
        return amount + int.from_bytes(data[_NATIVE_RENT_AT : _NATIVE_RENT_AT + 8], "little")
    return rent_exempt_minimum(len(data))


_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58(data: bytes) -> str:
    """Return `data` in base58."""
    if len(data) == 32:
        return str(Address(data))
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def from_base58(text: str) -> bytes:
    """Return the bytes that `text` says.

    Raises:
        ValueError: A letter is none of base58.
    """
    number = 0
    for letter in text:
        number = number * 58 + _BASE58.index(letter)
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _zstd(data: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor(level=1).compress(data)


class AccountStore:
    """Accounts by address, with their states of the last slots."""

    KEPT_SLOTS: Final = 192
    """States older than this many slots before the newest are dropped, but for the last of them: enough for
    `finalized` (32) at an endpoint that lags as much as one may (150)."""

    def __init__(self) -> None:
        self._states: dict[str, list[tuple[int, AccountState | None]]] = {}
        self._by_owner: dict[str, dict[str, None]] = {}

    def put(self, pubkey: str, slot: int, state: AccountState | None) -> None:
        """Take a write; None closes the account. Slots never go back."""
        states = self._states.get(pubkey)
        if states is None:
            self._states[pubkey] = [(slot, state)]
            if state is not None:
                self._by_owner.setdefault(state.owner, {})[pubkey] = None
            return
        last_slot, last = states[-1]
        if last_slot == slot:
            states[-1] = (slot, state)
        else:
            states.append((slot, state))
            if len(states) > self.KEPT_SLOTS:
                oldest = slot - self.KEPT_SLOTS
                first = next(
                    at for at in range(len(states) - 1, -1, -1) if states[at][0] <= oldest or at == 0
                )
                del states[:first]
        owner = None if state is None else state.owner
        if owner is not None and (last is None or last.owner != owner):
            self._by_owner.setdefault(owner, {})[pubkey] = None

    def latest(self, pubkey: str) -> tuple[int, AccountState | None] | None:
        """Return the last write, with its slot; None if there never was one."""
        states = self._states.get(pubkey)
        return None if states is None else states[-1]

    def at(self, pubkey: str, slot: int) -> AccountState | None:
        """Return what the account held at the end of `slot`, at most `KEPT_SLOTS` ago."""
        states = self._states.get(pubkey)
        if states is None:
            return None
        for written, state in reversed(states):
            if written <= slot:
                return state
        return None

    def owned_by(self, program: str, slot: int) -> list[tuple[str, AccountState]]:
        """Return the accounts of a program at the end of `slot`, in the order of their creation."""
        found = []
        for pubkey in self._by_owner.get(program, ()):
            state = self.at(pubkey, slot)
            if state is not None and state.owner == program:
                found.append((pubkey, state))
        return found

    def __len__(self) -> int:
        return len(self._states)

    def __iter__(self) -> Iterator[str]:
        return iter(self._states)
