//! Which cycles pay: incremental search through a changed pool, and Bellman-Ford over everything.
//!
//! The market is a directed multigraph: nodes are mints, every pool owns two edges, an edge weighs
//! `-ln(marginal rate)`, so a cycle with a negative sum gains at the margin. The one idea: cost
//! follows the change. [`PriceGraph::cycles_through`] looks only at the neighbourhood of one pool;
//! [`NegativeCycleFinder`] answers "is there any" for the whole graph (start-up, on demand, and as
//! the check of the incremental answer), on plain arrays or, as [`MarketSweep`], on a price graph;
//! [`IncrementalCycleFinder`] answers the same after each change of plain arrays' weights, from what
//! it knew before.
//!
//! Weights are `f64`: prices of real pairs span 13 decades (|weight| up to 30), where `f32` steps by
//! 2e-6, two hundredths of a basis point, per hop and loses more in sums. Nothing here is money:
//! sizing recomputes every amount in integers.

mod bellman_ford;
mod graph;
mod incremental;
mod input;
mod layout;
mod sweep;
mod through_pool;

pub use bellman_ford::{CYCLE_EPSILON, NegativeCycle, NegativeCycleFinder};
pub use graph::{
    EdgeIndex, EdgeWeight, GraphError, MAX_MINTS, MintIndex, PoolIndex, PriceGraph, edge_of, pool_of,
};
pub use incremental::{CycleUpdate, IncrementalCycleFinder, WeightedCycle};
pub use input::{FinderError, MAX_ABS_WEIGHT, node_indices, source_indices};
pub use sweep::MarketSweep;
pub use through_pool::{CycleScratch, FoundCycle};

/// The most hops [`PriceGraph::cycles_through`] looks for.
pub const MAX_HOPS: usize = 4;

/// The most hops [`IncrementalCycleFinder::cycles_through`] looks for.
pub const MAX_ARRAY_HOPS: usize = 6;

/// The identity of a directed cycle of at most [`MAX_HOPS`] edges, whatever edge it starts with.
///
/// A cycle and its reverse are different cycles, since they use different edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CycleKey([EdgeIndex; MAX_HOPS]);

impl CycleKey {
    /// Fills the unused places; never an edge of a graph ([`MAX_MINTS`] and memory bound those).
    const NONE: EdgeIndex = EdgeIndex::MAX;

    /// Returns the key of the cycle with these edges in order, or `None` if it is empty or longer
    /// than [`MAX_HOPS`].
    #[must_use]
    pub fn new(edges: &[EdgeIndex]) -> Option<Self> {
        (1..=MAX_HOPS).contains(&edges.len()).then(|| Self::of_short(edges))
    }

    /// The key of at most [`MAX_HOPS`] edges.
    fn of_short(edges: &[EdgeIndex]) -> Self {
        let first = edges.iter().enumerate().min_by_key(|&(_, edge)| edge).map_or(0, |(place, _)| place);
        let mut key = [Self::NONE; MAX_HOPS];
        let rotated = edges[first..].iter().chain(&edges[..first]);
        for (place, &edge) in key.iter_mut().zip(rotated) {
            *place = edge;
        }
        Self(key)
    }

    /// Iterates the edges, the smallest index first, then in the cycle's order.
    pub fn edges(&self) -> impl Iterator<Item = EdgeIndex> + '_ {
        self.0.iter().copied().filter(|&edge| edge != Self::NONE)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn cycle_key_is_the_same_for_every_rotation_and_differs_for_the_reverse() {
        let key = CycleKey::new(&[7, 2, 9]).unwrap();
        assert_eq!(key, CycleKey::new(&[2, 9, 7]).unwrap());
        assert_eq!(key, CycleKey::new(&[9, 7, 2]).unwrap());
        assert_ne!(key, CycleKey::new(&[9, 2, 7]).unwrap());
        assert_eq!(key.edges().collect::<Vec<_>>(), [2, 9, 7]);
    }

    #[test]
    fn cycle_key_refuses_no_edges_and_more_than_four() {
        assert_eq!(CycleKey::new(&[]), None);
        assert_eq!(CycleKey::new(&[1, 2, 3, 4, 5]), None);
    }
}
