"""Durations in a fixed amount of memory: a histogram with 64 steps per doubling.

A quantile is the upper edge of its step, at most 1.6 % above the true value and never below it.
"""

from __future__ import annotations

from array import array

_STEP_BITS = 6
_STEPS = 1 << _STEP_BITS
_DOUBLINGS = 64 - _STEP_BITS


class LatencyHistogram:
    """Counts durations of 0 to 2^64 - 1 ns; 30 kB however many there are."""

    def __init__(self) -> None:
        self._counts = array("Q", bytes(8 * _STEPS * (_DOUBLINGS + 1)))
        self.count = 0
        self.max_ns = 0

    def add(self, duration_ns: int) -> None:
        """Count one duration."""
        # Below 2^6 a step is 1 ns; above, the 6 bits after the leading one choose the step.
        shift = max(duration_ns.bit_length() - _STEP_BITS - 1, 0)
        self._counts[(shift << _STEP_BITS) + (duration_ns >> shift)] += 1
        self.count += 1
        if duration_ns > self.max_ns:
            self.max_ns = duration_ns

    def quantile(self, fraction: float) -> int | None:
        """Return the ns that at least `fraction` of all durations do not exceed; `None` if there are none."""
        if self.count == 0:
            return None
        wanted = max(1, -(-self.count * round(fraction * 1_000_000) // 1_000_000))
        seen = 0
        for index, count in enumerate(self._counts):
            seen += count
            if seen >= wanted:
                return min(_upper_edge(index), self.max_ns)
        return self.max_ns


def _upper_edge(index: int) -> int:
    if index < 2 * _STEPS:
        return index
    shift = (index >> _STEP_BITS) - 1
    return ((index - (shift << _STEP_BITS) + 1) << shift) - 1
