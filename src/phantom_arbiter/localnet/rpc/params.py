"""Reading the parameters of a request; everything wrong is -32602."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from phantom_arbiter.localnet.accounts import (
    MAX_BASE58_BYTES,
    AccountState,
    Encoding,
    encoding_of,
    from_base58,
)
from phantom_arbiter.localnet.bank import COMMITMENTS, Commitment
from phantom_arbiter.localnet.rpc.errors import RpcError, invalid
from phantom_core import Address, InvalidInput

ENCODINGS = ("base58", "base64", "base64+zstd", "jsonParsed", "binary")
MAX_FILTERS = 4
MAX_MEMCMP_BYTES = 128
_U64 = 2**64


class Config:
    """The configuration object of a request, empty if it was not given."""

    def __init__(self, value: Any) -> None:
        if value is not None and not isinstance(value, dict):
            raise invalid(f"expected a configuration object, found {type(value).__name__}")
        self._fields: dict[str, Any] = value or {}

    def get(self, name: str, kind: type, default: Any = None) -> Any:
        """Return a field of this type, or `default` if it is missing or null."""
        value = self._fields.get(name)
        if value is None:
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise invalid(f"{name} is {value!r}, expected {kind.__name__}")
        if isinstance(value, int) and not 0 <= value < _U64:
            raise invalid(f"{name} is {value}, expected a number from 0 to 2^64 - 1")
        return value

    def commitment(self, default: Commitment = Commitment.FINALIZED) -> Commitment:
        """Return the commitment asked for."""
        return _commitment(self.get("commitment", str), default)

    def encoding(self, default: str = "binary") -> Encoding:
        """Return how account data is to be shown; without a word of it, as bare base58 (`binary`)."""
        name = self.get("encoding", str, default)
        if name not in ENCODINGS:
            raise invalid(f"encoding is {name!r}, expected one of {', '.join(ENCODINGS)}")
        part = self.get("dataSlice", dict)
        if part is None:
            return encoding_of(name)
        inner = Config(part)
        offset, length = inner.get("offset", int), inner.get("length", int)
        if offset is None or length is None:
            raise invalid("dataSlice needs offset and length")
        return encoding_of(name, offset, length)

    def filters(self) -> list[Filter]:
        """Return the filters for accounts of a program."""
        given = self.get("filters", list, [])
        if len(given) > MAX_FILTERS:
            raise invalid(f"Too many filters provided; max {MAX_FILTERS}")
        return [_filter(each) for each in given]


def _commitment(name: str | None, default: Commitment) -> Commitment:
    if name is None:
        return default
    found = COMMITMENTS.get(name)
    if found is None:
        raise invalid(f"commitment is {name!r}, expected one of {', '.join(COMMITMENTS)}")
    return found


class Filter:
    """One condition on accounts: their length, or bytes at an offset, or being a token account."""

    __slots__ = ("_bytes", "_offset", "_size")

    def __init__(self, size: int | None = None, offset: int = 0, expected: bytes = b"") -> None:
        self._size = size
        self._offset = offset
        self._bytes = expected

    def fits(self, state: AccountState) -> bool:
        """Return whether an account fulfils the condition."""
        if self._size is not None:
            return len(state.data) == self._size
        return state.data.startswith(self._bytes, self._offset)


def _filter(given: Any) -> Filter:
    fields = Config(given)
    size = fields.get("dataSize", int)
    if size is not None:
        return Filter(size=size)
    memcmp = fields.get("memcmp", dict)
    if memcmp is None:
        raise invalid("a filter is dataSize or memcmp")
    inner = Config(memcmp)
    offset, text = inner.get("offset", int, 0), inner.get("bytes", str)
    if text is None:
        raise invalid("memcmp needs bytes")
    try:
        expected = (
            base64.b64decode(text, validate=True)
            if inner.get("encoding", str, "base58") == "base64"
            else from_base58(text)
        )
    except (ValueError, binascii.Error):
        raise invalid(f"memcmp bytes {text[:64]!r} cannot be decoded") from None
    if len(expected) > MAX_MEMCMP_BYTES:
        raise invalid(f"memcmp has {len(expected)} bytes, at most {MAX_MEMCMP_BYTES} are allowed")
    return Filter(offset=offset, expected=expected)


class Params:
    """Positional parameters."""

    def __init__(self, values: Any) -> None:
        if values is None:
            values = []
        if not isinstance(values, list):
            raise invalid("expected an array")
        self._values: list[Any] = values

    def __len__(self) -> int:
        return len(self._values)

    def value(self, index: int, kind: type, name: str) -> Any:
        """Return a parameter that must be there."""
        if index >= len(self._values) or not isinstance(self._values[index], kind):
            raise invalid(f"missing or wrong parameter {index}: {name}")
        return self._values[index]

    def pubkey(self, index: int) -> str:
        """Return an address."""
        return pubkey(self.value(index, str, "an address"))

    def config(self, index: int) -> Config:
        """Return the configuration object."""
        return Config(self._values[index] if index < len(self._values) else None)


def pubkey(text: Any) -> str:
    """Return an address that has been checked.

    Raises:
        RpcError: It is none.
    """
    if not isinstance(text, str):
        raise invalid(f"expected an address, found {type(text).__name__}")
    try:
        return str.__str__(Address(text))
    except InvalidInput:
        raise RpcError(
            -32602, "Invalid param: WrongSize" if len(text) < 60 else "Invalid param: Invalid"
        ) from None


def too_long_for_base58() -> RpcError:
    """Return the error for data that base58 is too slow for."""
    return RpcError(
        -32600,
        f"Encoded binary (base 58) data should be less than {MAX_BASE58_BYTES} bytes, "
        "please use Base64 encoding.",
    )
