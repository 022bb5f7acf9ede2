//! What users hand over per tick or per batch, as slots and columns in the order of the fields.

use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyList, PyMapping, PyString, PyTuple};

use crate::jit_compiler::{Column, Field, FieldType};
use crate::python::errors;

/// Fields up to this number need no allocation per tick.
const FEW: usize = 16;

/// The fields of a source as Python names them.
pub struct Names {
    fields: Vec<(Py<PyString>, FieldType)>,
    specifications: Vec<String>,
}

impl Names {
    /// Reads `fields`: a mapping of names to types, or names of plain floats.
    pub fn of(fields: &Bound<'_, PyAny>) -> PyResult<(Vec<Field>, Self)> {
        let py = fields.py();
        let wrong = || {
            let found = fields.get_type();
            errors::invalid(format!("fields: a mapping of names to types expected, or names; found {found}"))
        };
        if fields.is_instance_of::<PyString>() {
            return Err(wrong());
        }
        let pairs: Vec<(String, String)> = if let Ok(mapping) = fields.cast::<PyMapping>() {
            mapping.items()?.extract().map_err(|_| wrong())?
        } else {
            let names: Vec<String> = fields.extract().map_err(|_| wrong())?;
            names.into_iter().map(|name| (name, "f64".to_owned())).collect()
        };
        let all = pairs.iter().map(|(name, specification)| (name.as_str(), specification.as_str()));
        let fields = Field::all(all).map_err(errors::invalid)?;
        let interned = |field: &Field| (PyString::intern(py, &field.name).unbind(), field.field_type);
        let names = Self {
            fields: fields.iter().map(interned).collect(),
            specifications: pairs.into_iter().map(|(_, specification)| specification).collect(),
        };
        Ok((fields, names))
    }

    /// Returns the fields as they were declared.
    pub fn specifications<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for ((name, _), specification) in self.fields.iter().zip(&self.specifications) {
            dict.set_item(name, specification)?;
        }
        Ok(dict)
    }

    /// Calls `use_slots` with one slot per field.
    pub fn with_slots<T>(
        &self,
        values: Option<&Bound<'_, PyAny>>,
        named: Option<&Bound<'_, PyDict>>,
        use_slots: impl FnOnce(&[u64]) -> PyResult<T>,
    ) -> PyResult<T> {
        let (mut few, mut many) = ([0; FEW], Vec::new());
        let slots = if self.fields.len() <= FEW {
            &mut few[..self.fields.len()]
        } else {
            many.resize(self.fields.len(), 0);
            &mut many[..]
        };
        match (values, named) {
            (Some(values), None) => {
                if let Ok(tuple) = values.cast_exact::<PyTuple>() {
                    self.check_count(tuple.len())?;
                    for (index, slot) in slots.iter_mut().enumerate() {
                        *slot = self.slot(index, &*tuple.get_borrowed_item(index)?)?;
                    }
                } else {
                    self.fill(values, slots)?;
                }
            }
            (None, Some(named)) => self.fill_named(named, slots)?,
            (None, None) if slots.is_empty() => {}
            (None, None) => return Err(errors::invalid("no values: give a tuple or keywords".to_owned())),
            (Some(_), Some(_)) => {
                return Err(errors::invalid("values and keywords at once: give one of them".to_owned()));
            }
        }
        use_slots(slots)
    }

    fn check_count(&self, found: usize) -> PyResult<()> {
        let expected = self.fields.len();
        if found == expected {
            return Ok(());
        }
        Err(errors::invalid(format!("{found} values for {expected} fields")))
    }

    /// A list or another tuple by position, a mapping or a record by name, an object by attribute.
    fn fill(&self, values: &Bound<'_, PyAny>, slots: &mut [u64]) -> PyResult<()> {
        if let Ok(tuple) = values.cast::<PyTuple>() {
            self.check_count(tuple.len())?;
            return slots.iter_mut().enumerate().try_for_each(|(index, slot)| {
                *slot = self.slot(index, &tuple.get_item(index)?)?;
                Ok(())
            });
        }
        if let Ok(list) = values.cast::<PyList>() {
            self.check_count(list.len())?;
            return slots.iter_mut().enumerate().try_for_each(|(index, slot)| {
                *slot = self.slot(index, &list.get_item(index)?)?;
                Ok(())
            });
        }
        if let Ok(dict) = values.cast::<PyDict>() {
            return self.fill_named(dict, slots);
        }
        let by_key = values.cast::<PyMapping>().is_ok() || values.hasattr("dtype")?;
        for (index, slot) in slots.iter_mut().enumerate() {
            let name = self.fields[index].0.bind(values.py());
            let found = if by_key { values.get_item(name) } else { values.getattr(name) };
            let value = found.map_err(|_| errors::invalid(format!("field {name} is missing")))?;
            *slot = self.slot(index, &value)?;
        }
        Ok(())
    }

    fn fill_named(&self, named: &Bound<'_, PyDict>, slots: &mut [u64]) -> PyResult<()> {
        for (index, slot) in slots.iter_mut().enumerate() {
            let name = self.fields[index].0.bind(named.py());
            let value = named.get_item(name)?;
            let value = value.ok_or_else(|| errors::invalid(format!("field {name} is missing")))?;
            *slot = self.slot(index, &value)?;
        }
        if named.len() > slots.len() {
            let known = |key: &Bound<'_, PyAny>| {
                self.fields.iter().any(|(name, _)| key.eq(name.bind(key.py())).unwrap_or(false))
            };
            let unknown = named.keys().iter().find(|key| !known(key));
            let unknown = unknown.map_or_else(String::new, |key| format!(": {key}"));
            return Err(errors::invalid(format!("more values than fields{unknown}")));
        }
        Ok(())
    }

    #[inline]
    fn slot(&self, index: usize, value: &Bound<'_, PyAny>) -> PyResult<u64> {
        let (name, ty) = &self.fields[index];
        let bits = match ty {
            FieldType::Float => {
                if let Ok(float) = value.cast_exact::<PyFloat>() {
                    return Ok(float.value().to_bits());
                }
                value.extract::<f64>().map(f64::to_bits)
            }
            FieldType::Int => value.extract::<i64>().map(i64::cast_unsigned),
            FieldType::Unsigned => value.extract::<u64>(),
            FieldType::Bool => match value.cast::<PyBool>() {
                Ok(is) => Ok(is.is_true().into()),
                // NumPy has its own.
                Err(_) => value.extract::<bool>().map(u64::from),
            },
        };
        bits.map_err(|error| {
            let py = value.py();
            let is_range = error.is_instance_of::<PyOverflowError>(py);
            if !is_range && !error.is_instance_of::<PyTypeError>(py) {
                return error;
            }
            let (expected, found) = match ty {
                FieldType::Float => ("a float", value.get_type().to_string()),
                FieldType::Int if is_range => ("an int of 64 bits", value.to_string()),
                FieldType::Unsigned if is_range => ("an int from 0 to 2**64 - 1", value.to_string()),
                FieldType::Int | FieldType::Unsigned => ("an int", value.get_type().to_string()),
                FieldType::Bool => ("a bool", value.get_type().to_string()),
            };
            errors::invalid(format!("field {}: {expected} expected, found {found}", name.bind(py)))
        })
    }
}

