//! Decoded values as Python objects.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple, PyType};

use crate::quantities::Pubkey;
use crate::swap::Value;

/// Returns numbers as `int`, addresses as `Address`, bytes as hexadecimal `str`, lists as `tuple`,
/// nested structures as `dict`.
pub fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Bytes(_) => value.to_string().into_pyobject(py)?.into_any(),
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
        simple => simple_to_python(py, simple)?,
    })
}

/// Returns a value as the field of a decoded account: as [`to_python`], but bytes as `bytes` and nested
/// structures as what `record` makes of their name and values.
pub fn to_field<'py>(
    py: Python<'py>,
    value: &Value,
    record: &dyn Fn(&'static str, Vec<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        Value::List(values) => {
            let items = values.iter().map(|item| to_field(py, item, record)).collect::<PyResult<Vec<_>>>()?;
            PyTuple::new(py, items)?.into_any()
        }
        Value::Record(name, fields) => {
            let fields = fields.iter().map(|(_, item)| to_field(py, item, record));
            record(name, fields.collect::<PyResult<_>>()?)?
        }
        simple => simple_to_python(py, simple)?,
    })
}

fn simple_to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Bool(flag) => flag.into_pyobject(py)?.to_owned().into_any(),
        Value::Unsigned(number) => number.into_pyobject(py)?.into_any(),
        Value::Signed(number) => number.into_pyobject(py)?.into_any(),
        Value::Address(key) => address(py, key)?,
        Value::Text(word) => word.into_pyobject(py)?.into_any(),
        Value::None | Value::Bytes(_) | Value::List(_) | Value::Record(..) => py.None().into_bound(py),
    })
}

/// Returns a `phantom_core.Address`.
pub fn address<'py>(py: Python<'py>, key: &Pubkey) -> PyResult<Bound<'py, PyAny>> {
    static CLASS: PyOnceLock<(Py<PyType>, Py<PyAny>)> = PyOnceLock::new();
    let (class, new) = CLASS.get_or_try_init(py, || {
        let class = py.import("phantom_core.address")?.getattr("Address")?.cast_into::<PyType>()?;
        // What we format needs no check: past `Address.__new__`, to that of `str`.
        let new = py.get_type::<PyString>().getattr("__new__")?;
        PyResult::Ok((class.unbind(), new.unbind()))
    })?;
    new.bind(py).call1((class.bind(py), key.to_string()))
}
