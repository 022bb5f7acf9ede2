"""The words the shell speaks: frozen values, whole numbers, no I/O.

Amounts are `int` base units of the mint their field or route names; SOL money is lamports. Nothing here
knows the native module (`native.py` converts what it hands out), so strategy, risk, journal and rendering
work, and are tested, without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Hop:
    """One swap in one pool: `amount_in` of `mint_in` gives exactly `amount_out` of `mint_out`."""

    pool: str
    mint_in: str
    mint_out: str
    amount_in: int
    amount_out: int


def route_of(hops: tuple[Hop, ...]) -> str:
    """Name hops in a circle the same whichever comes first; a single one is its pool and direction."""
    steps = [f"{hop.pool}:{hop.mint_in}" for hop in hops]
    first = steps.index(min(steps))
    return ">".join(steps[first:] + steps[:first])


@dataclass(frozen=True, slots=True)
class Opportunity:
    """A sized and costed cycle that the scorer let through.

    Attributes:
        opening_id: Running number of the cycle's opening; a cycle that stays open is one opening.
        slot: Slot of the account write that produced it.
        base_mint: Mint the cycle starts and ends with; the unit of the five amounts below.
        hops: Chained swaps: each hop's input is the output of the hop before.
        amount_in: What goes into the first hop.
        amount_out: What comes out of the last.
        gross_profit: `amount_out - amount_in`, before costs.
        cost: The three fees in base units of `base_mint`, rounded up.
        net_profit: `gross_profit - cost`.
        network_fee_lamports: Signature fees.
        priority_fee_lamports: Compute unit limit times price.
        tip_lamports: Paid to the block engine if the transaction lands.
        age_slots: Slots between the write that produced it and the highest slot seen.
        score: The scorer's figure; higher is better.
        net_bps: `net_profit` per `amount_in` in 1/10,000.
        compute_unit_limit: Compute units that the transaction is to ask for.
        compute_unit_price_micro_lamports: What it is to offer for each; times the limit it is
            `priority_fee_lamports`, rounded up.
        expected_value_lamports: What the attempt is worth on average, failures included, rounded down.
        landing_e4: Probability that it lands, in 1/10,000.
        depth_bps: Input of the hop that it moves most as a share of that hop's depth, in 1/10,000.
        volatility_bps: How much the route's prices move per slot, in 1/10,000; 0 too while not yet known.
        competition_e4: Share of earlier attempts at this cycle that came too late, in 1/10,000.
        agreement_e4: Share of the connected providers that vouch for its pools, in 1/10,000; all of them
            while that is not judged.
        token_flags: What issuers of its mints may do: freeze_authority, mint_authority, transfer_fee (in
            force). Mints of `tokens.allow` and mints never seen have none.
        native: The signal it came from, for the executor to hand back; opaque to everyone else.
    """

    opening_id: int
    slot: int
    base_mint: str
    hops: tuple[Hop, ...]
    amount_in: int
    amount_out: int
    gross_profit: int
    cost: int
    net_profit: int
    network_fee_lamports: int
    priority_fee_lamports: int
    tip_lamports: int
    age_slots: int
    score: float
    net_bps: float
    compute_unit_limit: int = 0
    compute_unit_price_micro_lamports: int = 0
    expected_value_lamports: int = 0
    landing_e4: int = 10_000
    depth_bps: int = 0
    volatility_bps: int = 0
    competition_e4: int = 0
    agreement_e4: int = 10_000
    token_flags: tuple[str, ...] = ()
    native: object = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if len(self.hops) < 2:
            raise ValueError(
                f"opening {self.opening_id}: a cycle has at least 2 hops, found {len(self.hops)}"
            )
        ends = (self.hops[0].mint_in, self.hops[-1].mint_out)
        if ends != (self.base_mint, self.base_mint):
            raise ValueError(
                f"opening {self.opening_id}: cycle of {self.base_mint} starts and ends with {ends}"
            )
        for before, after in zip(self.hops, self.hops[1:], strict=False):
            if (before.mint_out, before.amount_out) != (after.mint_in, after.amount_in):
                raise ValueError(
                    f"opening {self.opening_id}: {after.pool} does not take what {before.pool} gives"
                )
        if (self.hops[0].amount_in, self.hops[-1].amount_out) != (self.amount_in, self.amount_out):
            raise ValueError(f"opening {self.opening_id}: amounts differ from those of the hops")
        if self.gross_profit != self.amount_out - self.amount_in:
            raise ValueError(
                f"opening {self.opening_id}: gross profit {self.gross_profit} is not out minus in"
            )
        if self.net_profit != self.gross_profit - self.cost:
            raise ValueError(
                f"opening {self.opening_id}: net profit {self.net_profit} is not gross minus cost"
            )

    @property
    def route(self) -> str:
        """Name the cycle the same whichever of its mints it starts with: its pools, directed, in order."""
        return route_of(self.hops)

    @property
    def fee_lamports(self) -> int:
        """Everything the transaction costs if it lands, in lamports."""
        return self.network_fee_lamports + self.priority_fee_lamports + self.tip_lamports


@dataclass(frozen=True, slots=True)
class Plan:
    """What a strategy wants done: one cycle as one transaction.

    Attributes:
        opportunity: The cycle, its amounts and its costs.
        strategy: Name of the strategy that asked.
        min_amount_out: The last hop's minimum output; below it the transaction fails as a whole.
    """

    opportunity: Opportunity
    strategy: str
    min_amount_out: int

    @property
    def key(self) -> str:
        """Name the attempt among those whose outcome is not known yet."""
        return f"opening {self.opportunity.opening_id}"

    @property
    def slot(self) -> int:
        """Slot of the account write that led here."""
        return self.opportunity.slot

    @property
    def base_mint(self) -> str:
        """Mint that `amount_in`, `cost`, `stake` and `max_loss` are in."""
        return self.opportunity.base_mint

    @property
    def hops(self) -> tuple[Hop, ...]:
        """The swaps in order."""
        return self.opportunity.hops

    @property
    def route(self) -> str:
        """What rests after an attempt; see `Opportunity.route`."""
        return self.opportunity.route

    @property
    def amount_in(self) -> int:
        """What goes into the first hop."""
        return self.opportunity.amount_in

    @property
    def cost(self) -> int:
        """Fees in base units of `base_mint`."""
        return self.opportunity.cost

    @property
    def fee_lamports(self) -> int:
        """The same in lamports."""
        return self.opportunity.fee_lamports

    @property
    def stake(self) -> int:
        """What is out of the wallet until the outcome is known: the whole input."""
        return self.opportunity.amount_in

    @property
    def max_loss(self) -> int:
        """The most that it can lose: the fees, as the transaction fails whole below `min_amount_out`."""
        return self.opportunity.cost


@dataclass(frozen=True, slots=True)
class Fill:
    """What the swaps gave when they were applied."""

    hops: tuple[Hop, ...]
    amount_in: int
    amount_out: int


class OutcomeState(StrEnum):
    """How an attempt ended."""

    FILLED = "filled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class OnChain:
    """What the chain says of a transaction that landed, from its balances before and after.

    Attributes:
        slot: Where it landed.
        unix_time: When, in Unix seconds, as its block says; None if it does not.
        fee_lamports: Network and priority fee that the wallet paid.
        tip_lamports: What went to the block engine; 0 if the transaction failed.
        rent_lamports: Deposits of accounts that it created; they come back when those are closed.
        units_consumed: Compute units; None if the endpoint does not say.
        wallet_change_lamports: Change of the wallet's own lamports, all of the above included.
        base_change: Change of the base account, base units of the base mint: the gross profit. Where the
            base account is the wallet itself, its lamports without fee, tip and rent. None if the endpoint
            does not tell balances of tokens.
        held_change: The same of what the wallet's token accounts hold of the mint that a single swap buys;
            None for a cycle, or if not told.
    """

    slot: int
    unix_time: int | None
    fee_lamports: int
    tip_lamports: int
    rent_lamports: int
    units_consumed: int | None
    wallet_change_lamports: int
    base_change: int | None
    held_change: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one attempt.

    Attributes:
        state: Filled, or failed as a whole.
        reason: Why it failed; `None` if filled.
        fill: The swaps as applied; `None` if failed.
        cost: What was charged, base units of the base mint.
        realised: Profit before costs that a single swap made final, base units of the base mint: 0 when it
            opens a position, what it sold for less what that had cost when it closes one. `None` for a
            cycle, whose fill begins and ends with the base mint.
        landed: Whether the transaction landed, successfully or not: what the fee engine learns from. `None`
            where that says nothing of its price and tip: an expired blockhash, a rate limit.
        is_dead: Whether it was proven never to land, or never left the process: it cost nothing, and no
            breaker counts it. Its day still does if it was sent.
        chain: What the chain says of it; None if it never landed, and on paper.
        sends: How often the same bytes were handed over; 0 on paper, and where nothing was sent.
    """

    state: OutcomeState
    reason: str | None
    fill: Fill | None
    cost: int
    realised: int | None = None
    landed: bool | None = None
    is_dead: bool = False
    chain: OnChain | None = None
    sends: int = 0

    def __post_init__(self) -> None:
        filled = self.state is OutcomeState.FILLED
        if filled is (self.fill is None) or filled is (self.reason is not None):
            raise ValueError(f"{self.state} outcome with fill {self.fill} and reason {self.reason!r}")
        if self.is_dead and (filled or self.cost or self.chain is not None):
            raise ValueError(f"dead, but {self.state} at a cost of {self.cost} with {self.chain}")

    @property
    def never_left(self) -> bool:
        """Whether nothing was handed to anybody: then it does not count towards its day either."""
        return self.is_dead and self.sends == 0

    @property
    def gross_profit(self) -> int:
        """Out minus in of the fill, or what a single swap realised, base units; 0 if nothing was filled."""
        if self.realised is not None:
            return self.realised
        return self.fill.amount_out - self.fill.amount_in if self.fill else 0

    @property
    def net_profit(self) -> int:
        """`gross_profit - cost`; negative if the attempt failed and was charged."""
        return self.gross_profit - self.cost


