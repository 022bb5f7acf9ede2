"""`Multiverse` from Python, against a plain depth-first search."""

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from phantom_core import InvalidInput, Multiverse, NegativeCycleFinder

Row = tuple[int, ...]


def ints(values: list[int]) -> NDArray[np.int32]:
    return np.array(values, dtype=np.int32)


class Graph:
    """A random multigraph of pools with two edges each; weights are multiples of 1/1024."""

    def __init__(self, nodes: int, pools: int, seed: int) -> None:
        rng = random.Random(seed)
        self.nodes = nodes
        self.src: list[int] = []
        self.dst: list[int] = []
        self.pool: list[int] = []
        self.weight: list[float] = []
        for pool in range(pools):
            a, b = rng.sample(range(nodes), 2)
            self.src += [a, b]
            self.dst += [b, a]
            self.pool += [pool, pool]
            self.weight += [rng.randrange(-300, 700) / 1024 for _ in range(2)]

    def build(self) -> Multiverse:
        weight = np.array(self.weight)
        return Multiverse(self.nodes, ints(self.src), ints(self.dst), ints(self.pool), weight)

    def rows(self, start: int, end: int, max_hops: int, closed: frozenset[int] = frozenset()) -> list[Row]:
        """Every row of edges from start to end, in lexicographic order, by recursion."""
        found: list[Row] = []

        def go(row: Row, node: int, seen: frozenset[int], pools: frozenset[int]) -> None:
            if row and node == end:
                if len(row) >= 2:
                    found.append(row)
                return
            if len(row) == max_hops:
                return
            for edge, (src, dst) in enumerate(zip(self.src, self.dst, strict=True)):
                if src == node and (dst == end or dst not in seen) and self.pool[edge] not in pools:
                    go((*row, edge), dst, seen | {dst}, pools | {self.pool[edge]})

        go((), start, closed | {start}, frozenset())
        return found

    def cycles(self, bases: list[int], max_hops: int) -> list[Row]:
        lists = [
            self.rows(base, base, max_hops, frozenset(bases[:place])) for place, base in enumerate(bases)
        ]
        return [row for rows in lists for row in rows]


def rows_of(array: NDArray[np.int32]) -> list[Row]:
    return [tuple(value for value in row if value >= 0) for row in array.tolist()]


@pytest.mark.parametrize("seed", range(12))
def test_cycles_and_paths_are_those_of_a_plain_search(seed: int) -> None:
    graph = Graph(nodes=4 + seed % 5, pools=5 + seed, seed=seed)
    multiverse = graph.build()
    for max_hops in (2, 3, 4, 5):
        bases = [seed % graph.nodes, (seed + 1) % graph.nodes]
        expected = graph.cycles(bases, max_hops)
        table = multiverse.cycles(bases, max_hops)
        assert rows_of(table.edges) == expected
        assert table.truncated is None
        assert table.weight.tolist() == [sum(graph.weight[edge] for edge in row) for row in expected]
        assert table.hops.tolist() == [len(row) for row in expected]
        assert rows_of(table.nodes) == [tuple(graph.src[edge] for edge in row) for row in expected]
        assert len(table) == len(expected)

        paths = multiverse.paths(bases[0], bases[1], max_hops)
        expected = graph.rows(bases[0], bases[1], max_hops)
        assert rows_of(paths.edges) == expected
        assert paths.nodes.shape == (len(expected), max_hops + 1)
        for row, nodes in zip(expected, rows_of(paths.nodes), strict=True):
            assert list(pairwise(nodes)) == [(graph.src[edge], graph.dst[edge]) for edge in row]


def test_mint_level_lists_each_sequence_once_with_its_lightest_pools() -> None:
    graph = Graph(nodes=6, pools=14, seed=3)
    lightest: dict[Row, float] = {}
    for row in graph.cycles([0], 4):
        nodes = tuple(graph.src[edge] for edge in row)
        weight = sum(graph.weight[edge] for edge in row)
        lightest[nodes] = min(weight, lightest.get(nodes, weight))
    table = graph.build().cycles(0, 4, level="mint")
    expected = sorted(lightest, key=lambda nodes: (*nodes, 0))
    assert rows_of(table.nodes) == expected
    assert table.weight.tolist() == [lightest[nodes] for nodes in expected]
    assert table.level == "mint"
    with pytest.raises(InvalidInput, match="only nodes"):
        _ = table.edges


