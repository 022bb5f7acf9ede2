//! The graph: checked arrays, laid out once per level.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::MAX_HOPS;
use super::batches::Batches;
use super::error::MultiverseError;
use super::layer::{Edge, Layer, index};
use super::parallel;
use super::plan::{Found, Plan};
use super::query::{Between, Bounds, Level};
use super::table::WalkTable;
use super::walk::Memory;
use crate::cycle_finder::{FinderError, MAX_ABS_WEIGHT};

/// Bound of nodes: a mistaken number must not ask for all memory.
const MAX_NODES: usize = 1 << 24;
/// The most values for which memory is taken before they are found: 4 MiB.
const MOST_EXPECTED: usize = 1 << 20;
/// Bound of edges, whose indices are values of rows.
const MAX_EDGES: usize = 1 << 30;

/// A directed multigraph as arrays, one value per edge.
#[derive(Debug, Clone, Copy)]
pub struct EdgeArrays<'a> {
    /// Where edges start.
    pub src: &'a [u32],
    /// Where they end.
    pub dst: &'a [u32],
    /// Which pool they belong to, in `0..2^31`; without it every edge is a pool of its own.
    pub pool: Option<&'a [u32]>,
    /// What they weigh, usually `-ln(rate after fees)`.
    pub weight: Option<&'a [f64]>,
    /// How much they carry, in any unit.
    pub liquidity: Option<&'a [f64]>,
}

/// A graph whose cycles and paths can be listed. Does not change.
///
/// Memory: about 65 bytes an edge, as much again once mint level was asked for, and for every question
/// at a time 20 bytes a node and about 5 MB at most, kept for the next one.
#[derive(Debug)]
pub struct Multiverse {
    nodes: usize,
    pub(super) src: Vec<u32>,
    pub(super) dst: Vec<u32>,
    pub(super) pool: Vec<u32>,
    pub(super) weight: Option<Vec<f64>>,
    liquidity: Option<Vec<f64>>,
    pools: Arc<Layer>,
    mints: OnceLock<Arc<Layer>>,
    /// Memory of earlier questions.
    spare: Mutex<Vec<Memory>>,
    /// By hops, how many values the last question found: the next one asks for that memory at once.
    found: [AtomicUsize; MAX_HOPS + 1],
}

impl Multiverse {
    /// Returns the graph of nodes `0..nodes` and these edges; parallel edges are welcome.
    ///
    /// # Errors
    /// [`MultiverseError`]: lengths differ, an end is no node, a self-loop, a weight not finite or
    /// beyond [`MAX_ABS_WEIGHT`], a liquidity that is NaN, a pool number of 2^31 or more.
    pub fn new(nodes: usize, edges: EdgeArrays<'_>) -> Result<Self, MultiverseError> {
        check(nodes, &edges)?;
        let count = edges.src.len();
        let mut graph = Self {
            nodes,
            src: edges.src.to_vec(),
            dst: edges.dst.to_vec(),
            pool: edges.pool.map_or_else(|| (0..index(count)).collect(), <[u32]>::to_vec),
            weight: edges.weight.map(<[f64]>::to_vec),
            liquidity: edges.liquidity.map(<[f64]>::to_vec),
            pools: Arc::new(Layer::of_pools(0, &[], false)),
            mints: OnceLock::new(),
            spare: Mutex::new(Vec::new()),
            found: Default::default(),
        };
        graph.pools = Arc::new(graph.lay_out(Level::Pool, None));
        Ok(graph)
    }

