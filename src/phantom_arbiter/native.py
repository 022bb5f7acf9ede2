"""The edge to the native engine: how it is built, and how its objects become ours.

The `*_from_native` functions are the only place where native objects become `domain` values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
from phantom_arbiter.native_face import (
    NativeEndpointStats,
    NativeEngine,
    NativeFill,
    NativeHop,
    NativeMiss,
    NativePool,
    NativeSignal,
    NativeStats,
)

if TYPE_CHECKING:
    from phantom_arbiter.config import Config


def build_native_engine(config: Config, *, assume_plain_mints: bool) -> NativeEngine:
    """Return a fresh native engine set up as `config` says.

    Args:
        config: The effective configuration; its sections engine, costs and scorer are read.
        assume_plain_mints: True if the source carries no mint accounts (the demo recording).

    Raises:
        InvalidInput: The native engine refuses a value.
    """
    from phantom_core import Engine, EngineConfig

    native_config = EngineConfig(
        max_hops=config.engine.max_hops,
        base_mints=dict(config.engine.base_mints),
        signatures=config.costs.signatures,
        compute_unit_limit=config.costs.compute_unit_limit,
        compute_unit_price_micro_lamports=config.costs.compute_unit_price_micro_lamports,
        tip_lamports=config.costs.tip_lamports,
        min_net_profit_lamports=config.scorer.min_net_profit_lamports,
        min_net_bps=config.scorer.min_net_bps,
        max_age_slots=config.scorer.max_age_slots,
        assume_plain_mints=assume_plain_mints or config.engine.assume_plain_mints,
    )
    return Engine(native_config)


def _hops(hops: Sequence[NativeHop]) -> tuple[Hop, ...]:
    return tuple(Hop(hop.pool, hop.mint_in, hop.mint_out, hop.amount_in, hop.amount_out) for hop in hops)


def opportunity_from_native(signal: NativeSignal) -> Opportunity:
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
        native=signal,
    )


def fill_from_native(fill: NativeFill) -> Fill:
    """Return the fill as a frozen value."""
    return Fill(_hops(fill.hops), fill.amount_in, fill.amount_out)


def stats_from_native(stats: NativeStats) -> MarketStats:
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
        nearest_misses=tuple(_miss(miss) for miss in stats.nearest_misses),
        openings=stats.openings,
        slot=stats.slot,
    )


def _endpoint(endpoint: NativeEndpointStats) -> EndpointStats:
    malformed = endpoint.malformed
    return EndpointStats(
        name=endpoint.name,
        frames=endpoint.frames,
        wins=endpoint.wins,
        duplicates=endpoint.duplicates,
        stale=endpoint.stale,
        held=endpoint.held,
        malformed=malformed if isinstance(malformed, int) else sum(malformed.values()),
    )


def _miss(miss: NativeMiss) -> Miss:
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


def pools_set_aside_from_native(pools: Sequence[NativePool]) -> tuple[PoolSetAside, ...]:
    """Return the pools that are not quoted, in the engine's order."""
    return tuple(
        PoolSetAside(pool.pool, pool.mint_a, pool.mint_b, pool.set_aside_reason)
        for pool in pools
        if pool.set_aside_reason is not None
    )
