//! Potentials for a whole graph: at the start, and when numbers have grown too large.

use std::collections::VecDeque;

use super::super::layout::index;
use super::arcs::{BACKWARD, FORWARD, Graph};
use super::scale::ABSENT;
use super::search::Search;

/// Half the distance at which a bound comes from an absent edge.
const NO_BOUND: i64 = ABSENT / 2;

/// Gives each node, in order, the middle of what its edges to earlier nodes allow or, where they
/// contradict each other, the middle of the contradiction. With nodes numbered breadth-first, few
/// edges of a market are below 0 then.
pub fn place(search: &mut Search, graph: &Graph) {
    for node in 0..index(graph.node_count()) {
        let (mut low, mut high) = (-ABSENT, ABSENT);
        for arc in graph.arcs(FORWARD, node).iter().take_while(|arc| arc.to < node) {
            low = low.max(search.potential(arc.to) - graph.units(arc.edge));
        }
        for arc in graph.arcs(BACKWARD, node).iter().take_while(|arc| arc.to < node) {
            high = high.min(search.potential(arc.to) + graph.units(arc.edge));
        }
        let potential = match (low > -NO_BOUND, high < NO_BOUND) {
            (true, true) => i64::midpoint(low, high),
            (true, false) => low,
            (false, true) => high,
            (false, false) => 0,
        };
        search.set_potential(node, potential);
        if search.overflowing {
            return;
        }
    }
}

/// Lowers the ends of edges that are below 0, first in, first out, until there is none, `budget`
/// nodes were looked at, or numbers grow too large.
pub fn relax(search: &mut Search, graph: &Graph, budget: Option<usize>) {
    let mut queue: VecDeque<u32> = (0..index(graph.node_count())).collect();
    let mut queued = vec![true; graph.node_count()];
    let mut left = budget.unwrap_or(usize::MAX);
    while let Some(node) = queue.pop_front() {
        queued[node as usize] = false;
        if left == 0 || search.overflowing {
            return;
        }
        left -= 1;
        for arc in graph.arcs(FORWARD, node) {
            let through = search.potential(node) + graph.units(arc.edge);
            if through < search.potential(arc.to) {
                search.set_potential(arc.to, through);
                if !std::mem::replace(&mut queued[arc.to as usize], true) {
                    queue.push_back(arc.to);
                }
            }
        }
    }
}

/// Moves each node to the middle of what its edges allow: with room on all sides, later searches
/// reach fewer nodes. All edges in use must be at 0 or above, and stay so.
pub fn centre(search: &mut Search, graph: &Graph) {
    for node in 0..index(graph.node_count()) {
        centre_one(search, graph, node);
    }
}

pub fn centre_one(search: &mut Search, graph: &Graph, node: u32) {
    let (low, high) = search.bounds(graph, node);
    if low > -NO_BOUND && high < NO_BOUND {
        search.set_potential(node, i64::midpoint(low, high));
    }
}

/// Computes the potentials anew; there must be no negative cycle. Returns false if they do not fit.
pub fn reset(search: &mut Search, graph: &Graph) -> bool {
    search.overflowing = false;
    for node in 0..index(graph.node_count()) {
        search.set_potential(node, 0);
    }
    relax(search, graph, None);
    if !search.overflowing {
        centre(search, graph);
        centre(search, graph);
    }
    !search.overflowing
}
