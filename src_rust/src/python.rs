//! Bindings: the module `phantom_core._native`. One file per core module, each with its `register`.

mod accounts;
mod amm_math;
mod arguments;
mod conformance;
mod cycle_finder;
mod engine;
mod errors;
mod jit_compiler;
mod market;
mod market_cycles;
mod multiverse;
mod plans;
mod pool;
mod price_graph;
mod recording;
mod routing;
mod scorer;
mod sizing;
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
    market_cycles::register(m)?;
    multiverse::register(m)?;
    plans::register(m)?;
    pool::register(m)?;
    price_graph::register(m)?;
    scorer::register(m)?;
    sizing::register(m)?;
    engine::register(m)?;
    jit_compiler::register(m)?;
    wss_aggregator::register(m)?;
    Ok(())
}
