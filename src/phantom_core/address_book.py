"""Program-derived addresses that are derived once and looked up ever after."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from phantom_core import _native
from phantom_core.address import Address, AddressLike

Seeds: TypeAlias = tuple[bytes, ...]
"""The seeds of an address, each at most 32 bytes, and the 32 bytes of its program at the end."""

_ASSOCIATED_TOKEN_PROGRAM = bytes(Address("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"))


class AddressBook(dict[Seeds, str]):
    """A `dict` from seeds and program to the address: what is not in it yet is derived when it is asked for.

    It grows by every address asked for, so it is for sets that are bounded: the token accounts of a wallet,
    the arrays and vaults of the pools that are followed.

    >>> book = AddressBook()
    >>> program = bytes(Address("675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"))
    >>> book[b"amm authority", program]
    '5Q544fKrFoe6tsEbD7S8EmxGTJYAKtTVhAW5Q5pge4j1'
    >>> len(book)
    1
    """

    __slots__ = ()

    def __missing__(self, key: Seeds) -> str:
        """Derive and keep the address.

        Raises:
            InvalidInput: More than 15 seeds, one longer than 32 bytes, no program, or no tuple of bytes.
        """
        _check(key)
        address, _ = _native.find_program_address(list(key[:-1]), key[-1] if key else b"")
        self[key] = address
        return address

    def prefetch(self, keys: Iterable[Seeds]) -> None:
        """Derive those that are not known yet, in one call a program.

        Raises:
            InvalidInput: As when it is asked for one.
        """
        by_program: dict[bytes, list[Seeds]] = {}
        for key in keys:
            if key not in self:
                _check(key)
                by_program.setdefault(key[-1] if key else b"", []).append(key)
        for program, missing in by_program.items():
            found = _native.find_program_addresses([list(key[:-1]) for key in missing], program)
            self.update((key, address) for key, (address, _) in zip(missing, found, strict=True))

    def token_account(self, owner: AddressLike, mint: AddressLike, token_program: AddressLike) -> str:
        """Return the associated token account of `owner` for `mint`."""
        return self[token_account_seeds(owner, mint, token_program)]

    def prefetch_token_accounts(
        self, owner: AddressLike, mints: Iterable[tuple[AddressLike, AddressLike]]
    ) -> None:
        """Derive the associated token accounts of `owner` for mints, each with its token program."""
        self.prefetch(token_account_seeds(owner, mint, program) for mint, program in mints)


def _check(key: object) -> None:
    if not isinstance(key, tuple) or not all(isinstance(part, bytes) for part in key):
        raise _native.InvalidInput("seeds and program: a tuple of bytes expected")


def token_account_seeds(owner: AddressLike, mint: AddressLike, token_program: AddressLike) -> Seeds:
    """Return what an associated token account is derived from: the key of an `AddressBook`."""
    return _bytes(owner), _bytes(token_program), _bytes(mint), _ASSOCIATED_TOKEN_PROGRAM


def _bytes(address: AddressLike) -> bytes:
    return _native.address_bytes(address) if isinstance(address, str) else bytes(Address(address))
