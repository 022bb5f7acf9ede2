"""How often each endpoint was asked what, how that ended, and what it cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from phantom_arbiter.sources.endpoints import Endpoint


@dataclass(slots=True)
class Usage:
    """Calls of one method at one endpoint.

    Attributes:
        calls: Requests sent.
        answered: Of these, those with a good answer.
        overtaken: Of these, those dropped because another endpoint was faster.
        failed: Of these, those that failed, by kind of error.
        credits: What they cost, in the provider's credits.
        bytes_received: Bytes of good answers, unpacked.
    """

    calls: int = 0
    answered: int = 0
    overtaken: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    credits: int = 0
    bytes_received: int = 0


class Meter:
    """Usage by endpoint and method."""

    def __init__(self) -> None:
        self._usage: dict[tuple[str, str], Usage] = {}

    def of(self, endpoint: str, method: str) -> Usage:
        """Return the usage of a method at an endpoint, zeros at first."""
        return self._usage.setdefault((endpoint, method), Usage())

    def sent(self, endpoint: Endpoint, method: str) -> Usage:
        """Count a request that is being sent; providers charge for it whatever becomes of it."""
        usage = self.of(endpoint.name, method)
        usage.calls += 1
        usage.credits += endpoint.credits.get(method, endpoint.credits.get("default", 1))
        return usage

    def rows(self) -> list[tuple[str, str, Usage]]:
        """Return (endpoint, method, usage) in order."""
        return [(*key, usage) for key, usage in sorted(self._usage.items())]

    def credits(self, endpoint: str) -> int:
        """Return all credits spent at an endpoint."""
        return sum(usage.credits for (name, _), usage in self._usage.items() if name == endpoint)
