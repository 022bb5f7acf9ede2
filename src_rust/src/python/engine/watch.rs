//! What changes in an engine, as Python fetches it: conversion only.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::engine::EngineWatch;

/// Whoever watches an engine.
#[pyclass(name = "EngineWatch", module = "phantom_core", frozen)]
pub struct PyEngineWatch(pub(super) EngineWatch);

#[pymethods]
impl PyEngineWatch {
    fn drain<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let changes = py.detach(|| self.0.drain());
        PyBytes::new(py, &changes)
    }

    fn snapshot<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let everything = py.detach(|| self.0.snapshot());
        PyBytes::new(py, &everything)
    }

    fn drain_and_snapshot<'py>(&self, py: Python<'py>) -> (Bound<'py, PyBytes>, Bound<'py, PyBytes>) {
        let (changes, everything) = py.detach(|| self.0.drain_and_snapshot());
        (PyBytes::new(py, &changes), PyBytes::new(py, &everything))
    }

    #[getter]
    fn lost(&self) -> u64 {
        self.0.lost()
    }

    #[getter]
    fn pools(&self) -> usize {
        self.0.pools()
    }
}

/// Adds this file's classes to the module.
pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, PyEngineWatch);
    Ok(())
}
