//! Binding of the histogram of durations: conversion only.

use std::sync::Arc;

use pyo3::prelude::*;

use super::{arguments, errors};
use crate::latency::LatencyHistogram;

/// Counts durations.
#[pyclass(name = "LatencyHistogram", module = "phantom_core", frozen)]
pub struct PyLatencyHistogram(pub(super) Arc<LatencyHistogram>);

#[pymethods]
impl PyLatencyHistogram {
    #[new]
    fn new() -> Self {
        Self(Arc::default())
    }

    fn add(&self, #[pyo3(from_py_with = arguments::duration_ns)] duration_ns: u64) {
        self.0.add(duration_ns);
    }

    fn quantile(&self, fraction: f64) -> PyResult<Option<u64>> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(errors::invalid(format!("fraction is {fraction}; it may be 0 to 1")));
        }
        Ok(self.0.quantile(fraction))
    }

    fn buckets(&self) -> Vec<(u64, u64)> {
        self.0.buckets().collect()
    }

    #[getter]
    fn count(&self) -> u64 {
        self.0.count()
    }

    #[getter]
    fn sum_ns(&self) -> u128 {
        self.0.sum_ns()
    }

    #[getter]
    fn max_ns(&self) -> u64 {
        self.0.max_ns()
    }

    fn __repr__(&self) -> String {
        let quantile =
            |fraction| self.0.quantile(fraction).map_or_else(|| "None".into(), |ns| ns.to_string());
        format!(
            "LatencyHistogram(count={}, p50_ns={}, p99_ns={}, max_ns={})",
            self.0.count(),
            quantile(0.5),
            quantile(0.99),
            self.0.max_ns()
        )
    }
}

/// Adds this file's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, PyLatencyHistogram);
    Ok(())
}
