"""IncrementalCycleFinder on NumPy arrays, beside searches from scratch."""

import random
import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from phantom_core import (
    CycleUpdate,
    IncrementalCycleFinder,
    InvalidInput,
    NegativeCycleFinder,
    WeightedCycle,
)

# Two triangles that share the edge 0 -> 1 (edge 0), and a second pool for it (edge 5).
SRC = np.array([0, 1, 2, 1, 3, 0], dtype=np.int64)
DST = np.array([1, 2, 0, 3, 0, 1], dtype=np.int64)
WEIGHT = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 2.0])
POOL = np.array([10, 11, 12, 13, 14, 15], dtype=np.int64)


def triangles() -> IncrementalCycleFinder:
    return IncrementalCycleFinder(4, SRC, DST, WEIGHT, POOL)


def edges(cycles: list[WeightedCycle]) -> list[list[int]]:
    return [cycle.edges.tolist() for cycle in cycles]


def changed(update: CycleUpdate | None) -> CycleUpdate:
    assert update is not None
    return update


def test_update_tells_of_cycles_that_open_and_close_and_of_nothing_else() -> None:
    finder = triangles()
    assert len(finder) == 6
    assert finder.n_nodes == 4
    assert finder.resolution == 2.0**-44
    assert finder.update(0, 0.5) is None
    assert finder.update(0, -2.0) is None  # 0, not below
    opened = changed(finder.update(1, 0.5))
    assert (opened.edge, opened.position, opened.closed) == (1, 0, [])
    assert edges(opened.opened) == [[1, 2, 0]]
    assert opened.opened[0].weight == -0.5
    assert opened.opened[0].edges.dtype == np.int64
    assert len(opened.opened[0]) == 3
    assert finder.has_cycle
    assert finder.open_cycles() == opened.opened
    closed = changed(finder.update(2, 1.75))
    assert (edges(closed.closed), edges(closed.opened)) == ([[1, 2, 0]], [])
    assert closed.closed[0].weight == 0.25
    assert not finder.has_cycle


def test_closing_one_cycle_tells_of_another_that_its_edge_had_hidden() -> None:
    finder = triangles()
    # Both triangles are negative now. One is told of: the edge they share is withheld.
    (witness,) = changed(finder.update(0, -3.0)).opened
    assert witness.edges[0] == 0
    update = changed(finder.remove(int(witness.edges[1])))
    assert [cycle.weight for cycle in update.closed] == [float("inf")]
    assert len(update.opened) == 1
    assert set(edges(update.opened)[0]) == {0, 1, 2, 3, 4} - set(witness.edges[1:].tolist())
    update = changed(finder.remove(0))
    assert (len(update.closed), update.opened, finder.has_cycle) == (1, [], False)
    assert finder.remove(0) is None
    assert not finder.would_close_cycle(0, -1.0)
    assert finder.would_close_cycle(0, -2.5)
    assert changed(finder.update(0, -2.5)).opened[0].edges[0] == 0


def test_what_if_changes_nothing() -> None:
    finder = triangles()
    for _ in range(3):
        assert finder.would_close_cycle(0, -2.0001)
        assert not finder.would_close_cycle(0, -2.0)
        assert not finder.has_cycle
    assert finder.would_close_cycle(0, -1e14)
    assert finder.resolution == 2.0**-44


def test_update_many_tells_where_in_the_batch() -> None:
    finder = triangles()
    batch = finder.update_many(np.array([1, 0, 0, 3], dtype=np.int32), np.array([1.5, -2.25, 0.0, 1.0]))
    assert [(update.position, update.edge) for update in batch] == [(1, 0), (2, 0)]
    assert edges(batch[0].opened) == edges(batch[1].closed) == [[0, 3, 4]]
    with pytest.raises(InvalidInput, match="edge 9 is not in"):
        finder.update_many(np.array([0, 9]), np.array([-5.0, 0.0]))
    with pytest.raises(InvalidInput, match="weight of edge 1 is NaN"):
        finder.update_many(np.array([0, 1]), np.array([-5.0, float("nan")]))
    with pytest.raises(InvalidInput, match="found 1 and 2"):
        finder.update_many(np.array([0]), np.array([-5.0, 0.0]))
    assert not finder.has_cycle


def test_cycles_through_lists_all_best_first() -> None:
    finder = triangles()
    assert finder.cycles_through(0) == []
    finder.update(0, -3.0)
    finder.update(5, -2.5)
    finder.update(1, 0.5)
    assert edges(finder.cycles_through(0)) == [[0, 1, 2], [0, 3, 4]]
    assert [cycle.weight for cycle in finder.cycles_through(0)] == [-1.5, -1.0]
    assert finder.cycles_through(0, 2) == []
    assert edges(finder.cycles_through(1, max_hops=6)) == [[1, 2, 0], [1, 2, 5]]
    assert edges(finder.cycles_through_pool(15)) == [[5, 1, 2], [5, 3, 4]]
    for max_hops in (-1, 1, 7):
        with pytest.raises(InvalidInput, match=r"max_hops .* is not in 2\.\.=6"):
            finder.cycles_through(0, max_hops)
    with pytest.raises(InvalidInput, match="no edge has pool 99"):
        finder.cycles_through_pool(99)


