"""Columns against TA-Lib on 14 days of real candles."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from phantom_core import atr, bollinger, ema, realised_volatility, roc, rsi, sma, vwap

talib: Any = pytest.importorskip("talib", reason="TA-Lib, the peer, is not installed: pip install ta-lib")

CANDLES = Path(__file__).parents[1] / "data" / "sol-usd-1m" / "candles.csv.gz"
PERIODS = [2, 5, 14, 20, 100, 1_000]
Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def candles() -> dict[str, Floats]:
    with gzip.open(CANDLES, "rt") as lines:
        names = next(lines).strip().split(",")
        columns = np.loadtxt(lines, delimiter=",").T
    assert columns.shape == (4, 20_160)
    return {name: column.copy() for name, column in zip(names, columns, strict=True)}


def same(found: Floats, expected: Floats) -> None:
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=0.0)


@pytest.mark.parametrize("period", PERIODS)
def test_columns_equal_talib(candles: dict[str, Floats], period: int) -> None:
    high, low, close = candles["high"], candles["low"], candles["close"]
    same(sma(close, period), talib.SMA(close, period))
    same(ema(close, period), talib.EMA(close, period))
    same(rsi(close, period), talib.RSI(close, period))
    same(atr(high, low, close, period), talib.ATR(high, low, close, period))
    for found, expected in zip(
        bollinger(close, period, 2.5), talib.BBANDS(close, period, 2.5, 2.5), strict=True
    ):
        same(found, expected)
    # TA-Lib subtracts 1 from a ratio near it: what is lost is 1e-16 of 100 %.
    np.testing.assert_allclose(roc(close, period), talib.ROC(close, period), rtol=1e-9, atol=1e-12)


def test_a_period_of_one_equals_talib(candles: dict[str, Floats]) -> None:
    high, low, close = candles["high"], candles["low"], candles["close"]
    same(ema(close, 1), talib.EMA(close, 1))
    same(atr(high, low, close, 1), talib.ATR(high, low, close, 1))


def test_a_gap_at_the_start_is_treated_alike(candles: dict[str, Floats]) -> None:
    close = candles["close"][:200].copy()
    close[:7] = np.nan
    same(ema(close, 5), talib.EMA(close, 5))
    same(rsi(close, 5), talib.RSI(close, 5))
    same(ema(rsi(close, 5), 9), talib.EMA(talib.RSI(close, 5), 9))


def test_a_flat_market_has_the_same_index() -> None:
    flat = np.full(50, 80.0)
    same(rsi(flat, 14), talib.RSI(flat, 14))


@pytest.mark.parametrize("price", [80.0, 1e-11])
def test_a_market_that_stops_moving_keeps_the_same_index(price: float) -> None:
    stopped = price * np.concatenate([1 + 0.01 * (np.arange(200) % 7), np.full(2_000, 1.01)])
    same(rsi(stopped, 14), talib.RSI(stopped, 14))


@pytest.mark.parametrize("period", [2, 60, 1_000])
def test_volatility_and_average_price_equal_sums_over_windows(
    candles: dict[str, Floats], period: int
) -> None:
    close, volume = candles["close"], candles["volume_usd"]
    windows = np.lib.stride_tricks.sliding_window_view
    returns = windows(np.diff(np.log(close)), period)
    found = realised_volatility(close, period, 525_600.0)
    np.testing.assert_allclose(found[period:], np.sqrt((returns**2).mean(axis=1) * 525_600.0), rtol=1e-9)
    money, traded = windows(close * volume, period).sum(axis=1), windows(volume, period).sum(axis=1)
    np.testing.assert_allclose(vwap(close, volume, period)[period - 1 :], money / traded, rtol=1e-12)
