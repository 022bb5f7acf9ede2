//! What indicators take from Python: columns in one piece, and settings; what they give back.

use std::fmt::Display;

use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyInt;

use crate::python::arguments::Column;
use crate::python::errors;
use crate::technical;
use crate::technical::batch::BatchError;

/// Returns the exception for settings or a value that an indicator refuses, or rows of a column.
pub fn failed(error: &impl Display) -> PyErr {
    errors::invalid(error.to_string())
}

/// Returns the column as an array.
pub fn answers(py: Python<'_>, answers: Result<Vec<f64>, BatchError>) -> PyResult<Bound<'_, PyArray1<f64>>> {
    Ok(PyArray1::from_vec(py, answers.map_err(|error| failed(&error))?))
}

/// Returns new columns of so many rows, filled without the GIL.
///
/// `NumPy` allocates them: large ones then lie in large pages, which `malloc` does not ask for.
pub fn filled<const N: usize>(
    py: Python<'_>,
    rows: usize,
    fill: impl FnOnce([&mut [f64]; N]) -> Result<(), BatchError> + Send,
) -> PyResult<[Bound<'_, PyArray1<f64>>; N]> {
    let arrays: [_; N] = std::array::from_fn(|_| PyArray1::zeros(py, rows, false));
    let mut columns = arrays.each_ref().map(PyArrayMethods::readwrite);
    // In one piece, as they are new.
    let answers = columns.each_mut().map(|column| column.as_slice_mut().unwrap_or_default());
    py.detach(|| fill(answers)).map_err(|error| failed(&error))?;
    drop(columns);
    Ok(arrays)
}

/// A column of numbers.
pub type Floats<'py> = Column<'py, f64>;
/// A column of times.
pub type Integers<'py> = Column<'py, i64>;

/// Returns a number that an indicator is to look at.
#[inline]
pub fn number(name: &str, value: &Bound<'_, PyAny>) -> PyResult<f64> {
    value.extract().map_err(|_: PyErr| not_a_number(name, value))
}

#[cold]
fn not_a_number(name: &str, value: &Bound<'_, PyAny>) -> PyErr {
    errors::invalid(format!("{name}: a number (float) expected, found {}", value.get_type()))
}

fn integer(name: &str, value: &Bound<'_, PyAny>) -> PyResult<i64> {
    value.extract().map_err(|_: PyErr| {
        if value.is_instance_of::<PyInt>() {
            return errors::invalid(format!("{name} is {value}; it must fit 64 bits"));
        }
        errors::invalid(format!("{name}: a whole number (int) expected, found {}", value.get_type()))
    })
}

/// Returns a look-back.
pub fn period(value: &Bound<'_, PyAny>) -> PyResult<usize> {
    let period = integer("period", value)?;
    let range = || errors::invalid(format!("period is {period}; it may be 1 to {}", technical::MAX_PERIOD));
    usize::try_from(period).map_err(|_| range())
}

/// Returns a Unix time.
pub fn time_ns(value: &Bound<'_, PyAny>) -> PyResult<i64> {
    integer("time_ns", value)
}

macro_rules! numbers {
    ($($name:ident),*) => {
        $(
            /// Returns the argument of this name, for `from_py_with`.
            #[inline]
            pub fn $name(value: &Bound<'_, PyAny>) -> PyResult<f64> {
                number(stringify!($name), value)
            }
        )*
    };
}
numbers!(value, high, low, close, price, volume, deviations, horizon);

/// What a volume-weighted average is taken over.
#[derive(Debug, Clone, Copy)]
pub struct Span(pub technical::Span);

impl Span {
    /// `period` and `session_ns` exclude each other.
    pub fn new(length: Option<&Bound<'_, PyAny>>, session_ns: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        match (length, session_ns) {
            (None, None) => Ok(Self(technical::Span::SinceReset)),
            (Some(length), None) => Ok(Self(technical::Span::Last(period(length)?))),
            (None, Some(length)) => Ok(Self(technical::Span::Session(integer("session_ns", length)?))),
            (Some(_), Some(_)) => {
                Err(errors::invalid("period and session_ns are both given; one of them may be".into()))
            }
        }
    }
}
