//! Is there a negative cycle, and which? Bellman-Ford from scratch on every call.
//!
//! The search keeps *potentials* and lowers the end of every edge with `p(u) + w < p(v)`
//! (Bellman-Ford from a virtual source; any start values are right). Three things make it fast:
//! - one sequential pass gives each node the middle of what the pools to earlier nodes (breadth
//!   first) allow; in a market that leaves few edges violated (a few per cent) instead of half;
//! - the same pass sees which: only where the bounds contradict each other;
//! - only they are repaired, with a first-in first-out queue. Each lowered node remembers the edge
//!   that lowered it; these form a forest until a negative cycle closes in it. Short cycles are
//!   seen the moment they close (a bounded walk up the forest), long ones by a check of the whole
//!   forest after every `nodes` repairs: never worse than textbook Bellman-Ford by more than a
//!   constant factor.
//!
//! `f64` throughout, see the module's front page. The answer depends on nothing but the input.

use super::input::{FinderError, check_graph, check_weight};
use super::layout::{Layout, Link, NONE, index};

/// A cycle counts only if the sum of its weights is below minus this (and a repair is made only if
/// it lowers a potential by more). Where some |weight| exceeds 70 it grows in proportion (2⁻⁴⁶ of
/// the largest), since sums round. Cycles between `-hops * CYCLE_EPSILON` and zero may be missed.
pub const CYCLE_EPSILON: f64 = 1e-12;

/// How far up the forest each repair looks for a cycle.
const WALK: usize = 16;

/// A simple cycle whose weights sum to less than `-CYCLE_EPSILON`.
#[derive(Debug, Clone, PartialEq)]
pub struct NegativeCycle {
    /// Edges in walking order, as indices into the arrays the finder was built from.
    pub edges: Vec<u32>,
    /// Sum of their weights, in that order.
    pub weight: f64,
}

/// The edge that lowered a node last, and where that edge comes from.
#[derive(Debug, Clone, Copy)]
struct Parent {
    node: u32,
    edge: u32,
}

const NO_PARENT: Parent = Parent { node: NONE, edge: NONE };

/// A directed multigraph with weights, built once, searched as often as wanted.
#[derive(Debug, Clone)]
pub struct NegativeCycleFinder {
    layout: Layout,
    max_abs_weight: f64,
    state: State,
}

/// What one search works on; lives here only to be allocated once.
#[derive(Debug, Clone)]
struct State {
    potential: Vec<f64>,
    parent: Vec<Parent>,
    /// A ring of a power of two of at least one place per node.
    queue: Vec<u32>,
    head: usize,
    tail: usize,
    queued: Vec<bool>,
    /// Nodes by the walk that met them last, for the check of the whole forest.
    met: Vec<u32>,
    repairs: usize,
    epsilon: f64,
}

impl NegativeCycleFinder {
    /// Returns a finder for `nodes` nodes and the edges `src[i] → dst[i]`.
    ///
    /// Parallel edges and self-loops are allowed. Takes time in proportion to edges (and their
    /// logarithm, for one sort), memory about 100 bytes an edge.
    ///
    /// # Errors
    /// [`FinderError`]: lengths differ, a node outside `0..nodes`, a weight not finite or too large.
    pub fn new(nodes: usize, src: &[u32], dst: &[u32], weight: &[f64]) -> Result<Self, FinderError> {
        let max_abs_weight = check_graph(nodes, src, dst, weight)?;
        let layout = Layout::new(nodes, src, dst, weight);
        let state = State {
            potential: vec![0.0; nodes],
            parent: vec![NO_PARENT; nodes],
            queue: vec![0; nodes.next_power_of_two()],
            head: 0,
            tail: 0,
            queued: vec![false; nodes],
            met: vec![0; nodes],
            repairs: 0,
            epsilon: CYCLE_EPSILON,
        };
        Ok(Self { layout, max_abs_weight, state })
    }

