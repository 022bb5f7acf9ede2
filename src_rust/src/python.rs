//! Bindings: the module `phantom_core._native`. One file per core module, each with its `register`.

mod cycle_finder;
mod errors;

use pyo3::prelude::*;

#[pymodule]
fn _native(m: &Bound<'_, PyModule>) -> PyResult<()> {
    errors::register(m)?;
    cycle_finder::register(m)?;
    Ok(())
}
