//! Bindings: the module `phantom_core._native`. One file per core module, each with its `register`.

use pyo3::prelude::*;

#[pymodule]
fn _native(_m: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}
