//! The market as a graph: mints, pools, two weights per direction.

use rustc_hash::FxHashMap;

/// A mint's dense index, given by the caller (0, 1, 2, …).
pub type MintIndex = u32;
/// A pool's dense index, given by [`PriceGraph::add_pool`].
pub type PoolIndex = u32;
/// `2 * pool` for token a to token b, `2 * pool + 1` for b to a.
pub type EdgeIndex = u32;

/// Bound of mint indices: memory grows with the largest index (24 bytes each).
pub const MAX_MINTS: u32 = 1 << 24;

/// The weight of an edge that cannot be walked: it makes every sum infinite, so never negative.
const ABSENT: EdgeWeight = EdgeWeight { net: f64::INFINITY, gross: f64::INFINITY };

/// What one direction of a pool weighs: `-ln(d out / d in)` at zero input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EdgeWeight {
    /// After the pool's fees.
    pub net: f64,
    /// Before the pool's fees; at most `net`.
    pub gross: f64,
}

/// Why the graph refused a change or a question. Nothing was changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum GraphError {
    /// Both sides of a pool are the same mint.
    #[error("pool of mint {mint} with itself")]
    SelfLoop {
        /// The mint on both sides.
        mint: MintIndex,
    },
    /// A mint index at or above [`MAX_MINTS`].
    #[error("mint index {mint} is not below {MAX_MINTS}")]
    MintOutOfRange {
        /// The index as given.
        mint: MintIndex,
    },
    /// No pool has this index.
    #[error("pool index {pool} is not below {pools}")]
    UnknownPool {
        /// The index as given.
        pool: PoolIndex,
        /// How many pools there are.
        pools: usize,
    },
    /// A weight is NaN or infinite.
    #[error("weights of pool {pool} must be finite, found net {net}, gross {gross}")]
    NotFinite {
        /// The pool.
        pool: PoolIndex,
        /// Net weight as given.
        net: f64,
        /// Gross weight as given.
        gross: f64,
    },
    /// A cycle length that the search does not offer.
    #[error("max_hops {max_hops} is not in 2..={}", super::MAX_HOPS)]
    MaxHops {
        /// The value as given.
        max_hops: usize,
    },
    /// All indices are in use.
    #[error("no more than {} pools fit", PoolIndex::MAX / 2)]
    TooManyPools,
}

/// Returns the edge of `pool` in a direction.
#[must_use]
pub fn edge_of(pool: PoolIndex, a_to_b: bool) -> EdgeIndex {
    2 * pool + EdgeIndex::from(!a_to_b)
}

/// Returns the pool of `edge` and whether the edge goes from its token a to its token b.
#[must_use]
pub fn pool_of(edge: EdgeIndex) -> (PoolIndex, bool) {
    (edge / 2, edge.is_multiple_of(2))
}

/// All pools between the same two mints.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    /// In the order of their arrival.
    pub pools: Vec<PoolIndex>,
    /// The smaller mint; the pair's direction 0 starts there.
    pub low: MintIndex,
}

/// A step from a mint to a mint that shares a pool with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neighbour {
    pub mint: MintIndex,
    /// `2 * pair + direction`; direction 0 starts at the smaller mint.
    pub step: u32,
}

/// A growing multigraph of mints and pools whose weights change all the time.
///
/// Pools between the same two mints share a *pair* that knows the best gross weight per direction:
/// walks go over pairs and look at single pools only where the pair promises a profit.
#[derive(Debug, Clone, Default)]
pub struct PriceGraph {
    /// By edge index.
    weights: Vec<EdgeWeight>,
    /// Token a and token b by pool.
    mints: Vec<[MintIndex; 2]>,
    pair_of_pool: Vec<u32>,
    pairs: Vec<Pair>,
    /// Smallest gross weight by `2 * pair + direction`.
    best_gross: Vec<f64>,
    pair_of_mints: FxHashMap<(MintIndex, MintIndex), u32>,
    neighbours: Vec<Vec<Neighbour>>,
    shape: u64,
}

