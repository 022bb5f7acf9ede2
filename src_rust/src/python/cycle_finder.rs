//! Negative cycles on plain `NumPy` arrays: from scratch, and, in its own file, change by change.

mod incremental;

use std::sync::{Mutex, PoisonError};

use numpy::PyArray1;
use pyo3::prelude::*;

use super::arguments::{floats, integers};
use super::errors::InvalidInput;
use crate::cycle_finder::{self as core, FinderError, node_indices, source_indices};

type Found<'py> = Option<(Bound<'py, PyArray1<i64>>, f64)>;

#[pyclass(frozen, module = "phantom_core")]
struct NegativeCycleFinder {
    /// Taken with the GIL released, so that threads may share a finder.
    finder: Mutex<core::NegativeCycleFinder>,
    edges: usize,
}

#[pymethods]
impl NegativeCycleFinder {
    #[new]
    fn new(
        py: Python<'_>,
        n_nodes: i64,
        src: &Bound<'_, PyAny>,
        dst: &Bound<'_, PyAny>,
        weight: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let finder = build(py, n_nodes, src, dst, weight)?;
        Ok(Self { edges: finder.edge_count(), finder: Mutex::new(finder) })
    }

    #[pyo3(signature = (sources=None))]
    fn find<'py>(&self, py: Python<'py>, sources: Option<&Bound<'py, PyAny>>) -> PyResult<Found<'py>> {
        let lock = || self.finder.lock().unwrap_or_else(PoisonError::into_inner);
        let cycle = match sources {
            None => py.detach(|| lock().find()),
            Some(sources) => {
                let sources = integers("sources", sources)?;
                py.detach(|| {
                    let mut finder = lock();
                    let sources = source_indices(sources, finder.node_count())?;
                    finder.find_from(&sources)
                })
                .map_err(|error| invalid(&error))?
            }
        };
        Ok(to_python(py, cycle))
    }

    fn update(&self, py: Python<'_>, edge: i64, weight: f64) -> PyResult<()> {
        let Ok(place) = usize::try_from(edge) else {
            return Err(InvalidInput::new_err(format!("edge {edge} is not in 0..{}", self.edges)));
        };
        py.detach(|| self.finder.lock().unwrap_or_else(PoisonError::into_inner).update(place, weight))
            .map_err(|error| invalid(&error))
    }

    fn __len__(&self) -> usize {
        self.edges
    }
}

#[pyfunction]
fn find_negative_cycle<'py>(
    py: Python<'py>,
    n_nodes: i64,
    src: &Bound<'py, PyAny>,
    dst: &Bound<'py, PyAny>,
    weight: &Bound<'py, PyAny>,
) -> PyResult<Found<'py>> {
    let mut finder = build(py, n_nodes, src, dst, weight)?;
    let cycle = py.detach(|| finder.find());
    Ok(to_python(py, cycle))
}

fn build(
    py: Python<'_>,
    n_nodes: i64,
    src: &Bound<'_, PyAny>,
    dst: &Bound<'_, PyAny>,
    weight: &Bound<'_, PyAny>,
) -> PyResult<core::NegativeCycleFinder> {
    graph(py, n_nodes, src, dst, weight, core::NegativeCycleFinder::new)
}

/// Reads the arrays of a graph and makes something of them, with the GIL released.
fn graph<T: Send>(
    py: Python<'_>,
    n_nodes: i64,
    src: &Bound<'_, PyAny>,
    dst: &Bound<'_, PyAny>,
    weight: &Bound<'_, PyAny>,
    make: impl FnOnce(usize, &[u32], &[u32], &[f64]) -> Result<T, FinderError> + Send,
) -> PyResult<T> {
    let nodes = usize::try_from(n_nodes)
        .map_err(|_| InvalidInput::new_err(format!("n_nodes is {n_nodes}, which is negative")))?;
    let (src, dst, weight) = (integers("src", src)?, integers("dst", dst)?, floats("weight", weight)?);
    py.detach(|| {
        let src = node_indices("src", src, nodes)?;
        let dst = node_indices("dst", dst, nodes)?;
        make(nodes, &src, &dst, &weight)
    })
    .map_err(|error| invalid(&error))
}

fn to_python(py: Python<'_>, cycle: Option<core::NegativeCycle>) -> Found<'_> {
    cycle.map(|cycle| (PyArray1::from_iter(py, cycle.edges.into_iter().map(i64::from)), cycle.weight))
}

fn invalid(error: &FinderError) -> PyErr {
    InvalidInput::new_err(error.to_string())
}

/// Adds this file's names to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, NegativeCycleFinder);
    incremental::register(m)?;
    m.add_function(wrap_pyfunction!(find_negative_cycle, m)?)
}
