"""The edge to the native engine: how it is built, and how its objects become ours.

The `*_from_native` functions are the only place where native objects become `domain` values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import phantom_core
from phantom_arbiter.config_types import share_e4
from phantom_arbiter.domain import (
    EndpointStats,
    Fill,
    FunnelStage,
    Hop,
    MarketStats,
    Miss,
    Opportunity,
    PoolSetAside,
    Step,
)
from phantom_arbiter.errors import ConfigError, InvalidInput
from phantom_arbiter.fee_desk import fee_engine

if TYPE_CHECKING:
    from phantom_arbiter.config import Config, MarketSettings, TokenSettings, TrustSettings


def judge_venues(market: phantom_core.Engine | phantom_core.Market, settings: MarketSettings) -> None:
    """Tell a market what the operator has decided about venues.

    Raises:
        ConfigError: There is no venue of that name.
    """
    for venue in settings.release_venues:
        try:
            market.release(venue)
        except InvalidInput as error:
            raise ConfigError(f"market.release_venues: {error}") from error
    for program, slot in settings.verified_deployments.items():
        market.verify(program, slot)


def token_rules(settings: TokenSettings) -> phantom_core.TokenRules:
    """Return by what mints are judged.

    Raises:
        ConfigError: A rule may not be that light, or a mint is no address.
    """
    try:
        return phantom_core.TokenRules(
            allow=settings.allow,
            deny=settings.deny,
            rules=dict(settings.rules.items()),
            max_transfer_fee_bps=settings.max_transfer_fee_bps,
            min_depth=dict(settings.min_depth),
            min_age_slots=settings.min_age_slots,
        )
    except InvalidInput as error:
        raise ConfigError(f"tokens: {error}") from error


def token_flags(names: Iterable[str]) -> int:
    """Return the bits of token flags."""
    bits = phantom_core.token_flag_bits()
    return sum(bits[name] for name in set(names))


def quarantine_limits(settings: TrustSettings) -> phantom_core.QuarantineLimits | None:
    """Return when providers are put under quarantine unasked; None: never."""
    if not settings.quarantine:
        return None
    return phantom_core.QuarantineLimits(
        malformed=settings.max_malformed,
        disagreements=settings.max_disagreements,
        wrong_owners=settings.max_wrong_owners,
        impossible_slots=settings.max_impossible_slots,
    )


def native_config(config: Config, *, assume_plain_mints: bool) -> phantom_core.EngineConfig:
    """Return the settings that the native engine takes.

    Args:
        config: The effective configuration; its sections engine, costs, scorer, freshness, tokens, trust and
            execution are read.
        assume_plain_mints: True if the source carries no mint accounts (the demo recording).

    Raises:
        ConfigError: A rule about tokens may not be as it is.
        InvalidInput: The native engine refuses a value.
    """
    return phantom_core.EngineConfig(
        max_hops=config.engine.max_hops,
        base_mints=dict(config.engine.base_mints),
        signatures=config.costs.signatures,
        compute_unit_limit=config.costs.compute_unit_limit,
        compute_unit_price_micro_lamports=config.costs.compute_unit_price_micro_lamports,
        tip_lamports=config.costs.tip_lamports,
        min_net_profit_lamports=config.scorer.min_net_profit_lamports,
        min_net_bps=config.scorer.min_net_bps,
        max_age_slots=config.scorer.max_age_slots,
        max_depth_bps=config.scorer.max_depth_bps,
        max_volatility_bps=config.scorer.max_volatility_bps,
        max_competition_e4=share_e4(config.scorer.max_competition),
        min_agreement_e4=share_e4(config.scorer.min_agreement),
        refused_flags=token_flags(config.scorer.refused_token_flags),
        min_landing_e4=share_e4(config.scorer.min_landing),
        min_expected_value_lamports=config.scorer.min_expected_value_lamports,
        failure_cost_lamports=config.costs.failure_cost_lamports,
        max_pool_age_slots=config.freshness.max_pool_age_slots,
        max_settings_age_slots=config.freshness.max_settings_age_slots,
        hold_torn_pools=config.freshness.hold_torn_pools,
        max_torn_slots=config.freshness.max_torn_slots,
        max_heartbeat_gap=config.freshness.max_heartbeat_gap,
        quorum=config.trust.quorum,
        quarantine=quarantine_limits(config.trust),
        token_rules=token_rules(config.tokens),
        assume_plain_mints=assume_plain_mints or config.engine.assume_plain_mints,
        keep_accounts=config.mode == "live" and config.execution.rehearse == "always",
    )


def build_native_engine(config: Config, *, assume_plain_mints: bool) -> phantom_core.Engine:
    """Return a fresh native engine set up as `config` says.

    Args:
        config: The effective configuration; its sections engine, costs, fees, market, scorer, freshness,
            tokens and trust are read.
        assume_plain_mints: True if the source carries no mint accounts (the demo recording).

    Raises:
        ConfigError: A venue is named that does not exist, or a rule about tokens may not be as it is.
        InvalidInput: The native engine refuses a value.
    """
    engine = phantom_core.Engine(native_config(config, assume_plain_mints=assume_plain_mints))
    judge_venues(engine, config.market)
    fees = fee_engine(config)
    if fees is not None:
        engine.set_fee_engine(fees, config.fees.percentile)
    return engine


def _hops(hops: Sequence[phantom_core.Hop]) -> tuple[Hop, ...]:
    return tuple(Hop(hop.pool, hop.mint_in, hop.mint_out, hop.amount_in, hop.amount_out) for hop in hops)


def opportunity_from_native(signal: phantom_core.Signal) -> Opportunity:
    """Return the signal as an opportunity that remembers where it came from.

    Raises:
        ValueError: Hops or amounts contradict each other; a bug of the native engine.
    """
    return Opportunity(
        opening_id=signal.opening_id,
        slot=signal.slot,
        base_mint=signal.base_mint,
        hops=_hops(signal.hops),
        amount_in=signal.amount_in,
        amount_out=signal.amount_out,
        gross_profit=signal.gross_profit,
        cost=signal.cost,
        net_profit=signal.net_profit,
        network_fee_lamports=signal.network_fee_lamports,
        priority_fee_lamports=signal.priority_fee_lamports,
        tip_lamports=signal.tip_lamports,
        age_slots=signal.age_slots,
        score=signal.score,
        net_bps=signal.net_bps,
        compute_unit_limit=signal.compute_unit_limit,
        compute_unit_price_micro_lamports=signal.compute_unit_price_micro_lamports,
        expected_value_lamports=signal.expected_value_lamports,
        landing_e4=signal.landing_e4,
        depth_bps=signal.depth_bps,
        volatility_bps=signal.volatility_bps,
        competition_e4=signal.competition_e4,
        agreement_e4=signal.agreement_e4,
        token_flags=tuple(signal.token_flags),
        native=signal,
    )


def fill_from_native(fill: phantom_core.Fill) -> Fill:
    """Return the fill as a frozen value."""
    return Fill(_hops(fill.hops), fill.amount_in, fill.amount_out)


def stats_from_native(stats: phantom_core.EngineStats) -> MarketStats:
    """Return the snapshot as frozen values."""
    return MarketStats(
        frames=stats.frames,
        fresh=stats.fresh,
        duplicates=stats.duplicates,
        stale=stats.stale,
        held=stats.held,
        control=stats.control,
        malformed=dict(stats.malformed),
        endpoints=tuple(_endpoint(endpoint) for endpoint in stats.endpoints),
        pools=stats.pools,
        pools_set_aside=dict(stats.pools_set_aside),
        updates=stats.updates,
        decode_errors=dict(stats.decode_errors),
        funnel=tuple(FunnelStage(stage.name, stage.evaluations, stage.openings) for stage in stats.funnel),
        reasons=dict(stats.reasons),
        rules=dict(stats.rules),
        nearest_misses=tuple(_miss(miss) for miss in stats.nearest_misses),
        openings=stats.openings,
        slot=stats.slot,
    )


def _endpoint(endpoint: phantom_core.EndpointStats) -> EndpointStats:
    return EndpointStats(
        name=endpoint.name,
        frames=endpoint.frames,
        wins=endpoint.wins,
        duplicates=endpoint.duplicates,
        stale=endpoint.stale,
        held=endpoint.held,
        malformed=sum(endpoint.malformed.values()),
        disagreements=endpoint.disagreements,
        lag_p50_ns=endpoint.lag_p50_ns,
        lag_p99_ns=endpoint.lag_p99_ns,
        is_quarantined=endpoint.is_quarantined,
    )


def _miss(miss: phantom_core.Miss) -> Miss:
    steps = tuple(Step(step.pool, step.mint_in, step.mint_out) for step in miss.route)
    return Miss(
        steps=steps,
        base_mint=steps[0].mint_in,
        stage=miss.stage,
        reason=miss.reason,
        missing_bps=miss.missing_bps,
        gross_profit=miss.gross_profit,
        net_profit=miss.net_profit,
        slot=miss.slot,
    )


def pools_set_aside_from_native(pools: Sequence[phantom_core.PoolInfo]) -> tuple[PoolSetAside, ...]:
    """Return the pools that are not quoted, in the engine's order."""
    return tuple(
        PoolSetAside(pool.pool, pool.mint_a, pool.mint_b, pool.set_aside_reason)
        for pool in pools
        if pool.set_aside_reason is not None
    )
