"""Chaos on the local net, for a few seconds; `benchmarks/chaos.py` for as long as one likes."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("solders")

from benchmarks.chaos import run_chaos, show


@pytest.mark.parametrize("quorum", [1, 2])
def test_every_fault_at_once_ends_with_the_truth(quorum: int) -> None:
    report = asyncio.run(run_chaos(6.0, quorum=quorum, rate=400.0, seed=7, point_every_s=2.0))
    assert report.failures() == [], show(report)
    assert report.points >= 2
    assert report.compared > 100
    assert report.fresh > 500
