//! Is there a negative cycle, after each change of one edge: without a pass over the graph.
//!
//! The finder keeps potentials that prove that its *held* edges close no negative cycle: with them
//! every held edge costs 0 or more (`search.rs`). A change that leaves its edge at 0 or more is
//! answered at once. Otherwise a search around the edge either moves a few potentials, or finds a
//! negative cycle. The edge is then *withheld*: the potentials do without it, and the cycle is kept
//! as its *witness*. So there is a negative cycle exactly while something is withheld, however long
//! that lasts, and all other edges are answered for as before.
//!
//! A witness is summed again when a weight in it rises or an edge of it is removed. While it stays
//! below zero the cycle is *open*. When it does not, the cycle has *closed*, and its withheld edge
//! is tried again: it is held from then on, or there is another cycle, which opens. What is not
//! told: while an edge is withheld, that further cycles through it open or close. `cycles_through`
//! lists them, for the few nodes around one edge.
//!
//! Exactness. Weights are turned into whole multiples of [`IncrementalCycleFinder::resolution`]
//! (2⁻⁴⁴, about 5.7e-14, where no |weight| exceeds 64; 2⁻⁵⁰ of the largest or a little less, rounded
//! to a power of two, otherwise), rounded up. All else is integers, so nothing can drift, however many
//! updates there are, and every cycle that is told is negative in truth. Cycles between
//! `-hops * resolution` and zero may be missed. [`super::NegativeCycleFinder`], which works in `f64`
//! from scratch, gives the same yes or no outside its own band, `-hops * CYCLE_EPSILON` to zero.
//! Potentials that outgrow 58 bits are computed anew, and where sums along paths do not fit, the
//! resolution is made 256 times coarser: at 2⁻⁴⁴ that takes a path of weight 8192.
//!
//! [`super::PriceGraph::cycles_through`], the engine's search, asks another question and shares
//! nothing with this one: it lists cycles that gain before fees, most of which lose after fees, so
//! that potentials over weights after fees bound nothing there, and its graph grows pool by pool.

mod arcs;
mod bounded;
mod open;
mod potentials;
mod scale;
mod search;
#[cfg(test)]
mod tests;

pub use open::WeightedCycle;

use rustc_hash::FxHashMap;

use self::arcs::{Graph, State};
use self::open::{OpenCycles, is_negative, present, weighted};
use self::scale::{ABSENT, Scale};
use self::search::Search;
use super::input::{FinderError, check_graph, check_weight};
use super::layout::{breadth_first, group_by, index};

/// What one change did to the open cycles.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CycleUpdate {
    /// Cycles that are negative now and were not known to be.
    pub opened: Vec<WeightedCycle>,
    /// Cycles that were open, with what they weigh now.
    pub closed: Vec<WeightedCycle>,
}

/// A directed multigraph whose weights change, and the negative cycles it has.
#[derive(Debug, Clone)]
pub struct IncrementalCycleFinder {
    graph: Graph,
    search: Search,
    scale: Scale,
    open: OpenCycles,
    /// Our number for each of the user's pools.
    pools: FxHashMap<i64, u32>,
    /// Edges sorted by our number of their pool, behind where each pool starts.
    by_pool: (Vec<u32>, Vec<u32>),
}

