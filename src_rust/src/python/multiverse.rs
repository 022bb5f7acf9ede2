//! Cycles and paths on plain `NumPy` arrays.

mod index;
mod table;
mod watch;

use std::num::NonZero;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use pyo3::prelude::*;
use pyo3::types::PyInt;

use self::index::CycleIndex;
use self::table::PathTable;
use self::watch::Watch;
use super::arguments::{floats, integers};
use super::errors;
use crate::cycle_finder::node_indices;
use crate::multiverse::{self as core, Between, Bounds, EdgeArrays, Level, MultiverseError, check_pool};

type Array<'a, 'py> = &'a Bound<'py, PyAny>;

static CORES: OnceLock<usize> = OnceLock::new();

#[pyclass(frozen, module = "phantom_core")]
struct Multiverse {
    graph: Arc<core::Multiverse>,
}

#[pymethods]
#[expect(clippy::too_many_arguments, reason = "keywords in Python, each with a default")]
impl Multiverse {
    #[new]
    #[pyo3(signature = (n_nodes, src, dst, pool=None, weight=None, liquidity=None))]
    fn new(
        py: Python<'_>,
        n_nodes: i64,
        src: Array<'_, '_>,
        dst: Array<'_, '_>,
        pool: Option<Array<'_, '_>>,
        weight: Option<Array<'_, '_>>,
        liquidity: Option<Array<'_, '_>>,
    ) -> PyResult<Self> {
        let nodes = whole("n_nodes", n_nodes)?;
        let (src, dst) = (integers("src", src)?, integers("dst", dst)?);
        let pool = pool.map(|pool| integers("pool", pool)).transpose()?;
        let weight = weight.map(|weight| floats("weight", weight)).transpose()?;
        let liquidity = liquidity.map(|liquidity| floats("liquidity", liquidity)).transpose()?;
        py.detach(|| {
            let src = node_indices("src", src, nodes)?;
            let dst = node_indices("dst", dst, nodes)?;
            let checked = |(edge, pool)| check_pool(edge, pool);
            let pool =
                pool.map(|pool| pool.into_iter().enumerate().map(checked).collect::<Result<Vec<_>, _>>());
            let pool = pool.transpose()?;
            let edges = EdgeArrays {
                src: &src,
                dst: &dst,
                pool: pool.as_deref(),
                weight: weight.as_deref(),
                liquidity: liquidity.as_deref(),
            };
            core::Multiverse::new(nodes, edges)
        })
        .map(|graph| Self { graph: Arc::new(graph) })
        .map_err(invalid)
    }

    #[getter]
    fn n_nodes(&self) -> usize {
        self.graph.node_count()
    }

    fn __len__(&self) -> usize {
        self.graph.edge_count()
    }

    #[pyo3(signature = (bases, max_hops=4, *, level="pool", min_hops=2, max_count=None, max_weight=None,
        min_liquidity=None, time_limit=None, threads=None))]
    fn cycles(
        &self,
        py: Python<'_>,
        bases: &Bound<'_, PyAny>,
        max_hops: i64,
        level: &str,
        min_hops: i64,
        max_count: Option<i64>,
        max_weight: Option<f64>,
        min_liquidity: Option<f64>,
        time_limit: Option<f64>,
        threads: Option<i64>,
    ) -> PyResult<PathTable> {
        let bases = self.bases(bases)?;
        let bounds = bounds(min_hops, max_hops, max_count, max_weight, min_liquidity)?;
        self.list(py, Between::Cycles(&bases), level, &bounds, time_limit, threads)
    }

    #[pyo3(signature = (start, end, max_hops=4, *, level="pool", min_hops=2, max_count=None, max_weight=None,
        min_liquidity=None, time_limit=None, threads=None))]
    fn paths(
        &self,
        py: Python<'_>,
        start: i64,
        end: i64,
        max_hops: i64,
        level: &str,
        min_hops: i64,
        max_count: Option<i64>,
        max_weight: Option<f64>,
        min_liquidity: Option<f64>,
        time_limit: Option<f64>,
        threads: Option<i64>,
    ) -> PyResult<PathTable> {
        let between = self.path(start, end)?;
        let bounds = bounds(min_hops, max_hops, max_count, max_weight, min_liquidity)?;
        self.list(py, between, level, &bounds, time_limit, threads)
    }

    #[pyo3(signature = (bases, max_hops=4, *, batch=65536, level="pool", min_hops=2, max_count=None,
        max_weight=None, min_liquidity=None, time_limit=None))]
    fn iter_cycles(
        &self,
        bases: &Bound<'_, PyAny>,
        max_hops: i64,
        batch: i64,
        level: &str,
        min_hops: i64,
        max_count: Option<i64>,
        max_weight: Option<f64>,
        min_liquidity: Option<f64>,
        time_limit: Option<f64>,
    ) -> PyResult<PathTables> {
        let bases = self.bases(bases)?;
        let bounds = bounds(min_hops, max_hops, max_count, max_weight, min_liquidity)?;
        self.batches(Between::Cycles(&bases), level, &bounds, batch, time_limit)
    }

    #[pyo3(signature = (start, end, max_hops=4, *, batch=65536, level="pool", min_hops=2, max_count=None,
        max_weight=None, min_liquidity=None, time_limit=None))]
    fn iter_paths(
        &self,
        start: i64,
        end: i64,
        max_hops: i64,
        batch: i64,
        level: &str,
        min_hops: i64,
        max_count: Option<i64>,
        max_weight: Option<f64>,
        min_liquidity: Option<f64>,
        time_limit: Option<f64>,
    ) -> PyResult<PathTables> {
        let between = self.path(start, end)?;
        let bounds = bounds(min_hops, max_hops, max_count, max_weight, min_liquidity)?;
        self.batches(between, level, &bounds, batch, time_limit)
    }

    #[pyo3(signature = (bases, max_hops=4, *, min_hops=2, max_cycles=6_000_000, threads=None))]
    fn index(
        &self,
        py: Python<'_>,
        bases: &Bound<'_, PyAny>,
        max_hops: i64,
        min_hops: i64,
        max_cycles: i64,
        threads: Option<i64>,
    ) -> PyResult<CycleIndex> {
        let bases = self.bases(bases)?;
        let hops = (whole("min_hops", min_hops)?, whole("max_hops", max_hops)?);
        let max_cycles = whole("max_cycles", max_cycles)?;
        let threads = threads_or_all(threads)?;
        let watch = Watch::new(None)?;
        let index = py.detach(|| {
            let interrupted = || watch.is_over();
            core::CycleIndex::new(&self.graph, &bases, hops, max_cycles, threads, &interrupted)
        });
        watch.finish()?;
        index.map(CycleIndex::new).map_err(invalid)
    }
}

