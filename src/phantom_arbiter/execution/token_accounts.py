"""The wallet's token accounts: which ones a route needs, which exist, and what creating the others costs.

What exists is read from the chain at the start and kept true by what we create and close ourselves. Creating
is idempotent, so a plan that creates an account which exists after all costs compute units, nothing else;
one that leaves out an account which does not exist fails. So an account counts as there only when the chain
has said so.

# Source
Sizes: spl-token `state.rs` (165 bytes); spl-token-2022 `extension/mod.rs`, required account extensions by
those of the mint; the associated token account program adds ImmutableOwner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from phantom_arbiter.errors import ConfigError
from phantom_arbiter.execution.admin import Operator
from phantom_arbiter.execution.chain import (
    TOKEN_2022_PROGRAM,
    TOKEN_PROGRAM,
    ChainAccount,
    Rpc,
    read_accounts,
    read_rent,
)
from phantom_core import Address, associated_token_account, create_token_account

TOKEN_ACCOUNT_BYTES: Final = 165
MINT_BYTES: Final = 82
MAX_CREATED: Final = 4
"""Accounts that one transaction may create beside its swaps; each takes some 25,000 compute units."""

_TLV_AT: Final = 166
_KIND_AT: Final = 165
_MINT_KIND, _ACCOUNT_KIND = 1, 2
_IMMUTABLE_OWNER: Final = 4
"""Bytes of ImmutableOwner: type and length, no value."""
_REQUIRED: Final = MappingProxyType({1: 4 + 8, 9: 4, 14: 4 + 1, 26: 4})
"""Bytes of what an account needs, by extension of its mint: TransferFeeConfig needs TransferFeeAmount,
NonTransferable NonTransferableAccount, TransferHook TransferHookAccount, Pausable PausableAccount."""
_MULTISIG_BYTES: Final = 355

Policy = Literal["in_transaction", "ahead"]


@dataclass(frozen=True, slots=True)
class MintFacts:
    """What creating an account of a mint depends on.

    Attributes:
        mint: Its address.
        program: The token program that it belongs to.
        account_bytes: Length of an associated token account of it.
        rent_lamports: What such an account costs; it comes back when the account is closed.
    """

    mint: str
    program: str
    account_bytes: int
    rent_lamports: int


@dataclass(frozen=True, slots=True)
class Missing:
    """A token account that does not exist as far as is known."""

    mint: str
    address: str
    program: str
    rent_lamports: int


@dataclass(frozen=True, slots=True)
class TokenPlan:
    """The token accounts of a route.

    Attributes:
        accounts: By mint.
        creates: Those that the transaction itself is to create, in the order of the mints.
        obstacle: Why the route has to wait, None if it need not: `token_account_missing` (policy ahead),
            `unknown_mint` (not read yet), or `too_many_token_accounts` to create.
        blocking: The mints that are in the way.
    """

    accounts: Mapping[str, str]
    creates: tuple[Missing, ...]
    obstacle: str | None = None
    blocking: tuple[str, ...] = ()

    @property
    def rent_lamports(self) -> int:
        """What it pays for accounts, and gets back when they are closed."""
        return sum(each.rent_lamports for each in self.creates)


def account_bytes(mint: ChainAccount) -> int:
    """Return the length of an associated token account of a mint.

    Raises:
        ValueError: It is no mint.
    """
    data = mint.data
    if mint.owner == TOKEN_PROGRAM:
        if len(data) != MINT_BYTES or data[45] != 1:
            raise ValueError("it is no mint")
        return TOKEN_ACCOUNT_BYTES
    if mint.owner != TOKEN_2022_PROGRAM:
        raise ValueError(f"it belongs to {mint.owner}, to neither token program")
    length = TOKEN_ACCOUNT_BYTES + 1 + _IMMUTABLE_OWNER
    if len(data) < MINT_BYTES or data[45] != 1:
        raise ValueError("it is no mint")
    if len(data) > MINT_BYTES:
        if len(data) <= _KIND_AT or data[_KIND_AT] != _MINT_KIND:
            raise ValueError("it is no mint")
        length += sum(_REQUIRED.get(kind, 0) for kind, _ in extensions(data))
    return length + 4 if length == _MULTISIG_BYTES else length


def extensions(data: bytes) -> list[tuple[int, bytes]]:
    """Return types and values of the extensions of a Token-2022 mint or account.

    Raises:
        ValueError: They are cut off.
    """
    found = []
    at = _TLV_AT
    while at + 4 <= len(data):
        kind = int.from_bytes(data[at : at + 2], "little")
        length = int.from_bytes(data[at + 2 : at + 4], "little")
        if kind == 0:
            break
        if at + 4 + length > len(data):
            raise ValueError("an extension is cut off")
        found.append((kind, data[at + 4 : at + 4 + length]))
        at += 4 + length
    return found


class TokenAccounts:
    """What is known of the wallet's token accounts; plans ask nobody."""

    def __init__(
        self,
        wallet: str,
        overrides: Mapping[str, str] | None = None,
        *,
        policy: Policy = "in_transaction",
        max_created: int = MAX_CREATED,
    ) -> None:
        """Begin with nothing known.

        Args:
            wallet: Who owns the accounts.
            overrides: Accounts by mint that are not the associated ones; they are never created.
            policy: Whether a transaction creates what it lacks, or its route waits until it is there.
            max_created: Most accounts that one transaction creates.
        """
        self.wallet = wallet
        self.ledger = RentLedger()
        self._overrides = dict(overrides or {})
        self._addresses = dict(self._overrides)
        self._policy, self._max_created = policy, max_created
        self._mints: dict[str, MintFacts] = {}
        self._there: dict[str, bool] = {}

    async def refresh(self, rpc: Rpc, mints: Iterable[str]) -> None:
        """Read mints that are not known yet, and whether their accounts exist.

        A mint that is none stays unknown, and its routes wait.

        Raises:
            ConfigError: An account of `overrides` is none of the wallet for its mint.
            EndpointError: No endpoint gave a good answer.
        """
        wanted = list(dict.fromkeys(mints))
        new = [mint for mint in wanted if mint not in self._mints]
        rents: dict[int, int] = {}
        for mint, account in (await read_accounts(rpc, new)).items():
            if account is None:
                continue
            try:
                length = account_bytes(account)
            except ValueError:
                continue
            if length not in rents:
                rents[length] = await read_rent(rpc, length)
            self._mints[mint] = MintFacts(mint, account.owner, length, rents[length])
        addresses = {mint: self.address(mint) for mint in wanted if mint in self._mints}
        found = await read_accounts(rpc, addresses.values())
        for mint, address in addresses.items():
            held = found[address]
            if mint in self._overrides:
                self._check_override(mint, held)
            self._there[address] = held is not None and _is_ours(held, mint, self.wallet)

    def _check_override(self, mint: str, held: ChainAccount | None) -> None:
        if held is None or not _is_ours(held, mint, self.wallet):
            raise ConfigError(
                f"wallet.token_accounts: {self._overrides[mint]} is no account of {self.wallet} for {mint}"
            )

    def address(self, mint: str) -> str:
        """Return the wallet's account of a mint.

        Raises:
            KeyError: The mint is not known.
        """
        known = self._addresses.get(mint)
        if known is None:
            known = str(associated_token_account(self.wallet, mint, self._mints[mint].program))
            self._addresses[mint] = known
        return known

    def facts(self, mint: str) -> MintFacts | None:
        """Return what is known of a mint."""
        return self._mints.get(mint)

    def exists(self, mint: str) -> bool:
        """Return whether the chain has said that the wallet's account of a mint is there."""
        return mint in self._mints and self._there.get(self.address(mint), False)

    def plan(self, mints: Sequence[str]) -> TokenPlan:
        """Return the accounts that a route through these mints needs."""
        unknown = tuple(mint for mint in dict.fromkeys(mints) if mint not in self._mints)
        if unknown:
            return TokenPlan(MappingProxyType({}), (), "unknown_mint", unknown)
        accounts = {mint: self.address(mint) for mint in mints}
        missing = tuple(
            Missing(mint, address, self._mints[mint].program, self._mints[mint].rent_lamports)
            for mint, address in accounts.items()
            if not self._there.get(address, False)
        )
        blocking = tuple(each.mint for each in missing)
        if missing and self._policy == "ahead":
            return TokenPlan(MappingProxyType(accounts), (), "token_account_missing", blocking)
        if len(missing) > self._max_created:
            return TokenPlan(MappingProxyType(accounts), (), "too_many_token_accounts", blocking)
        return TokenPlan(MappingProxyType(accounts), missing)

    # ---- kept true by what we do

    def landed(self, accounts: Iterable[tuple[str, int]]) -> None:
        """Take notice of accounts, each with its rent, that a landed transaction of ours created."""
        for address, lamports in accounts:
            self.learned(address, is_there=True)
            self.ledger.paid(address, lamports)

    def learned(self, address: str, *, is_there: bool) -> None:
        """Take notice of an account that is there, or is not any more."""
        self._there[address] = is_there


