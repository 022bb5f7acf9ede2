//! What users hand over: addresses, accounts, amounts and directions, in the forms they have them.

use std::fmt::Display;

use numpy::{Element, PyArray1, PyArrayMethods, PyReadonlyArray1, PyUntypedArrayMethods};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyInt, PyIterator, PyString, PyTuple};

use super::errors;
use crate::quantities::Pubkey;

/// The bytes of an account: borrowed from `bytes`, copied from anything else with a buffer.
pub enum Data {
    /// A Python `bytes`.
    Shared(PyBackedBytes),
    /// Anything else.
    Copied(Vec<u8>),
}

impl AsRef<[u8]> for Data {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Shared(bytes) => bytes,
            Self::Copied(bytes) => bytes,
        }
    }
}

/// Owner and data of an account.
pub type Account = (Pubkey, Data);

fn wrong(argument: &str, value: &Bound<'_, PyAny>, expected: &str) -> PyErr {
    errors::invalid(format!("{argument}: {expected} expected, found {}", value.get_type()))
}

/// Returns the bytes of any byte buffer.
pub fn data(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<Data> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(Data::Shared(bytes.clone().into()));
    }
    let buffer = PyBuffer::<u8>::get(value).map_err(|_| wrong(argument, value, "bytes or a byte buffer"))?;
    Ok(Data::Copied(buffer.to_vec(value.py())?))
}

/// Returns the address in a base58 `str`, in 32 bytes, or in an object whose `__bytes__` gives them, as
/// `solders.pubkey.Pubkey` does.
pub fn address(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<Pubkey> {
    if let Ok(text) = value.cast::<PyString>() {
        return super::market::parse_pubkey(argument, &text.to_cow()?);
    }
    let as_bytes = || wrong(argument, value, "an address (base58 text, 32 bytes, or solders' Pubkey)");
    let bytes = if value.hasattr("__bytes__")? && !value.is_instance_of::<PyBytes>() {
        data(argument, &value.call_method0("__bytes__")?)?
    } else {
        data(argument, value).map_err(|_| as_bytes())?
    };
    let bytes = bytes.as_ref();
    let found = bytes.len();
    let key = bytes
        .try_into()
        .map_err(|_| errors::invalid(format!("{argument}: an address has 32 bytes, these are {found}")))?;
    Ok(Pubkey(key))
}

/// Returns an account: an (owner, data) pair, or an object with these attributes, as
/// `solders.account.Account` has.
pub fn account(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<Account> {
    let (owner, bytes) = if let Ok(pair) = value.cast::<PyTuple>() {
        if pair.len() != 2 {
            return Err(wrong(argument, value, "an (owner, data) pair"));
        }
        (pair.get_item(0)?, pair.get_item(1)?)
    } else {
        match (value.getattr_opt("owner")?, value.getattr_opt("data")?) {
            (Some(owner), Some(bytes)) => (owner, bytes),
            _ => return Err(wrong(argument, value, "an account with owner and data, or the pair of them")),
        }
    };
    Ok((address(&format!("{argument}.owner"), &owner)?, data(&format!("{argument}.data"), &bytes)?))
}

/// Returns an account given as two arguments, or as one: an object with owner and data, or `None` for
/// one that does not exist.
pub fn owner_and_data(
    owner: &Bound<'_, PyAny>,
    bytes: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<Account>> {
    match bytes {
        Some(bytes) => Ok(Some((address("owner", owner)?, data("data", bytes)?))),
        None => optional_account("account", owner),
    }
}

/// Returns an account that may not exist: `None`, or as [`account`].
pub fn optional_account(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<Account>> {
    if value.is_none() { Ok(None) } else { account(argument, value).map(Some) }
}

/// Returns a whole number of base units.
pub fn amount(argument: &str, value: &Bound<'_, PyAny>) -> PyResult<u64> {
    number(argument, value, u64::MAX)
}

fn number<'py, T>(argument: &str, value: &Bound<'py, PyAny>, most: T) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py, Error = PyErr> + Display,
{
    value.extract().map_err(|error: PyErr| {
        if value.is_instance_of::<PyInt>() || !error.is_instance_of::<PyTypeError>(value.py()) {
            return errors::invalid(format!("{argument} is {value}; it may be 0 to {most}"));
        }
        wrong(argument, value, "a whole number (int)")
    })
}

macro_rules! numbers {
    ($($argument:ident: $kind:ty),*) => {
        $(
            /// Returns the argument of this name, for `from_py_with`.
            pub fn $argument(value: &Bound<'_, PyAny>) -> PyResult<$kind> {
                number(stringify!($argument), value, <$kind>::MAX)
            }
        )*
    };
}
numbers!(duration_ns: u64, slot: u64, epoch: u64, unix_timestamp: u64, sqrt_price_limit: u128, fee_numerator: u64,
    fee_denominator: u64, units: u32, size: u32, micro_lamports: u64, lamports: u64, recent_slot: u64,
    amount_in: u64, min_amount_out: u64, compute_unit_limit: u32, compute_unit_price: u64, tip_lamports: u64);

/// Returns the argument of this name, which may be `None`.
pub fn optional_amount_in(value: &Bound<'_, PyAny>) -> PyResult<Option<u64>> {
    if value.is_none() { Ok(None) } else { amount_in(value).map(Some) }
}

/// Returns the argument of this name, which may be `None`.
pub fn loaded_accounts_data_size(value: &Bound<'_, PyAny>) -> PyResult<Option<u32>> {
    if value.is_none() { Ok(None) } else { number("loaded_accounts_data_size", value, u32::MAX).map(Some) }
}

/// Returns the argument of this name; what a transaction may lock at most is checked by who takes it.
pub fn max_account_locks(value: &Bound<'_, PyAny>) -> PyResult<usize> {
    number("max_account_locks", value, 128)
}

/// Returns what a sequence gives one after the other.
pub fn each<'py>(argument: &str, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyIterator>> {
    value.try_iter().map_err(|_| wrong(argument, value, "a sequence"))
}

/// A one-dimensional array whose values lie side by side and aligned: the user's own, or a copy.
pub struct Column<'py, T: Element>(PyReadonlyArray1<'py, T>);

impl<T: Element> Column<'_, T> {
    /// Returns the values.
    pub fn as_slice(&self) -> &[T] {
        // In one piece, as `readable` has seen to.
        self.0.as_slice().unwrap_or_default()
    }
}

