"""Where a run stands, as one record: asked of the native engine, the tally, risk and the strategy.

The publisher's thread asks while the loop goes on. Of what the loop changes it takes references to immutable
values, or copies that the interpreter makes in one step; counters of one status may be a few frames apart.
What is dear (nearest misses, histograms) is made anew once a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import phantom_core
from phantom_arbiter.config import Config
from phantom_arbiter.engine import Engine
from phantom_arbiter.risk import roll
from phantom_arbiter.risk.positions import held_basis
from phantom_arbiter.risk_desk import RiskDesk
from phantom_arbiter.telemetry import records
from phantom_arbiter.telemetry.records import (
    Endpoint,
    FeeState,
    FunnelCount,
    LimitUse,
    Miss,
    ProfitSum,
    StageLatency,
    Status,
    Step,
    StrategyState,
)

SLOW_EVERY_NS = 1_000_000_000
"""How often what is dear is made anew."""


class StatusDesk:
    """Makes statuses of one run."""

    def __init__(
        self,
        engine: Engine,
        market: phantom_core.Engine,
        config: Config,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Prepare.

        Args:
            engine: The loop.
            market: The native engine.
            config: What fees begin with.
            clock_ns: The machine's clock.
        """
        self._engine = engine
        self._market = market
        self._config = config
        self._clock_ns = clock_ns
        self._slow_at_ns: int | None = None
        self._misses: tuple[Miss, ...] = ()
        self._latencies: tuple[StageLatency, ...] = ()

    def status(self, *, seq: int, viewers: int, lost: int, is_last: bool = False) -> Status:
        """Return where the run stands now.

        Args:
            seq: Number of the record.
            viewers: How many follow.
            lost: Records that viewers were too slow for.
            is_last: Make everything anew: no other follows.
        """
        engine, config = self._engine, self._config
        now_ns = self._clock_ns()
        is_slow_due = is_last or self._slow_at_ns is None or now_ns - self._slow_at_ns >= SLOW_EVERY_NS
        stats = self._market.stats(8 if is_slow_due else 0)
        if is_slow_due:
            self._slow_at_ns = now_ns
            self._misses = tuple(_miss(miss) for miss in stats.nearest_misses)
            self._latencies = tuple(_latency(*each) for each in self._histograms())
        tally, strategy = engine.tally, engine.strategy_report()
        funnel = [FunnelCount(stage="updates", evaluations=stats.updates, openings=None)]
        funnel += [_count(each.name, each.evaluations, each.openings) for each in stats.funnel]
        funnel += [_count(each.name, each.evaluations, each.openings) for each in tally.funnel()]
        return Status(
            seq=seq,
            at_ns=engine.recorded_ns,
            unix_ms=time.time_ns() // 1_000_000,
            slot=stats.slot,
            records=engine.records,
            frames=stats.frames,
            fresh=stats.fresh,
            duplicates=stats.duplicates,
            stale=stats.stale,
            held=stats.held,
            control=stats.control,
            malformed=stats.malformed,
            decode_errors=stats.decode_errors,
            updates=stats.updates,
            pools=stats.pools,
            pools_set_aside=stats.pools_set_aside,
            openings=stats.openings,
            open_cycles=stats.open_now,
            signals=tally.signals,
            attempts=tally.attempts,
            filled=tally.filled,
            unknown=tally.unknown,
            under_way=engine.under_way,
            funnel=tuple(funnel),
            reasons=stats.reasons,
            rules=stats.rules,
            refusals=dict(tally.refusals),
            failures=dict(tally.failures),
            nearest_misses=self._misses,
            endpoints=self._endpoints(stats.endpoints),
            profit=tuple(
                ProfitSum(
                    mint=each.mint,
                    attempts=each.attempts,
                    filled=each.filled,
                    gross_profit=str(each.gross_profit),
                    cost=str(each.cost),
                    net_profit=str(each.net_profit),
                )
                for each in tally.profit()
            ),
            latencies=self._latencies,
            fees=fee_state(
                config, self._market.fee_engine, () if engine.fees is None else engine.fees.accounts
            ),
            risk=risk_state(engine.desk, stats.slot),
            strategy=StrategyState(
                name=strategy.name,
                calls=strategy.calls,
                plans=strategy.plans,
                overruns=strategy.overruns,
                exceptions=strategy.exceptions,
                suspended=strategy.suspended,
            ),
            viewers=viewers,
            lost=lost,
        )

    def _histograms(self) -> list[tuple[str, phantom_core.LatencyHistogram]]:
        return [*self._market.latencies(), ("frame_to_decision", self._engine.latency)]

    def _endpoints(self, counted: list[phantom_core.EndpointStats]) -> tuple[Endpoint, ...]:
        states = {each.name: each for each in self._market.connections()}
        return tuple(_endpoint(each, states.get(each.name)) for each in counted)


def _endpoint(
    counted: phantom_core.EndpointStats, state: phantom_core.ConnectionFreshness | None
) -> Endpoint:
    return Endpoint(
        name=counted.name,
        is_open=state is not None and state.is_open,
        behind_slots=None if state is None else state.behind_slots,
        subscriptions=0 if state is None else state.subscriptions,
        frames=counted.frames,
        wins=counted.wins,
        duplicates=counted.duplicates,
        stale=counted.stale,
        held=counted.held,
        malformed=sum(counted.malformed.values()),
        disagreements=counted.disagreements,
        lag_p50_ns=counted.lag_p50_ns,
        lag_p99_ns=counted.lag_p99_ns,
        is_quarantined=counted.is_quarantined,
    )


