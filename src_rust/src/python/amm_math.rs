//! Bindings of [`crate::amm_math`] and [`crate::pda`] that users need on their own.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::arguments;
use super::errors::InvalidInput;
use crate::amm_math::tick_math;
use crate::pda;

#[pyfunction]
fn sqrt_price_from_tick_index(tick_index: i32) -> PyResult<u128> {
    if !(tick_math::MIN_TICK_INDEX..=tick_math::MAX_TICK_INDEX).contains(&tick_index) {
        return Err(InvalidInput::new_err(format!(
            "tick_index is {tick_index}, {} to {} expected",
            tick_math::MIN_TICK_INDEX,
            tick_math::MAX_TICK_INDEX
        )));
    }
    Ok(tick_math::sqrt_price_from_tick_index(tick_index))
}

#[pyfunction]
fn tick_index_from_sqrt_price(sqrt_price_x64: u128) -> PyResult<i32> {
    let range = tick_math::MIN_SQRT_PRICE_X64..=tick_math::MAX_SQRT_PRICE_X64;
    let tick_index = if range.contains(&sqrt_price_x64) {
        tick_math::tick_index_from_sqrt_price(sqrt_price_x64)
    } else {
        None
    };
    tick_index.ok_or_else(|| {
        InvalidInput::new_err(format!(
            "sqrt_price_x64 is {sqrt_price_x64}, {} to {} expected",
            range.start(),
            range.end()
        ))
    })
}

#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "pyo3 hands over what it has extracted")]
fn find_program_address(
    seeds: Vec<Bound<'_, PyBytes>>,
    program_id: &Bound<'_, PyAny>,
) -> PyResult<(String, u8)> {
    let program = arguments::address("program_id", program_id)?;
    let seeds: Vec<&[u8]> = seeds.iter().map(PyBytesMethods::as_bytes).collect();
    let (address, bump) = pda::find_program_address(&seeds, &program)
        .map_err(|error| InvalidInput::new_err(format!("seeds: {error}")))?;
    Ok((address.to_string(), bump))
}

/// Adds the functions to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(sqrt_price_from_tick_index, m)?)?;
    m.add_function(wrap_pyfunction!(tick_index_from_sqrt_price, m)?)?;
    m.add_function(wrap_pyfunction!(find_program_address, m)?)
}