def test_bounds_keep_what_they_should_and_are_told() -> None:
    graph = Graph(nodes=7, pools=25, seed=1)
    multiverse = graph.build()
    everything = multiverse.cycles(0, 4)
    some = multiverse.cycles(0, 4, max_count=10)
    assert some.truncated == "count"
    assert np.array_equal(some.edges, everything.edges[:10])
    assert multiverse.cycles(0, 4, max_count=len(everything)).truncated is None
    light = multiverse.cycles(0, 4, max_weight=0.25)
    assert 0 < len(light) < len(everything)
    assert np.array_equal(light.edges, everything.edges[everything.weight <= 0.25])
    assert multiverse.cycles(0, 6, time_limit=0.0, threads=2).truncated in (None, "time")


def test_min_liquidity_leaves_out_the_edges_below() -> None:
    graph = Graph(nodes=6, pools=20, seed=2)
    liquidity = np.arange(len(graph.src), dtype=np.float64) % 5
    multiverse = Multiverse(
        graph.nodes, ints(graph.src), ints(graph.dst), ints(graph.pool), liquidity=liquidity
    )
    deep = multiverse.cycles(0, 4, min_liquidity=2.0)
    everything = multiverse.cycles(0, 4).edges
    kept = [row for row in everything.tolist() if all(edge < 0 or liquidity[edge] >= 2 for edge in row)]
    assert deep.edges.tolist() == kept
    with pytest.raises(InvalidInput, match="needs weight"):
        _ = deep.weight
    with pytest.raises(InvalidInput, match="max_weight needs weight"):
        multiverse.cycles(0, max_weight=0.0)


def test_rows_do_not_depend_on_threads_or_batches() -> None:
    multiverse = Graph(nodes=60, pools=900, seed=5).build()
    one = multiverse.cycles([3, 4], 5, threads=1)
    assert len(one) > 100_000, "large enough to be shared"
    for threads in (2, 5):
        assert np.array_equal(one.edges, multiverse.cycles([3, 4], 5, threads=threads).edges)
        first = multiverse.cycles([3, 4], 5, threads=threads, max_count=90_001)
        assert np.array_equal(one.edges[:90_001], first.edges)
        assert first.truncated == "count"
    tables = list(multiverse.iter_cycles([3, 4], 5, batch=10_000))
    assert {len(table) for table in tables[:-1]} == {10_000}
    assert np.array_equal(np.concatenate([table.edges for table in tables]), one.edges)
    cut = list(multiverse.iter_paths(3, 4, 4, batch=700, max_count=1000))
    assert [(len(table), table.truncated) for table in cut] == [(700, None), (300, "count")]


def test_time_limit_ends_a_search_that_would_take_hours() -> None:
    multiverse = Graph(nodes=300, pools=15_000, seed=5).build()
    begin = time.monotonic()
    table = multiverse.cycles(0, 6, max_weight=-0.9, time_limit=0.2)
    assert table.truncated == "time"
    assert time.monotonic() - begin < 20
    # A prefix of the order: what one thread finds first.
    rows = rows_of(table.edges)
    assert rows == sorted(rows)
    tables = list(multiverse.iter_cycles(0, 6, max_weight=-0.9, time_limit=0.1))
    assert tables[-1].truncated == "time"


def test_an_interrupt_from_the_keyboard_ends_a_listing() -> None:
    multiverse = Graph(nodes=300, pools=15_000, seed=5).build()
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        multiverse.cycles(0, 6, max_weight=-0.9, time_limit=60.0)
    timer.join()


