"""Take every cycle that the scorer lets through, as one transaction that fails unless it pays."""

from dataclasses import dataclass
from typing import ClassVar

from phantom_arbiter.domain import Opportunity, Plan
from phantom_arbiter.strategies.base import Passive, atomic_plan


@dataclass(frozen=True, slots=True)
class CyclicArbitrage(Passive):
    """Plan a cycle if it earns at least `min_profit` base units of its base mint after costs.

    Attributes:
        min_profit: At least 1, so that a plan never breaks even.
    """

    min_profit: int = 1

    name: ClassVar[str] = "cyclic_arbitrage"

    def __post_init__(self) -> None:
        if self.min_profit < 1:
            raise ValueError(f"min_profit: {self.min_profit}, must be at least 1 base unit")

    def on_opportunity(self, opportunity: Opportunity) -> Plan | None:
        """Return the plan for the whole cycle, or `None` if it earns less than `min_profit` after costs."""
        return atomic_plan(opportunity, strategy=self.name, min_profit=self.min_profit)
