//! Binding of the engine: conversion only.

mod explain;
pub(super) mod freshness;
mod held;
mod signal;
mod stats;
mod watch;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::arguments;
use super::errors;
use super::fee_engine::{self, PyFeeEngine};
use super::instruction_builder::route::{self, Hops, PlanArguments, RouteArguments};
use super::instruction_builder::{PyBuiltTransaction, PySigner};
use super::jit_compiler::RuleSet;
use super::latency::PyLatencyHistogram;
use super::market::{
    PoolInfo, PyQuote, PyWant, VenueInfo, doubt, named_edges, quote_in, release, shown_pools, take_new_wants,
    venue_infos, wanted,
};
use super::pool::PyPool;
use super::scorer::{PyLandingModel, Thresholds};
use super::token_firewall::{self, PyTokenRules, PyTokenVerdict};
use super::wss_aggregator::convert::{QuarantineLimits, endpoint_stats};
use super::wss_aggregator::input::{Frame, Given, UnknownEndpoint};
use crate::engine::{
    BaseMint, CANDIDATE_FIELDS, ConfigError, Costs, Engine, EngineConfig, Fees, FreshnessConfig, Signal,
};
use crate::market::{Market, MarketConfig, QuoteError};
use crate::wss_aggregator::{AggregatorConfig, EndpointId, NO_TIME};
use freshness::{PyConnectionFreshness, PyMarketFreshness, PyPoolFreshness, PyStaleAccount};
use held::PyHeldAccount;
pub use signal::PyHop;
use signal::{PyFill, PySignal, export};
use stats::{PyEngineStats, PyFunnelStage, PyMiss, PyStep, stats_of};
use watch::PyEngineWatch;

/// Settings of an [`Engine`].
#[pyclass(name = "EngineConfig", module = "phantom_core", frozen)]
#[derive(Clone)]
pub struct PyEngineConfig(EngineConfig);

impl PyEngineConfig {
    fn fees(&self) -> PyResult<Fees> {
        let too_much = || errors::invalid(ConfigError::Costs(self.0.costs).to_string());
        self.0.costs.fees().ok_or_else(too_much)
    }
}

#[pymethods]
impl PyEngineConfig {
    #[new]
    #[pyo3(signature = (*, base_mints, max_hops=3, signatures=1, lamports_per_signature=5_000,
        compute_unit_limit=400_000, compute_unit_price_micro_lamports=50_000, tip_lamports=10_000,
        min_net_profit_lamports=10_000, min_net_bps=0.0, max_age_slots=8, max_pool_age_slots=16,
        max_settings_age_slots=9_000, hold_torn_pools=true, max_torn_slots=2, max_heartbeat_gap=0,
        quorum=1, quarantine=None, token_rules=None, assume_plain_mints=false, max_depth_bps=None, max_volatility_bps=None,
        max_competition_e4=10_000, min_agreement_e4=0, refused_flags=0, min_landing_e4=0,
        min_expected_value_lamports=None, failure_cost_lamports=0, keep_accounts=false))]
    #[expect(clippy::too_many_arguments, reason = "keyword-only settings")]
    fn new(
        base_mints: &Bound<'_, PyDict>,
        max_hops: usize,
        signatures: u64,
        lamports_per_signature: u64,
        compute_unit_limit: u64,
        compute_unit_price_micro_lamports: u64,
        tip_lamports: u64,
        min_net_profit_lamports: u64,
        min_net_bps: f64,
        max_age_slots: u64,
        max_pool_age_slots: u64,
        max_settings_age_slots: u64,
        hold_torn_pools: bool,
        max_torn_slots: u64,
        max_heartbeat_gap: u64,
        quorum: usize,
        quarantine: Option<QuarantineLimits>,
        token_rules: Option<&PyTokenRules>,
        assume_plain_mints: bool,
        max_depth_bps: Option<u32>,
        max_volatility_bps: Option<u32>,
        max_competition_e4: u16,
        min_agreement_e4: u16,
        refused_flags: u8,
        min_landing_e4: u16,
        min_expected_value_lamports: Option<i64>,
        failure_cost_lamports: u64,
        keep_accounts: bool,
    ) -> PyResult<Self> {
        let thresholds = Thresholds {
            min_net_profit_lamports,
            min_net_bps,
            max_age_slots,
            max_depth_bps,
            max_volatility_bps,
            max_competition_e4,
            min_agreement_e4,
            refused_flags,
            min_landing_e4,
            min_expected_value_lamports,
        };
        let base_mints = base_mints
            .iter()
            .map(|(mint, max_amount_in)| {
                let mint = arguments::address("base_mints", &mint)?;
                Ok(BaseMint { mint, max_amount_in: max_amount_in.extract()? })
            })
            .collect::<PyResult<Vec<_>>>()?;
        Ok(Self(EngineConfig {
            market: MarketConfig { assume_plain_mints, complete: false },
            aggregator: AggregatorConfig {
                max_heartbeat_gap,
                quorum,
                quarantine: quarantine.map(|limits| limits.0),
                ..AggregatorConfig::default()
            },
            freshness: FreshnessConfig {
                max_pool_age_slots,
                max_settings_age_slots,
                hold_torn_pools,
                max_torn_slots,
            },
            scorer: thresholds.config()?,
            failure_cost_lamports,
            tokens: token_rules.map(|rules| rules.0.clone()).unwrap_or_default(),
            costs: Costs {
                signatures,
                lamports_per_signature,
                compute_unit_limit,
                compute_unit_price_micro_lamports,
                tip_lamports,
            },
            max_hops,
            base_mints,
            keep_accounts,
        }))
    }

    #[getter]
    fn network_fee_lamports(&self) -> PyResult<u64> {
        Ok(self.fees()?.network)
    }

    #[getter]
    fn priority_fee_lamports(&self) -> PyResult<u64> {
        Ok(self.fees()?.priority)
    }

    #[getter]
    fn tip_lamports(&self) -> u64 {
        self.0.costs.tip_lamports
    }

    #[getter]
    fn total_fee_lamports(&self) -> PyResult<u64> {
        Ok(self.fees()?.total)
    }
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// From frames to signals.
#[pyclass(name = "Engine", module = "phantom_core", frozen)]
pub struct PyEngine {
    /// Tells this engine's signals from another's.
    id: u64,
    inner: Mutex<Engine>,
}

