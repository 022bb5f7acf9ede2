//! The graph: edges, each a single place to write, and who leads where.

use std::ops::Range;

use super::super::layout::group_by;
use super::scale::ABSENT;

/// Over edges, from where they start to where they end.
pub const FORWARD: usize = 0;
/// Against them.
pub const BACKWARD: usize = 1;

/// What an edge is to the potentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its reduced cost is not negative.
    Held,
    /// It has a weight, but its arcs cannot be walked.
    Withheld,
    /// It is not there.
    Removed,
}

/// A cache line holds two whole.
#[derive(Debug, Clone)]
#[repr(align(32))]
pub struct Edge {
    /// Start and end.
    pub ends: [u32; 2],
    /// As the user gave it; infinite while removed.
    pub weight: f64,
    /// How many witnesses it is part of.
    pub watchers: u32,
    pub state: State,
}

/// An edge as seen from one of its ends.
#[derive(Debug, Clone, Copy)]
pub struct Arc {
    /// The other end.
    pub to: u32,
    pub edge: u32,
}

/// Edges by index and, per direction, arcs sorted by (node, other node, edge).
#[derive(Debug, Clone)]
pub struct Graph {
    pub edges: Vec<Edge>,
    /// What edges weigh for the potentials: [`ABSENT`] unless they are held. Apart from the rest, as
    /// searches read nothing else of most edges.
    pub units: Vec<i64>,
    pub pools: Vec<u32>,
    first: [Vec<u32>; 2],
    arcs: [Vec<Arc>; 2],
}

impl Graph {
    /// Every edge is withheld at first. `src`, `dst`, `weight`, `pools` of one length.
    pub fn new(nodes: usize, src: &[u32], dst: &[u32], weight: &[f64], pools: Vec<u32>) -> Self {
        let edges: Vec<Edge> = (0..src.len())
            .map(|edge| Edge {
                ends: [src[edge], dst[edge]],
                weight: weight[edge],
                watchers: 0,
                state: State::Withheld,
            })
            .collect();
        let (first_out, by_start) = sorted(nodes, src, dst);
        let (first_into, by_end) = sorted(nodes, dst, src);
        let arcs = |order: Vec<u32>, other: &[u32]| {
            order.into_iter().map(|edge| Arc { to: other[edge as usize], edge }).collect()
        };
        let arcs = [arcs(by_start, dst), arcs(by_end, src)];
        let units = vec![ABSENT; edges.len()];
        Self { edges, units, pools, first: [first_out, first_into], arcs }
    }

    pub fn node_count(&self) -> usize {
        self.first[FORWARD].len() - 1
    }

    /// The edges that start (or, backward, end) at a node.
    pub fn arcs(&self, side: usize, node: u32) -> &[Arc] {
        &self.arcs[side][self.range(side, node)]
    }

    fn range(&self, side: usize, node: u32) -> Range<usize> {
        let first = &self.first[side];
        first[node as usize] as usize..first[node as usize + 1] as usize
    }

    pub fn degree(&self, side: usize, node: u32) -> usize {
        self.range(side, node).len()
    }

    /// What an edge weighs for the potentials.
    #[inline]
    pub fn units(&self, edge: u32) -> i64 {
        self.units[edge as usize]
    }
}

/// Edges by (key, then, index), with the start of each key.
fn sorted(nodes: usize, key: &[u32], then: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let (_, by_then) = group_by(nodes, key.len(), |edge| then[edge]);
    let (first, places) = group_by(nodes, key.len(), |place| key[by_then[place] as usize]);
    (first, places.into_iter().map(|place| by_then[place as usize]).collect())
}
