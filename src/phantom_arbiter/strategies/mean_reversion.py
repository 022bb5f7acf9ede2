"""Buy when a pool's price is well below its moving average, sell when it is back.

Not an arbitrage: the two swaps are separate transactions, and what was paid may be lost. It shows that the
protocol is not about cycles only. Its own account of what it holds is in whole base units; the signal alone
is in floats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from phantom_arbiter.domain import Outcome
from phantom_arbiter.strategies.base import Passive
from phantom_arbiter.swaps import AnyPlan, PoolPrice, SwapOrder, SwapPlan, Tick
from phantom_core import Ema


@dataclass(frozen=True, slots=True)
class MeanReversionSettings:
    """What to trade and when.

    Attributes:
        pool: The pool to watch and to trade in.
        base_mint: What is paid and wanted back; the other mint is held in between.
        amount_in: Base units of `base_mint` for one position.
        period: Of the exponential moving average (`phantom_core.Ema`); at least 2. It begins with the mean
            of so many ticks; nothing is bought before.
        entry_bps: Buy when the price is so far below the average, in 1/10,000 of it.
        exit_bps: Sell when it is no farther below than this.
        stop_bps: Sell when the position is worth so much less than it cost, in 1/10,000.
        max_slippage_bps: How much less than the price, fee included, a swap may give.
        retry_slots: Slots to wait after an order before the next.
    """

    pool: str
    base_mint: str
    amount_in: int
    period: int = 60
    entry_bps: int = 100
    exit_bps: int = 20
    stop_bps: int = 500
    max_slippage_bps: int = 50
    retry_slots: int = 16

    def __post_init__(self) -> None:
        for name, low, high in (
            ("amount_in", 1, 2**63 - 1),
            ("period", 2, 100_000),
            ("entry_bps", 1, 9_999),
            ("exit_bps", 0, 9_999),
            ("stop_bps", 1, 10_000),
            ("max_slippage_bps", 0, 9_999),
            ("retry_slots", 0, 2**32 - 1),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name}: {value}, must be {low} to {high}")
        if self.exit_bps >= self.entry_bps:
            raise ValueError(f"exit_bps: {self.exit_bps}, must be less than entry_bps {self.entry_bps}")


class MeanReversion(Passive):
    """One position at a time in one pool."""

    Settings: ClassVar[type[MeanReversionSettings]] = MeanReversionSettings
    name: ClassVar[str] = "mean_reversion"

    def __init__(self, settings: MeanReversionSettings) -> None:
        self._settings = settings
        self.pools = (settings.pool,)
        self._average = Ema(settings.period)
        self._is_fresh = True
        self._held = 0
        self._basis = 0
        self._ordered_slot: int | None = None

    @property
    def held(self) -> int:
        """Base units held of the pool's other mint."""
        return self._held

    @property
    def basis(self) -> int:
        """What they cost, base units of the base mint, fees left out."""
        return self._basis

    def on_tick(self, tick: Tick) -> SwapOrder | None:
        """Return an order to buy or to sell all, or `None`."""
        settings = self._settings
        price = tick.prices.get(settings.pool)
        if price is None:
            return None
        mint = price.mint_b if price.mint_a == settings.base_mint else price.mint_a
        if self._is_fresh:
            self._is_fresh = False
            self._take_over(tick, mint)
        now = price.rate_of(mint)
        average = self._average.update(now)
        waits = self._ordered_slot is not None and tick.slot < self._ordered_slot + settings.retry_slots
        if waits or average is None:
            return None
        below = (1 - now / average) * 10_000
        order = None
        if self._held:
            worth = self._held * now
            is_stopped = worth < self._basis * (1 - settings.stop_bps / 10_000)
            if below <= settings.exit_bps or is_stopped:
                order = self._order(price, mint, settings.base_mint, self._held)
        elif below >= settings.entry_bps:
            order = self._order(price, settings.base_mint, mint, settings.amount_in)
        if order is not None:
            self._ordered_slot = tick.slot
        return order

    def on_outcome(self, plan: AnyPlan, outcome: Outcome) -> None:
        """Account for what was bought or sold."""
        if not isinstance(plan, SwapPlan) or outcome.fill is None:
            return
        if plan.order.opens:
            self._held += outcome.fill.amount_out
            self._basis += outcome.fill.amount_in
        else:
            self._held -= outcome.fill.amount_in
            self._basis -= plan.basis

    def _take_over(self, tick: Tick, mint: str) -> None:
        """Begin with what an earlier run left."""
        for position in tick.positions:
            if (position.base_mint, position.mint) == (self._settings.base_mint, mint):
                self._held, self._basis = position.amount, position.basis

    def _order(self, price: PoolPrice, mint_in: str, mint_out: str, amount_in: int) -> SwapOrder | None:
        fee = price.fee_rate_e9[0 if mint_in == price.mint_a else 1] / 1e9
        least = amount_in * price.rate_of(mint_in) * (1 - fee)
        least *= 1 - self._settings.max_slippage_bps / 10_000
        if least < 1:
            return None
        return SwapOrder(
            strategy=self.name,
            pool=price.pool,
            mint_in=mint_in,
            mint_out=mint_out,
            amount_in=amount_in,
            min_amount_out=int(least),
            base_mint=self._settings.base_mint,
        )
