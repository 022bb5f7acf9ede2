//! Explanations as Python sees them.

use pyo3::prelude::*;

use super::signal::{PyHop, hops_of};
use super::stats::{PyStep, steps_of};
use crate::cycle_finder::{EdgeIndex, edge_of};
use crate::engine::{Engine, Explanation, Obstacle};
use crate::python::errors;
use crate::python::market::parse_pubkey;

/// One thing that speaks against a cycle.
#[pyclass(name = "Obstacle", module = "phantom_core", frozen, get_all)]
#[derive(Clone)]
pub struct PyObstacle {
    reason: &'static str,
    detail: String,
    missing_bps: Option<f64>,
    missing_lamports: Option<i128>,
}

impl From<Obstacle> for PyObstacle {
    fn from(obstacle: Obstacle) -> Self {
        let Obstacle { reason, detail, missing_bps, missing_lamports } = obstacle;
        Self { reason, detail, missing_bps, missing_lamports }
    }
}

/// What becomes of a cycle now.
#[pyclass(name = "Explanation", module = "phantom_core", frozen, get_all)]
pub struct PyExplanation {
    stage: Option<&'static str>,
    obstacles: Vec<PyObstacle>,
    base_mint: String,
    slot: u64,
    route: Vec<PyStep>,
    hops: Vec<PyHop>,
    spot_gain_bps: Option<f64>,
    margin_bps: Option<f64>,
    amount_in: Option<u64>,
    gross_profit: Option<u64>,
    cost: Option<u64>,
    net_profit: Option<i128>,
    age_slots: Option<u64>,
    depth_bps: Option<u32>,
    volatility_bps: Option<u32>,
    competition_e4: Option<u16>,
    agreement_e4: Option<u16>,
    token_flags: Option<Vec<&'static str>>,
    landing_e4: Option<u16>,
    gross_profit_lamports: Option<u64>,
    score: Option<f64>,
    expected_value_lamports: Option<i64>,
}

fn edges_of(engine: &Engine, hops: &[(String, bool)]) -> PyResult<Vec<EdgeIndex>> {
    let market = engine.market();
    hops.iter()
        .map(|(pool, a_to_b)| {
            let address = parse_pubkey("pool", pool)?;
            let index = market.pool_index(&address);
            let index =
                index.ok_or_else(|| errors::invalid(format!("pool {address} is not in the market")))?;
            Ok(edge_of(index, *a_to_b))
        })
        .collect()
}

/// Returns what becomes of the cycle with these hops.
pub fn explain(engine: &mut Engine, hops: &[(String, bool)]) -> PyResult<PyExplanation> {
    let edges = edges_of(engine, hops)?;
    let told = engine.explain(&edges).map_err(|error| errors::invalid(error.to_string()))?;
    let market = engine.market();
    let Explanation { edges, base_mint, slot, reached, obstacles, margin_bps, hops, prospect, assessment } =
        told;
    let candidate = prospect.map(|prospect| prospect.candidate);
    let context = prospect.map(|prospect| prospect.context);
    Ok(PyExplanation {
        stage: reached.map(crate::engine::Stage::name),
        obstacles: obstacles.into_iter().map(PyObstacle::from).collect(),
        base_mint: market.mint(base_mint).to_string(),
        slot,
        route: steps_of(market, edges.into_iter()),
        hops: hops_of(market, &hops, None),
        spot_gain_bps: margin_bps.map(|(spot, _)| spot),
        margin_bps: margin_bps.map(|(_, margin)| margin),
        amount_in: candidate.map(|candidate| candidate.amount_in),
        gross_profit: candidate.map(|candidate| candidate.gross_profit),
        cost: candidate.map(|candidate| candidate.cost),
        net_profit: candidate.map(|candidate| candidate.net_profit()),
        age_slots: candidate.map(|candidate| candidate.age_slots),
        depth_bps: context.map(|context| context.depth_bps),
        volatility_bps: context.map(|context| context.volatility_bps),
        competition_e4: context.map(|context| context.competition.e4()),
        agreement_e4: context.map(|context| context.agreement.e4()),
        token_flags: context.map(|context| context.token_flags.names().collect()),
        landing_e4: context.map(|context| context.landing.e4()),
        gross_profit_lamports: prospect.map(|prospect| prospect.stakes.gross_profit_lamports),
        score: assessment.map(|assessment| assessment.score),
        expected_value_lamports: assessment.map(|assessment| assessment.expected_value_lamports),
    })
}

/// Adds this file's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, PyObstacle, PyExplanation);
    Ok(())
}
