//! Bindings of [`crate::amm_math`] and [`crate::pda`] that users need on their own.

use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyInt};

use super::arguments::{self, Column};
use super::errors::InvalidInput;
use crate::amm_math::constant_product::quote_many;
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
    let program = super::instruction_builder::key("program_id", program_id)?;
    let seeds: Vec<&[u8]> = seeds.iter().map(PyBytesMethods::as_bytes).collect();
    let (address, bump) = pda::find_program_address(&seeds, &program)
        .map_err(|error| InvalidInput::new_err(format!("seeds: {error}")))?;
    Ok((address.to_string(), bump))
}

#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "pyo3 hands over what it has extracted")]
fn find_program_addresses(
    py: Python<'_>,
    seeds: Vec<Vec<PyBackedBytes>>,
    program_id: &Bound<'_, PyAny>,
) -> PyResult<Vec<(String, u8)>> {
    let program = super::instruction_builder::key("program_id", program_id)?;
    py.detach(|| {
        let found = seeds.iter().enumerate().map(|(row, seeds)| {
            let seeds: Vec<&[u8]> = seeds.iter().map(AsRef::as_ref).collect();
            let (address, bump) = pda::find_program_address(&seeds, &program)
                .map_err(|error| InvalidInput::new_err(format!("seeds[{row}]: {error}")))?;
            Ok((address.to_string(), bump))
        });
        found.collect()
    })
}

/// A column, or one number for every row.
fn broadcast<'py>(argument: &str, value: &Bound<'py, PyAny>) -> PyResult<Result<Column<'py, u64>, u64>> {
    if value.is_instance_of::<PyInt>() {
        return arguments::amount(argument, value).map(Err);
    }
    arguments::column(argument, value).map(Ok)
}

#[pyfunction]
fn quote_constant_product<'py>(
    py: Python<'py>,
    reserve_in: &Bound<'py, PyAny>,
    reserve_out: &Bound<'py, PyAny>,
    amount_in: &Bound<'py, PyAny>,
    #[pyo3(from_py_with = arguments::fee_numerator)] fee_numerator: u64,
    #[pyo3(from_py_with = arguments::fee_denominator)] fee_denominator: u64,
) -> PyResult<Bound<'py, PyAny>> {
    let are_numbers =
        [reserve_in, reserve_out, amount_in].into_iter().all(PyAnyMethods::is_exact_instance_of::<PyInt>);
    if are_numbers {
        let number = arguments::amount;
        let row = [
            number("reserve_in", reserve_in)?,
            number("reserve_out", reserve_out)?,
            number("amount_in", amount_in)?,
        ];
        let mut out = [0];
        quote_many(&row[..1], &row[1..2], &row[2..], fee_numerator, fee_denominator, &mut out)
            .map_err(|error| InvalidInput::new_err(error.to_string()))?;
        return Ok(out[0].into_pyobject(py)?.into_any());
    }
    let columns = [("reserve_in", reserve_in), ("reserve_out", reserve_out), ("amount_in", amount_in)];
    let [x, y, a] = columns.map(|(name, value)| broadcast(name, value));
    let columns = [x?, y?, a?];
    let rows = columns.iter().find_map(|column| column.as_ref().ok().map(|column| column.as_slice().len()));
    let rows = rows.unwrap_or(1);
    let filled = columns.each_ref().map(|column| match column {
        Ok(_) => Vec::new(),
        Err(number) => vec![*number; rows],
    });
    let [x, y, a]: [&[u64]; 3] = std::array::from_fn(|place| match &columns[place] {
        Ok(column) => column.as_slice(),
        Err(_) => filled[place].as_slice(),
    });
    let mut out = vec![0; rows];
    py.detach(|| quote_many(x, y, a, fee_numerator, fee_denominator, &mut out))
        .map_err(|error| InvalidInput::new_err(error.to_string()))?;
    Ok(PyArray1::from_vec(py, out).into_any())
}

/// Adds the functions to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(sqrt_price_from_tick_index, m)?)?;
    m.add_function(wrap_pyfunction!(quote_constant_product, m)?)?;
    m.add_function(wrap_pyfunction!(tick_index_from_sqrt_price, m)?)?;
    m.add_function(wrap_pyfunction!(find_program_addresses, m)?)?;
    m.add_function(wrap_pyfunction!(find_program_address, m)?)
}
