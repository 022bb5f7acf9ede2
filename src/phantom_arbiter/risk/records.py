"""What risk is told and what it keeps of an attempt: frozen values, whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from phantom_arbiter.domain import Outcome, OutcomeState
from phantom_arbiter.swaps import AnyPlan, SwapPlan


@dataclass(frozen=True, slots=True)
class Reference:
    """What another pool says of a hop's price: `amount_in` of its input is worth `amount_out`.

    Base units, before fees, at the margin.
    """

    pool: str
    amount_in: int
    amount_out: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What the engine loop knows of the world at the moment of a plan.

    Attributes:
        killed: Whether the kill switch is on: its file is there, or the signal was given.
        market_age_slots: How old the oldest state is that the plan's pools are quoted from; `None` if
            nothing tells.
        venues: Venue of each hop's pool; empty if nobody asks.
        references: A second opinion on each hop, `None` where there is no other pool of the pair; empty if
            nobody asks.
        offered: False if the plan is not about what the strategy was shown.
    """

    killed: bool = False
    market_age_slots: int | None = None
    venues: tuple[str, ...] = ()
    references: tuple[Reference | None, ...] = ()
    offered: bool = True


NOTHING_KNOWN = Facts()


@dataclass(frozen=True, slots=True)
class Booked:
    """An attempt that was let through, as it counts.

    Attributes:
        key: Names it until its outcome is known.
        slot: The highest slot that risk had seen.
        strategy: Who asked.
        mint: Base mint: `stake`, `max_loss` are base units of it.
        route: What rests after it.
        stake: Input that is out until the outcome is known; also what counts towards the day.
        max_loss: The most that it can lose.
        fee_lamports: All fees.
        value_lamports: Input in lamports, at the rate of its own fees, rounded up; `None` if not known.
        venues: The distinct venues it goes through.
        held_mint: For a single swap, the mint of the position; else empty.
        sells: Amount of `held_mint` that it sells; 0 if it buys.
        basis: What that amount had cost.
        exit_cost: Part of `max_loss` that is set aside for the fees of selling what it buys.
    """

    key: str
    slot: int
    strategy: str
    mint: str
    route: str
    stake: int
    max_loss: int
    fee_lamports: int
    value_lamports: int | None
    venues: tuple[str, ...]
    held_mint: str = ""
    sells: int = 0
    basis: int = 0
    exit_cost: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """What an outcome means to risk: base units of the attempt's mint; `bought` of its held mint."""

    failed: bool
    net_profit: int
    bought: int = 0


def value_lamports(plan: AnyPlan) -> int | None:
    """Return the plan's input in lamports, at the rate at which its own fees were valued, rounded up.

    `None` if it has no fees to tell the rate. Closing a position puts nothing new at risk: 0.
    """
    if plan.stake == 0:
        return 0
    if plan.cost == 0 or plan.fee_lamports == 0:
        return None
    return -(-plan.stake * plan.fee_lamports // plan.cost)


def booked(plan: AnyPlan, venues: tuple[str, ...], slot: int) -> Booked:
    """Return the plan as it counts from `slot` on."""
    swap = plan.order if isinstance(plan, SwapPlan) else None
    return Booked(
        key=plan.key,
        slot=slot,
        strategy=plan.strategy,
        mint=plan.base_mint,
        route=plan.route,
        stake=plan.stake,
        max_loss=plan.max_loss,
        fee_lamports=plan.fee_lamports,
        value_lamports=value_lamports(plan),
        venues=tuple(sorted(set(venues))),
        held_mint=swap.held_mint if swap else "",
        sells=swap.amount_in if swap and not swap.opens else 0,
        basis=plan.basis if isinstance(plan, SwapPlan) else 0,
        exit_cost=plan.cost if swap and swap.opens else 0,
    )


def result(plan: AnyPlan, outcome: Outcome) -> Result:
    """Return what `outcome` of `plan` means."""
    bought = 0
    if isinstance(plan, SwapPlan) and plan.order.opens and outcome.fill is not None:
        bought = outcome.fill.amount_out
    return Result(outcome.state is OutcomeState.FAILED, outcome.net_profit, bought)


def summed(sums: Mapping[str, int], key: str, amount: int) -> dict[str, int]:
    """Return `sums` with `amount` added under `key`; entries that come to nothing are left out."""
    changed = dict(sums)
    changed[key] = changed.get(key, 0) + amount
    if not changed[key]:
        del changed[key]
    return changed
