//! Accounts that an engine holds, as Python sees them: conversion only.

use pyo3::prelude::*;

use super::PyEngine;
use crate::engine::HeldAccount;
use crate::python::{arguments, errors};
use crate::quantities::Pubkey;

/// An account in its last applied state.
#[pyclass(name = "HeldAccount", module = "phantom_core", frozen)]
pub struct PyHeldAccount(HeldAccount);

#[pymethods]
impl PyHeldAccount {
    #[getter]
    fn exists(&self) -> bool {
        self.0.exists
    }

    #[getter]
    fn owner(&self) -> String {
        self.0.owner.to_string()
    }

    #[getter]
    fn lamports(&self) -> u64 {
        self.0.lamports
    }

    #[getter]
    fn data(&self) -> &[u8] {
        &self.0.data
    }

    #[getter]
    fn slot(&self) -> u64 {
        self.0.slot
    }

    fn __repr__(&self) -> String {
        let HeldAccount { exists, owner, lamports, data, slot } = &self.0;
        let exists = if *exists { "True" } else { "False" };
        format!(
            "HeldAccount(exists={exists}, owner='{owner}', lamports={lamports}, data=<{} bytes>, slot={slot})",
            data.len()
        )
    }
}

impl PyEngine {
    /// Returns the list behind `Engine.held_accounts()`.
    pub(super) fn held(
        &self,
        py: Python<'_>,
        addresses: &[Bound<'_, PyAny>],
    ) -> PyResult<Vec<Option<PyHeldAccount>>> {
        let address = |given| arguments::address("addresses", given);
        let addresses = addresses.iter().map(address).collect::<PyResult<Vec<Pubkey>>>()?;
        let found = py.detach(|| {
            let engine = self.lock();
            let held = |address| engine.held_account(address).cloned().map(PyHeldAccount);
            engine.keeps_accounts().then(|| addresses.iter().map(held).collect())
        });
        found.ok_or_else(|| {
            errors::invalid("accounts are kept only with EngineConfig(keep_accounts=True)".into())
        })
    }
}

/// Adds this file's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, PyHeldAccount);
    Ok(())
}
