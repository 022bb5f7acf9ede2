"""Typed face of the native module."""

from phantom_core._native import (
    InvalidInput,
    MarketDataError,
    PhantomError,
    Record,
    Recording,
    RecordingError,
    RecordingWriter,
    SwapRefused,
)

__all__ = [
    "InvalidInput",
    "MarketDataError",
    "PhantomError",
    "Record",
    "Recording",
    "RecordingError",
    "RecordingWriter",
    "SwapRefused",
]