impl PyEngine {
    /// A panic inside the core poisons the lock; it has already been raised as an exception, and the
    /// counters are still worth reading.
    fn lock(&self) -> MutexGuard<'_, Engine> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something that may give signals, without the GIL.
    fn signals_of(
        &self,
        py: Python<'_>,
        endpoint: &Given,
        work: impl FnOnce(&mut Engine, EndpointId, &mut Vec<Signal>) + Send,
    ) -> PyResult<Vec<PySignal>> {
        let signals = py.detach(|| {
            let mut signals = Vec::new();
            let mut engine = self.lock();
            let endpoint = endpoint.of(&mut engine)?;
            work(&mut engine, endpoint, &mut signals);
            Ok::<_, UnknownEndpoint>(export(&engine, self.id, signals))
        })?;
        Ok(signals)
    }

    /// Carries out what an operator has decided about the market, and tells those who watch.
    fn decided<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut Market) -> T + Send) -> T {
        py.detach(|| {
            let mut engine = self.lock();
            let done = work(engine.market_mut());
            engine.tell_all();
            done
        })
    }
}

#[pymethods]
impl PyEngine {
    #[new]
    fn new(config: &PyEngineConfig) -> PyResult<Self> {
        let engine = Engine::new(config.0.clone()).map_err(|error| errors::invalid(error.to_string()))?;
        Ok(Self { id: NEXT_ID.fetch_add(1, Ordering::Relaxed), inner: Mutex::new(engine) })
    }

    fn endpoint(&self, py: Python<'_>, name: &str) -> usize {
        py.detach(|| self.lock().endpoint(name).index())
    }

    fn connect(&self, py: Python<'_>, endpoint: &Bound<'_, PyAny>) -> PyResult<()> {
        let endpoint = Given::extract(endpoint)?;
        py.detach(|| {
            let mut engine = self.lock();
            let endpoint = endpoint.of(&mut engine)?;
            engine.connect(endpoint);
            Ok::<_, UnknownEndpoint>(())
        })?;
        Ok(())
    }

