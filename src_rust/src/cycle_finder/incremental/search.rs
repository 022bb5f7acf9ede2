//! Potentials, and the search that says whether an edge fits beside them.
//!
//! With potentials `p` the *reduced cost* of an edge `u → v` is `weight + p(u) - p(v)`; around a
//! cycle reduced costs and weights have the same sum. All edges in use cost at least 0. One more,
//! `u → v` at `-need`, closes a negative cycle exactly if there is a path from `v` to `u` shorter
//! than `need`.
//!
//! Dijkstra from both ends looks for it: forward from `v`, where every node nearer than `λ` is
//! settled, and backward from `u`, where every node nearer than `μ` is. The side that has cost less
//! so far grows.
//! - Each arc that is looked at compares what its two ends know of both sides: any path found to be
//!   shorter than `need` ends the search. A shortest such path has a first node `y` at least `λ`
//!   from `v`; the node before it is settled forward, and `y`, if `λ + μ >= need`, is settled
//!   backward, so that the later of the two settlements meets the arc between them. So at
//!   `λ + μ = need` there is no such path.
//! - Then lowering every `p(x)` by `max(0, λ - distance from v)` and raising it by
//!   `max(0, μ - distance to u)` makes room for the edge, which costs 0 afterwards. Each half alone
//!   leaves no edge below 0, because distances obey the triangle inequality. Where an edge `x → y`
//!   is lowered at its start and raised at its end, it loses
//!   `(λ - from v to x) + (μ - from y to u)`, which is at most its cost, as the path from `v`
//!   through it to `u` is not shorter than `need`.
//! - A node farther than `need` minus the other side's radius is not followed: radii only grow.
//!
//! All numbers are integers: no tolerance, no rounding, and none that could add up.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::super::layout::NONE;
use super::arcs::{BACKWARD, FORWARD, Graph};
use super::scale::{ABSENT, FAR, MAX_POTENTIAL};

/// A cache line holds two whole.
#[derive(Debug, Clone, Copy)]
#[repr(align(32))]
struct Node {
    /// From the forward start, and to the backward one; valid in the search of `epoch`.
    distance: [i64; 2],
    /// The edge that gave each distance.
    via: [u32; 2],
    epoch: u32,
}

/// Potentials of all nodes, and the memory of a search.
#[derive(Debug, Clone)]
pub struct Search {
    /// Apart from the rest: most changes look at nothing else.
    potentials: Vec<i64>,
    nodes: Vec<Node>,
    epoch: u32,
    heaps: [BinaryHeap<Reverse<(i64, u32)>>; 2],
    settled: [Vec<u32>; 2],
    radius: [i64; 2],
    /// The last edge of the forward part of the path that was found.
    meeting: u32,
    /// A potential has gone beyond [`MAX_POTENTIAL`].
    pub overflowing: bool,
}

impl Search {
    pub fn new(nodes: usize) -> Self {
        let node = Node { distance: [FAR; 2], via: [NONE; 2], epoch: 0 };
        Self {
            potentials: vec![0; nodes],
            nodes: vec![node; nodes],
            epoch: 0,
            heaps: [BinaryHeap::new(), BinaryHeap::new()],
            settled: [Vec::new(), Vec::new()],
            radius: [0; 2],
            meeting: NONE,
            overflowing: false,
        }
    }

    #[inline]
    pub fn potential(&self, node: u32) -> i64 {
        self.potentials[node as usize]
    }

    pub fn set_potential(&mut self, node: u32, potential: i64) {
        self.potentials[node as usize] = potential;
        self.overflowing |= potential.abs() > MAX_POTENTIAL;
    }

    /// What an edge of this weight costs.
    #[inline]
    pub fn reduced(&self, [from, to]: [u32; 2], weight: i64) -> i64 {
        weight + self.potential(from) - self.potential(to)
    }

    /// The lowest and the highest potential of a node that leaves no edge below 0.
    pub fn bounds(&self, graph: &Graph, node: u32) -> (i64, i64) {
        let low = graph.arcs(FORWARD, node).iter().map(|arc| self.potential(arc.to) - graph.units(arc.edge));
        let high =
            graph.arcs(BACKWARD, node).iter().map(|arc| self.potential(arc.to) + graph.units(arc.edge));
        (low.max().unwrap_or(-ABSENT), high.min().unwrap_or(ABSENT))
    }