    /// Changes the weight of one edge; the next [`Self::find`] sees it. No allocation.
    ///
    /// # Errors
    /// [`FinderError::UnknownEdge`], [`FinderError::Weight`].
    pub fn update(&mut self, edge: usize, weight: f64) -> Result<(), FinderError> {
        let edges = self.edge_count();
        if edge >= edges {
            return Err(FinderError::UnknownEdge { edge, edges });
        }
        check_weight(edge, weight)?;
        self.max_abs_weight = self.max_abs_weight.max(weight.abs());
        self.layout.set_weight(edge, weight);
        Ok(())
    }

    /// Returns the number of nodes.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.state.potential.len()
    }

    /// Returns the number of edges.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.layout.arcs.len()
    }

    /// Returns a negative cycle if there is one; which one is fixed by the input.
    ///
    /// Nothing is remembered between calls but memory: every call is a search from scratch.
    pub fn find(&mut self) -> Option<NegativeCycle> {
        self.search(|_| true)
    }

    /// Returns a negative cycle that can be reached from one of the nodes `sources`, if there is one.
    ///
    /// Costs one walk over what can be reached, and then as [`Self::find`] for that part alone.
    ///
    /// # Errors
    /// [`FinderError::UnknownSource`].
    pub fn find_from(&mut self, sources: &[u32]) -> Result<Option<NegativeCycle>, FinderError> {
        let nodes = self.state.potential.len();
        if let Some(&node) = sources.iter().find(|&&node| node as usize >= nodes) {
            return Err(FinderError::UnknownSource { node: i64::from(node), nodes });
        }
        let reached = self.layout.reached_from(sources);
        Ok(self.search(|node| reached[node as usize]))
    }

    /// Edges from a node that `counts` lead to nodes that count.
    fn search(&mut self, counts: impl Fn(u32) -> bool) -> Option<NegativeCycle> {
        let Self { layout, max_abs_weight, state } = self;
        state.epsilon = CYCLE_EPSILON.max(*max_abs_weight * 2.0_f64.powi(-46));
        state.parent.fill(NO_PARENT);
        state.queued.fill(false);
        (state.head, state.tail, state.repairs) = (0, 0, 0);
        for &edge in layout.loops.iter().filter(|&&edge| counts(layout.end_of(edge))) {
            if let Some(cycle) = state.accept(layout, vec![edge]) {
                return Some(cycle);
            }
        }
        for node in (0..state.potential.len()).filter(|&node| counts(index(node))) {
            if let Some(cycle) = state.place(layout, node, &counts) {
                return Some(cycle);
            }
        }
        state.repair(layout)
    }
}

impl State {
    /// Gives a node its first potential, between all bounds that the links to earlier nodes set.
    /// If these contradict each other, relaxes them.
    fn place(
        &mut self,
        layout: &Layout,
        node: usize,
        counts: &impl Fn(u32) -> bool,
    ) -> Option<NegativeCycle> {
        let links = layout.links_of(node);
        let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
        for link in layout.links[links.clone()].iter().filter(|link| counts(link.to)) {
            let at = self.potential[link.to as usize];
            low = low.max(at - link.back);
            high = high.min(at + link.forth);
        }
        self.potential[node] = middle(low, high);
        if low <= high {
            return None;
        }
        // From the highest bound down, so that every violated edge is met as one.
        self.potential[node] = low;
        let this = index(node);
        let counted = links.filter(|&place| counts(layout.links[place].to));
        for place in counted.clone() {
            let Link { to, forth, .. } = layout.links[place];
            let cycle = self.relax(layout, to, this, forth, layout.link_edges[place][0]);
            if cycle.is_some() {
                return cycle;
            }
        }
        for place in counted {
            let Link { to, back, .. } = layout.links[place];
            let cycle = self.relax(layout, this, to, back, layout.link_edges[place][1]);
            if cycle.is_some() {
                return cycle;
            }
        }
        None
    }

