"""What the attempts of earlier runs still mean to risk: its state is rebuilt from this at start.

An attempt that was given up before it was signed never left the process and means nothing. Of the others
read are those of the newest rolling day, those without an outcome, single swaps (positions have no
age), and those among the newest `COUNTED_OUTCOMES` outcomes, for breakers that count them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from phantom_arbiter.domain import route_of
from phantom_arbiter.journal.schema import attempts, runs
from phantom_arbiter.journal.texts import hops_from_text
from phantom_arbiter.risk import DAY_SLOTS, Booked, Result, Settled

COUNTED_OUTCOMES = 1_000
"""Outcomes that breakers may look back on, however old; the settings allow no more."""


def read_recalled(connection: Connection, account: str, mode: str) -> tuple[list[Booked], list[Settled]]:
    """Return bookings in their order, and outcomes in theirs, of the runs of `account` in `mode`.

    Paper and live runs share no limits: what was gained or lost on paper is not money.
    """
    ours = attempts.c.run_id.in_(select(runs.c.id).where(runs.c.account == account, runs.c.mode == mode))
    newest = connection.execute(
        select(
            func.max(attempts.c.booked_slot),
            func.max(attempts.c.settled_slot),
            func.max(attempts.c.settled_number),
        ).where(ours)
    ).one()
    day = max(newest[0] or 0, newest[1] or 0) - DAY_SLOTS
    wanted = or_(
        attempts.c.booked_slot > day,
        attempts.c.settled_slot > day,
        attempts.c.state == "intent",
        attempts.c.kind == "swap",
        attempts.c.settled_number > (newest[2] or 0) - COUNTED_OUTCOMES,
    )
    may_have_left = or_(attempts.c.is_dead.is_(None), attempts.c.signature.is_not(None))
    rows = connection.execute(
        select(attempts).where(ours, wanted, may_have_left).order_by(attempts.c.id)
    ).all()
    known = [row for row in rows if row.state != "intent"]
    # A proven death has no number: it changes nothing but what is at risk, so its place does not matter.
    known.sort(key=lambda row: row.settled_number or 0)
    return [_booked(row) for row in rows], [_settled(row) for row in known]


def _key(row: Row[Any]) -> str:
    return f"attempt {row.id}"


def _booked(row: Row[Any]) -> Booked:
    hops = hops_from_text(row.hops)
    is_swap = row.kind == "swap"
    opens = is_swap and hops[0].mint_in == row.base_mint
    held = (hops[0].mint_out if opens else hops[0].mint_in) if is_swap else ""
    return Booked(
        key=_key(row),
        slot=row.booked_slot,
        strategy=row.strategy,
        mint=row.base_mint,
        route=route_of(hops),
        stake=row.stake,
        max_loss=row.max_loss,
        fee_lamports=row.network_fee_lamports + row.priority_fee_lamports + row.tip_lamports,
        value_lamports=None if row.value_lamports is None else int(row.value_lamports),
        venues=tuple(row.venues.split()),
        held_mint=held,
        sells=row.amount_in if is_swap and not opens else 0,
        basis=row.basis,
        exit_cost=row.exit_cost,
    )


def _settled(row: Row[Any]) -> Settled:
    if row.state == "unresolved" or row.is_dead:
        return Settled(_key(row), None, row.booked_slot)
    opens = row.kind == "swap" and row.stake > 0
    bought = row.filled_amount_out if opens and row.state == "filled" else 0
    return Settled(
        _key(row), Result(row.state == "failed", row.realised_net_profit, bought), row.settled_slot
    )
