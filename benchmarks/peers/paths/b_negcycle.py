"""Path b of the peer benchmarks: is there a negative cycle, and which?"""

from collections.abc import Callable
from typing import TypedDict

import numpy as np

from phantom_core import NegativeCycleFinder


class Graph(TypedDict):
    n: int
    src: list[int]
    dst: list[int]
    weight: list[float]
    pool: list[int]


def get(work: str, data: Graph) -> Callable[[], list[int] | None]:
    """Return the timed call: one cold search, giving the cycle's nodes in order or None.

    The graph is built here, as the peers' setup does; every call searches from scratch.
    """
    src = data["src"]
    finder = NegativeCycleFinder(
        data["n"],
        np.array(src, dtype=np.int32),
        np.array(data["dst"], dtype=np.int32),
        np.array(data["weight"], dtype=np.float64),
    )
    find = finder.find

    def run() -> list[int] | None:
        found = find()
        return None if found is None else [src[edge] for edge in found[0].tolist()]

    return run