impl PriceGraph {
    /// Returns a graph without mints and pools.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a pool without weights (no cycle uses it until [`Self::set_weights`]).
    ///
    /// Allocates; meant for start-up and the rare new pool.
    ///
    /// # Errors
    /// [`GraphError::SelfLoop`], [`GraphError::MintOutOfRange`], [`GraphError::TooManyPools`].
    pub fn add_pool(&mut self, mint_a: MintIndex, mint_b: MintIndex) -> Result<PoolIndex, GraphError> {
        if mint_a == mint_b {
            return Err(GraphError::SelfLoop { mint: mint_a });
        }
        let (low, high) = (mint_a.min(mint_b), mint_a.max(mint_b));
        if high >= MAX_MINTS {
            return Err(GraphError::MintOutOfRange { mint: high });
        }
        let pool = PoolIndex::try_from(self.mints.len())
            .ok()
            .filter(|&pool| pool < PoolIndex::MAX / 2)
            .ok_or(GraphError::TooManyPools)?;
        if self.neighbours.len() <= high as usize {
            self.neighbours.resize_with(high as usize + 1, Vec::new);
        }
        let pair = if let Some(&pair) = self.pair_of_mints.get(&(low, high)) {
            pair
        } else {
            let pair = pool_count_as_index(self.pairs.len());
            self.pairs.push(Pair { pools: Vec::new(), low });
            self.best_gross.extend([f64::INFINITY; 2]);
            self.pair_of_mints.insert((low, high), pair);
            self.neighbours[low as usize].push(Neighbour { mint: high, step: 2 * pair });
            self.neighbours[high as usize].push(Neighbour { mint: low, step: 2 * pair + 1 });
            pair
        };
        self.pairs[pair as usize].pools.push(pool);
        self.pair_of_pool.push(pair);
        self.mints.push([mint_a, mint_b]);
        self.weights.extend([ABSENT; 2]);
        self.shape += 1;
        Ok(pool)
    }

    /// Sets what both directions of a pool weigh now; `None` for a direction that cannot be swapped.
    ///
    /// No allocation; the cost is that of looking at the pools between the same two mints.
    ///
    /// # Errors
    /// [`GraphError::UnknownPool`], [`GraphError::NotFinite`].
    pub fn set_weights(
        &mut self,
        pool: PoolIndex,
        a_to_b: Option<EdgeWeight>,
        b_to_a: Option<EdgeWeight>,
    ) -> Result<(), GraphError> {
        self.check_pool(pool)?;
        for EdgeWeight { net, gross } in [a_to_b, b_to_a].into_iter().flatten() {
            if !net.is_finite() || !gross.is_finite() {
                return Err(GraphError::NotFinite { pool, net, gross });
            }
        }
        let edge = edge_of(pool, true) as usize;
        let present = [self.weights[edge], self.weights[edge + 1]].map(|weight| weight != ABSENT);
        if present != [a_to_b.is_some(), b_to_a.is_some()] {
            self.shape += 1;
        }
        self.weights[edge] = a_to_b.unwrap_or(ABSENT);
        self.weights[edge + 1] = b_to_a.unwrap_or(ABSENT);
        self.refresh_pair(self.pair_of_pool[pool as usize]);
        Ok(())
    }

    /// Takes a pool out of every search until its weights are set again.
    ///
    /// # Errors
    /// [`GraphError::UnknownPool`].
    pub fn disable(&mut self, pool: PoolIndex) -> Result<(), GraphError> {
        self.set_weights(pool, None, None)
    }

    /// Returns the number of pools, disabled ones included.
    #[must_use]
    pub fn pool_count(&self) -> usize {
        self.mints.len()
    }

    /// Returns the number of mints: the largest index used, plus one.
    #[must_use]
    pub fn mint_count(&self) -> usize {
        self.neighbours.len()
    }

    /// Returns what an edge weighs, or `None` if it is absent or disabled.
    #[must_use]
    pub fn weight(&self, edge: EdgeIndex) -> Option<EdgeWeight> {
        self.weights.get(edge as usize).copied().filter(|&weight| weight != ABSENT)
    }

    /// Returns the mint an edge starts from and the one it leads to, if the edge exists.
    #[must_use]
    pub fn ends(&self, edge: EdgeIndex) -> Option<(MintIndex, MintIndex)> {
        let (pool, a_to_b) = pool_of(edge);
        let &[a, b] = self.mints.get(pool as usize)?;
        Some(if a_to_b { (a, b) } else { (b, a) })
    }

    /// Returns a number that changes whenever an edge appears or disappears.
    pub(super) fn shape(&self) -> u64 {
        self.shape
    }

    pub(super) fn check_pool(&self, pool: PoolIndex) -> Result<(), GraphError> {
        let pools = self.mints.len();
        if (pool as usize) < pools { Ok(()) } else { Err(GraphError::UnknownPool { pool, pools }) }
    }

