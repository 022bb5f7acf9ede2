"""A live run whose endpoints are silent."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from phantom_arbiter.config import Config, risk_rules
from phantom_arbiter.engine import Engine, Parts
from phantom_arbiter.errors import JournalError
from phantom_arbiter.execution.paper import PaperExecutor
from phantom_arbiter.journal import RiskChange
from phantom_arbiter.live import LiveRun
from phantom_arbiter.sources.live import LiveSource
from phantom_arbiter.strategies.cyclic_arbitrage import CyclicArbitrage
from shell_fakes import FakeJournal, FakeMarket, FakeObserver


class Silent:
    """A source that no frame ever comes from."""

    def __init__(self) -> None:
        self.was_closed = False

    async def run(self, market: object, sink: object, stop: asyncio.Event, on_stage: object) -> None:
        try:
            await stop.wait()
        finally:
            self.was_closed = True


def engine_of(kill_switch_file: Path, journal: FakeJournal, observer: FakeObserver) -> Engine:
    market = FakeMarket().engine
    return Engine(
        Parts(
            market=market,
            strategy=CyclicArbitrage(),
            rules=risk_rules(Config().risk),
            executor=PaperExecutor(market),
            journal=journal,
            observer=observer,
            kill_switch_file=kill_switch_file,
        )
    )


def live_run(source: Silent) -> LiveRun:
    return LiveRun(cast(LiveSource, source), FakeMarket().engine)


def test_kill_switch_is_noticed_though_no_frame_arrives(tmp_path: Path) -> None:
    class Stopping(FakeObserver):
        def notice(self, text: str) -> None:
            super().notice(text)
            run.stop()

    source, journal, observer = Silent(), FakeJournal(), Stopping()
    run = live_run(source)
    (tmp_path / "halt").touch()
    run.drive(engine_of(tmp_path / "halt", journal, observer))
    assert observer.notices == [f"kill switch on (file {tmp_path / 'halt'}): nothing is sent"]
    assert [(change.what, change.key, change.after) for change in journal.changes] == [
        ("kill_switch", "file", "on")
    ]
    assert source.was_closed


def test_look_that_cannot_be_journaled_ends_the_run(tmp_path: Path) -> None:
    class Full(FakeJournal):
        def changed(self, change: RiskChange) -> None:
            raise JournalError("disk is full")

    source = Silent()
    (tmp_path / "halt").touch()
    with pytest.raises(JournalError, match="disk is full"):
        live_run(source).drive(engine_of(tmp_path / "halt", Full(), FakeObserver()))
    assert source.was_closed
