//! Binding of the first look at quotes.

use numpy::PyArray1;
use pyo3::prelude::*;

use crate::python::arguments::readable;
use crate::python::errors;
use crate::scorer::{Tick, TickRule};

/// One quote.
#[pyclass(name = "Tick", module = "phantom_core", frozen)]
pub struct PyTick(Tick);

#[pymethods]
impl PyTick {
    #[new]
    #[expect(clippy::too_many_arguments, reason = "the fields of a quote")]
    fn new(
        spread_bps: f64,
        fee_bps: f64,
        slippage_bps: f64,
        tip_lamports: f64,
        volatility: f64,
        liquidity: f64,
        size: f64,
        age_ms: f64,
        inventory: f64,
        hit_rate: f64,
    ) -> Self {
        Self(Tick {
            spread_bps,
            fee_bps,
            slippage_bps,
            tip_lamports,
            volatility,
            liquidity,
            size,
            age_ms,
            inventory,
            hit_rate,
        })
    }
}

/// Thresholds of a first look.
#[pyclass(name = "TickRule", module = "phantom_core", frozen)]
pub struct PyTickRule(TickRule);

#[pymethods]
impl PyTickRule {
    #[new]
    #[pyo3(signature = (*, min_edge_bps=1.0, min_net=0.0, max_impact=0.01, max_age_ms=400.0,
        max_volatility=0.015, max_inventory=90.0))]
    fn new(
        min_edge_bps: f64,
        min_net: f64,
        max_impact: f64,
        max_age_ms: f64,
        max_volatility: f64,
        max_inventory: f64,
    ) -> PyResult<Self> {
        let given = [
            ("min_edge_bps", min_edge_bps),
            ("min_net", min_net),
            ("max_impact", max_impact),
            ("max_age_ms", max_age_ms),
            ("max_volatility", max_volatility),
            ("max_inventory", max_inventory),
        ];
        if let Some((name, value)) = given.into_iter().find(|(_, value)| value.is_nan()) {
            return Err(errors::invalid(format!("{name} is {value}; it must be a number")));
        }
        Ok(Self(TickRule { min_edge_bps, min_net, max_impact, max_age_ms, max_volatility, max_inventory }))
    }

    fn score(&self, tick: &PyTick) -> f64 {
        self.0.score(&tick.0)
    }

    #[expect(clippy::needless_pass_by_value, reason = "extracted Python arguments")]
    fn score_batch<'py>(
        &self,
        py: Python<'py>,
        columns: [Bound<'py, PyArray1<f64>>; 10],
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let readable = |column| readable("a column", column);
        let columns = columns.iter().map(readable).collect::<PyResult<Vec<_>>>()?;
        let mut slices: [&[f64]; 10] = [&[]; 10];
        for (slice, column) in slices.iter_mut().zip(&columns) {
            *slice = column.as_slice();
        }
        let rows = slices[0].len();
        if let Some(number) = slices.iter().position(|slice| slice.len() != rows) {
            let found = slices[number].len();
            return Err(errors::invalid(format!("column {number} has {found} rows, column 0 has {rows}")));
        }
        let scores = py.detach(|| self.0.score_batch(&slices));
        Ok(PyArray1::from_vec(py, scores))
    }
}
