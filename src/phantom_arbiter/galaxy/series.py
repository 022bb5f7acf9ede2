"""How one pool changed over a run, in bounded space: a curve for eyes."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

MAX_POINTS = 500
"""Points of one pool; more are thinned."""


class PoolSeries:
    """Price and depths over time, the newest last.

    When it is full, each four points are thinned to the lowest and the highest price among them: what is old
    gets coarser, the extremes stay. Depths are floats here, exact to 2^53.
    """

    __slots__ = ("_at_ns", "_depth_a", "_depth_b", "_price", "_unix_ms")

    def __init__(self) -> None:
        self._at_ns = array("q")
        self._unix_ms = array("q")
        self._price = array("d")
        self._depth_a = array("d")
        self._depth_b = array("d")

    def __len__(self) -> int:
        return len(self._price)

    def add(self, at_ns: int, unix_ms: int, price: float | None, depth_a: str, depth_b: str) -> None:
        """Add a point; without a price it is a gap in the curve."""
        if len(self._price) >= MAX_POINTS:
            self._thin()
        self._at_ns.append(at_ns)
        self._unix_ms.append(unix_ms)
        self._price.append(float("nan") if price is None else price)
        self._depth_a.append(float(depth_a))
        self._depth_b.append(float(depth_b))

    def since(self, unix_ms: int) -> dict[str, list[Any]]:
        """Return the columns from a time on, as the API gives them."""
        first = next((i for i, at in enumerate(self._unix_ms) if at >= unix_ms), len(self))
        return {
            "at_ns": self._at_ns[first:].tolist(),
            "unix_ms": self._unix_ms[first:].tolist(),
            "price": [None if price != price else price for price in self._price[first:]],
            "depth_a": [int(depth) for depth in self._depth_a[first:]],
            "depth_b": [int(depth) for depth in self._depth_b[first:]],
        }

    def _thin(self) -> None:
        kept = thinned(self._price)
        for name in self.__slots__:
            column = getattr(self, name)
            setattr(self, name, array(column.typecode, [column[i] for i in kept]))


def thinned(values: Sequence[float]) -> list[int]:
    """Return the places of the lowest and highest of each four, in order, and of the first and the last.

    NaN is no value; of four that have none the first stays.
    """
    kept = {0, len(values) - 1}
    for begin in range(0, len(values), 4):
        places = [i for i in range(begin, min(begin + 4, len(values))) if values[i] == values[i]]
        if places:
            kept.add(min(places, key=values.__getitem__))
            kept.add(max(places, key=values.__getitem__))
        else:
            kept.add(begin)
    return sorted(kept)
