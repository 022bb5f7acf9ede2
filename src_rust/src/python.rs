//! Bindings: the module `phantom_core._native`. One file per core module, each with its `register`.

mod errors;
mod wss_aggregator;

use pyo3::prelude::*;

#[pymodule]
fn _native(m: &Bound<'_, PyModule>) -> PyResult<()> {
    errors::register(m)?;
    wss_aggregator::register(m)?;
    Ok(())
}
