"""From the shell's values to records; done by the publisher's thread, and only while somebody follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from phantom_arbiter import engine
from phantom_arbiter.domain import Hop, Plan, Verdict
from phantom_arbiter.swaps import AnyPlan, SwapPlan
from phantom_arbiter.telemetry.bus import Noticed, Refused, Stamped
from phantom_arbiter.telemetry.records import HopAmounts, Notice, Refusal, Span, Trade

VenueOf = Callable[[str], str]
"""Names the venue of a pool."""


@dataclass(frozen=True, slots=True)
class Place:
    """Number and slot of the record that an event becomes."""

    seq: int
    slot: int


def record_of(stamped: Stamped, place: Place, venue_of: VenueOf) -> Trade | Refusal | Notice:
    """Return the record of an event.

    Args:
        stamped: The event.
        place: Its number and slot; a trade may know a higher one.
        venue_of: Names the venue of a pool.
    """
    match stamped.event:
        case engine.Trade() as trade:
            return _trade(trade, stamped, place, venue_of)
        case Refused(plan, verdict):
            return _refusal(plan, verdict, stamped, place)
        case Noticed(kind, text):
            return _notice(kind, text, stamped, place)
        case event:
            return _notice(event.kind.value, event.text, stamped, place)


def _trade(trade: engine.Trade, stamped: Stamped, place: Place, venue_of: VenueOf) -> Trade:
    plan, outcome = trade.plan, trade.outcome
    fill = outcome.fill
    hops = plan.hops if fill is None else fill.hops
    submitted = None if outcome.chain is None else outcome.chain.slot
    return Trade(
        seq=place.seq,
        at_ns=stamped.at_ns,
        unix_ms=stamped.unix_ns // 1_000_000,
        slot=max(place.slot, plan.slot, submitted or 0),
        attempt_id=trade.attempt_id,
        opening_id=_opening(plan),
        strategy=plan.strategy,
        state=outcome.state.value,
        reason=outcome.reason,
        is_dead=outcome.is_dead,
        signature=trade.signature,
        base_mint=plan.base_mint,
        hops=_hops(hops),
        venues=tuple(venue_of(hop.pool) for hop in hops),
        amount_in=str(hops[0].amount_in),
        amount_out=str(hops[-1].amount_out),
        gross_profit=str(outcome.gross_profit),
        cost=str(outcome.cost),
        net_profit=str(outcome.net_profit),
        spans=_spans(trade.steps, stamped.unix_ns),
    )


def _spans(steps: Sequence[engine.Step], told_unix_ns: int) -> tuple[Span, ...]:
    """Return the steps on the machine's clock: the last one ended when the trade was told."""
    if not steps:
        return ()
    offset_ns = told_unix_ns - steps[-1].ended_ns
    return tuple(
        Span(
            stage=each.name,
            began_unix_ns=each.began_ns + offset_ns,
            duration_ns=each.ended_ns - each.began_ns,
        )
        for each in steps
    )


def _refusal(plan: AnyPlan, verdict: Verdict, stamped: Stamped, place: Place) -> Refusal:
    return Refusal(
        seq=place.seq,
        at_ns=stamped.at_ns,
        unix_ms=stamped.unix_ns // 1_000_000,
        slot=max(place.slot, plan.slot),
        opening_id=_opening(plan),
        strategy=plan.strategy,
        base_mint=plan.base_mint,
        amount_in=str(plan.amount_in),
        net_profit=str(plan.opportunity.net_profit) if isinstance(plan, Plan) else None,
        hops=_hops(plan.hops),
        reason=verdict.reason,
        limit=None if verdict.limit is None else str(verdict.limit),
        value=None if verdict.value is None else str(verdict.value),
    )


def _notice(kind: str, text: str, stamped: Stamped, place: Place) -> Notice:
    return Notice(
        seq=place.seq,
        at_ns=stamped.at_ns,
        unix_ms=stamped.unix_ns // 1_000_000,
        slot=place.slot,
        kind=kind,
        text=text,
    )


def _opening(plan: AnyPlan) -> int | None:
    return None if isinstance(plan, SwapPlan) else plan.opportunity.opening_id


def _hops(hops: Sequence[Hop]) -> tuple[HopAmounts, ...]:
    return tuple(
        HopAmounts(
            pool=hop.pool,
            mint_in=hop.mint_in,
            mint_out=hop.mint_out,
            amount_in=str(hop.amount_in),
            amount_out=str(hop.amount_out),
        )
        for hop in hops
    )