/// One borrowed array per field.
pub struct Columns<'py>(Vec<Array<'py>>);

enum Array<'py> {
    Float(PyReadonlyArray1<'py, f64>),
    Int(PyReadonlyArray1<'py, i64>),
    Unsigned(PyReadonlyArray1<'py, u64>),
    /// Copied: a view of other bytes may hold what no `bool` is.
    Bool(Vec<bool>),
}

impl<'py> Columns<'py> {
    /// Takes a mapping of names to arrays, or a structured array.
    pub fn of(names: &Names, columns: &Bound<'py, PyAny>) -> PyResult<Self> {
        let one = |(name, ty): &(Py<PyString>, FieldType)| {
            let name = name.bind(columns.py());
            let missing = |_| errors::invalid(format!("column {name} is missing"));
            let column = columns.get_item(name).map_err(missing)?;
            Ok(match ty {
                FieldType::Float => Array::Float(array(name, &column, "float64")?),
                FieldType::Int => Array::Int(array(name, &column, "int64")?),
                FieldType::Unsigned => Array::Unsigned(array(name, &column, "uint64")?),
                FieldType::Bool => Array::Bool(bools(name, &column)?),
            })
        };
        names.fields.iter().map(one).collect::<PyResult<_>>().map(Self)
    }

    /// Returns the columns' values.
    pub fn views(&self) -> PyResult<Vec<Column<'_>>> {
        self.0.iter().map(Array::view).collect()
    }
}

/// Returns a column of `bool`, any byte but 0 as true, as `NumPy` has it.
fn bools(name: &Bound<'_, PyString>, column: &Bound<'_, PyAny>) -> PyResult<Vec<bool>> {
    let checked: PyReadonlyArray1<'_, bool> = array(name, column, "bool")?;
    let bytes = checked.call_method1("view", ("uint8",))?.cast_into::<PyArray1<u8>>()?;
    Ok(bytes.try_readonly()?.as_array().iter().map(|&byte| byte != 0).collect())
}

impl Array<'_> {
    fn view(&self) -> PyResult<Column<'_>> {
        let gaps = |_| errors::invalid("a column is not contiguous".to_owned());
        Ok(match self {
            Self::Float(array) => Column::Float(array.as_slice().map_err(gaps)?),
            Self::Int(array) => Column::Int(array.as_slice().map_err(gaps)?),
            Self::Unsigned(array) => Column::Unsigned(array.as_slice().map_err(gaps)?),
            Self::Bool(values) => Column::Bool(values),
        })
    }
}

/// Returns a contiguous and aligned array of the type: the one given, or a copy if no value changes by that.
fn array<'py, T: numpy::Element>(
    name: &Bound<'py, PyString>,
    value: &Bound<'py, PyAny>,
    dtype: &str,
) -> PyResult<PyReadonlyArray1<'py, T>> {
    let wrong =
        |found: String| errors::invalid(format!("column {name}: an array of {dtype} expected, {found}"));
    if let Ok(array) = value.cast::<PyArray1<T>>()
        && array.is_c_contiguous()
        && array.data().is_aligned()
    {
        return array.try_readonly().map_err(|error| wrong(error.to_string()));
    }
    let py = value.py();
    let numpy = py.import("numpy")?;
    let any = numpy.call_method1("asarray", (value,))?;
    let found = any.cast::<PyUntypedArray>().map_err(|_| wrong(format!("found {}", value.get_type())))?;
    if found.ndim() != 1 {
        return Err(wrong(format!("found {} dimensions", found.ndim())));
    }
    let options = PyDict::new(py);
    options.set_item("order", "C")?;
    options.set_item("casting", "safe")?;
    let cast = any.call_method("astype", (dtype,), Some(&options));
    let cast = cast.map_err(|_| wrong(format!("found {}", found.dtype())))?;
    let array = cast.cast::<PyArray1<T>>().map_err(|_| wrong("found another type".to_owned()))?;
    array.try_readonly().map_err(|error| wrong(error.to_string()))
}
