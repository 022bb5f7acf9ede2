"""What every executor is, and what a live one is put together from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from phantom_arbiter.domain import Outcome
from phantom_arbiter.swaps import AnyPlan


@dataclass(frozen=True, slots=True)
class Submission:
    """A signed transaction, before it is sent. Whoever holds these bytes can land it, once.

    Attributes:
        signature: Its first signature, base58: the name under which the chain knows it.
        wire: The serialised transaction, at most 1,232 bytes.
        blockhash: Recent blockhash, or the value of the durable nonce, base58.
        last_valid_block_height: Above this block height it can never land; None with a durable nonce.
        nonce_account: The durable nonce that it advances, base58; None with a recent blockhash.
        wallet: Who signed and pays, base58.
        base_account: The token account whose change of balance is the gross profit, base58.
        tip_lamports: What it pays the block engine.
        compute_unit_limit: Compute units asked for.
        compute_unit_price_micro_lamports: Offered for each.
        accounts_created: Token accounts that it creates, with the rent that each costs, lamports.
    """

    signature: str
    wire: bytes = field(repr=False)
    blockhash: str
    last_valid_block_height: int | None
    nonce_account: str | None
    wallet: str
    base_account: str
    tip_lamports: int
    compute_unit_limit: int
    compute_unit_price_micro_lamports: int
    accounts_created: tuple[tuple[str, int], ...] = ()


class Executor(Protocol):
    """Carries out one plan, in two steps with the journal's intent between them."""

    @property
    def teaches_fees(self) -> bool:
        """Whether its outcomes are evidence about auctions for a place: see `Outcome.landed`."""
        ...

    def obstacle(self) -> str | None:
        """Return why nothing can be sent now, a short stable name, whatever the plan; None if it can."""
        ...

    def prepare(self, plan: AnyPlan) -> Submission | Outcome | None:
        """Build and sign what `submit` is to send, and try it where that is asked for.

        Nothing leaves the process. An outcome says why there is nothing to send; None: there is nothing to
        sign, as on paper.
        """
        ...

    def submit(self, plan: AnyPlan, submission: Submission | None, slot: int) -> Outcome | None:
        """Carry out what `prepare` gave; the journal holds the intent, and the signature if there is one.

        `slot` is the one at which it was booked: the highest known, never behind the plan's own.
        Returns how the attempt ended, or None while it is under way: then `resolve` is asked. A failed
        attempt is an outcome, not an exception.

        Raises:
            OutcomeUnknown: It may have landed or may still; it stays at risk, and `resolve` is asked.
        """
        ...

    def resolve(self, plan: AnyPlan) -> Outcome | None:
        """Return how an attempt that was under way has ended; None if that is still not known."""
        ...
