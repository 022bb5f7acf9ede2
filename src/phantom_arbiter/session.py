"""One run from beginning to end: journal, engine, and what is left to be read.

Everything that touches the world is handed in, so a test runs a session on a list of records.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import phantom_core
from phantom_arbiter import __version__
from phantom_arbiter.config import WSOL, Config, risk_rules
from phantom_arbiter.config_risk import StrategySettings
from phantom_arbiter.config_sources import Effective
from phantom_arbiter.domain import FunnelStage, Opportunity
from phantom_arbiter.engine import Engine, Observer, Parts
from phantom_arbiter.errors import JournalError
from phantom_arbiter.execution.base import Executor
from phantom_arbiter.execution.paper import PaperExecutor
from phantom_arbiter.fee_desk import FeeDesk
from phantom_arbiter.interrupts import halting_on_signal, stopping_on_signals
from phantom_arbiter.journal import Journal, Reconciled, RunIdentity, landing_from_journal
from phantom_arbiter.market_view import Fees, MarketView
from phantom_arbiter.native import native_config, pools_set_aside_from_native
from phantom_arbiter.risk import RiskState, recall
from phantom_arbiter.settings_watch import SettingsWatch
from phantom_arbiter.strategy_loader import LoadedStrategy, load_strategy
from phantom_arbiter.strategy_rules import StrategyRules
from phantom_arbiter.strategy_runner import RunnerRules
from phantom_arbiter.summary import Latency, SourceInfo, Summary, to_record
from phantom_arbiter.telemetry.bus import Both, Bus
from phantom_arbiter.telemetry.serving import ServedRun, Viewing, serving


class Source(Protocol):
    """Where frames come from."""

    def drive(self, engine: Engine) -> None:
        """Hand everything to `engine`, in order and each when it is due, until there is no more or `stop`."""
        ...

    def stop(self) -> None:
        """End `drive` soon; callable from a signal handler."""


class Trading(Protocol):
    """How plans are carried out."""

    def settle_earlier(self, journal: Journal) -> None:
        """Find out what became of attempts that earlier runs left without an outcome, before the first plan.

        It may take as long as the chain needs.

        Raises:
            JournalError: The journal cannot be read or written.
        """

    def executor(self, market: phantom_core.Engine, journal: Journal) -> Executor:
        """Return who carries plans out."""
        ...

    @property
    def quoted(self) -> Callable[[Opportunity], None] | None:
        """Who is shown every signal once it has been decided on; None: nobody. Asked after `executor`."""
        ...


class PaperTrading:
    """Plans are filled on the market that the engine sees."""

    quoted = None

    def settle_earlier(self, journal: Journal) -> None:
        """Leave it to the journal: a paper fill ends with its run."""

    def executor(self, market: phantom_core.Engine, journal: Journal) -> Executor:
        """Return the paper executor."""
        return PaperExecutor(market)


def run_session(
    effective: Effective,
    info: SourceInfo,
    source: Source,
    market: phantom_core.Engine,
    observer: Observer,
    *,
    trading: Trading | None = None,
    viewing: Viewing | None = None,
    clock_ns: Callable[[], int] = time.perf_counter_ns,
) -> Summary:
    """Run `source` through `market` and return the summary; the journal is whole however the run ends.

    Args:
        effective: The settings.
        info: What the source says of itself.
        source: Where frames come from.
        market: The native engine.
        observer: Who watches.
        trading: How plans are carried out; None: on paper.
        viewing: How other processes follow, where `observer` feeds its bus; None: one of its own is fed.
        clock_ns: The machine's clock.

    Raises:
        ConfigError: The strategy or its rule file cannot be loaded.
        JournalError: The journal cannot be opened or written.
        RecordingError: The source is corrupt; what came before it is journaled.
        EndpointError: A live source cannot begin.
    """
    config = effective.config
    loaded = load_strategy(config.strategy.use, config.strategy.settings)
    rule_file = config.strategy.rules
    strategy_rules = None if rule_file is None else StrategyRules(rule_file, market)
    rules = risk_rules(config.risk)
    if viewing is None and config.telemetry.publish:
        viewing = Viewing(Bus())
        observer = Both(viewing.bus, observer)
    # A replay begins and ends with its recording; only live runs go on where the last one stopped.
    account = config.risk.account if info.records is None else None
    trading = trading or PaperTrading()
    unix_time = (lambda: int(time.time())) if config.mode == "live" else None
    with ExitStack() as stack:
        with Journal(config.journal.path, unix_time=unix_time) as journal:
            run_id, reconciled = journal.begin_run(
                RunIdentity(
                    mode=config.mode,
                    source=info.description,
                    settings_sha256=_identity(effective, loaded, strategy_rules),
                    version=__version__,
                    account=account,
                )
            )
            trading.settle_earlier(journal)
            risk = RiskState() if account is None else recall(rules, *journal.recalled(account, config.mode))
            if account is not None:
                learned = landing_from_journal(config.journal.path, mode=config.mode, account=account)
                market.set_landing(learned)
            executor = trading.executor(market, journal)
            engine = Engine(
                Parts(
                    market=market,
                    strategy=loaded.strategy,
                    rules=rules,
                    executor=executor,
                    journal=journal,
                    observer=observer,
                    kill_switch_file=config.risk.kill_switch_file,
                    clock_ns=clock_ns,
                    view=MarketView(market, fees(config)),
                    watch=SettingsWatch(effective),
                    risk=risk,
                    runner=runner_rules(config.strategy),
                    base_mints=tuple(config.engine.base_mints),
                    fees=fee_desk(config, market),
                    strategy_rules=strategy_rules,
                    quoted=trading.quoted,
                )
            )
            if strategy_rules is not None:
                engine.desk.note_rules(strategy_rules.begun())
            run = ServedRun(effective, info, engine, market, run_id, source.stop)
            served = stack.enter_context(serving(run, viewing))
            started_ns = clock_ns()
            with stopping_on_signals(engine.stop, source.stop), halting_on_signal(engine.toggle_halt):
                _drive(source, engine)
            wall_ns = clock_ns() - started_ns
            engine.last_look()
            summary = _summary(effective, info, engine, market, run_id, tuple(reconciled), wall_ns)
            latencies = [*market.latencies(), ("frame_to_decision", engine.latency)]
            journal.end_run(to_record(summary, latencies), int(time.time()))
        served.summary = summary
    return summary


def _drive(source: Source, engine: Engine) -> None:
    """Drive, and journal what was asked for last, also if the source fails."""
    try:
        source.drive(engine)
    except BaseException:
        try:
            engine.last_look()
        except JournalError as error:
            # What the source failed of comes first.
            engine.notice(f"what was asked for last is not journaled: {error}")
        raise


def fees(config: Config) -> Fees:
    """Return what one transaction costs, as the native engine counts it."""
    native = native_config(config, assume_plain_mints=False)
    return Fees(
        network=native.network_fee_lamports,
        priority=native.priority_fee_lamports,
        tip=native.tip_lamports,
        native_mint=WSOL,
    )


def fee_desk(config: Config, market: phantom_core.Engine) -> FeeDesk | None:
    """Return who tells the market's fee engine what happens; None where the settings name all fees."""
    engine = market.fee_engine if config.fees.mode == "adaptive" else None
    return None if engine is None else FeeDesk(engine, config.fees.percentile)