    fn request(&self, py: Python<'_>, endpoint: &Bound<'_, PyAny>, frame: &Bound<'_, PyAny>) -> PyResult<()> {
        let (given, frame) = (Given::extract(endpoint)?, Frame::extract(frame)?);
        let noticed = py.detach(|| {
            let mut engine = self.lock();
            let endpoint = given.of(&mut engine)?;
            Ok::<_, UnknownEndpoint>(engine.request(endpoint, frame.as_ref()))
        })?;
        noticed
            .map_err(|error| errors::invalid(format!("outgoing request to {endpoint}: {}", error.reason())))
    }

    #[pyo3(signature = (endpoint, frame, arrival_ns=None))]
    fn ingest(
        &self,
        py: Python<'_>,
        endpoint: &Bound<'_, PyAny>,
        frame: &Bound<'_, PyAny>,
        arrival_ns: Option<u64>,
    ) -> PyResult<Vec<PySignal>> {
        let frame = Frame::extract(frame)?;
        let arrival_ns = arrival_ns.unwrap_or(NO_TIME);
        self.signals_of(py, &Given::extract(endpoint)?, |engine, endpoint, signals| {
            engine.ingest_at(endpoint, frame.as_ref(), arrival_ns, signals);
        })
    }

    fn disconnect(&self, py: Python<'_>, endpoint: &Bound<'_, PyAny>) -> PyResult<Vec<PySignal>> {
        self.signals_of(py, &Given::extract(endpoint)?, Engine::disconnect)
    }

    fn quarantine(&self, py: Python<'_>, endpoint: &Bound<'_, PyAny>) -> PyResult<Vec<PySignal>> {
        let given = Given::extract(endpoint)?;
        let provider = py.detach(|| given.someone_of(&mut self.lock()))?;
        self.signals_of(py, &Given::Number(provider.index()), Engine::quarantine)
    }

    fn release_endpoint(&self, py: Python<'_>, endpoint: &Bound<'_, PyAny>) -> PyResult<()> {
        let given = Given::extract(endpoint)?;
        py.detach(|| {
            let mut engine = self.lock();
            let provider = given.someone_of(&mut engine)?;
            engine.release(provider);
            Ok::<_, UnknownEndpoint>(())
        })?;
        Ok(())
    }

    fn recheck(&self, py: Python<'_>, #[pyo3(from_py_with = arguments::slot)] slot: u64) -> Vec<PySignal> {
        py.detach(|| {
            let mut signals = Vec::new();
            let mut engine = self.lock();
            engine.recheck(slot, &mut signals);
            export(&engine, self.id, signals)
        })
    }

    fn take(&self, py: Python<'_>, signal: &PySignal) -> PyResult<PyFill> {
        if signal.engine != self.id {
            return Err(errors::invalid("signal comes from another engine".into()));
        }
        py.detach(|| {
            let mut engine = self.lock();
            let amounts = engine.take(&signal.inner)?;
            Ok(PyFill::new(engine.market(), &signal.inner, &amounts))
        })
        .map_err(|error| errors::take(py, &error))
    }

    #[expect(clippy::needless_pass_by_value, reason = "extracted Python arguments")]
    fn explain(&self, py: Python<'_>, hops: Vec<(String, bool)>) -> PyResult<explain::PyExplanation> {
        py.detach(|| explain::explain(&mut self.lock(), &hops))
    }

    #[pyo3(signature = (fees, percentile=75.0))]
    fn set_fee_engine(&self, fees: Option<&PyFeeEngine>, percentile: f64) -> PyResult<()> {
        let percentile_bps = fee_engine::percentile(percentile)?;
        let shared = fees.map(PyFeeEngine::shared);
        self.lock().set_fee_engine(shared, percentile_bps).map_err(fee_engine::fee_error)
    }

    #[getter]
    fn fee_engine(&self) -> Option<PyFeeEngine> {
        self.lock().fee_engine().map(PyFeeEngine::of)
    }

    fn set_rules(&self, py: Python<'_>, rules: Option<&Bound<'_, RuleSet>>) -> PyResult<()> {
        let rules = rules.map(|rules| rules.get().shared());
        let set = py.detach(|| self.lock().set_rules(rules));
        set.map_err(|error| errors::invalid(error.to_string()))
    }

    fn set_landing(&self, model: &PyLandingModel) {
        self.lock().set_landing(model.copied());
    }