    fn repair(&mut self, layout: &Layout) -> Option<NegativeCycle> {
        let mask = self.queue.len() - 1;
        // Bellman-Ford needs at most one round of the queue per node. More are possible only
        // through rounding, at sums so near zero that no cycle counts.
        let mut rounds = self.potential.len() + 1;
        let mut round_end = self.tail;
        while self.head != self.tail {
            if self.head == round_end {
                rounds -= 1;
                if rounds == 0 {
                    return None;
                }
                round_end = self.tail;
            }
            let node = self.queue[self.head & mask];
            self.head = self.head.wrapping_add(1);
            let place = node as usize;
            self.queued[place] = false;
            for arc in layout.arcs_of(place) {
                // Read anew: a self-loop changes it.
                if self.potential[place] + arc.weight < self.potential[arc.to as usize] - self.epsilon
                    && let Some(cycle) = self.relax(layout, node, arc.to, arc.weight, arc.edge)
                {
                    return Some(cycle);
                }
            }
        }
        None
    }

    /// Lowers `to` if the edge asks for it. Returns the cycle that this closes, if it counts.
    fn relax(
        &mut self,
        layout: &Layout,
        from: u32,
        to: u32,
        weight: f64,
        edge: u32,
    ) -> Option<NegativeCycle> {
        let lower = self.potential[from as usize] + weight;
        if lower >= self.potential[to as usize] - self.epsilon {
            return None;
        }
        let mut node = from;
        for _ in 0..WALK {
            if node == to || node == NONE {
                break;
            }
            node = self.parent[node as usize].node;
        }
        if node == to {
            // Closing the cycle would end the forest. If the cycle does not count, its edges only
            // round below zero, and leaving this one alone changes nothing that counts.
            return self.accept(layout, self.cycle_up_to(from, to, edge));
        }
        self.potential[to as usize] = lower;
        self.parent[to as usize] = Parent { node: from, edge };
        if !self.queued[to as usize] {
            self.queued[to as usize] = true;
            let mask = self.queue.len() - 1;
            self.queue[self.tail & mask] = to;
            self.tail = self.tail.wrapping_add(1);
        }
        self.repairs += 1;
        if self.repairs.is_multiple_of(self.potential.len()) { self.check_forest(layout) } else { None }
    }

    /// The edges from `to` down to `from`, closed by `edge`.
    fn cycle_up_to(&self, from: u32, to: u32, edge: u32) -> Vec<u32> {
        let mut edges = vec![edge];
        let mut node = from;
        while node != to {
            let parent = self.parent[node as usize];
            edges.push(parent.edge);
            node = parent.node;
        }
        edges.reverse();
        edges
    }

    /// Looks for a cycle anywhere among the parents. One that does not count is cut open.
    fn check_forest(&mut self, layout: &Layout) -> Option<NegativeCycle> {
        self.met.fill(NONE);
        for start in 0..self.parent.len() {
            let walk = index(start);
            let mut node = walk;
            while node != NONE && self.met[node as usize] == NONE {
                self.met[node as usize] = walk;
                node = self.parent[node as usize].node;
            }
            if node != NONE && self.met[node as usize] == walk {
                let Parent { node: from, edge } = self.parent[node as usize];
                let cycle = self.accept(layout, self.cycle_up_to(from, node, edge));
                if cycle.is_some() {
                    return cycle;
                }
                self.parent[node as usize] = NO_PARENT;
            }
        }
        None
    }

    /// Recomputes the sum and returns the cycle if it counts.
    fn accept(&self, layout: &Layout, edges: Vec<u32>) -> Option<NegativeCycle> {
        let weight: f64 = edges.iter().map(|&edge| layout.weight(edge as usize)).sum();
        (weight < -self.epsilon).then_some(NegativeCycle { edges, weight })
    }
}

/// Halfway between two bounds, or the only bound, or zero.
fn middle(low: f64, high: f64) -> f64 {
    match (low > f64::NEG_INFINITY, high < f64::INFINITY) {
        (true, true) => 0.5 * (low + high),
        (true, false) => low,
        (false, true) => high,
        (false, false) => 0.0,
    }
}
