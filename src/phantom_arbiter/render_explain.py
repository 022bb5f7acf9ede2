"""Explanations as a person reads them, and the same as JSON.

The JSON's keys are stable. Amounts are base units of the cycle's base mint; what is not known is null::

    schema          1
    source
    cycles          stage (last one reached: cycles, after_fees, after_sizing, after_costs; null: not
                    priced, or no gain before fees), is_signal, base_mint, slot,
                    route {pool, mint_in, mint_out}, spot_gain_bps, margin_bps, amount_in,
                    gross_profit, cost, net_profit, age_slots, depth_bps, volatility_bps,
                    competition_e4, agreement_e4, token_flags, landing_e4, expected_value_lamports,
                    obstacles {reason, detail, missing_bps, missing_lamports}, attempts
    attempts        of --journal, those through the same pools: id, run_id, slot, state, reason,
                    realised_net_profit, expected_value_lamports
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from phantom_arbiter.journal import AttemptRow
from phantom_arbiter.mints import MintBook, short
from phantom_arbiter.render import plain, print_tidy
from phantom_core import Explanation, Obstacle

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Explained:
    """A cycle's explanation and the attempts of a journal through the same pools."""

    told: Explanation
    attempts: Sequence[AttemptRow] = ()


def render_explained(name: str, book: MintBook, cycles: Sequence[Explained], console: Console) -> None:
    """Print one paragraph and one table per cycle."""
    print_tidy(Group(*_parts(name, book, cycles)), console)


def _parts(name: str, book: MintBook, cycles: Sequence[Explained]) -> Iterable[RenderableType]:
    yield Text(plain(name), style="bold")
    for one in cycles:
        told = one.told
        mints = [step.mint_in for step in told.route]
        yield Text()
        yield Text(plain(" → ".join(book.symbol(mint) for mint in (*mints, mints[0]))), style="bold")
        yield Text("pools " + " ".join(short(step.pool) for step in told.route) + f", slot {told.slot:,}")
        yield Text(_standing(told, book), overflow="fold")
        if told.obstacles:
            yield _table(told.obstacles)
        for row in one.attempts:
            realised = "" if row.realised_net_profit is None else f", net {row.realised_net_profit:,}"
            why = "" if row.reason is None else f" ({row.reason})"
            worth = row.expected_value_lamports
            expected = "" if worth is None else f", was worth {worth:,} lamports on average"
            line = f"attempt {row.id} of run {row.run_id}, slot {row.slot:,}: {row.state}{why}{realised}"
            yield Text(plain(line + expected), overflow="fold")


def _standing(told: Explanation, book: MintBook) -> str:
    if not told.obstacles:
        words = "a signal"
    elif told.stage is None:
        words = "does not reach the search"
    else:
        words = f"reaches {told.stage}"
    if told.spot_gain_bps is not None and told.margin_bps is not None:
        words += f"; at the margin {told.spot_gain_bps:,.2f} bps before fees, {told.margin_bps:,.2f} after"
    if told.amount_in is not None and told.gross_profit is not None and told.cost is not None:
        base = told.base_mint
        words += (
            f"; in {book.amount(base, told.amount_in)}, profit {book.amount(base, told.gross_profit)}, "
            f"costs {book.amount(base, told.cost)}"
        )
    if told.expected_value_lamports is not None and told.landing_e4 is not None:
        words += (
            f"; lands with {told.landing_e4 / 100:.2f} %, worth {told.expected_value_lamports:,} lamports"
        )
    return words


def _table(obstacles: Sequence[Obstacle]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("stopped by", no_wrap=True)
    table.add_column("missing bps", justify="right", no_wrap=True)
    table.add_column("lamports", justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    for one in obstacles:
        table.add_row(
            one.reason,
            "" if one.missing_bps is None else f"{one.missing_bps:,.4f}",
            "" if one.missing_lamports is None else f"{one.missing_lamports:,}",
            plain(one.detail),
        )
    return table


def explained_to_json(name: str, cycles: Sequence[Explained]) -> dict[str, Any]:
    """Return the explanations under the keys that the module lists."""
    return {"schema": SCHEMA, "source": name, "cycles": [_cycle_to_json(one) for one in cycles]}


def _cycle_to_json(one: Explained) -> dict[str, Any]:
    told = one.told
    return {
        "stage": told.stage,
        "is_signal": not told.obstacles,
        "base_mint": told.base_mint,
        "slot": told.slot,
        "route": [
            {"pool": step.pool, "mint_in": step.mint_in, "mint_out": step.mint_out} for step in told.route
        ],
        "spot_gain_bps": told.spot_gain_bps,
        "margin_bps": told.margin_bps,
        "amount_in": told.amount_in,
        "gross_profit": told.gross_profit,
        "cost": told.cost,
        "net_profit": told.net_profit,
        "age_slots": told.age_slots,
        "depth_bps": told.depth_bps,
        "volatility_bps": told.volatility_bps,
        "competition_e4": told.competition_e4,
        "agreement_e4": told.agreement_e4,
        "token_flags": told.token_flags,
        "landing_e4": told.landing_e4,
        "expected_value_lamports": told.expected_value_lamports,
        "obstacles": [
            {
                "reason": obstacle.reason,
                "detail": obstacle.detail,
                "missing_bps": obstacle.missing_bps,
                "missing_lamports": obstacle.missing_lamports,
            }
            for obstacle in told.obstacles
        ],
        "attempts": [
            {
                "id": row.id,
                "run_id": row.run_id,
                "slot": row.slot,
                "state": row.state,
                "reason": row.reason,
                "realised_net_profit": row.realised_net_profit,
                "expected_value_lamports": row.expected_value_lamports,
            }
            for row in one.attempts
        ],
    }
