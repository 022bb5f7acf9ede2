"""A real market's price graph as arrays, and what can be listed on it."""

from __future__ import annotations

import base64
import gzip
import json
import math
from pathlib import Path

import numpy as np
import pytest

from phantom_core import Market, MarketGraph, Multiverse, NegativeCycleFinder

SNAPSHOT = Path(__file__).parents[1] / "data/whirlpools-2023-03-31/snapshot.jsonl.gz"
WHIRLPOOL = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"

Hops = list[tuple[str, bool]]


@pytest.fixture(scope="module")
def market() -> Market:
    market = Market(assume_plain_mints=True, complete=True)
    with gzip.open(SNAPSHOT, "rt") as lines:
        for one in map(json.loads, lines):
            market.apply(one["pubkey"], WHIRLPOOL, base64.b64decode(one["data"]))
    return market


@pytest.fixture(scope="module")
def graph(market: Market) -> MarketGraph:
    return market.graph()


def from_least(hops: Hops) -> tuple[tuple[str, bool], ...]:
    """Return a cycle's hops from the least one on: the same for every rotation."""
    first = hops.index(min(hops))
    return (*hops[first:], *hops[:first])


def test_graph_has_an_edge_for_every_direction_that_can_be_swapped(
    market: Market, graph: MarketGraph
) -> None:
    pools = {info.pool: info for info in market.pools()}
    assert set(graph.pools) == set(pools)
    assert len(graph) == len(graph.src) > 500
    assert graph.n_mints == len(graph.mints)
    for edge in range(len(graph)):
        info = pools[graph.pools[graph.pool[edge]]]
        assert info.set_aside_reason is None
        mints = (info.mint_a, info.mint_b) if graph.a_to_b[edge] else (info.mint_b, info.mint_a)
        assert (graph.mints[graph.src[edge]], graph.mints[graph.dst[edge]]) == mints
        fee = info.fee_rate_e9[0 if graph.a_to_b[edge] else 1] / 1e9
        assert graph.net_weight[edge] == pytest.approx(graph.gross_weight[edge] - math.log(1 - fee), abs=1e-9)


@pytest.mark.parametrize("max_hops", [2, 3])
def test_multiverse_on_the_graph_finds_the_cycles_of_the_market(
    market: Market, graph: MarketGraph, max_hops: int
) -> None:
    multiverse = Multiverse(graph.n_mints, graph.src, graph.dst, graph.pool, graph.net_weight)
    below_zero = float(np.nextafter(0.0, -1.0))
    table = multiverse.cycles(range(graph.n_mints), max_hops, max_weight=below_zero)
    found = {
        from_least([(graph.pools[graph.pool[edge]], bool(graph.a_to_b[edge])) for edge in row if edge >= 0])
        for row in table.edges.tolist()
    }
    assert len(found) == len(table) > 0
    assert found == {from_least(cycle.hops) for cycle in market.cycles(max_hops)}


def test_negative_cycle_finder_takes_the_graph(market: Market, graph: MarketGraph) -> None:
    finder = NegativeCycleFinder(graph.n_mints, graph.src, graph.dst, graph.net_weight)
    assert (finder.find() is not None) or not market.cycles(3)


def test_graph_of_an_empty_market_is_empty() -> None:
    graph = Market().graph()
    assert (len(graph), graph.n_mints, graph.pools) == (0, 0, [])
    assert len(Multiverse(0, graph.src, graph.dst, graph.pool, graph.net_weight).cycles([])) == 0
