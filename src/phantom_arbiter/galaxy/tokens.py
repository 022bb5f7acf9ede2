"""Tokens: made, compared in constant time, and guessed at only slowly."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable

MAX_CLIENTS = 10_000
"""Addresses whose failures are remembered; of more the oldest is forgotten."""


def new_token() -> str:
    """Return 256 random bits as text that fits into a URL."""
    return secrets.token_urlsafe(32)


def is_same(given: str, expected: str) -> bool:
    """Return whether two tokens are the same, in a time that tells nothing."""
    return hmac.compare_digest(given.encode(), expected.encode())


class Allowance:
    """So many at once, refilled over time, for each key.

    Args:
        most: How many at once.
        refill_s: Seconds after which one more is allowed.
        clock: Seconds, growing.
    """

    def __init__(self, most: int, refill_s: float, clock: Callable[[], float]) -> None:
        self._most, self._refill_s, self._clock = most, refill_s, clock
        self._left: dict[str, tuple[float, float]] = {}

    def is_left(self, key: str) -> bool:
        """Return whether `key` may once more."""
        return self._count(key) >= 1

    def take(self, key: str) -> None:
        """Count one."""
        left = max(self._count(key) - 1, 0.0)
        self._left.pop(key, None)
        if len(self._left) >= MAX_CLIENTS:
            del self._left[next(iter(self._left))]
        self._left[key] = (left, self._clock())

    def _count(self, key: str) -> float:
        left, at = self._left.get(key, (float(self._most), 0.0))
        return min(float(self._most), left + (self._clock() - at) / self._refill_s)
