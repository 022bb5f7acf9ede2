"""The machine's runs leave floating-point arithmetic as it was."""

from __future__ import annotations

import numpy as np
from solders.litesvm import LiteSVM
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import TransactionMetadata

from phantom_arbiter import float_unit
from phantom_arbiter.execution.accounts import TOKEN_PROGRAM, AccountBytes
from phantom_arbiter.execution.svm import Svm
from phantom_core import compile_transaction, create_token_account
from svm_chain import WALLET, signer

MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
SYSTEM = "11111111111111111111111111111111"


def test_remainders_are_right_after_a_token_account_was_created() -> None:
    svm = Svm({})
    svm.put(WALLET, AccountBytes(SYSTEM, 10**10, b""))
    mint = bytes(44) + b"\x06\x01" + bytes(36)
    svm.put(MINT, AccountBytes(TOKEN_PROGRAM, 10**9, mint))
    made = compile_transaction(
        [create_token_account(WALLET, WALLET, MINT, TOKEN_PROGRAM)],
        signer(),
        str(LiteSVM().latest_blockhash()),
    )
    done = svm.execute(VersionedTransaction.from_bytes(made.wire))
    assert isinstance(done, TransactionMetadata), done
    assert np.array_equal(np.arange(9.0) % 5, [0, 1, 2, 3, 4, 0, 1, 2, 3])


def test_settling_changes_no_number() -> None:
    float_unit.settle()
    assert np.array_equal(np.arange(9.0) % 5, [0, 1, 2, 3, 4, 0, 1, 2, 3])
