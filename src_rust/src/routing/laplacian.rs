//! Linear systems of resistor networks: sparse, in a fixed order, without cancellation.
//!
//! The matrix has `-weight` beside the diagonal, and on it the sum of the row's weights plus an
//! `excess >= 0`. Only weights and excesses are stored; a pivot is their sum when its turn comes.
//! Then elimination adds positive numbers only (Grassmann, Taksar, Heyman), so that weights twenty
//! orders of magnitude apart do no harm and no pivot turns negative.
//!
//! Nodes of few neighbours are eliminated first (minimum degree), along index lists that are made once
//! per network; what remains when that no longer pays is eliminated as a dense block.

#![expect(clippy::cast_possible_truncation, reason = "nodes and weights are counted in 32 bits")]

/// Share of the remaining nodes that a node must be joined to for the rest to be taken as dense.
const DENSE: f64 = 0.4;

/// The order of elimination and the memory for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Laplacian {
    nodes: usize,
    edges: Vec<(u32, u32)>,
    /// Where in `values` each edge's weight belongs.
    slots: Vec<u32>,
    /// The node eliminated at each place.
    order: Vec<u32>,
    /// Sparse columns: where their rows start; `rows` holds nodes.
    starts: Vec<u32>,
    rows: Vec<u32>,
    /// For each pair of rows of a sparse column, in turn: where its weight is.
    targets: Vec<u32>,
    /// Weights: the sparse columns, then the dense block by columns, each `dense` long.
    values: Vec<f64>,
    dense: usize,
    /// By node.
    excess: Vec<f64>,
    pivots: Vec<f64>,
}

impl Laplacian {
    /// Makes the order for a graph. Does nothing if it is the one before.
    pub fn analyse(&mut self, nodes: usize, edges: impl ExactSizeIterator<Item = (u32, u32)> + Clone) {
        if self.nodes == nodes
            && self.edges.len() == edges.len()
            && edges.clone().eq(self.edges.iter().copied())
        {
            return;
        }
        self.nodes = nodes;
        self.edges.clear();
        self.edges.extend(edges);
        let mut neighbours = self.neighbours();
        let place = self.eliminate(&mut neighbours);
        let core = self.starts.len() - 1;
        self.dense = nodes - core;
        self.values.resize(self.rows.len() + self.dense * self.dense, 0.0);
        self.targets.clear();
        for column in 0..core {
            let rows = &self.rows[self.starts[column] as usize..self.starts[column + 1] as usize];
            for (at, &one) in rows.iter().enumerate() {
                for &other in &rows[at + 1..] {
                    self.targets.push(self.slot(&place, one, other));
                }
            }
        }
        let slots = self.edges.iter().map(|&(one, other)| self.slot(&place, one, other)).collect();
        self.slots = slots;
        self.excess.resize(nodes, 0.0);
        self.pivots.resize(nodes, 0.0);
    }

    fn neighbours(&self) -> Vec<Vec<u32>> {
        let mut neighbours = vec![Vec::new(); self.nodes];
        for &(one, other) in &self.edges {
            neighbours[one as usize].push(other);
            neighbours[other as usize].push(one);
        }
        for list in &mut neighbours {
            list.sort_unstable();
            list.dedup();
        }
        neighbours
    }

    /// Fills `order`, `starts` and `rows`; returns each node's place in the order.
    fn eliminate(&mut self, neighbours: &mut [Vec<u32>]) -> Vec<u32> {
        let nodes = self.nodes;
        let mut place = vec![u32::MAX; nodes];
        // Which round of joining met a node last.
        let (mut seen, mut round) = (vec![0_u32; nodes], 0_u32);
        // Nodes by degree; an entry whose degree is no longer true is skipped.
        let mut queue: std::collections::BinaryHeap<_> = (0..nodes as u32)
            .map(|node| std::cmp::Reverse((neighbours[node as usize].len(), node)))
            .collect();
        self.order.clear();
        self.rows.clear();
        self.starts.clear();
        self.starts.push(0);
        while let Some(std::cmp::Reverse((degree, node))) = queue.pop() {
            if place[node as usize] != u32::MAX || neighbours[node as usize].len() != degree {
                continue;
            }
            let left = nodes - self.order.len();
            if degree > 2 && degree as f64 > DENSE * left as f64 {
                break;
            }
            place[node as usize] = self.order.len() as u32;
            self.order.push(node);
            let list = std::mem::take(&mut neighbours[node as usize]);
            for &row in &list {
                let joined = &mut neighbours[row as usize];
                joined.retain(|&other| other != node);
                round += 1;
                for &other in joined.iter() {
                    seen[other as usize] = round;
                }
                seen[row as usize] = round;
                for &other in &list {
                    if seen[other as usize] != round {
                        joined.push(other);
                    }
                }
                queue.push(std::cmp::Reverse((joined.len(), row)));
            }
            self.rows.extend_from_slice(&list);
            self.starts.push(self.rows.len() as u32);
        }
        for (node, place) in place.iter_mut().enumerate() {
            if *place == u32::MAX {
                *place = self.order.len() as u32;
                self.order.push(node as u32);
            }
        }
        for column in 0..self.starts.len() - 1 {
            let rows = self.starts[column] as usize..self.starts[column + 1] as usize;
            self.rows[rows].sort_unstable_by_key(|&row| place[row as usize]);
        }
        place
    }