    /// The weight of an edge known to exist; infinite if absent.
    pub(super) fn raw_weight(&self, edge: EdgeIndex) -> EdgeWeight {
        self.weights[edge as usize]
    }

    pub(super) fn neighbours_of(&self, mint: MintIndex) -> &[Neighbour] {
        &self.neighbours[mint as usize]
    }

    /// The step from one mint to another, if they share a pool.
    pub(super) fn step_between(&self, from: MintIndex, to: MintIndex) -> Option<u32> {
        let pair = *self.pair_of_mints.get(&(from.min(to), from.max(to)))?;
        Some(2 * pair + u32::from(from > to))
    }

    /// A lower bound of the gross weight of every edge of this step.
    pub(super) fn best_gross(&self, step: u32) -> f64 {
        self.best_gross[step as usize]
    }

    /// The edges of a step, one per pool, in the order of the pools' arrival.
    pub(super) fn edges_of(&self, step: u32) -> impl Iterator<Item = EdgeIndex> + '_ {
        let pair = &self.pairs[(step / 2) as usize];
        let from_low = step.is_multiple_of(2);
        pair.pools
            .iter()
            .map(move |&pool| edge_of(pool, (self.mints[pool as usize][0] == pair.low) == from_low))
    }

    fn refresh_pair(&mut self, pair: u32) {
        for step in [2 * pair, 2 * pair + 1] {
            let best =
                self.edges_of(step).map(|edge| self.raw_weight(edge).gross).fold(f64::INFINITY, f64::min);
            self.best_gross[step as usize] = best;
        }
    }
}

/// A length as an index; pools are bounded by [`GraphError::TooManyPools`] and pairs by pools.
fn pool_count_as_index(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "what set_weights takes")]
    fn both(net: f64, gross: f64) -> Option<EdgeWeight> {
        Some(EdgeWeight { net, gross })
    }

    #[test]
    fn add_pool_refuses_self_loops_and_huge_indices_and_changes_nothing() {
        let mut graph = PriceGraph::new();
        assert_eq!(graph.add_pool(3, 3), Err(GraphError::SelfLoop { mint: 3 }));
        assert_eq!(graph.add_pool(0, MAX_MINTS), Err(GraphError::MintOutOfRange { mint: MAX_MINTS }));
        assert_eq!((graph.pool_count(), graph.mint_count()), (0, 0));
    }

    #[test]
    fn set_weights_refuses_nan_and_infinity_and_keeps_the_old_weights() {
        let mut graph = PriceGraph::new();
        let pool = graph.add_pool(1, 0).unwrap();
        graph.set_weights(pool, both(0.5, 0.4), both(-0.5, -0.6)).unwrap();
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(matches!(
                graph.set_weights(pool, both(0.0, 0.0), both(bad, 0.0)),
                Err(GraphError::NotFinite { .. })
            ));
            assert!(graph.set_weights(pool, both(0.0, bad), None).is_err());
        }
        assert_eq!(graph.weight(edge_of(pool, true)), both(0.5, 0.4));
        assert_eq!(graph.weight(edge_of(pool, false)), both(-0.5, -0.6));
        assert_eq!(graph.ends(edge_of(pool, true)), Some((1, 0)));
    }

    #[test]
    fn unknown_pools_are_refused() {
        let mut graph = PriceGraph::new();
        assert_eq!(graph.disable(0), Err(GraphError::UnknownPool { pool: 0, pools: 0 }));
        assert_eq!(graph.weight(0), None);
        assert_eq!(graph.ends(7), None);
    }

    #[test]
    fn best_gross_follows_the_pools_of_a_pair_in_both_directions() {
        let mut graph = PriceGraph::new();
        let first = graph.add_pool(0, 1).unwrap();
        let second = graph.add_pool(1, 0).unwrap(); // the same pair, tokens the other way round
        graph.set_weights(first, both(2.0, 1.0), both(-1.0, -2.0)).unwrap();
        graph.set_weights(second, both(-3.0, -4.0), both(1.0, 0.5)).unwrap();
        let forth = graph.step_between(0, 1).unwrap();
        let back = graph.step_between(1, 0).unwrap();
        assert_eq!((graph.best_gross(forth), graph.best_gross(back)), (0.5, -4.0));
        graph.disable(second).unwrap();
        assert_eq!((graph.best_gross(forth), graph.best_gross(back)), (1.0, -2.0));
        assert_eq!(graph.weight(edge_of(second, true)), None);
    }
}
