//! Bindings of the instructions around swaps.

use pyo3::prelude::*;

use super::{PyInstruction, key, keys};
use crate::instruction_builder::{
    self as builder, Instruction, close_table, create_table, deactivate_table, extend_table, system, token,
};
use crate::pda::PdaError;
use crate::python::values::address;
use crate::python::{arguments, errors};

type Any<'a, 'py> = &'a Bound<'py, PyAny>;

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
fn underivable(error: PdaError) -> PyErr {
    errors::invalid(error.to_string())
}

fn each<const N: usize>(instructions: [Instruction; N]) -> Vec<PyInstruction> {
    instructions.into_iter().map(PyInstruction).collect()
}

#[pyfunction]
fn set_compute_unit_limit(#[pyo3(from_py_with = arguments::units)] units: u32) -> PyInstruction {
    PyInstruction(system::compute_unit_limit(units))
}

#[pyfunction]
fn set_compute_unit_price(
    #[pyo3(from_py_with = arguments::micro_lamports)] micro_lamports: u64,
) -> PyInstruction {
    PyInstruction(system::compute_unit_price(micro_lamports))
}

#[pyfunction]
fn set_loaded_accounts_data_size(#[pyo3(from_py_with = arguments::size)] size: u32) -> PyInstruction {
    PyInstruction(system::loaded_accounts_data_size(size))
}

#[pyfunction]
fn transfer_lamports(
    source: Any<'_, '_>,
    destination: Any<'_, '_>,
    #[pyo3(from_py_with = arguments::lamports)] lamports: u64,
) -> PyResult<PyInstruction> {
    let (source, destination) = (key("source", source)?, key("destination", destination)?);
    Ok(PyInstruction(system::transfer(&source, &destination, lamports)))
}

#[pyfunction]
#[pyo3(signature = (payer, tip_account, lamports, dont_front=None))]
fn pay_tip(
    payer: Any<'_, '_>,
    tip_account: Any<'_, '_>,
    #[pyo3(from_py_with = arguments::lamports)] lamports: u64,
    dont_front: Option<Any<'_, '_>>,
) -> PyResult<PyInstruction> {
    let (payer, tip_account) = (key("payer", payer)?, key("tip_account", tip_account)?);
    let dont_front = dont_front.map(|name| key("dont_front", name)).transpose()?;
    Ok(PyInstruction(system::tip(&payer, &tip_account, lamports, dont_front.as_ref())))
}

#[pyfunction]
fn associated_token_account<'py>(
    owner: Any<'_, 'py>,
    mint: Any<'_, 'py>,
    token_program: Any<'_, 'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let (py, owner, mint) = (owner.py(), key("owner", owner)?, key("mint", mint)?);
    let token_program = key("token_program", token_program)?;
    address(py, &token::associated_token_account(&owner, &mint, &token_program).map_err(underivable)?)
}

#[pyfunction]
fn create_token_account(
    payer: Any<'_, '_>,
    owner: Any<'_, '_>,
    mint: Any<'_, '_>,
    token_program: Any<'_, '_>,
) -> PyResult<PyInstruction> {
    let (payer, owner, mint) = (key("payer", payer)?, key("owner", owner)?, key("mint", mint)?);
    let token_program = key("token_program", token_program)?;
    token::create_token_account(&payer, &owner, &mint, &token_program).map(PyInstruction).map_err(underivable)
}

#[pyfunction]
fn wrap_sol(
    owner: Any<'_, '_>,
    account: Any<'_, '_>,
    #[pyo3(from_py_with = arguments::lamports)] lamports: u64,
    token_program: Any<'_, '_>,
) -> PyResult<Vec<PyInstruction>> {
    let (owner, account) = (key("owner", owner)?, key("account", account)?);
    Ok(each(token::wrap(&owner, &account, lamports, &key("token_program", token_program)?)))
}

#[pyfunction]
fn sync_native(account: Any<'_, '_>, token_program: Any<'_, '_>) -> PyResult<PyInstruction> {
    let token_program = key("token_program", token_program)?;
    Ok(PyInstruction(token::sync_native(&key("account", account)?, &token_program)))
}

