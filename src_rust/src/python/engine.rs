//! Binding of the engine: conversion only.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::errors;
use super::market::{PoolInfo, Quote, named_edges, parse_pubkey, pool_infos, quote_in};
use super::wss_aggregator::convert::{EndpointStats, endpoint_stats};
use crate::cycle_finder::{EdgeIndex, edge_of, pool_of};
use crate::engine::{BaseMint, Costs, Engine, EngineConfig, Signal};
use crate::market::{Market, MarketConfig};
use crate::scorer::ScorerConfig;
use crate::wss_aggregator::{self, AggregatorStats};

/// One hop of a sized cycle.
#[pyclass(name = "Hop", module = "phantom_core", frozen, get_all)]
#[derive(Clone)]
pub struct PyHop {
    pool: String,
    mint_in: String,
    mint_out: String,
    amount_in: u64,
    amount_out: u64,
}

#[pymethods]
impl PyHop {
    fn __repr__(&self) -> String {
        format!(
            "Hop(pool='{}', mint_in='{}', mint_out='{}', amount_in={}, amount_out={})",
            self.pool, self.mint_in, self.mint_out, self.amount_in, self.amount_out
        )
    }
}

/// A cycle worth trading.
#[pyclass(name = "Signal", module = "phantom_core", frozen)]
pub struct PySignal {
    inner: Signal,
    costs: Costs,
    #[pyo3(get)]
    base_mint: String,
    #[pyo3(get)]
    hops: Vec<PyHop>,
}

#[pymethods]
impl PySignal {
    #[getter]
    fn opening_id(&self) -> u64 {
        self.inner.opening_id
    }

    #[getter]
    fn slot(&self) -> u64 {
        self.inner.slot
    }

    #[getter]
    fn amount_in(&self) -> u64 {
        self.inner.candidate.amount_in
    }

    #[getter]
    fn amount_out(&self) -> u64 {
        self.inner.amount_out()
    }

    #[getter]
    fn gross_profit(&self) -> u64 {
        self.inner.candidate.gross_profit
    }

    #[getter]
    fn cost(&self) -> u64 {
        self.inner.candidate.cost
    }

    #[getter]
    fn net_profit(&self) -> i128 {
        self.inner.candidate.net_profit()
    }

    #[getter]
    fn network_fee_lamports(&self) -> u64 {
        self.costs.network_fee()
    }

    #[getter]
    fn priority_fee_lamports(&self) -> u64 {
        self.costs.priority_fee()
    }

    #[getter]
    fn tip_lamports(&self) -> u64 {
        self.costs.tip_lamports
    }

    #[getter]
    fn age_slots(&self) -> u64 {
        self.inner.candidate.age_slots
    }

    #[getter]
    fn score(&self) -> f64 {
        self.inner.score
    }

    #[getter]
    fn net_bps(&self) -> f64 {
        self.inner.candidate.net_bps()
    }

    fn __repr__(&self) -> String {
        format!(
            "Signal(opening_id={}, slot={}, base_mint='{}', amount_in={}, net_profit={}, hops={})",
            self.inner.opening_id,
            self.inner.slot,
            self.base_mint,
            self.inner.candidate.amount_in,
            self.inner.candidate.net_profit(),
            self.hops.len()
        )
    }
}

/// What a taken signal gave.
#[pyclass(name = "Fill", module = "phantom_core", frozen, get_all)]
pub struct PyFill {
    amount_in: u64,
    amount_out: u64,
    hops: Vec<PyHop>,
}

/// Settings of an [`Engine`].
#[pyclass(name = "EngineConfig", module = "phantom_core", frozen)]
#[derive(Clone)]
pub struct PyEngineConfig(EngineConfig);

#[pymethods]
impl PyEngineConfig {
    #[new]
    #[pyo3(signature = (*, base_mints, max_hops=3, signatures=1, lamports_per_signature=5_000,
        compute_unit_limit=400_000, compute_unit_price_micro_lamports=50_000, tip_lamports=10_000,
        min_net_profit_lamports=10_000, min_net_bps=0.0, max_age_slots=8, assume_plain_mints=false))]
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
        assume_plain_mints: bool,
    ) -> PyResult<Self> {
        if !min_net_bps.is_finite() {
            return Err(errors::invalid(format!("min_net_bps is {min_net_bps}; it must be finite")));
        }
        let base_mints = base_mints
            .iter()
            .map(|(mint, max_amount_in)| {
                let mint = parse_pubkey("base_mints", &mint.extract::<String>()?)?;
                Ok(BaseMint { mint, max_amount_in: max_amount_in.extract()? })
            })
            .collect::<PyResult<Vec<_>>>()?;
        Ok(Self(EngineConfig {
            market: MarketConfig { assume_plain_mints, complete: false },
            scorer: ScorerConfig { min_net_profit_lamports, min_net_bps, max_age_slots },
            costs: Costs {
                signatures,
                lamports_per_signature,
                compute_unit_limit,
                compute_unit_price_micro_lamports,
                tip_lamports,
            },
            max_hops,
            base_mints,
            ..EngineConfig::default()
        }))
    }
}

