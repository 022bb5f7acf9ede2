"""Durable nonces: accounts whose value stands in for a blockhash, so that of several copies one can land.

A transaction that begins with the advance of a nonce holds that nonce's present value and stays good until
the value changes. Whoever advances it, by landing or by failing on chain, makes every other transaction with
the same value worthless for ever. So a nonce is lent to one attempt at a time and comes back when its value
has changed, not before: until then the attempt may still land.

# Source
sdk nonce `state.rs`: version, state, authority, value, fee; 80 bytes, owned by the system program.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from phantom_arbiter.errors import ConfigError, EndpointError
from phantom_arbiter.execution.admin import Operator
from phantom_arbiter.execution.chain import SYSTEM_PROGRAM, ChainAccount, Rpc, read_accounts, read_rent
from phantom_arbiter.execution.instructions import NONCE_LENGTH, create_nonce, nonce_address
from phantom_core import Address, withdraw_nonce

MAX_OWN: Final = 64
"""Nonces that commands make and look for, by number."""

PER_TRANSACTION: Final = 4
"""Nonce accounts created or closed by one transaction."""

_STATE = struct.Struct("<II32s32sQ")

Fault = Literal["missing", "no_nonce", "foreign"]


@dataclass(frozen=True, slots=True)
class Nonce:
    """A durable nonce as a node tells of it.

    Attributes:
        address: Of its account.
        authority: Who may use it.
        value: What stands in for the blockhash, base58.
        lamports: Its balance, which closing returns.
        slot: At which that was so.
    """

    address: str
    authority: str
    value: str
    lamports: int
    slot: int


@dataclass(frozen=True, slots=True)
class NonceFault:
    """Why a nonce may not be used: `missing`, `no_nonce`, or `foreign`: of another authority."""

    address: str
    fault: Fault
    detail: str


def decode_nonce(account: ChainAccount) -> Nonce:
    """Return the nonce that an account holds.

    Raises:
        ValueError: It is none.
    """
    if account.owner != SYSTEM_PROGRAM or len(account.data) != NONCE_LENGTH:
        raise ValueError(f"it belongs to {account.owner} and has {len(account.data)} bytes")
    version, state, authority, value, _ = _STATE.unpack(account.data)
    if (version, state) != (1, 1):
        raise ValueError(f"it has version {version} and state {state}, in use are 1 and 1")
    address = account.address
    return Nonce(address, str(Address(authority)), str(Address(value)), account.lamports, account.slot)


def judge_nonce(address: str, account: ChainAccount | None, authority: str) -> Nonce | NonceFault:
    """Return the nonce at an address if `authority` may use it, else why not."""
    if account is None:
        return NonceFault(address, "missing", f"nonce account {address} does not exist")
    try:
        nonce = decode_nonce(account)
    except ValueError as error:
        return NonceFault(address, "no_nonce", f"{address} is no nonce account: {error}")
    if nonce.authority != authority:
        detail = f"nonce account {address} is {nonce.authority}'s to use, the wallet is {authority}"
        return NonceFault(address, "foreign", detail)
    return nonce


async def read_nonces(
    rpc: Rpc, addresses: Sequence[str], authority: str, *, min_slot: int | None = None
) -> list[Nonce | NonceFault]:
    """Return nonces in the order of their addresses, at `confirmed`, or why each may not be used.

    Raises:
        EndpointError: No endpoint gave a good answer.
    """
    found = await read_accounts(rpc, addresses, min_slot=min_slot)
    return [judge_nonce(address, found[address], authority) for address in addresses]


@dataclass(frozen=True, slots=True)
class Lent:
    """A nonce that belongs to one attempt until it has another value."""

    address: str
    value: str


class NoncePool:
    """Lends nonces, one per attempt. It asks nobody: whoever follows the chain tells it what nonces hold."""

    def __init__(self, notice: Callable[[str], None] = lambda text: None) -> None:
        """Begin without any; `learned` brings them.

        Args:
            notice: Told of each nonce that falls away.
        """
        self._notice = notice
        self._known: dict[str, Nonce] = {}
        self._lent: dict[str, str] = {}

    @property
    def free(self) -> int:
        """How many can be lent."""
        return len(self._known) - len(self._lent.keys() & self._known.keys())

    @property
    def lent(self) -> Mapping[str, str]:
        """Values of the nonces that are lent, by address."""
        return dict(self._lent)

    def lend(self) -> Lent | None:
        """Return a nonce that no other attempt has, None if there is none."""
        for address, nonce in self._known.items():
            if address not in self._lent:
                self._lent[address] = nonce.value
                return Lent(address, nonce.value)
        return None

    def reserve(self, address: str, value: str) -> None:
        """Take a nonce for lent: an attempt of an earlier run holds it."""
        self._lent[address] = value

    def give_back(self, lent: Lent) -> None:
        """Take back a nonce whose transaction has never left the process."""
        if self._lent.get(lent.address) == lent.value:
            del self._lent[lent.address]

    def learned(self, found: Iterable[Nonce | NonceFault]) -> list[Lent]:
        """Take what nonces hold at `confirmed`; return those that are decided: their value has changed.

        What was read before the news that is held changes nothing: an endpoint that is behind would bring an
        old value back.
        """
        decided = []
        for nonce in found:
            if isinstance(nonce, NonceFault):
                if self._known.pop(nonce.address, None) is not None:
                    self._notice(nonce.detail)
                continue
            held = self._known.get(nonce.address)
            if held is not None and nonce.slot < held.slot:
                continue
            if held is not None and nonce.value != held.value:
                del self._known[nonce.address]  # back at the end: the one unused for longest is lent first
            self._known[nonce.address] = nonce
            lent = self._lent.get(nonce.address)
            if lent is not None and lent != nonce.value:
                del self._lent[nonce.address]
                decided.append(Lent(nonce.address, lent))
        return decided


class NonceFollower:
    """Reads nonces again and again, and tells the pool: often while one is lent, seldom while none is."""

    def __init__(
        self,
        rpc: Rpc,
        addresses: Sequence[str],
        authority: str,
        pool: NoncePool,
        *,
        busy_s: float = 0.8,
        idle_s: float = 15.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        decided: Callable[[Lent], None] = lambda lent: None,
        notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Prepare.

        Args:
            rpc: Whom to ask.
            addresses: Of the nonce accounts.
            authority: Who uses them: the wallet.
            pool: Lends them.
            busy_s: Seconds between two looks while one is lent.
            idle_s: The same while none is.
            sleep: Waits between looks.
            decided: Told of each that was lent and has another value now: nothing with the old one can land.
            notice: Told once of each failure.
        """
        self._rpc, self._addresses, self._authority = rpc, tuple(addresses), authority
        self.pool = pool
        self._busy_s, self._idle_s, self._sleep = busy_s, idle_s, sleep
        self._decided, self._notice = decided, notice
        self._told: set[str] = set()

    async def run(self) -> None:
        """Look again and again until it is cancelled."""
        while True:
            await self.look()
            await self._sleep(self._busy_s if self.pool.lent else self._idle_s)

    async def look(self) -> None:
        """Read all nonces once; where nobody answers, what is known stays."""
        if not self._addresses:
            return
        try:
            found = await read_nonces(self._rpc, self._addresses, self._authority)
        except EndpointError as error:
            self._tell(f"nonces: {error}")
            return
        for each in found:
            if isinstance(each, NonceFault):
                self._tell(each.detail)
        for lent in self.pool.learned(found):
            self._decided(lent)

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._notice(text)


