"""What a run publishes: one JSON object per message, told apart by `type`.

A viewer hears `hello`, then `snapshot`, then everything that happens. After a gap (it was too slow, and lost
records were counted) it hears another `snapshot` and goes on from there. `galaxy/src/records.ts` has the same
shapes in TypeScript.

Amounts are decimal strings of base units, as JavaScript's numbers end at 2^53. Prices, basis points and
shares are floats: they are for eyes, nothing is decided by them. `at_ns` is the source's own time (for a
recording: since its beginning), `unix_ms` the machine's clock.

The native engine encodes `Changes.market` and `Snapshot.market`; pools are numbered in the order in which
they appeared, and an edge is `2 * pool + (0 if a_to_b else 1)`.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

SCHEMA = 1
"""Rises if a field changes its meaning or goes."""

Amount = str
"""Base units, in decimal."""

Stage = Literal[
    "updates",
    "cycles",
    "after_fees",
    "after_sizing",
    "after_costs",
    "after_risk",
    "after_rehearsal",
    "sent",
    "taken",
]
"""The funnel, in order; on paper nothing is rehearsed or sent, and these two count what was carried out."""


class Record(Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=False):
    """Any message."""


# ---- the market, as the native engine encodes it


class WatchedPool(Struct, frozen=True, array_like=True):
    """A pool on its first appearance, with its state.

    It is told whole again once its decimals or its fee become known, or its fee moves by 1/10,000.

    Attributes:
        n: Its number.
        pool: Address.
        venue: Name of the venue.
        mint_a: Address.
        mint_b: Address.
        decimals_a: Of `mint_a`; None if not known.
        decimals_b: Of `mint_b`.
        fee_e9: Fee rate of a to b, and of b to a, in 1/10^9; None if the pool cannot be quoted.
        depth_a: What the pool holds or offers of mint a.
        depth_b: The same of mint b.
        price: Base units of b for one base unit of a at the margin, before fees; None if it cannot be quoted.
        slot: Of its last write.
        set_aside: Why it is not quoted; None if it is.
    """

    n: int
    pool: str
    venue: str
    mint_a: str
    mint_b: str
    decimals_a: int | None
    decimals_b: int | None
    fee_e9: tuple[int, int] | None
    depth_a: Amount
    depth_b: Amount
    price: float | None
    slot: int
    set_aside: str | None


class PoolState(Struct, frozen=True, array_like=True):
    """What may change of a pool; fields as in `WatchedPool`."""

    n: int
    depth_a: Amount
    depth_b: Amount
    price: float | None
    slot: int
    set_aside: str | None


class Opened(Struct, frozen=True, array_like=True):
    """A cycle that pays at recorded prices after fees.

    Attributes:
        id: Number of the opening; `trade` and `judged` name it.
        edges: The hops, each as `2 * pool + (0 if a_to_b else 1)`.
        gain_bps: What it gains at the margin, in 1/10,000, when it opened or was last looked at.
        slot: When it opened.
    """

    id: int
    edges: tuple[int, ...]
    gain_bps: float
    slot: int


class Closed(Struct, frozen=True, array_like=True):
    """It no longer pays."""

    id: int
    slot: int


class Judged(Struct, frozen=True, array_like=True):
    """The last verdict on an open cycle.

    Attributes:
        id: Number of the opening.
        stage: The last stage of the funnel that it reached.
        reason: Why it went no further; None if it became a signal.
        missing_bps: How many 1/10,000 of the input were missing; None where no number says it.
        base_mint: Mint of the amounts; None if it was never sized.
        amount_in: Best input; None if it was never sized.
        gross_profit: Before costs.
        net_profit: After costs; None if it was never costed.
        slot: When.
    """

    id: int
    stage: str
    reason: str | None
    missing_bps: float | None
    base_mint: str | None
    amount_in: Amount | None
    gross_profit: Amount | None
    net_profit: Amount | None
    slot: int


class MarketChanges(Struct, frozen=True, kw_only=True):
    """What changed since the record before, in the order new pools, states, opened, judged, closed.

    A cycle that opened and closed in between is in both lists; of a pool only the latest state is told, of an
    opening only the latest verdict. `new_pools` also has those that are told whole again. `lost` counts
    openings and closings that nobody fetched in time, since the beginning: then a snapshot follows.
    """

    new_pools: tuple[WatchedPool, ...] = ()
    pools: tuple[PoolState, ...] = ()
    opened: tuple[Opened, ...] = ()
    judged: tuple[Judged, ...] = ()
    closed: tuple[Closed, ...] = ()
    lost: int = 0


class MarketSnapshot(Struct, frozen=True, kw_only=True):
    """All pools, and the cycles open now, each with the last verdict on it if there is one."""

    pools: tuple[WatchedPool, ...] = ()
    open: tuple[Opened, ...] = ()
    judged: tuple[Judged, ...] = ()


# ---- what the shell adds


class Mint(Struct, frozen=True, kw_only=True):
    """How a mint is shown."""

    symbol: str
    decimals: int


class Hello(Record, tag="hello", frozen=True, kw_only=True):
    """Who speaks: the first message.

    Attributes:
        schema: `SCHEMA`.
        version: Of the program.
        pid: Of the engine's process.
        run_id: In the journal.
        journal: Path of the journal.
        mode: paper or live.
        source: Name of the source.
        description: Which market it holds.
        label: What is real in it and what is not.
        total_records: How many the source holds; None for a live one.
        began_unix_ms: When the run began.
        mints: Known symbols and decimals.
        settings: The effective settings by key, secrets masked, with where each comes from.
        controls: What may be asked of the run: halt, resume, stop.
    """

    schema: int = SCHEMA
    version: str
    pid: int
    run_id: int
    journal: str
    mode: str
    source: str
    description: str
    label: str
    total_records: int | None
    began_unix_ms: int
    mints: dict[str, Mint]
    settings: dict[str, tuple[Any, str]]
    controls: tuple[str, ...]


class Moment(Record, frozen=True, kw_only=True):
    """Anything with a place in time.

    Attributes:
        seq: Grows by one with every message of a run.
        at_ns: The source's time.
        unix_ms: The machine's time.
        slot: The highest seen.
    """

    seq: int
    at_ns: int
    unix_ms: int
    slot: int


class Changes(Moment, tag="changes", frozen=True, kw_only=True):
    """What the market did, some 20 times a second while it does anything."""

    market: MarketChanges


class Endpoint(Struct, frozen=True, kw_only=True):
    """One connection; counters as in `domain.EndpointStats`.

    Attributes:
        is_open: Whether it is connected.
        behind_slots: How far it is behind the newest slot; None if it has shown none.
        subscriptions: Accounts subscribed and confirmed.
    """

    name: str
    is_open: bool
    behind_slots: int | None
    subscriptions: int
    frames: int
    wins: int
    duplicates: int
    stale: int
    held: int
    malformed: int
    disagreements: int
    lag_p50_ns: int | None
    lag_p99_ns: int | None
    is_quarantined: bool


class FunnelCount(Struct, frozen=True, kw_only=True):
    """How many came this far since the beginning; `openings` counts distinct ones."""

    stage: Stage
    evaluations: int
    openings: int | None


class Step(Struct, frozen=True, kw_only=True):
    """One hop of a route without amounts."""

    pool: str
    mint_in: str
    mint_out: str


class Miss(Struct, frozen=True, kw_only=True):
    """A cycle that came close; see `domain.Miss`."""

    steps: tuple[Step, ...]
    base_mint: str
    stage: str
    reason: str
    missing_bps: float | None
    gross_profit: Amount | None
    net_profit: Amount | None
    slot: int


class ProfitSum(Struct, frozen=True, kw_only=True):
    """Sums over the attempts of one base mint."""

    mint: str
    attempts: int
    filled: int
    gross_profit: Amount
    cost: Amount
    net_profit: Amount


class StageLatency(Struct, frozen=True, kw_only=True):
    """How long one stage took: a histogram.

    Attributes:
        stage: Its name; frame_to_decision is the whole.
        count: Durations.
        sum_ns: All of them added up.
        p50_ns: Half of them took no longer; None if there were none.
        p90_ns: Nine in ten.
        p99_ns: 99 in 100.
        max_ns: The longest.
        buckets: Upper edge in ns, and how many were no longer than it and above the edge before; empty
            buckets are left out.
    """

    stage: str
    count: int
    sum_ns: int
    p50_ns: int | None
    p90_ns: int | None
    p99_ns: int | None
    max_ns: int | None
    buckets: tuple[tuple[int, int], ...]


class LimitUse(Struct, frozen=True, kw_only=True):
    """How much of a limit of risk is used.

    Attributes:
        name: Key of the setting, without `risk.`.
        subject: The mint or venue that it is for; None for a limit over all.
        unit: lamports, attempts, or the mint whose base units are counted.
        used: Now.
        limit: At most.
    """

    name: str
    subject: str | None
    unit: str
    used: Amount
    limit: Amount


class RiskState(Struct, frozen=True, kw_only=True):
    """Whether trading is held, by what, and how much of each limit is used.

    Attributes:
        halted: Nothing is sent.
        switches: What holds it: file, signal, rules, terminal, dashboard, and breakers by their names.
        limits: Those that have a limit.
    """

    halted: bool
    switches: tuple[str, ...]
    limits: tuple[LimitUse, ...]


class FeeState(Struct, frozen=True, kw_only=True):
    """What a transaction is to offer now.

    Attributes:
        mode: fixed or adaptive.
        percentile: Percent of recent slots in which the price would have been enough, 0.01 to 99.99; None if
            fixed.
        compute_unit_price_micro_lamports: Offered for each compute unit.
        compute_unit_limit: Compute units asked for.
        tip_lamports: To the block engine.
        congestion: How full recent blocks were, 0 to 1; None if not known.
    """

    mode: str
    percentile: float | None
    compute_unit_price_micro_lamports: int
    compute_unit_limit: int
    tip_lamports: int
    congestion: float | None


class StrategyState(Struct, frozen=True, kw_only=True):
    """The strategy; see `strategy_runner.StrategyReport`."""

    name: str
    calls: int
    plans: int
    overruns: int
    exceptions: int
    suspended: str | None


class Status(Moment, tag="status", frozen=True, kw_only=True):
    """Where the run stands, some four times a second; counters are since its beginning.

    Attributes:
        records: Taken from the source.
        reasons: Why candidates were no signals, by reason.
        rules: Those of reason refused_by_rule, by the words of the rule.
        refusals: Why signals were not traded, by reason.
        failures: Why attempts failed, by reason.
        under_way: Attempts without an outcome.
        open_cycles: Open now.
        viewers: Processes that follow.
        lost: Records that some viewer was too slow for, in all.
    """

    records: int
    frames: int
    fresh: int
    duplicates: int
    stale: int
    held: int
    control: int
    malformed: dict[str, int]
    decode_errors: dict[str, int]
    updates: int
    pools: int
    pools_set_aside: dict[str, int]
    openings: int
    open_cycles: int
    signals: int
    attempts: int
    filled: int
    unknown: int
    under_way: int
    funnel: tuple[FunnelCount, ...]
    reasons: dict[str, int]
    rules: dict[str, int]
    refusals: dict[str, int]
    failures: dict[str, int]
    nearest_misses: tuple[Miss, ...]
    endpoints: tuple[Endpoint, ...]
    profit: tuple[ProfitSum, ...]
    latencies: tuple[StageLatency, ...]
    fees: FeeState
    risk: RiskState
    strategy: StrategyState
    viewers: int
    lost: int


class HopAmounts(Struct, frozen=True, kw_only=True):
    """One swap."""

    pool: str
    mint_in: str
    mint_out: str
    amount_in: Amount
    amount_out: Amount


class Span(Struct, frozen=True, kw_only=True):
    """One step of an attempt: ingest, decide, prepare, journal, submit, settle.

    Attributes:
        stage: Its name.
        began_unix_ns: On the machine's clock.
        duration_ns: On its monotonic one.
    """

    stage: str
    began_unix_ns: int
    duration_ns: int


class Trade(Moment, tag="trade", frozen=True, kw_only=True):
    """An attempt, once its outcome is journaled. Amounts of the first and last hop are of `base_mint`.

    Attributes:
        attempt_id: In the journal.
        opening_id: None for a single swap.
        venues: Of the hops, in order.
        state: filled or failed.
        reason: Why it failed.
        is_dead: Proven never to land, or it never left the process.
        signature: Of the transaction; None on paper.
        spans: How long each step took.
    """

    attempt_id: int
    opening_id: int | None
    strategy: str
    state: str
    reason: str | None
    is_dead: bool
    signature: str | None
    base_mint: str
    hops: tuple[HopAmounts, ...]
    venues: tuple[str, ...]
    amount_in: Amount
    amount_out: Amount
    gross_profit: Amount
    cost: Amount
    net_profit: Amount
    spans: tuple[Span, ...]


class Refusal(Moment, tag="refusal", frozen=True, kw_only=True):
    """A plan that risk did not let through."""

    opening_id: int | None
    strategy: str
    base_mint: str
    amount_in: Amount
    net_profit: Amount | None
    hops: tuple[HopAmounts, ...]
    reason: str
    limit: Amount | None
    value: Amount | None


class Notice(Moment, tag="notice", frozen=True, kw_only=True):
    """One line that the operator should know.

    Attributes:
        kind: notice, or what happened to an endpoint as `sources.websocket.EventKind` names it.
        text: The line.
    """

    kind: str
    text: str


class End(Moment, tag="end", frozen=True, kw_only=True):
    """The run has ended: the last message.

    Attributes:
        summary: As `phantom run --json` prints it; None if the run failed.
        error: Why it failed.
    """

    summary: dict[str, Any] | None
    error: str | None


class Snapshot(Moment, tag="snapshot", frozen=True, kw_only=True):
    """Everything that is known at one moment, newest last; `seq` is that of the last message it includes."""

    market: MarketSnapshot
    status: Status | None
    trades: tuple[Trade, ...]
    refusals: tuple[Refusal, ...]
    notices: tuple[Notice, ...]


# ---- what viewers ask


class AskCurve(Record, tag="ask_curve", frozen=True, kw_only=True):
    """Ask what inputs of a cycle would earn now; answered by `Curve` with the same `id`."""

    id: int
    edges: tuple[int, ...]
    points: int = 64


class Control(Record, tag="control", frozen=True, kw_only=True):
    """Ask for something to be done; answered by `Done`. It is journaled.

    Attributes:
        action: halt, resume or stop.
        by: terminal or dashboard.
    """

    id: int
    action: Literal["halt", "resume", "stop"]
    by: Literal["terminal", "dashboard"]


class Curve(Record, tag="curve", frozen=True, kw_only=True):
    """Inputs of a cycle and their profit before costs; None where the input cannot be traded.

    They are asked of the pools as our fills have left them, until the chain writes them anew.

    Attributes:
        error: Why there is no curve, in words.
    """

    id: int
    base_mint: str | None = None
    amounts_in: tuple[Amount, ...] = ()
    gross_profits: tuple[Amount | None, ...] = ()
    error: str | None = None


class Done(Record, tag="done", frozen=True, kw_only=True):
    """What became of a `Control`; `error` is None if it was done."""

    id: int
    error: str | None = None


Published = Hello | Snapshot | Changes | Status | Trade | Refusal | Notice | End | Curve | Done
"""What a run says."""

Asked = AskCurve | Control
"""What a viewer says."""
