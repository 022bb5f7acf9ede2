//! The index of cycles as Python sees it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::prelude::*;

use super::super::arguments::{floats, integers};
use super::super::errors;
use super::table::matrix;
use super::{invalid, whole};
use crate::multiverse::{self as core, MultiverseError, PayingCycles, check_pool};

/// Cycles with their weights.
#[pyclass(frozen, module = "phantom_core", get_all)]
struct IndexedCycles {
    edges: Py<PyArray2<i32>>,
    weight: Py<PyArray1<f64>>,
}

#[pymethods]
impl IndexedCycles {
    #[getter]
    fn hops<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<i32>>> {
        let edges = self.edges.bind(py).readonly();
        let rows = edges.as_slice()?.chunks_exact(edges.shape()[1]);
        Ok(PyArray1::from_iter(py, rows.map(|row| row.iter().map(|&edge| i32::from(edge >= 0)).sum::<i32>())))
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.weight.bind(py).len()
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("IndexedCycles(rows={})", self.__len__(py))
    }
}

#[pyclass(frozen, module = "phantom_core")]
pub struct CycleIndex {
    inner: Mutex<core::CycleIndex>,
}

impl CycleIndex {
    pub fn new(index: core::CycleIndex) -> Self {
        Self { inner: Mutex::new(index) }
    }

    fn lock(&self) -> MutexGuard<'_, core::CycleIndex> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give(
        &self,
        py: Python<'_>,
        of: impl FnOnce(&mut core::CycleIndex) -> Result<PayingCycles, MultiverseError> + Send,
    ) -> PyResult<IndexedCycles> {
        let cycles = py.detach(|| of(&mut self.lock())).map_err(invalid)?;
        let edges = matrix(py, cycles.values, cycles.width)?.unbind();
        Ok(IndexedCycles { edges, weight: PyArray1::from_vec(py, cycles.weights).unbind() })
    }
}

#[pymethods]
impl CycleIndex {
    fn update(&self, py: Python<'_>, edge: i64, weight: f64) -> PyResult<IndexedCycles> {
        let edge = whole("edge", edge)?;
        self.give(py, |index| index.update(&[(edge, weight)]))
    }

    fn update_many(
        &self,
        py: Python<'_>,
        edges: &Bound<'_, PyAny>,
        weights: &Bound<'_, PyAny>,
    ) -> PyResult<IndexedCycles> {
        let (edges, weights) = (integers("edges", edges)?, floats("weights", weights)?);
        if edges.len() != weights.len() {
            let (edges, weights) = (edges.len(), weights.len());
            return Err(errors::invalid(format!(
                "edges and weights must have one length, found {edges} and {weights}"
            )));
        }
        let change = |(edge, weight)| Ok((whole("edge", edge)?, weight));
        let changes: Vec<_> = edges.into_iter().zip(weights).map(change).collect::<PyResult<_>>()?;
        self.give(py, |index| index.update(&changes))
    }

    fn paying(&self, py: Python<'_>) -> PyResult<IndexedCycles> {
        self.give(py, |index| Ok(index.all_paying()))
    }

    fn cycles(&self, py: Python<'_>) -> PyResult<IndexedCycles> {
        self.give(py, |index| Ok(index.all()))
    }

    fn of_pool(&self, py: Python<'_>, pool: i64) -> PyResult<IndexedCycles> {
        let pool = known_pool(pool)?;
        self.give(py, |index| index.of_pool(pool))
    }

    fn remove_pool(&self, py: Python<'_>, pool: i64) -> PyResult<usize> {
        let pool = known_pool(pool)?;
        py.detach(|| self.lock().remove_pool(pool)).map_err(invalid)
    }

    fn restore_pool(&self, py: Python<'_>, pool: i64) -> PyResult<usize> {
        let pool = known_pool(pool)?;
        py.detach(|| self.lock().restore_pool(pool)).map_err(invalid)
    }

    #[pyo3(signature = (src, dst, weight, pool=None))]
    fn add(&self, py: Python<'_>, src: i64, dst: i64, weight: f64, pool: Option<i64>) -> PyResult<usize> {
        py.detach(|| {
            let mut index = self.lock();
            let edge = index.edge_count();
            let node = |name: &str, node: i64| {
                let unknown =
                    MultiverseError::UnknownNode { name: name.to_owned(), node, nodes: index.node_count() };
                u32::try_from(node).map_err(|_| unknown)
            };
            let (src, dst) = (node("src", src)?, node("dst", dst)?);
            let pool = pool.map(|pool| check_pool(edge, pool)).transpose()?;
            index.add(src, dst, weight, pool)
        })
        .map_err(invalid)
    }

    #[getter]
    fn n_edges(&self) -> usize {
        self.lock().edge_count()
    }

    #[getter]
    fn nbytes(&self) -> usize {
        self.lock().size_in_bytes()
    }

    fn __len__(&self) -> usize {
        self.lock().len()
    }
}

fn known_pool(pool: i64) -> PyResult<u32> {
    u32::try_from(pool).map_err(|_| invalid(MultiverseError::UnknownPool { pool }))
}

/// Adds this file's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, IndexedCycles, CycleIndex);
    Ok(())
}
