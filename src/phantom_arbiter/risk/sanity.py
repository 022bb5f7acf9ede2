"""Is it true? Old market, prices that no other pool confirms, mints that are not to be touched."""

from __future__ import annotations

from dataclasses import dataclass

from phantom_arbiter.domain import GO, Hop, Verdict
from phantom_arbiter.risk.records import Facts, Reference
from phantom_arbiter.swaps import AnyPlan


@dataclass(frozen=True, slots=True)
class SanityRules:
    """What a plan must not be built on; `None` and empty sets ask nothing.

    Attributes:
        max_market_age_slots: Oldest state that a plan's pools may be quoted from.
        max_price_deviation_bps: How far a hop may be from the price of another pool of its pair, in
            1/10,000 of that price. A hop without such a pool passes.
        compares_on_route: Whether another pool of the route itself may give the price where no pool outside
            of it does. Two pools that differ are what an arbitrage lives on, so this bounds what it may gain.
        allowed_mints: If not empty, the only mints a plan may touch.
        denied_mints: Mints no plan may touch, allowed or not.
    """

    max_market_age_slots: int | None = None
    max_price_deviation_bps: int | None = None
    compares_on_route: bool = False
    allowed_mints: frozenset[str] = frozenset()
    denied_mints: frozenset[str] = frozenset()


NOT_ASKED = SanityRules()


def check(rules: SanityRules, plan: AnyPlan, facts: Facts) -> Verdict:
    """Return whether `plan` is about something real and allowed.

    A swap that closes a position passes the lists: what is held of a mint may always be sold.
    """
    if not facts.offered:
        return Verdict(ok=False, reason="plan_not_offered")
    # A cycle may lose no more than its fees only because it fails below what it cost.
    floor = plan.stake if len(plan.hops) > 1 else 1
    if plan.min_amount_out < floor:
        return Verdict(ok=False, reason="minimum_out_below_input", limit=floor, value=plan.min_amount_out)
    quoted = plan.hops[-1].amount_out
    if plan.min_amount_out > quoted:
        return Verdict(ok=False, reason="minimum_out_above_quote", limit=quoted, value=plan.min_amount_out)
    age, oldest = facts.market_age_slots, rules.max_market_age_slots
    if oldest is not None and age is not None and age > oldest:
        return Verdict(ok=False, reason="stale_market", limit=oldest, value=age)
    if plan.stake:
        listed = _listed(rules, plan)
        if not listed.ok:
            return listed
    bound = rules.max_price_deviation_bps
    if bound is None:
        return GO
    for hop, reference in zip(plan.hops, facts.references, strict=False):
        found = None if reference is None else deviation_bps(hop, reference)
        if found is not None and found > bound:
            return Verdict(ok=False, reason="price_deviation", limit=bound, value=found)
    return GO


def _listed(rules: SanityRules, plan: AnyPlan) -> Verdict:
    mints = {mint for hop in plan.hops for mint in (hop.mint_in, hop.mint_out)}
    if mints & rules.denied_mints:
        return Verdict(ok=False, reason="mint_denied")
    if rules.allowed_mints and not mints <= rules.allowed_mints:
        return Verdict(ok=False, reason="mint_not_allowed")
    return GO


def deviation_bps(hop: Hop, reference: Reference) -> int | None:
    """Return how far the hop's price is from the reference's, in 1/10,000 of it, rounded up.

    `None` if the reference has no price.
    """
    if reference.amount_in <= 0 or reference.amount_out <= 0 or hop.amount_in <= 0:
        return None
    ours, theirs = hop.amount_out * reference.amount_in, hop.amount_in * reference.amount_out
    return -(-abs(ours - theirs) * 10_000 // theirs)
