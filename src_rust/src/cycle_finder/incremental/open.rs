//! Withheld edges and the cycles that are the reason.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::arcs::{Graph, State};
use super::scale::Scale;

/// A cycle and what its edges weigh together.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightedCycle {
    /// Edges in walking order, as indices into the arrays the finder was built from.
    pub edges: Vec<u32>,
    /// Sum of their weights; infinite if one was removed.
    pub weight: f64,
}

/// By withheld edge, the cycle that is the reason (its *witness*), which starts with that edge.
#[derive(Debug, Clone, Default)]
pub struct OpenCycles {
    witnesses: BTreeMap<u32, Vec<u32>>,
    /// The withheld edges whose witness an edge is part of.
    watchers: FxHashMap<u32, Vec<u32>>,
}

impl OpenCycles {
    pub fn is_empty(&self) -> bool {
        self.witnesses.is_empty()
    }

    /// Withheld edges and witnesses, by edge.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &[u32])> {
        self.witnesses.iter().map(|(&edge, witness)| (edge, witness.as_slice()))
    }

    /// The withheld edges whose witness `edge` is part of, the earliest first.
    pub fn watchers(&self, edge: u32) -> &[u32] {
        self.watchers.get(&edge).map_or(&[], Vec::as_slice)
    }

    pub fn witness(&self, withheld: u32) -> &[u32] {
        self.witnesses.get(&withheld).map_or(&[], Vec::as_slice)
    }

    pub fn insert(&mut self, graph: &mut Graph, withheld: u32, witness: Vec<u32>) {
        for &edge in &witness {
            graph.edges[edge as usize].watchers += 1;
            self.watchers.entry(edge).or_default().push(withheld);
        }
        self.witnesses.insert(withheld, witness);
    }

    pub fn remove(&mut self, graph: &mut Graph, withheld: u32) -> Option<Vec<u32>> {
        let witness = self.witnesses.remove(&withheld)?;
        for &edge in &witness {
            graph.edges[edge as usize].watchers -= 1;
            if let Some(watchers) = self.watchers.get_mut(&edge) {
                watchers.retain(|&watcher| watcher != withheld);
                if watchers.is_empty() {
                    self.watchers.remove(&edge);
                }
            }
        }
        Some(witness)
    }
}

/// Whether the edges are all there and weigh less than nothing, if `changed` weighs `units`.
pub fn is_negative(graph: &Graph, scale: Scale, edges: &[u32], changed: Option<(u32, i64)>) -> bool {
    let mut sum = 0_i128;
    for &edge in edges {
        let units = match changed {
            Some((other, units)) if other == edge => Some(units),
            _ => present(graph, scale, edge),
        };
        let Some(units) = units else { return false };
        sum += i128::from(units);
    }
    sum < 0
}

/// What an edge weighs in units, held or withheld.
pub fn present(graph: &Graph, scale: Scale, edge: u32) -> Option<i64> {
    let edge = &graph.edges[edge as usize];
    if edge.state == State::Removed { None } else { scale.units(edge.weight) }
}

/// The cycle of these edges with their weights as given.
pub fn weighted(graph: &Graph, edges: Vec<u32>) -> WeightedCycle {
    let weight = sum(edges.iter().map(|&edge| graph.edges[edge as usize].weight));
    WeightedCycle { edges, weight }
}

/// A sum that rounds as if only once (Neumaier), so that its sign is right.
fn sum(weights: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0_f64);
    for weight in weights {
        let next = sum + weight;
        lost += if sum.abs() >= weight.abs() { (sum - next) + weight } else { (weight - next) + sum };
        sum = next;
    }
    if sum.is_finite() { sum + lost } else { sum }
}
