//! The joint solver on plain `NumPy` arrays.

use numpy::PyArray1;
use pyo3::prelude::*;

use super::arguments::{floats, integers};
use super::errors;
use crate::routing::{Network, Objective, Solution, Solver};

#[pyclass(frozen, module = "phantom_core")]
struct RoutingSolution {
    #[pyo3(get)]
    a_to_b: Py<PyArray1<bool>>,
    #[pyo3(get)]
    amount_in: Py<PyArray1<f64>>,
    #[pyo3(get)]
    amount_out: Py<PyArray1<f64>>,
    #[pyo3(get)]
    prices: Py<PyArray1<f64>>,
    #[pyo3(get)]
    value: f64,
    #[pyo3(get)]
    bound: f64,
    #[pyo3(get)]
    iterations: u32,
    #[pyo3(get)]
    converged: bool,
}

#[pymethods]
impl RoutingSolution {
    fn __repr__(&self) -> String {
        let Self { value, bound, iterations, .. } = self;
        let converged = if self.converged { "True" } else { "False" };
        format!(
            "RoutingSolution(value={value}, bound={bound}, iterations={iterations}, converged={converged})"
        )
    }
}

impl RoutingSolution {
    fn new(py: Python<'_>, solution: &Solution) -> Self {
        let flows = &solution.flows;
        Self {
            a_to_b: PyArray1::from_iter(py, flows.iter().map(|flow| flow.a_to_b)).unbind(),
            amount_in: PyArray1::from_iter(py, flows.iter().map(|flow| flow.amount_in)).unbind(),
            amount_out: PyArray1::from_iter(py, flows.iter().map(|flow| flow.amount_out)).unbind(),
            prices: PyArray1::from_slice(py, &solution.prices).unbind(),
            value: solution.value,
            bound: solution.bound,
            iterations: solution.iterations,
            converged: solution.converged,
        }
    }
}

/// The columns of a table of constant-product pools.
struct Pools {
    mints: usize,
    mint_a: Vec<u32>,
    mint_b: Vec<u32>,
    reserve_a: Vec<f64>,
    reserve_b: Vec<f64>,
    fee: Vec<f64>,
}

impl Pools {
    fn new(
        n_mints: i64,
        mint_a: &Bound<'_, PyAny>,
        mint_b: &Bound<'_, PyAny>,
        reserve_a: &Bound<'_, PyAny>,
        reserve_b: &Bound<'_, PyAny>,
        fee: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let mints = u32::try_from(n_mints)
            .map_err(|_| errors::invalid(format!("n_mints is {n_mints}; it may be 0 to {}", u32::MAX)))?;
        let mint_a = indices("mint_a", mint_a)?;
        let fee = match fee.extract::<f64>() {
            Ok(fee) => vec![fee; mint_a.len()],
            Err(_) => floats("fee", fee)?,
        };
        let pools = Self {
            mints: mints as usize,
            mint_b: indices("mint_b", mint_b)?,
            reserve_a: floats("reserve_a", reserve_a)?,
            reserve_b: floats("reserve_b", reserve_b)?,
            mint_a,
            fee,
        };
        let lengths = [
            ("mint_b", pools.mint_b.len()),
            ("reserve_a", pools.reserve_a.len()),
            ("reserve_b", pools.reserve_b.len()),
            ("fee", pools.fee.len()),
        ];
        let expected = pools.mint_a.len();
        match lengths.into_iter().find(|(_, length)| *length != expected) {
            Some((name, length)) => {
                Err(errors::invalid(format!("{name} has length {length}, mint_a has {expected}")))
            }
            None => Ok(pools),
        }
    }

    fn solve(&self, py: Python<'_>, objective: Objective<'_>) -> PyResult<RoutingSolution> {
        let solution = py.detach(|| {
            let mut network = Network::new(self.mints);
            for pool in 0..self.mint_a.len() {
                network.push_constant_product(
                    [self.mint_a[pool], self.mint_b[pool]],
                    [self.reserve_a[pool], self.reserve_b[pool]],
                    self.fee[pool],
                )?;
            }
            Solver::new().solve(&network, objective)
        });
        let solution = solution.map_err(|error| errors::invalid(error.to_string()))?;
        Ok(RoutingSolution::new(py, &solution))
    }
}

#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "one per column of the user's table")]
fn solve_arbitrage(
    py: Python<'_>,
    n_mints: i64,
    mint_a: &Bound<'_, PyAny>,
    mint_b: &Bound<'_, PyAny>,
    reserve_a: &Bound<'_, PyAny>,
    reserve_b: &Bound<'_, PyAny>,
    fee: &Bound<'_, PyAny>,
    values: &Bound<'_, PyAny>,
) -> PyResult<RoutingSolution> {
    let pools = Pools::new(n_mints, mint_a, mint_b, reserve_a, reserve_b, fee)?;
    let values = floats("values", values)?;
    pools.solve(py, Objective::Arbitrage { values: &values })
}

#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "one per column of the user's table")]
fn solve_trade(
    py: Python<'_>,
    n_mints: i64,
    mint_a: &Bound<'_, PyAny>,
    mint_b: &Bound<'_, PyAny>,
    reserve_a: &Bound<'_, PyAny>,
    reserve_b: &Bound<'_, PyAny>,
    fee: &Bound<'_, PyAny>,
    mint_in: i64,
    mint_out: i64,
    amount_in: f64,
) -> PyResult<RoutingSolution> {
    let pools = Pools::new(n_mints, mint_a, mint_b, reserve_a, reserve_b, fee)?;
    let (mint_in, mint_out) = (index("mint_in", mint_in)?, index("mint_out", mint_out)?);
    pools.solve(py, Objective::Trade { mint_in, mint_out, amount_in })
}

fn index(name: &str, value: i64) -> PyResult<u32> {
    u32::try_from(value).map_err(|_| errors::invalid(format!("{name} is mint {value}; mints begin at 0")))
}

fn indices(name: &str, array: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    integers(name, array)?.into_iter().map(|value| index(name, value)).collect()
}

/// Adds this file's names to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, RoutingSolution);
    m.add_function(wrap_pyfunction!(solve_arbitrage, m)?)?;
    m.add_function(wrap_pyfunction!(solve_trade, m)?)
}
