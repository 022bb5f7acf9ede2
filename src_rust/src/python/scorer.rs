//! Binding of the scorer: one candidate, or columns of candidates.

use std::sync::{Mutex, MutexGuard, PoisonError};

use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;

use super::errors;
use crate::scorer::{Candidate, Reason, ScorerConfig, SignalScorer};

/// One Python string per reason, made once.
fn interned(py: Python<'_>, reason: Reason) -> &Bound<'_, PyString> {
    static NAMES: PyOnceLock<[Py<PyString>; Reason::ALL.len()]> = PyOnceLock::new();
    let names =
        NAMES.get_or_init(py, || Reason::ALL.map(|reason| PyString::intern(py, reason.name()).unbind()));
    names[reason as usize].bind(py)
}

type Columns<'py> = (Bound<'py, PyArray1<u16>>, Bound<'py, PyArray1<f64>>);

/// Judges candidates and counts reasons.
#[pyclass(name = "SignalScorer", module = "phantom_core", frozen)]
pub struct PySignalScorer(Mutex<SignalScorer>);

impl PySignalScorer {
    fn lock(&self) -> MutexGuard<'_, SignalScorer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl PySignalScorer {
    #[new]
    #[pyo3(signature = (*, min_net_profit_lamports=10_000, min_net_bps=0.0, max_age_slots=8))]
    fn new(min_net_profit_lamports: u64, min_net_bps: f64, max_age_slots: u64) -> PyResult<Self> {
        if !min_net_bps.is_finite() {
            return Err(errors::invalid(format!("min_net_bps is {min_net_bps}; it must be finite")));
        }
        let config = ScorerConfig { min_net_profit_lamports, min_net_bps, max_age_slots };
        Ok(Self(Mutex::new(SignalScorer::new(config))))
    }

    #[pyo3(signature = (amount_in, gross_profit, cost, min_net_profit, age_slots=0))]
    fn score<'py>(
        &self,
        py: Python<'py>,
        amount_in: u64,
        gross_profit: u64,
        cost: u64,
        min_net_profit: u64,
        age_slots: u64,
    ) -> PyResult<Vec<&'py Bound<'py, PyString>>> {
        if amount_in == 0 {
            return Err(errors::invalid("amount_in is 0; a candidate puts in at least 1 base unit".into()));
        }
        let candidate = Candidate { amount_in, gross_profit, cost, min_net_profit, age_slots };
        let reasons = self.lock().score(&candidate);
        Ok(reasons.iter().map(|reason| interned(py, reason)).collect())
    }

    #[expect(clippy::needless_pass_by_value, reason = "extracted Python arguments")]
    fn score_batch<'py>(
        &self,
        py: Python<'py>,
        amount_in: PyReadonlyArray1<'py, u64>,
        gross_profit: PyReadonlyArray1<'py, u64>,
        cost: PyReadonlyArray1<'py, u64>,
        min_net_profit: PyReadonlyArray1<'py, u64>,
        age_slots: PyReadonlyArray1<'py, u64>,
    ) -> PyResult<Columns<'py>> {
        let contiguous = |_| errors::invalid("columns must be contiguous arrays of uint64".into());
        let columns = [
            amount_in.as_slice().map_err(contiguous)?,
            gross_profit.as_slice().map_err(contiguous)?,
            cost.as_slice().map_err(contiguous)?,
            min_net_profit.as_slice().map_err(contiguous)?,
            age_slots.as_slice().map_err(contiguous)?,
        ];
        let rows = columns[0].len();
        if columns.iter().any(|column| column.len() != rows) {
            let lengths = columns.map(<[u64]>::len);
            return Err(errors::invalid(format!("columns have different lengths: {lengths:?}")));
        }
        if let Some(row) = columns[0].iter().position(|&amount| amount == 0) {
            return Err(errors::invalid(format!(
                "amount_in is 0 in row {row}; it must be at least 1 base unit"
            )));
        }
        let (bits, net_bps) = py.detach(|| {
            let mut scorer = self.lock();
            (0..rows)
                .map(|row| {
                    let candidate = Candidate {
                        amount_in: columns[0][row],
                        gross_profit: columns[1][row],
                        cost: columns[2][row],
                        min_net_profit: columns[3][row],
                        age_slots: columns[4][row],
                    };
                    (scorer.score(&candidate).bits(), candidate.net_bps())
                })
                .unzip::<u16, f64, Vec<_>, Vec<_>>()
        });
        Ok((PyArray1::from_vec(py, bits), PyArray1::from_vec(py, net_bps)))
    }

    #[getter]
    fn go(&self) -> u64 {
        self.lock().go_count()
    }

    #[getter]
    fn reasons(&self) -> Vec<(&'static str, u64)> {
        self.lock().counts().map(|(reason, count)| (reason.name(), count)).collect()
    }

    #[staticmethod]
    fn reason_names() -> Vec<&'static str> {
        Reason::ALL.map(Reason::name).to_vec()
    }
}

/// Adds this file's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, PySignalScorer);
    Ok(())
}
