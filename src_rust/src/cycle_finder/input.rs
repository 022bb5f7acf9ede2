//! What a user's arrays may hold, and the errors that say what they do hold.

/// Weights beyond this are refused, so that no sum can overflow.
pub const MAX_ABS_WEIGHT: f64 = 1e15;

/// Bound of nodes: a mistaken number must not ask for all memory (about 40 bytes a node).
const MAX_NODES: usize = 1 << 24;

/// Bound of edges, whose indices are 32 bits wide.
const MAX_EDGES: usize = 1 << 30;

/// Why a graph, a change of it, or a question about it was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FinderError {
    /// The arrays differ in length.
    #[error("src, dst and weight must have one length, found {src}, {dst} and {weight}")]
    Lengths {
        /// Length of `src`.
        src: usize,
        /// Length of `dst`.
        dst: usize,
        /// Length of `weight`.
        weight: usize,
    },
    /// More nodes or edges than fit.
    #[error("{nodes} nodes and {edges} edges: at most {MAX_NODES} nodes and {MAX_EDGES} edges fit")]
    TooLarge {
        /// Nodes as given.
        nodes: usize,
        /// Edges as given.
        edges: usize,
    },
    /// An edge ends outside the graph.
    #[error("{end} of edge {edge} is {node}, which is not in 0..{nodes}")]
    NodeOutOfRange {
        /// `src` or `dst`.
        end: &'static str,
        /// Which edge.
        edge: usize,
        /// The node as given.
        node: i64,
        /// How many nodes there are.
        nodes: usize,
    },
    /// A weight is NaN, infinite or beyond [`MAX_ABS_WEIGHT`].
    #[error("weight of edge {edge} is {weight}, which is not in -{MAX_ABS_WEIGHT:e}..={MAX_ABS_WEIGHT:e}")]
    Weight {
        /// Which edge.
        edge: usize,
        /// The weight as given.
        weight: f64,
    },
    /// No edge has this index.
    #[error("edge {edge} is not in 0..{edges}")]
    UnknownEdge {
        /// The index as given.
        edge: usize,
        /// How many edges there are.
        edges: usize,
    },
    /// A search asked to start outside the graph.
    #[error("source {node} is not in 0..{nodes}")]
    UnknownSource {
        /// The node as given.
        node: i64,
        /// How many nodes there are.
        nodes: usize,
    },
    /// There is not one pool per edge.
    #[error("pool must have one entry per edge, {edges}, found {pool}")]
    PoolLength {
        /// How many edges there are.
        edges: usize,
        /// Length of `pool`.
        pool: usize,
    },
    /// There is not one weight per changed edge.
    #[error("edges and weights must have one length, found {edges} and {weights}")]
    ChangeLengths {
        /// Length of `edges`.
        edges: usize,
        /// Length of `weights`.
        weights: usize,
    },
    /// An edge from a node to itself, which no swap is.
    #[error("edge {edge} leads from node {node} to itself")]
    SelfLoop {
        /// Which edge.
        edge: usize,
        /// The node at both ends.
        node: u32,
    },
    /// No edge belongs to this pool.
    #[error("no edge has pool {pool}")]
    UnknownPool {
        /// The pool as given.
        pool: i64,
    },
    /// A cycle length that the search does not offer.
    #[error("max_hops {max_hops} is not in 2..={}", super::MAX_ARRAY_HOPS)]
    MaxHops {
        /// The value as given.
        max_hops: usize,
    },
}

/// Refuses what is no graph. Returns the largest |weight|.
pub(super) fn check_graph(
    nodes: usize,
    src: &[u32],
    dst: &[u32],
    weight: &[f64],
) -> Result<f64, FinderError> {
    let edges = src.len();
    if dst.len() != edges || weight.len() != edges {
        return Err(FinderError::Lengths { src: edges, dst: dst.len(), weight: weight.len() });
    }
    if nodes > MAX_NODES || edges > MAX_EDGES {
        return Err(FinderError::TooLarge { nodes, edges });
    }
    for (end, list) in [("src", src), ("dst", dst)] {
        if let Some((edge, &node)) = list.iter().enumerate().find(|&(_, &node)| node as usize >= nodes) {
            return Err(FinderError::NodeOutOfRange { end, edge, node: i64::from(node), nodes });
        }
    }
    let mut max_abs_weight = 0.0_f64;
    for (edge, &weight) in weight.iter().enumerate() {
        check_weight(edge, weight)?;
        max_abs_weight = max_abs_weight.max(weight.abs());
    }
    Ok(max_abs_weight)
}

pub(super) fn check_weight(edge: usize, weight: f64) -> Result<(), FinderError> {
    if weight.abs() <= MAX_ABS_WEIGHT { Ok(()) } else { Err(FinderError::Weight { edge, weight }) }
}

/// Returns sources as [`super::NegativeCycleFinder::find_from`] takes them, from a user's signed integers.
///
/// # Errors
/// [`FinderError::UnknownSource`].
pub fn source_indices(given: impl IntoIterator<Item = i64>, nodes: usize) -> Result<Vec<u32>, FinderError> {
    let indices = given.into_iter().map(|node| {
        u32::try_from(node)
            .ok()
            .filter(|&index| (index as usize) < nodes)
            .ok_or(FinderError::UnknownSource { node, nodes })
    });
    indices.collect()
}

/// Returns node indices as the finder takes them, from a user's signed integers.
///
/// # Errors
/// [`FinderError::NodeOutOfRange`] with `end` as the array's name.
pub fn node_indices(
    end: &'static str,
    given: impl IntoIterator<Item = i64>,
    nodes: usize,
) -> Result<Vec<u32>, FinderError> {
    let indices = given.into_iter().enumerate().map(|(edge, node)| {
        u32::try_from(node)
            .ok()
            .filter(|&index| (index as usize) < nodes)
            .ok_or(FinderError::NodeOutOfRange { end, edge, node, nodes })
    });
    indices.collect()
}
