//! The engine's counters as Python sees them.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::super::wss_aggregator::convert::EndpointStats;
use crate::cycle_finder::{EdgeIndex, pool_of};
use crate::engine::Engine;
use crate::market::Market;
use crate::wss_aggregator::{self, AggregatorStats};

/// Counters by name, a `dict` in Python, in the order in which they are.
#[derive(Clone)]
pub struct Counts<N = &'static str>(Vec<(N, u64)>);

impl<'py, N: AsRef<str>> IntoPyObject<'py> for Counts<N> {
    type Target = PyDict;
    type Output = Bound<'py, PyDict>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (name, count) in self.0 {
            dict.set_item(name.as_ref(), count)?;
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
    pub(super) endpoints: Vec<Py<EndpointStats>>,
    slot: u64,
    updates: u64,
    decode_errors: Counts,
    pools: usize,
    pools_set_aside: Counts,
    openings: u64,
    open_now: usize,
    go: u64,
    reasons: Counts,
    rules: Counts<String>,
    funnel: Vec<PyFunnelStage>,
    nearest_misses: Vec<PyMiss>,
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

/// Returns all counters but the endpoints', which only Python can hold.
pub(super) fn stats_of(engine: &Engine, feed: &AggregatorStats, misses: usize) -> PyEngineStats {
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
        rules: Counts(engine.rule_counts().map(|(word, count)| (word.to_owned(), count)).collect()),
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

pub(super) fn steps_of(market: &Market, edges: impl Iterator<Item = EdgeIndex>) -> Vec<PyStep> {
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
