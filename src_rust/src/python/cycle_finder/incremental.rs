//! The warm finder: what changes is told edge by edge.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use numpy::PyArray1;
use pyo3::prelude::*;

use super::super::arguments::{floats, integers};
use super::{graph, invalid};
use crate::cycle_finder::{self as core, FinderError};

/// A cycle's edges and weight, as Python objects that are made when asked for.
#[pyclass(frozen, eq, module = "phantom_core")]
#[derive(PartialEq)]
struct WeightedCycle(core::WeightedCycle);

#[pymethods]
impl WeightedCycle {
    #[getter]
    fn edges<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        PyArray1::from_iter(py, self.0.edges.iter().copied().map(i64::from))
    }

    #[getter]
    fn weight(&self) -> f64 {
        self.0.weight
    }

    fn __len__(&self) -> usize {
        self.0.edges.len()
    }

    fn __repr__(&self) -> String {
        format!("WeightedCycle(edges={:?}, weight={:?})", self.0.edges, self.0.weight)
    }
}

#[pyclass(frozen, module = "phantom_core")]
struct CycleUpdate {
    #[pyo3(get)]
    position: usize,
    #[pyo3(get)]
    edge: usize,
    #[pyo3(get)]
    opened: Vec<Py<WeightedCycle>>,
    #[pyo3(get)]
    closed: Vec<Py<WeightedCycle>>,
}

#[pymethods]
impl CycleUpdate {
    fn __repr__(&self) -> String {
        let (opened, closed) = (self.opened.len(), self.closed.len());
        format!(
            "CycleUpdate(position={}, edge={}, {opened} opened, {closed} closed)",
            self.position, self.edge
        )
    }
}

impl CycleUpdate {
    fn new(py: Python<'_>, position: usize, edge: usize, update: core::CycleUpdate) -> PyResult<Self> {
        let (opened, closed) = (cycles(py, update.opened)?, cycles(py, update.closed)?);
        Ok(Self { position, edge, opened, closed })
    }
}

fn cycles(py: Python<'_>, cycles: Vec<core::WeightedCycle>) -> PyResult<Vec<Py<WeightedCycle>>> {
    cycles.into_iter().map(|cycle| Py::new(py, WeightedCycle(cycle))).collect()
}

#[pyclass(frozen, module = "phantom_core")]
struct IncrementalCycleFinder {
    finder: Mutex<core::IncrementalCycleFinder>,
    edges: usize,
    nodes: usize,
}

impl IncrementalCycleFinder {
    /// The finder, for a call short enough to keep the GIL. Another thread may be inside a long one:
    /// it needs no GIL to finish, but others do meanwhile.
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, core::IncrementalCycleFinder> {
        match self.finder.try_lock() {
            Ok(finder) => finder,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                py.detach(|| drop(self.finder.lock()));
                self.finder.lock().unwrap_or_else(PoisonError::into_inner)
            }
        }
    }

    fn edge(&self, edge: i64) -> PyResult<usize> {
        usize::try_from(edge)
            .ok()
            .filter(|&place| place < self.edges)
            .ok_or_else(|| super::InvalidInput::new_err(format!("edge {edge} is not in 0..{}", self.edges)))
    }
}

#[pymethods]
impl IncrementalCycleFinder {
    #[new]
    #[pyo3(signature = (n_nodes, src, dst, weight, pool=None))]
    fn new(
        py: Python<'_>,
        n_nodes: i64,
        src: &Bound<'_, PyAny>,
        dst: &Bound<'_, PyAny>,
        weight: &Bound<'_, PyAny>,
        pool: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let pool = pool.map(|pool| integers("pool", pool)).transpose()?;
        let finder = graph(py, n_nodes, src, dst, weight, |nodes, src, dst, weight| {
            core::IncrementalCycleFinder::new(nodes, src, dst, weight, pool.as_deref())
        })?;
        let (edges, nodes) = (finder.edge_count(), finder.node_count());
        Ok(Self { finder: Mutex::new(finder), edges, nodes })
    }

