"""The words of strategies that look at prices: ticks in, orders of single swaps out, positions between them.

Frozen values like those of `domain`. A position is what a strategy bought and has not sold again: an amount
of one mint, and what it cost in the base mint. A single swap is not atomic with its way back, so until the
position is closed everything that was paid for it counts as exposed, and as what may be lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from phantom_arbiter.domain import Hop, Plan, route_of

MAX_TICK_POOLS = 64
"""Pools one strategy may have ticks of."""


@dataclass(frozen=True, slots=True)
class PoolPrice:
    """One pool as it stood at a tick.

    Attributes:
        pool: Its address.
        venue: Its venue, as `phantom venues` names it.
        mint_a: One mint.
        mint_b: The other.
        rate: Base units of B for one base unit of A at the margin, before fees; above 0.
        fee_rate_e9: Fee on a small swap of A, and of B, in 1e-9 of the amount.
        depth: Base units of A and B to trade with: reserves, or what lies within 2 % of the price.
        slot: Slot of the last write that changed it.
    """

    pool: str
    venue: str
    mint_a: str
    mint_b: str
    rate: float
    fee_rate_e9: tuple[int, int]
    depth: tuple[int, int]
    slot: int

    def rate_of(self, mint: str) -> float:
        """Return base units of the other mint for one base unit of `mint`.

        Raises:
            ValueError: The pool does not trade `mint`.
        """
        if mint == self.mint_a:
            return self.rate
        if mint == self.mint_b:
            return 1 / self.rate
        raise ValueError(f"pool {self.pool} does not trade {mint}")


@dataclass(frozen=True, slots=True)
class Position:
    """What was bought and not sold again: `amount` base units of `mint` for `basis` of `base_mint`.

    `basis` holds no fees: they were charged when they were paid. `exit_cost`, in base units of `base_mint`,
    is set aside for the fees of closing.
    """

    base_mint: str
    mint: str
    amount: int
    basis: int
    exit_cost: int = 0


@dataclass(frozen=True, slots=True)
class Tick:
    """What a strategy that asked for ticks sees, at most once a slot.

    Attributes:
        slot: The newest slot seen.
        prices: The pools it asked for that can be traded, by address.
        changed: Those of them whose price is not that of the last tick.
        costs: What one transaction costs by base mint, in its base units: fees and tip, rounded up. A mint
            that cannot be valued in lamports is left out.
        positions: What the strategy holds, as the engine has it from the outcomes.
    """

    slot: int
    prices: Mapping[str, PoolPrice]
    changed: frozenset[str]
    costs: Mapping[str, int]
    positions: tuple[Position, ...] = ()


@dataclass(frozen=True, slots=True)
class SwapOrder:
    """One swap in one pool, as a strategy wants it.

    It opens (or adds to) a position if `base_mint` is `mint_in`, and closes one if it is `mint_out`.

    Attributes:
        strategy: Name of the strategy that asks.
        pool: The pool.
        mint_in: What is paid.
        mint_out: What is wanted.
        amount_in: Base units of `mint_in`.
        min_amount_out: Below it the transaction fails.
        base_mint: The mint the position is accounted in.
    """

    strategy: str
    pool: str
    mint_in: str
    mint_out: str
    amount_in: int
    min_amount_out: int
    base_mint: str

    def __post_init__(self) -> None:
        if self.mint_in == self.mint_out or self.base_mint not in (self.mint_in, self.mint_out):
            raise ValueError(
                f"swap of {self.mint_in} for {self.mint_out} in {self.pool}: base mint {self.base_mint} "
                "is to be one of two"
            )
        if self.amount_in < 1 or self.min_amount_out < 1:
            raise ValueError(
                f"swap in {self.pool}: amount_in {self.amount_in}, min_amount_out {self.min_amount_out}, "
                "at least 1 base unit"
            )

    @property
    def opens(self) -> bool:
        """Whether it pays base mint for a position; otherwise it sells one."""
        return self.mint_in == self.base_mint

    @property
    def held_mint(self) -> str:
        """The mint that the position is in."""
        return self.mint_out if self.opens else self.mint_in


@dataclass(frozen=True, slots=True)
class SwapPlan:
    """An order with what the engine adds: its number, an exact quote and the fees.

    Attributes:
        number: Running number of single swaps in this run.
        slot: The tick's slot.
        order: What was asked for.
        quoted_amount_out: What the pool gives at the tick, base units of `order.mint_out`.
        basis: What the amount that is sold had cost, base units of the base mint; 0 if it opens a position.
        cost: The three fees in base units of the base mint, rounded up.
        network_fee_lamports: Signature fees.
        priority_fee_lamports: Compute unit limit times price.
        tip_lamports: Paid to the block engine if the transaction lands.
    """

    number: int
    slot: int
    order: SwapOrder
    quoted_amount_out: int
    basis: int
    cost: int
    network_fee_lamports: int
    priority_fee_lamports: int
    tip_lamports: int

    @property
    def strategy(self) -> str:
        """Name of the strategy that asked."""
        return self.order.strategy

    @property
    def key(self) -> str:
        """Name the attempt among those whose outcome is not known yet."""
        return f"swap {self.number}"

    @property
    def base_mint(self) -> str:
        """Mint that `stake`, `basis`, `cost` and `max_loss` are in."""
        return self.order.base_mint

    @property
    def hops(self) -> tuple[Hop, ...]:
        """The one swap."""
        order = self.order
        return (Hop(order.pool, order.mint_in, order.mint_out, order.amount_in, self.quoted_amount_out),)

    @property
    def route(self) -> str:
        """What rests after an attempt: the pool in this direction."""
        return route_of(self.hops)

    @property
    def amount_in(self) -> int:
        """Base units of what is paid, which is not the base mint where a position is closed."""
        return self.order.amount_in

    @property
    def min_amount_out(self) -> int:
        """Below it the transaction fails."""
        return self.order.min_amount_out

    @property
    def gross_profit(self) -> int:
        """What it would make final before costs: nothing, or the quote less the basis."""
        return 0 if self.order.opens else self.quoted_amount_out - self.basis

    @property
    def fee_lamports(self) -> int:
        """Everything the transaction costs if it lands, in lamports."""
        return self.network_fee_lamports + self.priority_fee_lamports + self.tip_lamports

    @property
    def stake(self) -> int:
        """What it puts at risk: all that it pays to open a position, nothing more to close one."""
        return self.order.amount_in if self.order.opens else 0

    @property
    def max_loss(self) -> int:
        """The most that it can lose: all that it pays, its fees and those of closing; to close, its fees."""
        return self.stake + 2 * self.cost if self.order.opens else self.cost


AnyPlan = Plan | SwapPlan
"""What may be tried: a cycle as one transaction, or a single swap."""
