//! Prospects and what the scorer says of them.

use pyo3::prelude::*;
use pyo3::types::PyString;

use super::{flags, interned, share};
use crate::python::errors;
use crate::scorer::{Assessment, Candidate, Context, Prospect, Stakes};

/// A candidate with its context.
#[pyclass(name = "Prospect", module = "phantom_core", frozen)]
pub struct PyProspect {
    pub(super) inner: Prospect,
}

#[pymethods]
impl PyProspect {
    #[new]
    #[pyo3(signature = (amount_in, gross_profit, cost, min_net_profit=0, age_slots=0, *,
        gross_profit_lamports=None, tip_lamports=None, fee_lamports=None, failure_lamports=0,
        depth_bps=0, volatility_bps=0, competition_e4=0, agreement_e4=10_000, landing_e4=10_000,
        token_flags=0))]
    #[expect(clippy::too_many_arguments, reason = "mostly keyword-only")]
    fn new(
        amount_in: u64,
        gross_profit: u64,
        cost: u64,
        min_net_profit: u64,
        age_slots: u64,
        gross_profit_lamports: Option<u64>,
        tip_lamports: Option<u64>,
        fee_lamports: Option<u64>,
        failure_lamports: u64,
        depth_bps: u32,
        volatility_bps: u32,
        competition_e4: u16,
        agreement_e4: u16,
        landing_e4: u16,
        token_flags: u8,
    ) -> PyResult<Self> {
        if amount_in == 0 {
            return Err(errors::invalid("amount_in is 0; a prospect puts in at least 1 base unit".into()));
        }
        if tip_lamports.is_some() && fee_lamports.is_none() {
            return Err(errors::invalid("fee_lamports is missing: tip_lamports is there".into()));
        }
        let candidate = Candidate { amount_in, gross_profit, cost, min_net_profit, age_slots };
        let context = Context {
            depth_bps,
            volatility_bps,
            competition: share("competition_e4", competition_e4)?,
            agreement: share("agreement_e4", agreement_e4)?,
            token_flags: flags("token_flags", token_flags)?,
            landing: share("landing_e4", landing_e4)?,
        };
        let stakes = Stakes {
            gross_profit_lamports: gross_profit_lamports.unwrap_or(gross_profit),
            tip_lamports: tip_lamports.unwrap_or(0),
            fee_lamports: fee_lamports.unwrap_or(cost),
            failure_lamports,
        };
        Ok(Self { inner: Prospect { candidate, context, stakes } })
    }

    fn __repr__(&self) -> String {
        let Candidate { amount_in, gross_profit, cost, .. } = self.inner.candidate;
        format!("Prospect(amount_in={amount_in}, gross_profit={gross_profit}, cost={cost})")
    }
}

/// Verdict, reasons, rank and expected value.
#[pyclass(name = "Assessment", module = "phantom_core", frozen)]
pub struct PyAssessment(pub(super) Assessment);

#[pymethods]
impl PyAssessment {
    #[getter]
    fn is_go(&self) -> bool {
        self.0.reasons.is_go()
    }

    #[getter]
    fn reasons<'py>(&self, py: Python<'py>) -> Vec<&'py Bound<'py, PyString>> {
        self.0.reasons.iter().map(|reason| interned(py, reason)).collect()
    }

    #[getter]
    fn reason_bits(&self) -> u32 {
        self.0.reasons.bits()
    }

    #[getter]
    fn score(&self) -> f64 {
        self.0.score
    }

    #[getter]
    fn expected_value_lamports(&self) -> i64 {
        self.0.expected_value_lamports
    }

    fn __repr__(&self) -> String {
        let Assessment { reasons, score, expected_value_lamports } = self.0;
        let reasons: Vec<_> = reasons.iter().map(crate::scorer::Reason::name).collect();
        format!(
            "Assessment(reasons={reasons:?}, score={score}, expected_value_lamports={expected_value_lamports})"
        )
    }
}