// The default that Python sees in `Multiverse.index`.
const _: () = assert!(core::DEFAULT_MAX_CYCLES == 6_000_000);

impl Multiverse {
    fn node(&self, name: impl FnOnce() -> String, node: i64) -> PyResult<u32> {
        let nodes = self.graph.node_count();
        let known = u32::try_from(node).ok().filter(|&node| (node as usize) < nodes);
        known.ok_or_else(|| invalid(MultiverseError::UnknownNode { name: name(), node, nodes }))
    }

    /// One node or any sequence of them.
    fn bases(&self, bases: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
        if bases.is_instance_of::<PyInt>() {
            return Ok(vec![self.node(|| "bases".to_owned(), bases.extract()?)?]);
        }
        if let Ok(list) = bases.extract::<Vec<i64>>() {
            let node = |(place, node)| self.node(|| format!("bases[{place}]"), node);
            return list.into_iter().enumerate().map(node).collect();
        }
        let node = bases.extract().map_err(|_| {
            errors::invalid(format!(
                "bases: a node or a sequence of nodes expected, found {}",
                bases.get_type()
            ))
        })?;
        Ok(vec![self.node(|| "bases".to_owned(), node)?])
    }

    fn path(&self, start: i64, end: i64) -> PyResult<Between<'static>> {
        let start = self.node(|| "start".to_owned(), start)?;
        Ok(Between::Path { start, end: self.node(|| "end".to_owned(), end)? })
    }

    fn list(
        &self,
        py: Python<'_>,
        between: Between<'_>,
        level: &str,
        bounds: &Bounds,
        time_limit: Option<f64>,
        threads: Option<i64>,
    ) -> PyResult<PathTable> {
        let (level, threads, watch) = (level_of(level)?, threads_or_all(threads)?, Watch::new(time_limit)?);
        let listed = py.detach(|| self.graph.list(between, level, bounds, threads, &|| watch.is_over()));
        watch.finish()?;
        PathTable::new(py, &self.graph, listed.map_err(invalid)?)
    }

    fn batches(
        &self,
        between: Between<'_>,
        level: &str,
        bounds: &Bounds,
        batch: i64,
        time_limit: Option<f64>,
    ) -> PyResult<PathTables> {
        let (level, watch) = (level_of(level)?, Watch::new(time_limit)?);
        let batches = self.graph.batches(between, level, bounds, whole("batch", batch)?).map_err(invalid)?;
        Ok(PathTables { graph: Arc::clone(&self.graph), batches: Mutex::new(batches), watch })
    }
}

/// Tables of rows, each walked when it is asked for.
#[pyclass(frozen, module = "phantom_core")]
struct PathTables {
    graph: Arc<core::Multiverse>,
    batches: Mutex<core::Batches>,
    watch: Watch,
}

#[pymethods]
impl PathTables {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<PathTable>> {
        let watch = self.watch.again();
        let table = py
            .detach(|| self.batches.lock().unwrap_or_else(PoisonError::into_inner).next(&|| watch.is_over()));
        watch.finish()?;
        table.map(|table| PathTable::new(py, &self.graph, table)).transpose()
    }
}

fn bounds(
    min_hops: i64,
    max_hops: i64,
    max_count: Option<i64>,
    max_weight: Option<f64>,
    min_liquidity: Option<f64>,
) -> PyResult<Bounds> {
    Ok(Bounds {
        min_hops: whole("min_hops", min_hops)?,
        max_hops: whole("max_hops", max_hops)?,
        max_count: max_count.map(|count| whole("max_count", count)).transpose()?,
        max_weight,
        min_liquidity,
    })
}

fn level_of(level: &str) -> PyResult<Level> {
    match level {
        "pool" => Ok(Level::Pool),
        "mint" => Ok(Level::Mint),
        other => Err(errors::invalid(format!("level is '{other}'; it may be 'pool' or 'mint'"))),
    }
}

fn threads_or_all(threads: Option<i64>) -> PyResult<usize> {
    match threads {
        Some(threads) => whole("threads", threads),
        // Asking the system takes as long as listing some hundred cycles.
        None => Ok(*CORES.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get))),
    }
}

fn whole(name: &str, value: i64) -> PyResult<usize> {
    usize::try_from(value).map_err(|_| errors::invalid(format!("{name} is {value}, which is negative")))
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
fn invalid(error: MultiverseError) -> PyErr {
    errors::invalid(error.to_string())
}

/// Adds this file's classes to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, Multiverse, PathTable, PathTables);
    index::register(m)
}
