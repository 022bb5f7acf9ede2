"""Typed face of the native module."""

from phantom_core._native import (
    InvalidInput,
    MarketDataError,
    NegativeCycleFinder,
    PhantomError,
    RecordingError,
    SwapRefused,
    find_negative_cycle,
)

__all__ = [
    "InvalidInput",
    "MarketDataError",
    "NegativeCycleFinder",
    "PhantomError",
    "RecordingError",
    "SwapRefused",
    "find_negative_cycle",
]
