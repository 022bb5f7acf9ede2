"""Path j: one bundle to N local endpoints at once, done when all answers are in.

Ours builds the body anew for every dispatch, as it would in earnest, and reads every answer; the peers send
one text prepared before and do not look at what comes back. `J_DISPATCH=await` measures the form that asyncio
awaits, on uvloop (`J_DISPATCH=await-asyncio`: on asyncio's own loop), instead of the blocking one.
"""

from __future__ import annotations

import asyncio
import base64
import json
import math
import os
import time
from collections.abc import Callable
from typing import Any

from phantom_core import NetworkSubmitter, Target

WARM_UP = 30


def get(work: str, data: Any) -> Callable[[], Any] | None:
    """Return what gives the latencies, seconds."""
    wires = [base64.b64decode(text) for text in json.loads(data["payload"])["params"][0]]
    targets = [
        Target(f"endpoint-{number}", url, requests_per_second=math.inf)
        for number, url in enumerate(data["urls"])
    ]
    form = os.environ.get("J_DISPATCH", "blocking")
    if form == "blocking":
        return lambda: _blocking(targets, wires, data["dispatches"])
    return lambda: _awaited(targets, wires, data["dispatches"], form)


def _blocking(targets: list[Target], wires: list[bytes], dispatches: int) -> list[float]:
    with NetworkSubmitter(targets) as submitter:
        submitter.warm_blocking()
        latencies = []
        for _ in range(WARM_UP + dispatches):
            begin = time.perf_counter()
            dispatch = submitter.submit_blocking(wires)
            latencies.append(time.perf_counter() - begin)
            assert all(answer.kind == "accepted" for answer in dispatch.answers)
    return latencies[WARM_UP:]


def _awaited(targets: list[Target], wires: list[bytes], dispatches: int, form: str) -> list[float]:
    async def scene() -> list[float]:
        with NetworkSubmitter(targets) as submitter:
            await submitter.warm()
            latencies = []
            for _ in range(WARM_UP + dispatches):
                begin = time.perf_counter()
                dispatch = await submitter.submit(wires)
                latencies.append(time.perf_counter() - begin)
                assert all(answer.kind == "accepted" for answer in dispatch.answers)
        return latencies[WARM_UP:]

    loop_factory = None
    if form != "await-asyncio":
        import uvloop

        loop_factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(scene())
