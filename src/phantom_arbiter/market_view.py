"""What risk and strategies are told of the market: ages, second opinions, prices, costs.

The only reader of the native market beside the loop and the executor. It asks about few pools at a time,
whatever the market's size: a table of pools by pair is made when an unknown pool turns up, and again every
`TABLE_SLOTS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import phantom_core
from phantom_arbiter.config_types import MAX_AMOUNT
from phantom_arbiter.domain import Hop, Plan
from phantom_arbiter.errors import InvalidInput, MarketDataError, SwapRefused
from phantom_arbiter.risk import Facts, Reference, SanityRules
from phantom_arbiter.swaps import AnyPlan, PoolPrice, Position, SwapOrder, SwapPlan, Tick

TABLE_SLOTS = 1_500
"""Ten minutes: how long pools that appear beside known ones may wait to give second opinions."""

TRIED_POOLS = 3
"""Pools of a pair that are asked before it is said that there is no second opinion."""

PROBE_PARTS = 1_000
"""A price is what a pool gives for such a part of its depth, its fee put back."""

MIN_PROBE_OUT = 1_000
"""Base units below which what a probe gives is too coarse to be a price."""


@dataclass(frozen=True, slots=True)
class Fees:
    """What one transaction costs, in lamports."""

    network: int
    priority: int
    tip: int
    native_mint: str

    @property
    def total(self) -> int:
        """All three."""
        return self.network + self.priority + self.tip


class MarketView:
    """Answers questions about one native engine's market."""

    def __init__(self, market: phantom_core.Engine, fees: Fees) -> None:
        self._market = market
        self._fees = fees
        self._pools: dict[str, phantom_core.PoolInfo] = {}
        self._by_pair: dict[frozenset[str], list[str]] = {}
        self._made_at = -TABLE_SLOTS
        self._is_judging = False
        self._judged_slot = -1

    def facts(self, plan: AnyPlan, rules: SanityRules, *, offered: bool) -> Facts:
        """Return what risk is to know of the world for `plan`, as far as `rules` ask for it."""
        wants_references = rules.max_price_deviation_bps is not None
        return Facts(
            market_age_slots=self._age(plan),
            venues=tuple(
                info.venue for hop in plan.hops if (info := self._info(hop.pool, plan.slot)) is not None
            ),
            references=self._references(plan, on_route=rules.compares_on_route) if wants_references else (),
            offered=offered,
        )

    def _age(self, plan: AnyPlan) -> int | None:
        """Return the age of the oldest state behind the plan; None if nothing tells ages."""
        signalled = plan.opportunity.age_slots if isinstance(plan, Plan) else None
        # Once a connection has had a heartbeat, ages are told for the rest of the run. The question looks at
        # every pool: once a slot is often enough.
        if not self._is_judging and plan.slot > self._judged_slot:
            self._judged_slot = plan.slot
            self._is_judging = self._market.freshness().is_judging
        if not self._is_judging:
            return signalled
        ages = [self._market.pool_freshness(hop.pool).age_slots for hop in plan.hops]
        return max((age for age in (signalled, *ages) if age is not None), default=None)

    def _references(self, plan: AnyPlan, *, on_route: bool) -> tuple[Reference | None, ...]:
        route = {hop.pool for hop in plan.hops}
        return tuple(self._reference(hop, route, plan.slot, on_route=on_route) for hop in plan.hops)

    def _reference(self, hop: Hop, route: set[str], slot: int, *, on_route: bool) -> Reference | None:
        """Return the price of the deepest other pool of the pair: outside of the route if there is one."""
        self._info(hop.pool, slot)
        same_pair = self._by_pair.get(frozenset((hop.mint_in, hop.mint_out)), [])
        others = [pool for pool in same_pair if pool not in route]
        if on_route:
            others += [pool for pool in same_pair if pool in route and pool != hop.pool]
        for pool in others[:TRIED_POOLS]:
            probed = self._probe(self._pools[pool], hop.mint_in)
            if probed is not None:
                return Reference(pool, *probed)
        return None

    def _probe(self, info: phantom_core.PoolInfo, mint_in: str) -> tuple[int, int] | None:
        """Return an input and its output at the margin, before fees; None if the pool gives no price now."""
        side = 0 if mint_in == info.mint_a else 1
        amount = max(info.depth[side] // PROBE_PARTS, 1)
        try:
            quote = self._market.quote(info.pool, mint_in, amount)
        except (MarketDataError, SwapRefused, InvalidInput):
            return None
        # in * (1 - fee) of it bought the output: compared as whole numbers.
        effective = amount * (1_000_000_000 - info.fee_rate_e9[side])
        if quote.amount_out < MIN_PROBE_OUT or effective <= 0:
            return None
        return effective, quote.amount_out * 1_000_000_000

    def _info(self, pool: str, slot: int) -> phantom_core.PoolInfo | None:
        if pool not in self._pools or slot >= self._made_at + TABLE_SLOTS:
            self._make_table(slot)
        return self._pools.get(pool)

    def _make_table(self, slot: int) -> None:
        infos = self._market.pools()
        self._made_at = slot
        self._pools = {info.pool: info for info in infos}
        pairs: dict[frozenset[str], list[phantom_core.PoolInfo]] = {}
        for info in infos:
            pairs.setdefault(frozenset((info.mint_a, info.mint_b)), []).append(info)
        for pair, members in pairs.items():
            # The same mint of every pool, so that depths are of one unit; the address decides between equals.
            mint = min(pair)
            members.sort(key=lambda info: (-info.depth[0 if info.mint_a == mint else 1], info.pool))
        self._by_pair = {pair: [info.pool for info in members] for pair, members in pairs.items()}

    # ---- for strategies that look at prices

    def tick(
        self,
        slot: int,
        pools: tuple[str, ...],
        base_mints: tuple[str, ...],
        before: Mapping[str, PoolPrice],
        positions: tuple[Position, ...],
    ) -> Tick:
        """Return the prices of `pools` now; `before` are those of the last tick."""
        prices = {}
        for pool in pools:
            price = self._price(pool)
            if price is not None:
                prices[pool] = price
        changed = frozenset(
            pool for pool, price in prices.items() if pool not in before or before[pool].rate != price.rate
        )
        costs = {mint: cost for mint in base_mints if (cost := self.cost(mint, slot)) is not None}
        return Tick(
            slot=slot,
            prices=MappingProxyType(prices),
            changed=changed,
            costs=MappingProxyType(costs),
            positions=positions,
        )

    def _price(self, pool: str) -> PoolPrice | None:
        try:
            info = self._market.pool(pool).summary()
        except InvalidInput:
            return None
        if info.set_aside_reason is not None:
            return None
        probed = self._probe(info, info.mint_a)
        if probed is None:
            return None
        return PoolPrice(
            pool=info.pool,
            venue=info.venue,
            mint_a=info.mint_a,
            mint_b=info.mint_b,
            rate=probed[1] / probed[0],
            fee_rate_e9=info.fee_rate_e9,
            depth=info.depth,
            slot=info.slot,
        )

    def cost(self, mint: str, slot: int) -> int | None:
        """Return what one transaction costs in base units of `mint`, rounded up; None if no pool tells.

        As the native engine values fees: the input that the deepest pool against wrapped SOL takes for
        exactly that output.
        """
        if mint == self._fees.native_mint or self._fees.total == 0:
            return self._fees.total
        if slot >= self._made_at + TABLE_SLOTS:
            self._make_table(slot)
        for pool in self._by_pair.get(frozenset((mint, self._fees.native_mint)), ())[:TRIED_POOLS]:
            try:
                return self._market.quote(pool, mint, self._fees.total, "out").amount_in
            except (MarketDataError, SwapRefused, InvalidInput):
                continue
        return None

    def plan(self, order: SwapOrder, slot: int, number: int, basis: int | None) -> SwapPlan | str:
        """Return the order with its quote and fees, or why it cannot go: a reason to be counted.

        Args:
            order: What a strategy wants.
            slot: The tick's slot.
            number: Running number of single swaps.
            basis: What the amount to be sold had cost; None if so much is not held.
        """
        if basis is None:
            return "position_not_held"
        if max(order.amount_in, order.min_amount_out) > MAX_AMOUNT:
            return "amount_too_large"
        info = self._info(order.pool, slot)
        # A quote does not look at what is said to come out.
        if info is None or {order.mint_in, order.mint_out} != {info.mint_a, info.mint_b}:
            return "unknown_pool_or_mint"
        denied = self._denied(order)
        if denied:
            return denied
        cost = self.cost(order.base_mint, slot)
        if cost is None:
            return "cost_unknown"
        try:
            quote = self._market.quote(order.pool, order.mint_in, order.amount_in)
        except InvalidInput:
            return "unknown_pool_or_mint"
        except SwapRefused as error:
            return f"swap_refused_{error.name}"
        except MarketDataError:
            return "pool_cannot_be_quoted"
        if quote.amount_out < order.min_amount_out:
            return "quote_below_minimum_out"
        if quote.amount_out > MAX_AMOUNT:
            return "amount_too_large"
        return SwapPlan(
            number=number,
            slot=slot,
            order=order,
            quoted_amount_out=quote.amount_out,
            basis=basis,
            cost=cost,
            network_fee_lamports=self._fees.network,
            priority_fee_lamports=self._fees.priority,
            tip_lamports=self._fees.tip,
        )

    def _denied(self, order: SwapOrder) -> str:
        """Return why the token firewall lets nobody hold what the order buys, or nothing.

        What only an atomic cycle may pass through is not for a position. What is held may always be sold.
        """
        if not order.opens:
            return ""
        for mint in (order.mint_in, order.mint_out):
            judged = self._market.token(mint)
            if judged is not None and judged.verdict == "denied":
                return "token_denied"
            if judged is not None and mint == order.held_mint and judged.verdict != "allowed":
                return "token_atomic_only"
        return ""