# ---- an operator's work


def own_address(authority: str, number: int) -> str:
    """Return the address of the `number`th nonce account that `phantom nonce create` makes for a wallet."""
    return nonce_address(authority, _seed(number))


def _seed(number: int) -> str:
    return f"phantom-nonce-{number}"


async def find_own(rpc: Rpc, authority: str) -> dict[int, Nonce | NonceFault]:
    """Return the nonce accounts that exist of those that commands make, by number; nothing is searched.

    Raises:
        EndpointError: No endpoint gave a good answer.
    """
    addresses = [own_address(authority, number) for number in range(MAX_OWN)]
    found = await read_nonces(rpc, addresses, authority)
    return {
        number: each
        for number, each in enumerate(found)
        if not (isinstance(each, NonceFault) and each.fault == "missing")
    }


async def rent_of(rpc: Rpc) -> int:
    """Return what a nonce account costs; it comes back when it is closed.

    Raises:
        EndpointError: No endpoint gave a good answer.
    """
    return await read_rent(rpc, NONCE_LENGTH)


async def create(operator: Operator, count: int) -> list[str]:
    """Make so many nonce accounts more and return their addresses.

    Broken off, what is there stays and is found again: addresses follow from the wallet and a number.

    Raises:
        ConfigError: There would be more than `MAX_OWN`.
        TransactionFailed: A transaction failed.
        EndpointError: No endpoint answers.
    """
    there = await find_own(operator.rpc, operator.address)
    numbers = [number for number in range(MAX_OWN) if number not in there][:count]
    if len(numbers) < count:
        raise ConfigError(f"there are {len(there)} nonce accounts, with {count} more than {MAX_OWN}")
    rent = await rent_of(operator.rpc)
    for start in range(0, count, PER_TRANSACTION):
        batch = numbers[start : start + PER_TRANSACTION]
        made = [each for number in batch for each in create_nonce(operator.address, _seed(number), rent)]
        await operator.carry_out(made, f"nonce accounts {start + 1} to {start + len(batch)} of {count}")
    return [own_address(operator.address, number) for number in numbers]


async def close(operator: Operator, addresses: Sequence[str]) -> int:
    """Close nonce accounts and return the lamports that came back.

    Raises:
        ConfigError: One of them is none of the operator's.
        TransactionFailed: A transaction failed.
        EndpointError: No endpoint answers.
    """
    found = await read_nonces(operator.rpc, addresses, operator.address)
    nonces = []
    for each in found:
        if isinstance(each, NonceFault):
            raise ConfigError(each.detail)
        nonces.append(each)
    for start in range(0, len(nonces), PER_TRANSACTION):
        batch = nonces[start : start + PER_TRANSACTION]
        ours = operator.address
        closing = [withdraw_nonce(each.address, ours, ours, each.lamports) for each in batch]
        await operator.carry_out(closing, f"closing nonce accounts {start + 1} to {start + len(batch)}")
    return sum(each.lamports for each in nonces)


__all__ = [
    "Lent",
    "Nonce",
    "NonceFault",
    "NonceFollower",
    "NoncePool",
    "close",
    "create",
    "decode_nonce",
    "find_own",
    "judge_nonce",
    "own_address",
    "read_nonces",
    "rent_of",
]
