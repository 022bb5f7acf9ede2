"""NegativeCycleFinder on NumPy arrays, against a search in plain Python."""

import random
import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from phantom_core import InvalidInput, NegativeCycleFinder, find_negative_cycle

Edges = list[tuple[int, int, float]]
Indices = NDArray[np.int32] | NDArray[np.int64]


def indices(values: list[int], bits: int) -> Indices:
    return np.array(values, dtype=np.int32) if bits == 32 else np.array(values, dtype=np.int64)


def arrays(edges: Edges, bits: int = 64) -> tuple[Indices, Indices, NDArray[np.float64]]:
    return (
        indices([edge[0] for edge in edges], bits),
        indices([edge[1] for edge in edges], bits),
        np.array([edge[2] for edge in edges], dtype=np.float64),
    )


def has_negative_cycle(n_nodes: int, edges: Edges) -> bool:
    distance = [0.0] * n_nodes
    for _ in range(n_nodes):
        changed = False
        for u, v, w in edges:
            if distance[u] + w < distance[v] - 1e-12:
                distance[v] = distance[u] + w
                changed = True
        if not changed:
            return False
    return True


def test_triangle_gives_edges_in_walking_order_and_their_sum() -> None:
    src, dst, weight = arrays([(0, 1, 0.5), (2, 0, 0.25), (1, 2, -1.0), (1, 0, 2.0)])
    found = NegativeCycleFinder(3, src, dst, weight).find()
    assert found is not None
    edges, total = found
    assert edges.dtype == np.int64
    assert sorted(edges.tolist()) == [0, 1, 2]
    assert [int(dst[edge]) for edge in edges] == [int(src[edge]) for edge in np.roll(edges, -1)]
    assert total == -0.25


@pytest.mark.parametrize("bits", [32, 64])
def test_random_graphs_agree_with_plain_python(bits: int) -> None:
    rng = random.Random(7)
    answers = set()
    for _ in range(300):
        n_nodes = rng.randrange(1, 15)
        edges = [
            (rng.randrange(n_nodes), rng.randrange(n_nodes), rng.randrange(-8, 30) / 8)
            for _ in range(rng.randrange(40))
        ]
        src, dst, weight = arrays(edges, bits)
        found = find_negative_cycle(n_nodes, src, dst, weight)
        assert (found is not None) == has_negative_cycle(n_nodes, edges)
        answers.add(found is not None)
        if found is not None:
            cycle, total = found
            assert total == sum(edges[edge][2] for edge in cycle) < 0
    assert answers == {True, False}


def test_update_is_seen_by_the_next_find() -> None:
    finder = NegativeCycleFinder(2, *arrays([(0, 1, 1.0), (1, 0, -0.5)]))
    assert len(finder) == 2
    assert finder.find() is None
    finder.update(1, -1.5)
    found = finder.find()
    assert found is not None
    assert found[1] == -0.5
    finder.update(0, 1.5)
    assert finder.find() is None


def test_empty_graph_and_strided_arrays() -> None:
    assert find_negative_cycle(0, *arrays([])) is None
    both = np.array([[0, 9], [1, 9]], dtype=np.int64)
    back = np.array([[1, 9], [0, 9]], dtype=np.int64)
    assert find_negative_cycle(2, both[:, 0], back[:, 0], np.array([1.0, 9.0, -2.0, 9.0])[::2]) is not None


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), float("-inf"), 1e16])
def test_weights_out_of_range_are_refused(weight: float) -> None:
    src, dst, good = arrays([(0, 1, 1.0), (1, 0, 1.0)])
    bad = good.copy()
    bad[1] = weight
    with pytest.raises(InvalidInput, match="weight of edge 1 is"):
        NegativeCycleFinder(2, src, dst, bad)
    finder = NegativeCycleFinder(2, src, dst, good)
    with pytest.raises(InvalidInput, match="weight of edge 0 is"):
        finder.update(0, weight)
    assert finder.find() is None


@pytest.mark.parametrize("node", [-1, 2, 2**32, -(2**63)])
def test_nodes_out_of_range_are_refused(node: int) -> None:
    fine, weight = np.array([0, 1], dtype=np.int64), np.array([1.0, 1.0])
    bad = np.array([0, node], dtype=np.int64)
    with pytest.raises(InvalidInput, match=rf"src of edge 1 is {node}, which is not in 0\.\.2"):
        find_negative_cycle(2, bad, fine, weight)
    with pytest.raises(InvalidInput, match=rf"dst of edge 1 is {node}, "):
        find_negative_cycle(2, fine, bad, weight)


def test_other_lengths_types_shapes_and_sizes_are_refused() -> None:
    src, dst, weight = arrays([(0, 1, 1.0), (1, 0, 1.0)])
    with pytest.raises(InvalidInput, match="found 2, 1 and 2"):
        find_negative_cycle(2, src, dst[:1], weight)
    with pytest.raises(InvalidInput, match=r"src must be .* int32 or int64, found float64 in 1 dim"):
        find_negative_cycle(2, weight, dst, weight)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"weight must be .* float64, found float32"):
        find_negative_cycle(2, src, dst, weight.astype(np.float32))
    with pytest.raises(InvalidInput, match=r"dst must be .*, found int64 in 2 dimensions"):
        find_negative_cycle(2, src, dst.reshape(1, 2), weight)
    with pytest.raises(InvalidInput, match=r"src must be .*, found <class 'list'>"):
        find_negative_cycle(2, [0, 1], dst, weight)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="n_nodes is -1"):
        find_negative_cycle(-1, src, dst, weight)
    with pytest.raises(InvalidInput, match="at most 16777216 nodes"):
        find_negative_cycle(2**40, src, dst, weight)


@pytest.mark.parametrize("edge", [-1, 2, 2**40])
def test_update_of_an_edge_that_is_not_there_is_refused(edge: int) -> None:
    finder = NegativeCycleFinder(2, *arrays([(0, 1, 1.0), (1, 0, 1.0)]))
    with pytest.raises(InvalidInput, match=rf"edge {edge} is not in 0\.\.2"):
        finder.update(edge, 0.0)


def test_threads_may_share_a_finder() -> None:
    rng = random.Random(1)
    edges = [(rng.randrange(500), rng.randrange(500), rng.random()) for _ in range(3000)]
    finder = NegativeCycleFinder(500, *arrays(edges))
    answers: list[bool] = []

    def search() -> None:
        answers.extend(finder.find() is None for _ in range(50))

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 200
