//! Rows as Python sees them.

use std::sync::Arc;

use numpy::ndarray::Array2;
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::super::errors;
use super::invalid;
use crate::multiverse::{self as core, Level, TableShape, Truncation, WalkTable};

/// Rows of edges or nodes.
#[pyclass(frozen, module = "phantom_core")]
pub struct PathTable {
    graph: Arc<core::Multiverse>,
    shape: TableShape,
    rows: Py<PyArray2<i32>>,
}

impl PathTable {
    pub fn new(py: Python<'_>, graph: &Arc<core::Multiverse>, table: WalkTable) -> PyResult<Self> {
        let rows = matrix(py, table.values, table.shape.width)?.unbind();
        Ok(Self { graph: Arc::clone(graph), shape: table.shape, rows })
    }

    /// What `of` makes of the values.
    fn with_values<T>(&self, py: Python<'_>, of: impl FnOnce(&[i32]) -> T) -> PyResult<T> {
        let rows = self.rows.bind(py).readonly();
        Ok(of(rows.as_slice()?))
    }
}

#[pymethods]
impl PathTable {
    #[getter]
    fn edges(&self, py: Python<'_>) -> PyResult<Py<PyArray2<i32>>> {
        match self.shape.level {
            Level::Pool => Ok(self.rows.clone_ref(py)),
            Level::Mint => Err(errors::invalid("edges: a table of level 'mint' has only nodes".to_owned())),
        }
    }

    #[getter]
    fn nodes(&self, py: Python<'_>) -> PyResult<Py<PyArray2<i32>>> {
        if self.shape.level == Level::Mint {
            return Ok(self.rows.clone_ref(py));
        }
        let (nodes, width) = self.with_values(py, |values| self.graph.nodes_of(values, &self.shape))?;
        Ok(matrix(py, nodes, width)?.unbind())
    }

    #[getter]
    fn hops<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<i32>>> {
        let hops = self.with_values(py, |values| {
            let rows = self.shape.rows(values);
            rows.map(|row| i32::try_from(self.shape.hops(row)).unwrap_or(i32::MAX)).collect()
        })?;
        Ok(PyArray1::from_vec(py, hops))
    }

    #[getter]
    fn weight<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let weights = self.with_values(py, |values| self.graph.weights_of(values, &self.shape))?;
        Ok(PyArray1::from_vec(py, weights.map_err(invalid)?))
    }

    #[getter]
    fn level(&self) -> &'static str {
        match self.shape.level {
            Level::Pool => "pool",
            Level::Mint => "mint",
        }
    }

    #[getter]
    fn truncated(&self) -> Option<&'static str> {
        self.shape.truncation.map(|truncation| match truncation {
            Truncation::Count => "count",
            Truncation::Interrupted => "time",
        })
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.rows.bind(py).shape()[0]
    }

    #[pyo3(signature = (dtype=None, copy=None))]
    fn __array__<'py>(
        &self,
        py: Python<'py>,
        dtype: Option<&Bound<'py, PyAny>>,
        copy: Option<bool>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let keywords = PyDict::new(py);
        keywords.set_item("copy", copy)?;
        self.rows.bind(py).call_method("__array__", (dtype,), Some(&keywords))
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let truncated = self.truncated().map_or_else(|| "None".to_owned(), |bound| format!("'{bound}'"));
        format!("PathTable(level='{}', rows={}, truncated={truncated})", self.level(), self.__len__(py))
    }
}

/// Returns rows of `width` values as an array that nobody can write to.
pub fn matrix(py: Python<'_>, values: Vec<i32>, width: usize) -> PyResult<Bound<'_, PyArray2<i32>>> {
    let rows = Array2::from_shape_vec((values.len() / width, width), values);
    let rows = rows.map_err(|error| errors::invalid(format!("rows: {error}")))?;
    let array = PyArray2::from_owned_array(py, rows);
    Ok(array.readwrite().make_nonwriteable().as_any().cast::<PyArray2<i32>>()?.clone())
}
