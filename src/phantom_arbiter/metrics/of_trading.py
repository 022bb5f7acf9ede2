"""What was done and what it earned: signals, attempts, profit, risk, fees, the strategy, viewers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation

from phantom_arbiter.metrics.metric import (
    MAX_VALUES,
    OTHER,
    Metric,
    Sample,
    Seen,
    each,
    first,
    label,
    number,
    one,
)
from phantom_arbiter.telemetry.records import LimitUse, ProfitSum


def _trades(seen: Seen) -> Iterable[Sample]:
    status = seen.status
    # Not `attempts - filled`: while the loop counts these may be one apart, and the difference would go back.
    return ((("filled",), status.filled), (("failed",), sum(status.failures.values())))


def _sums(seen: Seen) -> list[ProfitSum]:
    return first(seen.status.profit, lambda entry: entry.mint)


def _mint_trades(seen: Seen) -> Iterable[Sample]:
    for entry in _sums(seen):
        symbol = seen.book.symbol(entry.mint)
        yield (entry.mint, symbol, "filled"), entry.filled
        yield (entry.mint, symbol, "failed"), entry.attempts - entry.filled


def _units(amount: Callable[[ProfitSum], str]) -> Callable[[Seen], Iterable[Sample]]:
    def read(seen: Seen) -> Iterable[Sample]:
        for entry in _sums(seen):
            yield (entry.mint, seen.book.symbol(entry.mint)), number(amount(entry))

    return read


def _tokens(amount: Callable[[ProfitSum], str]) -> Callable[[Seen], Iterable[Sample]]:
    def read(seen: Seen) -> Iterable[Sample]:
        for entry in _sums(seen):
            info = seen.book.mints.get(entry.mint)
            if info is not None:
                yield (entry.mint, info.symbol), _whole(amount(entry), info.decimals)

    return read


def _whole(amount: str, decimals: int) -> float:
    try:
        return float(Decimal(amount).scaleb(-decimals))
    except InvalidOperation:
        return number(amount)


def _limits(seen: Seen) -> list[LimitUse]:
    return first(seen.status.risk.limits, lambda limit: limit.name, lambda limit: limit.subject or "")


def _limit(amount: Callable[[LimitUse], str]) -> Callable[[Seen], Iterable[Sample]]:
    def read(seen: Seen) -> Iterable[Sample]:
        for limit in _limits(seen):
            subject = limit.subject or ""
            symbol = seen.book.symbol(subject) if subject == limit.unit else subject
            unit = limit.unit if limit.unit in ("lamports", "attempts") else "base_units"
            yield (limit.name, subject, symbol, unit), number(amount(limit))

    return read


def _switches(seen: Seen) -> Iterable[Sample]:
    own = sorted(set(map(label, seen.status.risk.switches)))
    return (((name if rank < MAX_VALUES else OTHER,), 1) for rank, name in enumerate(own))


_MINT = ("mint", "symbol")
_LIMIT = ("limit", "subject", "symbol", "unit")
_STRATEGY = ("strategy",)


def _strategy(value: Callable[[Seen], float]) -> Callable[[Seen], Iterable[Sample]]:
    return lambda seen: (((seen.status.strategy.name,), value(seen)),)


TRADING = (
    Metric(
        "phantom_signals_total",
        "counter",
        "Candidates that became signals.",
        one(lambda s: s.status.signals),
    ),
    Metric(
        "phantom_refusals_total",
        "counter",
        "Signals that were not traded, by reason.",
        each(lambda s: s.status.refusals),
        ("reason",),
    ),
    Metric("phantom_trades_total", "counter", "Attempts with an outcome, by state.", _trades, ("state",)),
    Metric(
        "phantom_failures_total",
        "counter",
        "Attempts that failed, by reason.",
        each(lambda s: s.status.failures),
        ("reason",),
    ),
    Metric(
        "phantom_unknown_outcomes_total",
        "counter",
        "Times that an attempt's outcome was not known at once.",
        one(lambda s: s.status.unknown),
    ),
    Metric(
        "phantom_trades_under_way",
        "gauge",
        "Attempts without an outcome.",
        one(lambda s: s.status.under_way),
    ),
    Metric(
        "phantom_mint_trades_total",
        "counter",
        "Attempts with an outcome, by base mint and state.",
        _mint_trades,
        (*_MINT, "state"),
    ),
    Metric(
        "phantom_profit_base_units",
        "gauge",
        "Profit after costs, in base units of the mint; exact up to 2^53.",
        _units(lambda p: p.net_profit),
        _MINT,
    ),
    Metric(
        "phantom_profit_ui",
        "gauge",
        "Profit after costs, in whole tokens; only of mints whose decimals are known.",
        _tokens(lambda p: p.net_profit),
        _MINT,
    ),
    Metric(
        "phantom_gross_profit_base_units",
        "gauge",
        "Profit before costs, in base units of the mint.",
        _units(lambda p: p.gross_profit),
        _MINT,
    ),
    Metric(
        "phantom_gross_profit_ui",
        "gauge",
        "Profit before costs, in whole tokens.",
        _tokens(lambda p: p.gross_profit),
        _MINT,
    ),
    Metric(
        "phantom_cost_base_units",
        "gauge",
        "Fees, tips and rent of all attempts, in base units of the mint.",
        _units(lambda p: p.cost),
        _MINT,
    ),
    Metric(
        "phantom_cost_ui",
        "gauge",
        "Fees, tips and rent of all attempts, in whole tokens.",
        _tokens(lambda p: p.cost),
        _MINT,
    ),
    Metric(
        "phantom_halted", "gauge", "Whether nothing is sent: 1 or 0.", one(lambda s: s.status.risk.halted)
    ),
    Metric("phantom_halt_switch", "gauge", "What holds trading now: always 1.", _switches, ("switch",)),
    Metric(
        "phantom_risk_used",
        "gauge",
        "How much of a limit is used now, in its unit.",
        _limit(lambda limit: limit.used),
        _LIMIT,
    ),
    Metric(
        "phantom_risk_limit",
        "gauge",
        "The limit, in its unit: lamports, attempts, or base units of the mint.",
        _limit(lambda limit: limit.limit),
        _LIMIT,
    ),
    Metric(
        "phantom_fee_compute_unit_price_micro_lamports",
        "gauge",
        "Offered for each compute unit, in 1/1,000,000 lamport.",
        one(lambda s: s.status.fees.compute_unit_price_micro_lamports),
    ),
    Metric(
        "phantom_fee_compute_unit_limit",
        "gauge",
        "Compute units asked for by a transaction.",
        one(lambda s: s.status.fees.compute_unit_limit),
    ),
    Metric(
        "phantom_fee_tip_lamports",
        "gauge",
        "Offered to the block engine, in lamports.",
        one(lambda s: s.status.fees.tip_lamports),
    ),
    Metric(
        "phantom_fee_percentile",
        "gauge",
        "Share of recent slots in which the price would have been enough, in percent; none if fixed.",
        one(lambda s: s.status.fees.percentile),
    ),
    Metric(
        "phantom_congestion_ratio",
        "gauge",
        "How full recent blocks were, 0 to 1.",
        one(lambda s: s.status.fees.congestion),
    ),
    Metric(
        "phantom_strategy_calls_total",
        "counter",
        "Times that the strategy was asked.",
        _strategy(lambda s: s.status.strategy.calls),
        _STRATEGY,
    ),
    Metric(
        "phantom_strategy_plans_total",
        "counter",
        "Plans that it made.",
        _strategy(lambda s: s.status.strategy.plans),
        _STRATEGY,
    ),
    Metric(
        "phantom_strategy_overruns_total",
        "counter",
        "Times that it took longer than it may.",
        _strategy(lambda s: s.status.strategy.overruns),
        _STRATEGY,
    ),
    Metric(
        "phantom_strategy_exceptions_total",
        "counter",
        "Exceptions that it raised.",
        _strategy(lambda s: s.status.strategy.exceptions),
        _STRATEGY,
    ),
    Metric(
        "phantom_strategy_suspended",
        "gauge",
        "Whether it is no longer asked: 1 or 0.",
        _strategy(lambda s: s.status.strategy.suspended is not None),
        _STRATEGY,
    ),
    Metric("phantom_viewers", "gauge", "Processes that follow the run.", one(lambda s: s.status.viewers)),
    Metric(
        "phantom_viewer_lost_records_total",
        "counter",
        "Records that some viewer was too slow for.",
        one(lambda s: s.status.lost),
    ),
)
"""In the order in which they are told."""
