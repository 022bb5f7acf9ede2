"""What a run leaves to be read: one frozen value, shown by `render.py` and written as JSON by `to_json`.

The JSON's keys are stable (`schema` rises if one changes its meaning or goes). Amounts are whole base units
of the mint that stands beside them; an amount with the suffix `_ui` is the same in whole tokens, a decimal
string, `null` if the mint's decimals are not known. Counts are exact.

::

    schema            1
    version, mode     of the program; "paper"
    source            name, description (which market), label (what is real in it), sha256,
                      records (in the source; both null for a live one)
    run               id, journal (path), records (taken), recorded_s, wall_s, stopped_early,
                      reconciled (attempts of earlier runs closed as never applied)
    frames            total, fresh, duplicates, stale, held, control, malformed, malformed_by_reason
    endpoints         [name, frames, wins, duplicates, stale, held, malformed]; where there are several also
                      disagreements (last writes of a slot with which it stands alone), lag_p50_ns, lag_p99_ns
                      (behind the first arrival; null if frames came without their times), is_quarantined
    pools             total, set_aside, set_aside_by_reason, set_aside_list [pool, mint_a, mint_b, reason]
    updates           applied (account writes), decode_errors (by reason)
    opportunities     openings (distinct), signals (go), rejected_by_reason, rejected_by_rule (those of reason
                      refused_by_rule, by the words of the rule file), refused_by_reason
    trades            attempts, filled, failed, failed_by_reason, unknown (times that an outcome was not known
                      at once)
    strategy          name, calls, plans, overruns, exceptions, longest_ns, last_error, suspended (why; null
                      if it was not), positions [base_mint, mint, amount, basis, exit_cost]
    profit            [mint, symbol, decimals, attempts, filled, gross_profit, cost, net_profit, …_ui]
    funnel            [stage, evaluations, openings], stages updates, cycles, after_fees, after_sizing,
                      after_costs, after_risk, after_rehearsal, sent (on paper these two count what was
                      carried out), taken; openings are distinct ones (of stage cycles: distinct cycles; of
                      updates: null)
    nearest_misses    [route, base_mint, stage (the last it reached), reason, missing_bps (null where no
                      number says it), gross_profit, net_profit, slot]
    best_cycles       [slot, base_mint, symbol, decimals, hops, amount_in, amount_out, gross_profit, cost,
                      net_profit, …_ui]
    frame_to_decision frames, median_ns, p99_ns, max_ns (null if no frame came)
    state_digest      SHA-256 over the recorded state of every pool at the end, our fills left out
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from phantom_arbiter.domain import EndpointStats, FunnelStage, MarketStats, PoolSetAside
from phantom_arbiter.journal import Reconciled
from phantom_arbiter.mints import MintBook
from phantom_arbiter.sound_text import sound
from phantom_arbiter.strategy_runner import StrategyReport
from phantom_arbiter.swaps import Position
from phantom_arbiter.tally import Filled, Profit
from phantom_core import LatencyHistogram

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What was read.

    Attributes:
        name: Short name, without a path.
        description: Which market it holds.
        label: What is real in it and what is not, in words.
        sha256: Of the whole file; None for a live source.
        records: How many it holds; None for a live source.
        mints: Symbols and decimals it brings along.
        assume_plain_mints: True if it says that all its mints are plain SPL mints; it then may lack their
            accounts.
    """

    name: str
    description: str
    label: str
    sha256: str | None
    records: int | None
    mints: MintBook
    assume_plain_mints: bool


@dataclass(frozen=True, slots=True)
class Latency:
    """From the arrival of a frame to the decision it led to; `None` if no frame came."""

    frames: int
    median_ns: int | None
    p99_ns: int | None
    max_ns: int | None


@dataclass(frozen=True, slots=True)
class Summary:
    """One run, as it ended."""

    version: str
    mode: str
    source: SourceInfo
    run_id: int
    journal: Path
    records: int
    recorded_ns: int
    wall_ns: int
    stopped_early: bool
    reconciled: tuple[Reconciled, ...]
    stats: MarketStats
    set_aside: tuple[PoolSetAside, ...]
    signals: int
    refusals: Mapping[str, int]
    attempts: int
    filled: int
    failures: Mapping[str, int]
    unknown: int
    strategy: StrategyReport
    positions: tuple[Position, ...]
    profit: tuple[Profit, ...]
    best: tuple[Filled, ...]
    funnel: tuple[FunnelStage, ...]
    latency: Latency
    state_digest: str


