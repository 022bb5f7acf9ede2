//! Decoded values as Python objects.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::swap::Value;

/// Returns numbers as `int`, addresses and bytes as `str` (base58, hexadecimal), lists as `tuple`,
/// nested structures as `dict`.
pub fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::None => py.None().into_bound(py),
        Value::Bool(flag) => flag.into_pyobject(py)?.to_owned().into_any(),
        Value::Unsigned(number) => number.into_pyobject(py)?.into_any(),
        Value::Signed(number) => number.into_pyobject(py)?.into_any(),
        Value::Address(_) | Value::Bytes(_) => value.to_string().into_pyobject(py)?.into_any(),
        Value::Text(word) => word.into_pyobject(py)?.into_any(),
        Value::List(values) => {
            let items = values.iter().map(|item| to_python(py, item)).collect::<PyResult<Vec<_>>>()?;
            PyTuple::new(py, items)?.into_any()
        }
        Value::Record(_, fields) => {
            let record = PyDict::new(py);
            for (name, item) in fields {
                record.set_item(name, to_python(py, item)?)?;
            }
            record.into_any()
        }
    })
}
