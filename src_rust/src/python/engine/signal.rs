//! Signals and fills as Python sees them.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::cycle_finder::edge_of;
use crate::engine::{Engine, Hop, Signal};
use crate::market::Market;
use crate::plans::PlannedHop;
use crate::python::market::parse_pubkey;
use crate::python::scorer::flag_names;
use crate::quantities::Pubkey;

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

impl From<&PlannedHop> for PyHop {
    fn from(hop: &PlannedHop) -> Self {
        Self {
            pool: hop.pool.to_string(),
            mint_in: hop.mint_in.to_string(),
            mint_out: hop.mint_out.to_string(),
            amount_in: hop.amount_in,
            amount_out: hop.amount_out,
        }
    }
}

impl PyHop {
    /// Returns the pool and the mint paid to it.
    pub fn ends(&self) -> PyResult<(Pubkey, Pubkey)> {
        Ok((parse_pubkey("pool", &self.pool)?, parse_pubkey("mint_in", &self.mint_in)?))
    }
}

/// A cycle worth trading.
#[pyclass(name = "Signal", module = "phantom_core", frozen)]
pub struct PySignal {
    pub(super) inner: Signal,
    /// The engine that gave it: a signal means nothing to another one.
    pub(super) engine: u64,
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
        self.inner.fees.network
    }

    #[getter]
    fn priority_fee_lamports(&self) -> u64 {
        self.inner.fees.priority
    }

    #[getter]
    fn tip_lamports(&self) -> u64 {
        self.inner.fees.tip
    }

    #[getter]
    fn compute_unit_limit(&self) -> u64 {
        self.inner.fees.compute_unit_limit
    }

    #[getter]
    fn compute_unit_price_micro_lamports(&self) -> u64 {
        self.inner.fees.compute_unit_price_micro_lamports
    }

    #[getter]
    fn priced_accounts(&self) -> Vec<String> {
        self.inner.priced_accounts.iter().map(ToString::to_string).collect()
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
    fn expected_value_lamports(&self) -> i64 {
        self.inner.expected_value_lamports
    }

    #[getter]
    fn landing_e4(&self) -> u16 {
        self.inner.context.landing.e4()
    }

    #[getter]
    fn depth_bps(&self) -> u32 {
        self.inner.context.depth_bps
    }

    #[getter]
    fn volatility_bps(&self) -> u32 {
        self.inner.context.volatility_bps
    }

    #[getter]
    fn competition_e4(&self) -> u16 {
        self.inner.context.competition.e4()
    }

    #[getter]
    fn agreement_e4(&self) -> u16 {
        self.inner.context.agreement.e4()
    }

    #[getter]
    fn token_flags<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        flag_names(py, self.inner.context.token_flags)
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

impl PyFill {
    /// `amounts` holds the input and the output of every hop.
    pub(super) fn new(market: &Market, signal: &Signal, amounts: &[u64]) -> Self {
        Self {
            amount_in: amounts[0],
            amount_out: amounts[amounts.len() - 1],
            hops: hops_of(market, &signal.hops, Some(amounts)),
        }
    }
}

pub(super) fn hops_of(market: &Market, hops: &[Hop], amounts: Option<&[u64]>) -> Vec<PyHop> {
    hops.iter()
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

/// Turns signals into what Python sees.
pub(super) fn export(engine: &Engine, id: u64, signals: Vec<Signal>) -> Vec<PySignal> {
    signals
        .into_iter()
        .map(|inner| PySignal {
            engine: id,
            base_mint: engine.market().mint(inner.base_mint).to_string(),
            hops: hops_of(engine.market(), &inner.hops, None),
            inner,
        })
        .collect()
}
