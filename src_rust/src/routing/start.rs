//! Which mints and pools can matter, and prices to begin with.

#![expect(clippy::cast_possible_truncation, reason = "mints and pools are counted in 32 bits")]

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::network::Network;

/// A mint that is not part of the problem.
pub(super) const NONE: u32 = u32::MAX;

/// A pool both of whose mints are worth something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub pool: u32,
    /// Its mints, by node.
    pub nodes: [u32; 2],
}

/// A mint that was reached, by how much value the shallowest pool on the way can give.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Reached {
    depth: f64,
    price: f64,
    mint: u32,
}

impl Eq for Reached {}

impl Ord for Reached {
    fn cmp(&self, other: &Self) -> Ordering {
        self.depth.total_cmp(&other.depth).then(other.mint.cmp(&self.mint))
    }
}

impl PartialOrd for Reached {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The part of a network that an objective can use.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach {
    /// Node of each mint, or [`NONE`].
    pub nodes: Vec<u32>,
    pub mints: Vec<u32>,
    /// First prices, by node.
    pub prices: Vec<f64>,
    pub links: Vec<Link>,
    starts: Vec<u32>,
    /// Pools of each mint.
    pools: Vec<u32>,
    queue: BinaryHeap<Reached>,
    /// By mint: depth of the widest path that was found.
    widest: Vec<f64>,
}

impl Reach {
    /// Walks from the mints of value against the direction of swaps, by widest paths. A
    /// mint that cannot be turned into value is not reached: it is worth nothing.
    pub fn explore(&mut self, network: &Network, values: &[f64]) {
        self.index_pools(network);
        self.nodes.clear();
        self.nodes.resize(values.len(), NONE);
        self.widest.clear();
        self.widest.resize(values.len(), 0.0);
        self.mints.clear();
        self.prices.clear();
        self.queue.clear();
        for (mint, &price) in values.iter().enumerate() {
            if price > 0.0 {
                self.queue.push(Reached { depth: f64::INFINITY, price, mint: mint as u32 });
            }
        }
        while let Some(Reached { depth, price, mint }) = self.queue.pop() {
            if self.nodes[mint as usize] != NONE {
                continue;
            }
            self.nodes[mint as usize] = self.mints.len() as u32;
            self.mints.push(mint);
            self.prices.push(price);
            for &number in
                &self.pools[self.starts[mint as usize] as usize..self.starts[mint as usize + 1] as usize]
            {
                let pool = &network.pools()[number as usize];
                // The direction that gives `mint`.
                let (side, other) =
                    if pool.mints[0] == mint { (1, pool.mints[1]) } else { (0, pool.mints[0]) };
                let (rate, back) = (pool.rates[side], pool.rates[1 - side]);
                if rate == 0.0 || self.nodes[other as usize] != NONE {
                    continue;
                }
                let middle = if back > 0.0 { (rate / back).sqrt() } else { rate };
                let other_price = price * middle;
                let depth = depth.min(price * pool.capacities[side]);
                let widest = &mut self.widest[other as usize];
                if depth > *widest && other_price > 0.0 && other_price.is_finite() {
                    *widest = depth;
                    self.queue.push(Reached { depth, price: other_price, mint: other });
                }
            }
        }
        self.collect_links(network);
    }

    fn index_pools(&mut self, network: &Network) {
        self.starts.clear();
        self.starts.resize(network.mint_count() + 1, 0);
        for pool in network.pools() {
            for mint in pool.mints {
                self.starts[mint as usize + 1] += 1;
            }
        }
        for mint in 0..network.mint_count() {
            self.starts[mint + 1] += self.starts[mint];
        }
        self.pools.resize(2 * network.pool_count(), 0);
        for (number, pool) in network.pools().iter().enumerate() {
            for mint in pool.mints {
                // Moves each start to its end; put back below.
                let at = &mut self.starts[mint as usize];
                self.pools[*at as usize] = number as u32;
                *at += 1;
            }
        }
        self.starts.rotate_right(1);
        self.starts[0] = 0;
    }

    fn collect_links(&mut self, network: &Network) {
        self.links.clear();
        for (number, pool) in network.pools().iter().enumerate() {
            let nodes = pool.mints.map(|mint| self.nodes[mint as usize]);
            if nodes.contains(&NONE) || pool.rates.iter().all(|rate| *rate <= 0.0) {
                continue;
            }
            self.links.push(Link { pool: number as u32, nodes });
        }
    }
}
