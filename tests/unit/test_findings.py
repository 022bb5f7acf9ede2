from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landing_fakes import facts
from phantom_arbiter.execution.findings import Finding, Phase, Report, judge

SEEN = Report(is_seen=True)
GONE = Report(is_gone=True)
LANDED = Report(facts=facts())
FAILED = Report(facts=facts(error="custom_0x1"))
OTHER = Report(facts=facts(gain=9_999_999))


def named(*reports: Report) -> dict[str, Report]:
    return {f"endpoint {index}": report for index, report in enumerate(reports)}


@pytest.mark.parametrize(
    ("reports", "quorum", "phase"),
    [
        ((), 1, Phase.UNKNOWN),
        ((Report(),), 1, Phase.UNKNOWN),
        ((SEEN,), 1, Phase.SEEN),
        ((LANDED,), 1, Phase.LANDED),
        ((FAILED,), 1, Phase.LANDED),
        ((GONE,), 1, Phase.DEAD),
        ((GONE, SEEN), 1, Phase.DEAD),
        ((GONE, LANDED), 1, Phase.SEEN),
        ((LANDED,), 2, Phase.SEEN),
        ((LANDED, SEEN), 2, Phase.SEEN),
        ((LANDED, OTHER), 2, Phase.SEEN),
        ((LANDED, OTHER, LANDED), 2, Phase.LANDED),
        ((LANDED, GONE, LANDED), 2, Phase.LANDED),
        ((GONE,), 2, Phase.UNKNOWN),
        ((GONE, Report()), 2, Phase.UNKNOWN),
        ((GONE, GONE), 2, Phase.DEAD),
        ((GONE, GONE, LANDED), 2, Phase.DEAD),
        ((GONE, GONE, LANDED, LANDED), 2, Phase.SEEN),
    ],
)
def test_phase_follows_from_the_reports(reports: tuple[Report, ...], quorum: int, phase: Phase) -> None:
    finding = judge(named(*reports), quorum)
    assert finding.phase is phase
    assert finding.is_certain is (phase in (Phase.LANDED, Phase.DEAD))
    assert (finding.facts is not None) is (phase is Phase.LANDED)


def test_time_and_units_are_taken_from_whoever_tells_them() -> None:
    full = facts()
    bare = replace(full, chain=replace(full.chain, unix_time=None, units_consumed=None))
    reports = named(Report(facts=bare), Report(facts=full))
    assert judge(reports, 2) == Finding(Phase.LANDED, full)


def test_quorum_of_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="quorum of 0"):
        judge({}, 0)


ANY_REPORT = st.sampled_from([Report(), SEEN, GONE, LANDED, FAILED, OTHER])


@given(
    quorum=st.integers(1, 4),
    lies=st.lists(ANY_REPORT, max_size=3),
    late=st.lists(st.sampled_from([Report(), SEEN, LANDED]), max_size=5),
)
def test_fewer_liars_than_the_quorum_never_make_a_landed_transaction_anything_else(
    quorum: int, lies: list[Report], late: list[Report]
) -> None:
    finding = judge(named(*late, *lies[: quorum - 1]), quorum)
    assert not finding.is_certain or finding == Finding(Phase.LANDED, LANDED.facts)


@given(
    quorum=st.integers(1, 4),
    lies=st.lists(ANY_REPORT, max_size=3),
    late=st.lists(st.sampled_from([Report(), SEEN, GONE]), max_size=5),
)
def test_fewer_liars_than_the_quorum_never_make_a_dead_transaction_land(
    quorum: int, lies: list[Report], late: list[Report]
) -> None:
    assert judge(named(*late, *lies[: quorum - 1]), quorum).phase is not Phase.LANDED


@given(quorum=st.integers(1, 4), lies=st.lists(ANY_REPORT, max_size=3), truth=st.sampled_from([GONE, LANDED]))
def test_fewer_liars_than_the_quorum_cannot_hide_the_truth_for_ever(
    quorum: int, lies: list[Report], truth: Report
) -> None:
    finding = judge(named(*[truth] * quorum, *lies[: quorum - 1]), quorum)
    assert finding.phase is (Phase.DEAD if truth is GONE else Phase.LANDED)
