//! Binding of the scorer: one candidate or prospect, or columns of them.

mod columns;
mod landing;
pub(super) mod prospect;
mod tick;

use std::sync::{Mutex, MutexGuard, PoisonError};

use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict as _, PyDict, PyString, PyTuple};

use super::errors;
use crate::scorer::{Candidate, Reason, ScorerConfig, Share, SignalScorer, TokenFlags};
use columns::{Given, batch_error};
pub(super) use landing::PyLandingModel;
use prospect::{PyAssessment, PyProspect};
use tick::PyTick;
use tick::PyTickRule;

/// One Python string per reason, made once.
pub(super) fn interned(py: Python<'_>, reason: Reason) -> &Bound<'_, PyString> {
    static NAMES: PyOnceLock<[Py<PyString>; Reason::ALL.len()]> = PyOnceLock::new();
    let names =
        NAMES.get_or_init(py, || Reason::ALL.map(|reason| PyString::intern(py, reason.name()).unbind()));
    names[reason as usize].bind(py)
}

type ScoreColumns<'py> = (Bound<'py, PyArray1<u32>>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<i64>>);

/// Returns a share of 0 to 10,000 parts.
pub(super) fn share(name: &str, e4: u16) -> PyResult<Share> {
    Share::new(e4).ok_or_else(|| errors::invalid(format!("{name} is {e4}; it may be 0 to 10000")))
}

/// Returns token flags of these bits.
pub(super) fn flags(name: &str, bits: u8) -> PyResult<TokenFlags> {
    TokenFlags::new(bits).ok_or_else(|| errors::invalid(format!("{name} is {bits}; it may be 0 to 7")))
}

/// Returns the names of token flags.
pub(super) fn flag_names(py: Python<'_>, flags: TokenFlags) -> PyResult<Bound<'_, PyTuple>> {
    PyTuple::new(py, flags.names().map(|name| PyString::intern(py, name)).collect::<Vec<_>>())
}

#[pyfunction]
fn token_flag_bits(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    TokenFlags::NAMED.map(|(name, flag)| (name, flag.bits())).into_py_dict(py)
}

/// The thresholds as keyword arguments give them; `None`: off.
pub(super) struct Thresholds {
    pub min_net_profit_lamports: u64,
    pub min_net_bps: f64,
    pub max_age_slots: u64,
    pub max_depth_bps: Option<u32>,
    pub max_volatility_bps: Option<u32>,
    pub max_competition_e4: u16,
    pub min_agreement_e4: u16,
    pub refused_flags: u8,
    pub min_landing_e4: u16,
    pub min_expected_value_lamports: Option<i64>,
}

impl Thresholds {
    /// Returns them as the core has them.
    pub fn config(&self) -> PyResult<ScorerConfig> {
        let min_net_bps = self.min_net_bps;
        if !min_net_bps.is_finite() {
            return Err(errors::invalid(format!("min_net_bps is {min_net_bps}; it must be finite")));
        }
        let off = ScorerConfig::default();
        Ok(ScorerConfig {
            min_net_profit_lamports: self.min_net_profit_lamports,
            min_net_bps,
            max_age_slots: self.max_age_slots,
            max_depth_bps: self.max_depth_bps.unwrap_or(off.max_depth_bps),
            max_volatility_bps: self.max_volatility_bps.unwrap_or(off.max_volatility_bps),
            max_competition: share("max_competition_e4", self.max_competition_e4)?,
            min_agreement: share("min_agreement_e4", self.min_agreement_e4)?,
            refused_flags: flags("refused_flags", self.refused_flags)?,
            min_landing: share("min_landing_e4", self.min_landing_e4)?,
            min_expected_value_lamports: self
                .min_expected_value_lamports
                .unwrap_or(off.min_expected_value_lamports),
        })
    }
}

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
    #[pyo3(signature = (*, min_net_profit_lamports=10_000, min_net_bps=0.0, max_age_slots=8,
        max_depth_bps=None, max_volatility_bps=None, max_competition_e4=10_000, min_agreement_e4=0,
        refused_flags=0, min_landing_e4=0, min_expected_value_lamports=None))]
    #[expect(clippy::too_many_arguments, reason = "keyword-only settings")]
    fn new(
        min_net_profit_lamports: u64,
        min_net_bps: f64,
        max_age_slots: u64,
        max_depth_bps: Option<u32>,
        max_volatility_bps: Option<u32>,
        max_competition_e4: u16,
        min_agreement_e4: u16,
        refused_flags: u8,
        min_landing_e4: u16,
        min_expected_value_lamports: Option<i64>,
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
        Ok(Self(Mutex::new(SignalScorer::new(thresholds.config()?))))
    }

    fn assess(&self, prospect: &PyProspect) -> PyAssessment {
        let mut scorer = self.lock();
        let found = scorer.assess(&prospect.inner);
        scorer.count(found.reasons);
        PyAssessment(found)
    }

    fn assess_batch<'py>(&self, py: Python<'py>, columns: &Bound<'py, PyAny>) -> PyResult<ScoreColumns<'py>> {
        let given = Given::extract(columns)?;
        let columns = given.columns();
        let found = py.detach(|| self.lock().assess_batch(&columns)).map_err(|error| batch_error(&error))?;
        Ok((
            PyArray1::from_vec(py, found.reasons),
            PyArray1::from_vec(py, found.scores),
            PyArray1::from_vec(py, found.expected_values),
        ))
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
    add_classes!(m, PySignalScorer, PyProspect, PyAssessment, PyLandingModel, PyTick, PyTickRule);
    m.add_function(wrap_pyfunction!(token_flag_bits, m)?)?;
    Ok(())
}