    /// Returns where the weight between two nodes is kept.
    fn slot(&self, place: &[u32], one: u32, other: u32) -> u32 {
        let (one_at, other_at) = (place[one as usize], place[other as usize]);
        let (column, row, row_at) =
            if one_at < other_at { (one_at, other, other_at) } else { (other_at, one, one_at) };
        let core = self.starts.len() - 1;
        if column as usize >= core {
            let (column, row) = (column as usize - core, row_at as usize - core);
            return (self.rows.len() + column * self.dense + row) as u32;
        }
        let start = self.starts[column as usize] as usize;
        let rows = &self.rows[start..self.starts[column as usize + 1] as usize];
        let found = rows.binary_search_by_key(&row_at, |&other| place[other as usize]);
        debug_assert!(found.is_ok(), "edge {row} is in column {column}");
        (start + found.unwrap_or(0)) as u32
    }

    /// Sets all weights and excesses to 0.
    pub fn clear(&mut self) {
        self.values.fill(0.0);
        self.excess.fill(0.0);
    }

    /// Adds to an edge's weight.
    pub fn add_weight(&mut self, edge: usize, weight: f64) {
        self.values[self.slots[edge] as usize] += weight;
    }

    /// Adds to a node's excess.
    pub fn add_excess(&mut self, node: usize, excess: f64) {
        self.excess[node] += excess;
    }

    /// Replaces `x` by the solution; 0 at a node without any weight or excess. Uses the weights up.
    pub fn solve(&mut self, x: &mut [f64]) {
        let core = self.starts.len() - 1;
        let (sparse, block) = self.values.split_at_mut(self.rows.len());
        let mut targets = self.targets.iter();
        for column in 0..core {
            let node = self.order[column] as usize;
            let range = self.starts[column] as usize..self.starts[column + 1] as usize;
            let rows = &self.rows[range.clone()];
            let pivot = self.excess[node] + sparse[range.clone()].iter().sum::<f64>();
            let inverse = if pivot > 0.0 { 1.0 / pivot } else { 0.0 };
            self.pivots[node] = inverse;
            let (carried_x, carried) = (x[node], self.excess[node]);
            let edge = self.rows.len();
            for (at, &row) in rows.iter().enumerate() {
                let share = sparse[range.start + at] * inverse;
                x[row as usize] += share * carried_x;
                self.excess[row as usize] += share * carried;
                for other in range.start + at + 1..range.end {
                    let Some(&target) = targets.next() else { break };
                    let added = share * sparse[other];
                    match (target as usize).checked_sub(edge) {
                        Some(target) => block[target] += added,
                        None => sparse[target as usize] += added,
                    }
                }
            }
        }
        let rest = &self.order[core..];
        let mut excess: Vec<f64> = rest.iter().map(|&node| self.excess[node as usize]).collect();
        let mut dense_x: Vec<f64> = rest.iter().map(|&node| x[node as usize]).collect();
        solve_dense(block, &mut excess, &mut dense_x);
        for (&node, &value) in rest.iter().zip(&dense_x) {
            x[node as usize] = value;
        }
        for column in (0..core).rev() {
            let node = self.order[column] as usize;
            let range = self.starts[column] as usize..self.starts[column + 1] as usize;
            let carried: f64 = self.rows[range.clone()]
                .iter()
                .zip(&sparse[range])
                .map(|(&row, v)| v * x[row as usize])
                .sum();
            x[node] = (x[node] + carried) * self.pivots[node];
        }
    }
}