def runner_rules(settings: StrategySettings) -> RunnerRules:
    """Return what the strategy may take."""
    return RunnerRules(
        budget_ns=settings.budget_us * 1_000,
        suspend_after=settings.suspend_after,
        stop_after_ns=settings.stop_after_ms * 1_000_000,
    )


def _identity(effective: Effective, loaded: LoadedStrategy, rules: StrategyRules | None) -> str:
    """Return the hash of what decides: the settings, and the strategy's own file and rules if it has them."""
    parts = [effective.sha256()]
    if loaded.sha256 is not None:
        parts.append(loaded.sha256)
    if rules is not None:
        parts.append(f"rules {rules.sha256}")
    return parts[0] if len(parts) == 1 else hashlib.sha256(" ".join(parts).encode()).hexdigest()


def _summary(
    effective: Effective,
    info: SourceInfo,
    engine: Engine,
    market: phantom_core.Engine,
    run_id: int,
    reconciled: tuple[Reconciled, ...],
    wall_ns: int,
) -> Summary:
    stats, tally, latency = engine.stats(), engine.tally, engine.latency
    journal: Path = effective.config.journal.path
    return Summary(
        version=__version__,
        mode=effective.config.mode,
        source=info,
        run_id=run_id,
        journal=journal,
        records=engine.records,
        recorded_ns=engine.recorded_ns,
        wall_ns=wall_ns,
        stopped_early=engine.stopped_early and info.records is not None and engine.records < info.records,
        reconciled=reconciled,
        stats=stats,
        set_aside=pools_set_aside_from_native(market.pools()),
        signals=tally.signals,
        refusals=dict(tally.refusals),
        attempts=tally.attempts,
        filled=tally.filled,
        failures=dict(tally.failures),
        unknown=tally.unknown,
        strategy=engine.strategy_report(),
        positions=engine.desk.positions(engine.strategy_report().name),
        profit=tally.profit(),
        best=tuple(tally.best),
        funnel=(FunnelStage("updates", stats.updates, None), *stats.funnel, *tally.funnel()),
        latency=Latency(
            frames=latency.count,
            median_ns=latency.quantile(0.5),
            p99_ns=latency.quantile(0.99),
            max_ns=latency.max_ns if latency.count else None,
        ),
        state_digest=market.state_digest(),
    )
