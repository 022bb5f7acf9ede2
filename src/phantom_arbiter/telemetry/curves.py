"""What inputs of a cycle would earn now, for viewers: asked hop by hop of copies of its pools."""

from __future__ import annotations

import numpy as np

import phantom_core
from phantom_arbiter.errors import InvalidInput, MarketDataError, PhantomError
from phantom_arbiter.telemetry.records import AskCurve, Curve

MAX_POINTS = 400
"""Most inputs of one curve."""

MAX_HOPS = 4

_BEYOND = 2.5
"""A curve ends at so many times the best input, which is beyond break-even for what is nearly a parabola."""


class CurveDesk:
    """Answers questions about cycles of one market."""

    def __init__(self, market: phantom_core.Engine) -> None:
        self._market = market
        self._watch: phantom_core.EngineWatch | None = None
        self._pools: list[phantom_core.PoolInfo] = []

    def curve(self, ask: AskCurve) -> Curve:
        """Return the curve, or say why there is none."""
        try:
            return self._curve(ask)
        except (PhantomError, InvalidInput, MarketDataError) as error:
            return Curve(id=ask.id, error=str(error))

    def venue_of(self, pool: str) -> str:
        """Return the name of a pool's venue; empty if it is not known."""
        try:
            return self._market.pool(pool).summary().venue
        except InvalidInput:
            return ""

    def _curve(self, ask: AskCurve) -> Curve:
        hops = self._hops(ask.edges)
        if hops is None:
            return Curve(id=ask.id, error=f"there is no cycle of the edges {list(ask.edges)[:MAX_HOPS]}")
        if not 2 <= ask.points <= MAX_POINTS:
            return Curve(id=ask.id, error=f"{ask.points} points, it may be 2 to {MAX_POINTS}")
        found = self._market.explain(hops)
        route = [(each.pool, each.mint_in) for each in found.route]
        last = self._last_input(route, found.amount_in)
        amounts = np.unique(np.linspace(1, last, ask.points).astype(np.uint64))
        given, known = amounts.copy(), np.ones(len(amounts), dtype=bool)
        for pool, mint_in in route:
            batch = self._market.pool(pool).quote_batch(given, mint_in=mint_in)
            given = batch.amount_out
            known &= given > 0
        profits = [int(out) - int(paid) for out, paid in zip(given, amounts, strict=True)]
        return Curve(
            id=ask.id,
            base_mint=found.base_mint,
            amounts_in=tuple(str(int(each)) for each in amounts),
            gross_profits=tuple(
                str(profit) if is_known else None for profit, is_known in zip(profits, known, strict=True)
            ),
        )

    def _hops(self, edges: tuple[int, ...]) -> list[tuple[str, bool]] | None:
        if not 2 <= len(edges) <= MAX_HOPS or min(edges) < 0:
            return None
        if max(edges) // 2 >= len(self._pools):
            # The watch knows how many there are; to list them all holds up the run.
            self._watch = self._watch or self._market.watch()
            if max(edges) // 2 >= self._watch.pools:
                return None
            self._pools = self._market.pools()
        return [(self._pools[edge // 2].pool, edge % 2 == 0) for edge in edges]

    def _last_input(self, route: list[tuple[str, str]], best: int | None) -> int:
        """Return the last input to ask about: beyond break-even, or without a gain a part of the depth."""
        if best is not None:
            return max(round(best * _BEYOND), 2)
        pool, mint_in = route[0]
        info = self._market.pool(pool).summary()
        depth = info.depth[0 if info.mint_a == mint_in else 1]
        return max(depth // 100, 2)


__all__ = ["MAX_POINTS", "CurveDesk"]
