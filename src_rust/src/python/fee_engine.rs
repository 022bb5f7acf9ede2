//! Binding of the fee engine.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::{arguments, errors};
use crate::engine::SharedFeeEngine;
use crate::fee_engine::{
    self, FLOOR_PERCENTILES, FeeConfig, FeeEngine, FeeError, HopUnits, LimitBasis, LimitEstimate, PriceBasis,
    PriceEstimate, PriorityAttempt, TipQuote,
};

/// A compute unit price and why.
#[pyclass(name = "PriceEstimate", module = "phantom_core", frozen, get_all)]
pub struct PyPriceEstimate {
    price_micro_lamports: u64,
    asked_percentile: f64,
    used_percentile: f64,
    basis: &'static str,
    account: Option<usize>,
    samples: usize,
    is_beyond_history: bool,
    is_capped: bool,
}

impl From<PriceEstimate> for PyPriceEstimate {
    fn from(found: PriceEstimate) -> Self {
        let (basis, account) = match found.basis {
            PriceBasis::Account(place) => ("account", Some(place)),
            PriceBasis::Blocks => ("blocks", None),
            PriceBasis::Cold => ("cold", None),
        };
        Self {
            price_micro_lamports: found.price_micro_lamports,
            asked_percentile: f64::from(found.asked_bps) / 100.0,
            used_percentile: f64::from(found.used_bps) / 100.0,
            basis,
            account,
            samples: found.samples,
            is_beyond_history: found.is_beyond_history,
            is_capped: found.is_capped,
        }
    }
}

#[pymethods]
impl PyPriceEstimate {
    fn __repr__(&self) -> String {
        format!(
            "PriceEstimate(price_micro_lamports={}, asked_percentile={}, used_percentile={}, basis='{}', samples={})",
            self.price_micro_lamports, self.asked_percentile, self.used_percentile, self.basis, self.samples
        )
    }
}

/// A compute unit limit and why.
#[pyclass(name = "LimitEstimate", module = "phantom_core", frozen, get_all)]
pub struct PyLimitEstimate {
    compute_unit_limit: u32,
    learned_units: u64,
    basis: &'static str,
    is_capped: bool,
}

impl From<LimitEstimate> for PyLimitEstimate {
    fn from(found: LimitEstimate) -> Self {
        let basis = match found.basis {
            LimitBasis::Learned => "learned",
            LimitBasis::Cold => "cold",
        };
        Self {
            compute_unit_limit: found.compute_unit_limit,
            learned_units: found.learned_units,
            basis,
            is_capped: found.is_capped,
        }
    }
}

#[pymethods]
impl PyLimitEstimate {
    fn __repr__(&self) -> String {
        format!(
            "LimitEstimate(compute_unit_limit={}, learned_units={}, basis='{}')",
            self.compute_unit_limit, self.learned_units, self.basis
        )
    }
}

/// A tip and why.
#[pyclass(name = "TipQuote", module = "phantom_core", frozen, get_all)]
pub struct PyTipQuote {
    tip_lamports: Option<u64>,
    bound: &'static str,
    floor_lamports: Option<u64>,
    shaded_lamports: Option<u64>,
    cap_lamports: u64,
    win_probability: Option<f64>,
    is_exploring: bool,
}

impl From<TipQuote> for PyTipQuote {
    fn from(found: TipQuote) -> Self {
        Self {
            tip_lamports: found.tip_lamports,
            bound: found.bound.name(),
            floor_lamports: found.floor_lamports,
            shaded_lamports: found.shaded_lamports,
            cap_lamports: found.cap_lamports,
            win_probability: found.win_probability,
            is_exploring: found.is_exploring,
        }
    }
}

