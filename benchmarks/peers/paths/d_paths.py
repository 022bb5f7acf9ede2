"""Path d of the peer benchmarks: all simple cycles of 2 to 4 hops through the base node."""

from collections.abc import Callable
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from phantom_core import Multiverse


class PoolLevel(TypedDict):
    n: int
    src: list[int]
    dst: list[int]
    pool: list[int]
    base: int
    max_hops: int


class NodeLevel(TypedDict):
    n: int
    edges: list[tuple[int, int]]
    base: int
    max_hops: int


def get(work: str, data: PoolLevel | NodeLevel) -> Callable[[], NDArray[np.int32]]:
    """Return the timed call: the rows as one array, of edge indices or of nodes.

    The graph is built here, as the peers' setup does; every call lists from scratch.
    """
    base, max_hops = data["base"], data["max_hops"]
    if "edges" in data:
        src, dst = zip(*data["edges"], strict=True)
        graph = Multiverse(data["n"], np.array(src, dtype=np.int32), np.array(dst, dtype=np.int32))
        return lambda: graph.cycles(base, max_hops, level="mint").nodes
    columns = (np.array(column, dtype=np.int32) for column in (data["src"], data["dst"], data["pool"]))
    graph = Multiverse(data["n"], *columns)
    return lambda: graph.cycles(base, max_hops).edges
