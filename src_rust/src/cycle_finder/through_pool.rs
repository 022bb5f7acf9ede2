//! All profitable short cycles through one pool: the work that one account update causes.
//!
//! Cycles through the edge `u → v` are that edge and a path `v → … → u`. The path is found from
//! the end with fewer neighbours, over pairs of mints; the other end's neighbours are looked up.
//! A branch is left when even the best pools of its pairs give no profit before fees; sums are
//! formed in the cycle's order everywhere and rounding is monotone, so the bound loses nothing.

use super::graph::{EdgeIndex, GraphError, MintIndex, PoolIndex, PriceGraph, edge_of};
use super::{CycleKey, MAX_HOPS};

/// A cycle as handed to the visitor: 2 to [`MAX_HOPS`] edges.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct FoundCycle<'a> {
    /// In order; the first belongs to the pool that was asked about.
    pub edges: &'a [EdgeIndex],
    /// Sum of the weights after fees; negative: gains at the margin.
    pub net: f64,
    /// Sum of the weights before fees; always negative here.
    pub gross: f64,
}

impl FoundCycle<'_> {
    /// Returns the cycle's identity, the same whichever of its pools was asked about.
    #[must_use]
    pub fn key(&self) -> CycleKey {
        CycleKey::of_short(self.edges)
    }
}

/// Memory that searches use again and again. Grows with the number of mints, never shrinks.
#[derive(Debug, Clone, Default)]
pub struct CycleScratch {
    /// Which mints are neighbours of the far end, by epoch, and the step between them.
    seen: Vec<(u32, u32)>,
    epoch: u32,
}

impl PriceGraph {
    /// Calls `visit` for every simple cycle of 2 to `max_hops` hops through `pool`, in either
    /// direction, that is profitable before fees (`gross < 0`). No mint and no pool occurs twice.
    ///
    /// The order is fixed by the graph: direction a to b first, then by number of hops. Allocates
    /// only when `scratch` meets more mints than before.
    ///
    /// # Errors
    /// [`GraphError::UnknownPool`], [`GraphError::MaxHops`] if `max_hops` is not in 2..=4.
    pub fn cycles_through(
        &self,
        pool: PoolIndex,
        max_hops: usize,
        scratch: &mut CycleScratch,
        mut visit: impl FnMut(FoundCycle<'_>),
    ) -> Result<(), GraphError> {
        self.check_pool(pool)?;
        if !(2..=MAX_HOPS).contains(&max_hops) {
            return Err(GraphError::MaxHops { max_hops });
        }
        for a_to_b in [true, false] {
            let edge = edge_of(pool, a_to_b);
            if let (Some(weight), Some((start, next))) = (self.weight(edge), self.ends(edge)) {
                let mut walk =
                    Walk { graph: self, first: edge, gross: weight.gross, start, next, visit: &mut visit };
                walk.two_hops();
                if max_hops >= 3 {
                    walk.longer(max_hops, scratch);
                }
            }
        }
        Ok(())
    }
}

/// The search for cycles that begin with one edge.
struct Walk<'a, F> {
    graph: &'a PriceGraph,
    first: EdgeIndex,
    gross: f64,
    start: MintIndex,
    next: MintIndex,
    visit: &'a mut F,
}

