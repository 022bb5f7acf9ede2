"""One round over several endpoints: the best first, the next when one fails or takes long, the first win."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from phantom_arbiter.errors import (
    EndpointError,
    RateLimited,
    RpcRefused,
    StaleSlot,
    TransientError,
)
from phantom_arbiter.sources.rpc_pool.member import Answer, Ask, Member
from phantom_arbiter.sources.rpc_pool.wire import OUR_MISTAKE


async def race(members: Sequence[Member], ask: Ask, hedge_after_s: float | None) -> Answer:
    """Return the first good answer of the members, asked in their order.

    Args:
        members: At least one.
        ask: What to ask.
        hedge_after_s: Seconds after which the next one is asked as well; None: only when one has failed.

    Raises:
        EndpointError: All failed: the error that says most.
    """
    answers: list[Answer] = []
    await collect(members, ask, hedge_after_s, answers, wanted=1, enough=1)
    return answers[0]


async def collect(
    members: Sequence[Member],
    ask: Ask,
    hedge_after_s: float | None,
    answers: list[Answer],
    *,
    wanted: int,
    enough: int,
) -> None:
    """Add good answers of different members until there are `wanted`: so many are asked at once.

    Once there are enough, the others are not waited for longer than `hedge_after_s`.

    Args:
        members: At least one, in the order in which they are asked.
        ask: What to ask.
        hedge_after_s: Seconds after which one more is asked; None: only when one has failed.
        answers: Those there are, of others than `members`; what comes is added even if it is not enough.
        wanted: How many answers are wanted in all.
        enough: How many of them will do.

    Raises:
        EndpointError: Some failed, so that too few gave a good answer: the error that says most.
    """
    left = iter(members)
    running: dict[asyncio.Task[Answer], Member] = {}
    errors: list[EndpointError] = []
    patience_s = hedge_after_s

    try:
        for _ in range(wanted - len(answers)):
            _start(left, running, ask)
        while running:
            wait_s = patience_s if len(answers) >= enough else hedge_after_s
            done, _ = await asyncio.wait(running, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                if len(answers) >= enough:
                    return
                if not _start(left, running, ask):
                    hedge_after_s = None
                continue
            for task in sorted(done, key=list(running).index):
                running.pop(task)
                try:
                    answers.append(task.result())
                except RpcRefused as error:
                    if error.code in OUR_MISTAKE:
                        raise
                    errors.append(error)
                except EndpointError as error:
                    errors.append(error)
                else:
                    if len(answers) == wanted:
                        return
                    continue
                _start(left, running, ask)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    if errors and len(answers) < enough:
        raise most_telling(errors)


def _start(left: Iterator[Member], running: dict[asyncio.Task[Answer], Member], ask: Ask) -> bool:
    member = next(left, None)
    if member is None:
        return False
    running[asyncio.create_task(member.ask(ask))] = member
    return True


def most_telling(errors: Sequence[EndpointError]) -> EndpointError:
    """Return the error by which to decide what to do next: one that may pass before one that will not.

    Among those, a slot not reached before anything else, since waiting for it is short; then a limit.
    """
    kinds: tuple[type[EndpointError], ...] = (StaleSlot, RateLimited, TransientError, EndpointError)
    return next(error for kind in kinds for error in errors if isinstance(error, kind))
