"""What the loop tells the fee engine: whose fees matter, and what became of bids.

The native engine asks the same fee engine when it prices a candidate; `fee_feed` brings it what the chain
tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import phantom_core
from phantom_arbiter.domain import Outcome, OutcomeState, Plan
from phantom_arbiter.swaps import AnyPlan

if TYPE_CHECKING:
    from phantom_arbiter.config import Config

MAX_ACCOUNTS = 16
"""Accounts whose fees are asked for: about those of the last few signals."""

QUORUM_FROM = 3
"""Endpoints from which on two have to speak of a slot: with fewer one failure would leave nothing."""


def fee_quorum(endpoints: int) -> int:
    """Return how many of so many endpoints have to speak of a slot before it counts."""
    return 2 if endpoints >= QUORUM_FROM else 1


def fee_engine(config: Config) -> phantom_core.FeeEngine | None:
    """Return a fee engine that knows nothing yet, as the settings mean it; None with fixed fees.

    While it knows nothing it names what `[costs]` says.

    Raises:
        InvalidInput: A setting is out of its range.
    """
    fees, costs = config.fees, config.costs
    if fees.mode == "fixed":
        return None
    return phantom_core.FeeEngine(
        quorum=fee_quorum(sum(each.http_url is not None for each in config.endpoints)),
        cold_price=costs.compute_unit_price_micro_lamports,
        max_price=fees.max_price_micro_lamports,
        cold_compute_unit_limit=costs.compute_unit_limit,
        cold_tip_lamports=costs.tip_lamports,
        max_tip_lamports=fees.max_tip_lamports,
        max_tip_share_bps=round(fees.max_tip_share * 10_000),
    )


class FeeDesk:
    """Remembers the accounts of recent signals, and passes on how attempts ended."""

    def __init__(self, engine: phantom_core.FeeEngine, percentile: float) -> None:
        """Prepare.

        Args:
            engine: The fee engine that prices candidates.
            percentile: What prices are asked for with.
        """
        self.engine = engine
        self._percentile = percentile
        self._accounts: dict[str, None] = {}

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts of recent signals, at most `MAX_ACCOUNTS`, the latest first, pools before vaults."""
        return tuple(reversed(self._accounts))

    def signalled(self, accounts: Sequence[str]) -> None:
        """Take notice of a signal that was priced by `accounts`."""
        for account in reversed(accounts[:MAX_ACCOUNTS]):
            self._accounts.pop(account, None)
            self._accounts[account] = None
        while len(self._accounts) > MAX_ACCOUNTS:
            del self._accounts[next(iter(self._accounts))]

    def settled(self, plan: AnyPlan, outcome: Outcome) -> bool:
        """Learn from an attempt that was sent; return whether it taught anything.

        With a tip the tip was the bid, without one the compute unit price. Single swaps pay what the
        settings say, so they teach nothing.
        """
        landed = True if outcome.state is OutcomeState.FILLED else outcome.landed
        if not isinstance(plan, Plan) or landed is None:
            return False
        # A signal's slot may be ahead of the last that the feed told: the attempt is new then.
        slot = min(plan.slot, self.engine.now)
        bid = plan.opportunity
        if bid.tip_lamports > 0:
            return self.engine.observe_tip(slot=slot, tip_lamports=bid.tip_lamports, landed=landed)
        price = bid.compute_unit_price_micro_lamports
        return self.engine.observe_priority(
            slot=slot, percentile=self._percentile, estimated_price=price, paid_price=price, landed=landed
        )


__all__ = ["MAX_ACCOUNTS", "FeeDesk", "fee_engine", "fee_quorum"]
