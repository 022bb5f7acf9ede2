"""Our side of the peer benchmarks: what `get` returns does the same work as the peers.

One file per path under `paths/`, each with `get(work, data)`; a path that is not listed here has
no PROJECT row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paths import (
    a_dedup,
    b_negcycle,
    c_incremental,
    d_paths,
    e_signal,
    f_amm,
    g_tx,
    h_indicators,
    i_strategy,
    j_dispatch,
    k_ws,
)

PATHS: dict[str, Callable[[str, Any], Callable[[], Any] | None]] = {
    "a.dedup": a_dedup.get,
    "b.negcycle": b_negcycle.get,
    "c.incremental": c_incremental.get,
    "d.paths": d_paths.get,
    "e.signal": e_signal.get,
    "f.amm": f_amm.get,
    "g.tx": g_tx.get,
    "h.indicators": h_indicators.get,
    "i.strategy": i_strategy.get,
    "j.dispatch": j_dispatch.get,
    "k.ws": k_ws.get,
}


def get(path: str, work: str, data: Any) -> Callable[[], Any] | None:
    """Return a callable that does `work` of `path` on `data`, or None if we have none."""
    make = PATHS.get(path)
    return make(work, data) if make else None