@dataclass(frozen=True, slots=True)
class Verdict:
    """What risk says of a plan.

    Attributes:
        ok: True if it may go.
        reason: Short stable name of the rule that refused it; empty if ok.
        limit: The rule's limit, if it has one.
        value: What the plan would have made of it.
    """

    ok: bool
    reason: str = ""
    limit: int | None = None
    value: int | None = None


GO = Verdict(ok=True)


# ---- what the engine has seen


@dataclass(frozen=True, slots=True)
class EndpointStats:
    """Frames of one endpoint; `wins` counts writes that it delivered first.

    Attributes:
        name: The connection's name, with its provider before the first `/`.
        frames: Frames received.
        wins: News that it brought.
        duplicates: What had been delivered before.
        stale: What was older than the applied state.
        held: What was kept back as not provably newer.
        malformed: Frames refused.
        disagreements: Last writes of a slot with which it stands alone against two other providers.
        lag_p50_ns: Half of its duplicates came no later than this after the first arrival, in nanoseconds;
            `None` if frames come without their times.
        lag_p99_ns: The same of 99 out of 100.
        is_quarantined: Whether its provider's word does not count now.
    """

    name: str
    frames: int
    wins: int
    duplicates: int
    stale: int
    held: int
    malformed: int
    disagreements: int = 0
    lag_p50_ns: int | None = None
    lag_p99_ns: int | None = None
    is_quarantined: bool = False


