"""Ctrl-C and SIGTERM: the first asks the run to stop after the record in hand, the second interrupts it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stopping_on_signals(*stop: Callable[[], None]) -> Iterator[None]:
    """Call every `stop` on the first signal inside the block; restore the former handlers after it.

    Only the main thread may set handlers: elsewhere the block runs unprotected.
    """
    asked = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        for function in stop:
            function()

    former = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            former[number] = signal.signal(number, handle)
    except ValueError:
        former.clear()
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
