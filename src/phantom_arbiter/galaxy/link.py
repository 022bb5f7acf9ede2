"""The connection to the run: records come in, questions go out."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from phantom_arbiter.telemetry.follow import Away, Back, Follower, RunGoneError, follow
from phantom_arbiter.telemetry.records import AskCurve, Control, Curve, Done, Published

LOOK_S = 0.25
"""Between two looks for a run."""

Action = Literal["halt", "resume", "stop"]


class Asker(Protocol):
    """Somebody who passes questions on to the run."""

    async def ask_curve(self, edges: tuple[int, ...], points: int) -> Curve:
        """Return what inputs of a cycle would earn now.

        Raises:
            RunGoneError: There is no run, or it did not answer.
        """
        ...

    async def control(self, action: Action) -> Done:
        """Ask for something to be done, as the dashboard.

        Raises:
            RunGoneError: There is no run, or it did not answer.
        """
        ...


class Link:
    """Follows one run after the other, and asks the one that is there."""

    def __init__(self) -> None:
        self._follower: Follower | None = None

    async def follow_runs(
        self,
        find: Callable[[], Path | None],
        heard: Callable[[bytes, Published], None],
        away: Callable[[], None],
    ) -> None:
        """Tell of every record of the run that `find` names, then of the next run's, for ever."""
        has_complained = False
        while True:
            try:
                async for each in follow(find, look_every_s=LOOK_S):
                    match each:
                        case Back(follower=follower):
                            self._follower = follower
                        case Away():
                            self._follower = None
                            away()
                        case raw, record:
                            heard(raw, record)
            except (msgspec.MsgspecError, RunGoneError, ArithmeticError, LookupError, ValueError) as error:
                # Of another version, or no run at all: the dashboard itself stays up.
                self._follower = None
                away()
                if not has_complained:
                    print(f"dashboard: what the run says is not understood: {error}", file=sys.stderr)
                has_complained = True
                await asyncio.sleep(LOOK_S)

    async def ask_curve(self, edges: tuple[int, ...], points: int) -> Curve:
        """See `Asker`."""
        follower = self._connected()
        answer = await follower.ask(AskCurve(id=follower.next_id(), edges=edges, points=points))
        if not isinstance(answer, Curve):
            raise RunGoneError("the run answered something else")
        return answer

    async def control(self, action: Action) -> Done:
        """See `Asker`."""
        follower = self._connected()
        answer = await follower.ask(Control(id=follower.next_id(), action=action, by="dashboard"))
        if not isinstance(answer, Done):
            raise RunGoneError("the run answered something else")
        return answer

    def _connected(self) -> Follower:
        if self._follower is None:
            raise RunGoneError("the run is gone")
        return self._follower