/// Counters by name, a `dict` in Python, in the order in which they are.
#[derive(Clone)]
pub struct Counts(Vec<(&'static str, u64)>);

impl<'py> IntoPyObject<'py> for Counts {
    type Target = PyDict;
    type Output = Bound<'py, PyDict>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (name, count) in self.0 {
            dict.set_item(name, count)?;
        }
        Ok(dict)
    }
}

/// One stage of the funnel.
#[pyclass(name = "FunnelStage", module = "phantom_core", frozen, get_all)]
#[derive(Clone)]
pub struct PyFunnelStage {
    name: &'static str,
    evaluations: u64,
    openings: u64,
}

/// One hop of a route that has no amounts.
#[pyclass(name = "Step", module = "phantom_core", frozen, get_all)]
#[derive(Clone)]
pub struct PyStep {
    pool: String,
    mint_in: String,
    mint_out: String,
}

/// A cycle that came near and what was missing.
#[pyclass(name = "Miss", module = "phantom_core", frozen, get_all)]
#[derive(Clone)]
pub struct PyMiss {
    slot: u64,
    stage: &'static str,
    reason: &'static str,
    missing_bps: Option<f64>,
    route: Vec<PyStep>,
    amount_in: Option<u64>,
    gross_profit: Option<u64>,
    net_profit: Option<i128>,
}

/// All counters at one moment.
#[pyclass(name = "EngineStats", module = "phantom_core", frozen, get_all)]
pub struct PyEngineStats {
    frames: u64,
    fresh: u64,
    duplicates: u64,
    stale: u64,
    held: u64,
    control: u64,
    malformed: Counts,
    endpoints: Vec<Py<EndpointStats>>,
    slot: u64,
    updates: u64,
    decode_errors: Counts,
    pools: usize,
    pools_set_aside: Counts,
    openings: u64,
    open_now: usize,
    go: u64,
    reasons: Counts,
    funnel: Vec<PyFunnelStage>,
    nearest_misses: Vec<PyMiss>,
}

/// From frames to signals.
#[pyclass(name = "Engine", module = "phantom_core", frozen)]
pub struct PyEngine(Mutex<Engine>);

impl PyEngine {
    /// A panic inside the core poisons the lock; it has already been raised as an exception, and the
    /// counters are still worth reading.
    fn lock(&self) -> MutexGuard<'_, Engine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hops_of(market: &Market, signal: &Signal, amounts: Option<&[u64]>) -> Vec<PyHop> {
    signal
        .hops
        .iter()
        .enumerate()
        .map(|(i, hop)| {
            let (mint_in, mint_out) = market.ends(edge_of(hop.pool, hop.a_to_b));
            PyHop {
                pool: market.pool(hop.pool).address().to_string(),
                mint_in: market.mint(mint_in).to_string(),
                mint_out: market.mint(mint_out).to_string(),
                amount_in: amounts.map_or(hop.amount_in, |amounts| amounts[i]),
                amount_out: amounts.map_or(hop.amount_out, |amounts| amounts[i + 1]),
            }
        })
        .collect()
}

fn export(engine: &Engine, signals: Vec<Signal>) -> Vec<PySignal> {
    let costs = engine.config().costs;
    signals
        .into_iter()
        .map(|inner| PySignal {
            costs,
            base_mint: engine.market().mint(inner.base_mint).to_string(),
            hops: hops_of(engine.market(), &inner, None),
            inner,
        })
        .collect()
}

#[pymethods]
impl PyEngine {
    #[new]
    fn new(config: &PyEngineConfig) -> PyResult<Self> {
        let engine = Engine::new(config.0.clone()).map_err(|error| errors::invalid(error.to_string()))?;
        Ok(Self(Mutex::new(engine)))
    }

    fn connect(&self, py: Python<'_>, endpoint: &str) {
        py.detach(|| {
            let mut engine = self.lock();
            let endpoint = engine.endpoint(endpoint);
            engine.connect(endpoint);
        });
    }

    fn request(&self, py: Python<'_>, endpoint: &str, frame: &[u8]) -> PyResult<()> {
        py.detach(|| {
            let mut engine = self.lock();
            let endpoint = engine.endpoint(endpoint);
            engine.request(endpoint, frame)
        })
        .map_err(|error| errors::invalid(format!("outgoing request to {endpoint}: {}", error.reason())))
    }

    fn ingest(&self, py: Python<'_>, endpoint: &str, frame: &[u8]) -> Vec<PySignal> {
        py.detach(|| {
            let mut signals = Vec::new();
            let mut engine = self.lock();
            let endpoint = engine.endpoint(endpoint);
            engine.ingest(endpoint, frame, &mut signals);
            export(&engine, signals)
        })
    }

