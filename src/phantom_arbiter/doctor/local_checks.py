"""What can be looked at on this machine: key, limits, journal, kill switch, settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from phantom_arbiter.doctor.report import Check
from phantom_arbiter.errors import JournalError, PhantomError
from phantom_arbiter.execution.chain import SYSTEM_PROGRAM, ChainAccount
from phantom_arbiter.key_source import KeySource
from phantom_arbiter.keys import load_signer
from phantom_core import Signer


def check_key(source: KeySource | None) -> tuple[list[Check], Signer | None]:
    """Return whether the wallet's key can be had, and its signer."""
    if source is None:
        cure = "set wallet.key; phantom wallet new FILE makes a key"
        return [Check("key", "", "fail", "no wallet is named", cure)], None
    try:
        signer = load_signer(source)
    except PhantomError as error:
        text, _, cure = str(error).partition("; hint: ")
        return [Check("key", str(source), "fail", text, cure)], None
    return [Check("key", str(source), "ok", f"signs for {signer.address}")], signer


def check_balance(account: ChainAccount | None, address: str, least: int) -> Check:
    """Return whether the wallet can pay fees and tips, and may pay them."""
    lamports = 0 if account is None else account.lamports
    cure = f"send SOL to {address}"
    if account is not None and (account.owner != SYSTEM_PROGRAM or account.data):
        detail = "the account holds data or belongs to a program: it cannot pay fees"
        return Check("balance", address, "fail", detail, "use another key")
    if lamports < least:
        detail = f"{lamports:,} lamports, wallet.min_lamports is {least:,}"
        return Check("balance", address, "fail", detail, cure)
    return Check("balance", address, "ok", f"{lamports:,} lamports")


class MintLimit(Protocol):
    """Limits of one mint, as far as they are looked at."""

    @property
    def max_amount_in(self) -> int:
        """Largest input."""
        ...

    @property
    def max_drawdown(self) -> int | None:
        """How far profit may fall."""
        ...


def check_limits(
    base_mints: Mapping[str, int],
    limits: Mapping[str, MintLimit],
    tight: Mapping[str, int],
    *,
    has_profile: bool,
) -> list[Check]:
    """Return whether every mint that is traded has limits, and whether they are those of a live run.

    Args:
        base_mints: Mints that cycles begin with, each with the largest input that is looked for.
        limits: By mint.
        tight: Largest input by mint that the live profile lets through.
        has_profile: Whether the settings are those of a live run, with its tight defaults.
    """
    found = []
    for mint, amount in base_mints.items():
        limit = limits.get(mint)
        if limit is None:
            cure = f"set risk.mints.{mint}"
            found.append(Check("limits", mint, "fail", "there is no limit for what is traded", cure))
        elif limit.max_drawdown is None:
            cure = f"set risk.mints.{mint}.max_drawdown"
            found.append(Check("limits", mint, "fail", "nothing stops a row of losses", cure))
        elif mint in tight and limit.max_amount_in > 10 * tight[mint]:
            detail = f"a trade may take {limit.max_amount_in:,} base units, the live profile {tight[mint]:,}"
            cure = "leave risk.mints to the live profile, or raise it step by step"
            found.append(Check("limits", mint, "warn" if has_profile else "fail", detail, cure))
        elif amount > limit.max_amount_in:
            detail = f"sized up to {amount:,} base units, a trade may take {limit.max_amount_in:,}"
            found.append(Check("limits", mint, "warn", detail, f"lower engine.base_mints.{mint}"))
        else:
            found.append(Check("limits", mint, "ok", f"{limit.max_amount_in:,} base units a trade"))
    return found


class OpenJournal(Protocol):
    """The journal, opened to be written."""

    def unresolved(self, account: str) -> Sequence[object]:
        """Return the live attempts of an account that have no outcome."""
        ...

    def close(self) -> None:
        """Let the next writer in."""


def check_journal(path: Path, account: str, open_journal: Callable[[Path], OpenJournal]) -> list[Check]:
    """Return whether the journal can be written, and whether it knows how every attempt ended."""
    try:
        journal = open_journal(path)
    except JournalError as error:
        text, _, cure = str(error).partition("; hint: ")
        return [Check("journal", str(path), "fail", text, cure)]
    try:
        count = len(journal.unresolved(account))
    except JournalError as error:
        text, _, cure = str(error).partition("; hint: ")
        return [Check("journal", str(path), "fail", text, cure)]
    finally:
        journal.close()
    if count:
        detail = f"{count} attempts of account {account} have no outcome"
        cure = "phantom run --live reconciles them with the chain before it trades"
        return [Check("journal", str(path), "warn", detail, cure)]
    return [Check("journal", str(path), "ok", "it can be written, every attempt has an outcome")]


def check_kill_switch(path: Path, *, halted: bool) -> list[Check]:
    """Return whether something keeps runs from sending."""
    if halted:
        return [Check("kill_switch", "risk.halted", "fail", "the settings halt trading", "set it to false")]
    try:
        exists = path.exists()
    except OSError as error:
        detail = f"whether trading is halted cannot be seen: {error.strerror}"
        cure = "let this user look into the folder, or set risk.kill_switch_file"
        return [Check("kill_switch", str(path), "fail", detail, cure)]
    if exists:
        return [Check("kill_switch", str(path), "fail", "phantom halt has stopped trading", "phantom resume")]
    return [Check("kill_switch", str(path), "ok", "nothing holds trading")]


def check_modes(*, rehearse: str, dry_run: bool, landing: str, engines: int, nonces: int) -> list[Check]:
    """Return what the settings of execution amount to."""
    found = []
    if landing != "rpc" and not engines:
        cure = "add [[block_engines]], or set execution.landing to rpc"
        found.append(Check("landing", landing, "fail", "there is no block engine to send bundles to", cure))
    elif landing == "bundle":
        found.append(Check("landing", landing, "ok", f"bundles to {engines} block engines"))
    else:
        detail = "a transaction that fails on chain pays its fees, a bundle would not"
        cure = "" if nonces else "durable nonces (phantom nonce create) keep copies apart"
        found.append(Check("landing", landing, "warn", detail, cure))
    if rehearse == "never":
        detail = "transactions are sent untried"
        found.append(Check("rehearse", rehearse, "warn", detail, "set execution.rehearse to always"))
    if dry_run:
        found.append(
            Check("dry_run", "", "warn", "everything is done but sending", "execution.dry_run = false")
        )
    return found


__all__ = ["check_balance", "check_journal", "check_key", "check_kill_switch", "check_limits", "check_modes"]