#[pyfunction]
fn close_token_account(
    account: Any<'_, '_>,
    destination: Any<'_, '_>,
    owner: Any<'_, '_>,
    token_program: Any<'_, '_>,
) -> PyResult<PyInstruction> {
    let (account, destination) = (key("account", account)?, key("destination", destination)?);
    let (owner, token_program) = (key("owner", owner)?, key("token_program", token_program)?);
    Ok(PyInstruction(token::close_account(&account, &destination, &owner, &token_program)))
}

#[pyfunction]
fn create_nonce_account(
    payer: Any<'_, '_>,
    nonce: Any<'_, '_>,
    authority: Any<'_, '_>,
    #[pyo3(from_py_with = arguments::lamports)] lamports: u64,
) -> PyResult<Vec<PyInstruction>> {
    let (payer, nonce) = (key("payer", payer)?, key("nonce", nonce)?);
    Ok(each(system::create_nonce_account(&payer, &nonce, &key("authority", authority)?, lamports)))
}

#[pyfunction]
fn advance_nonce(nonce: Any<'_, '_>, authority: Any<'_, '_>) -> PyResult<PyInstruction> {
    let (nonce, authority) = (key("nonce", nonce)?, key("authority", authority)?);
    Ok(PyInstruction(system::advance_nonce(&nonce, &authority)))
}

#[pyfunction]
fn withdraw_nonce(
    nonce: Any<'_, '_>,
    authority: Any<'_, '_>,
    destination: Any<'_, '_>,
    #[pyo3(from_py_with = arguments::lamports)] lamports: u64,
) -> PyResult<PyInstruction> {
    let (nonce, authority) = (key("nonce", nonce)?, key("authority", authority)?);
    let destination = key("destination", destination)?;
    Ok(PyInstruction(system::withdraw_nonce(&nonce, &authority, &destination, lamports)))
}

#[pyfunction]
fn create_lookup_table<'py>(
    authority: Any<'_, 'py>,
    payer: Any<'_, 'py>,
    #[pyo3(from_py_with = arguments::recent_slot)] recent_slot: u64,
) -> PyResult<(PyInstruction, Bound<'py, PyAny>)> {
    let py = authority.py();
    let (authority, payer) = (key("authority", authority)?, key("payer", payer)?);
    let (instruction, table) = create_table(&authority, &payer, recent_slot).map_err(underivable)?;
    Ok((PyInstruction(instruction), address(py, &table)?))
}

#[pyfunction]
fn extend_lookup_table(
    table: Any<'_, '_>,
    authority: Any<'_, '_>,
    payer: Any<'_, '_>,
    addresses: Any<'_, '_>,
) -> PyResult<PyInstruction> {
    let (table, authority) = (key("table", table)?, key("authority", authority)?);
    let (payer, addresses) = (key("payer", payer)?, keys("addresses", addresses)?);
    if addresses.is_empty() || addresses.len() > builder::MAX_TABLE_ADDRESSES {
        let (found, most) = (addresses.len(), builder::MAX_TABLE_ADDRESSES);
        return Err(errors::invalid(format!("addresses: {found} given, 1 to {most} expected")));
    }
    Ok(PyInstruction(extend_table(&table, &authority, &payer, &addresses)))
}

#[pyfunction]
fn deactivate_lookup_table(table: Any<'_, '_>, authority: Any<'_, '_>) -> PyResult<PyInstruction> {
    let (table, authority) = (key("table", table)?, key("authority", authority)?);
    Ok(PyInstruction(deactivate_table(&table, &authority)))
}

#[pyfunction]
fn close_lookup_table(
    table: Any<'_, '_>,
    authority: Any<'_, '_>,
    recipient: Any<'_, '_>,
) -> PyResult<PyInstruction> {
    let (table, authority) = (key("table", table)?, key("authority", authority)?);
    Ok(PyInstruction(close_table(&table, &authority, &key("recipient", recipient)?)))
}

/// Adds this file's functions to the module.
pub(super) fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    macro_rules! add {
        ($($name:ident),+ $(,)?) => { $(m.add_function(wrap_pyfunction!($name, m)?)?;)+ };
    }
    add!(
        set_compute_unit_limit,
        set_compute_unit_price,
        set_loaded_accounts_data_size,
        transfer_lamports,
        pay_tip,
        associated_token_account,
        create_token_account,
        wrap_sol,
        sync_native,
        close_token_account,
        create_nonce_account,
        advance_nonce,
        withdraw_nonce,
        create_lookup_table,
        extend_lookup_table,
        deactivate_lookup_table,
        close_lookup_table,
    );
    Ok(())
}
