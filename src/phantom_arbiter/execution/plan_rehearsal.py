"""A plan's transaction, rehearsed against what was quoted; see `live.Rehearsing`.

Rehearsed is on the states that the quote was made of, so a failure does not mean that the market has moved:
it means that a quote, a state of the wallet, or a program is not what we take it for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from phantom_arbiter.execution.admin import LAMPORTS_PER_SIGNATURE
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.error_names import error_name
from phantom_arbiter.execution.rehearsal import Rehearsal
from phantom_arbiter.execution.rehearsed import Expected, ExpectedHop, Kind, Rehearsed
from phantom_arbiter.swaps import AnyPlan


class PoolFacts(Protocol):
    """What is known of a pool: its venue and its program."""

    @property
    def venue(self) -> str:
        """Its venue, as `phantom venues` names it."""
        ...

    @property
    def program(self) -> str:
        """The program that owns it."""
        ...


@dataclass(frozen=True, slots=True)
class Tried:
    """How a rehearsal went, in one word; None: as planned."""

    failure: str | None


class PlanRehearsal:
    """Rehearses what a builder has made of plans."""

    def __init__(
        self,
        rehearsal: Rehearsal,
        pool: Callable[[str], PoolFacts],
        account: Callable[[str], str],
        *,
        missing: Callable[[Sequence[str]], None],
        learn: Callable[[Rehearsed], None] = lambda rehearsed: None,
        crossings: Callable[[str, str, int], int] = lambda pool, mint_in, amount_in: 0,
    ) -> None:
        """Prepare.

        Args:
            rehearsal: The machine.
            pool: Tells of a pool by its address.
            account: Tells the wallet's token account of a mint.
            missing: Told of accounts of which nothing is known, for whoever may read them.
            learn: Told of every rehearsal that was run.
            crossings: Tells how many ticks or bins a swap crosses, of pool, mint and input
                (`Engine.crossings`).
        """
        self._rehearsal, self._pool, self._account = rehearsal, pool, account
        self._missing, self._learn, self._crossings = missing, learn, crossings

    def rehearse(self, submission: Submission, plan: AnyPlan) -> Tried:
        """Return how the very transaction went on the states that are known now."""
        expected = self._expected(submission, plan)
        rehearsed = self._rehearsal.rehearse(submission.wire, expected)
        match rehearsed.kind:
            case Kind.NO_PROGRAM:
                return Tried(f"no_program:{rehearsed.missing_programs[0]}")
            case Kind.NO_ACCOUNT:
                self._missing(rehearsed.missing_accounts)
                return Tried(f"no_account:{rehearsed.missing_accounts[0]}")
        self._learn(rehearsed)
        if rehearsed.kind is Kind.FAILED:
            if rehearsed.is_out_of_units:
                # What it would have used is learned, or the next attempt asked for as little.
                full = self._rehearsal.rehearse_with_all_units(submission.wire, expected)
                self._learn(full)
            programs = [each.program for each in rehearsed.instructions]
            return Tried(error_name(rehearsed.error, rehearsed.logs, programs))
        if not rehearsed.agrees:
            return Tried("disagrees_with_the_quote")
        lost = unplanned_lamports(submission, rehearsed)
        return Tried(f"unplanned_lamports:{lost}" if lost > 0 else None)

    def _expected(self, submission: Submission, plan: AnyPlan) -> Expected:
        hops = []
        for hop in plan.hops:
            facts = self._pool(hop.pool)
            hops.append(
                ExpectedHop(
                    pool=hop.pool,
                    venue=facts.venue,
                    program=facts.program,
                    account_in=self._account(hop.mint_in),
                    account_out=self._account(hop.mint_out),
                    amount_in=hop.amount_in,
                    amount_out=hop.amount_out,
                    crossings=self._crossings(hop.pool, hop.mint_in, hop.amount_in),
                )
            )
        return Expected(tuple(hops), submission.base_account)


def unplanned_lamports(submission: Submission, rehearsed: Rehearsed) -> int:
    """Return what the wallet paid besides fee, tip and rent of its own accounts; below 0 if less.

    A program may make the payer create accounts of others, whose rent never comes back to it.
    """
    if submission.base_account == submission.wallet:
        return 0
    units, price = submission.compute_unit_limit, submission.compute_unit_price_micro_lamports
    planned = LAMPORTS_PER_SIGNATURE - (-units * price // 1_000_000) + submission.tip_lamports
    for account, rent in submission.accounts_created:
        held = rehearsed.accounts.get(account)
        planned += max(0, rent - (0 if held is None else held.lamports))
    return rehearsed.lamports_before - rehearsed.lamports_after - planned


__all__ = ["PlanRehearsal", "PoolFacts", "Tried", "unplanned_lamports"]
