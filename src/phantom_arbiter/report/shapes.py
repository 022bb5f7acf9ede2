"""What the journal keeps of how a run ended (`summary.to_record`), as a report reads it.

Everything has a default: an older summary lacks keys, a newer one has more, and a report is made of what is
there. What does not fit its type makes the whole summary unreadable, which the report then says.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Source(msgspec.Struct, frozen=True):
    """What was read; see `summary.SourceInfo`."""

    name: str = ""
    description: str = ""
    label: str = ""
    sha256: str | None = None
    records: int | None = None


class Run(msgspec.Struct, frozen=True):
    """How far it came, and how long that took."""

    records: int = 0
    recorded_s: float = 0.0
    wall_s: float = 0.0
    stopped_early: bool = False


class Frames(msgspec.Struct, frozen=True):
    """What arrived."""

    total: int = 0
    fresh: int = 0
    duplicates: int = 0
    stale: int = 0
    held: int = 0
    control: int = 0
    malformed: int = 0
    malformed_by_reason: dict[str, int] = {}


class Endpoint(msgspec.Struct, frozen=True):
    """One connection; see `domain.EndpointStats`."""

    name: str
    frames: int = 0
    wins: int = 0
    duplicates: int = 0
    stale: int = 0
    held: int = 0
    malformed: int = 0
    disagreements: int | None = None
    lag_p50_ns: int | None = None
    lag_p99_ns: int | None = None
    is_quarantined: bool = False


class Pools(msgspec.Struct, frozen=True):
    """The market's size."""

    total: int = 0
    set_aside: int = 0
    set_aside_by_reason: dict[str, int] = {}


class Opportunities(msgspec.Struct, frozen=True):
    """What was found, and why it was left."""

    openings: int = 0
    signals: int = 0
    rejected_by_reason: dict[str, int] = {}
    rejected_by_rule: dict[str, int] = {}
    refused_by_reason: dict[str, int] = {}


class Trades(msgspec.Struct, frozen=True):
    """Attempts whose outcome was known when the run ended."""

    attempts: int = 0
    filled: int = 0
    failed: int = 0
    failed_by_reason: dict[str, int] = {}
    unknown: int = 0


class Position(msgspec.Struct, frozen=True):
    """What a strategy of single swaps still holds."""

    base_mint: str
    mint: str
    amount: int
    basis: int


class Strategy(msgspec.Struct, frozen=True):
    """How the strategy did; see `strategy_runner.StrategyReport`."""

    name: str = ""
    calls: int = 0
    plans: int = 0
    overruns: int = 0
    exceptions: int = 0
    longest_ns: int = 0
    last_error: str | None = None
    suspended: str | None = None
    positions: tuple[Position, ...] = ()


class Stage(msgspec.Struct, frozen=True):
    """A stage of the funnel."""

    stage: str
    evaluations: int = 0
    openings: int | None = None


class Step(msgspec.Struct, frozen=True):
    """A hop without amounts."""

    pool: str
    mint_in: str
    mint_out: str


class Miss(msgspec.Struct, frozen=True):
    """A cycle that came close; see `domain.Miss`."""

    route: tuple[Step, ...]
    base_mint: str
    stage: str
    reason: str
    missing_bps: float | None = None
    gross_profit: int | None = None
    net_profit: int | None = None
    slot: int = 0


class Latency(msgspec.Struct, frozen=True):
    """From a frame to the decision it led to."""

    frames: int = 0
    median_ns: int | None = None
    p99_ns: int | None = None
    max_ns: int | None = None


class StageLatency(msgspec.Struct, frozen=True):
    """How long one stage took; see `telemetry.records.StageLatency`."""

    stage: str
    count: int = 0
    p50_ns: int | None = None
    p90_ns: int | None = None
    p99_ns: int | None = None
    max_ns: int | None = None


class Ended(msgspec.Struct, frozen=True):
    """The whole; keys as in `summary`."""

    source: Source = Source()
    run: Run = Run()
    frames: Frames = Frames()
    endpoints: tuple[Endpoint, ...] = ()
    pools: Pools = Pools()
    opportunities: Opportunities = Opportunities()
    trades: Trades = Trades()
    strategy: Strategy = Strategy()
    funnel: tuple[Stage, ...] = ()
    nearest_misses: tuple[Miss, ...] = ()
    frame_to_decision: Latency = Latency()
    latencies: tuple[StageLatency, ...] = ()
    state_digest: str | None = None
    mints: dict[str, Any] = {}


def read_ended(text: str) -> Ended | str:
    """Return the summary that `text` holds, or why it cannot be read."""
    try:
        return msgspec.json.decode(text, type=Ended)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        return str(error)