    fn disconnect(&self, py: Python<'_>, endpoint: &str) -> Vec<PySignal> {
        py.detach(|| {
            let mut signals = Vec::new();
            let mut engine = self.lock();
            let endpoint = engine.endpoint(endpoint);
            engine.disconnect(endpoint, &mut signals);
            export(&engine, signals)
        })
    }

    fn recheck(&self, py: Python<'_>, slot: u64) -> Vec<PySignal> {
        py.detach(|| {
            let mut signals = Vec::new();
            let mut engine = self.lock();
            engine.recheck(slot, &mut signals);
            export(&engine, signals)
        })
    }

    fn take(&self, py: Python<'_>, signal: &PySignal) -> PyResult<PyFill> {
        py.detach(|| {
            let mut engine = self.lock();
            let amounts = engine.take(&signal.inner)?;
            Ok(PyFill {
                amount_in: amounts[0],
                amount_out: amounts[amounts.len() - 1],
                hops: hops_of(engine.market(), &signal.inner, Some(&amounts)),
            })
        })
        .map_err(|error| errors::quote(py, &error))
    }

    #[pyo3(signature = (misses=8))]
    fn stats(&self, py: Python<'_>, misses: usize) -> PyResult<PyEngineStats> {
        let (feed, mut stats) = py.detach(|| {
            let engine = self.lock();
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

    fn pools(&self, py: Python<'_>) -> Vec<PoolInfo> {
        py.detach(|| pool_infos(self.lock().market()))
    }

    #[pyo3(signature = (pool, mint_in, amount, exact="in"))]
    fn quote(&self, py: Python<'_>, pool: &str, mint_in: &str, amount: u64, exact: &str) -> PyResult<Quote> {
        quote_in(py, self.lock().market(), pool, mint_in, amount, exact)
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

/// Adds up counters by name; the order is that of the first mention.
fn tally(counts: impl Iterator<Item = (&'static str, u64)>) -> Counts {
    let mut sums: Vec<(&'static str, u64)> = Vec::new();
    for (name, count) in counts {
        match sums.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += count,
            None => sums.push((name, count)),
        }
    }
    Counts(sums)
}

fn stats_of(engine: &Engine, feed: &AggregatorStats, misses: usize) -> PyEngineStats {
    let market = engine.market();
    let (openings, open_now) = engine.openings();
    PyEngineStats {
        frames: feed.total(|endpoint| endpoint.frames),
        fresh: feed.total(|endpoint| endpoint.wins),
        duplicates: feed.total(|endpoint| endpoint.duplicates),
        stale: feed.total(|endpoint| endpoint.stale),
        held: feed.total(|endpoint| endpoint.held),
        control: feed.total(|endpoint| endpoint.control),
        malformed: tally(feed.endpoints.iter().flat_map(wss_aggregator::EndpointStats::malformed_by_reason)),
        endpoints: Vec::new(),
        slot: engine.aggregator().highest_slot(),
        updates: engine.counters().updates,
        decode_errors: Counts(engine.counters().faults.clone()),
        pools: market.pools().len(),
        pools_set_aside: tally(
            market.pools().iter().filter_map(|pool| pool.set_aside()).map(|reason| (reason.reason(), 1)),
        ),
        openings,
        open_now,
        go: engine.scorer().go_count(),
        reasons: tally(
            engine
                .scorer()
                .counts()
                .filter(|&(_, count)| count > 0)
                .map(|(reason, count)| (reason.name(), count)),
        ),
        funnel: engine
            .funnel()
            .stages()
            .map(|(stage, evaluations, openings)| PyFunnelStage { name: stage.name(), evaluations, openings })
            .collect(),
        nearest_misses: engine
            .funnel()
            .nearest_misses(misses)
            .iter()
            .map(|miss| PyMiss {
                slot: miss.slot,
                stage: miss.reached.name(),
                reason: miss.reason.map_or("pool_fees", crate::scorer::Reason::name),
                missing_bps: miss.missing_bps,
                route: steps_of(market, miss.key.edges()),
                amount_in: miss.candidate.map(|candidate| candidate.amount_in),
                gross_profit: miss.candidate.map(|candidate| candidate.gross_profit),
                net_profit: miss.candidate.map(|candidate| candidate.net_profit()),
            })
            .collect(),
    }
}

fn steps_of(market: &Market, edges: impl Iterator<Item = EdgeIndex>) -> Vec<PyStep> {
    edges
        .map(|edge| {
            let (mint_in, mint_out) = market.ends(edge);
            PyStep {
                pool: market.pool(pool_of(edge).0).address().to_string(),
                mint_in: market.mint(mint_in).to_string(),
                mint_out: market.mint(mint_out).to_string(),
            }
        })
        .collect()
}

/// Adds this file's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyHop>()?;
    m.add_class::<PySignal>()?;
    m.add_class::<PyFill>()?;
    m.add_class::<PyEngineConfig>()?;
    m.add_class::<PyFunnelStage>()?;
    m.add_class::<PyStep>()?;
    m.add_class::<PyMiss>()?;
    m.add_class::<PyEngineStats>()?;
    m.add_class::<PyEngine>()
}