/// Returns a one-dimensional `NumPy` array of exactly this type.
pub fn column<'py, T: Element>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<Column<'py, T>> {
    let array = value.cast::<PyArray1<T>>();
    let array = array.map_err(|_| wrong_array(name, &T::get_dtype(value.py()).to_string(), value))?;
    readable(name, array)
}

/// Returns the values of `array`, copied if they are misaligned or do not lie side by side, as the
/// fields of a packed structured array.
pub fn readable<'py, T: Element>(name: &str, array: &Bound<'py, PyArray1<T>>) -> PyResult<Column<'py, T>> {
    let borrowed = |error: numpy::BorrowError| errors::invalid(format!("{name}: {error}"));
    if array.data().is_aligned() && array.is_c_contiguous() {
        return array.try_readonly().map(Column).map_err(borrowed);
    }
    let copy = array.call_method0("copy")?.cast_into::<PyArray1<T>>()?;
    copy.try_readonly().map(Column).map_err(borrowed)
}

/// Returns whether `exact` names the input.
pub fn is_exact_in(exact: &str) -> PyResult<bool> {
    match exact {
        "in" => Ok(true),
        "out" => Ok(false),
        other => Err(errors::invalid(format!("exact is '{other}'; it may be 'in' or 'out'"))),
    }
}

/// Returns the values of a one-dimensional array of `int32` or `int64`.
pub fn integers(name: &str, array: &Bound<'_, PyAny>) -> PyResult<Vec<i64>> {
    if let Ok(array) = array.cast::<PyArray1<i64>>() {
        return Ok(readable(name, array)?.as_slice().to_vec());
    }
    if let Ok(array) = array.cast::<PyArray1<i32>>() {
        return Ok(readable(name, array)?.as_slice().iter().map(|&value| i64::from(value)).collect());
    }
    Err(wrong_array(name, "int32 or int64", array))
}

/// Returns the values of a one-dimensional array of `float64`.
pub fn floats(name: &str, array: &Bound<'_, PyAny>) -> PyResult<Vec<f64>> {
    Ok(column(name, array)?.as_slice().to_vec())
}

fn wrong_array(name: &str, dtype: &str, found: &Bound<'_, PyAny>) -> PyErr {
    let found = match (found.getattr("dtype"), found.getattr("ndim")) {
        (Ok(dtype), Ok(ndim)) => format!("{dtype} in {ndim} dimensions"),
        _ => found.get_type().to_string(),
    };
    errors::invalid(format!("{name} must be a one-dimensional NumPy array of {dtype}, found {found}"))
}
