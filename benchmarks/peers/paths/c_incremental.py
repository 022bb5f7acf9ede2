"""Path c of the peer benchmarks: one edge changes; is there now a profitable cycle through it?

The peers keep their potentials by hand and never change them, so every sweep asks the same. We are
asked the same way: what if the edge had this weight. An applied update would move our potentials,
and the second sweep would be all constant-time answers.
"""

from collections.abc import Callable
from typing import TypedDict

import numpy as np

from phantom_core import IncrementalCycleFinder


class Change(TypedDict):
    n: int
    src: list[int]
    dst: list[int]
    weight: list[float]
    pool: list[int]
    updates: list[tuple[int, float]]
    truth: list[bool]


def get(work: str, data: Change) -> Callable[[], list[bool]]:
    """Return the timed call: the answer to every change, in order."""
    finder = IncrementalCycleFinder(
        data["n"],
        np.array(data["src"], dtype=np.int32),
        np.array(data["dst"], dtype=np.int32),
        np.array(data["weight"], dtype=np.float64),
        np.array(data["pool"], dtype=np.int32),
    )
    would_close_cycle, updates = finder.would_close_cycle, data["updates"]
    return lambda: [would_close_cycle(edge, weight) for edge, weight in updates]