impl IncrementalCycleFinder {
    /// Returns a finder for `nodes` nodes and the edges `src[i] → dst[i]`. Edges with the same
    /// `pool` never share a cycle in [`Self::cycles_through`]; without `pool`, each edge is its own.
    ///
    /// Takes about a microsecond an edge where weights are those of a market, and memory of about
    /// 100 bytes an edge.
    ///
    /// # Errors
    /// [`FinderError`]: lengths differ, a node outside `0..nodes`, an edge from a node to itself, a
    /// weight not finite or too large.
    pub fn new(
        nodes: usize,
        src: &[u32],
        dst: &[u32],
        weight: &[f64],
        pool: Option<&[i64]>,
    ) -> Result<Self, FinderError> {
        let largest = check_graph(nodes, src, dst, weight)?;
        let edges = src.len();
        if let Some(edge) = (0..edges).find(|&edge| src[edge] == dst[edge]) {
            return Err(FinderError::SelfLoop { edge, node: src[edge] });
        }
        let own: Vec<i64>;
        let pool = match pool {
            Some(pool) if pool.len() != edges => {
                return Err(FinderError::PoolLength { edges, pool: pool.len() });
            }
            Some(pool) => pool,
            None => {
                own = (0..).take(edges).collect();
                &own
            }
        };
        let mut pools: FxHashMap<i64, u32> = FxHashMap::default();
        let pool = pool.iter().map(|&pool| {
            let next = index(pools.len());
            *pools.entry(pool).or_insert(next)
        });
        let pool: Vec<u32> = pool.collect();
        let by_pool = group_by(pools.len(), edges, |edge| pool[edge]);
        let label = breadth_first(nodes, src, dst);
        let [src, dst] =
            [src, dst].map(|ends| -> Vec<u32> { ends.iter().map(|&node| label[node as usize]).collect() });
        let mut finder = Self {
            graph: Graph::new(nodes, &src, &dst, weight, pool),
            search: Search::new(nodes),
            scale: Scale::for_weights_up_to(largest),
            open: OpenCycles::default(),
            pools,
            by_pool,
        };
        finder.start();
        Ok(finder)
    }

    /// Changes the weight of one edge, or puts a removed edge back, and says which cycles that
    /// opened and closed, if any.
    ///
    /// Constant time where the edge's reduced cost stays at 0 or more and it is part of no open
    /// cycle.
    ///
    /// # Errors
    /// [`FinderError::UnknownEdge`], [`FinderError::Weight`]: nothing was changed.
    #[inline]
    pub fn update(&mut self, edge: usize, weight: f64) -> Result<Option<CycleUpdate>, FinderError> {
        self.check_change(edge, weight)?;
        let of_edge = &mut self.graph.edges[edge];
        if of_edge.state == State::Held
            && of_edge.watchers == 0
            && let Some(units) = self.scale.units(weight)
            && self.search.reduced(of_edge.ends, units) >= 0
        {
            of_edge.weight = weight;
            self.graph.units[edge] = units;
            return Ok(None);
        }
        Ok(self.change(edge, weight))
    }

    fn check_change(&self, edge: usize, weight: f64) -> Result<(), FinderError> {
        self.check_edge(edge)?;
        check_weight(edge, weight)
    }

    /// Makes many changes, in order, as so many calls of [`Self::update`] would. Returns what opened
    /// or closed cycles, with its position.
    ///
    /// # Errors
    /// [`FinderError::ChangeLengths`], and those of [`Self::update`]: nothing was changed.
    pub fn update_many(
        &mut self,
        edges: &[usize],
        weights: &[f64],
    ) -> Result<Vec<(usize, CycleUpdate)>, FinderError> {
        if edges.len() != weights.len() {
            return Err(FinderError::ChangeLengths { edges: edges.len(), weights: weights.len() });
        }
        for (&edge, &weight) in edges.iter().zip(weights) {
            self.check_change(edge, weight)?;
        }
        let mut updates = Vec::new();
        for (position, (&edge, &weight)) in edges.iter().zip(weights).enumerate() {
            if let Some(update) = self.update(edge, weight)? {
                updates.push((position, update));
            }
        }
        Ok(updates)
    }

