"""Settings of fees: those of `[costs]` for every transaction, or each transaction's own."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, PlainValidator

from phantom_arbiter.config_types import Lamports, Section
from phantom_arbiter.errors import ConfigError
from phantom_arbiter.sources.endpoints import SecretUrl, with_environment

MIN_TIP_LAMPORTS = 1_000
"""Least tip that the block engine takes; jito-docs, low latency transaction send."""


def _place(value: object) -> SecretUrl | Path:
    """Return a URL, or else the path of a file."""
    if isinstance(value, SecretUrl | Path):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("the path of a file or a URL is text")
    if "://" not in value:
        return Path(value)
    try:
        url = SecretUrl(with_environment(value))
    except ConfigError as error:
        raise ValueError(str(error)) from None
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url.host)):
        raise ValueError("a tip floor is read from https://, or from this machine")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


Place = Annotated[SecretUrl | Path, PlainValidator(_place), PlainSerializer(str, return_type=str)]


class FeeSettings(Section):
    """Who names compute unit limit, compute unit price and tip."""

    mode: Literal["fixed", "adaptive"] = "fixed"
    """fixed: as [costs] says; adaptive: by recent fees and what a cycle is worth, [costs] while unknown."""

    percentile: float = Field(default=75.0, ge=0.01, le=99.99, allow_inf_nan=False)
    """Share of recent slots in percent in which the compute unit price would have been enough."""

    max_price_micro_lamports: Lamports = 5_000_000
    """Greatest compute unit price, in millionths of a lamport."""

    max_tip_lamports: int = Field(default=10_000_000, ge=MIN_TIP_LAMPORTS, le=2**63 - 1)
    """Greatest tip, in lamports."""

    max_tip_share: float = Field(default=0.5, ge=0, le=1, allow_inf_nan=False)
    """Greatest tip as a share of what the cycle leaves after the other fees, in steps of 1/10,000."""

    refresh_s: float = Field(default=20.0, ge=0.05, le=3_600, allow_inf_nan=False)
    """Seconds between two looks at recent fees and the tip floor in a live run."""

    tip_floor: Place | None = None
    """File or https:// URL with the block engine's tip_floor answer; without one tips are that of [costs]."""


def check_fees(fees: FeeSettings, price_micro_lamports: int, tip_lamports: int) -> None:
    """Check that what stands while nothing is known is within what may ever be offered.

    Raises:
        ValueError: It is not.
    """
    if fees.mode == "fixed":
        return
    if price_micro_lamports > fees.max_price_micro_lamports:
        raise ValueError(
            f"costs.compute_unit_price_micro_lamports is {price_micro_lamports}, with fees.mode adaptive it"
            f" may be 0 to fees.max_price_micro_lamports, {fees.max_price_micro_lamports}"
        )
    if not MIN_TIP_LAMPORTS <= tip_lamports <= fees.max_tip_lamports:
        raise ValueError(
            f"costs.tip_lamports is {tip_lamports}, with fees.mode adaptive it may be {MIN_TIP_LAMPORTS} to"
            f" fees.max_tip_lamports, {fees.max_tip_lamports}"
        )
