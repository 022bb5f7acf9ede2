//! Columns of quotes.

use numpy::PyArray1;
use pyo3::prelude::*;

use crate::market::{BatchError, QuoteBatch};

/// One row for each amount asked.
#[pyclass(name = "QuoteBatch", module = "phantom_core", frozen, get_all)]
pub struct PyQuoteBatch {
    amount_in: Py<PyArray1<u64>>,
    amount_out: Py<PyArray1<u64>>,
    fee: Py<PyArray1<u64>>,
    error: Py<PyArray1<u16>>,
    ok: Py<PyArray1<bool>>,
    errors: Vec<BatchError>,
    rows: usize,
    failed: usize,
}

impl PyQuoteBatch {
    /// Hands the columns to `NumPy`.
    pub fn new(py: Python<'_>, batch: QuoteBatch) -> Self {
        let ok: Vec<bool> = batch.error.iter().map(|&error| error == 0).collect();
        Self {
            rows: ok.len(),
            failed: ok.iter().filter(|ok| !**ok).count(),
            amount_in: PyArray1::from_vec(py, batch.amount_in).unbind(),
            amount_out: PyArray1::from_vec(py, batch.amount_out).unbind(),
            fee: PyArray1::from_vec(py, batch.fee).unbind(),
            error: PyArray1::from_vec(py, batch.error).unbind(),
            ok: PyArray1::from_vec(py, ok).unbind(),
            errors: batch.errors,
        }
    }
}

#[pymethods]
impl PyQuoteBatch {
    fn __len__(&self) -> usize {
        self.rows
    }

    fn __repr__(&self) -> String {
        let names: Vec<&str> = self.errors.iter().skip(1).map(|(name, _)| *name).collect();
        format!("QuoteBatch({} rows, {} failed, errors={names:?})", self.rows, self.failed)
    }
}
