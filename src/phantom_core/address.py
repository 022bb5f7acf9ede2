"""Solana addresses as Python users have them: base58 text, 32 bytes, or `solders.pubkey.Pubkey`."""

from __future__ import annotations

from typing import TYPE_CHECKING, SupportsBytes, TypeAlias

from phantom_core import _native

if TYPE_CHECKING:
    from solders.pubkey import Pubkey

AddressLike: TypeAlias = str | SupportsBytes | bytes | bytearray | memoryview
"""What every argument that is an address takes: base58 text, 32 bytes, or an object whose `__bytes__` gives
them, as `solders.pubkey.Pubkey` does."""


class Address(str):
    """A Solana address: a `str` in base58 that knows its bytes.

    >>> address = Address("So11111111111111111111111111111111111111112")
    >>> bytes(address)[:4].hex()
    '069b8857'
    >>> Address(bytes(address)) == address == "So11111111111111111111111111111111111111112"
    True
    """

    __slots__ = ()

    def __new__(cls, value: AddressLike) -> Address:
        """Check and return an address.

        Raises:
            InvalidInput: `value` is no address of 32 bytes.
        """
        return str.__new__(cls, _native.address_text(value))

    def __bytes__(self) -> bytes:
        """Return its 32 bytes."""
        return _native.address_bytes(self)

    def __repr__(self) -> str:
        return f"Address({str.__repr__(self)})"

    def __str__(self) -> str:
        return str.__str__(self)

    def __reduce__(self) -> tuple[type[Address], tuple[str]]:
        return (type(self), (str.__str__(self),))

    def to_solders(self) -> Pubkey:
        """Return it as `solders.pubkey.Pubkey`.

        Raises:
            ImportError: solders is not installed.
        """
        try:
            from solders.pubkey import Pubkey
        except ImportError as error:
            message = "Address.to_solders needs the package solders; hint: pip install solders"
            raise ImportError(message) from error
        return Pubkey.from_bytes(bytes(self))
