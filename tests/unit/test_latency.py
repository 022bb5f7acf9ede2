from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.latency import LatencyHistogram


def test_no_durations_have_no_quantile() -> None:
    assert LatencyHistogram().quantile(0.5) is None


def test_small_durations_are_exact() -> None:
    histogram = LatencyHistogram()
    for duration in range(1, 101):
        histogram.add(duration)
    assert (histogram.quantile(0.5), histogram.quantile(0.99), histogram.quantile(1.0)) == (50, 99, 100)


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1), st.sampled_from([0.01, 0.5, 0.9, 0.99, 1.0]))
def test_quantile_is_never_below_the_true_one_and_close_above(durations: list[int], fraction: float) -> None:
    histogram = LatencyHistogram()
    for duration in durations:
        histogram.add(duration)
    rank = max(1, -(-len(durations) * round(fraction * 100) // 100))
    true = sorted(durations)[rank - 1]
    found = histogram.quantile(fraction)
    assert found is not None
    assert true <= found <= true + true // 64
