"""Delays between attempts: exponential with full jitter, plus what an answer demands.

Retry libraries (tenacity, stamina) wrap one call; here an attempt is a connection that may live for days, the
count starts anew only once one has proved stable, and its end decides the kind of delay.
"""

from __future__ import annotations

from random import Random


class Backoff:
    """Counts failures in a row and draws the delay after each."""

    def __init__(self, base_ns: int, cap_ns: int, random: Random) -> None:
        self._base_ns = base_ns
        self._cap_ns = cap_ns
        self._random = random
        self.failures = 0

    def delay_ns(self, least_ns: int = 0) -> int:
        """Count a failure; return how long to wait before the next attempt.

        Full jitter: any time up to `base * 2**failures`, at most the cap, so that clients that failed
        together do not come back together.

        Args:
            least_ns: Wait at least so long, and up to twice as long.
        """
        highest = min(self._cap_ns, self._base_ns << min(self.failures, 62))
        self.failures += 1
        if least_ns:
            return least_ns + self._random.randint(0, least_ns)
        return self._random.randint(0, highest)

    def reset(self) -> None:
        """Start anew after a success."""
        self.failures = 0
