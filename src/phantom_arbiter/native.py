"""The edge to the native engine: how it is built, what it looks like, how its objects become ours.

The protocols describe `phantom_core`'s objects structurally, so that tests drive the shell with hand-written
fakes; the `*_from_native` functions are the only place where native objects become `domain` values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, cast

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

if TYPE_CHECKING:
    from phantom_arbiter.config import Config


class NativeHop(Protocol):
    """`phantom_core.Hop`."""

    @property
    def pool(self) -> str: ...
    @property
    def mint_in(self) -> str: ...
    @property
    def mint_out(self) -> str: ...
    @property
    def amount_in(self) -> int: ...
    @property
    def amount_out(self) -> int: ...


class NativeSignal(Protocol):
    """`phantom_core.Signal`."""

    @property
    def opening_id(self) -> int: ...
    @property
    def slot(self) -> int: ...
    @property
    def base_mint(self) -> str: ...
    @property
    def hops(self) -> Sequence[NativeHop]: ...
    @property
    def amount_in(self) -> int: ...
    @property
    def amount_out(self) -> int: ...
    @property
    def gross_profit(self) -> int: ...
    @property
    def network_fee_lamports(self) -> int: ...
    @property
    def priority_fee_lamports(self) -> int: ...
    @property
    def tip_lamports(self) -> int: ...
    @property
    def cost(self) -> int: ...
    @property
    def net_profit(self) -> int: ...
    @property
    def age_slots(self) -> int: ...
    @property
    def score(self) -> float: ...
    @property
    def net_bps(self) -> float: ...


class NativeFill(Protocol):
    """`phantom_core.Fill`."""

    @property
    def amount_in(self) -> int: ...
    @property
    def amount_out(self) -> int: ...
    @property
    def hops(self) -> Sequence[NativeHop]: ...


class NativeEndpointStats(Protocol):
    """`phantom_core.EndpointStats`; `malformed` is a number or a count per reason."""

    @property
    def name(self) -> str: ...
    @property
    def frames(self) -> int: ...
    @property
    def wins(self) -> int: ...
    @property
    def duplicates(self) -> int: ...
    @property
    def stale(self) -> int: ...
    @property
    def held(self) -> int: ...
    @property
    def malformed(self) -> int | Mapping[str, int]: ...


class NativeFunnelStage(Protocol):
    """`phantom_core.FunnelStage`."""

    @property
    def name(self) -> str: ...
    @property
    def evaluations(self) -> int: ...
    @property
    def openings(self) -> int: ...


class NativeStep(Protocol):
    """One hop of `phantom_core.Miss.route`."""

    @property
    def pool(self) -> str: ...
    @property
    def mint_in(self) -> str: ...
    @property
    def mint_out(self) -> str: ...


class NativeMiss(Protocol):
    """`phantom_core.Miss`."""

    @property
    def route(self) -> Sequence[NativeStep]: ...
    @property
    def stage(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def missing_bps(self) -> float: ...
    @property
    def gross_profit(self) -> int | None: ...
    @property
    def net_profit(self) -> int | None: ...
    @property
    def slot(self) -> int: ...


class NativeStats(Protocol):
    """`phantom_core.EngineStats`."""

    @property
    def frames(self) -> int: ...
    @property
    def fresh(self) -> int: ...
    @property
    def duplicates(self) -> int: ...
    @property
    def stale(self) -> int: ...
    @property
    def held(self) -> int: ...
    @property
    def control(self) -> int: ...
    @property
    def malformed(self) -> Mapping[str, int]: ...
    @property
    def endpoints(self) -> Sequence[NativeEndpointStats]: ...
    @property
    def pools(self) -> int: ...
    @property
    def pools_set_aside(self) -> Mapping[str, int]: ...
    @property
    def updates(self) -> int: ...
    @property
    def decode_errors(self) -> Mapping[str, int]: ...
    @property
    def funnel(self) -> Sequence[NativeFunnelStage]: ...
    @property
    def reasons(self) -> Mapping[str, int]: ...
    @property
    def nearest_misses(self) -> Sequence[NativeMiss]: ...
    @property
    def openings(self) -> int: ...
    @property
    def slot(self) -> int: ...


class NativePool(Protocol):
    """`phantom_core.PoolInfo`, as far as the shell reads it."""

    @property
    def pool(self) -> str: ...
    @property
    def mint_a(self) -> str: ...
    @property
    def mint_b(self) -> str: ...
    @property
    def set_aside_reason(self) -> str | None: ...


class NativeEngine(Protocol):
    """`phantom_core.Engine`: one call per frame through aggregator, market, finder, sizing and scorer."""

    def connect(self, endpoint: str) -> None:
        """Note that a connection opened (again): its old subscription ids are void."""

    def request(self, endpoint: str, frame: bytes) -> None:
        """Take an outgoing JSON-RPC request, so that its answer can be understood."""

    def ingest(self, endpoint: str, frame: bytes) -> Sequence[NativeSignal]:
        """Take an incoming frame; never raise for a bad one, count it."""

    def disconnect(self, endpoint: str) -> Sequence[NativeSignal]:
        """Note that a connection ended; release what only it held back."""

    def take(self, signal: object) -> NativeFill:
        """Quote the signal's cycle again on the market as it stands and apply it."""

    def stats(self) -> NativeStats:
        """Return a snapshot of every counter."""

    def pools(self) -> Sequence[NativePool]:
        """Return every pool, those set aside included."""


def build_native_engine(config: Config, *, assume_plain_mints: bool) -> NativeEngine:
    """Return a fresh native engine set up as `config` says.

    Args:
        config: The effective configuration; its sections engine, costs and scorer are read.
        assume_plain_mints: True if the source carries no mint accounts (the demo recording).

    Raises:
        InvalidInput: The native engine refuses a value.
    """
    from phantom_core import Engine, EngineConfig  # type: ignore[attr-defined]

    native_config = EngineConfig(
        max_hops=config.engine.max_hops,
        base_mints=dict(config.engine.base_mints),
        signatures=config.costs.signatures,
        compute_unit_limit=config.costs.compute_unit_limit,
        compute_unit_price_micro_lamports=config.costs.compute_unit_price_micro_lamports,
        tip_lamports=config.costs.tip_lamports,
        min_net_profit_lamports=config.scorer.min_net_profit_lamports,
        max_age_slots=config.scorer.max_age_slots,
        assume_plain_mints=assume_plain_mints or config.engine.assume_plain_mints,
    )
    return cast(NativeEngine, Engine(native_config))


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
