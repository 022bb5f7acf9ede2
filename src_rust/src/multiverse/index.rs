//! The cycles through bases, kept while weights change and pools come and go.

mod cycles;
mod through;

use rustc_hash::FxHashMap;

use self::cycles::Cycles;
use self::through::Through;
use super::MAX_HOPS;
use super::error::MultiverseError;
use super::graph::{Multiverse, check_pool, check_weight};
use super::layer::{index, signed};
use super::query::{Between, Bounds, Level};
use super::table::{PADDING, Truncation};
use crate::cycle_finder::FinderError;

/// Cycles that an index holds unless told otherwise: 288 MB at four hops, up to twice that after growth.
pub const DEFAULT_MAX_CYCLES: usize = 6_000_000;

/// One cycle: its edges from the first base on, then [`NO_EDGE`].
type Row = [u32; MAX_HOPS];
const NO_EDGE: u32 = u32::MAX;
const NOT_A_BASE: u32 = u32::MAX;

/// Cycles with what they weigh.
#[derive(Debug, Clone, PartialEq)]
pub struct PayingCycles {
    /// Edge indices, `width` a row, padded with -1.
    pub values: Vec<i32>,
    /// Values per row.
    pub width: usize,
    /// By row, its weights added in walking order.
    pub weights: Vec<f64>,
}

/// All cycles of `min_hops..=max_hops` hops through bases, by the edges and pools they use.
///
/// A change of weights looks only at the cycles it touches; a pool that leaves takes only its cycles
/// away; an edge that comes is followed only along cycles through it. Memory: at most `12 * max_hops`
/// bytes for each of `max_cycles` cycles (by hop the edge, its place, and the entry at the edge), up to
/// twice that as lists grow by doubling, and about 150 bytes per edge.
#[derive(Debug, Clone)]
pub struct CycleIndex {
    nodes: usize,
    src: Vec<u32>,
    dst: Vec<u32>,
    pool: Vec<u32>,
    weight: Vec<f64>,
    is_present: Vec<bool>,
    /// Edges by pool; a number that no pool has.
    edges_of_pool: FxHashMap<u32, Vec<u32>>,
    free_pool: u32,
    /// Present edges by the node they leave, and by the node they enter.
    leaving: Vec<Vec<u32>>,
    entering: Vec<Vec<u32>>,
    /// By node, its place among the bases.
    rank: Vec<u32>,
    min_hops: usize,
    max_hops: usize,
    max_cycles: usize,
    cycles: Cycles,
}

impl CycleIndex {
    /// Returns the index of the cycles through `bases`, found with up to `threads` threads.
    ///
    /// # Errors
    /// As [`Multiverse::list`]; [`MultiverseError::Without`] if the graph has no weights;
    /// [`MultiverseError::TooManyCycles`] if there are more than `max_cycles`.
    pub fn new(
        graph: &Multiverse,
        bases: &[u32],
        (min_hops, max_hops): (usize, usize),
        max_cycles: usize,
        threads: usize,
        interrupted: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, MultiverseError> {
        let Some(weight) = graph.weight.clone() else {
            return Err(MultiverseError::Without { asked: "an index", array: "weight" });
        };
        let bounds = Bounds { min_hops, max_count: Some(max_cycles), ..Bounds::up_to(max_hops) };
        let table = graph.list(Between::Cycles(bases), Level::Pool, &bounds, threads, interrupted)?;
        match table.shape.truncation {
            Some(Truncation::Count) => return Err(MultiverseError::TooManyCycles { max_cycles, max_hops }),
            Some(Truncation::Interrupted) => return Err(MultiverseError::Interrupted),
            None => {}
        }
        let nodes = graph.node_count();
        let mut rank = vec![NOT_A_BASE; nodes];
        for (place, &base) in bases.iter().enumerate() {
            rank[base as usize] = index(place);
        }
        let mut new = Self {
            nodes,
            src: Vec::new(),
            dst: Vec::new(),
            pool: Vec::new(),
            weight: Vec::new(),
            is_present: Vec::new(),
            edges_of_pool: FxHashMap::default(),
            free_pool: 0,
            leaving: vec![Vec::new(); nodes],
            entering: vec![Vec::new(); nodes],
            rank,
            min_hops,
            max_hops,
            max_cycles,
            cycles: Cycles::new(max_hops, table.rows().len()),
        };
        for (edge, weight) in weight.into_iter().enumerate() {
            new.push_edge(graph.src[edge], graph.dst[edge], graph.pool[edge], weight);
            new.link(index(edge));
        }
        for row in table.rows() {
            let mut edges = [NO_EDGE; MAX_HOPS];
            for (edge, &value) in edges.iter_mut().zip(row) {
                *edge = value.unsigned_abs();
            }
            new.cycles.insert(&edges);
        }
        Ok(new)
    }

    /// Returns the number of cycles.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cycles.len()
    }

