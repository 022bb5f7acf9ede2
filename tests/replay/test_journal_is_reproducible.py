"""The journal depends on the market and the settings, not on who delivered what when."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demo_recording import market_day
from journal_bytes import decided
from make_demo_recording import Options, make
from phantom_arbiter.sources.recorded import DEMO_RECORDING

DAY_FOLDER = Path(__file__).parents[1] / "data/whirlpool-2022-04-06"


@pytest.fixture(scope="module")
def day() -> market_day.MarketDay:
    return market_day.load(DAY_FOLDER)


def replay(recording: Path, journal: Path) -> dict[str, Any]:
    """Run the command as a user would; return its JSON."""
    command = [sys.executable, "-m", "phantom_arbiter", "run", "--recording", str(recording)]
    command += ["--journal", str(journal), "--json", "--ui", "plain"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def test_the_day_replayed_twice_gives_byte_identical_journals(tmp_path: Path) -> None:
    journals = [tmp_path / name for name in ("first.sqlite", "second.sqlite")]
    summaries = [replay(DEMO_RECORDING, journal) for journal in journals]
    assert summaries[0]["trades"]["filled"] > 0
    assert decided(journals[0]) == decided(journals[1])


def test_complete_endpoints_give_the_same_journal_however_they_interleave(
    tmp_path: Path, day: market_day.MarketDay
) -> None:
    variants = {"one": Options(tmp_path / "one.phrec", endpoints=1, faults="none", level=3)}
    for seed in (1, 2, 3):
        variants[f"three-{seed}"] = Options(
            tmp_path / f"three-{seed}.phrec", endpoints=3, faults="none", seed=seed, level=3
        )
    journals, interleavings = {}, set()
    for name, options in variants.items():
        journal = tmp_path / f"{name}.sqlite"
        summary = replay(make(options, day=day), journal)
        journals[name] = decided(journal)
        interleavings.add(tuple(endpoint["wins"] for endpoint in summary["endpoints"]))
        assert summary["trades"]["filled"] > 0
    assert len(interleavings) == len(variants), "the recordings do interleave differently"
    assert len(set(journals.values())) == 1


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_loss_conflation_and_reconnects_end_in_the_same_market(
    tmp_path: Path, day: market_day.MarketDay, seed: int
) -> None:
    complete = make(Options(tmp_path / "complete.phrec", endpoints=1, faults="none", level=3), day=day)
    faulty = make(
        Options(tmp_path / "faulty.phrec", endpoints=3, faults="realistic", seed=seed, level=3), day=day
    )
    want, got = (replay(path, tmp_path / f"{path.stem}.sqlite") for path in (complete, faulty))
    assert got["frames"]["malformed"] > 0
    assert got["frames"]["held"] > 0
    assert got["state_digest"] == want["state_digest"]
    assert got["pools"]["set_aside_by_reason"] == want["pools"]["set_aside_by_reason"]
