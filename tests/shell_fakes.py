"""Hand-written stand-ins for what the shell is composed with: a market, a source, a journal, an observer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from phantom_arbiter.domain import Fill, FunnelStage, Hop, Opportunity, Outcome, Plan, Step, Verdict
from phantom_arbiter.engine import Progress, Trade
from phantom_arbiter.native import opportunity_from_native
from phantom_arbiter.native_face import (
    NativeEndpointStats,
    NativeFunnelStage,
    NativePool,
    NativeSignal,
    NativeStep,
)

USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
WSOL = "So11111111111111111111111111111111111111112"
MSOL = "mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So"
POOL_A = "HJPjoWUrhoZzkNfRpHuieeFk9WcZWjwy6PBjZ81ngndJ"
POOL_B = "7qbRF6YsyGuLUVs6Y1q64bdVrfe4ZcUUz1JRdoVNUJnm"
POOL_C = "9vqYJjDUFecLL2xPUC4Rc7hyCtZ6iJ4mDiVZX7aFXoAe"


@dataclass(frozen=True)
class FakeSignal:
    """`phantom_core.Signal`, field by field."""

    opening_id: int
    slot: int
    base_mint: str
    hops: Sequence[Hop]
    amount_in: int
    amount_out: int
    gross_profit: int
    cost: int
    net_profit: int
    network_fee_lamports: int = 5_000
    priority_fee_lamports: int = 4_000
    tip_lamports: int = 10_000
    age_slots: int = 0
    score: float = 1.5
    net_bps: float = 12.5


def signal(
    opening_id: int = 1,
    slot: int = 100,
    *,
    base_mint: str = USDC,
    pools: Sequence[str] = (POOL_A, POOL_B),
    amount_in: int = 1_000_000_000,
    gross_profit: int = 3_000_000,
    cost: int = 2_000,
) -> FakeSignal:
    """Return a consistent signal: `base_mint` through `pools` and back."""
    other = WSOL if base_mint == USDC else USDC
    mints = [base_mint, *([other, MSOL, "x" * 40][: len(pools) - 1]), base_mint]
    amounts = [
        amount_in,
        *(amount_in * 10 + index for index in range(len(pools) - 1)),
        amount_in + gross_profit,
    ]
    hops = [
        Hop(pool, mints[index], mints[index + 1], amounts[index], amounts[index + 1])
        for index, pool in enumerate(pools)
    ]
    return FakeSignal(
        opening_id=opening_id,
        slot=slot,
        base_mint=base_mint,
        hops=hops,
        amount_in=amount_in,
        amount_out=amount_in + gross_profit,
        gross_profit=gross_profit,
        cost=cost,
        net_profit=gross_profit - cost,
    )


def opportunity(native: FakeSignal | None = None) -> Opportunity:
    return opportunity_from_native(native or signal())


def plan(native: FakeSignal | None = None) -> Plan:
    found = opportunity(native)
    return Plan(found, "test", found.amount_in + found.cost + 1)


def promised(planned: Plan) -> Fill:
    """Return the fill that is exactly what `planned` promised."""
    found = planned.opportunity
    return Fill(found.hops, found.amount_in, found.amount_out)


@dataclass(frozen=True)
class FakeEndpoint:
    name: str
    frames: int
    wins: int
    duplicates: int
    stale: int
    held: int
    malformed: int | Mapping[str, int]


@dataclass(frozen=True)
class FakeMiss:
    route: Sequence[NativeStep]
    stage: str
    reason: str
    missing_bps: float | None
    gross_profit: int | None
    net_profit: int | None
    slot: int


@dataclass(frozen=True)
class FakePool:
    pool: str
    mint_a: str
    mint_b: str
    set_aside_reason: str | None


@dataclass(frozen=True)
class FakeStats:
    """`phantom_core.EngineStats`, field by field."""

    frames: int = 0
    fresh: int = 0
    duplicates: int = 0
    stale: int = 0
    held: int = 0
    control: int = 0
    malformed: Mapping[str, int] = field(default_factory=dict)
    endpoints: Sequence[NativeEndpointStats] = ()
    pools: int = 0
    pools_set_aside: Mapping[str, int] = field(default_factory=dict)
    updates: int = 0
    decode_errors: Mapping[str, int] = field(default_factory=dict)
    funnel: Sequence[NativeFunnelStage] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)
    nearest_misses: Sequence[FakeMiss] = ()
    openings: int = 0
    slot: int = 0


@dataclass
class FakeMarket:
    """Answers frames with scripted signals and takes them at their own amounts.

    Attributes:
        script: Signals by frame.
        fills: Fills or refusals that differ from the signal, by opening id.
        left_open: What each second look after a fill finds, in order.
        calls: What was called, in order.
    """

    script: Mapping[bytes, Sequence[FakeSignal]] = field(default_factory=dict)
    fills: Mapping[int, Fill | Exception] = field(default_factory=dict)
    seen: FakeStats = field(default_factory=FakeStats)
    known_pools: Sequence[FakePool] = ()
    on_disconnect: Sequence[FakeSignal] = ()
    left_open: list[Sequence[FakeSignal]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def connect(self, endpoint: str) -> None:
        self.calls.append(f"connect {endpoint}")

    def request(self, endpoint: str, frame: bytes) -> None:
        self.calls.append(f"request {endpoint} {frame.decode()}")

    def ingest(self, endpoint: str, frame: bytes) -> Sequence[NativeSignal]:
        self.calls.append(f"ingest {endpoint} {frame.decode()}")
        self.seen = replace(self.seen, frames=self.seen.frames + 1)
        return self.script.get(frame, ())

    def disconnect(self, endpoint: str) -> Sequence[NativeSignal]:
        self.calls.append(f"disconnect {endpoint}")
        return self.on_disconnect

    def recheck(self, slot: int) -> Sequence[NativeSignal]:
        self.calls.append(f"recheck {slot}")
        return self.left_open.pop(0) if self.left_open else ()

    def take(self, signal: object) -> Fill:
        assert isinstance(signal, FakeSignal)
        self.calls.append(f"take {signal.opening_id}")
        found = self.fills.get(
            signal.opening_id, Fill(tuple(signal.hops), signal.amount_in, signal.amount_out)
        )
        if isinstance(found, Exception):
            raise found
        return found

    def stats(self) -> FakeStats:
        return self.seen

    def pools(self) -> Sequence[NativePool]:
        return self.known_pools

    def state_digest(self) -> str:
        return "ef" * 32


@dataclass(frozen=True)
class FakeRecord:
    kind: str
    endpoint: str
    arrival_ns: int
    frame: bytes = b""


def received(*frames: bytes, endpoint: str = "a") -> list[FakeRecord]:
    """Return the frames as records, a millisecond apart."""
    return [FakeRecord("received", endpoint, index * 1_000_000, frame) for index, frame in enumerate(frames)]


class FakeSource:
    """Gives a list of records; remembers that it was asked to stop."""

    def __init__(self, records: Iterable[FakeRecord]) -> None:
        self._records = list(records)
        self.stopped = False

    def __iter__(self) -> Iterator[FakeRecord]:
        return iter(self._records)

    def stop(self) -> None:
        self.stopped = True


@dataclass
class FakeJournal:
    """Remembers what it was told, in order."""

    events: list[str] = field(default_factory=list)

    def intent(self, plan: Plan) -> int:
        self.events.append(f"intent {plan.opportunity.opening_id}")
        return plan.opportunity.opening_id

    def outcome(self, attempt_id: int, outcome: Outcome) -> None:
        self.events.append(f"{outcome.state} {attempt_id}")


@dataclass
class FakeObserver:
    """Remembers what it was told."""

    reports: list[Progress] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    refusals: list[Verdict] = field(default_factory=list)

    def progress(self, progress: Progress) -> None:
        self.reports.append(progress)

    def traded(self, trade: Trade) -> None:
        self.trades.append(trade)

    def refused(self, plan: Plan, verdict: Verdict) -> None:
        self.refusals.append(verdict)


class StepClock:
    """A clock that moves on by `step_ns` whenever it is read."""

    def __init__(self, step_ns: int) -> None:
        self._step_ns = step_ns
        self._now_ns = 0

    def __call__(self) -> int:
        self._now_ns += self._step_ns
        return self._now_ns


def busy_stats() -> FakeStats:
    """Return statistics with something in every field."""
    path = (Step(POOL_A, USDC, WSOL), Step(POOL_B, WSOL, USDC))
    return FakeStats(
        frames=31_569,
        fresh=10_523,
        duplicates=20_311,
        stale=402,
        held=7,
        control=310,
        malformed={"truncated": 11, "wrong_base64": 5},
        endpoints=(
            FakeEndpoint("rpc-frankfurt", 10_530, 6_011, 4_100, 402, 7, 10),
            FakeEndpoint("rpc-new-york", 10_521, 3_512, 7_000, 0, 0, {"truncated": 4, "wrong_base64": 2}),
            FakeEndpoint("rpc-tokyo", 10_518, 1_000, 9_211, 0, 0, 0),
        ),
        pools=9,
        pools_set_aside={"missing_tick_array": 1, "unknown_mint": 1},
        updates=10_523,
        decode_errors={"wrong_length": 2},
        funnel=(
            FunnelStage("cycles", 8_211, 311),
            FunnelStage("after_fees", 1_204, 88),
            FunnelStage("after_sizing", 903, 75),
            FunnelStage("after_costs", 211, 41),
        ),
        reasons={"net_profit_below_minimum": 692, "already_open": 211},
        nearest_misses=(
            FakeMiss(path, "cycles", "pool_fees", 0.4375, None, None, 128_407_999),
            FakeMiss(path, "after_fees", "no_profit_after_sizing", None, None, None, 128_408_000),
            FakeMiss(
                (*path[:1], Step(POOL_C, WSOL, MSOL), Step(POOL_B, MSOL, USDC)),
                "after_sizing",
                "below_min_profit",
                1.25,
                2_150,
                -150,
                128_500_001,
            ),
        ),
        openings=311,
        slot=128_556_169,
    )
