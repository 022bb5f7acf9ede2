"""What the shell reads of `phantom_core`'s engine, structurally.

Protocols instead of the classes themselves, so that tests drive the shell with hand-written fakes. What the
fields mean is written where the classes are (`phantom_core/_native.pyi`) and where they become ours
(`domain.py`).
"""

# ruff: noqa: D102 - the fields are documented in the two places named above

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


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
    def openings(self) -> int | None: ...


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
    def missing_bps(self) -> float | None: ...
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

    def recheck(self, slot: int) -> Sequence[NativeSignal]:
        """Look again at the cycles through the pools touched last, as a fill has left them."""

    def take(self, signal: Any) -> NativeFill:
        """Quote the signal's cycle again on the market as it stands and apply it."""

    def stats(self) -> NativeStats:
        """Return a snapshot of every counter."""

    def pools(self) -> Sequence[NativePool]:
        """Return every pool, those set aside included."""

    def state_digest(self) -> str:
        """Return SHA-256 (hex) over the recorded state of every pool, fills left out."""