    /// Returns whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of nodes.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes
    }

    /// Returns the number of edges, removed ones included.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.src.len()
    }

    /// Returns the bytes that the cycles take.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        self.cycles.size_in_bytes()
    }

    /// Changes weights and returns the cycles through these edges that now pay (weigh less than zero),
    /// the best first. An edge of a removed pool keeps its weight for later.
    ///
    /// # Errors
    /// [`FinderError::UnknownEdge`], [`FinderError::Weight`]; then nothing has changed.
    pub fn update(&mut self, changes: &[(usize, f64)]) -> Result<PayingCycles, MultiverseError> {
        for &(edge, weight) in changes {
            let edges = self.edge_count();
            if edge >= edges {
                return Err(FinderError::UnknownEdge { edge, edges }.into());
            }
            check_weight(edge, weight)?;
        }
        for &(edge, weight) in changes {
            self.weight[edge] = weight;
        }
        let through = |&(edge, _): &(usize, f64)| self.cycles.through(edge).iter().copied();
        if let [change] = changes {
            return Ok(self.paying(through(change)));
        }
        let mut touched: Vec<u32> = changes.iter().flat_map(through).collect();
        touched.sort_unstable();
        touched.dedup();
        Ok(self.paying(touched.into_iter()))
    }

    /// Returns all cycles that pay, the best first. Looks at every cycle.
    #[must_use]
    pub fn all_paying(&self) -> PayingCycles {
        self.paying(0..index(self.len()))
    }

    /// Returns all cycles, in the order in which [`Multiverse::list`] has them.
    #[must_use]
    pub fn all(&self) -> PayingCycles {
        self.in_order((0..index(self.len())).collect())
    }

    /// Returns the cycles that use a pool, in the order in which [`Multiverse::list`] has them.
    ///
    /// # Errors
    /// [`MultiverseError::UnknownPool`].
    pub fn of_pool(&self, pool: u32) -> Result<PayingCycles, MultiverseError> {
        let edges = self.edges_of(pool)?;
        Ok(self
            .in_order(edges.iter().flat_map(|&edge| self.cycles.through(edge as usize)).copied().collect()))
    }

    /// Takes a pool's edges away, with every cycle through them; returns how many these were.
    ///
    /// # Errors
    /// [`MultiverseError::UnknownPool`].
    pub fn remove_pool(&mut self, pool: u32) -> Result<usize, MultiverseError> {
        let edges = self.edges_of(pool)?.to_vec();
        let before = self.len();
        for edge in edges {
            self.detach(edge);
        }
        Ok(before - self.len())
    }

    /// Puts a removed pool's edges back, with the weights they have; returns how many cycles that adds.
    ///
    /// # Errors
    /// [`MultiverseError::UnknownPool`]; [`MultiverseError::TooManyCycles`], and then it stays removed.
    pub fn restore_pool(&mut self, pool: u32) -> Result<usize, MultiverseError> {
        let absent = |&edge: &u32| !self.is_present[edge as usize];
        let edges: Vec<u32> = self.edges_of(pool)?.iter().copied().filter(absent).collect();
        let before = self.len();
        for (place, &edge) in edges.iter().enumerate() {
            if let Err(error) = self.attach(edge) {
                edges[..place].iter().for_each(|&edge| self.detach(edge));
                return Err(error);
            }
        }
        Ok(self.len() - before)
    }

    /// Adds an edge, of a pool of its own if none is given; returns its index.
    ///
    /// # Errors
    /// [`MultiverseError`]: an unknown node, a self-loop, a weight or pool out of range, or more than
    /// `max_cycles` cycles; then nothing has changed.
    pub fn add(
        &mut self,
        src: u32,
        dst: u32,
        weight: f64,
        pool: Option<u32>,
    ) -> Result<usize, MultiverseError> {
        let edge = self.edge_count();
        for (name, node) in [("src", src), ("dst", dst)] {
            if node as usize >= self.nodes {
                let (name, node) = (name.to_owned(), node.into());
                return Err(MultiverseError::UnknownNode { name, node, nodes: self.nodes });
            }
        }
        if src == dst {
            return Err(MultiverseError::SelfLoop { edge, node: src });
        }
        check_weight(edge, weight)?;
        let pool = check_pool(edge, pool.unwrap_or(self.free_pool).into())?;
        let free_pool = self.free_pool;
        self.push_edge(src, dst, pool, weight);
        if let Err(error) = self.attach(index(edge)) {
            self.pop_edge();
            self.free_pool = free_pool;
            return Err(error);
        }
        Ok(edge)
    }

    fn edges_of(&self, pool: u32) -> Result<&[u32], MultiverseError> {
        let edges = self.edges_of_pool.get(&pool).map(Vec::as_slice);
        edges.ok_or(MultiverseError::UnknownPool { pool: pool.into() })
    }

    /// Adds an edge that is absent.
    fn push_edge(&mut self, src: u32, dst: u32, pool: u32, weight: f64) {
        let edge = index(self.edge_count());
        self.src.push(src);
        self.dst.push(dst);
        self.pool.push(pool);
        self.weight.push(weight);
        self.is_present.push(false);
        self.edges_of_pool.entry(pool).or_default().push(edge);
        self.free_pool = self.free_pool.max(pool + 1);
        self.cycles.push_edge();
    }

    /// Forgets the last edge, which is absent.
    fn pop_edge(&mut self) {
        self.src.pop();
        self.dst.pop();
        self.weight.pop();
        self.is_present.pop();
        self.cycles.pop_edge();
        if let Some(pool) = self.pool.pop()
            && let Some(edges) = self.edges_of_pool.get_mut(&pool)
        {
            edges.pop();
            if edges.is_empty() {
                self.edges_of_pool.remove(&pool);
            }
        }
    }

    fn link(&mut self, edge: u32) {
        let place = edge as usize;
        self.is_present[place] = true;
        self.leaving[self.src[place] as usize].push(edge);
        self.entering[self.dst[place] as usize].push(edge);
    }

    fn unlink(&mut self, edge: u32) {
        let place = edge as usize;
        self.is_present[place] = false;
        self.leaving[self.src[place] as usize].retain(|&other| other != edge);
        self.entering[self.dst[place] as usize].retain(|&other| other != edge);
    }

    /// Makes an absent edge present, with its cycles.
    fn attach(&mut self, edge: u32) -> Result<(), MultiverseError> {
        let room = self.max_cycles.saturating_sub(self.len());
        let Some(rows) = Through::new(self, edge).cycles(room) else {
            return Err(MultiverseError::TooManyCycles {
                max_cycles: self.max_cycles,
                max_hops: self.max_hops,
            });
        };
        self.link(edge);
        for row in &rows {
            self.cycles.insert(row);
        }
        Ok(())
    }

    /// Makes an edge absent, with its cycles.
    fn detach(&mut self, edge: u32) {
        while let Some(&cycle) = self.cycles.through(edge as usize).last() {
            self.cycles.remove(cycle);
        }
        self.unlink(edge);
    }

    fn weigh(&self, cycle: u32) -> f64 {
        self.cycles.edges(cycle).fold(0.0, |sum, edge| sum + self.weight[edge as usize])
    }

    fn paying(&self, cycles: impl Iterator<Item = u32>) -> PayingCycles {
        let weighed = cycles.map(|cycle| (self.weigh(cycle), cycle));
        let mut found: Vec<_> = weighed.filter(|&(weight, _)| weight < 0.0).collect();
        // Cycles of one weight in the order of their edges: their numbers depend on the past.
        found.sort_unstable_by(|x, y| {
            x.0.total_cmp(&y.0).then_with(|| self.cycles.row(x.1).cmp(self.cycles.row(y.1)))
        });
        self.listed(found)
    }

    fn in_order(&self, mut cycles: Vec<u32>) -> PayingCycles {
        cycles.sort_unstable_by_key(|&cycle| {
            let row = self.cycles.row(cycle);
            (self.rank[self.src[row[0] as usize] as usize], row)
        });
        self.listed(cycles.into_iter().map(|cycle| (self.weigh(cycle), cycle)).collect())
    }

    fn listed(&self, cycles: Vec<(f64, u32)>) -> PayingCycles {
        let mut values = Vec::with_capacity(cycles.len() * self.max_hops);
        for &(_, cycle) in &cycles {
            let value = |&edge: &u32| if edge == NO_EDGE { PADDING } else { signed(edge) };
            values.extend(self.cycles.row(cycle).iter().map(value));
        }
        PayingCycles {
            values,
            width: self.max_hops,
            weights: cycles.into_iter().map(|(weight, _)| weight).collect(),
        }
    }
}
