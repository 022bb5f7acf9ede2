"""Whatever bytes accounts and key files hold, what comes back is an answer or the error that is promised."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from phantom_arbiter.errors import WalletError
from phantom_arbiter.execution.chain import SYSTEM_PROGRAM, TOKEN_2022_PROGRAM, TOKEN_PROGRAM, ChainAccount
from phantom_arbiter.execution.lookup_tables import LOOKUP_TABLE_PROGRAM, Table, TableFault, judge_table
from phantom_arbiter.execution.nonces import Nonce, NonceFault, judge_nonce
from phantom_arbiter.execution.sweep import judge
from phantom_arbiter.execution.token_accounts import account_bytes
from phantom_arbiter.key_source import KeySource
from phantom_arbiter.keys import load_signer

WALLET = str(Pubkey.from_bytes(bytes([7]) * 32))
OWNERS = st.sampled_from([SYSTEM_PROGRAM, TOKEN_PROGRAM, TOKEN_2022_PROGRAM, LOOKUP_TABLE_PROGRAM])


@st.composite
def accounts(draw: st.DrawFn) -> ChainAccount:
    """Draw an account of a length that matters, with our wallet in it where owners stand."""
    length = draw(st.sampled_from([0, 1, 56, 80, 82, 88, 165, 166, 170, 175, 182, 250, 8_248, 8_280]))
    data = bytearray(
        draw(st.binary(min_size=min(length, 300), max_size=min(length, 300))).ljust(length, b"\1")
    )
    for at in draw(st.sets(st.sampled_from([0, 8, 22, 32]))):
        if at + 32 <= length:
            data[at : at + 32] = bytes(Pubkey.from_string(WALLET))
    for at in draw(st.sets(st.sampled_from([0, 4, 21, 45, 108, 165]))):
        if at < length:
            data[at] = 1
    return ChainAccount(WALLET, draw(OWNERS), draw(st.integers(0, 2**64 - 1)), bytes(data), 5)


@given(accounts())
def test_accounts_of_any_bytes_are_judged(account: ChainAccount) -> None:
    assert isinstance(judge_table(WALLET, account, {WALLET}), Table | TableFault)
    assert isinstance(judge_nonce(WALLET, account, WALLET), Nonce | NonceFault)
    found = judge(account, WALLET, max_dust=10, keep=())
    assert found is None or found.kind in ("empty", "dust", "held", "stuck")
    with contextlib.suppress(ValueError):
        assert account_bytes(account) >= 165


@given(st.text(alphabet="[]0123456789, \n1zZ5", min_size=1, max_size=300))
def test_text_that_is_no_key_is_no_crash(text: str) -> None:
    with pytest.raises(WalletError, match="key env:K"):
        load_signer(KeySource("env", "K"), {"K": text})
