"""A run put together with its publisher. Composition only."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import phantom_core
from phantom_arbiter import __version__
from phantom_arbiter.config_sources import Effective
from phantom_arbiter.engine import Engine
from phantom_arbiter.errors import ConfigError
from phantom_arbiter.mints import WELL_KNOWN_MINTS
from phantom_arbiter.summary import SourceInfo, Summary, to_json
from phantom_arbiter.telemetry.bus import Bus
from phantom_arbiter.telemetry.curves import CurveDesk
from phantom_arbiter.telemetry.publisher import Publisher, Run
from phantom_arbiter.telemetry.records import Control, Hello, Mint
from phantom_arbiter.telemetry.sockets import listen
from phantom_arbiter.telemetry.status import StatusDesk


def _nothing(publisher: Publisher | None) -> None:
    """Serve where nobody waits for a publisher."""


@dataclass(frozen=True, slots=True)
class Viewing:
    """How a run is to be followed.

    Attributes:
        bus: What its observer feeds.
        begun: Told of the publisher before the source begins, None if there is none; may start viewers and
            wait for them.
    """

    bus: Bus
    begun: Callable[[Publisher | None], None] = _nothing


@dataclass(frozen=True, slots=True)
class ServedRun:
    """What viewers are told of, and ask.

    Attributes:
        effective: The settings.
        info: What the source says of itself.
        engine: The loop.
        market: The native engine.
        run_id: In the journal.
        stop: Ends the source.
    """

    effective: Effective
    info: SourceInfo
    engine: Engine
    market: phantom_core.Engine
    run_id: int
    stop: Callable[[], None]


@dataclass(slots=True)
class Served:
    """What viewers are told at the end; None: that the run has failed."""

    summary: Summary | None = None


@contextmanager
def serving(run: ServedRun, viewing: Viewing | None) -> Iterator[Served]:
    """Serve viewers inside the block, and tell them the end.

    Args:
        run: What they are told of.
        viewing: What the run's observer feeds; None to serve nobody.

    Raises:
        ConfigError: `telemetry.socket_dir` names a folder that cannot hold a socket.
    """
    served = Served()
    if viewing is None:
        yield served
        return
    publisher = publish(run, viewing.bus)
    if publisher is None:
        viewing.begun(None)
        yield served
        return
    try:
        viewing.begun(publisher)
        yield served
    except BaseException as error:
        publisher.finish(None, str(error) or type(error).__name__)
        raise
    publisher.finish(None if served.summary is None else to_json(served.summary))


def publish(run: ServedRun, bus: Bus) -> Publisher | None:
    """Begin to serve viewers of a run; without a socket say why, and return None.

    Raises:
        ConfigError: `telemetry.socket_dir` names a folder that cannot hold a socket.
    """
    engine, market = run.engine, run.market
    folder = run.effective.config.telemetry.socket_dir
    try:
        listener, path = listen(folder)
    except (OSError, ConfigError) as error:
        if folder is not None and isinstance(error, ConfigError):
            raise
        engine.notice(f"no viewer can follow this run: {error}")
        return None
    bus.at_ns = lambda: engine.recorded_ns
    curves = CurveDesk(market)

    def control(wish: Control) -> str | None:
        answer = engine.control(wish.action, wish.by)
        if wish.action == "stop":
            # The source may have ended by itself meanwhile, and its loop with it.
            with contextlib.suppress(RuntimeError):
                run.stop()
        return answer

    statuses = StatusDesk(engine, market, run.effective.config)
    asked = Run(
        hello=hello(run.effective, run.info, run.run_id),
        bus=bus,
        watch=market.watch,
        status=lambda seq, viewers, lost, is_last: statuses.status(
            seq=seq, viewers=viewers, lost=lost, is_last=is_last
        ),
        venue_of=curves.venue_of,
        settle=lambda: market.stats(0),
        curve=curves.curve,
        control=control,
        at_ns=lambda: engine.recorded_ns,
        slot=lambda: engine.desk.state.slot,
        broken=engine.notice_soon,
    )
    try:
        publisher = Publisher(listener, path, asked)
        publisher.start()
    except Exception as error:  # the run must not end for those who watch it
        listener.close()
        path.unlink(missing_ok=True)
        engine.notice(f"no viewer can follow this run: {type(error).__name__}: {error}")
        return None
    return publisher


def hello(effective: Effective, info: SourceInfo, run_id: int) -> Hello:
    """Return how a run introduces itself; settings are masked as `phantom config` shows them."""
    config = effective.config
    mints = {**WELL_KNOWN_MINTS, **info.mints.mints}
    return Hello(
        version=__version__,
        pid=os.getpid(),
        run_id=run_id,
        journal=str(config.journal.path),
        mode=config.mode,
        source=info.name,
        description=info.description,
        label=info.label,
        total_records=info.records,
        began_unix_ms=time.time_ns() // 1_000_000,
        mints={mint: Mint(symbol=each.symbol, decimals=each.decimals) for mint, each in mints.items()},
        settings={each.key: (each.value, each.origin) for each in effective.settings()},
        controls=("halt", "resume", "stop"),
    )