#[pymethods]
impl PyTipQuote {
    fn __repr__(&self) -> String {
        let tip = self.tip_lamports.map_or_else(|| "None".to_owned(), |tip| tip.to_string());
        format!("TipQuote(tip_lamports={tip}, bound='{}', cap_lamports={})", self.bound, self.cap_lamports)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
pub(super) fn fee_error(error: FeeError) -> PyErr {
    errors::invalid(error.to_string())
}

/// Returns a percentile in 1/10,000, rounded; the core says what it may be.
pub(super) fn percentile(value: f64) -> PyResult<u32> {
    let bps = (value * 100.0).round();
    if !(1.0..=9_999.0).contains(&bps) {
        return Err(errors::invalid(format!("percentile is {value}; it may be 0.01 to 99.99")));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 9,999")]
    let bps = bps as u32;
    Ok(bps)
}

/// Learns from slots, simulations and own attempts; answers with prices, limits and tips.
#[pyclass(name = "FeeEngine", module = "phantom_core", frozen)]
pub struct PyFeeEngine(SharedFeeEngine);

impl PyFeeEngine {
    pub(super) fn of(shared: &SharedFeeEngine) -> Self {
        Self(Arc::clone(shared))
    }

    pub(super) fn shared(&self) -> SharedFeeEngine {
        Arc::clone(&self.0)
    }

    fn lock(&self) -> MutexGuard<'_, FeeEngine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sets the fields of the settings that are named.
macro_rules! settings {
    ($config:ident, $given:ident, $($field:ident),* $(,)?) => {
        for (name, value) in $given.iter() {
            let name = name.cast_into::<PyString>()?;
            match &*name.to_cow()? {
                $(stringify!($field) => $config.$field = value.extract().map_err(|_| {
                    errors::invalid(format!("{} is {}; a whole number of its range expected", stringify!($field), value))
                })?,)*
                other => return Err(errors::invalid(format!(
                    "there is no setting {other}; settings are {}", [$(stringify!($field)),*].join(", ")
                ))),
            }
        }
    };
}

#[pymethods]
impl PyFeeEngine {
    #[new]
    #[pyo3(signature = (**settings))]
    fn new(settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut config = FeeConfig::default();
        if let Some(given) = settings {
            settings!(
                config,
                given,
                window_slots,
                max_lead_slots,
                quorum,
                min_samples,
                max_accounts,
                max_sample_price,
                cold_price,
                min_price,
                max_price,
                congested_bps,
                learning_bps,
                half_life_slots,
                cold_compute_unit_limit,
                units_percentile_bps,
                units_margin_bps,
                min_tip_lamports,
                max_tip_lamports,
                max_tip_share_bps,
                cold_tip_lamports,
                floor_weight_bps,
                max_floor_step,
                floor_slots,
                explore_every,
                prior_attempts,
            );
        }
        Ok(Self(Arc::new(Mutex::new(FeeEngine::new(config).map_err(fee_error)?))))
    }

    #[getter]
    fn now(&self) -> u64 {
        self.lock().now()
    }

    #[getter]
    fn known_accounts(&self) -> usize {
        self.lock().known_accounts()
    }

    #[getter]
    fn fullness(&self) -> Option<f64> {
        self.lock().fullness_bps().map(|bps| f64::from(bps) / 1e4)
    }

    #[getter]
    fn tip_floor(&self) -> Option<Vec<(f64, u64)>> {
        let floor = self.lock().tip_floor()?;
        let percentiles = FLOOR_PERCENTILES.iter().map(|&bps| f64::from(bps) / 100.0);
        Some(percentiles.zip(floor.lamports).collect())
    }

    fn advance(&self, #[pyo3(from_py_with = arguments::slot)] slot: u64) -> PyResult<()> {
        self.lock().advance(slot).map_err(fee_error)
    }

    #[pyo3(signature = (account, samples, source=None))]
    fn observe_account(
        &self,
        account: &Bound<'_, PyAny>,
        samples: &Bound<'_, PyAny>,
        source: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<usize> {
        let account = arguments::address("account", account)?;
        let source = self::source(source)?;
        let samples = samples
            .try_iter()?
            .map(|sample| {
                let sample = sample?;
                let (slot, price) =
                    sample.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>().map_err(|_| {
                        errors::invalid(format!("samples: pairs of slot and price expected, found {sample}"))
                    })?;
                Ok((arguments::amount("slot", &slot)?, arguments::amount("price", &price)?))
            })
            .collect::<PyResult<Vec<_>>>()?;
        self.lock().observe_account(source, account, &samples).map_err(fee_error)
    }

    #[pyo3(signature = (slot, price_micro_lamports, fullness=None, source=None))]
    fn observe_block(
        &self,
        #[pyo3(from_py_with = arguments::slot)] slot: u64,
        #[pyo3(from_py_with = price_argument)] price_micro_lamports: u64,
        fullness: Option<f64>,
        source: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        let source = self::source(source)?;
        let fullness_bps = fullness.map(share_bps).transpose()?;
        self.lock().observe_block(source, slot, price_micro_lamports, fullness_bps).map_err(fee_error)
    }

    fn price(&self, accounts: &Bound<'_, PyAny>, percentile: f64) -> PyResult<PyPriceEstimate> {
        let bps = self::percentile(percentile)?;
        let accounts = accounts
            .try_iter()?
            .map(|account| arguments::address("accounts", &account?))
            .collect::<PyResult<Vec<_>>>()?;
        Ok(self.lock().price(&accounts, bps).map_err(fee_error)?.into())
    }

    #[pyo3(signature = (*, slot, percentile, estimated_price, paid_price, landed))]
    fn observe_priority(
        &self,
        #[pyo3(from_py_with = arguments::slot)] slot: u64,
        percentile: f64,
        #[pyo3(from_py_with = price_argument)] estimated_price: u64,
        #[pyo3(from_py_with = price_argument)] paid_price: u64,
        landed: bool,
    ) -> PyResult<bool> {
        let percentile_bps = self::percentile(percentile)?;
        let attempt = PriorityAttempt { slot, percentile_bps, estimated_price, paid_price, landed };
        self.lock().observe_priority(&attempt).map_err(fee_error)
    }

    fn observe_hop(
        &self,
        venue: &str,
        crossings: &Bound<'_, PyAny>,
        units: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let (crossings, units) = (small("crossings", crossings)?, small("units", units)?);
        self.lock().observe_hop(HopUnits { venue, crossings }, units).map_err(fee_error)
    }

    fn observe_overhead(&self, units: &Bound<'_, PyAny>) -> PyResult<()> {
        self.lock().observe_overhead(small("units", units)?).map_err(fee_error)
    }

    fn compute_unit_limit(&self, hops: &Bound<'_, PyAny>) -> PyResult<PyLimitEstimate> {
        let hops = hops
            .try_iter()?
            .map(|hop| {
                let hop = hop?;
                let (venue, crossings) = hop.extract::<(String, Bound<'_, PyAny>)>().map_err(|_| {
                    errors::invalid(format!("hops: pairs of venue and crossings expected, found {hop}"))
                })?;
                Ok((venue, small("crossings", &crossings)?))
            })
            .collect::<PyResult<Vec<_>>>()?;
        let hops: Vec<_> =
            hops.iter().map(|(venue, crossings)| HopUnits { venue, crossings: *crossings }).collect();
        Ok(self.lock().compute_unit_limit(&hops).into())
    }

    #[pyo3(signature = (slot, landed_tips_sol, ema_p50_sol=None))]
    fn observe_tip_floor(
        &self,
        #[pyo3(from_py_with = arguments::slot)] slot: u64,
        landed_tips_sol: &Bound<'_, PyTuple>,
        ema_p50_sol: Option<f64>,
    ) -> PyResult<()> {
        let sol = landed_tips_sol.extract::<[f64; 5]>().map_err(|_| {
            errors::invalid(
                "landed_tips_sol: five numbers expected, of percentiles 25, 50, 75, 95 and 99".into(),
            )
        })?;
        self.lock().observe_tip_floor(slot, sol, ema_p50_sol).map_err(fee_error)
    }

    fn tip(&self, value_lamports: &Bound<'_, PyAny>, attempt: &Bound<'_, PyAny>) -> PyResult<PyTipQuote> {
        let value = arguments::amount("value_lamports", value_lamports)?;
        let attempt = arguments::amount("attempt", attempt)?;
        Ok(self.lock().tip(value, attempt).into())
    }

    #[pyo3(signature = (*, slot, tip_lamports, landed))]
    fn observe_tip(
        &self,
        #[pyo3(from_py_with = arguments::slot)] slot: u64,
        tip_lamports: &Bound<'_, PyAny>,
        landed: bool,
    ) -> PyResult<bool> {
        let tip_lamports = arguments::amount("tip_lamports", tip_lamports)?;
        self.lock().observe_tip(slot, tip_lamports, landed).map_err(fee_error)
    }
}

/// Returns a share in 1/10,000, rounded.
fn share_bps(value: f64) -> PyResult<u32> {
    let bps = (value * 1e4).round();
    if !(0.0..=1e4).contains(&bps) {
        return Err(errors::invalid(format!("fullness is {value}; it may be 0 to 1")));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10,000")]
    let bps = bps as u32;
    Ok(bps)
}

fn price_argument(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    arguments::amount("a price", value)
}

/// Returns a number of 32 bits.
fn small(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<u32> {
    u32::try_from(arguments::amount(argument, value)?)
        .map_err(|_| errors::invalid(format!("{argument} is {value}; it may be 0 to {}", u32::MAX)))
}

/// Returns the number of a source; the core says what it may be.
fn source(value: Option<&Bound<'_, PyAny>>) -> PyResult<usize> {
    let number = value.map_or(Ok(0), |value| arguments::amount("source", value))?;
    Ok(usize::try_from(number).unwrap_or(usize::MAX))
}

#[pyfunction]
fn priority_fee_lamports(
    price_micro_lamports: &Bound<'_, PyAny>,
    compute_unit_limit: &Bound<'_, PyAny>,
) -> PyResult<u64> {
    let price = arguments::amount("price_micro_lamports", price_micro_lamports)?;
    let limit = arguments::amount("compute_unit_limit", compute_unit_limit)?;
    fee_engine::priority_fee_lamports(price, limit).map_err(fee_error)
}

#[pyfunction]
fn price_for_budget(
    budget_lamports: &Bound<'_, PyAny>,
    compute_unit_limit: &Bound<'_, PyAny>,
) -> PyResult<u64> {
    let budget = arguments::amount("budget_lamports", budget_lamports)?;
    let limit = arguments::amount("compute_unit_limit", compute_unit_limit)?;
    fee_engine::price_for_budget(budget, limit).map_err(fee_error)
}

/// Adds the classes and functions to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyFeeEngine>()?;
    m.add_class::<PyPriceEstimate>()?;
    m.add_class::<PyLimitEstimate>()?;
    m.add_class::<PyTipQuote>()?;
    m.add_function(wrap_pyfunction!(priority_fee_lamports, m)?)?;
    m.add_function(wrap_pyfunction!(price_for_budget, m)?)?;
    Ok(())
}
