"""A local Solana RPC node for development and tests, on loopback, with faults on demand.

One bank (`bank`, `machine`: LiteSVM) is fed by a snapshot, a recording or a seeded market simulator
(`sources`, `simulator`, `feed`) and served by several endpoints (`endpoint`, `rpc`, `subscriptions`, `wire`),
each with a fault plan of its own (`faults`); `block_engine` takes bundles for it. `net.LocalNet` is the whole
in this process, `process` the same in another one, `commands.localnet` the command.

Importing this package needs nothing but the standard library; the net itself needs the extra `localnet`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from phantom_arbiter.localnet.block_engine.faults import EngineFaults
    from phantom_arbiter.localnet.faults.plan import FaultPlan
    from phantom_arbiter.localnet.net import LocalNet, NetSettings
    from phantom_arbiter.localnet.process import LocalNetProcess

__all__ = ["EngineFaults", "FaultPlan", "LocalNet", "LocalNetProcess", "NetSettings"]

_HOMES = {
    "EngineFaults": "block_engine.faults",
    "FaultPlan": "faults.plan",
    "LocalNet": "net",
    "LocalNetProcess": "process",
    "NetSettings": "net",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