    /// Takes an edge out, and with it every cycle through it, until it is updated again. Does
    /// nothing to an edge that is out already.
    ///
    /// # Errors
    /// [`FinderError::UnknownEdge`].
    pub fn remove(&mut self, edge: usize) -> Result<Option<CycleUpdate>, FinderError> {
        self.check_edge(edge)?;
        let of_edge = &mut self.graph.edges[edge];
        if of_edge.state == State::Removed {
            return Ok(None);
        }
        of_edge.state = State::Removed;
        of_edge.weight = f64::INFINITY;
        let watched = of_edge.watchers > 0;
        self.graph.units[edge] = ABSENT;
        let (mut update, before) = (CycleUpdate::default(), self.scale);
        if watched {
            self.review(self.open.watchers(index(edge)).to_vec(), &mut update);
        }
        if self.scale != before {
            cancel(&mut update);
        }
        Ok(some(update))
    }

    /// Returns whether a negative cycle would run through this edge if it had this weight, beside
    /// the edges that are not withheld; an open cycle through it counts as well. Changes nothing.
    ///
    /// # Errors
    /// [`FinderError::UnknownEdge`], [`FinderError::Weight`].
    pub fn would_close_cycle(&mut self, edge: usize, weight: f64) -> Result<bool, FinderError> {
        self.check_change(edge, weight)?;
        let Some(units) = self.scale.units(weight) else {
            let mut coarse = self.clone();
            coarse.coarsen(Scale::for_weights_up_to(weight.abs()), &mut CycleUpdate::default());
            return coarse.would_close_cycle(edge, weight);
        };
        let of_edge = &self.graph.edges[edge];
        let cost = self.search.reduced(of_edge.ends, units);
        let [from, to] = of_edge.ends;
        if of_edge.watchers > 0 && self.is_watched_below_zero(index(edge), units) {
            return Ok(true);
        }
        Ok(cost < 0 && self.search.is_joined(&self.graph, to, from, -cost))
    }

    fn is_watched_below_zero(&self, edge: u32, units: i64) -> bool {
        self.open.watchers(edge).iter().any(|&withheld| {
            is_negative(&self.graph, self.scale, self.open.witness(withheld), Some((edge, units)))
        })
    }

    /// Returns whether there is a negative cycle; constant time.
    #[must_use]
    pub fn has_cycle(&self) -> bool {
        !self.open.is_empty()
    }

    /// Returns the open cycles, one for each withheld edge, which is its first; by that edge.
    #[must_use]
    pub fn open_cycles(&self) -> Vec<WeightedCycle> {
        self.open.iter().map(|(_, witness)| weighted(&self.graph, witness.to_vec())).collect()
    }

