"""Paper execution: fills at exact quotes on the market that the engine sees.

Models, stated because they decide what a paper profit is worth:

- *Price*: the cycle is quoted again, to the base unit, on the market at the moment of submission, and the
  swaps are applied to it, so the next quote feels them. A recorded write that follows knows nothing of the
  fill and replaces it; the cycle is taken again only after it has closed at recorded prices and opened
  anew.
- *Latency*: none. The fill happens at the slot of the write that gave the opportunity.
- *Competition*: none. Nobody else takes the cycle first.
- *Landing*: every transaction lands. What fails is a plan that asks for more than its quote, or whose quote
  the market no longer gives to the last unit; nothing is applied then.
- *Single swaps* are filled at the pool's exact quote, too, but not applied: the market does not feel them.
- *Costs*: a filled attempt is charged network fee, priority fee and tip in full; a failed one network and
  priority fee, since the tip is an instruction of the same transaction and reverts with it.

Without latency, competition and landing failures the result is an upper bound of what trading would have
earned.
"""

from __future__ import annotations

from typing import cast

import phantom_core
from phantom_arbiter.domain import Fill, Hop, Opportunity, Outcome, OutcomeState
from phantom_arbiter.errors import InvariantError, MarketDataError, SwapRefused
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.native import fill_from_native
from phantom_arbiter.swaps import AnyPlan, SwapPlan


class PaperExecutor:
    """Fills plans on the engine's own market.

    Attributes:
        teaches_fees: False: a paper fill has bid against nobody.
    """

    teaches_fees = False

    def __init__(self, market: phantom_core.Engine) -> None:
        self._market = market

    def obstacle(self) -> None:
        """Return None: on paper nothing is in the way."""

    def prepare(self, plan: AnyPlan) -> None:
        """Return None: on paper there is nothing to sign."""

    def submit(self, plan: AnyPlan, submission: Submission | None = None, slot: int = 0) -> Outcome:
        """Return the fill, to the last unit what the plan says, or a failure with its reason.

        Nothing is applied for a plan that fails.

        Raises:
            InvariantError: The engine filled otherwise than it signalled.
        """
        if isinstance(plan, SwapPlan):
            return self._swap(plan)
        opportunity = plan.opportunity
        if opportunity.amount_out < plan.min_amount_out:
            return _failed(opportunity, f"below_minimum_out:{opportunity.amount_out}<{plan.min_amount_out}")
        try:
            fill = fill_from_native(self._market.take(cast(phantom_core.Signal, opportunity.native)))
        except SwapRefused as error:
            return _failed(opportunity, f"swap_refused:{error.name}")
        except MarketDataError as error:
            return _failed(opportunity, f"market_data:{error}")
        if fill != Fill(opportunity.hops, opportunity.amount_in, opportunity.amount_out):
            raise InvariantError(
                f"opening {opportunity.opening_id}: signalled {opportunity.hops}, filled {fill.hops}"
            )
        return Outcome(OutcomeState.FILLED, None, fill, opportunity.cost)

    def _swap(self, plan: SwapPlan) -> Outcome:
        order = plan.order
        try:
            given = self._market.quote(order.pool, order.mint_in, order.amount_in).amount_out
        except SwapRefused as error:
            return _failed(plan, f"swap_refused:{error.name}")
        except MarketDataError as error:
            return _failed(plan, f"market_data:{error}")
        if given < order.min_amount_out:
            return _failed(plan, f"below_minimum_out:{given}<{order.min_amount_out}")
        hop = Hop(order.pool, order.mint_in, order.mint_out, order.amount_in, given)
        realised = 0 if order.opens else given - plan.basis
        return Outcome(
            OutcomeState.FILLED, None, Fill((hop,), order.amount_in, given), plan.cost, realised=realised
        )

    def resolve(self, plan: AnyPlan) -> Outcome | None:
        """Return that nothing is known: on paper every outcome is known at once."""
        return None


def failure_cost(opportunity: Opportunity | SwapPlan) -> int:
    """Return what a landed but failed transaction costs, base units: the tip's share left out, rounded up."""
    if opportunity.fee_lamports == 0:
        return 0
    kept_lamports = opportunity.network_fee_lamports + opportunity.priority_fee_lamports
    return -(-opportunity.cost * kept_lamports // opportunity.fee_lamports)


def _failed(opportunity: Opportunity | SwapPlan, reason: str) -> Outcome:
    return Outcome(OutcomeState.FAILED, reason, None, failure_cost(opportunity))