def _count(stage: str, evaluations: int, openings: int | None) -> FunnelCount:
    # The stages' names are those of the contract: a test compares them.
    return FunnelCount(stage=stage, evaluations=evaluations, openings=openings)  # type: ignore[arg-type]


def _miss(miss: phantom_core.Miss) -> Miss:
    steps = tuple(Step(pool=each.pool, mint_in=each.mint_in, mint_out=each.mint_out) for each in miss.route)
    return Miss(
        steps=steps,
        base_mint=steps[0].mint_in,
        stage=miss.stage,
        reason=miss.reason,
        missing_bps=miss.missing_bps,
        gross_profit=_amount(miss.gross_profit),
        net_profit=_amount(miss.net_profit),
        slot=miss.slot,
    )


def _amount(amount: int | None) -> str | None:
    return None if amount is None else str(amount)


def _latency(stage: str, histogram: phantom_core.LatencyHistogram) -> StageLatency:
    return StageLatency(
        stage=stage,
        count=histogram.count,
        sum_ns=histogram.sum_ns,
        p50_ns=histogram.quantile(0.5),
        p90_ns=histogram.quantile(0.9),
        p99_ns=histogram.quantile(0.99),
        max_ns=histogram.max_ns if histogram.count else None,
        buckets=tuple(histogram.buckets()),
    )


def fee_state(config: Config, fees: phantom_core.FeeEngine | None, accounts: tuple[str, ...]) -> FeeState:
    """Return what a transaction is to offer now.

    With adaptive fees the price is that of the accounts of recent signals, and the tip the median of those
    that landed lately; a transaction of its own may offer other amounts.

    Args:
        config: Its costs and fees are read.
        fees: Who names them; None where they are fixed.
        accounts: Of recent signals.
    """
    costs = config.costs
    if fees is None:
        return FeeState(
            mode="fixed",
            percentile=None,
            compute_unit_price_micro_lamports=costs.compute_unit_price_micro_lamports,
            compute_unit_limit=costs.compute_unit_limit,
            tip_lamports=costs.tip_lamports,
            congestion=None,
        )
    price = fees.price(accounts, config.fees.percentile)
    landed = dict(fees.tip_floor or ())
    return FeeState(
        mode="adaptive",
        percentile=config.fees.percentile,
        compute_unit_price_micro_lamports=price.price_micro_lamports,
        compute_unit_limit=costs.compute_unit_limit,
        tip_lamports=landed.get(50.0, costs.tip_lamports),
        congestion=fees.fullness,
    )


def risk_state(desk: RiskDesk, slot: int) -> records.RiskState:
    """Return whether trading is held at `slot`, and how much of each limit is used."""
    rules, state, switches = desk.rules, roll(desk.state, slot), desk.switches(slot)
    limits, breakers = state.limits, state.breakers
    used = [
        _use("max_trades_per_day", None, "attempts", len(limits.day), rules.limits.max_trades_per_day),
    ]
    if rules.limits.max_fee_lamports_per_day is not None:
        used.append(
            _use(
                "max_fee_lamports_per_day",
                None,
                "lamports",
                limits.fee_lamports,
                rules.limits.max_fee_lamports_per_day,
            )
        )
    if rules.breakers.failures_in_a_row:
        used.append(
            _use("failures_in_a_row", None, "attempts", breakers.failures, rules.breakers.failures_in_a_row)
        )
    for mint, bounds in rules.limits.mints.items():
        exposure = limits.exposure(mint) + held_basis(state.positions, mint)
        may_lose = state.may_lose(mint)
        used += [
            _use(
                "mints.max_amount_in_per_day",
                mint,
                mint,
                limits.amount_in_today(mint),
                bounds.max_amount_in_per_day,
            ),
            _use("mints.max_exposure", mint, mint, exposure, bounds.max_exposure),
            _use(
                "mints.max_loss_per_day",
                mint,
                mint,
                breakers.lost_today(mint) + may_lose,
                bounds.max_loss_per_day,
            ),
        ]
        drawdown = rules.breakers.max_drawdown.get(mint)
        if drawdown is not None:
            used.append(_use("mints.max_drawdown", mint, mint, breakers.drawdown(mint) + may_lose, drawdown))
    venues: Mapping[str, int] = limits.venue_lamports
    for venue in sorted({*rules.limits.venues, *venues}):
        bound = rules.limits.venues.get(venue, rules.limits.each_venue)
        if bound is None:
            continue
        used += [
            _use(
                "venues.max_lamports_per_day",
                venue,
                "lamports",
                venues.get(venue, 0),
                bound.max_lamports_per_day,
            ),
            _use(
                "venues.max_exposure_lamports",
                venue,
                "lamports",
                limits.venue_exposure(venue),
                bound.max_exposure_lamports,
            ),
        ]
    return records.RiskState(halted=bool(switches), switches=switches, limits=tuple(used))


def _use(name: str, subject: str | None, unit: str, used: int, limit: int) -> LimitUse:
    return LimitUse(name=name, subject=subject, unit=unit, used=str(used), limit=str(limit))
