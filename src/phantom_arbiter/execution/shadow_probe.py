"""One swap of one pool, by a made-up trader, beside its quote: also of venues that are set aside.

The pool is put together anew from the bytes that the engine holds, so its quote is the one that the market
would give if it were not set aside.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from typing import Final

from solders.compute_budget import set_compute_unit_limit
from solders.hash import Hash
from solders.instruction import AccountMeta
from solders.instruction import Instruction as SoldersInstruction
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from phantom_arbiter.execution.accounts import (
    CLOCK_SYSVAR,
    TOKEN_2022_PROGRAM,
    TOKEN_PROGRAM,
    AccountBytes,
    AccountCache,
    AccountSource,
    EngineAccounts,
    least_lamports,
)
from phantom_arbiter.execution.rehearsal import Rehearsal
from phantom_arbiter.execution.rehearsed import Expected, ExpectedHop, Kind, Rehearsed
from phantom_arbiter.execution.shadow import Comparison
from phantom_arbiter.execution.svm import Svm
from phantom_core import Clock, Engine, Instruction, MarketDataError, Pool, SwapRefused

TRADER: Final = str(Pubkey.from_bytes(hashlib.sha256(b"phantom shadow trader").digest()))
_SYSTEM: Final = "11111111111111111111111111111111"
_WRAPPED_SOL: Final = "So11111111111111111111111111111111111111112"
_NATIVE_RENT: Final = 2_039_280
_UNITS: Final = 1_400_000
_FIRST_EXTENSION: Final = 166
_ACCOUNT_EXTENSIONS: Final = {1: (2, 8), 14: (15, 1), 26: (27, 0)}
"""By the extension of a mint, that of its accounts and its length: fee, hook, pause (spl-token-2022)."""


class ShadowProbe:
    """Compares quotes with the programs."""

    def __init__(self, engine: Engine, others: Sequence[AccountSource], svm: Svm) -> None:
        """Prepare.

        Args:
            engine: Made with `keep_accounts=True`.
            others: Who knows accounts that no quote reads.
            svm: The machine; that of rehearsals may be used.
        """
        self._engine = engine
        self._held = EngineAccounts(engine)
        self._trader = AccountCache()
        self._trader.put(TRADER, AccountBytes(_SYSTEM, 10**12, b""))
        self._rehearsal = Rehearsal([self._trader, self._held, *others], svm)

    def compare(self, pool: str, mint_in: str, amount_in: int) -> Comparison | Rehearsed:
        """Return how the quote of an exact input compares; what was rehearsed if it could not be run.

        Raises:
            MarketDataError: The pool lacks an account, or is not held any more.
            InvalidInput: The pool is not in the market or does not trade the mint, or the amount is out of
                range.
        """
        copy = self._open(pool)
        mints = [str(mint) for mint in copy.mints]
        quoted: int | None = None
        with contextlib.suppress(SwapRefused):
            quoted = copy.quote(amount_in, mint_in=mint_in).amount_out
        accounts = [self._fund(mint, amount_in if mint == mint_in else 0) for mint in mints]
        instruction = copy.swap_instruction(
            amount_in, mint_in=mint_in, min_out=0, wallet=TRADER, token_accounts=(accounts[0], accounts[1])
        )
        paying, paid = accounts if mint_in == mints[0] else accounts[::-1]
        hop = ExpectedHop(pool, copy.venue, str(copy.program), paying, paid, amount_in, quoted or 0)
        rehearsed = self._rehearsal.rehearse(_unsigned(instruction), Expected((hop,), paid), sigverify=False)
        if rehearsed.kind not in (Kind.PASSED, Kind.FAILED):
            return rehearsed
        got = rehearsed.hops[0].got_out if rehearsed.ok else None
        return Comparison(copy.venue, pool, rehearsed.slot, quoted, got)

    def _open(self, address: str) -> Pool:
        """Return the pool from the bytes that are held, set aside or not."""
        told = self._engine.pool(address)
        keys = [address, *(str(key) for key, _, _ in told.dependencies)]
        found = dict(zip(keys, self._held.known(keys), strict=True))
        accounts = {
            key: (each.owner, each.data) for key, each in found.items() if isinstance(each, AccountBytes)
        }
        [clock] = self._held.known([CLOCK_SYSVAR])
        now = None
        if isinstance(clock, AccountBytes):
            slot, epoch, unix = (
                int.from_bytes(clock.data[at : at + 8], "little", signed=at == 32) for at in (0, 16, 32)
            )
            now = Clock(slot=slot, epoch=epoch, unix_timestamp=unix)
        if address not in accounts:
            raise MarketDataError(f"pool {address}: its account is not held")
        return Pool(address, accounts[address], accounts=accounts, clock=now, complete=True)

    def _fund(self, mint: str, amount: int) -> str:
        """Give the trader a token account of a mint; return its address."""
        [known] = self._held.known([mint])
        owner = known.owner if isinstance(known, AccountBytes) else TOKEN_PROGRAM
        data = bytes(Pubkey.from_string(mint)) + bytes(Pubkey.from_string(TRADER))
        native = (1, _NATIVE_RENT) if mint == _WRAPPED_SOL else (0, 0)
        data += amount.to_bytes(8, "little") + bytes(36) + b"\x01" + native[0].to_bytes(4, "little")
        data += native[1].to_bytes(8, "little") + bytes(44)
        if owner == TOKEN_2022_PROGRAM and isinstance(known, AccountBytes):
            data += _extensions(known.data)
        address = str(Pubkey.from_bytes(hashlib.sha256(b"phantom shadow " + mint.encode()).digest()))
        self._trader.put(address, AccountBytes(owner, least_lamports(owner, data), data))
        return address


def _extensions(mint: bytes) -> bytes:
    """Return what a token account of this mint has behind its 165 bytes."""
    found, at = b"", _FIRST_EXTENSION
    while at + 4 <= len(mint):
        kind, length = (int.from_bytes(mint[at + step : at + step + 2], "little") for step in (0, 2))
        if kind in _ACCOUNT_EXTENSIONS:
            ours, size = _ACCOUNT_EXTENSIONS[kind]
            found += ours.to_bytes(2, "little") + size.to_bytes(2, "little") + bytes(size)
        at += 4 + length
    return b"\x02" + found if found else b""


def _unsigned(instruction: Instruction) -> bytes:
    accounts = instruction.accounts
    metas = [AccountMeta(Pubkey.from_string(key), signs, writes) for key, signs, writes in accounts]
    swap = SoldersInstruction(Pubkey.from_string(instruction.program), instruction.data, metas)
    trader = Pubkey.from_string(TRADER)
    message = MessageV0.try_compile(trader, [set_compute_unit_limit(_UNITS), swap], [], Hash.default())
    return bytes(VersionedTransaction.populate(message, [Signature.default()]))
