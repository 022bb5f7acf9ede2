"""A plan as a signed transaction: everything it needs is at hand, nobody is asked.

Followers keep blockhash, nonces, lookup tables and token accounts; the native engine chains the exact amounts
and signs. What is missing or stale is an outcome with its reason, and costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Protocol, cast

import phantom_core
from phantom_arbiter.config_fees import MIN_TIP_LAMPORTS
from phantom_arbiter.domain import Outcome, Plan
from phantom_arbiter.errors import InvalidInput, MarketDataError, SwapRefused
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.execution.blockhash import BlockhashRefused
from phantom_arbiter.execution.chain import Blockhash
from phantom_arbiter.execution.compute_model import MAX_UNITS, UNITS_PER_CREATED
from phantom_arbiter.execution.live import not_sent
from phantom_arbiter.execution.nonces import Lent
from phantom_arbiter.execution.token_accounts import TokenPlan
from phantom_arbiter.swaps import AnyPlan


class Blockhashes(Protocol):
    """Hands out blockhashes."""

    def take(self) -> Blockhash | BlockhashRefused:
        """Return the newest, or why there is none."""
        ...


class Nonces(Protocol):
    """Lends durable nonces."""

    @property
    def free(self) -> int:
        """How many can be lent."""
        ...

    def lend(self) -> Lent | None:
        """Return one that no other attempt has, None if there is none."""
        ...

    def give_back(self, lent: Lent) -> None:
        """Take back one whose transaction has never left the process."""


class Accounts(Protocol):
    """Knows the wallet's token accounts."""

    def plan(self, mints: Sequence[str]) -> TokenPlan:
        """Return what a route through these mints needs."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRules:
    """What every transaction has in common.

    Attributes:
        tip_accounts: Who may be tipped; one is picked for each attempt.
        tips: Whether a tip is paid: not where transactions go to RPC nodes alone.
        max_account_locks: Accounts that a transaction may name.
        dont_front: Address beginning with `jitodontfront` to name in the tip, None for none.
    """

    tip_accounts: tuple[str, ...]
    tips: bool = True
    max_account_locks: int = 64
    dont_front: str | None = None


class CycleBuilder:
    """Builds the transactions of cycles; see `live.Builder`."""

    def __init__(
        self,
        market: phantom_core.Engine,
        signer: phantom_core.Signer,
        rules: BuildRules,
        *,
        blockhashes: Blockhashes,
        accounts: Accounts,
        tables: Callable[[], Sequence[phantom_core.LookupTable]] = tuple,
        nonces: Nonces | None = None,
        gate: Callable[[], str | None] = lambda: None,
        random: Random | None = None,
    ) -> None:
        """Prepare.

        Args:
            market: Whose pools the swaps are built from.
            signer: Who signs and pays.
            rules: What every transaction has in common.
            blockhashes: Where recent blockhashes come from.
            accounts: The wallet's token accounts.
            tables: Lookup tables that may be used now.
            nonces: Durable nonces; None: recent blockhashes are used.
            gate: Says why nothing may be built yet, None if it may.
            random: Picks the tip account.
        """
        self._market, self._signer, self._rules = market, signer, rules
        self._blockhashes, self._accounts, self._tables = blockhashes, accounts, tables
        self._nonces, self._gate = nonces, gate
        self._random = random or Random()

    def obstacle(self) -> str | None:
        """Return why nothing can be built now."""
        closed = self._gate()
        if closed is not None:
            return closed
        if self._nonces is not None:
            return None if self._nonces.free else "no_nonce_free"
        held = self._blockhashes.take()
        return held.reason if isinstance(held, BlockhashRefused) else None

    def build(self, plan: AnyPlan) -> Submission | Outcome:
        """Return the signed transaction, or why it cannot be built."""
        if not isinstance(plan, Plan):
            return not_sent("single_swaps_are_paper_only")
        opportunity = plan.opportunity
        tip = opportunity.tip_lamports if self._rules.tips else 0
        if self._rules.tips and tip < MIN_TIP_LAMPORTS:
            return not_sent(f"tip_below_minimum:{tip}<{MIN_TIP_LAMPORTS}")
        tokens = self._accounts.plan([hop.mint_in for hop in opportunity.hops])
        if tokens.obstacle is not None:
            return not_sent(tokens.obstacle)
        units = opportunity.compute_unit_limit + UNITS_PER_CREATED * len(tokens.creates)
        units = min(MAX_UNITS, units)
        lent: Lent | None = None
        height: int | None = None
        if self._nonces is not None:
            lent = self._nonces.lend()
            if lent is None:
                return not_sent("no_nonce_free")
            blockhash = lent.value
        else:
            held = self._blockhashes.take()
            if isinstance(held, BlockhashRefused):
                return not_sent(held.reason)
            blockhash, height = held.blockhash, held.last_valid_block_height
        try:
            built = self._built(plan, blockhash, lent, tokens, tip, units)
        except (phantom_core.TransactionError, SwapRefused, MarketDataError, InvalidInput) as error:
            if lent is not None and self._nonces is not None:
                self._nonces.give_back(lent)
            return not_sent(_reason(error))
        return Submission(
            signature=built.signature,
            wire=built.wire,
            blockhash=blockhash,
            last_valid_block_height=height,
            nonce_account=None if lent is None else lent.address,
            wallet=self._signer.address,
            base_account=tokens.accounts[plan.base_mint],
            tip_lamports=tip,
            compute_unit_limit=units,
            compute_unit_price_micro_lamports=opportunity.compute_unit_price_micro_lamports,
            accounts_created=tuple((each.address, each.rent_lamports) for each in tokens.creates),
        )

    def discard(self, submission: Submission) -> None:
        """Give a durable nonce back whose transaction never leaves the process."""
        if self._nonces is not None and submission.nonce_account is not None:
            self._nonces.give_back(Lent(submission.nonce_account, submission.blockhash))

    def _built(
        self, plan: Plan, blockhash: str, lent: Lent | None, tokens: TokenPlan, tip: int, units: int
    ) -> phantom_core.BuiltTransaction:
        """Return the transaction with all arrays of the official client, or fewer where it is too large.

        Raises:
            TransactionError, SwapRefused, MarketDataError: As `Engine.build_transaction`.
        """
        opportunity = plan.opportunity
        build = partial(
            self._market.build_transaction,
            cast(phantom_core.Signal, opportunity.native),
            self._signer,
            blockhash=blockhash,
            nonce=None if lent is None else lent.address,
            tables=self._tables(),
            min_amount_out=plan.min_amount_out + _dearer_by(plan, units),
            compute_unit_limit=units,
            compute_unit_price=opportunity.compute_unit_price_micro_lamports,
            tip_lamports=tip,
            tip_account=self._random.choice(self._rules.tip_accounts) if tip else None,
            token_accounts=dict(tokens.accounts),
            create_accounts=[each.mint for each in tokens.creates],
            dont_front=self._rules.dont_front if tip else None,
            max_account_locks=self._rules.max_account_locks,
        )
        try:
            return build(reach="official")
        except phantom_core.TransactionError as error:
            if error.reason not in ("route_too_large", "too_many_account_locks"):
                raise
            return build(reach="needed")


def _dearer_by(plan: Plan, units: int) -> int:
    """Return what asking for so many compute units costs beyond what was planned, base units, rounded up."""
    opportunity = plan.opportunity
    extra_units = units - opportunity.compute_unit_limit
    lamports = -(-extra_units * opportunity.compute_unit_price_micro_lamports // 1_000_000)
    if lamports <= 0 or opportunity.fee_lamports == 0:
        return 0
    return -(-opportunity.cost * lamports // opportunity.fee_lamports)


def _reason(error: Exception) -> str:
    """Return the short name of why a transaction cannot be built, with the details after a colon."""
    other = "invalid_input" if isinstance(error, InvalidInput) else "market_data"
    name = getattr(error, "reason", None) or getattr(error, "name", None) or other
    return f"{name}:{error}"


def tables_of(found: Mapping[str, tuple[str, ...]]) -> list[phantom_core.LookupTable]:
    """Return lookup tables as the native builder takes them."""
    return [phantom_core.LookupTable(address, addresses) for address, addresses in found.items()]


__all__ = ["BuildRules", "CycleBuilder", "tables_of"]
