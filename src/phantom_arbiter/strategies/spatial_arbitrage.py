"""Take what two pools of one pair differ by, and nothing longer.

Two hops need fewer compute units, write fewer accounts and are outdated less often than three; who trades
little may want only these.
"""

from dataclasses import dataclass
from typing import ClassVar

from phantom_arbiter.domain import Opportunity, Plan
from phantom_arbiter.strategies.base import Passive, atomic_plan


@dataclass(frozen=True, slots=True)
class SpatialArbitrage(Passive):
    """Plan a cycle through exactly two pools if it earns enough after costs.

    Attributes:
        min_profit: Base units of the base mint, after costs; at least 1.
        min_net_bps: Profit after costs in 1/10,000 of the input.
        mints: Only pairs of two of these; empty for all.
    """

    min_profit: int = 1
    min_net_bps: float = 0.0
    mints: tuple[str, ...] = ()

    name: ClassVar[str] = "spatial_arbitrage"

    def __post_init__(self) -> None:
        if self.min_profit < 1:
            raise ValueError(f"min_profit: {self.min_profit}, must be at least 1 base unit")
        if not 0 <= self.min_net_bps <= 10_000:
            raise ValueError(f"min_net_bps: {self.min_net_bps}, must be 0 to 10000")

    def on_opportunity(self, opportunity: Opportunity) -> Plan | None:
        """Return the plan, or `None` for longer cycles, other pairs and too little profit."""
        if len(opportunity.hops) != 2:
            return None
        pair = {opportunity.hops[0].mint_in, opportunity.hops[0].mint_out}
        if self.mints and not pair <= set(self.mints):
            return None
        if opportunity.net_profit * 10_000 < self.min_net_bps * opportunity.amount_in:
            return None
        return atomic_plan(opportunity, strategy=self.name, min_profit=self.min_profit)
