import sys

from phantom_arbiter.telemetry.model import RunModel
from telemetry_samples import SampleRun


def test_statuses_that_are_over_are_not_kept_for_their_rates() -> None:
    run, model = SampleRun(), RunModel()
    first = run.status()
    held = sys.getrefcount(first)
    model.apply(first)
    assert model.per_minute() == {}
    run.step(100, 1_000_000_000)
    model.apply(run.status())
    rates = model.per_minute()
    assert list(rates) == [count.stage for count in first.funnel]
    assert rates["updates"] > 0
    assert sys.getrefcount(first) == held
