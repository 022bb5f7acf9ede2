"""Typed face of the native module."""

from phantom_core._native import (
    ConformanceState,
    InvalidInput,
    MarketDataError,
    PhantomError,
    RecordingError,
    SwapRefused,
    find_program_address,
    sqrt_price_from_tick_index,
    tick_index_from_sqrt_price,
)

__all__ = [
    "ConformanceState",
    "InvalidInput",
    "MarketDataError",
    "PhantomError",
    "RecordingError",
    "SwapRefused",
    "find_program_address",
    "sqrt_price_from_tick_index",
    "tick_index_from_sqrt_price",
]
