"""From what a viewer knows back to the record that says it."""

from __future__ import annotations

from phantom_arbiter.telemetry.model import RunModel
from phantom_arbiter.telemetry.records import MarketSnapshot, PoolState, Snapshot, WatchedPool


def snapshot_of(model: RunModel) -> Snapshot:
    """Return the snapshot from which a viewer that knows nothing learns what `model` knows.

    Closed cycles and the minute behind `RunModel.per_minute` are not in it: no snapshot holds them.
    """
    states = model.states
    return Snapshot(
        seq=model.seq,
        at_ns=model.at_ns,
        unix_ms=model.unix_ms,
        slot=model.slot,
        market=MarketSnapshot(
            pools=tuple([_as_now(pool, states[n]) for n, pool in model.pools.items()]),
            open=tuple([cycle.opened for cycle in model.open.values()]),
            judged=tuple([cycle.judged for cycle in model.open.values() if cycle.judged is not None]),
        ),
        status=model.status,
        trades=tuple(model.trades),
        refusals=tuple(model.refusals),
        notices=tuple(model.notices),
    )


def _as_now(pool: WatchedPool, state: PoolState) -> WatchedPool:
    return WatchedPool(
        pool.n,
        pool.pool,
        pool.venue,
        pool.mint_a,
        pool.mint_b,
        pool.decimals_a,
        pool.decimals_b,
        pool.fee_e9,
        state.depth_a,
        state.depth_b,
        state.price,
        state.slot,
        state.set_aside,
    )
