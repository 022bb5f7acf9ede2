//! The graph: every edge's state, and its arc in the list of its start and in that of its end.

use std::ops::Range;

use super::super::layout::{group_by, index};
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
    /// Where its arcs are.
    places: [u32; 2],
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
    /// In units; [`ABSENT`] unless the edge is held.
    pub weight: i64,
}

/// Edges by index and, per direction, arcs sorted by (node, other node, edge).
#[derive(Debug, Clone)]
pub struct Graph {
    pub edges: Vec<Edge>,
    pub pools: Vec<u32>,
    first: [Vec<u32>; 2],
    arcs: [Vec<Arc>; 2],
}

impl Graph {
    /// Every edge is withheld at first. `src`, `dst`, `weight`, `pools` of one length.
    pub fn new(nodes: usize, src: &[u32], dst: &[u32], weight: &[f64], pools: Vec<u32>) -> Self {
        let mut edges: Vec<Edge> = (0..src.len())
            .map(|edge| Edge {
                ends: [src[edge], dst[edge]],
                places: [0; 2],
                weight: weight[edge],
                watchers: 0,
                state: State::Withheld,
            })
            .collect();
        let (out, into) = (sorted(nodes, src, dst), sorted(nodes, dst, src));
        let mut arcs = [Vec::with_capacity(src.len()), Vec::with_capacity(src.len())];
        for (side, (_, order)) in [&out, &into].into_iter().enumerate() {
            for (place, &edge) in order.iter().enumerate() {
                let of_edge = &mut edges[edge as usize];
                of_edge.places[side] = index(place);
                arcs[side].push(Arc { to: of_edge.ends[1 - side], edge, weight: ABSENT });
            }
        }
        Self { edges, pools, first: [out.0, into.0], arcs }
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

    /// Lets an edge be walked at a weight, or, with [`ABSENT`], not at all.
    pub fn set_arcs(&mut self, edge: usize, weight: i64) {
        for side in [FORWARD, BACKWARD] {
            self.arcs[side][self.edges[edge].places[side] as usize].weight = weight;
        }
    }
}

/// Edges by (key, then, index), with the start of each key.
fn sorted(nodes: usize, key: &[u32], then: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let (_, by_then) = group_by(nodes, key.len(), |edge| then[edge]);
    let (first, places) = group_by(nodes, key.len(), |place| key[by_then[place] as usize]);
    (first, places.into_iter().map(|place| by_then[place as usize]).collect())
}
