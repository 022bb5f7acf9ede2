"""Time that passes by itself, and time that passes when it is told to."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from phantom_arbiter.clock import Clock, ManualClock, RealClock, within


async def waited(clock: Clock, woken: list[int], duration_ns: int) -> None:
    await clock.wait_ns(duration_ns)
    woken.append(duration_ns)


async def forever(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("cancelled")


def test_real_clock_runs_forward() -> None:
    clock = RealClock()
    before_ns = clock.now_ns()
    clock.sleep_ns(1)
    between_ns = clock.now_ns()
    asyncio.run(clock.wait_ns(1))
    assert before_ns < between_ns < clock.now_ns()


def test_real_clock_does_not_wait_for_what_is_past() -> None:
    asyncio.run(RealClock().wait_ns(-(10**18)))


def test_sleeping_on_a_manual_clock_is_a_jump() -> None:
    clock = ManualClock(5)
    clock.sleep_ns(3_600_000_000_000)
    assert clock.now_ns() == 3_600_000_000_005


def test_manual_clock_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="cannot go back by 3 ns"):
        ManualClock().advance(-3)


def test_those_who_wait_on_a_manual_clock_wake_when_it_got_there() -> None:
    async def session() -> None:
        clock, woken = ManualClock(7), list[int]()
        tasks = [asyncio.ensure_future(waited(clock, woken, after)) for after in (30, 10, 20, 10)]
        await asyncio.sleep(0)
        clock.advance(9)
        await asyncio.sleep(0)
        assert woken == []
        tasks[3].cancel()
        await asyncio.sleep(0)
        clock.advance(11)
        await asyncio.sleep(0)
        assert woken == [10, 20]
        clock.sleep_ns(10)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert woken == [10, 20, 30]

    asyncio.run(session())


def test_work_has_its_time_and_no_more() -> None:
    async def session() -> None:
        clock, ended = ManualClock(), list[str]()

        async def quick() -> str:
            return "done"

        assert await within(clock, 5, quick()) == "done"
        work: Coroutine[Any, Any, None] = forever(ended)
        slow = asyncio.ensure_future(within(clock, 5, work))
        for _ in range(3):
            await asyncio.sleep(0)
        clock.advance(4)
        for _ in range(3):
            await asyncio.sleep(0)
        assert not slow.done()
        clock.advance(1)
        with pytest.raises(TimeoutError):
            await slow
        assert ended == ["cancelled"]

    asyncio.run(session())
