"""Typed face of the native module."""

from phantom_core._native import (
    AccountUpdate,
    AggregatorStats,
    DuplicateFilter,
    EndpointStats,
    InvalidInput,
    LogUpdate,
    MarketDataError,
    PhantomError,
    RecordingError,
    SignatureUpdate,
    SlotUpdate,
    SwapRefused,
    WssAggregator,
)

__all__ = [
    "AccountUpdate",
    "AggregatorStats",
    "DuplicateFilter",
    "EndpointStats",
    "InvalidInput",
    "LogUpdate",
    "MarketDataError",
    "PhantomError",
    "RecordingError",
    "SignatureUpdate",
    "SlotUpdate",
    "SwapRefused",
    "WssAggregator",
]
