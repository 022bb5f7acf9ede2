//! Cycles by the edges they use, with insertion and removal in time of their hops.

use super::{NO_EDGE, Row};

/// Rows side by side, and for every edge the rows that use it.
#[derive(Debug, Clone)]
pub(super) struct Cycles {
    width: usize,
    /// Edges, `width` a cycle, filled up with [`NO_EDGE`].
    rows: Vec<u32>,
    /// Where the cycle stands in the list of each of its edges.
    places: Vec<u32>,
    by_edge: Vec<Vec<u32>>,
}

impl Cycles {
    pub fn new(width: usize, capacity: usize) -> Self {
        let values = capacity * width;
        Self {
            width,
            rows: Vec::with_capacity(values),
            places: Vec::with_capacity(values),
            by_edge: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.rows.len() / self.width
    }

    pub fn size_in_bytes(&self) -> usize {
        let listed: usize = self.by_edge.iter().map(Vec::capacity).sum();
        4 * (self.rows.capacity() + self.places.capacity() + listed)
    }

    pub fn push_edge(&mut self) {
        self.by_edge.push(Vec::new());
    }

    pub fn pop_edge(&mut self) {
        self.by_edge.pop();
    }

    /// The cycles that use an edge, in no order.
    pub fn through(&self, edge: usize) -> &[u32] {
        &self.by_edge[edge]
    }

    /// A cycle's edges and what fills the row up.
    pub fn row(&self, cycle: u32) -> &[u32] {
        let first = cycle as usize * self.width;
        &self.rows[first..first + self.width]
    }

    pub fn edges(&self, cycle: u32) -> impl Iterator<Item = u32> + '_ {
        self.row(cycle).iter().copied().take_while(|&edge| edge != NO_EDGE)
    }

    pub fn insert(&mut self, row: &Row) {
        let cycle = super::index(self.len());
        for &edge in &row[..self.width] {
            self.rows.push(edge);
            let place = if edge == NO_EDGE {
                0
            } else {
                let list = &mut self.by_edge[edge as usize];
                list.push(cycle);
                super::index(list.len() - 1)
            };
            self.places.push(place);
        }
    }

    pub fn remove(&mut self, cycle: u32) {
        let width = self.width;
        let first = cycle as usize * width;
        for hop in first..first + width {
            let edge = self.rows[hop];
            if edge == NO_EDGE {
                break;
            }
            let place = self.places[hop];
            let list = &mut self.by_edge[edge as usize];
            list.swap_remove(place as usize);
            if let Some(&moved) = list.get(place as usize) {
                let row = moved as usize * width;
                if let Some(hop) = self.rows[row..row + width].iter().position(|&other| other == edge) {
                    self.places[row + hop] = place;
                }
            }
        }
        // The last cycle takes the number that is free now.
        let last = self.rows.len() - width;
        if last != first {
            for hop in 0..width {
                let (edge, place) = (self.rows[last + hop], self.places[last + hop]);
                if edge != NO_EDGE {
                    self.by_edge[edge as usize][place as usize] = cycle;
                }
                self.rows[first + hop] = edge;
                self.places[first + hop] = place;
            }
        }
        self.rows.truncate(last);
        self.places.truncate(last);
    }
}
