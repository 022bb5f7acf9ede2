"""Typed face of the native module."""

from phantom_core._native import (
    InvalidInput,
    MarketDataError,
    PhantomError,
    RecordingError,
    SwapRefused,
)

__all__ = [
    "InvalidInput",
    "MarketDataError",
    "PhantomError",
    "RecordingError",
    "SwapRefused",
]
