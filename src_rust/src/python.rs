//! Bindings: the module `phantom_core._native`. One file per core module, each with its `register`.

/// Fails to compile if an object of a class would not fit: `CPython` aligns what it allocates to 16
/// bytes, and a class that holds something aligned to more makes the process crash.
macro_rules! fits_into_python {
    ($class:ty) => {
        const _: () = assert!(
            align_of::<$class>() <= 16,
            "a class must not hold anything aligned to more than 16 bytes: put it into a Box"
        );
    };
}

/// Adds classes to a module, each of which fits into Python. The only way to add one.
macro_rules! add_classes {
    ($module:expr, $($class:ty),+ $(,)?) => {{
        $(fits_into_python!($class);)+
        $($module.add_class::<$class>()?;)+
    }};
}

mod accounts;
mod amm_math;
mod arguments;
mod conformance;
mod cycle_finder;
mod engine;
mod errors;
mod fee_engine;
mod instruction_builder;
mod jit_compiler;
mod latency;
mod market;
mod market_cycles;
mod multiverse;
mod network_submitter;
mod plans;
mod pool;
mod price_graph;
mod recording;
mod routing;
mod scorer;
mod sizing;
mod swap_instruction;
mod technical;
mod token_firewall;
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
    fee_engine::register(m)?;
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
    technical::register(m)?;
    token_firewall::register(m)?;
    latency::register(m)?;
    engine::register(m)?;
    instruction_builder::register(m)?;
    jit_compiler::register(m)?;
    wss_aggregator::register(m)?;
    network_submitter::register(m)?;
    Ok(())
}