/// The same for a dense block, stored by columns of which only the part below the diagonal is used.
fn solve_dense(block: &mut [f64], excess: &mut [f64], x: &mut [f64]) {
    let size = x.len();
    let mut inverses = vec![0.0; size];
    for column in 0..size {
        let (done, later) = block.split_at_mut((column + 1) * size);
        let weights = &done[column * size + column + 1..];
        let pivot = excess[column] + weights.iter().sum::<f64>();
        let inverse = if pivot > 0.0 { 1.0 / pivot } else { 0.0 };
        inverses[column] = inverse;
        let (carried_x, carried) = (x[column] * inverse, excess[column] * inverse);
        for (at, &weight) in weights.iter().enumerate() {
            let row = column + 1 + at;
            x[row] += weight * carried_x;
            excess[row] += weight * carried;
            let share = weight * inverse;
            let start = at * size + row + 1;
            let end = (at + 1) * size;
            for (target, &other) in later[start..end].iter_mut().zip(&weights[at + 1..]) {
                *target += share * other;
            }
        }
    }
    for column in (0..size).rev() {
        let weights = &block[column * size + column + 1..(column + 1) * size];
        let carried: f64 = weights.iter().zip(&x[column + 1..]).map(|(weight, x)| weight * x).sum();
        x[column] = (x[column] + carried) * inverses[column];
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "these values are exact")]
mod tests {
    use super::*;

    /// Numbers of widely different sizes from a multiplicative sequence.
    fn numbers(count: usize, spread: i32) -> Vec<f64> {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / f64::from(1_u32 << 24)
        };
        (0..count).map(|_| (0.1 + next()) * 10_f64.powf(f64::from(spread) * (next() - 0.5))).collect()
    }

    fn check(nodes: u32, edges: &[(u32, u32)], dense: bool) {
        let mut laplacian = Laplacian::default();
        laplacian.analyse(nodes as usize, edges.iter().copied());
        assert_eq!(laplacian.dense > 3, dense, "{} of {nodes} nodes are dense", laplacian.dense);
        let weights = numbers(edges.len(), 20);
        let excess = numbers(nodes as usize, 20);
        // What the matrix makes of a positive vector is found again to rounding, whatever the spread:
        // nothing cancels if it is positive, too.
        let right = numbers(nodes as usize, 2);
        for _ in 0..2 {
            laplacian.clear();
            for (edge, &weight) in weights.iter().enumerate() {
                laplacian.add_weight(edge, weight);
            }
            for (node, &excess) in excess.iter().enumerate() {
                laplacian.add_excess(node, excess);
            }
            let mut x = right.clone();
            laplacian.solve(&mut x);
            let mut rest: Vec<f64> = x.iter().zip(&excess).map(|(x, excess)| x * excess).collect();
            let mut size = rest.clone();
            for (&(one, other), weight) in edges.iter().zip(&weights) {
                let flow = weight * (x[one as usize] - x[other as usize]);
                let rounding = weight * (x[one as usize] + x[other as usize]);
                for (node, flow) in [(one, flow), (other, -flow)] {
                    rest[node as usize] += flow;
                    size[node as usize] += rounding;
                }
            }
            for ((rest, right), size) in rest.iter().zip(&right).zip(&size) {
                assert!((rest - right).abs() <= 1e-13 * (size + right), "{rest} {right}");
            }
        }
    }

    #[test]
    fn solutions_solve_stars_trees_rings_and_dense_graphs() {
        let star: Vec<_> = (1..40).map(|node| (0, node)).collect();
        let tree: Vec<_> = (1..60).map(|node| (node, node / 2)).collect();
        let ring: Vec<_> = (0..50).map(|node| (node, (node + 1) % 50)).collect();
        let grid: Vec<_> = (0..90).flat_map(|node| [(node, node + 10), (node, (node + 1) % 100)]).collect();
        let all: Vec<_> = (0..12).flat_map(|one| (0..one).map(move |other| (one, other))).collect();
        let mixed: Vec<_> = all.iter().copied().chain((12..30).map(|node| (node, node % 12))).collect();
        check(40, &star, false);
        check(60, &tree, false);
        check(50, &ring, false);
        check(100, &grid, true);
        check(12, &all, true);
        check(30, &mixed, true);
        check(2, &[(0, 1), (1, 0), (0, 1)], false);
    }

    #[test]
    fn nodes_without_weight_stay_where_they_are() {
        let mut laplacian = Laplacian::default();
        laplacian.analyse(4, [(0, 1), (2, 3)].into_iter());
        laplacian.clear();
        laplacian.add_weight(0, 2.0);
        laplacian.add_excess(0, 1.0);
        let mut x = [3.0, 0.0, 0.0, 5.0];
        laplacian.solve(&mut x);
        assert_eq!(x, [3.0, 3.0, 0.0, 0.0]);
    }
}