    fn observe_landing(&self, signal: &PySignal, landed: bool) -> PyResult<()> {
        if signal.engine != self.id {
            return Err(errors::invalid("signal comes from another engine".into()));
        }
        self.lock().observe_landing(&signal.inner, landed);
        Ok(())
    }

    #[pyo3(signature = (capacity=65_536))]
    fn watch(&self, py: Python<'_>, capacity: usize) -> PyResult<PyEngineWatch> {
        if capacity == 0 {
            return Err(errors::invalid("capacity is 0; it must be at least 1".into()));
        }
        Ok(PyEngineWatch(py.detach(|| self.lock().watch(capacity))))
    }

    #[getter]
    fn highest_slot(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.lock().aggregator().highest_slot())
    }

    #[pyo3(signature = (misses=8))]
    fn stats(&self, py: Python<'_>, misses: usize) -> PyResult<PyEngineStats> {
        let (feed, mut stats) = py.detach(|| {
            let mut engine = self.lock();
            engine.tell_all();
            let feed = engine.aggregator().stats();
            let stats = stats_of(&engine, &feed, misses);
            (feed, stats)
        });
        stats.endpoints = feed
            .endpoints
            .into_iter()
            .map(|endpoint| endpoint_stats(py, endpoint))
            .collect::<PyResult<_>>()?;
        Ok(stats)
    }

    fn latencies(&self, py: Python<'_>) -> Vec<(&'static str, PyLatencyHistogram)> {
        let stages = py.detach(|| self.lock().latencies());
        stages.into_iter().map(|(stage, histogram)| (stage.name(), PyLatencyHistogram(histogram))).collect()
    }

    fn connections(&self, py: Python<'_>) -> Vec<PyConnectionFreshness> {
        let connections = py.detach(|| self.lock().aggregator().connections());
        connections.into_iter().map(PyConnectionFreshness::from).collect()
    }

    fn freshness(&self, py: Python<'_>) -> PyResult<PyMarketFreshness> {
        let report = py.detach(|| self.lock().freshness());
        freshness::market_freshness(py, report)
    }

    fn pool_freshness(&self, py: Python<'_>, pool: &Bound<'_, PyAny>) -> PyResult<PyPoolFreshness> {
        let address = arguments::address("pool", pool)?;
        let found = py.detach(|| {
            let mut engine = self.lock();
            let index = engine.market().pool_index(&address)?;
            Some(freshness::pool_freshness(&mut engine, index))
        });
        found.ok_or_else(|| errors::quote(py, &QuoteError::UnknownPool(address)))
    }

    fn account(&self, py: Python<'_>, address: Bound<'_, PyAny>) -> PyResult<Option<PyHeldAccount>> {
        Ok(self.held(py, &[address])?.pop().flatten())
    }

    #[expect(clippy::needless_pass_by_value, reason = "extracted Python arguments")]
    fn held_accounts(
        &self,
        py: Python<'_>,
        addresses: Vec<Bound<'_, PyAny>>,
    ) -> PyResult<Vec<Option<PyHeldAccount>>> {
        self.held(py, &addresses)
    }

    fn stale_accounts(&self, py: Python<'_>) -> Vec<PyStaleAccount> {
        py.detach(|| freshness::stale_accounts(&mut self.lock()))
    }

    fn pools(&self, py: Python<'_>) -> PyResult<Vec<PoolInfo>> {
        let shown = py.detach(|| shown_pools(self.lock().market()));
        shown.into_iter().map(|pool| pool.into_info(py)).collect()
    }

    fn wanted(&self, py: Python<'_>) -> Vec<PyWant> {
        py.detach(|| wanted(self.lock().market()))
    }

    #[getter]
    fn wants_changes(&self) -> u64 {
        self.lock().market().wants_changes()
    }

    fn take_new_wants(&self, py: Python<'_>) -> Vec<String> {
        py.detach(|| take_new_wants(self.lock().market_mut()))
    }

    fn venues(&self, py: Python<'_>) -> Vec<VenueInfo> {
        py.detach(|| venue_infos(self.lock().market()))
    }

    fn release(&self, py: Python<'_>, venue: &str) -> PyResult<()> {
        self.decided(py, |market| release(market, venue))
    }

    fn doubt_venue(&self, py: Python<'_>, venue: &str, reason: &str) -> PyResult<()> {
        self.decided(py, |market| doubt(market, venue, Some(reason)))
    }

    fn trust_venue(&self, py: Python<'_>, venue: &str) -> PyResult<()> {
        self.decided(py, |market| doubt(market, venue, None))
    }

    fn set_token_rules(&self, py: Python<'_>, rules: &PyTokenRules) -> PyResult<()> {
        let set = py.detach(|| self.lock().set_token_rules(rules.0.clone()));
        set.map_err(|error| token_firewall::rule_error(&error))
    }

    fn know_token_since(
        &self,
        py: Python<'_>,
        mint: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::slot)] slot: u64,
    ) -> PyResult<()> {
        let mint = arguments::address("mint", mint)?;
        py.detach(|| self.lock().market_mut().know_token_since(mint, slot));
        Ok(())
    }

    fn tokens(&self, py: Python<'_>) -> Vec<PyTokenVerdict> {
        py.detach(|| token_firewall::tokens(self.lock().market_mut()))
    }

    fn take_changed_tokens(&self, py: Python<'_>) -> Vec<PyTokenVerdict> {
        py.detach(|| token_firewall::take_changed_tokens(self.lock().market_mut()))
    }

    fn token(&self, py: Python<'_>, mint: &Bound<'_, PyAny>) -> PyResult<Option<PyTokenVerdict>> {
        let mint = arguments::address("mint", mint)?;
        Ok(py.detach(|| token_firewall::token(self.lock().market_mut(), &mint)))
    }

    fn pool(&self, py: Python<'_>, pool: &Bound<'_, PyAny>) -> PyResult<PyPool> {
        let address = arguments::address("pool", pool)?;
        let copied = py.detach(|| {
            let engine = self.lock();
            engine.market().pool_index(&address).map(|index| engine.market().standalone(index))
        });
        let unknown = || errors::quote(py, &QuoteError::UnknownPool(address));
        copied.map(PyPool::new).ok_or_else(unknown)
    }

    fn verify(
        &self,
        py: Python<'_>,
        program: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::slot)] slot: u64,
    ) -> PyResult<()> {
        let program = arguments::address("program", program)?;
        py.detach(|| self.lock().market_mut().verify(program, slot));
        Ok(())
    }

    #[pyo3(signature = (pool, mint_in, amount, exact="in"))]
    fn quote(
        &self,
        py: Python<'_>,
        pool: &Bound<'_, PyAny>,
        mint_in: &Bound<'_, PyAny>,
        amount: &Bound<'_, PyAny>,
        exact: &str,
    ) -> PyResult<PyQuote> {
        let quoted = |pool: &_, mint_in: &_, amount, exact_in| {
            self.lock().market().quote(pool, mint_in, amount, exact_in)
        };
        quote_in(py, quoted, pool, mint_in, amount, exact)
    }

    #[pyo3(signature = (route, signer, *, blockhash, min_amount_out, compute_unit_limit,
        compute_unit_price, amount_in=None, tables=None, tip_lamports=0, tip_account=None,
        dont_front=None, nonce=None, create_accounts=None, token_accounts=None,
        loaded_accounts_data_size=None, reach="official", max_account_locks=64))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn build_transaction(
        &self,
        py: Python<'_>,
        route: &Bound<'_, PyAny>,
        signer: &Bound<'_, PySigner>,
        blockhash: &Bound<'_, PyAny>,
        #[pyo3(from_py_with = arguments::min_amount_out)] min_amount_out: u64,
        #[pyo3(from_py_with = arguments::compute_unit_limit)] compute_unit_limit: u32,
        #[pyo3(from_py_with = arguments::compute_unit_price)] compute_unit_price: u64,
        #[pyo3(from_py_with = arguments::optional_amount_in)] amount_in: Option<u64>,
        tables: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = arguments::tip_lamports)] tip_lamports: u64,
        tip_account: Option<&Bound<'_, PyAny>>,
        dont_front: Option<&Bound<'_, PyAny>>,
        nonce: Option<&Bound<'_, PyAny>>,
        create_accounts: Option<&Bound<'_, PyAny>>,
        token_accounts: Option<&Bound<'_, PyDict>>,
        #[pyo3(from_py_with = arguments::loaded_accounts_data_size)] loaded_accounts_data_size: Option<u32>,
        reach: &str,
        #[pyo3(from_py_with = arguments::max_account_locks)] max_account_locks: usize,
    ) -> PyResult<PyBuiltTransaction> {
        let arguments = RouteArguments {
            signer,
            blockhash,
            min_amount_out,
            compute_unit_limit,
            compute_unit_price_micro_lamports: compute_unit_price,
            tables,
            tip_lamports,
            tip_account,
            dont_front,
            nonce,
            create_accounts,
            token_accounts,
            loaded_accounts_data_size,
            reach,
            max_account_locks,
        };
        let order = arguments.order()?;
        let built = if let Ok(signal) = route.cast::<PySignal>() {
            let signal = signal.get();
            if signal.engine != self.id {
                return Err(errors::invalid("signal comes from another engine".into()));
            }
            if amount_in.is_some() {
                return Err(errors::invalid("amount_in is the signal's".into()));
            }
            py.detach(|| {
                order.with(|order, signer| self.lock().build_transaction(&signal.inner, order, signer))
            })
        } else {
            let hops = Hops::extract(route)?;
            let amount_in = amount_in.ok_or_else(|| {
                errors::invalid("amount_in is missing: only a signal brings its own".into())
            })?;
            py.detach(|| {
                order.with(|order, signer| hops.build(self.lock().market_mut(), amount_in, order, signer))
            })
        };
        route::built(py, built)
    }

    #[pyo3(signature = (wallet, *, tables=None, token_accounts=None, tips=true, dont_front=None,
        uses_nonce=false, reach="official", max_account_locks=64))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn set_execution(
        &self,
        wallet: Option<&Bound<'_, PyAny>>,
        tables: Option<&Bound<'_, PyAny>>,
        token_accounts: Option<&Bound<'_, PyDict>>,
        tips: bool,
        dont_front: Option<&Bound<'_, PyAny>>,
        uses_nonce: bool,
        reach: &str,
        #[pyo3(from_py_with = arguments::max_account_locks)] max_account_locks: usize,
    ) -> PyResult<()> {
        let plan = wallet.map(|wallet| {
            let arguments = PlanArguments {
                wallet,
                tables,
                token_accounts,
                tips,
                dont_front,
                uses_nonce,
                reach,
                max_account_locks,
            };
            arguments.plan()
        });
        self.lock().set_execution(plan.transpose()?);
        Ok(())
    }

    #[pyo3(signature = (pool, mint_in, amount_in))]
    fn crossings(
        &self,
        py: Python<'_>,
        pool: &Bound<'_, PyAny>,
        mint_in: &Bound<'_, PyAny>,
        amount_in: &Bound<'_, PyAny>,
    ) -> PyResult<u32> {
        let (pool, mint_in) = (arguments::address("pool", pool)?, arguments::address("mint_in", mint_in)?);
        let amount_in = arguments::amount("amount_in", amount_in)?;
        let counted = py.detach(|| self.lock().market().crossings_of(&pool, &mint_in, amount_in));
        counted.map_err(|error| errors::quote(py, &error))
    }

    fn open_cycles(&self, py: Python<'_>) -> Vec<Vec<(String, bool)>> {
        py.detach(|| {
            let engine = self.lock();
            let mut cycles: Vec<_> =
                engine.open_cycles().map(|key| named_edges(engine.market(), key.edges())).collect();
            cycles.sort();
            cycles
        })
    }

    fn negative_cycle(&self, py: Python<'_>) -> Option<(Vec<(String, bool)>, f64)> {
        py.detach(|| {
            let mut engine = self.lock();
            let cycle = engine.negative_cycle()?;
            Some((named_edges(engine.market(), cycle.edges.iter().copied()), cycle.weight))
        })
    }

    fn state_digest(&self, py: Python<'_>) -> String {
        py.detach(|| self.lock().market().state_digest())
    }
}

#[pyfunction]
fn candidate_fields(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let fields = PyDict::new(py);
    for (name, specification) in CANDIDATE_FIELDS {
        fields.set_item(name, specification)?;
    }
    Ok(fields)
}

/// Adds this file's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, PyHop, PySignal, PyFill, PyEngineConfig, PyFunnelStage, PyStep, PyMiss, PyEngineStats);
    freshness::register(m)?;
    held::register(m)?;
    explain::register(m)?;
    watch::register(m)?;
    add_classes!(m, PyEngine);
    m.add_function(wrap_pyfunction!(candidate_fields, m)?)
}
