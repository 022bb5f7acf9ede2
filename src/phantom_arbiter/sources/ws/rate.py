"""Requests per second, asked for without waiting."""

from __future__ import annotations


class TokenBucket:
    """Allows so many requests a second, up to one second's worth at once.

    A library such as aiolimiter makes its caller wait; subscriptions are sent from callbacks that cannot.
    """

    def __init__(self, per_second: float | None, now_ns: int) -> None:
        self._per_second = per_second
        self._size = max(per_second or 0.0, 1.0)
        self._tokens = self._size
        self._at_ns = now_ns

    def take(self, now_ns: int) -> bool:
        """Return whether one more request may go now; if so, it is counted."""
        if self._per_second is None:
            return True
        gained = (now_ns - self._at_ns) * self._per_second / 1e9
        self._tokens = min(self._size, self._tokens + gained)
        self._at_ns = now_ns
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