    /// Whether a path from `from` to `to` costs less than `need`. If so, [`Self::path`] gives it;
    /// if not, [`Self::make_room`] makes an edge at `-need` back from `to` to `from` fit.
    pub fn is_joined(&mut self, graph: &Graph, from: u32, to: u32, need: i64) -> bool {
        self.begin(from, to);
        let mut cost = [0; 2];
        loop {
            let mut next_cost = [0; 2];
            for side in [FORWARD, BACKWARD] {
                let room = need - self.radius[1 - side];
                let next = self.nearest(side);
                self.radius[side] = next.map_or(room, |(distance, _)| distance.min(room));
                next_cost[side] = cost[side] + next.map_or(0, |(_, node)| graph.degree(side, node));
            }
            if self.radius[FORWARD] + self.radius[BACKWARD] >= need {
                return false;
            }
            let side = if next_cost[FORWARD] <= next_cost[BACKWARD] { FORWARD } else { BACKWARD };
            cost[side] = next_cost[side];
            let Some(Reverse((distance, node))) = self.heaps[side].pop() else { return false };
            if self.settle(graph, side, node, distance, need) {
                return true;
            }
        }
    }

    fn begin(&mut self, from: u32, to: u32) {
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            for node in &mut self.nodes {
                node.epoch = 0;
            }
            self.epoch = 1;
        }
        self.radius = [0; 2];
        for (side, start) in [from, to].into_iter().enumerate() {
            self.heaps[side].clear();
            self.settled[side].clear();
            self.touch(start).distance[side] = 0;
            self.heaps[side].push(Reverse((0, start)));
        }
    }

    fn touch(&mut self, node: u32) -> &mut Node {
        let node = &mut self.nodes[node as usize];
        if node.epoch != self.epoch {
            node.epoch = self.epoch;
            node.distance = [FAR; 2];
            node.via = [NONE; 2];
        }
        node
    }

    /// The nearest node that is not settled yet.
    fn nearest(&mut self, side: usize) -> Option<(i64, u32)> {
        while let Some(&Reverse((distance, node))) = self.heaps[side].peek() {
            if distance == self.nodes[node as usize].distance[side] {
                return Some((distance, node));
            }
            self.heaps[side].pop();
        }
        None
    }

    /// Looks along a node's arcs; true if that shows a path shorter than `need`.
    fn settle(&mut self, graph: &Graph, side: usize, node: u32, distance: i64, need: i64) -> bool {
        self.settled[side].push(node);
        let other = 1 - side;
        let here = self.potential(node);
        let room = need - self.radius[other];
        for arc in graph.arcs(side, node) {
            let there = self.potential(arc.to);
            let rise = if side == FORWARD { here - there } else { there - here };
            let through = distance + graph.units(arc.edge) + rise;
            if through >= need {
                continue;
            }
            let next = self.touch(arc.to);
            if through + next.distance[other] < need {
                next.distance[side] = through;
                next.via[side] = arc.edge;
                self.meeting = arc.to;
                return true;
            }
            if through < room && through < next.distance[side] {
                next.distance[side] = through;
                next.via[side] = arc.edge;
                self.heaps[side].push(Reverse((through, arc.to)));
            }
        }
        false
    }

    /// The edges of the path that [`Self::is_joined`] found, in walking order.
    ///
    /// No node occurs twice: a node known to both sides would have ended the search earlier.
    pub fn path(&self, graph: &Graph) -> Vec<u32> {
        let mut edges = Vec::new();
        let mut node = self.meeting;
        while let Some(edge) = self.via(FORWARD, node) {
            edges.push(edge);
            node = graph.edges[edge as usize].ends[0];
        }
        edges.reverse();
        node = self.meeting;
        while let Some(edge) = self.via(BACKWARD, node) {
            edges.push(edge);
            node = graph.edges[edge as usize].ends[1];
        }
        edges
    }

    fn via(&self, side: usize, node: u32) -> Option<u32> {
        Some(self.nodes[node as usize].via[side]).filter(|&edge| edge != NONE)
    }

    /// Moves the potentials so that the edge asked about costs 0 and no other less.
    pub fn make_room(&mut self) {
        for side in [FORWARD, BACKWARD] {
            for place in 0..self.settled[side].len() {
                let node = self.settled[side][place];
                let by = (self.radius[side] - self.nodes[node as usize].distance[side]).max(0);
                let potential = self.potential(node);
                self.set_potential(node, if side == FORWARD { potential - by } else { potential + by });
            }
        }
    }
}