    fn update(&self, py: Python<'_>, edge: i64, weight: f64) -> PyResult<Option<CycleUpdate>> {
        let edge = self.edge(edge)?;
        let update = self.lock(py).update(edge, weight).map_err(|error| invalid(&error))?;
        update.map(|update| CycleUpdate::new(py, 0, edge, update)).transpose()
    }

    fn update_many(
        &self,
        py: Python<'_>,
        edges: &Bound<'_, PyAny>,
        weights: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<CycleUpdate>> {
        let (edges, weights) = (integers("edges", edges)?, floats("weights", weights)?);
        let edges = edges.into_iter().map(|edge| self.edge(edge)).collect::<PyResult<Vec<_>>>()?;
        let updates = py.detach(|| {
            let mut finder = self.finder.lock().unwrap_or_else(PoisonError::into_inner);
            finder.update_many(&edges, &weights)
        });
        let updates = updates.map_err(|error| invalid(&error))?;
        updates
            .into_iter()
            .map(|(position, update)| CycleUpdate::new(py, position, edges[position], update))
            .collect()
    }

    fn remove(&self, py: Python<'_>, edge: i64) -> PyResult<Option<CycleUpdate>> {
        let edge = self.edge(edge)?;
        let update = self.lock(py).remove(edge).map_err(|error| invalid(&error))?;
        update.map(|update| CycleUpdate::new(py, 0, edge, update)).transpose()
    }

    fn would_close_cycle(&self, py: Python<'_>, edge: i64, weight: f64) -> PyResult<bool> {
        let edge = self.edge(edge)?;
        self.lock(py).would_close_cycle(edge, weight).map_err(|error| invalid(&error))
    }

    #[getter]
    fn has_cycle(&self, py: Python<'_>) -> bool {
        self.lock(py).has_cycle()
    }

    fn open_cycles(&self, py: Python<'_>) -> PyResult<Vec<Py<WeightedCycle>>> {
        let open = self.lock(py).open_cycles();
        cycles(py, open)
    }

    #[pyo3(signature = (edge, max_hops=4))]
    fn cycles_through(&self, py: Python<'_>, edge: i64, max_hops: i64) -> PyResult<Vec<Py<WeightedCycle>>> {
        let edge = self.edge(edge)?;
        self.bounded(py, max_hops, |finder, max_hops| finder.cycles_through(edge, max_hops))
    }

    #[pyo3(signature = (pool, max_hops=4))]
    fn cycles_through_pool(
        &self,
        py: Python<'_>,
        pool: i64,
        max_hops: i64,
    ) -> PyResult<Vec<Py<WeightedCycle>>> {
        self.bounded(py, max_hops, |finder, max_hops| finder.cycles_through_pool(pool, max_hops))
    }

    #[getter]
    fn resolution(&self, py: Python<'_>) -> f64 {
        self.lock(py).resolution()
    }

    #[getter]
    fn n_nodes(&self) -> usize {
        self.nodes
    }

    fn __len__(&self) -> usize {
        self.edges
    }
}

/// Searches of up to this many hops take a few microseconds.
const SHORT_SEARCH: usize = 4;

impl IncrementalCycleFinder {
    fn bounded(
        &self,
        py: Python<'_>,
        max_hops: i64,
        search: impl Fn(&core::IncrementalCycleFinder, usize) -> Result<Vec<core::WeightedCycle>, FinderError>
        + Send
        + Sync,
    ) -> PyResult<Vec<Py<WeightedCycle>>> {
        // Out of range either way.
        let max_hops = usize::try_from(max_hops).unwrap_or(0);
        let found = if max_hops <= SHORT_SEARCH {
            search(&self.lock(py), max_hops)
        } else {
            py.detach(|| search(&self.finder.lock().unwrap_or_else(PoisonError::into_inner), max_hops))
        };
        cycles(py, found.map_err(|error| invalid(&error))?)
    }
}

/// Adds this file's names to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, WeightedCycle, CycleUpdate, IncrementalCycleFinder);
    Ok(())
}