impl<F: FnMut(FoundCycle<'_>)> Walk<'_, F> {
    fn two_hops(&mut self) {
        if let Some(back) = self.graph.step_between(self.next, self.start) {
            self.expand(&[back]);
        }
    }

    /// Three and four hops, with the cheaper way to look up the far end's neighbours.
    fn longer(&mut self, max_hops: usize, scratch: &mut CycleScratch) {
        let graph = self.graph;
        // Walk from the end with fewer neighbours ("near") to the other ("far").
        let from_next = graph.neighbours_of(self.next).len() <= graph.neighbours_of(self.start).len();
        let (near, far) = if from_next { (self.next, self.start) } else { (self.start, self.next) };
        let around_near = graph.neighbours_of(near);
        let around_far = graph.neighbours_of(far);
        let lookups = if max_hops == 3 {
            around_near.len()
        } else {
            around_near.iter().map(|step| graph.neighbours_of(step.mint).len()).sum()
        };
        // A stamp costs about a nanosecond, a look-up in the hash map five.
        if lookups.saturating_mul(4) < around_far.len() {
            self.three_hops(from_next, near, far, |mint| graph.step_between(mint, far));
            if max_hops >= 4 {
                self.four_hops(from_next, near, far, |mint| graph.step_between(mint, far));
            }
        } else {
            let stamped = scratch.stamp(graph, far);
            self.three_hops(from_next, near, far, stamped);
            if max_hops >= 4 {
                self.four_hops(from_next, near, far, stamped);
            }
        }
    }

    fn three_hops(
        &mut self,
        from_next: bool,
        near: MintIndex,
        far: MintIndex,
        to_far: impl Fn(MintIndex) -> Option<u32>,
    ) {
        for one in self.graph.neighbours_of(near) {
            if one.mint == far {
                continue;
            }
            if let Some(two) = to_far(one.mint) {
                self.expand(&in_order(from_next, [one.step, two]));
            }
        }
    }

    fn four_hops(
        &mut self,
        from_next: bool,
        near: MintIndex,
        far: MintIndex,
        to_far: impl Fn(MintIndex) -> Option<u32>,
    ) {
        for one in self.graph.neighbours_of(near) {
            if one.mint == far {
                continue;
            }
            for two in self.graph.neighbours_of(one.mint) {
                if two.mint == near || two.mint == far {
                    continue;
                }
                if let Some(three) = to_far(two.mint) {
                    self.expand(&in_order(from_next, [one.step, two.step, three]));
                }
            }
        }
    }

    /// Visits every choice of pools for the steps that follow the first edge.
    fn expand<const N: usize>(&mut self, steps: &[u32; N]) {
        let bound = steps.iter().fold(self.gross, |sum, &step| sum + self.graph.best_gross(step));
        if bound < 0.0 {
            let mut edges = [self.first; MAX_HOPS];
            self.choose(steps, &mut edges, 1, self.gross);
        }
    }

    fn choose(&mut self, steps: &[u32], edges: &mut [EdgeIndex; MAX_HOPS], len: usize, gross: f64) {
        let graph = self.graph;
        let Some((&step, rest)) = steps.split_first() else {
            let edges = &edges[..len];
            let net = edges.iter().fold(0.0, |sum, &edge| sum + graph.raw_weight(edge).net);
            (self.visit)(FoundCycle { edges, net, gross });
            return;
        };
        for edge in graph.edges_of(step) {
            if edge / 2 == self.first / 2 {
                continue; // the pool itself, backwards; other steps join other mints
            }
            let sum = gross + graph.raw_weight(edge).gross;
            if rest.iter().fold(sum, |sum, &step| sum + graph.best_gross(step)) < 0.0 {
                edges[len] = edge;
                self.choose(rest, edges, len + 1, sum);
            }
        }
    }
}

/// Steps found from the near end, turned into the order in which the cycle walks them.
fn in_order<const N: usize>(from_next: bool, mut steps: [u32; N]) -> [u32; N] {
    if !from_next {
        steps.reverse();
        for step in &mut steps {
            *step ^= 1; // the same pair, walked the other way
        }
    }
    steps
}

impl CycleScratch {
    /// Returns scratch memory that has not met a graph yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Marks the neighbours of `far`; the answer gives the step from a mint to `far`.
    fn stamp(&mut self, graph: &PriceGraph, far: MintIndex) -> impl Fn(MintIndex) -> Option<u32> + Copy + '_ {
        if self.seen.len() < graph.mint_count() {
            self.seen.resize(graph.mint_count(), (0, 0));
        }
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.seen.fill((0, 0));
            self.epoch = 1;
        }
        for neighbour in graph.neighbours_of(far) {
            self.seen[neighbour.mint as usize] = (self.epoch, neighbour.step ^ 1);
        }
        let (seen, epoch) = (&self.seen, self.epoch);
        move |mint| {
            let (stamp, step) = seen[mint as usize];
            (stamp == epoch).then_some(step)
        }
    }
}
