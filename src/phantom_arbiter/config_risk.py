"""Settings of risk and of the strategy, and the profile of defaults that a live run begins with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from platformdirs import user_state_path
from pydantic import Field, field_validator

from phantom_arbiter.config_types import (
    USDC,
    WSOL,
    Amount,
    Count,
    FilePath,
    Mint,
    PositiveAmount,
    Section,
)
from phantom_arbiter.risk import (
    BreakerRules,
    MintLimits,
    RiskRules,
    SanityRules,
    TradeLimits,
    VenueLimits,
)
from phantom_core import venue_names


def default_kill_switch_path() -> Path:
    """Return the file that `phantom halt` writes if nobody says otherwise: in the user's state folder."""
    return user_state_path("phantom-arbiter") / "halt"


class MintLimitSettings(Section):
    """Limits of one base mint, in its base units."""

    max_amount_in: PositiveAmount
    """Largest input of one trade."""

    max_amount_in_per_day: PositiveAmount
    """Sum of inputs over a rolling day, failed attempts included."""

    max_exposure: PositiveAmount
    """Sum of inputs whose outcome is not known yet, and of what open positions cost."""

    max_loss_per_day: Amount
    """What losing attempts of a rolling day may lose in sum; gains do not offset it."""

    max_drawdown: Amount | None = None
    """How far realised profit may fall below its highest of a rolling day; left out: not bounded."""


class VenueLimitSettings(Section):
    """Limits of what goes through one venue, in lamports at the rate of a trade's own fees."""

    max_lamports: PositiveAmount
    """Largest input of one trade."""

    max_lamports_per_day: PositiveAmount
    """Sum of inputs over a rolling day."""

    max_exposure_lamports: PositiveAmount
    """Sum of inputs whose outcome is not known yet."""