    /// Returns the number of nodes.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.graph.node_count()
    }

    /// Returns the number of edges, removed ones included.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.graph.edges.len()
    }

    /// Returns the unit of weight: see the module's documentation.
    #[must_use]
    pub fn resolution(&self) -> f64 {
        self.scale.unit()
    }

    fn check_edge(&self, edge: usize) -> Result<(), FinderError> {
        let edges = self.edge_count();
        if edge < edges { Ok(()) } else { Err(FinderError::UnknownEdge { edge, edges }) }
    }

    #[inline(never)]
    fn change(&mut self, edge: usize, weight: f64) -> Option<CycleUpdate> {
        let (mut update, before) = (CycleUpdate::default(), self.scale);
        if self.scale.units(weight).is_none() {
            self.coarsen(Scale::for_weights_up_to(weight.abs()), &mut update);
        }
        let of_edge = &mut self.graph.edges[edge];
        let rises = weight > of_edge.weight;
        of_edge.weight = weight;
        if of_edge.state != State::Withheld {
            self.try_edge(edge, &mut update);
        }
        if rises && self.graph.edges[edge].watchers > 0 {
            self.review(self.open.watchers(index(edge)).to_vec(), &mut update);
        }
        if self.scale != before {
            cancel(&mut update);
        }
        some(update)
    }

    /// Sums witnesses again. Those no longer below zero have closed; their withheld edges, unless
    /// removed, are tried anew.
    fn review(&mut self, withheld: Vec<u32>, update: &mut CycleUpdate) {
        for edge in withheld {
            if is_negative(&self.graph, self.scale, self.open.witness(edge), None) {
                continue;
            }
            let Some(witness) = self.open.remove(&mut self.graph, edge) else { continue };
            update.closed.push(weighted(&self.graph, witness));
            if self.graph.edges[edge as usize].state != State::Removed {
                self.try_edge(edge as usize, update);
            }
        }
    }

    /// Holds an edge at its weight if that closes no negative cycle; otherwise withholds it.
    fn try_edge(&mut self, edge: usize, update: &mut CycleUpdate) {
        let of_edge = &self.graph.edges[edge];
        let Some(units) = self.scale.units(of_edge.weight) else { return };
        let [from, to] = of_edge.ends;
        let cost = self.search.reduced([from, to], units);
        if cost < 0 {
            if self.search.is_joined(&self.graph, to, from, -cost) {
                let mut witness = vec![index(edge)];
                witness.extend(self.search.path(&self.graph));
                self.graph.edges[edge].state = State::Withheld;
                self.graph.units[edge] = ABSENT;
                update.opened.push(weighted(&self.graph, witness.clone()));
                self.open.insert(&mut self.graph, index(edge), witness);
                return;
            }
            self.search.make_room();
        }
        self.graph.edges[edge].state = State::Held;
        self.graph.units[edge] = units;
        if self.search.overflowing && !potentials::reset(&mut self.search, &self.graph) {
            self.coarsen(self.scale.coarser(), update);
        }
    }

    /// Finds potentials for as many edges as possible, then tries the others one by one.
    fn start(&mut self) {
        let nodes = self.graph.node_count();
        loop {
            self.search.overflowing = false;
            for edge in 0..self.edge_count() {
                self.hold(edge);
            }
            potentials::place(&mut self.search, &self.graph);
            // Enough for most markets, and a bound where cycles would have it go on for ever.
            potentials::relax(&mut self.search, &self.graph, Some(8 * nodes));
            if !self.search.overflowing {
                break;
            }
            self.scale = self.scale.coarser();
        }
        let mut others = Vec::new();
        for edge in 0..self.edge_count() {
            let of_edge = &mut self.graph.edges[edge];
            let units = self.scale.units(of_edge.weight).unwrap_or(ABSENT);
            if self.search.reduced(of_edge.ends, units) < 0 {
                of_edge.state = State::Withheld;
                self.graph.units[edge] = ABSENT;
                others.push(edge);
            }
        }
        potentials::centre(&mut self.search, &self.graph);
        for edge in others {
            self.try_edge(edge, &mut CycleUpdate::default());
        }
        for _ in 0..4 {
            potentials::centre(&mut self.search, &self.graph);
        }
    }

    fn hold(&mut self, edge: usize) {
        if let Some(units) = present(&self.graph, self.scale, index(edge)) {
            self.graph.edges[edge].state = State::Held;
            self.graph.units[edge] = units;
        }
    }

    /// Goes over to a coarser resolution. Weights rise by less than one new unit: held edges close
    /// no negative cycle then either, and open cycles of almost no weight may close.
    fn coarsen(&mut self, scale: Scale, update: &mut CycleUpdate) {
        self.scale = scale;
        loop {
            for edge in 0..self.edge_count() {
                if self.graph.edges[edge].state == State::Held {
                    self.hold(edge);
                }
            }
            if potentials::reset(&mut self.search, &self.graph) {
                break;
            }
            self.scale = self.scale.coarser();
        }
        self.review(self.open.iter().map(|(edge, _)| edge).collect(), update);
    }
}

/// Leaves out what opened and closed in the same update, as the scale became coarser.
fn cancel(update: &mut CycleUpdate) {
    update.opened.retain(|opened| {
        let closed = update.closed.iter().position(|cycle| cycle.edges == opened.edges);
        closed.map(|place| update.closed.remove(place)).is_none()
    });
}

/// `None` if nothing opened and nothing closed.
fn some(update: CycleUpdate) -> Option<CycleUpdate> {
    (!update.opened.is_empty() || !update.closed.is_empty()).then_some(update)
}