def to_json(summary: Summary) -> dict[str, Any]:
    """Return the summary as plain values, with the keys that the module names."""
    stats, source, book = summary.stats, summary.source, summary.source.mints
    return {
        "schema": SCHEMA,
        "version": summary.version,
        "mode": summary.mode,
        "source": {
            "name": source.name,
            "description": source.description,
            "label": source.label,
            "sha256": source.sha256,
            "records": source.records,
        },
        "run": {
            "id": summary.run_id,
            "journal": str(summary.journal),
            "records": summary.records,
            "recorded_s": summary.recorded_ns / 1e9,
            "wall_s": summary.wall_ns / 1e9,
            "stopped_early": summary.stopped_early,
            "reconciled": [asdict(attempt) for attempt in summary.reconciled],
        },
        "frames": {
            "total": stats.frames,
            "fresh": stats.fresh,
            "duplicates": stats.duplicates,
            "stale": stats.stale,
            "held": stats.held,
            "control": stats.control,
            "malformed": sum(stats.malformed.values()),
            "malformed_by_reason": _counts(stats.malformed),
        },
        "endpoints": [_endpoint(endpoint, len(stats.endpoints) > 1) for endpoint in stats.endpoints],
        "pools": {
            "total": stats.pools,
            "set_aside": sum(stats.pools_set_aside.values()),
            "set_aside_by_reason": _counts(stats.pools_set_aside),
            "set_aside_list": [asdict(pool) for pool in summary.set_aside],
        },
        "updates": {"applied": stats.updates, "decode_errors": _counts(stats.decode_errors)},
        "opportunities": {
            "openings": stats.openings,
            "signals": summary.signals,
            "rejected_by_reason": _counts(stats.reasons),
            "rejected_by_rule": _counts(stats.rules),
            "refused_by_reason": _counts(summary.refusals),
        },
        "trades": {
            "attempts": summary.attempts,
            "filled": summary.filled,
            "failed": summary.attempts - summary.filled,
            "failed_by_reason": _counts(summary.failures),
            "unknown": summary.unknown,
        },
        "strategy": {
            **asdict(summary.strategy),
            "positions": [asdict(position) for position in summary.positions],
        },
        "profit": [
            {
                "mint": profit.mint,
                **_mint_facts(book, profit.mint),
                "attempts": profit.attempts,
                "filled": profit.filled,
                **_money(
                    book,
                    profit.mint,
                    gross_profit=profit.gross_profit,
                    cost=profit.cost,
                    net_profit=profit.net_profit,
                ),
            }
            for profit in summary.profit
        ],
        "funnel": [
            {"stage": stage.name, "evaluations": stage.evaluations, "openings": stage.openings}
            for stage in summary.funnel
        ],
        "nearest_misses": [
            {
                "route": [asdict(step) for step in miss.steps],
                "base_mint": miss.base_mint,
                "stage": miss.stage,
                "reason": miss.reason,
                "missing_bps": miss.missing_bps,
                "gross_profit": miss.gross_profit,
                "net_profit": miss.net_profit,
                "slot": miss.slot,
            }
            for miss in stats.nearest_misses
        ],
        "best_cycles": [_cycle(book, filled) for filled in summary.best],
        "frame_to_decision": asdict(summary.latency),
        "state_digest": summary.state_digest,
    }


def to_record(summary: Summary, latencies: Sequence[tuple[str, LatencyHistogram]] = ()) -> str:
    """Return the summary as the journal keeps it, as JSON text.

    It has the keys that the module names; under `mints` symbol and decimals of every mint that the source
    knew, by address; and under `latencies` how long each stage took [stage, count, sum_ns, p50_ns, p90_ns,
    p99_ns, max_ns]. What is not UTF-8 in a text is written as escapes.

    Args:
        summary: What is kept.
        latencies: The stages by name, and `frame_to_decision`, the whole.
    """
    mints = {
        mint: {"symbol": info.symbol, "decimals": info.decimals}
        for mint, info in sorted(summary.source.mints.mints.items())
    }
    stages = [_latency(stage, histogram) for stage, histogram in latencies]
    kept = {**to_json(summary), "mints": mints, "latencies": stages}
    return json.dumps(sound(kept), separators=(",", ":"))


def _latency(stage: str, histogram: LatencyHistogram) -> dict[str, Any]:
    return {
        "stage": stage,
        "count": histogram.count,
        "sum_ns": histogram.sum_ns,
        "p50_ns": histogram.quantile(0.5),
        "p90_ns": histogram.quantile(0.9),
        "p99_ns": histogram.quantile(0.99),
        "max_ns": histogram.max_ns if histogram.count else None,
    }


def _endpoint(endpoint: EndpointStats, has_others: bool) -> dict[str, Any]:
    shown = asdict(endpoint)
    if not has_others:  # compared with nobody
        for name in ("disagreements", "lag_p50_ns", "lag_p99_ns", "is_quarantined"):
            del shown[name]
    return shown


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: counts[name] for name in sorted(counts)}


def _mint_facts(book: MintBook, mint: str) -> dict[str, Any]:
    info = book.mints.get(mint)
    return {"symbol": info.symbol if info else None, "decimals": info.decimals if info else None}


def _money(book: MintBook, mint: str, **amounts: int) -> dict[str, Any]:
    shown: dict[str, Any] = dict(amounts)
    for name, amount in amounts.items():
        ui = book.amount_ui(mint, amount)
        shown[f"{name}_ui"] = None if ui is None else f"{ui:f}"
    return shown


def _cycle(book: MintBook, filled: Filled) -> dict[str, Any]:
    opportunity, outcome = filled.plan.opportunity, filled.outcome
    fill = outcome.fill
    hops = fill.hops if fill else opportunity.hops
    return {
        "slot": opportunity.slot,
        "base_mint": opportunity.base_mint,
        **_mint_facts(book, opportunity.base_mint),
        "hops": [asdict(hop) for hop in hops],
        **_money(
            book,
            opportunity.base_mint,
            amount_in=hops[0].amount_in,
            amount_out=hops[-1].amount_out,
            gross_profit=outcome.gross_profit,
            cost=outcome.cost,
            net_profit=outcome.net_profit,
        ),
    }
