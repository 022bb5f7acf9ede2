"""Signals to a run.

Ctrl-C and SIGTERM: the first asks the run to stop after the record in hand, the second interrupts it.
SIGUSR1, where there is one: halts trading, or lets it go on; the run watches all the while.
"""

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


@contextmanager
def halting_on_signal(toggle: Callable[[], None]) -> Iterator[None]:
    """Call `toggle` on each SIGUSR1 inside the block; restore the former handler after it.

    Does nothing in another thread than the main one, or on systems without the signal.
    """
    number = getattr(signal, "SIGUSR1", None)
    if number is None:
        yield
        return
    try:
        former = signal.signal(number, lambda _number, _frame: toggle())
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(number, former)