    /// Returns the number of nodes.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes
    }

    /// Returns the number of edges.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.src.len()
    }

    /// Returns where each edge starts, ends, and its pool.
    #[must_use]
    pub fn edge(&self, edge: usize) -> Option<(u32, u32, u32)> {
        Some((*self.src.get(edge)?, self.dst[edge], self.pool[edge]))
    }

    /// Lists the rows that were asked for, with up to `threads` threads.
    ///
    /// `interrupted` is asked every fraction of a millisecond, by every thread; once it says yes, the
    /// table ends with what came before, in order, and says so.
    ///
    /// # Errors
    /// [`MultiverseError`]: unknown nodes, hops out of range, a bound that is not finite or needs an
    /// array that is missing, or more rows than [`super::MAX_TABLE_VALUES`] allow.
    pub fn list(
        &self,
        between: Between<'_>,
        level: Level,
        bounds: &Bounds,
        threads: usize,
        interrupted: &(dyn Fn() -> bool + Sync),
    ) -> Result<WalkTable, MultiverseError> {
        if threads == 0 {
            return Err(MultiverseError::Zero { name: "threads" });
        }
        let plan = Plan::new(self, between, level, bounds)?;
        let limit = plan.row_limit(bounds.max_count)?;
        let memory = self.spare().pop().unwrap_or_default();
        let last_found = &self.found[plan.walk_hops];
        let mut found = Found::default();
        found.values.reserve_exact(last_found.load(Ordering::Relaxed).min(MOST_EXPECTED));
        let memory = parallel::list(&plan, memory, limit, threads, interrupted, &mut found);
        self.spare().push(memory);
        last_found.store(found.values.len(), Ordering::Relaxed);
        if found.values.len() < found.values.capacity() / 2 {
            found.values.shrink_to_fit();
        }
        plan.finish(found, bounds.max_count)
    }

    /// Returns the rows that were asked for in tables of `batch` rows (the last may be shorter), walked
    /// when they are asked for. Holds at most one batch and what one last join adds to it: fewer rows
    /// than there are edges.
    ///
    /// # Errors
    /// As [`Self::list`]; `batch` must be at least 1 and fit one table.
    pub fn batches(
        &self,
        between: Between<'_>,
        level: Level,
        bounds: &Bounds,
        batch: usize,
    ) -> Result<Batches, MultiverseError> {
        let plan = Plan::new(self, between, level, bounds)?;
        if batch == 0 {
            return Err(MultiverseError::Zero { name: "batch" });
        }
        plan.row_limit(Some(batch))?;
        Ok(Batches::new(plan, batch, bounds.max_count))
    }

    /// The layer of a level without edges of less than `min_liquidity`.
    pub(super) fn layer(
        &self,
        level: Level,
        min_liquidity: Option<f64>,
    ) -> Result<Arc<Layer>, MultiverseError> {
        if let Some(least) = min_liquidity {
            let Some(liquidity) = &self.liquidity else {
                return Err(MultiverseError::Without { asked: "min_liquidity", array: "liquidity" });
            };
            if !least.is_finite() {
                return Err(MultiverseError::Bound { name: "min_liquidity", value: least });
            }
            return Ok(Arc::new(self.lay_out(level, Some((liquidity, least)))));
        }
        Ok(match level {
            Level::Pool => Arc::clone(&self.pools),
            Level::Mint => Arc::clone(self.mints.get_or_init(|| Arc::new(self.lay_out(Level::Mint, None)))),
        })
    }

    fn lay_out(&self, level: Level, least: Option<(&Vec<f64>, f64)>) -> Layer {
        let enough = |id: &u32| least.is_none_or(|(liquidity, least)| liquidity[*id as usize] >= least);
        let edge = |id: u32| {
            let place = id as usize;
            let weight = self.weight.as_ref().map_or(0.0, |weight| weight[place]);
            Edge { id, from: self.src[place], to: self.dst[place], pool: self.pool[place], weight }
        };
        let edges: Vec<Edge> = (0..index(self.src.len())).filter(enough).map(edge).collect();
        match level {
            Level::Pool => Layer::of_pools(self.nodes, &edges, self.weight.is_some()),
            Level::Mint => Layer::of_mints(self.nodes, edges, self.weight.is_some()),
        }
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Vec<Memory>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(nodes: usize, arrays: &EdgeArrays<'_>) -> Result<(), MultiverseError> {
    let edges = arrays.src.len();
    let lengths = [
        ("dst", Some(arrays.dst.len())),
        ("pool", arrays.pool.map(<[u32]>::len)),
        ("weight", arrays.weight.map(<[f64]>::len)),
        ("liquidity", arrays.liquidity.map(<[f64]>::len)),
    ];
    for (name, found) in lengths {
        if let Some(found) = found.filter(|&found| found != edges) {
            return Err(MultiverseError::Length { name, found, edges });
        }
    }
    if nodes > MAX_NODES || edges > MAX_EDGES {
        return Err(FinderError::TooLarge { nodes, edges }.into());
    }
    for (end, list) in [("src", arrays.src), ("dst", arrays.dst)] {
        if let Some((edge, &node)) = list.iter().enumerate().find(|&(_, &node)| node as usize >= nodes) {
            return Err(FinderError::NodeOutOfRange { end, edge, node: node.into(), nodes }.into());
        }
    }
    for (edge, (&from, &to)) in arrays.src.iter().zip(arrays.dst).enumerate() {
        if from == to {
            return Err(MultiverseError::SelfLoop { edge, node: from });
        }
    }
    for (edge, &pool) in arrays.pool.iter().copied().flatten().enumerate() {
        check_pool(edge, pool.into())?;
    }
    for (edge, &weight) in arrays.weight.iter().copied().flatten().enumerate() {
        check_weight(edge, weight)?;
    }
    match arrays.liquidity.and_then(|liquidity| liquidity.iter().position(|value| value.is_nan())) {
        Some(edge) => Err(MultiverseError::Liquidity { edge }),
        None => Ok(()),
    }
}

/// Returns a pool number if it fits.
///
/// # Errors
/// [`MultiverseError::Pool`].
pub fn check_pool(edge: usize, pool: i64) -> Result<u32, MultiverseError> {
    u32::try_from(pool).ok().filter(|pool| pool >> 31 == 0).ok_or(MultiverseError::Pool { edge, pool })
}

pub(super) fn check_weight(edge: usize, weight: f64) -> Result<(), MultiverseError> {
    // Not `abs() > …`: NaN must fail too.
    if weight.abs() <= MAX_ABS_WEIGHT { Ok(()) } else { Err(FinderError::Weight { edge, weight }.into()) }
}
