"""Who signs: holds a key and never shows it."""

from __future__ import annotations

from typing import NoReturn, Protocol

from solders.keypair import Keypair


class Signer(Protocol):
    """Signs messages; its text form shows the address only."""

    @property
    def address(self) -> str:
        """Its address, base58."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        ...


class _KeypairSigner:
    __slots__ = ("_keypair", "address")

    def __init__(self, keypair: Keypair) -> None:
        self._keypair = keypair
        self.address = str(keypair.pubkey())

    def sign(self, message: bytes) -> bytes:
        return bytes(self._keypair.sign_message(message))

    def __repr__(self) -> str:
        return f"Signer({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer cannot be copied out of its process")


def make_signer(key: bytearray) -> Signer:
    """Return the signer of a seed of 32 bytes, or of seed and address, 64 bytes.

    Raises:
        ValueError: The address is not that of the seed.
    """
    if len(key) == 32:
        return _KeypairSigner(Keypair.from_seed(bytes(key)))
    keypair = Keypair.from_seed(bytes(key[:32]))
    if bytes(keypair.pubkey()) != bytes(key[32:]):
        raise ValueError("the address is not that of the seed")
    return _KeypairSigner(keypair)


__all__ = ["Signer", "make_signer"]
