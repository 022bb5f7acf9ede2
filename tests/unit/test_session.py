import json
import os
import signal as signals
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import shipped_day
from journal_bytes import decided
from phantom_arbiter.config_sources import Effective, load
from phantom_arbiter.domain import Plan
from phantom_arbiter.errors import RecordingError
from phantom_arbiter.journal import Journal, landing_from_journal, read_journal, read_run
from phantom_arbiter.mints import MintBook
from phantom_arbiter.session import run_session
from phantom_arbiter.summary import SourceInfo, Summary, to_json
from phantom_core import Record
from shell_fakes import FakeObserver, FakeSource, StepClock

INFO = SourceInfo(
    "day", "a market", "recorded prices", "ab" * 32, 32_146, MintBook(), assume_plain_mints=True
)


def settings(path: Path) -> Effective:
    # The day's first gains are so great that no other pool confirms them: without this they are refused.
    return load({"journal": {"path": path}, "risk": {"price_reference": "outside"}})


def session(path: Path, source: FakeSource | None = None) -> Summary:
    """Run the day up to its second trade, or `source`."""
    source = source or FakeSource(shipped_day.up_to_signal(2))
    market = shipped_day.market()
    return run_session(settings(path), INFO, source, market, FakeObserver(), clock_ns=StepClock(10))


def test_session_journals_what_its_summary_says(tmp_path: Path) -> None:
    summary = session(tmp_path / "j.sqlite")
    assert (summary.run_id, summary.attempts, summary.filled, summary.records) == (
        1,
        2,
        2,
        len(shipped_day.up_to_signal(2)),
    )
    report = read_journal(tmp_path / "j.sqlite")
    assert report.runs[0].settings_sha256 == settings(tmp_path / "j.sqlite").sha256()
    assert report.totals[0].net_profit == summary.profit[0].net_profit
    assert (summary.funnel[0].name, summary.funnel[0].evaluations) == ("updates", summary.stats.updates)
    assert [stage.name for stage in summary.funnel][-4:] == ["after_risk", "after_rehearsal", "sent", "taken"]
    assert {stage.evaluations for stage in summary.funnel[-4:]} == {2}


def test_how_the_session_ended_is_kept_word_for_word(tmp_path: Path) -> None:
    began = int(time.time())
    summary = session(tmp_path / "j.sqlite")
    kept = read_run(tmp_path / "j.sqlite").summary
    assert kept is not None
    assert began <= kept.ended_unix <= time.time()
    found = json.loads(kept.text)
    assert found.pop("mints") == {}
    stages = found.pop("latencies")
    assert "search" in {stage["stage"] for stage in stages}
    assert all(
        0 < stage["p50_ns"] <= stage["p99_ns"] <= stage["max_ns"] for stage in stages if stage["count"]
    )
    assert found == json.loads(json.dumps(to_json(summary)))


def test_two_sessions_of_one_recording_give_the_same_file_byte_for_byte(tmp_path: Path) -> None:
    session(tmp_path / "one.sqlite")
    slow = [
        Record(record.kind, f"other-{record.endpoint}", record.arrival_ns * 9, record.frame or None)
        for record in shipped_day.up_to_signal(2)
    ]
    session(tmp_path / "two.sqlite", FakeSource(slow))
    assert decided(tmp_path / "one.sqlite") == decided(tmp_path / "two.sqlite")


def test_live_run_begins_with_what_earlier_ones_learned_and_a_replay_with_nothing(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    live = replace(INFO, records=None)
    risk = {"route_cooldown_slots": 0, "price_reference": "outside"}
    effective = load({"journal": {"path": path}, "risk": risk})

    def first_landing(info: SourceInfo) -> int:
        observer, source = FakeObserver(), FakeSource(shipped_day.up_to_signal(2))
        run_session(effective, info, source, shipped_day.market(), observer, clock_ns=StepClock(10))
        first = observer.trades[0].plan
        assert isinstance(first, Plan)
        return first.opportunity.landing_e4

    assert first_landing(live) == 5_000
    learned = first_landing(live)
    assert learned > 5_000
    assert first_landing(INFO) == 5_000
    assert first_landing(live) > learned, "of the runs before, but not of the replay"
    model = landing_from_journal(path, mode="paper", account=effective.config.risk.account)
    assert model.observed == 6
    assert landing_from_journal(path, mode="live").observed == 0


class SignalledSource(FakeSource):
    """Sends this process the signal after the first trade, before the next record."""

    def __init__(self, number: signals.Signals, times: int = 1) -> None:
        super().__init__(shipped_day.up_to_signal(2))
        self._number = number
        self._times = times

    def __iter__(self) -> Iterator[Record]:
        for count, record in enumerate(super().__iter__(), start=1):
            yield record
            if count == len(shipped_day.up_to_signal(1)):
                for _ in range(self._times):
                    os.kill(os.getpid(), self._number)


@pytest.mark.skipif(os.name != "posix", reason="signals are sent the POSIX way")
@pytest.mark.parametrize("number", [signals.SIGINT, signals.SIGTERM])
def test_ctrl_c_leaves_a_whole_journal_and_a_summary(tmp_path: Path, number: signals.Signals) -> None:
    former = signals.getsignal(number)
    source = SignalledSource(number)
    summary = session(tmp_path / "j.sqlite", source)
    assert summary.stopped_early
    assert source.stopped
    assert summary.records == len(shipped_day.up_to_signal(1)) + 1
    assert [row.state for row in read_journal(tmp_path / "j.sqlite").attempts] == ["filled"]
    assert signals.getsignal(number) is former


@pytest.mark.skipif(os.name != "posix", reason="signals are sent the POSIX way")
def test_second_ctrl_c_interrupts_at_once(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        session(tmp_path / "j.sqlite", SignalledSource(signals.SIGINT, times=2))
    assert len(read_journal(tmp_path / "j.sqlite").attempts) == 1


def test_source_that_breaks_leaves_what_came_before_in_the_journal(tmp_path: Path) -> None:
    class Torn(FakeSource):
        def __iter__(self) -> Iterator[Record]:
            yield from shipped_day.up_to_signal(1)
            raise RecordingError("block 2 is corrupt")

    with pytest.raises(RecordingError):
        session(tmp_path / "j.sqlite", Torn([]))
    assert read_run(tmp_path / "j.sqlite").summary is None, "it died"
    assert [row.state for row in read_journal(tmp_path / "j.sqlite").attempts] == ["filled"]
    Journal(tmp_path / "j.sqlite").close()
