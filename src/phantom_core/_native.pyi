from typing import final

import numpy as np
from numpy.typing import NDArray

# ---- errors

class PhantomError(Exception):
    """Base of everything that phantom_core raises."""

class InvalidInput(PhantomError):
    """An argument is malformed: which one, what it holds, what it may hold."""

class MarketDataError(PhantomError):
    """Account data is missing, undecodable or not what it claims to be; the pool is set aside."""

class SwapRefused(PhantomError):
    """The on-chain program would refuse this swap; `name` and `code` are the program's own."""

    name: str
    code: int | None

class RecordingError(PhantomError):
    """A recording is missing, torn or corrupt."""

# ---- cycle_finder

@final
class NegativeCycleFinder:
    """A directed multigraph with weights, built once and searched for negative cycles.

    With weights `-ln(rate after fees)` a negative cycle is a profitable one. Parallel edges and
    self-loops are allowed. May be shared between threads; searches of one finder run one at a time.
    """

    def __new__(
        cls,
        n_nodes: int,
        src: NDArray[np.int32] | NDArray[np.int64],
        dst: NDArray[np.int32] | NDArray[np.int64],
        weight: NDArray[np.float64],
    ) -> NegativeCycleFinder:
        """Build the graph with edges `src[i] -> dst[i]`; the arrays are copied.

        Args:
            n_nodes: Nodes are `0 .. n_nodes - 1`; at most 2**24.
            src: Where each edge starts, one-dimensional.
            dst: Where each edge ends.
            weight: Finite, between -1e15 and 1e15.

        Raises:
            InvalidInput: Other lengths, types or values.
        """

    def find(self) -> tuple[NDArray[np.int64], float] | None:
        """Return the edges of a negative cycle in walking order and their sum, or None.

        Every call is a Bellman-Ford search from scratch with the GIL released. A cycle counts if
        its sum is below -1e-12 (in proportion more where weights exceed 70); one between
        `-1e-12 * hops` and zero may be missed. No node occurs twice. The same input gives the same
        cycle.
        """

    def update(self, edge: int, weight: float) -> None:
        """Change one edge's weight for the next `find`; O(1).

        Args:
            edge: Index into the arrays the finder was built from.
            weight: Finite, between -1e15 and 1e15.

        Raises:
            InvalidInput: No such edge, or a weight out of range.
        """

    def __len__(self) -> int:
        """Return the number of edges."""

def find_negative_cycle(
    n_nodes: int,
    src: NDArray[np.int32] | NDArray[np.int64],
    dst: NDArray[np.int32] | NDArray[np.int64],
    weight: NDArray[np.float64],
) -> tuple[NDArray[np.int64], float] | None:
    """Build a `NegativeCycleFinder`, search once and return what its `find` returns.

    Raises:
        InvalidInput: As for `NegativeCycleFinder`.
    """
