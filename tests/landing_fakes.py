"""A chain that answers as told, one endpoint at a time, and transactions to look for in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from phantom_arbiter.domain import OnChain
from phantom_arbiter.errors import EndpointDown
from phantom_arbiter.execution.balances import Expected
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.findings import Facts
from phantom_arbiter.execution.witnesses import Head, Statuses
from shell_fakes import WSOL

BOOKED = 1_000
LAST = 2_000


def submission(signature: str = "sig", *, nonce_account: str | None = None) -> Submission:
    """Return a transaction that may land up to height `LAST`, or with a durable nonce."""
    return Submission(
        signature=signature,
        wire=b"wire of " + signature.encode(),
        blockhash="nonce-1" if nonce_account else "hash",
        last_valid_block_height=None if nonce_account else LAST,
        nonce_account=nonce_account,
        wallet="wallet",
        base_account="wallet",
        tip_lamports=10_000,
        compute_unit_limit=100_000,
        compute_unit_price_micro_lamports=0,
    )


def expected(signature: str = "sig", *, nonce_account: str | None = None) -> Expected:
    return Expected(submission(signature, nonce_account=nonce_account), WSOL)


def facts(slot: int = BOOKED + 2, gain: int = 500, error: str | None = None) -> Facts:
    """Return what a transaction that gained so much says of itself."""
    tip = 0 if error else 10_000
    change = -5_000 if error else gain - 5_000 - tip
    return Facts(OnChain(slot, 7, 5_000, tip, 0, 300, change, 0 if error else gain), error)


@dataclass
class Node:
    """One endpoint: what it knows, and what it has been asked."""

    head: Head = field(default_factory=lambda: Head(BOOKED, LAST - 140))
    slot: int = BOOKED + 1
    status: dict[str, bool] = field(default_factory=dict)
    history: dict[str, bool] = field(default_factory=dict)
    landed: dict[str, Facts] = field(default_factory=dict)
    is_blockhash_valid: bool = True
    nonce: str | None = "nonce-1"
    first_slot: int = 0
    is_down: bool = False
    asked: list[str] = field(default_factory=list)

    def lands(self, signature: str, what: Facts) -> None:
        """Know that it landed, at `confirmed`."""
        self.status[signature] = True
        self.landed[signature] = what

    def passes(self, height: int = LAST + 1) -> None:
        """Finalize a block at a height; blockhashes of before `LAST` are over then."""
        self.head = Head(BOOKED + height - LAST + 200, height)
        self.slot = self.head.slot + 32
        self.is_blockhash_valid = False


class FakeChain:
    """Endpoints `a`, `b`, … as told."""

    def __init__(self, count: int = 1) -> None:
        self.nodes = {chr(ord("a") + index): Node() for index in range(count)}

    @property
    def endpoints(self) -> Sequence[str]:
        return list(self.nodes)

    def _asked(self, endpoint: str, what: str) -> Node:
        node = self.nodes[endpoint]
        if node.is_down:
            raise EndpointDown(endpoint, "is down")
        node.asked.append(what)
        return node

    async def head(self, endpoint: str) -> Head:
        return self._asked(endpoint, "head").head

    async def statuses(self, endpoint: str, signatures: Sequence[str], *, history: bool) -> Statuses:
        node = self._asked(endpoint, "history" if history else "statuses")
        known = {**node.history, **node.status} if history else node.status
        return Statuses(node.slot, tuple(known.get(each) for each in signatures))

    async def is_blockhash_valid(self, endpoint: str, blockhash: str, min_slot: int) -> bool:
        return self._asked(endpoint, "blockhash").is_blockhash_valid

    async def nonce(self, endpoint: str, account: str, min_slot: int) -> tuple[int, str | None]:
        node = self._asked(endpoint, "nonce")
        return max(min_slot, node.head.slot), node.nonce

    async def first_slot(self, endpoint: str) -> int:
        return self._asked(endpoint, "first").first_slot

    async def transaction(self, endpoint: str, expected: Expected) -> Facts | None:
        return self._asked(endpoint, "transaction").landed.get(expected.submission.signature)
