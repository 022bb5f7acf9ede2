//! What is asked of a multiverse.

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A choice of pools: edge indices. No node and no pool twice.
    Pool,
    /// A sequence of nodes that at least one row of pool level takes.
    Mint,
}

/// Where rows start and end.
#[derive(Debug, Clone, Copy)]
pub enum Between<'a> {
    /// Cycles from each of these nodes back to it, each cycle once: under the first of them that it
    /// visits.
    Cycles(&'a [u32]),
    /// Paths from a node to another.
    Path {
        /// Where they start.
        start: u32,
        /// Where they end.
        end: u32,
    },
}

/// Which rows, and how many.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// At least this many hops: from 2 for cycles, from 1 for paths.
    pub min_hops: usize,
    /// At most this many hops; at most [`super::MAX_HOPS`].
    pub max_hops: usize,
    /// The first this many rows; `None`: all of them.
    pub max_count: Option<usize>,
    /// Only rows whose weights, added in walking order, come to at most this. At mint level the
    /// weights of the lightest distinct pools count.
    pub max_weight: Option<f64>,
    /// Only edges of at least this liquidity.
    pub min_liquidity: Option<f64>,
}

impl Bounds {
    /// Returns the bounds of all rows of 2 to `max_hops` hops.
    #[must_use]
    pub fn up_to(max_hops: usize) -> Self {
        Self { min_hops: 2, max_hops, max_count: None, max_weight: None, min_liquidity: None }
    }
}
