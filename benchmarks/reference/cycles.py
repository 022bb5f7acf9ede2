"""All profitable cycles by plain enumeration: exact spot prices and fee rates, no bounds, no pruning."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from phantom_core import Market

Hops = tuple[tuple[str, bool], ...]
"""Pool and direction (True: token A in) of every hop, the smallest pair first."""

DOUBT = 1e-9
"""Sums of logarithms nearer to zero than this are decided by exact fractions."""


@dataclass(frozen=True)
class Edge:
    """One direction of one pool; `rate`: out per in before fees; `kept`: what the fee leaves of the input."""

    pool: str
    a_to_b: bool
    mint_in: str
    mint_out: str
    rate: Fraction
    kept: Fraction
    log_rate: float
    log_kept: float


@dataclass(frozen=True)
class Found:
    """Cycles that pay at spot prices, and of these the ones that still do after fees."""

    before_fees: set[Hops]
    after_fees: set[Hops]


def edges_of(market: Market) -> list[Edge]:
    """Return both directions of every pool that can be traded."""
    edges = []
    for info in market.pools():
        if info.set_aside_reason is not None:
            continue
        pool = market.pool(info.pool)
        for a_to_b in (True, False):
            mints = (info.mint_a, info.mint_b) if a_to_b else (info.mint_b, info.mint_a)
            rate = Fraction(pool.spot_price(a_to_b=a_to_b))
            kept = 1 - Fraction(info.fee_rate_e9[0 if a_to_b else 1], 10**9)
            logs = (math.log(rate.numerator) - math.log(rate.denominator), math.log(kept))
            edges.append(Edge(info.pool, a_to_b, *mints, rate, kept, *logs))
    return edges


def profitable_cycles(edges: list[Edge], max_hops: int) -> Found:
    """Return every simple cycle of 2 to `max_hops` hops whose rates multiply to more than 1."""
    found = Found(set(), set())
    for cycle in _simple_cycles(edges, max_hops):
        gross = sum(edge.log_rate for edge in cycle)
        if not _pays(gross, [edge.rate for edge in cycle]):
            continue
        hops = tuple((edge.pool, edge.a_to_b) for edge in cycle)
        first = hops.index(min(hops))
        key = hops[first:] + hops[:first]
        found.before_fees.add(key)
        net = gross + sum(edge.log_kept for edge in cycle)
        if _pays(net, [edge.rate * edge.kept for edge in cycle]):
            found.after_fees.add(key)
    return found


def _pays(log_rate: float, rates: list[Fraction]) -> bool:
    return math.prod(rates) > 1 if abs(log_rate) < DOUBT else log_rate > 0


def _simple_cycles(edges: list[Edge], max_hops: int) -> Iterator[list[Edge]]:
    """Give every cycle once, from the smallest of its mints: no mint and no pool twice."""
    leaving: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        leaving[edge.mint_in].append(edge)
    path: list[Edge] = []

    def walk(start: str, at: str) -> Iterator[list[Edge]]:
        for edge in leaving[at]:
            if edge.mint_out == start:
                if path and all(edge.pool != other.pool for other in path):
                    yield [*path, edge]
            elif (
                edge.mint_out > start
                and len(path) < max_hops - 1
                and all(edge.mint_out != other.mint_out for other in path)
            ):
                path.append(edge)
                yield from walk(start, edge.mint_out)
                path.pop()

    for start in sorted(leaving):
        yield from walk(start, start)
