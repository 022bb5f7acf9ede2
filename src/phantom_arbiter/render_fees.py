"""How fees and their back-test are shown.

JSON of the back-test (schema 1):
    history         the file; slots, warm_up_slots, compute_unit_limit
    levels          by level: engine, learning, baselines, each a list of
        method, asked (percentile or null), tried, landed,
        reached (share), reached_interval ([low, high], 95 % bootstrap),
        cost_lamports and cost_interval (of a landed transaction; null if none landed)

JSON of live fees (schema 1):
    slot, accounts, compute_unit_limit
    endpoints       name, samples
    failures        what the other endpoints said
    offers          percentile, used_percentile, price_micro_lamports, priority_fee_lamports, basis (account,
                    blocks or cold), account, samples, is_beyond_history, is_capped
    tip             null, or tip_lamports, bound, floor_lamports, shaded_lamports, cap_lamports,
                    win_probability, value_lamports
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from phantom_arbiter.fee_backtest import WARM_UP, Backtest, Interval, MethodResult
from phantom_arbiter.live_fees import LiveFees, Offer
from phantom_arbiter.mints import short
from phantom_arbiter.render import plain, print_tidy
from phantom_core import TipQuote

SCHEMA = 1

BASIS = {"blocks": "whole blocks", "cold": "nothing known"}


def backtest_to_json(path: Path, runs: Sequence[Backtest]) -> dict[str, Any]:
    """Return the back-test for machines."""
    return {
        "schema": SCHEMA,
        "history": str(path),
        "slots": runs[0].slots,
        "warm_up_slots": WARM_UP,
        "compute_unit_limit": runs[0].compute_unit_limit,
        "levels": {
            run.level: {
                "engine": [_method_json(each) for each in run.engine],
                "learning": [_method_json(each) for each in run.learning],
                "baselines": [_method_json(each) for each in run.baselines],
            }
            for run in runs
        },
    }


def _method_json(result: MethodResult) -> dict[str, Any]:
    cost = result.cost_lamports
    return {
        "method": result.method,
        "asked": result.asked,
        "tried": result.tried,
        "landed": result.landed,
        "reached": result.reached.value,
        "reached_interval": [result.reached.low, result.reached.high],
        "cost_lamports": None if cost is None else cost.value,
        "cost_interval": None if cost is None else [cost.low, cost.high],
    }


def render_backtest(path: Path, runs: Sequence[Backtest], console: Console) -> None:
    """Print one table for each level."""
    first = runs[0]
    _print(
        f"{plain(str(path))}: {first.slots} slots, {first.slots - WARM_UP} tried, "
        f"{first.compute_unit_limit:,} compute units; intervals are 95 %",
        console,
    )
    for run in runs:
        table = Table(box=None, pad_edge=False, header_style="dim", title=f"level {run.level}")
        table.title_justify = "left"
        for name in ("method", "asked", "reached", "interval", "lamports per landing", "interval"):
            table.add_column(name, justify="left" if name == "method" else "right")
        for result in (*run.engine, *run.learning, *run.baselines):
            cost = result.cost_lamports
            table.add_row(
                result.method,
                "" if result.asked is None else f"{result.asked:g} %",
                f"{result.reached.value:.1%}",
                _interval(result.reached, ".0%"),
                "none landed" if cost is None else f"{cost.value:,.0f}",
                "" if cost is None else _interval(cost, ",.0f"),
            )
        console.print()
        print_tidy(table, console)


def _interval(interval: Interval, form: str) -> str:
    return f"{interval.low:{form}} to {interval.high:{form}}"


def fees_to_json(fees: LiveFees, tip: TipQuote | None, value_lamports: int | None) -> dict[str, Any]:
    """Return live fees for machines."""
    endpoints = zip(fees.endpoints, fees.samples, strict=True)
    return {
        "schema": SCHEMA,
        "slot": fees.slot,
        "accounts": list(fees.accounts),
        "compute_unit_limit": fees.compute_unit_limit,
        "endpoints": [{"name": name, "samples": samples} for name, samples in endpoints],
        "failures": list(fees.failures),
        "offers": [_offer_json(offer) for offer in fees.offers],
        "tip": None if tip is None else {**_tip_json(tip), "value_lamports": value_lamports},
    }


def _offer_json(offer: Offer) -> dict[str, Any]:
    estimate = offer.estimate
    return {
        "percentile": estimate.asked_percentile,
        "used_percentile": estimate.used_percentile,
        "price_micro_lamports": estimate.price_micro_lamports,
        "priority_fee_lamports": offer.priority_fee_lamports,
        "basis": estimate.basis,
        "account": offer.account,
        "samples": estimate.samples,
        "is_beyond_history": estimate.is_beyond_history,
        "is_capped": estimate.is_capped,
    }


def _tip_json(tip: TipQuote) -> dict[str, Any]:
    return {
        "tip_lamports": tip.tip_lamports,
        "bound": tip.bound,
        "floor_lamports": tip.floor_lamports,
        "shaded_lamports": tip.shaded_lamports,
        "cap_lamports": tip.cap_lamports,
        "win_probability": tip.win_probability,
    }


def render_fees(
    fees: LiveFees, tip: TipQuote | None, value_lamports: int | None, console: Console, notes: Console
) -> None:
    """Print the offers on `console`, what endpoints failed to say on `notes`."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("percentile", "micro-lamports per unit", "priority fee", "decided by", "slots", ""):
        table.add_column(name, justify="left" if name in ("decided by", "") else "right")
    for offer in fees.offers:
        estimate = offer.estimate
        remarks = ["capped"] * estimate.is_capped + ["too few slots"] * estimate.is_beyond_history
        table.add_row(
            f"{estimate.asked_percentile:g} %",
            f"{estimate.price_micro_lamports:,}",
            f"{offer.priority_fee_lamports:,}",
            BASIS[estimate.basis] if offer.account is None else short(offer.account),
            f"{estimate.samples}",
            ", ".join(remarks),
        )
    told = ", ".join(
        f"{name} ({count:,} samples)" for name, count in zip(fees.endpoints, fees.samples, strict=True)
    )
    _print(
        f"slot {fees.slot:,}, {fees.compute_unit_limit:,} compute units, fees in lamports; {told}", console
    )
    print_tidy(table, console)
    if tip is not None:
        _print(_tip_line(tip, value_lamports or 0), console)
    for failure in fees.failures:
        notes.print(plain(failure), highlight=False, markup=False, soft_wrap=True)


def _tip_line(tip: TipQuote, value_lamports: int) -> str:
    if tip.tip_lamports is None:
        return f"tip: none, {value_lamports:,} lamports are not worth a bid (at most {tip.cap_lamports:,})"
    wins = "" if tip.win_probability is None else f", wins {tip.win_probability:.0%}"
    median = "" if tip.floor_lamports is None else f"; median of landed tips {tip.floor_lamports:,}"
    bound = tip.bound.replace("_", " ")
    return f"tip: {tip.tip_lamports:,} lamports of {value_lamports:,}{wins}, set by {bound}{median}"


def _print(text: str, console: Console) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


__all__ = ["SCHEMA", "backtest_to_json", "fees_to_json", "render_backtest", "render_fees"]
