"""Hand-written values, and stand-ins for what the shell is composed with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import cast

import phantom_core
import shipped_day
from phantom_arbiter.domain import (
    EndpointStats,
    Fill,
    FunnelStage,
    Hop,
    MarketStats,
    Miss,
    Opportunity,
    Outcome,
    Plan,
    Step,
    Verdict,
)
from phantom_arbiter.engine import Engine, Progress, Trade
from phantom_arbiter.execution.base import Submission
from phantom_arbiter.journal import RiskChange
from phantom_arbiter.risk import Booked
from phantom_arbiter.swaps import AnyPlan

USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
WSOL = "So11111111111111111111111111111111111111112"
MSOL = "mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So"
POOL_A = "HJPjoWUrhoZzkNfRpHuieeFk9WcZWjwy6PBjZ81ngndJ"
POOL_B = "7qbRF6YsyGuLUVs6Y1q64bdVrfe4ZcUUz1JRdoVNUJnm"
POOL_C = "9vqYJjDUFecLL2xPUC4Rc7hyCtZ6iJ4mDiVZX7aFXoAe"


def opportunity(
    opening_id: int = 1,
    slot: int = 100,
    *,
    base_mint: str = USDC,
    pools: Sequence[str] = (POOL_A, POOL_B),
    amount_in: int = 1_000_000_000,
    gross_profit: int = 3_000_000,
    cost: int = 2_000,
) -> Opportunity:
    """Return a consistent opportunity: `base_mint` through `pools` and back; a twin of it is its signal."""
    other = WSOL if base_mint == USDC else USDC
    mints = [base_mint, *([other, MSOL, "x" * 40][: len(pools) - 1]), base_mint]
    amounts = [
        amount_in,
        *(amount_in * 10 + index for index in range(len(pools) - 1)),
        amount_in + gross_profit,
    ]
    hops = tuple(
        Hop(pool, mints[index], mints[index + 1], amounts[index], amounts[index + 1])
        for index, pool in enumerate(pools)
    )
    found = Opportunity(
        opening_id=opening_id,
        slot=slot,
        base_mint=base_mint,
        hops=hops,
        amount_in=amount_in,
        amount_out=amount_in + gross_profit,
        gross_profit=gross_profit,
        cost=cost,
        net_profit=gross_profit - cost,
        network_fee_lamports=5_000,
        priority_fee_lamports=4_000,
        tip_lamports=10_000,
        age_slots=0,
        score=1.5,
        net_bps=12.5,
    )
    return replace(found, native=found)


def plan(found: Opportunity | None = None) -> Plan:
    found = found or opportunity()
    return Plan(found, "test", found.amount_in + found.cost + 1)


def promised(planned: Plan) -> Fill:
    """Return the fill that is exactly what `planned` promised."""
    found = planned.opportunity
    return Fill(found.hops, found.amount_in, found.amount_out)


@dataclass
class FakeMarket:
    """Answers frames as scripted, for what the real engine does not do on demand.

    An `Opportunity` stands in for the signal: it has all of its fields.

    Attributes:
        script: Signals by frame.
        fills: Fills or refusals that differ from the signal, by opening id.
        left_open: What each second look after a fill finds, in order.
        calls: What was called, in order.
    """

    script: Mapping[bytes, Sequence[object]] = field(default_factory=dict)
    fills: Mapping[int, Fill | Exception] = field(default_factory=dict)
    on_disconnect: Sequence[Opportunity] = ()
    left_open: list[Sequence[Opportunity]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    @property
    def engine(self) -> phantom_core.Engine:
        """This market in the place of an engine."""
        return cast(phantom_core.Engine, self)

    def connect(self, endpoint: str) -> None:
        self.calls.append(f"connect {endpoint}")

    def request(self, endpoint: str, frame: bytes) -> None:
        self.calls.append(f"request {endpoint} {frame.decode()}")

    def ingest(self, endpoint: str, frame: bytes, arrival_ns: int) -> Sequence[object]:
        self.calls.append(f"ingest {endpoint} {frame.decode()}")
        return self.script.get(frame, ())

    def disconnect(self, endpoint: str) -> Sequence[object]:
        self.calls.append(f"disconnect {endpoint}")
        return self.on_disconnect

    def recheck(self, slot: int) -> Sequence[object]:
        self.calls.append(f"recheck {slot}")
        return self.left_open.pop(0) if self.left_open else ()

    def take(self, signal: Opportunity) -> Fill:
        self.calls.append(f"take {signal.opening_id}")
        found = self.fills.get(signal.opening_id, promised(plan(signal)))
        if isinstance(found, Exception):
            raise found
        return found

    def observe_landing(self, signal: Opportunity, landed: bool) -> None:
        self.calls.append(f"{'landed' if landed else 'missed'} {signal.opening_id}")

    @property
    def highest_slot(self) -> int:
        return 0

    def stats(self, misses: int = 8) -> phantom_core.EngineStats:
        return shipped_day.market().stats(misses)


def received(*frames: bytes) -> list[phantom_core.Record]:
    """Return the frames as records, a millisecond apart."""
    return [
        phantom_core.Record("received", "a", index * 1_000_000, frame) for index, frame in enumerate(frames)
    ]


def record_of_kind(kind: str) -> phantom_core.Record:
    """Return a record of a kind that the real class refuses."""
    return cast(phantom_core.Record, SimpleNamespace(kind=kind, endpoint="a", arrival_ns=0, frame=b""))


class FakeSource:
    """Gives a list of records; remembers that it was asked to stop."""

    def __init__(self, records: Iterable[phantom_core.Record]) -> None:
        self._records = list(records)
        self.stopped = False

    def __iter__(self) -> Iterator[phantom_core.Record]:
        return iter(self._records)

    def drive(self, engine: Engine) -> None:
        engine.run(self)

    def stop(self) -> None:
        self.stopped = True


@dataclass
class FakeJournal:
    """Remembers what it was told, in order."""

    events: list[str] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    changes: list[RiskChange] = field(default_factory=list)

    def intent(self, plan: AnyPlan, entry: Booked, submission: Submission | None = None) -> int:
        number = int(plan.key.rpartition(" ")[2])
        self.events.append(f"intent {number}")
        return number

    def outcome(self, attempt_id: int, outcome: Outcome, slot: int) -> None:
        self.events.append(f"{outcome.state} {attempt_id}")

    def verdict(self, plan: AnyPlan, verdict: Verdict) -> None:
        self.verdicts.append(verdict)

    def changed(self, change: RiskChange) -> None:
        self.changes.append(change)


@dataclass
class FakeObserver:
    """Remembers what it was told."""

    reports: list[Progress] = field(default_factory=list)
    trades: list[Trade] = field(default_factory=list)
    refusals: list[Verdict] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def progress(self, progress: Progress) -> None:
        self.reports.append(progress)

    def traded(self, trade: Trade) -> None:
        self.trades.append(trade)

    def refused(self, plan: AnyPlan, verdict: Verdict) -> None:
        self.refusals.append(verdict)

    def notice(self, text: str) -> None:
        self.notices.append(text)


class StepClock:
    """A clock that moves on by `step_ns` whenever it is read."""

    def __init__(self, step_ns: int) -> None:
        self._step_ns = step_ns
        self._now_ns = 0

    def __call__(self) -> int:
        self._now_ns += self._step_ns
        return self._now_ns


def busy_stats() -> MarketStats:
    """Return statistics with something in every field."""
    path = (Step(POOL_A, USDC, WSOL), Step(POOL_B, WSOL, USDC))
    longer = (*path[:1], Step(POOL_C, WSOL, MSOL), Step(POOL_B, MSOL, USDC))
    return MarketStats(
        frames=31_569,
        fresh=10_523,
        duplicates=20_311,
        stale=402,
        held=7,
        control=310,
        malformed={"truncated": 11, "wrong_base64": 5},
        endpoints=(
            EndpointStats("rpc-frankfurt", 10_530, 6_011, 4_100, 402, 7, 10),
            EndpointStats("rpc-new-york", 10_521, 3_512, 7_000, 0, 0, 6, 0, 1_500_000, 48_000_000),
            EndpointStats("rpc-tokyo", 10_518, 1_000, 9_211, 0, 0, 0, 21, 180_000_000, 910_000_000, True),
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
        reasons={"net_profit_below_minimum": 692, "already_open": 211, "refused_by_rule": 14},
        rules={"too_old": 3, "division_by_zero": 11},
        nearest_misses=(
            Miss(path, USDC, "cycles", "pool_fees", 0.4375, None, None, 128_407_999),
            Miss(path, USDC, "after_fees", "no_profit_after_sizing", None, None, None, 128_408_000),
            Miss(longer, USDC, "after_sizing", "below_min_profit", 1.25, 2_150, -150, 128_500_001),
        ),
        openings=311,
        slot=128_556_169,
    )
