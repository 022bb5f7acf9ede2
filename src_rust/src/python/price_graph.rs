//! A market's price graph as arrays, for everything that works on arrays.

use numpy::{PyArray1, PyUntypedArrayMethods};
use pyo3::prelude::*;

use crate::cycle_finder::pool_of;
use crate::market::Market;

/// The edges that can be walked now, before Python has to do with them.
#[derive(Default)]
pub struct GraphArrays {
    mints: Vec<String>,
    pools: Vec<String>,
    src: Vec<i32>,
    dst: Vec<i32>,
    net_weight: Vec<f64>,
    gross_weight: Vec<f64>,
    pool: Vec<i32>,
    a_to_b: Vec<bool>,
}

impl GraphArrays {
    /// Returns the edges of a market, pool by pool, direction a to b first.
    pub fn of(market: &Market) -> Self {
        // Mints and pools are bounded by memory, far below 2^31 / 2.
        let signed = |index: u32| i32::try_from(index).unwrap_or(i32::MAX);
        let graph = market.graph();
        let mut arrays = Self {
            mints: (0..).take(graph.mint_count()).map(|mint| market.mint(mint).to_string()).collect(),
            pools: market.pools().iter().map(|pool| pool.address().to_string()).collect(),
            ..Self::default()
        };
        for edge in (0..).take(2 * graph.pool_count()) {
            if let (Some((src, dst)), Some(weight)) = (graph.ends(edge), graph.weight(edge)) {
                let (pool, a_to_b) = pool_of(edge);
                arrays.src.push(signed(src));
                arrays.dst.push(signed(dst));
                arrays.net_weight.push(weight.net);
                arrays.gross_weight.push(weight.gross);
                arrays.pool.push(signed(pool));
                arrays.a_to_b.push(a_to_b);
            }
        }
        arrays
    }
}

/// The price graph of a market as it was.
#[pyclass(frozen, module = "phantom_core", get_all)]
pub struct MarketGraph {
    mints: Vec<String>,
    pools: Vec<String>,
    src: Py<PyArray1<i32>>,
    dst: Py<PyArray1<i32>>,
    net_weight: Py<PyArray1<f64>>,
    gross_weight: Py<PyArray1<f64>>,
    pool: Py<PyArray1<i32>>,
    a_to_b: Py<PyArray1<bool>>,
}

impl MarketGraph {
    /// Returns arrays for Python.
    pub fn new(py: Python<'_>, arrays: GraphArrays) -> Self {
        Self {
            mints: arrays.mints,
            pools: arrays.pools,
            src: PyArray1::from_vec(py, arrays.src).unbind(),
            dst: PyArray1::from_vec(py, arrays.dst).unbind(),
            net_weight: PyArray1::from_vec(py, arrays.net_weight).unbind(),
            gross_weight: PyArray1::from_vec(py, arrays.gross_weight).unbind(),
            pool: PyArray1::from_vec(py, arrays.pool).unbind(),
            a_to_b: PyArray1::from_vec(py, arrays.a_to_b).unbind(),
        }
    }
}

#[pymethods]
impl MarketGraph {
    #[getter]
    fn n_mints(&self) -> usize {
        self.mints.len()
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.src.bind(py).len()
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let (mints, pools, edges) = (self.mints.len(), self.pools.len(), self.__len__(py));
        format!("MarketGraph(mints={mints}, pools={pools}, edges={edges})")
    }
}

/// Adds this file's class to the module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    add_classes!(m, MarketGraph);
    Ok(())
}