async def create_missing(operator: Operator, accounts: TokenAccounts, missing: Sequence[Missing]) -> int:
    """Create accounts ahead of time and return how many.

    Raises:
        TransactionFailed: A transaction failed; those before it are done.
        EndpointError: No endpoint answers.
    """
    for start in range(0, len(missing), MAX_CREATED):
        batch = missing[start : start + MAX_CREATED]
        ours = operator.address
        made = [create_token_account(ours, ours, each.mint, each.program) for each in batch]
        what = f"creating token accounts {start + 1} to {start + len(batch)} of {len(missing)}"
        await operator.carry_out(made, what)
        accounts.landed((each.address, each.rent_lamports) for each in batch)
    return len(missing)


def _is_ours(account: ChainAccount, mint: str, wallet: str) -> bool:
    data = account.data
    if account.owner not in (TOKEN_PROGRAM, TOKEN_2022_PROGRAM) or len(data) < TOKEN_ACCOUNT_BYTES:
        return False
    return data[:32] == bytes(Address(mint)) and data[32:64] == bytes(Address(wallet)) and data[108] == 1


class RentLedger:
    """What was paid for accounts that we created. Rent is no cost but capital that lies elsewhere."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}

    def paid(self, address: str, lamports: int) -> None:
        """Book the rent of an account; told twice of the same one, it is booked once."""
        self._open.setdefault(address, lamports)

    def __len__(self) -> int:
        return len(self._open)

    @property
    def outstanding_lamports(self) -> int:
        """What lies in these accounts, and comes back when they are closed."""
        return sum(self._open.values())


__all__ = [
    "MintFacts",
    "Missing",
    "RentLedger",
    "TokenAccounts",
    "TokenPlan",
    "account_bytes",
    "create_missing",
    "extensions",
]
