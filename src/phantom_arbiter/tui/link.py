"""What the screen needs of a connection to a run; `telemetry.follow.Follower` is one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from phantom_arbiter.telemetry.records import Control, Curve, Done, Published


class Link(Protocol):
    """Hears a run, and asks it."""

    def __aiter__(self) -> AsyncIterator[tuple[bytes, Published]]:
        """Return what the run says, but for answers, until it or the connection ends."""
        ...

    def next_id(self) -> int:
        """Return a number that no question of this connection has had."""
        ...

    async def ask(self, asked: Control) -> Curve | Done:
        """Ask for something and return the answer; somebody has to iterate meanwhile.

        Raises:
            RunGoneError: The run is gone, or does not answer in time.
        """
        ...
