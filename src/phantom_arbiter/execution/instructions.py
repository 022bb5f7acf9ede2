"""Instructions that an operator's commands need and swaps do not.

# Source
Layouts of data and accounts: spl-token `instruction.rs`, system program `instruction.rs`.
"""

from __future__ import annotations

import hashlib
from typing import Final

from phantom_arbiter.execution.chain import SYSTEM_PROGRAM
from phantom_core import Address, Instruction, create_nonce_account

NONCE_LENGTH: Final = 80
"""Bytes of a nonce account (sdk nonce `State::size`)."""

_CREATE_ACCOUNT_WITH_SEED: Final = 3
_BURN: Final = 8


def burn_tokens(account: str, mint: str, owner: str, token_program: str, amount: int) -> Instruction:
    """Return what burns tokens of an account; base units."""
    accounts = [(account, False, True), (mint, False, True), (owner, True, False)]
    return Instruction(token_program, accounts, bytes([_BURN]) + amount.to_bytes(8, "little"))


def nonce_address(authority: str, seed: str) -> str:
    """Return the address of the nonce account that an authority makes with a seed."""
    parts = bytes(Address(authority)) + seed.encode() + bytes(Address(SYSTEM_PROGRAM))
    return str(Address(hashlib.sha256(parts).digest()))


def create_nonce(authority: str, seed: str, lamports: int) -> list[Instruction]:
    """Return what creates the nonce account of a seed: no other key needs to sign."""
    nonce = nonce_address(authority, seed)
    data = (
        _CREATE_ACCOUNT_WITH_SEED.to_bytes(4, "little")
        + bytes(Address(authority))
        + len(seed).to_bytes(8, "little")
        + seed.encode()
        + lamports.to_bytes(8, "little")
        + NONCE_LENGTH.to_bytes(8, "little")
        + bytes(Address(SYSTEM_PROGRAM))
    )
    create = Instruction(SYSTEM_PROGRAM, [(authority, True, True), (nonce, False, True)], data)
    return [create, create_nonce_account(authority, nonce, authority, lamports)[1]]


__all__ = ["NONCE_LENGTH", "burn_tokens", "create_nonce", "nonce_address"]
