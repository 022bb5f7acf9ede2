"""What every strategy is: frozen values in, a plan or nothing out. `docs/STRATEGIES.md` is the guide."""

from __future__ import annotations

from typing import Protocol

from phantom_arbiter.domain import Opportunity, Outcome, Plan
from phantom_arbiter.swaps import AnyPlan, SwapOrder, Tick


class Strategy(Protocol):
    """Decides what to do with what the engine shows it.

    A strategy sees frozen values and performs no I/O, so that a replay of one recording gives one journal.
    It decides in far less than a millisecond: the engine waits. See `strategy_runner` for what happens to
    one that raises or dawdles.
    """

    @property
    def name(self) -> str:
        """Short stable name; it is written into the journal."""
        ...

    @property
    def pools(self) -> tuple[str, ...]:
        """Addresses of the pools it wants ticks of; empty for no ticks."""
        ...

    def on_opportunity(self, opportunity: Opportunity) -> Plan | None:
        """Return what to do with a cycle, or `None` to let it pass."""
        ...

    def on_tick(self, tick: Tick) -> SwapOrder | None:
        """Return a swap that the prices call for, or `None`."""
        ...

    def on_outcome(self, plan: AnyPlan, outcome: Outcome) -> None:
        """Hear how a plan of its own ended."""


class Passive:
    """Every hook of a strategy, doing nothing: a class of one's own overrides what it needs."""

    __slots__ = ()

    pools: tuple[str, ...] = ()

    def on_opportunity(self, opportunity: Opportunity) -> Plan | None:
        """Let every cycle pass."""
        return None

    def on_tick(self, tick: Tick) -> SwapOrder | None:
        """Ask for no swap."""
        return None

    def on_outcome(self, plan: AnyPlan, outcome: Outcome) -> None:
        """Take no notice."""


def atomic_plan(opportunity: Opportunity, *, strategy: str, min_profit: int = 1) -> Plan | None:
    """Return the plan that takes the whole cycle and fails unless it earns `min_profit` after costs.

    The last hop's minimum output is `amount_in + cost + min_profit`: if the state moved, the transaction
    fails as a whole and nothing is lost but the fee. `None` if the quote itself earns less.

    Args:
        opportunity: The cycle.
        strategy: Name of the strategy that asks.
        min_profit: Base units of the base mint.
    """
    if opportunity.net_profit < min_profit:
        return None
    floor = opportunity.amount_in + opportunity.cost + min_profit
    return Plan(opportunity=opportunity, strategy=strategy, min_amount_out=floor)
