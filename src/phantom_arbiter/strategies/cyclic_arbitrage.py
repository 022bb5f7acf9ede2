"""Take every cycle that the scorer lets through, as one transaction that fails unless it pays.

The last hop's minimum output is `amount_in + cost + min_profit`: if the state moved, the transaction fails
as a whole and nothing is lost but the fee.
"""

from dataclasses import dataclass

from phantom_arbiter.domain import Opportunity, Plan


@dataclass(frozen=True, slots=True)
class CyclicArbitrage:
    """Plan a cycle if it earns at least `min_profit` base units of its base mint after costs.

    Attributes:
        min_profit: At least 1, so that a plan never breaks even.
    """

    min_profit: int = 1
    name: str = "cyclic_arbitrage"

    def __post_init__(self) -> None:
        if self.min_profit < 1:
            raise ValueError(f"min_profit: {self.min_profit}, must be at least 1 base unit")

    def on_opportunity(self, opportunity: Opportunity) -> Plan | None:
        """Return the plan for the whole cycle, or `None` if it earns less than `min_profit` after costs."""
        if opportunity.net_profit < self.min_profit:
            return None
        floor = opportunity.amount_in + opportunity.cost + self.min_profit
        return Plan(opportunity=opportunity, strategy=self.name, min_amount_out=floor)