class RiskSettings(Section):
    """When to hold back; taken anew when the file changes. A day is a rolling window of 216,000 slots."""

    mints: dict[Mint, MintLimitSettings] = Field(
        default_factory=lambda: {
            USDC: MintLimitSettings(
                max_amount_in=10_000_000_000,
                max_amount_in_per_day=2_000_000_000_000,
                max_exposure=20_000_000_000,
                max_loss_per_day=100_000_000,
                max_drawdown=50_000_000,
            ),
            WSOL: MintLimitSettings(
                max_amount_in=100_000_000_000,
                max_amount_in_per_day=20_000_000_000_000,
                max_exposure=200_000_000_000,
                max_loss_per_day=1_000_000_000,
                max_drawdown=500_000_000,
            ),
        }
    )
    """Limits by base mint, in its base units; a mint without an entry is not traded."""

    venues: dict[str, VenueLimitSettings] = Field(default_factory=dict)
    """Limits by venue, in lamports; `phantom venues` names them."""

    @field_validator("venues")
    @classmethod
    def _are_venues(cls, venues: dict[str, VenueLimitSettings]) -> dict[str, VenueLimitSettings]:
        unknown = sorted(set(venues) - set(venue_names()))
        if unknown:
            raise ValueError(f"there is no venue {unknown[0]}")
        return venues

    each_venue: VenueLimitSettings | None = None
    """Limits of every venue that risk.venues does not name; left out: none."""

    max_trades_per_day: int = Field(default=5_000, ge=1, le=1_000_000)
    """Attempts over a rolling day, all mints together."""

    max_fee_lamports_per_day: Amount = 500_000_000
    """Fees and tips of the attempts of a rolling day, in lamports, as if all landed."""

    route_cooldown_slots: Count = 4
    """Slots a route rests after an attempt on it; 0 for none."""

    failures_in_a_row: int = Field(default=5, ge=0, le=1_000)
    """Consecutive failures that stop all sending; 0 for never."""

    failure_rate_attempts: int = Field(default=50, ge=0, le=1_000)
    """Over how many of the last outcomes the share of failures is taken; 0 for never."""

    max_failure_rate_pct: int = Field(default=80, ge=0, le=100)
    """Failures among them, in percent, that may be; more stop all sending."""

    failure_cooldown_slots: Count = 750
    """Slots that such a stop lasts; 750 slots are five minutes."""

    max_market_age_slots: Count = 16
    """Oldest state, in slots, that a plan may be built on; 0 to ask nothing."""

    max_price_deviation_bps: Count = 1_000
    """How far a swap may be from another pool's price of its pair, in 1/10,000; 0 to ask nothing."""

    price_reference: Literal["outside", "any"] = "any"
    """Which pools give that price: any, which bounds an arbitrage's gain, too, or outside the route only."""

    allowed_mints: tuple[Mint, ...] = ()
    """The only mints that a plan may touch; empty for all."""

    denied_mints: tuple[Mint, ...] = ()
    """Mints that no plan may touch; what is held of one may still be sold."""

    halted: bool = False
    """Kill switch: watch, but send nothing."""

    kill_switch_file: FilePath = Field(default_factory=default_kill_switch_path)
    """Send nothing as long as this file exists; `phantom halt` writes it, `phantom resume` removes it."""

    account: str = Field(default="main", pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    """Live runs of one journal with the same name share limits: what earlier ones tried counts."""


class StrategySettings(Section):
    """Who decides what is traded, and what it may take."""

    use: str = Field(default="cyclic_arbitrage", min_length=1)
    """cyclic_arbitrage, spatial_arbitrage or mean_reversion; or a class of your own, path/to/file.py:Name."""

    rules: FilePath | None = None
    """A rule file that every signal must pass, taken anew when it changes; docs/STRATEGY_LANGUAGE.md."""

    settings: dict[str, Any] = Field(default_factory=dict)
    """What the strategy itself takes; docs/STRATEGIES.md lists it for those that come with the package."""

    budget_us: int = Field(default=1_000, ge=1, le=10_000_000)
    """Microseconds that one call may take; more is counted as an overrun."""

    suspend_after: int = Field(default=10, ge=1, le=1_000_000)
    """Overruns, or exceptions, in a row after which the strategy is asked no more."""

    stop_after_ms: int = Field(default=1_000, ge=1, le=600_000)
    """Milliseconds after which a call is interrupted and the strategy asked no more."""


def risk_rules(settings: RiskSettings) -> RiskRules:
    """Return the settings as the plain values that the risk layer works with."""
    mints = {
        mint: MintLimits(
            max_amount_in=limit.max_amount_in,
            max_amount_in_per_day=limit.max_amount_in_per_day,
            max_exposure=limit.max_exposure,
            max_loss_per_day=limit.max_loss_per_day,
        )
        for mint, limit in settings.mints.items()
    }
    drawdowns = {
        mint: limit.max_drawdown for mint, limit in settings.mints.items() if limit.max_drawdown is not None
    }
    return RiskRules(
        limits=TradeLimits(
            mints=MappingProxyType(mints),
            max_trades_per_day=settings.max_trades_per_day,
            max_fee_lamports_per_day=settings.max_fee_lamports_per_day,
            venues=MappingProxyType({name: _venue(limit) for name, limit in settings.venues.items()}),
            each_venue=None if settings.each_venue is None else _venue(settings.each_venue),
        ),
        breakers=BreakerRules(
            route_cooldown_slots=settings.route_cooldown_slots,
            failures_in_a_row=settings.failures_in_a_row,
            failure_cooldown_slots=settings.failure_cooldown_slots,
            max_loss_per_day=MappingProxyType(
                {mint: limit.max_loss_per_day for mint, limit in mints.items()}
            ),
            max_drawdown=MappingProxyType(drawdowns),
            failure_rate_attempts=settings.failure_rate_attempts,
            max_failure_rate_pct=settings.max_failure_rate_pct,
            halted=settings.halted,
        ),
        sanity=SanityRules(
            max_market_age_slots=settings.max_market_age_slots or None,
            max_price_deviation_bps=settings.max_price_deviation_bps or None,
            compares_on_route=settings.price_reference == "any",
            allowed_mints=frozenset(settings.allowed_mints),
            denied_mints=frozenset(settings.denied_mints),
        ),
    )


def _venue(settings: VenueLimitSettings) -> VenueLimits:
    return VenueLimits(
        max_lamports=settings.max_lamports,
        max_lamports_per_day=settings.max_lamports_per_day,
        max_exposure_lamports=settings.max_exposure_lamports,
    )


LIVE_PROFILE: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        # What the engine sizes for has to fit what risk lets through.
        "engine": MappingProxyType({"base_mints": {USDC: 10_000_000, WSOL: 50_000_000}}),
        # Only these ask for the compute units that rehearsals have learned.
        "fees": MappingProxyType({"mode": "adaptive"}),
        "risk": MappingProxyType(
            {
                "mints": {
                    USDC: {
                        "max_amount_in": 10_000_000,
                        "max_amount_in_per_day": 200_000_000,
                        "max_exposure": 10_000_000,
                        "max_loss_per_day": 2_000_000,
                        "max_drawdown": 1_000_000,
                    },
                    WSOL: {
                        "max_amount_in": 50_000_000,
                        "max_amount_in_per_day": 1_000_000_000,
                        "max_exposure": 50_000_000,
                        "max_loss_per_day": 10_000_000,
                        "max_drawdown": 5_000_000,
                    },
                },
                "each_venue": {
                    "max_lamports": 100_000_000,
                    "max_lamports_per_day": 1_000_000_000,
                    "max_exposure_lamports": 100_000_000,
                },
                "max_trades_per_day": 20,
                "max_fee_lamports_per_day": 2_000_000,
                "route_cooldown_slots": 150,
                "failures_in_a_row": 2,
                "failure_rate_attempts": 10,
                "max_failure_rate_pct": 50,
                "failure_cooldown_slots": 9_000,
                "max_market_age_slots": 2,
                "max_price_deviation_bps": 100,
                "price_reference": "any",
            }
        ),
    }
)
"""The tightest defaults: ten USDC or a twentieth of a SOL at a time, twenty trades a day, stop at the second
failure. Each holds for a live run as long as its key is not set by file, environment or flag."""


def profile(mode: object) -> Mapping[str, Mapping[str, Any]]:
    """Return the defaults of a mode that are not those of the settings themselves, by section and key."""
    return LIVE_PROFILE if mode == "live" else MappingProxyType({})
