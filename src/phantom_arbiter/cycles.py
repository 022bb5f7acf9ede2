"""Which cycles of a market pay, and how many are left after each look: spot, fees, exact sizing, costs.

The one idea: a price is a promise of the first unit. Every cycle that pays at spot prices is followed until
something stops it; what is left has an exact profit that repeats to the unit. Inputs are bounded by the pools
alone: whoever trades has a wallet besides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from phantom_core import Market, MarketCycle, Sized

LARGEST_INPUT = 2**63 - 1
"""No wallet bounds what is looked at here; amounts stay within what the journal holds."""

REPORT_EVERY = 64
"""Cycles between two reports of progress."""

OnProgress = Callable[[int, int], None]


class Stop(StrEnum):
    """What keeps a cycle that pays at the margin from being worth a transaction; in the scorer's words."""

    BELOW_MIN_PROFIT = "below_min_profit"
    COSTS_EXCEED_PROFIT = "costs_exceed_profit"
    NO_COST_PRICE = "no_cost_price"
    NO_PROFIT_AFTER_SIZING = "no_profit_after_sizing"


@dataclass(frozen=True, slots=True)
class Fees:
    """What one attempt costs, in lamports."""

    network: int
    priority: int
    tip: int

    @property
    def total(self) -> int:
        """All three."""
        return self.network + self.priority + self.tip


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of a market.

    Attributes:
        max_hops: Longest cycle, 2 to 4.
        preferred: Mints to start from where a cycle holds one, best first; else its first mint.
        required: Mints to start from, best first; a cycle that holds none is left out. Wins over `preferred`.
        through: Only cycles that trade this mint; None for all.
        min_profit_lamports: Least profit after costs.
        fees: What one attempt costs.
    """

    max_hops: int
    fees: Fees
    preferred: Sequence[str] = ()
    required: Sequence[str] = ()
    through: str | None = None
    min_profit_lamports: int = 0


@dataclass(frozen=True, slots=True)
class FoundCycle:
    """A cycle that pays at the margin; amounts are base units of the mint that it starts and ends with.

    Attributes:
        cycle: Its hops, begun at `base_mint`.
        sized: The input that pays best; None if none gains a unit.
        cost: The fees of one attempt, rounded up; None if they cannot be valued in `base_mint`.
        net_lamports: Profit after costs at the price at which the costs are paid, rounded down; for ranking.
        stop: Why it is not worth a transaction; None if it is.
    """

    cycle: MarketCycle
    sized: Sized | None
    cost: int | None
    net_lamports: int | None
    stop: Stop | None

    @property
    def base_mint(self) -> str:
        """The mint of input and profit."""
        return self.cycle.mints[0]

    @property
    def net_profit(self) -> int | None:
        """Exact profit less costs; None if one of them is not known."""
        if self.sized is None or self.cost is None:
            return None
        return self.sized.gross_profit - self.cost

    @property
    def spot_gain_bps(self) -> float:
        """What spot prices promise for the first unit, before fees, in 1/10,000."""
        return _gain_bps(self.cycle.gross_weight)

    @property
    def margin_bps(self) -> float:
        """What the first unit gains after the pools' fees, in 1/10,000."""
        return _gain_bps(self.cycle.net_weight)


def _gain_bps(weight: float) -> float:
    return math.expm1(-weight) * 1e4


@dataclass(frozen=True, slots=True)
class Stages:
    """How many cycles are left after each look; the last two are equal if no least profit is asked."""

    spot: int
    after_fees: int
    after_sizing: int
    after_costs: int
    after_min_profit: int


@dataclass(frozen=True, slots=True)
class Survey:
    """Every cycle that pays at the margin after fees.

    Those worth a transaction come first, best first; the rest follow by how far they came.
    """

    query: Query
    stages: Stages
    found: tuple[FoundCycle, ...]

    @property
    def paying(self) -> tuple[FoundCycle, ...]:
        """Those that nothing stops."""
        return self.found[: self.stages.after_min_profit]


def survey(market: Market, query: Query, on_progress: OnProgress | None = None) -> Survey:
    """Return what is there of what the spot prices promise.

    Args:
        market: What there is.
        query: What is asked of it.
        on_progress: Told how many of how many cycles have been sized.

    Raises:
        InvalidInput: `query` holds a value that the market refuses.
    """
    promised = [
        started
        for cycle in market.cycles(query.max_hops, before_fees=True)
        if (started := _started(cycle, query)) is not None
    ]
    paying = [cycle for cycle in promised if cycle.net_weight < 0]
    found = []
    for done, cycle in enumerate(paying, start=1):
        found.append(_followed(market, cycle, query))
        if on_progress is not None and (done % REPORT_EVERY == 0 or done == len(paying)):
            on_progress(done, len(paying))
    found.sort(key=_rank)
    stops = [one.stop for one in found]
    stages = Stages(
        spot=len(promised),
        after_fees=len(found),
        after_sizing=len(found) - stops.count(Stop.NO_PROFIT_AFTER_SIZING),
        after_costs=stops.count(None) + stops.count(Stop.BELOW_MIN_PROFIT),
        after_min_profit=stops.count(None),
    )
    return Survey(query, stages, tuple(found))


def _started(cycle: MarketCycle, query: Query) -> MarketCycle | None:
    """Return the cycle begun where the query wants it; None if it is not asked for."""
    mints = cycle.mints
    if query.through is not None and query.through not in mints:
        return None
    start = next((mint for mint in query.required or query.preferred if mint in mints), None)
    if start is None:
        return None if query.required else cycle
    return cycle.starting_at(start)


def _followed(market: Market, cycle: MarketCycle, query: Query) -> FoundCycle:
    base, fees = cycle.mints[0], query.fees.total
    sized = market.size(cycle, LARGEST_INPUT)
    cost = market.lamports_in(base, fees)
    if sized is None:
        return FoundCycle(cycle, None, cost, None, Stop.NO_PROFIT_AFTER_SIZING)
    if cost is None:
        return FoundCycle(cycle, sized, None, None, Stop.NO_COST_PRICE)
    net = sized.gross_profit - cost
    # By proportion: the price of a larger amount may be another, but ranks need no more.
    net_lamports = net * fees // cost
    stop = None
    if net <= 0:
        stop = Stop.COSTS_EXCEED_PROFIT
    elif query.min_profit_lamports:
        least = market.lamports_in(base, query.min_profit_lamports)
        stop = Stop.BELOW_MIN_PROFIT if least is None or net < least else None
    return FoundCycle(cycle, sized, cost, net_lamports, stop)


_STOPS = (None, *Stop)


def _rank(found: FoundCycle) -> tuple[int, float]:
    worth = found.margin_bps if found.net_lamports is None else found.net_lamports
    return _STOPS.index(found.stop), -worth
