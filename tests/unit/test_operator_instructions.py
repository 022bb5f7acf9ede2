"""What operators' commands send, byte for byte as solders makes it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey
from solders.system_program import (
    CreateAccountWithSeedParams,
    InitializeNonceAccountParams,
    create_account_with_seed,
    initialize_nonce_account,
)

from phantom_arbiter.execution.chain import SYSTEM_PROGRAM, TOKEN_PROGRAM
from phantom_arbiter.execution.instructions import burn_tokens, create_nonce, nonce_address

SYSTEM = Pubkey.from_string(SYSTEM_PROGRAM)
KEYS = st.binary(min_size=32, max_size=32).map(Pubkey.from_bytes)


@given(KEYS, st.integers(0, 99), st.integers(0, 2**64 - 1))
def test_nonce_accounts_are_made_as_solders_makes_them(wallet: Pubkey, number: int, lamports: int) -> None:
    seed = f"phantom-nonce-{number}"
    nonce = Pubkey.create_with_seed(wallet, seed, SYSTEM)
    assert nonce_address(str(wallet), seed) == str(nonce)
    params = CreateAccountWithSeedParams(
        from_pubkey=wallet, to_pubkey=nonce, base=wallet, seed=seed, lamports=lamports, space=80, owner=SYSTEM
    )
    theirs = [
        create_account_with_seed(params),
        initialize_nonce_account(InitializeNonceAccountParams(nonce_pubkey=nonce, authority=wallet)),
    ]
    assert [each.to_solders() for each in create_nonce(str(wallet), seed, lamports)] == theirs


def test_tokens_are_burned_as_the_program_says() -> None:
    account, mint, owner = (str(Pubkey.from_bytes(bytes([number]) * 32)) for number in (1, 2, 3))
    made = burn_tokens(account, mint, owner, TOKEN_PROGRAM, 258)
    assert made.data == b"\x08\x02\x01" + bytes(6)
    assert made.accounts == [(account, False, True), (mint, False, True), (owner, True, False)]
