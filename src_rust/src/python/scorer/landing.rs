//! Binding of the landing model.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;

use crate::python::errors;
use crate::scorer::{Features, LandingConfig, LandingError, LandingModel};

/// Landing probabilities learned from attempts.
#[pyclass(name = "LandingModel", module = "phantom_core", frozen)]
pub struct PyLandingModel(Mutex<LandingModel>);

fn invalid(error: &LandingError) -> PyErr {
    errors::invalid(error.to_string())
}

impl PyLandingModel {
    fn lock(&self) -> MutexGuard<'_, LandingModel> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a copy of the model.
    pub fn copied(&self) -> LandingModel {
        self.lock().clone()
    }
}

fn features(venues: &[String], hops: u8, age_slots: u64) -> PyResult<Features> {
    Features::of_names(venues.iter().map(String::as_str), hops, age_slots).map_err(|error| invalid(&error))
}

#[pymethods]
impl PyLandingModel {
    #[new]
    #[pyo3(signature = (*, memory=256, prior_landed=1, prior_missed=1, shrinkage=16))]
    fn new(memory: u32, prior_landed: u32, prior_missed: u32, shrinkage: u32) -> PyResult<Self> {
        let config = LandingConfig { memory, prior_landed, prior_missed, shrinkage };
        let model = LandingModel::new(config).map_err(|error| invalid(&error))?;
        Ok(Self(Mutex::new(model)))
    }

    #[expect(clippy::needless_pass_by_value, reason = "extracted Python arguments")]
    fn observe(&self, venues: Vec<String>, hops: u8, age_slots: u64, landed: bool) -> PyResult<()> {
        let features = features(&venues, hops, age_slots)?;
        self.lock().observe(features, landed);
        Ok(())
    }

    #[expect(clippy::needless_pass_by_value, reason = "extracted Python arguments")]
    fn estimate_e4(&self, venues: Vec<String>, hops: u8, age_slots: u64) -> PyResult<u16> {
        Ok(self.lock().estimate(features(&venues, hops, age_slots)?).e4())
    }

    #[getter]
    fn observed(&self) -> u64 {
        self.lock().observed()
    }
}
