"""The shipped recording and the real engine, for tests of what can run for real."""

from functools import cache

from phantom_arbiter.config import Config
from phantom_arbiter.native import build_native_engine
from phantom_arbiter.sources.recorded import DEMO_RECORDING
from phantom_core import Engine, Record, Recording, Signal


def market() -> Engine:
    """Return an engine that has seen nothing yet."""
    return build_native_engine(Config(), assume_plain_mints=True)


def feed(engine: Engine, record: Record) -> list[Signal]:
    """Hand one record to the engine."""
    match record.kind:
        case "connect":
            engine.connect(record.endpoint)
        case "sent":
            engine.request(record.endpoint, record.frame)
        case "received":
            return engine.ingest(record.endpoint, record.frame, record.arrival_ns)
        case "disconnect":
            return engine.disconnect(record.endpoint)
    return []


@cache
def records() -> tuple[Record, ...]:
    """Return the whole day."""
    return tuple(Recording(DEMO_RECORDING))


@cache
def up_to_signal(number: int) -> tuple[Record, ...]:
    """Return the day up to the record that gives signal `number`, counted from 1, if all are taken."""
    engine = market()
    for count, record in enumerate(records(), start=1):
        for signal in feed(engine, record):
            engine.take(signal)
            number -= 1
        if number <= 0:
            return records()[:count]
    raise AssertionError(f"{number} more signals than the day has")


def first_signal(engine: Engine) -> Signal:
    """Bring a fresh engine to the day's first signal and return it."""
    (found,) = [signal for record in up_to_signal(1) for signal in feed(engine, record)]
    return found
