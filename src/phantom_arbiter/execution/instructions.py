"""Instructions that an operator's commands are made of, and transactions from them.

# Source
Layouts of data and accounts: spl-token `instruction.rs`, spl-associated-token-account, system program,
address-lookup-table program and compute-budget interface.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from solders.address_lookup_table_account import derive_lookup_table_address
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import (
    AdvanceNonceAccountParams,
    CloseLookupTableParams,
    CreateAccountWithSeedParams,
    CreateLookupTableParams,
    DeactivateLookupTableParams,
    ExtendLookupTableParams,
    InitializeNonceAccountParams,
    WithdrawNonceAccountParams,
    advance_nonce_account,
    close_lookup_table,
    create_account_with_seed,
    deactivate_lookup_table,
    extend_lookup_table,
    initialize_nonce_account,
    withdraw_nonce_account,
)
from solders.system_program import create_lookup_table as _create_lookup_table
from solders.token.associated import get_associated_token_address
from solders.transaction import VersionedTransaction

from phantom_arbiter.execution.chain import SYSTEM_PROGRAM
from phantom_arbiter.signer import Signer

ASSOCIATED_TOKEN_PROGRAM: Final = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"
LOOKUP_TABLE_PROGRAM: Final = "AddressLookupTab1e1111111111111111111111111"
NONCE_LENGTH: Final = 80
"""Bytes of a nonce account (sdk nonce `State::size`)."""

MAX_TRANSACTION_BYTES: Final = 1_232
"""Greatest serialised transaction (sdk `PACKET_DATA_SIZE`)."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed transaction."""

    signature: str
    wire: bytes = field(repr=False)


def sign_transaction(
    instructions: Sequence[Instruction],
    signer: Signer,
    blockhash: str,
    *,
    compute_unit_limit: int,
    price: int,
) -> Signed:
    """Return a transaction of these instructions, paid and signed by `signer`.

    Args:
        instructions: In order; those of the compute budget come before them.
        signer: Pays and signs.
        blockhash: Recent blockhash, base58.
        compute_unit_limit: Compute units asked for.
        price: Micro-lamports for each; 0 for no priority fee.
    """
    budget = [set_compute_unit_limit(compute_unit_limit)]
    if price:
        budget.append(set_compute_unit_price(price))
    payer = Pubkey.from_string(signer.address)
    message = MessageV0.try_compile(payer, [*budget, *instructions], [], Hash.from_string(blockhash))
    signature = Signature.from_bytes(signer.sign(to_bytes_versioned(message)))
    return Signed(str(signature), bytes(VersionedTransaction.populate(message, [signature])))


# ---- token accounts


def associated_token_account(owner: str, mint: str, token_program: str) -> str:
    """Return the address of an owner's associated token account."""
    return str(get_associated_token_address(_key(owner), _key(mint), _key(token_program)))


def create_token_account(payer: str, owner: str, mint: str, token_program: str) -> Instruction:
    """Return what creates an associated token account unless it is there."""
    return Instruction(
        _key(ASSOCIATED_TOKEN_PROGRAM),
        b"\x01",
        [
            _meta(payer, signer=True, writable=True),
            _meta(associated_token_account(owner, mint, token_program), writable=True),
            _meta(owner),
            _meta(mint),
            _meta(SYSTEM_PROGRAM),
            _meta(token_program),
        ],
    )


def close_token_account(account: str, owner: str, token_program: str) -> Instruction:
    """Return what closes a token account without tokens; its lamports go to its owner."""
    metas = [_meta(account, writable=True), _meta(owner, writable=True), _meta(owner, signer=True)]
    return Instruction(_key(token_program), b"\x09", metas)


def burn_tokens(account: str, mint: str, owner: str, token_program: str, amount: int) -> Instruction:
    """Return what burns tokens of an account; base units."""
    metas = [_meta(account, writable=True), _meta(mint, writable=True), _meta(owner, signer=True)]
    return Instruction(_key(token_program), b"\x08" + amount.to_bytes(8, "little"), metas)


# ---- lookup tables


def lookup_table_address(authority: str, slot: int) -> str:
    """Return the address of the table that an authority creates with a recent slot."""
    return str(derive_lookup_table_address(_key(authority), slot)[0])


def create_lookup_table(authority: str, slot: int) -> Instruction:
    """Return what creates a table; `slot` is one of the last 512 that have a block."""
    key = _key(authority)
    params = CreateLookupTableParams(authority_address=key, payer_address=key, recent_slot=slot)
    return _create_lookup_table(params)[0]


def extend_table(table: str, authority: str, addresses: Sequence[str]) -> Instruction:
    """Return what appends addresses to a table."""
    key = _key(authority)
    return extend_lookup_table(
        ExtendLookupTableParams(
            lookup_table_address=_key(table),
            authority_address=key,
            payer_address=key,
            new_addresses=[_key(address) for address in addresses],
        )
    )


def deactivate_table(table: str, authority: str) -> Instruction:
    """Return what puts a table out of use; it can be closed some 512 slots later."""
    return deactivate_lookup_table(
        DeactivateLookupTableParams(lookup_table_address=_key(table), authority_address=_key(authority))
    )


def close_table(table: str, authority: str) -> Instruction:
    """Return what closes a table; its lamports go to the authority."""
    key = _key(authority)
    return close_lookup_table(
        CloseLookupTableParams(lookup_table_address=_key(table), authority_address=key, recipient_address=key)
    )


# ---- nonces


def nonce_address(authority: str, seed: str) -> str:
    """Return the address of the nonce account that an authority makes with a seed."""
    return str(Pubkey.create_with_seed(_key(authority), seed, _key(SYSTEM_PROGRAM)))


def create_nonce(authority: str, seed: str, lamports: int) -> list[Instruction]:
    """Return what creates the nonce account of a seed: no other key needs to sign."""
    key, nonce = _key(authority), _key(nonce_address(authority, seed))
    return [
        create_account_with_seed(
            CreateAccountWithSeedParams(
                from_pubkey=key,
                to_pubkey=nonce,
                base=key,
                seed=seed,
                lamports=lamports,
                space=NONCE_LENGTH,
                owner=_key(SYSTEM_PROGRAM),
            )
        ),
        initialize_nonce_account(InitializeNonceAccountParams(nonce_pubkey=nonce, authority=key)),
    ]


def advance_nonce(nonce: str, authority: str) -> Instruction:
    """Return what gives a nonce its next value: the first instruction of a transaction that uses it."""
    return advance_nonce_account(
        AdvanceNonceAccountParams(nonce_pubkey=_key(nonce), authorized_pubkey=_key(authority))
    )


def close_nonce(nonce: str, authority: str, lamports: int) -> Instruction:
    """Return what takes all lamports out of a nonce account, which ends it."""
    key = _key(authority)
    return withdraw_nonce_account(
        WithdrawNonceAccountParams(
            nonce_pubkey=_key(nonce), authorized_pubkey=key, to_pubkey=key, lamports=lamports
        )
    )


def _key(address: str) -> Pubkey:
    return Pubkey.from_string(address)


def _meta(address: str, *, signer: bool = False, writable: bool = False) -> AccountMeta:
    return AccountMeta(_key(address), signer, writable)
