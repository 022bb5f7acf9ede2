//! Bindings: the module `phantom_core._native`. One file per core module, each with its `register`.

mod accounts;
mod amm_math;
mod arguments;
mod conformance;
mod cycle_finder;
mod engine;
mod errors;
mod market;
mod plans;
mod pool;
mod recording;
mod routing;
mod scorer;
mod values;
mod wss_aggregator;

use pyo3::prelude::*;

#[pymodule]
fn _native(m: &Bound<'_, PyModule>) -> PyResult<()> {
    errors::register(m)?;
    accounts::register(m)?;
    amm_math::register(m)?;
    conformance::register(m)?;
    cycle_finder::register(m)?;
    recording::register(m)?;
    routing::register(m)?;
    market::register(m)?;
    plans::register(m)?;
    pool::register(m)?;
    scorer::register(m)?;
    engine::register(m)?;
    wss_aggregator::register(m)?;
    Ok(())
}