def test_a_table_is_an_array_for_numpy_that_nobody_changes() -> None:
    table = Graph(nodes=5, pools=9, seed=0).build().cycles(0, 3)
    assert np.asarray(table).dtype == np.int32
    assert np.array(table, dtype=np.int64).tolist() == table.edges.tolist()
    with pytest.raises(ValueError, match="read-only"):
        table.edges[0, 0] = 7
    assert repr(table).startswith("PathTable(level='pool'")


def test_threads_may_share_a_multiverse() -> None:
    multiverse = Graph(nodes=30, pools=200, seed=4).build()
    expected = [multiverse.cycles(base, 4).edges.tolist() for base in range(4)]
    found: list[list[list[int]]] = [[] for _ in range(4)]

    def work(base: int) -> None:
        for _ in range(5):
            found[base] = multiverse.cycles(base, 4).edges.tolist()

    threads = [threading.Thread(target=work, args=(base,)) for base in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected


def good() -> Multiverse:
    return Multiverse(3, ints([0, 1, 2]), ints([1, 2, 0]), weight=np.zeros(3))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: Multiverse(-1, ints([]), ints([])), "n_nodes is -1"),
        (lambda: Multiverse(2, ints([0]), ints([0])), "edge 0 goes from node 0 to itself"),
        (lambda: Multiverse(2, ints([0]), ints([2])), r"dst of edge 0 is 2, which is not in 0\.\.2"),
        (lambda: Multiverse(2, ints([-1]), ints([1])), "src of edge 0 is -1"),
        (lambda: Multiverse(2, ints([0]), ints([1, 0])), "dst must have one value per edge"),
        (lambda: Multiverse(2, ints([0]), ints([1]), pool=ints([-3])), "pool of edge 0 is -3"),
        (lambda: Multiverse(2, ints([0]), ints([1]), weight=np.array([np.nan])), "weight of edge 0 is NaN"),
        (lambda: Multiverse(2, ints([0]), ints([1]), weight=np.array([np.inf])), "weight of edge 0 is inf"),
        (lambda: Multiverse(2, ints([0]), ints([1]), liquidity=np.array([np.nan])), "liquidity of edge 0"),
        (lambda: Multiverse(2, np.zeros((1, 1), np.int32), ints([1])), "src must be a one-dimensional"),
        (lambda: good().cycles(3), "bases is 3"),
        (lambda: good().cycles([0, -1]), r"bases\[1\] is -1"),
        (lambda: good().cycles([0, 0]), r"bases\[1\] is 0, which is given twice"),
        (lambda: good().cycles(0, 7), "max_hops is 7; it may be 2 to 6"),
        (lambda: good().cycles(0, -2), "max_hops is -2"),
        (lambda: good().cycles(0, 3, min_hops=4), "min_hops is 4; it may be 2 to 3"),
        (lambda: good().cycles(0, max_weight=np.nan), "max_weight is NaN"),
        (lambda: good().cycles(0, max_count=-1), "max_count is -1"),
        (lambda: good().cycles(0, max_count=2**40), "one table holds at most"),
        (lambda: good().cycles(0, min_liquidity=1.0), "needs liquidity"),
        (lambda: good().cycles(0, threads=0), "threads is 0"),
        (lambda: good().cycles(0, time_limit=-1.0), "time_limit is -1"),
        (lambda: good().cycles(0, level="edge"), "level is 'edge'"),  # type: ignore[arg-type]
        (lambda: good().cycles("x"), "bases: a node or a sequence of nodes expected"),  # type: ignore[arg-type]
        (lambda: good().paths(1, 1), "start and end are both 1"),
        (lambda: good().paths(0, 5), "end is 5"),
        (lambda: good().paths(0, 1, 0), "max_hops is 0; it may be 1 to 6"),
        (lambda: good().iter_cycles(0, batch=0), "batch is 0"),
        (lambda: good().index(0, max_cycles=0), "more than 0 cycles"),
    ],
)
def test_bad_input_is_refused_by_name_and_value(act: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        act()


# ---- index


def test_index_follows_updates_removals_and_additions() -> None:
    graph = Graph(nodes=7, pools=16, seed=8)
    index = graph.build().index([0, 3], 4)
    rng = random.Random(8)
    removed: set[int] = set()

    def expected() -> list[tuple[float, Row]]:
        rows = graph.cycles([0, 3], 4)
        rows = [row for row in rows if not {graph.pool[edge] for edge in row} & removed]
        return [(sum(graph.weight[edge] for edge in row), row) for row in rows]

    for step in range(60):
        edge = rng.randrange(len(graph.src))
        if step % 10 == 3:
            pool = graph.pool[edge]
            assert index.remove_pool(pool) == len(
                [1 for _, row in expected() if edge in row or edge ^ 1 in row]
            )
            removed.add(pool)
        elif step % 10 == 6 and removed:
            index.restore_pool(removed.pop())
        elif step % 20 == 9:
            pool = max(graph.pool) + 1
            a, b = rng.sample(range(graph.nodes), 2)
            for src, dst in ((a, b), (b, a)):
                weight = rng.randrange(-300, 700) / 1024
                assert index.add(src, dst, weight, pool) == len(graph.src)
                graph.src.append(src)
                graph.dst.append(dst)
                graph.pool.append(pool)
                graph.weight.append(weight)
        else:
            weights = [rng.randrange(-300, 700) / 1024 for _ in range(2)]
            graph.weight[edge] = weights[0]
            if step % 2:
                found = index.update(edge, weights[0])
            else:
                graph.weight[edge ^ 1] = weights[1]
                found = index.update_many(ints([edge, edge ^ 1]), np.array(weights))
            edges = {edge} if step % 2 else {edge, edge ^ 1}
            paying = sorted((weight, row) for weight, row in expected() if weight < 0 and edges & set(row))
            assert list(zip(found.weight.tolist(), rows_of(found.edges), strict=True)) == paying
        everything = index.cycles()
        assert list(zip(everything.weight.tolist(), rows_of(everything.edges), strict=True)) == expected()
        assert len(index) == len(everything) == len(everything.hops)
    assert index.n_edges == len(graph.src)
    paying = sorted((weight, row) for weight, row in expected() if weight < 0)
    assert rows_of(index.paying().edges) == [row for _, row in paying]
    assert index.nbytes > 0


def test_bad_changes_of_an_index_are_refused() -> None:
    index = good().index(0)
    for act, message in (
        (lambda: index.update(3, 0.0), r"edge 3 is not in 0\.\.3"),
        (lambda: index.update(-1, 0.0), "edge is -1"),
        (lambda: index.update(0, np.nan), "weight of edge 0 is NaN"),
        (lambda: index.update_many(ints([0]), np.zeros(2)), "must have one length"),
        (lambda: index.remove_pool(9), "no edge has pool 9"),
        (lambda: index.of_pool(-1), "no edge has pool -1"),
        (lambda: index.add(0, 9, 0.0), "dst is 9"),
        (lambda: index.add(-4, 0, 0.0), "src is -4"),
        (lambda: index.add(1, 1, 0.0), "edge 3 goes from node 1 to itself"),
    ):
        with pytest.raises(InvalidInput, match=message):
            act()
    assert index.cycles().weight.tolist() == [0.0]


def test_index_agrees_with_bellman_ford_on_whether_anything_pays() -> None:
    graph = Graph(nodes=5, pools=8, seed=11)
    index = graph.build().index(list(range(5)), 5)
    finder = NegativeCycleFinder(5, ints(graph.src), ints(graph.dst), np.array(graph.weight))
    rng = random.Random(11)
    answers = set()
    for _ in range(200):
        edge, weight = rng.randrange(len(graph.src)), rng.randrange(-100, 900) / 1024
        index.update(edge, weight)
        finder.update(edge, weight)
        # Bellman-Ford also walks a pool there and back, which the index does not.
        pays = len(index.paying()) > 0
        answers.add(pays)
        assert not pays or finder.find() is not None
    assert answers == {True, False}