@dataclass(frozen=True, slots=True)
class FunnelStage:
    """How many came this far: `evaluations` counts every time, `openings` distinct ones, if there are any."""

    name: str
    evaluations: int
    openings: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """One hop of a route that was not taken: no amounts."""

    pool: str
    mint_in: str
    mint_out: str


@dataclass(frozen=True, slots=True)
class Miss:
    """A cycle that came close.

    Attributes:
        steps: The route.
        base_mint: Mint it starts and ends with.
        stage: The last funnel stage it reached.
        reason: Why it went no further, as the scorer names it.
        missing_bps: How many 1/10,000 of the input it lacked; `None` where no number says it.
        gross_profit: Best profit before costs, base units of `base_mint`; `None` if never sized.
        net_profit: Best profit after costs; `None` if never costed.
        slot: When it was nearest.
    """

    steps: tuple[Step, ...]
    base_mint: str
    stage: str
    reason: str
    missing_bps: float | None
    gross_profit: int | None
    net_profit: int | None
    slot: int


@dataclass(frozen=True, slots=True)
class PoolSetAside:
    """A pool that the engine does not quote, and why."""

    pool: str
    mint_a: str
    mint_b: str
    reason: str


@dataclass(frozen=True, slots=True)
class MarketStats:
    """What the native engine counted: a snapshot."""

    frames: int
    fresh: int
    duplicates: int
    stale: int
    held: int
    control: int
    malformed: Mapping[str, int]
    endpoints: tuple[EndpointStats, ...]
    pools: int
    pools_set_aside: Mapping[str, int]
    updates: int
    decode_errors: Mapping[str, int]
    funnel: tuple[FunnelStage, ...]
    reasons: Mapping[str, int]
    rules: Mapping[str, int]
    nearest_misses: tuple[Miss, ...]
    openings: int
    slot: int
