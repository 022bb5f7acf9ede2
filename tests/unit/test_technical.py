"""Indicators from Python: definitions by hand, warm-up, and what is refused."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from phantom_core import (
    Atr,
    Bollinger,
    Ema,
    InvalidInput,
    RealisedVolatility,
    Roc,
    Rsi,
    Sma,
    Vwap,
    atr,
    bollinger,
    ema,
    realised_volatility,
    roc,
    rsi,
    sma,
    vwap,
)

Floats = NDArray[np.float64]
Stream = Sma | Ema | Rsi | Roc | RealisedVolatility
NAN = math.nan
PRICES = np.array([10.0, 12.0, 11.0, 14.0, 12.0, 12.5, 11.0])

ONE_NUMBER: list[tuple[Callable[[int], Stream], Callable[[Floats, int], Floats]]] = [
    (Sma, sma),
    (Ema, ema),
    (Rsi, rsi),
    (Roc, roc),
    (RealisedVolatility, realised_volatility),
]


def same(found: Floats, expected: Any) -> None:
    np.testing.assert_allclose(found, np.asarray(expected, dtype=np.float64), rtol=1e-12, atol=1e-12)


def test_answers_by_hand() -> None:
    same(sma(PRICES, 3), [NAN, NAN, 11, 37 / 3, 37 / 3, 38.5 / 3, 35.5 / 3])
    same(ema(PRICES[:5], 3), [NAN, NAN, 11, 12.5, 12.25])
    # Changes +2 -1 +3 -2: averages 1 and 0.5, then 2 and 0.25, then 1 and 1.125.
    same(rsi(PRICES[:5], 2), [NAN, NAN, 100 / 1.5, 200 / 2.25, 100 / 2.125])
    same(roc(PRICES[:4], 2), [NAN, NAN, 10, 100 / 6])
    # True ranges 2, 5 (15 - 10), 7 (13 - 6).
    high, low = np.array([11.0, 11, 15, 7]), np.array([9.0, 9, 14, 6])
    same(atr(high, low, np.array([10.0, 10, 13, 6.5]), 2), [NAN, NAN, 3.5, 5.25])
    upper, middle, lower = bollinger(np.array([2.0, 4, 4, 6]), 4)
    same(upper, [NAN, NAN, NAN, 4 + 2 * math.sqrt(2)])
    same(middle, [NAN, NAN, NAN, 4])
    same(lower, [NAN, NAN, NAN, 4 - 2 * math.sqrt(2)])
    same(realised_volatility(np.array([1.0, 2, 1, 2]), 2, 4.0), [NAN, NAN, 2 * math.log(2), 2 * math.log(2)])
    same(vwap(np.array([2.0, 4, 8]), np.array([1.0, 3, 0])), [2, 3.5, 3.5])
    same(vwap(np.array([2.0, 4, 8]), np.array([1.0, 3, 1]), 2), [NAN, 3.5, 5])


def test_sessions_begin_at_multiples_of_their_length() -> None:
    time = np.array([-1, 0, 9, 25], dtype=np.int64)
    price, volume = np.array([2.0, 4, 6, 1]), np.ones(4)
    same(vwap(price, volume, session_ns=10, time_ns=time), [2, 4, 5, 1])
    stream = Vwap(session_ns=10)
    assert [stream.update(p, 1.0, int(t)) for p, t in zip(price, time, strict=True)] == [2, 4, 5, 1]
    with pytest.raises(InvalidInput, match=r"time_ns is 24; it must not be before 25"):
        stream.update(1.0, 1.0, 24)
    with pytest.raises(InvalidInput, match=r"row 0: time_ns is 24"):
        stream.update_many(np.ones(1), np.ones(1), np.array([24]))
    with pytest.raises(InvalidInput, match=r"row 2: time_ns is 3"):
        vwap(np.ones(3), np.ones(3), session_ns=10, time_ns=np.array([1, 4, 3]))
    assert stream.value == 1.0
    with pytest.raises(InvalidInput, match="time_ns is missing"):
        stream.update(1.0, 1.0)
    with pytest.raises(InvalidInput, match="time_ns is given"):
        Vwap().update(1.0, 1.0, 5)


@pytest.mark.parametrize(("make", "column"), ONE_NUMBER)
def test_streams_say_none_until_they_are_ready(make: Callable[[int], Stream], column: Any) -> None:
    stream, silent = make(3), make(3)
    answers = []
    for price in PRICES.tolist():
        answers.append(stream.update(price))
        assert stream.value == answers[-1]
        assert stream.is_ready is (answers[-1] is not None)
        silent.update_raw(price)
        assert silent.value == answers[-1]
    same(column(PRICES, 3), [NAN if answer is None else answer for answer in answers])
    assert stream.period == 3
    assert repr(stream).startswith(f"{type(stream).__name__}(period=3")
    stream.reset()
    assert stream.value is None
    np.testing.assert_array_equal(
        stream.update_many(PRICES), [NAN if answer is None else answer for answer in answers]
    )


def test_streams_of_several_numbers_say_none_until_they_are_ready() -> None:
    bands = Bollinger(2, 1.0)
    assert [bands.update(1.0), bands.update(3.0), bands.value] == [None, (3, 2, 1), (3, 2, 1)]
    assert (bands.period, bands.deviations, bands.is_ready) == (2, 1.0, True)
    assert repr(bands) == "Bollinger(period=2, deviations=1.0)"
    ranges = Atr(1)
    assert [ranges.update(2.0, 1.0, 1.5), ranges.update(4.0, 3.0, 3.5)] == [None, 2.5]
    assert (ranges.period, ranges.is_ready, repr(ranges)) == (1, True, "Atr(period=1)")
    average = Vwap()
    assert [average.update(5.0, 0.0), average.is_ready, average.update(2.0, 1.0)] == [None, False, 2.0]
    assert (Vwap(3).period, Vwap(3).session_ns, Vwap(session_ns=9).session_ns) == (3, None, 9)
    for stream in (bands, ranges, average):
        stream.reset()
        assert stream.value is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(1e-3, 1e3), max_size=120),
    st.lists(st.floats(1e-3, 1e3), max_size=120),
    st.integers(1, 40),
)
def test_many_at_once_equal_one_by_one(first: list[float], second: list[float], period: int) -> None:
    for make, _ in ONE_NUMBER:
        one, many = make(period), make(period)
        found = [*many.update_many(np.array(first)), *many.update_many(np.array(second))]
        expected = [one.update(value) for value in first + second]
        np.testing.assert_array_equal(found, [NAN if answer is None else answer for answer in expected])


@pytest.mark.parametrize("make", [make for make, _ in ONE_NUMBER])
@pytest.mark.parametrize("value", [NAN, math.inf, -math.inf, 1e151])
def test_a_refused_value_changes_nothing(make: Callable[[int], Stream], value: float) -> None:
    stream = make(2)
    stream.update_many(PRICES)
    before = stream.value
    with pytest.raises(InvalidInput, match=r"^value is .*; it must be a number from -1e150 to 1e150$"):
        stream.update(value)
    with pytest.raises(InvalidInput, match=r"^row 1: value is "):
        stream.update_many(np.array([1.0, value]))
    assert stream.value == before


@pytest.mark.parametrize("make", [RealisedVolatility, Roc])
def test_ratios_need_prices_above_zero(make: Callable[[int], Stream]) -> None:
    for price in (0.0, -0.0, -1.0):
        with pytest.raises(InvalidInput, match="at least 1e-150"):
            make(2).update(price)


@pytest.mark.parametrize("value", ["1", None, [1.0], object()])
def test_values_that_are_no_numbers_are_refused(value: Any) -> None:
    with pytest.raises(InvalidInput, match="value: a number"):
        Rsi().update(value)
    with pytest.raises(InvalidInput, match="close: a number"):
        Atr().update(1.0, 1.0, value)
    with pytest.raises(InvalidInput, match="deviations: a number"):
        Bollinger(20, value)


@pytest.mark.parametrize("period", [0, -1, 100_001, 2**70])
def test_periods_out_of_range_are_refused(period: int) -> None:
    for make, column in ONE_NUMBER:
        with pytest.raises(InvalidInput, match=f"period is {period};"):
            make(period)
        with pytest.raises(InvalidInput, match=f"period is {period};"):
            column(PRICES, period)
    for several in (Atr, Bollinger, Vwap):
        with pytest.raises(InvalidInput, match=f"period is {period};"):
            several(period)


def test_other_settings_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidInput, match="period: a whole number"):
        Sma(2.0)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"deviations is 0.0; it must be above 0"):
        Bollinger(20, 0.0)
    with pytest.raises(InvalidInput, match="horizon is NaN"):
        realised_volatility(PRICES, 2, NAN)
    with pytest.raises(InvalidInput, match="session_ns is 0"):
        Vwap(session_ns=0)
    with pytest.raises(InvalidInput, match="both given"):
        Vwap(5, session_ns=5)


def test_bad_candles_and_volumes_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"^high is 1.0, below low, which is 2.0$"):
        Atr().update(1.0, 2.0, 1.5)
    with pytest.raises(InvalidInput, match=r"^row 1: high is 1.0, below low, which is 2.0$"):
        atr(np.array([2.0, 1.0]), np.array([1.0, 2.0]), np.ones(2))
    with pytest.raises(InvalidInput, match=r"^row 0: volume is -1.0; it must not be negative$"):
        vwap(np.ones(1), -np.ones(1))
    with pytest.raises(InvalidInput, match="low has 2 rows where there are 3"):
        atr(np.ones(3), np.ones(2), np.ones(3))
    with pytest.raises(InvalidInput, match="time_ns has 1 rows where there are 3"):
        vwap(np.ones(3), np.ones(3), session_ns=1, time_ns=np.zeros(1, dtype=np.int64))


def test_columns_of_a_wrong_kind_are_refused() -> None:
    for column, found in (
        (PRICES.astype(np.float32), "float32 in 1 dimensions"),
        (PRICES.astype(">f8"), ">f8 in 1 dimensions"),
        (PRICES.reshape(1, -1), "float64 in 2 dimensions"),
        (PRICES.tolist(), "<class 'list'>"),
    ):
        with pytest.raises(InvalidInput, match=f"close must be a one-dimensional .* float64, found {found}"):
            rsi(column)  # type: ignore[arg-type]


def test_columns_in_pieces_or_out_of_line_are_copied() -> None:
    twice = np.repeat(PRICES, 2)
    np.testing.assert_array_equal(rsi(twice[::2], 2), rsi(PRICES, 2))
    np.testing.assert_array_equal(rsi(PRICES[::-1], 2), rsi(PRICES[::-1].copy(), 2))
    odd = np.frombuffer(b"\0" + PRICES.tobytes(), dtype=np.float64, offset=1)
    assert not odd.flags.aligned
    np.testing.assert_array_equal(ema(odd, 2), ema(PRICES, 2))
    frozen = PRICES.copy()
    frozen.flags.writeable = False
    np.testing.assert_array_equal(Ema(2).update_many(frozen), Ema(2).update_many(PRICES))


def test_empty_and_short_columns_have_no_answers() -> None:
    empty = np.array([])
    for _, column in ONE_NUMBER:
        assert column(empty, 3).shape == (0,)
        assert np.isnan(column(PRICES[:2], 3)).all()
    assert [band.shape for band in bollinger(empty)] == [(0,)] * 3
    assert atr(empty, empty, empty).shape == vwap(empty, empty).shape == (0,)


def test_a_gap_at_the_start_is_warm_up_and_a_later_one_is_refused() -> None:
    gap = np.array([NAN, NAN])
    for _, column in ONE_NUMBER:
        same(column(np.concatenate([gap, PRICES]), 3), np.concatenate([gap, column(PRICES, 3)]))
        with pytest.raises(InvalidInput, match=r"^row 7: value is NaN"):
            column(np.concatenate([PRICES, gap]), 3)
    # So that one indicator can be computed of another.
    assert np.isnan(ema(rsi(PRICES, 2), 3)[:4]).all()
    assert np.isfinite(ema(rsi(PRICES, 2), 3)[4:]).all()
    assert np.isnan(bollinger(np.full(5, NAN), 2)[0]).all()


def test_columns_are_computed_without_the_gil() -> None:
    prices = np.full(2_000_000, 80.0)
    turns, stop, ready = 0, threading.Event(), threading.Event()

    def count() -> None:
        nonlocal turns
        while not stop.is_set():
            turns += 1
            ready.set()
            time.sleep(0)  # Hands over the interpreter, which the long interval never forces.

    interval = sys.getswitchinterval()
    counting = threading.Thread(target=count)
    sys.setswitchinterval(1_000.0)
    try:
        counting.start()
        ready.wait()
        before = turns
        realised_volatility(prices, 100)
        after = turns
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        counting.join()
    assert after > before


def test_a_call_while_update_many_runs_in_another_thread_is_turned_away() -> None:
    stream, prices = Ema(20), np.full(4_000_000, 80.0)
    for _ in range(50):
        running = threading.Thread(target=stream.update_many, args=(prices,))
        running.start()
        try:
            while running.is_alive():
                assert stream.update(80.0) in (None, 80.0)
        except RuntimeError as error:
            assert "update_many" in str(error)  # noqa: PT017 - whether it comes is up to the threads
            break
        finally:
            running.join()
    else:
        pytest.fail("update_many never ran beside the other thread")
    assert stream.update(80.0) == 80.0
