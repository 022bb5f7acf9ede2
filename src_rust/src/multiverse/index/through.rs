//! The cycles through one edge and a base.

use super::super::MAX_HOPS;
use super::{CycleIndex, NO_EDGE, NOT_A_BASE, Row};

/// Farther than any walk.
const FAR: usize = usize::MAX;

/// A search for paths from the edge's end back to its start. Knows how far that is from every node,
/// straight and by way of a base, so that it does not look where no cycle can close.
pub(super) struct Through<'a> {
    index: &'a CycleIndex,
    start: u32,
    to_start: Vec<usize>,
    to_start_by_base: Vec<usize>,
    /// Edges and nodes of the walk so far.
    edges: Row,
    nodes: [u32; MAX_HOPS],
    hops: usize,
    rows: Vec<Row>,
    room: usize,
}

impl<'a> Through<'a> {
    /// `edge` need not be present.
    pub fn new(index: &'a CycleIndex, edge: u32) -> Self {
        let mut edges = [NO_EDGE; MAX_HOPS];
        edges[0] = edge;
        let start = index.src[edge as usize];
        let mut nodes = [start; MAX_HOPS];
        nodes[1] = index.dst[edge as usize];
        let mut this = Self {
            index,
            start,
            to_start: vec![FAR; index.nodes],
            to_start_by_base: vec![FAR; index.nodes],
            edges,
            nodes,
            hops: 1,
            rows: Vec::new(),
            room: 0,
        };
        this.measure();
        this
    }

    /// Returns the cycles, or `None` if there are more than `room`.
    pub fn cycles(mut self, room: usize) -> Option<Vec<Row>> {
        self.room = room;
        let has_base = self.is_base(self.nodes[0]) || self.is_base(self.nodes[1]);
        self.extend(has_base);
        (self.rows.len() <= room).then_some(self.rows)
    }

    fn is_base(&self, node: u32) -> bool {
        self.index.rank[node as usize] != NOT_A_BASE
    }

    /// Breadth first against the edges, from the start; then once more from the bases met.
    fn measure(&mut self) {
        let index = self.index;
        let mut layers = vec![vec![self.start]];
        self.to_start[self.start as usize] = 0;
        for hops in 1..index.max_hops {
            let mut layer = Vec::new();
            for &node in &layers[hops - 1] {
                for &edge in &index.entering[node as usize] {
                    let from = index.src[edge as usize];
                    if self.to_start[from as usize] == FAR {
                        self.to_start[from as usize] = hops;
                        layer.push(from);
                    }
                }
            }
            layers.push(layer);
        }
        let mut before: Vec<u32> = Vec::new();
        for (hops, layer) in layers.into_iter().enumerate() {
            let mut now: Vec<u32> = layer.into_iter().filter(|&node| self.is_base(node)).collect();
            for node in before.drain(..) {
                now.extend(index.entering[node as usize].iter().map(|&edge| index.src[edge as usize]));
            }
            now.retain(|&node| {
                let known = &mut self.to_start_by_base[node as usize];
                let is_new = *known == FAR;
                *known = hops.min(*known);
                is_new
            });
            before = now;
        }
    }

    fn extend(&mut self, has_base: bool) {
        let index = self.index;
        let left = index.max_hops - self.hops;
        let distance = if has_base { &self.to_start } else { &self.to_start_by_base };
        if distance[self.nodes[self.hops] as usize] > left || self.rows.len() > self.room {
            return;
        }
        for &edge in &index.leaving[self.nodes[self.hops] as usize] {
            let pool = index.pool[edge as usize];
            if self.edges[..self.hops].iter().any(|&other| index.pool[other as usize] == pool) {
                continue;
            }
            let to = index.dst[edge as usize];
            self.edges[self.hops] = edge;
            if to == self.start {
                if has_base && self.hops + 1 >= index.min_hops {
                    self.rows.push(self.turned_to_base());
                }
            } else if left > 1 && !self.nodes[..self.hops].contains(&to) {
                self.hops += 1;
                self.nodes[self.hops] = to;
                self.extend(has_base || self.is_base(to));
                self.hops -= 1;
            }
            self.edges[self.hops] = NO_EDGE;
        }
    }

    /// The walk, turned so that it begins at its first base.
    fn turned_to_base(&self) -> Row {
        let hops = self.hops + 1;
        let rank = |&place: &usize| self.index.rank[self.nodes[place] as usize];
        let first = (0..hops).min_by_key(rank).unwrap_or(0);
        let mut row = self.edges;
        row[..hops].rotate_left(first);
        row
    }
}
