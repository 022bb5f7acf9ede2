//! Why a graph or a question was refused.

use super::{MAX_HOPS, MAX_TABLE_VALUES};
use crate::cycle_finder::FinderError;

/// Why a graph, a question or a change was refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MultiverseError {
    /// The graph is too large, an edge ends outside it, or a weight is out of range.
    #[error(transparent)]
    Graph(#[from] FinderError),
    /// An array has another length than `src`.
    #[error("{name} must have one value per edge ({edges}), found {found}")]
    Length {
        /// The array.
        name: &'static str,
        /// Its length.
        found: usize,
        /// The length of `src`.
        edges: usize,
    },
    /// An edge ends where it starts.
    #[error("edge {edge} goes from node {node} to itself")]
    SelfLoop {
        /// Which edge.
        edge: usize,
        /// The node.
        node: u32,
    },
    /// A pool number that does not fit.
    #[error("pool of edge {edge} is {pool}, which is not in 0..2147483648")]
    Pool {
        /// Which edge.
        edge: usize,
        /// The number as given.
        pool: i64,
    },
    /// A liquidity that is not a number.
    #[error("liquidity of edge {edge} is NaN")]
    Liquidity {
        /// Which edge.
        edge: usize,
    },
    /// A base, start or end that is no node.
    #[error("{name} is {node}, which is not in 0..{nodes}")]
    UnknownNode {
        /// The argument.
        name: String,
        /// The node as given.
        node: i64,
        /// How many nodes there are.
        nodes: usize,
    },
    /// A base given twice.
    #[error("bases[{place}] is {node}, which is given twice")]
    RepeatedBase {
        /// The second place.
        place: usize,
        /// The node.
        node: u32,
    },
    /// A path that would be a cycle.
    #[error("start and end are both {node}: ask for the cycles through it")]
    SameEnds {
        /// The node.
        node: u32,
    },
    /// A number of hops that is not offered.
    #[error("{name} is {found}; it may be {least} to {most}")]
    Hops {
        /// `min_hops` or `max_hops`.
        name: &'static str,
        /// The value as given.
        found: usize,
        /// The least it may be.
        least: usize,
        /// The most it may be; never above [`MAX_HOPS`].
        most: usize,
    },
    /// A bound that is not a usable number.
    #[error("{name} is {value}, which is not a finite number")]
    Bound {
        /// The bound.
        name: &'static str,
        /// The value as given.
        value: f64,
    },
    /// A question about values that the graph was built without.
    #[error("{asked} needs {array}, which the graph was built without")]
    Without {
        /// What was asked.
        asked: &'static str,
        /// The array that is missing.
        array: &'static str,
    },
    /// A count above what one table holds, or more rows than that.
    #[error(
        "one table holds at most {most} rows of {width} ({MAX_TABLE_VALUES} values): \
         lower max_count or the other bounds, or take the rows in batches"
    )]
    TooManyRows {
        /// Rows that fit.
        most: usize,
        /// Values per row.
        width: usize,
    },
    /// A zero where at least one is needed.
    #[error("{name} is 0; it must be at least 1")]
    Zero {
        /// The argument.
        name: &'static str,
    },
    /// An index of more cycles than were allowed.
    #[error("more than {max_cycles} cycles of up to {max_hops} hops: raise max_cycles or lower max_hops")]
    TooManyCycles {
        /// The bound.
        max_cycles: usize,
        /// Hops of the index.
        max_hops: usize,
    },
    /// An index whose first listing was interrupted.
    #[error("interrupted before all cycles were found")]
    Interrupted,
    /// A pool that no edge has.
    #[error("no edge has pool {pool}")]
    UnknownPool {
        /// The number as given.
        pool: i64,
    },
}

/// Checks hops against `least..=MAX_HOPS`.
pub(super) fn check_hops(min_hops: usize, max_hops: usize, least: usize) -> Result<(), MultiverseError> {
    if !(least..=MAX_HOPS).contains(&max_hops) {
        return Err(MultiverseError::Hops { name: "max_hops", found: max_hops, least, most: MAX_HOPS });
    }
    if !(least..=max_hops).contains(&min_hops) {
        return Err(MultiverseError::Hops { name: "min_hops", found: min_hops, least, most: max_hops });
    }
    Ok(())
}
