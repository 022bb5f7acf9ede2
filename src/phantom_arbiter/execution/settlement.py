"""From what is certain of a signature to the outcome of its attempt. Pure.

Profit is what the chain says, never what was quoted: the change of the base account, less fee and tip, and
less whatever else left the wallet. Rent of its own accounts is a deposit that comes back: it is journaled
beside them and is no cost. An attempt that never landed cost nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from phantom_arbiter.domain import Fill, Hop, OnChain, Outcome, OutcomeState
from phantom_arbiter.execution.answers import ACCEPTED, DispatchAnswer
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.findings import Facts, Finding, Phase
from phantom_arbiter.swaps import AnyPlan, SwapPlan

WSOL = "So11111111111111111111111111111111111111112"

EXPIRED = "expired"
NONCE_ADVANCED = "nonce_advanced"

LOST_AUCTION = frozenset({ACCEPTED, "tip_below_minimum"})
"""Answers after which not to have landed says something of price and tip."""

NOT_TAKEN = frozenset(
    {
        "rejected",
        "rate_limited",
        "skipped_rate_limit",
        "skipped_busy",
        "connect_failed",
        "tls_failed",
        "redirect_refused",
        "cancelled",
    }
)
"""Answers of a target that did not take it, which say nothing of the transaction itself."""

UNCERTAIN = frozenset({"timeout", "bad_answer", "too_large", "unknown"})
"""No answer, or none that can be read: the target may have taken it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What of a plan is needed to say how its attempt ended, from the plan itself or from its journal row.

    Attributes:
        hops: The swaps as planned.
        base_mint: What `cost` and `basis` are in.
        amount_in: What goes into the first hop.
        min_amount_out: What the last one gives at least if it lands.
        cost: Planned fees in base units.
        fee_lamports: The same in lamports.
        is_swap: A single swap; else a cycle.
        basis: What a single swap that sells had cost.
    """

    hops: tuple[Hop, ...]
    base_mint: str
    amount_in: int
    min_amount_out: int
    cost: int
    fee_lamports: int
    is_swap: bool = False
    basis: int = 0

    @property
    def opens(self) -> bool:
        """Whether it is a single swap that pays base mint."""
        return self.is_swap and self.hops[0].mint_in == self.base_mint

    @property
    def held_mint(self) -> str:
        """Mint that a single swap buys for base mint; empty otherwise."""
        return self.hops[0].mint_out if self.opens else ""


@dataclass(frozen=True, slots=True)
class Unresolved:
    """An attempt whose outcome nobody wrote, with all that is needed to find it out.

    Attributes:
        attempt_id: Its row in the journal.
        run_id: The run that began it.
        booked_slot: The highest slot that was known when it was booked.
        terms: What was planned.
        submission: What was signed; None: nothing was, so nothing can have been sent.
    """

    attempt_id: int
    run_id: int
    booked_slot: int
    terms: Terms
    submission: Submission | None


def terms_of(plan: AnyPlan) -> Terms:
    """Return the terms of a plan."""
    is_swap = isinstance(plan, SwapPlan)
    return Terms(
        hops=plan.hops,
        base_mint=plan.base_mint,
        amount_in=plan.amount_in,
        min_amount_out=plan.min_amount_out,
        cost=plan.cost,
        fee_lamports=plan.fee_lamports,
        is_swap=is_swap,
        basis=plan.basis if isinstance(plan, SwapPlan) else 0,
    )


def outcome_of(
    terms: Terms,
    finding: Finding,
    *,
    has_nonce: bool = False,
    base_is_wallet: bool = False,
    answers: Sequence[DispatchAnswer] = (),
    sends: int = 0,
) -> Outcome:
    """Return how an attempt ended.

    Args:
        terms: What was planned.
        finding: What is certain of its signature.
        has_nonce: Whether it holds a durable nonce instead of a recent blockhash.
        base_is_wallet: Whether the base account is the wallet itself: then its change is the profit.
        answers: What targets said; they only name the reason of an attempt that is proven dead.
        sends: How often it was handed over.

    Raises:
        ValueError: The finding is not certain.
    """
    if not finding.is_certain:
        raise ValueError(f"no outcome of an attempt that is {finding.phase}")
    if finding.phase is Phase.DEAD or finding.facts is None:
        reason, landed = _death(NONCE_ADVANCED if has_nonce else EXPIRED, answers)
        return Outcome(OutcomeState.FAILED, reason, None, 0, landed=landed, is_dead=True, sends=sends)
    facts, chain = finding.facts, finding.facts.chain
    lamports = chain.fee_lamports + chain.tip_lamports
    if not base_is_wallet:
        # Such as the rent of accounts of others that a program made us create.
        lamports += max(0, -chain.wallet_change_lamports - lamports - chain.rent_lamports)
    cost = cost_in_base(terms, lamports)
    if facts.error is not None:
        reason = f"landed_failed:{facts.error}"
        return Outcome(OutcomeState.FAILED, reason, None, cost, landed=True, chain=chain, sends=sends)
    fill, realised = _fill(terms, facts)
    return Outcome(OutcomeState.FILLED, None, fill, cost, realised, landed=True, chain=chain, sends=sends)


def cost_in_base(terms: Terms, lamports: int) -> int:
    """Return lamports in base units at the rate of the plan's own fees, rounded up.

    Without fees nothing tells a rate: then it is the planned cost.
    """
    if terms.base_mint == WSOL:
        return lamports
    if terms.fee_lamports == 0:
        return terms.cost
    return -(-terms.cost * lamports // terms.fee_lamports)


def _fill(terms: Terms, facts: Facts) -> tuple[Fill, int | None]:
    """Return the swaps with what the balances say, and what a single swap realised.

    Where an endpoint does not tell balances it is the least that the transaction could give: it would have
    failed below that.
    """
    chain: OnChain = facts.chain
    least, paid = terms.min_amount_out, terms.amount_in
    if terms.opens:
        given = least if chain.held_change is None else chain.held_change
        paid = paid if chain.base_change is None else -chain.base_change
    elif terms.is_swap:
        given = least if chain.base_change is None else chain.base_change
    else:
        given = least if chain.base_change is None else paid + chain.base_change
    hops = (*terms.hops[:-1], replace(terms.hops[-1], amount_out=given))
    if terms.opens:
        hops = (replace(hops[0], amount_in=paid),)
    realised = None
    if terms.is_swap:
        realised = 0 if terms.opens else given - terms.basis
    return Fill(hops, paid, given), realised


def _death(why: str, answers: Sequence[DispatchAnswer]) -> tuple[str, bool | None]:
    """Return the reason of an attempt that never landed, and what that says of price and tip."""
    kinds = [answer.kind for answer in answers]
    if ACCEPTED in kinds:
        return why, False
    named = [kind for kind in kinds if kind not in NOT_TAKEN | UNCERTAIN]
    if named:
        return named[0], False if named[0] in LOST_AUCTION else None
    if kinds and not UNCERTAIN.intersection(kinds):
        return f"not_accepted:{kinds[0]}", None
    return why, None