def random_graph(seed: int) -> tuple[int, NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    nodes = int(rng.integers(3, 200))
    src = rng.integers(0, nodes, 4 * nodes)
    dst = (src + rng.integers(1, nodes, 4 * nodes)) % nodes
    return nodes, src, dst, rng.integers(-4, 60, 4 * nodes) / 1024


def test_agrees_with_a_search_from_scratch_after_every_change() -> None:
    answers = []
    for seed in range(20):
        nodes, src, dst, weight = random_graph(seed)
        warm = IncrementalCycleFinder(nodes, src, dst, weight)
        cold = NegativeCycleFinder(nodes, src, dst, weight)
        rng = random.Random(seed)
        for _ in range(300):
            edge, new = rng.randrange(len(src)), rng.randrange(-40, 60) / 1024
            warm.update(edge, new)
            cold.update(edge, new)
            answers.append(warm.has_cycle)
            assert answers[-1] == (cold.find() is not None)
    assert 400 < sum(answers) < len(answers) - 400


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), float("-inf"), 1e16])
def test_weights_out_of_range_are_refused(weight: float) -> None:
    with pytest.raises(InvalidInput, match="weight of edge 1 is"):
        IncrementalCycleFinder(2, SRC[:2] * 0, SRC[:2] * 0 + 1, np.array([0.0, weight]))
    finder = triangles()
    with pytest.raises(InvalidInput, match="weight of edge 3 is"):
        finder.update(3, weight)
    with pytest.raises(InvalidInput, match="weight of edge 3 is"):
        finder.would_close_cycle(3, weight)
    assert not finder.has_cycle


def test_graphs_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidInput, match="edge 2 leads from node 2 to itself"):
        IncrementalCycleFinder(4, SRC, np.array([1, 2, 2, 3, 0, 1]), WEIGHT)
    with pytest.raises(InvalidInput, match="src of edge 4 is 3, which is not in"):
        IncrementalCycleFinder(3, SRC, DST, WEIGHT)
    with pytest.raises(InvalidInput, match="one entry per edge, 6, found 2"):
        IncrementalCycleFinder(4, SRC, DST, WEIGHT, POOL[:2])
    with pytest.raises(InvalidInput, match=r"pool must be .* int32 or int64, found float64"):
        IncrementalCycleFinder(4, SRC, DST, WEIGHT, WEIGHT)
    with pytest.raises(InvalidInput, match="n_nodes is -1"):
        IncrementalCycleFinder(-1, SRC, DST, WEIGHT)


@pytest.mark.parametrize("edge", [-1, 6, 2**40])
def test_edges_that_are_not_there_are_refused(edge: int) -> None:
    finder = triangles()
    for call in (
        lambda: finder.update(edge, 0.0),
        lambda: finder.remove(edge),
        lambda: finder.would_close_cycle(edge, 0.0),
        lambda: finder.cycles_through(edge),
    ):
        with pytest.raises(InvalidInput, match=rf"edge {edge} is not in 0\.\.6"):
            call()


def test_threads_may_share_a_finder() -> None:
    nodes, src, dst, weight = random_graph(3)
    finder = IncrementalCycleFinder(nodes, src, dst, np.abs(weight))
    order = np.arange(len(src))

    def change() -> None:
        for _ in range(50):
            finder.update_many(order, np.abs(weight) - 0.01)
            finder.update_many(order, np.abs(weight))
            for edge in range(50):
                finder.update(edge, 0.5)
                finder.cycles_through(edge, 5)

    threads = [threading.Thread(target=change) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    finder.update_many(order, np.abs(weight))
    assert not finder.has_cycle


def test_cold_search_from_sources_sees_only_what_they_reach() -> None:
    # 0 -> 1 -> 2 -> 1 with a negative cycle, and 3 <-> 4 with another.
    src, dst = np.array([0, 1, 2, 3, 4]), np.array([1, 2, 1, 4, 3])
    finder = NegativeCycleFinder(6, src, dst, np.array([0.0, 1.0, -2.0, 1.0, -3.0]))

    def found(*sources: int) -> list[int] | None:
        cycle = finder.find(np.array(sources, dtype=np.int64))
        return None if cycle is None else sorted(cycle[0].tolist())

    assert found() is None
    assert found(5) is None
    assert found(0) == found(2) == found(5, 0, 0) == [1, 2]
    assert found(4) == [3, 4]
    assert finder.find() is not None
    for bad in (-1, 6, 2**40):
        with pytest.raises(InvalidInput, match=rf"source {bad} is not in 0\.\.6"):
            found(0, bad)
