"""Handing transactions over: to block engines and nodes at once, and what they answered.

The native submitter writes before `send` returns where a connection stands. Answers come later, in the
asyncio loop; they name reasons, they never decide.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from functools import partial

from phantom_arbiter.execution.answers import DispatchAnswer
from phantom_arbiter.execution.base import Submission
from phantom_core import Answer, Dispatch, DispatchError, NetworkSubmitter

TIP_TOO_SMALL = "tip_below_minimum"
"""What a refusal is called that names the tip."""

OnAnswer = Callable[[str, DispatchAnswer], None]
"""Told of a signature and what one target said of it."""


class NetworkDispatcher:
    """Sends submissions to all targets of one submitter; see `live.Dispatcher`."""

    def __init__(
        self,
        submitter: NetworkSubmitter,
        on_answers: Sequence[OnAnswer],
        *,
        deadline_ms: float,
        notice: Callable[[str], None],
    ) -> None:
        """Prepare.

        Args:
            submitter: Whom to hand over to.
            on_answers: Told of every answer, in this order.
            deadline_ms: How long one `send` may take; answers that come later are not waited for.
            notice: Told of what the submitter itself refuses.
        """
        self._submitter, self._on_answers = submitter, tuple(on_answers)
        self._deadline_ms, self._notice = deadline_ms, notice
        self._under_way: set[asyncio.Future[Dispatch]] = set()

    def send(self, submission: Submission) -> None:
        """Hand over and return at once.

        Raises:
            DispatchError: The submitter is closed; nothing was sent.
        """
        answers = self._submitter.submit([submission.wire], deadline_ms=self._deadline_ms)
        self._under_way.add(answers)
        answers.add_done_callback(partial(self._answered, submission.signature))

    async def finish(self) -> None:
        """Wait until every target has answered, or not in time."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _answered(self, signature: str, answers: asyncio.Future[Dispatch]) -> None:
        self._under_way.discard(answers)
        if answers.cancelled():
            return
        error = answers.exception()
        if isinstance(error, DispatchError):
            self._notice(f"dispatch of {signature}: {error}")
            return
        for answer in answers.result().answers:
            for told in self._on_answers:
                told(signature, plain_answer(answer))


def plain_answer(answer: Answer) -> DispatchAnswer:
    """Return an answer as the journal has it."""
    kind: str = answer.kind
    if kind == "rejected" and answer.message is not None and _is_about_the_tip(answer.message):
        kind = TIP_TOO_SMALL
    return DispatchAnswer(
        target=answer.target,
        kind=kind,
        latency_us=answer.latency_ns // 1_000 if answer.is_sent else None,
        code=answer.code if answer.code is not None else answer.http_status,
        bundle_id=answer.bundle_id,
    )


def _is_about_the_tip(message: str) -> bool:
    words = message.lower()
    if re.search(r"\btips?\b", words) is None:
        return False
    return any(each in words for each in ("minimum", "at least", "must", "lock"))


__all__ = ["TIP_TOO_SMALL", "NetworkDispatcher", "OnAnswer", "plain_answer"]
