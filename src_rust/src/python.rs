//! Bindings: the module `phantom_core._native`. One file per core module, each with its `register`.

mod amm_math;
mod conformance;
mod errors;

use pyo3::prelude::*;

#[pymodule]
fn _native(m: &Bound<'_, PyModule>) -> PyResult<()> {
    amm_math::register(m)?;
    conformance::register(m)?;
    errors::register(m)?;
    Ok(())
}
