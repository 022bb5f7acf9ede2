"""Summaries to draw: a busy run and one in which nothing happened."""

from pathlib import Path

import shipped_day
from phantom_arbiter.domain import FunnelStage, Outcome, OutcomeState, PoolSetAside
from phantom_arbiter.journal import Reconciled
from phantom_arbiter.mints import MintBook, MintInfo
from phantom_arbiter.native import stats_from_native
from phantom_arbiter.strategy_runner import StrategyReport
from phantom_arbiter.summary import Latency, SourceInfo, Summary
from phantom_arbiter.swaps import Position
from phantom_arbiter.tally import Filled, Profit
from shell_fakes import (
    MSOL,
    POOL_A,
    POOL_B,
    POOL_C,
    USDC,
    WSOL,
    busy_stats,
    opportunity,
    plan,
    promised,
)

BOOK = MintBook({USDC: MintInfo("USDC", 6), WSOL: MintInfo("wSOL", 9), MSOL: MintInfo("mSOL", 9)})
LABEL = "recorded prices, simulated delivery by three endpoints"
UNKNOWN = "orcaEKTdK7LKz57vaAYr9QeNsVEPfiu6QeMU1kektZE"


def busy() -> Summary:
    """Return a summary with something in every section."""
    plans = [
        plan(opportunity(1, 128_407_688, amount_in=9_876_543_210, gross_profit=12_345_678, cost=2_500)),
        plan(opportunity(2, 128_410_002, pools=(POOL_A, POOL_B, POOL_C), gross_profit=1_000_001, cost=2_500)),
        plan(
            opportunity(
                3, 128_500_000, base_mint=WSOL, amount_in=55_000_000_000, gross_profit=44_444, cost=19_000
            )
        ),
    ]
    best = tuple(
        Filled(p, Outcome(OutcomeState.FILLED, None, promised(p), p.opportunity.cost)) for p in plans
    )
    stats = busy_stats()
    return Summary(
        version="0.1.0",
        mode="paper",
        source=SourceInfo(
            "whirlpool-2022-04-06", "a day", LABEL, "ab" * 32, 31_888, BOOK, assume_plain_mints=True
        ),
        run_id=2,
        journal=Path("/home/ann/.local/state/phantom-arbiter/journal.sqlite"),
        records=31_888,
        recorded_ns=86_399_000_000_000,
        wall_ns=2_340_000_000,
        stopped_early=False,
        reconciled=(),
        stats=stats,
        set_aside=(
            PoolSetAside(POOL_B, WSOL, USDC, "missing_tick_array"),
            PoolSetAside(POOL_C, UNKNOWN, USDC, "unknown_mint"),
        ),
        signals=45,
        refusals={"risk_route_cooldown": 3, "quoted_before_a_fill": 1},
        attempts=41,
        filled=40,
        failures={"fill_differs": 1},
        unknown=2,
        strategy=StrategyReport(
            name="my_strategy",
            calls=120,
            plans=44,
            overruns=3,
            exceptions=2,
            longest_ns=1_234_567,
            last_error="ZeroDivisionError: division by zero (mine.py:17)",
            suspended="10 calls in a row failed, the last with ZeroDivisionError (mine.py:17)",
        ),
        positions=(Position(USDC, WSOL, 250_000_000, 25_000_000, 2_500),),
        profit=(
            Profit(USDC, 30, 29, 412_345_678, 72_500),
            Profit(WSOL, 10, 10, 1_234_567_890, 190_000),
            Profit(UNKNOWN, 1, 1, 5_000, 6_000),
        ),
        best=best,
        funnel=(
            FunnelStage("updates", 10_523, None),
            *stats.funnel,
            FunnelStage("after_risk", 41, 40),
            FunnelStage("after_rehearsal", 41, 40),
            FunnelStage("sent", 41, 40),
            FunnelStage("taken", 40, 39),
        ),
        latency=Latency(31_500, 12_345, 98_765, 1_234_567),
        state_digest="ef" * 32,
    )


def quiet() -> Summary:
    """Return a summary of a run that was stopped before anything happened, after one that was killed."""
    return Summary(
        version="0.1.0",
        mode="paper",
        source=SourceInfo(
            "empty", "nothing", "no\x1b[31mthing", "cd" * 32, 10, MintBook(), assume_plain_mints=False
        ),
        run_id=1,
        journal=Path("journal.sqlite"),
        records=0,
        recorded_ns=0,
        wall_ns=950,
        stopped_early=True,
        reconciled=(Reconciled(7, 3, 100, USDC, 5),),
        stats=stats_from_native(shipped_day.market().stats()),
        set_aside=(),
        signals=0,
        refusals={},
        attempts=0,
        filled=0,
        failures={},
        unknown=0,
        strategy=StrategyReport("cyclic_arbitrage"),
        positions=(),
        profit=(),
        best=(),
        funnel=(
            FunnelStage("updates", 0, None),
            FunnelStage("after_risk", 0, 0),
            FunnelStage("after_rehearsal", 0, 0),
            FunnelStage("sent", 0, 0),
            FunnelStage("taken", 0, 0),
        ),
        latency=Latency(0, None, None, None),
        state_digest="00" * 32,
    )
